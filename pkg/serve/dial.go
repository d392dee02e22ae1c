// Package serve runs a service's HTTP and gRPC servers until its context ends, and dials those of its peers.
//
// Errors cross a gRPC hop with their kind and words: handlers return fault errors and callers get fault errors back.
package serve

import (
	"context"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"filmgate.dev/pkg/fault"
)

// DialConfig says how to reach a peer.
type DialConfig struct {
	// Token is sent as bearer with every call that has none of its own. May be empty.
	Token string
	// TLS of the connection; nil = plaintext.
	TLS *Certificates
	// AllowPlaintext says explicitly that plaintext may leave this machine, such as inside a mesh that encrypts.
	AllowPlaintext bool
	// Options come last, for tests and in-process listeners.
	Options []grpc.DialOption

	handshakes *handshakes // nil without TLS
}

// Dial makes a connection to the target, "host:port". It does not wait for the peer: services start in any order.
func Dial(target string, c DialConfig) (*grpc.ClientConn, error) {
	creds := insecure.NewCredentials()
	switch {
	case c.TLS != nil:
		c.handshakes = newHandshakes(c.TLS, nil)
		creds = c.handshakes
	case !c.AllowPlaintext && !loopback(target):
		return nil, fault.New(fault.Invalid, "%s is not on this machine: give TLS certificates, or allow plaintext explicitly", target)
	}
	options := append([]grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithChainUnaryInterceptor(c.unary),
		grpc.WithChainStreamInterceptor(c.stream),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		// A peer that restarts is back within seconds; gRPC's default of up to two minutes would outlive it.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}, c.Options...)
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%q is not an address to dial", target)
	}
	return conn, nil
}

// unary adds the default token and turns the status into an error with a kind.
func (c DialConfig) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return c.fault(invoke(c.withToken(ctx), method, req, reply, cc, opts...))
}

// stream does the same for the stream's start and for every receive.
func (c DialConfig) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(c.withToken(ctx), desc, cc, method, opts...)
	if err != nil {
		return nil, c.fault(err)
	}
	return faultStream{s}, nil
}

// fault is fault.FromStatus, with the reason where nobody could be called because of a certificate.
func (c DialConfig) fault(err error) error {
	if c.handshakes != nil && status.Code(err) == codes.Unavailable {
		why := c.handshakes.refused.Load()
		if why != nil && !strings.Contains(err.Error(), "while dialing") { // then it came not even as far as a handshake
			return fault.Wrap(err, fault.Unavailable, "%s", *why)
		}
	}
	return fault.FromStatus(err)
}

func (c DialConfig) withToken(ctx context.Context) context.Context {
	if c.Token == "" {
		return ctx
	}
	if out, ok := metadata.FromOutgoingContext(ctx); ok && len(out.Get(authorizationKey)) > 0 {
		return ctx
	}
	return WithBearer(ctx, c.Token)
}

// faultStream turns the statuses of a stream into errors with a kind. io.EOF passes.
type faultStream struct{ grpc.ClientStream }

func (s faultStream) SendMsg(m any) error { return fault.FromStatus(s.ClientStream.SendMsg(m)) }

func (s faultStream) RecvMsg(m any) error { return fault.FromStatus(s.ClientStream.RecvMsg(m)) }

// loopback reports whether the target can only be on this machine.
func loopback(target string) bool {
	for _, scheme := range []string{"unix:", "unix-abstract:", "bufconn", "passthrough:///bufconn"} {
		if strings.HasPrefix(target, scheme) {
			return true
		}
	}
	for _, scheme := range []string{"dns:///", "passthrough:///"} {
		target = strings.TrimPrefix(target, scheme)
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
