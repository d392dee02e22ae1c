package serve_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
)

// replica answers with its name: in a list it is the only way to tell who answered.
type replica struct {
	grpc_health_v1.UnimplementedHealthServer
	name string
}

func (r replica) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	return nil, fault.New(fault.NotFound, "%s", r.name)
}

// startReplica serves on an address, ":0" of this machine for a free one, and answers it.
func startReplica(t *testing.T, name, address string, c *serve.Certificates) (at string, stop func()) {
	t.Helper()
	lis, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewGRPC(serve.GRPCConfig{TLS: c})
	grpc_health_v1.RegisterHealthServer(server, replica{name: name})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return lis.Addr().String(), stop
}

// answered calls until every wanted replica has answered and none else does.
func answered(t *testing.T, c grpc_health_v1.HealthClient, want ...string) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for missing := len(want); missing > 0; {
		seen := map[string]bool{}
		for range 4 * len(want) {
			err := ask(t.Context(), c, "who")
			if fault.Is(err, fault.Unavailable) { // a connection is being made, or breaks
				continue
			}
			seen[fault.Message(err)] = true
		}
		missing = len(want)
		for _, name := range want {
			if seen[name] {
				missing--
			}
		}
		if len(seen) > len(want) {
			missing = len(want)
		}
		if missing > 0 && time.Now().After(end) {
			t.Fatalf("answered: %v, wanted: %v", seen, want)
		}
	}
}

func TestReplicasTakeTurns(t *testing.T) {
	for name, certificates := range map[string]*serve.Certificates{"plaintext": nil, "TLS": load(t, newAuthority(t).files())} {
		t.Run(name, func(t *testing.T) {
			a, stopA := startReplica(t, "a", "127.0.0.1:0", certificates)
			b, _ := startReplica(t, "b", "127.0.0.1:0", certificates)
			conn, err := serve.Dial(a+", "+b, serve.DialConfig{TLS: certificates})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			client := grpc_health_v1.NewHealthClient(conn)
			answered(t, client, "a", "b")
			stopA()
			answered(t, client, "b")
			startReplica(t, "a again", a, certificates)
			answered(t, client, "a again", "b")
		})
	}
}

func TestBadListsAreRefused(t *testing.T) {
	for _, target := range []string{
		"127.0.0.1:1,", ",127.0.0.1:1", "127.0.0.1:1,127.0.0.1", "127.0.0.1:1,:2",
		"127.0.0.1:1,10.0.0.1:1", // plaintext would leave this machine
		strings.Repeat("127.0.0.1:1,", 64) + "127.0.0.1:1",
	} {
		conn, err := serve.Dial(target, serve.DialConfig{})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", target, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
}
