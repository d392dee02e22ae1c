package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"filmgate.dev/pkg/fault"
)

// grace is how long a server that stops waits for what it has begun.
const grace = 4 * time.Second

// GRPCConfig is what a gRPC server needs.
type GRPCConfig struct {
	Log *slog.Logger
	// MaxMessageBytes bounds a message in both directions; 0 = 4 MiB.
	MaxMessageBytes int
	// MaxStreams bounds the concurrent calls of one connection; 0 = 4096, as one edge watches once per SFTP user.
	MaxStreams uint32
	// TLS of the listener; nil = plaintext.
	TLS *Certificates
	// Options come last.
	Options []grpc.ServerOption
}

// NewGRPC makes a server whose handlers return fault errors. A handler that panics answers Internal and is logged.
func NewGRPC(c GRPCConfig) *grpc.Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 4 << 20
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = 4096
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(c.MaxMessageBytes),
		grpc.MaxSendMsgSize(c.MaxMessageBytes),
		grpc.MaxConcurrentStreams(c.MaxStreams),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.ChainUnaryInterceptor(c.unary),
		grpc.ChainStreamInterceptor(c.stream),
	}
	if c.TLS != nil {
		options = append(options, grpc.Creds(newHandshakes(c.TLS, c.Log)))
	}
	return grpc.NewServer(append(options, c.Options...)...)
}

func (c GRPCConfig) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (reply any, err error) {
	defer c.finish(ctx, info.FullMethod, &err)
	return handle(ctx, req)
}

func (c GRPCConfig) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	defer c.finish(stream.Context(), info.FullMethod, &err)
	return handle(srv, stream)
}

// finish turns a panic into an error, logs what is our fault, and makes the status.
func (c GRPCConfig) finish(ctx context.Context, method string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
		c.Log.ErrorContext(ctx, "handler panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
	}
	if *err == nil {
		return
	}
	// A Send to a caller that left answers a status of the library's.
	switch fault.KindOf(fault.FromStatus(*err)) {
	case fault.Internal:
		c.Log.ErrorContext(ctx, "call failed", "method", method, "error", *err)
	case fault.Unavailable:
		if ctx.Err() == nil { // a caller that went away is nobody's failure
			c.Log.WarnContext(ctx, "call failed", "method", method, "error", *err)
		}
	default:
		c.Log.DebugContext(ctx, "call refused", "method", method, "error", *err)
	}
	*err = fault.ToStatus(*err)
}

// GRPC serves on the listener until ctx ends, then lets running calls finish within a bound. It closes the listener.
func GRPC(ctx context.Context, lis net.Listener, server *grpc.Server) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	select {
	case err := <-served:
		server.Stop() // connections outlive their listener
		return fmt.Errorf("serving gRPC on %s: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	// Streams that only end with their service would hold GracefulStop for ever.
	timer := time.AfterFunc(grace, server.Stop)
	defer timer.Stop()
	server.GracefulStop()
	// ErrServerStopped: ctx had ended before the server began.
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("stopping gRPC on %s: %w", lis.Addr(), err)
	}
	return nil
}
