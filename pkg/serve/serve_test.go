package serve_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service answers by the name that is asked for.
type service struct {
	grpc_health_v1.UnimplementedHealthServer
	watching chan struct{}
}

func (s service) Check(ctx context.Context, req *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	switch req.GetService() {
	case "panic":
		panic("secret")
	case "gone":
		return nil, fault.New(fault.NotFound, "there is no such thing")
	case "who":
		return nil, fault.New(fault.Denied, "%s in %s", serve.BearerToken(ctx), serve.AccountName(ctx))
	}
	return &grpc_health_v1.HealthCheckResponse{}, nil
}

// Watch ends only with its caller, which is what a server that stops must get over.
func (s service) Watch(_ *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	close(s.watching)
	<-stream.Context().Done()
	return nil
}

func start(t *testing.T, c serve.DialConfig) (grpc_health_v1.HealthClient, service, func()) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := service{watching: make(chan struct{})}
	server := serve.NewGRPC(serve.GRPCConfig{MaxMessageBytes: 1024})
	grpc_health_v1.RegisterHealthServer(server, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	conn, err := serve.Dial(lis.Addr().String(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	stopped := false
	stop := func() {
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
	return grpc_health_v1.NewHealthClient(conn), s, stop
}

func ask(ctx context.Context, c grpc_health_v1.HealthClient, name string) error {
	_, err := c.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: name})
	return err
}

func TestErrorsCrossTheHop(t *testing.T) {
	c, _, _ := start(t, serve.DialConfig{})
	if err := ask(t.Context(), c, "fine"); err != nil {
		t.Error(err)
	}
	if err := ask(t.Context(), c, "gone"); !fault.Is(err, fault.NotFound) || fault.Message(err) != "there is no such thing" {
		t.Errorf("gone: %v", err)
	}
	if err := ask(t.Context(), c, "panic"); !fault.Is(err, fault.Internal) || strings.Contains(err.Error(), "secret") {
		t.Errorf("panic: %v", err)
	}
	if err := ask(t.Context(), c, strings.Repeat("x", 2000)); !fault.Is(err, fault.Invalid) {
		t.Errorf("too large: %v", err)
	}
}

func TestTokensAndAccounts(t *testing.T) {
	c, _, _ := start(t, serve.DialConfig{Token: "default"})
	for want, ctx := range map[string]context.Context{
		"default in ":     t.Context(),
		"default in demo": serve.WithAccount(t.Context(), "demo"),
		"own in ":         serve.WithBearer(t.Context(), "own"),
		"own in demo":     serve.WithBearer(serve.WithAccount(serve.WithBearer(t.Context(), "first"), "demo"), "own"),
	} {
		if got := fault.Message(ask(ctx, c, "who")); got != want {
			t.Errorf("the server sees %q, want %q", got, want)
		}
	}
}

func TestAServerStopsInSpiteOfItsStreams(t *testing.T) {
	c, s, stop := start(t, serve.DialConfig{})
	stream, err := c.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-s.watching
	stop()
	if _, err := stream.Recv(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the stream ended with %v", err)
	}
}

func TestPlaintextStaysOnThisMachine(t *testing.T) {
	for target, want := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "unix:/run/x": true, "dns:///localhost:1": true,
		"10.0.0.1:1": false, "job-status:9090": false, "127.0.0.1.example.com:1": false, "0.0.0.0:1": false,
	} {
		conn, err := serve.Dial(target, serve.DialConfig{})
		if got := err == nil; got != want {
			t.Errorf("%s: %v", target, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	conn, err := serve.Dial("10.0.0.1:1", serve.DialConfig{AllowPlaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestHTTPStopsInSpiteOfItsStreams(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.HTTP(ctx, lis, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			io.WriteString(w, "bye")
		}))
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://" + lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	stop()
	if said, err := io.ReadAll(answer.Body); string(said) != "bye" || err != nil {
		t.Errorf("the stream was cut: %q, %v", said, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReadiness(t *testing.T) {
	var r serve.Readiness
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, said := get("/readyz"); code != 200 || said != "ready" {
		t.Errorf("with nothing to check: %d %q", code, said)
	}
	r.Add("database", func(context.Context) error { return errors.New("dial 10.0.0.1: secret") })
	r.Add("bucket", func(context.Context) error { return nil })
	r.Add("nats", func(context.Context) error {
		return fault.Wrap(errors.New("secret"), fault.Unavailable, "NATS is away")
	})
	want := "not ready: database, nats\ndatabase: something went wrong on the server; the failure was logged\nnats: NATS is away"
	if code, said := get("/readyz"); code != 503 || said != want {
		t.Errorf("without a database: %d %q", code, said)
	}
	if code, _ := get("/healthz"); code != 200 {
		t.Errorf("health: %d", code)
	}
}

func TestAStopBeforeTheStartIsCleanToo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // whether the server or its end is first is not ours to say
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := serve.GRPC(ctx, lis, serve.NewGRPC(serve.GRPCConfig{})); err != nil {
			t.Fatal(err)
		}
		if lis, err = net.Listen("tcp", lis.Addr().String()); err != nil {
			t.Fatalf("the listener was left open: %v", err)
		}
		if err := serve.HTTP(ctx, lis, http.NotFoundHandler()); err != nil {
			t.Fatal(err)
		}
	}
}

// A listener that dies must not leave calls behind that nobody can stop: Watch ends with its connection.
func TestALostListenerEndsItsCalls(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := service{watching: make(chan struct{})}
	server := serve.NewGRPC(serve.GRPCConfig{})
	grpc_health_v1.RegisterHealthServer(server, s)
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(t.Context(), lis, server) }()
	conn, err := serve.Dial(lis.Addr().String(), serve.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-s.watching
	lis.Close()
	if err := <-done; err == nil {
		t.Error("a lost listener is no error")
	}
	if _, err := watch.Recv(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the watch ended with %v", err)
	}
}
