package serve

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"filmgate.dev/pkg/fault"
)

// Answers is a readiness check: the peer answers calls. It asks for its health, and any answer will do, also that it knows
// no such question. Once it answered it is asked no more: while it is away later this service says so itself, in better
// words than a balancer that has nobody left.
func Answers(peer *grpc.ClientConn) func(context.Context) error {
	var answered atomic.Bool
	return func(ctx context.Context) error {
		if answered.Load() {
			return nil
		}
		err := peer.Invoke(ctx, grpc_health_v1.Health_Check_FullMethodName, new(grpc_health_v1.HealthCheckRequest), new(grpc_health_v1.HealthCheckResponse))
		if fault.Is(err, fault.Unavailable) {
			return err
		}
		answered.Store(true)
		return nil
	}
}
