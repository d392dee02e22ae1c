package photoevents_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/photoevents"
	"filmgate.dev/pkg/photoevents/photoeventstest"
)

// words is what a program's operator reads.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// run consumes from url as a program does that waits for its server, until stop is called.
func run(t *testing.T, url string, opts ...nats.Option) (said *words, ended <-chan error, stop func()) {
	t.Helper()
	nc, err := nats.Connect(url, append([]nats.Option{
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	said = &words{}
	end := make(chan error, 1)
	go func() {
		end <- photoevents.Consumer{Durable: "someone-else", Log: slog.New(slog.NewTextHandler(said, nil))}.Run(ctx, nc)
	}()
	return said, end, stop
}

// saysAndGoesOn waits for the words, and sees to it that Run still ran then.
func saysAndGoesOn(t *testing.T, want string, said *words, ended <-chan error, stop func()) {
	t.Helper()
	waitFor(t, func() bool { return strings.Contains(said.String(), want) })
	stop()
	if err := receive(t, ended); err != nil {
		t.Errorf("Run gave up: %v", err)
	}
}

// A foreign program's account has no JetStream of its own, so that is all the server says of any consumer but the program's.
func TestAnothersDurableIsRefusedInWords(t *testing.T) {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(`accounts: {
  filmgate: { jetstream: enabled, users: [{ user: filmgate, password: test }] }
  my-shop: { users: [{ user: my-shop, password: test }] }
}`); err != nil {
		t.Fatal(err)
	}
	opts.Host, opts.Port = "127.0.0.1", server.RANDOM_PORT
	opts.JetStream, opts.StoreDir, opts.NoLog, opts.NoSigs = true, t.TempDir(), true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the event server did not start")
	}
	said, ended, stop := run(t, s.ClientURL(), nats.UserInfo("my-shop", "test"))
	saysAndGoesOn(t, "may not use the consumer someone-else, but only the durable consumer that was made for them", said, ended, stop)
}

func TestAServerThatIsAwayIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("waits", func(t *testing.T) {
		said, ended, stop := run(t, "nats://"+l.Addr().String())
		saysAndGoesOn(t, "the server cannot be reached", said, ended, stop)
	})
	t.Run("gives up", func(t *testing.T) {
		_, ended, _ := run(t, "nats://"+l.Addr().String(), nats.MaxReconnects(2))
		if err := receive(t, ended); err == nil || !strings.Contains(err.Error(), "the server cannot be reached") {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func TestRefusedCredentialsAreSaid(t *testing.T) {
	s := photoeventstest.Start(t)
	t.Run("closed for good", func(t *testing.T) {
		_, ended, _ := run(t, strings.Replace(s.URL(), ":test@", ":wrong@", 1))
		err := receive(t, ended)
		if !errors.Is(err, nats.ErrAuthorization) || !strings.Contains(err.Error(), "the server refused the credentials") {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Run("tried for ever", func(t *testing.T) {
		said, ended, stop := run(t, strings.Replace(s.URL(), ":test@", ":wrong@", 1), nats.IgnoreAuthErrorAbort())
		saysAndGoesOn(t, "the server refused the credentials", said, ended, stop)
	})
}
