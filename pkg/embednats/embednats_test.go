package embednats_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embednats/natstest"
)

func TestMain(m *testing.M) {
	// The server's own connection writers finish shortly after WaitForShutdown; goleak waits for them.
	goleak.VerifyTestMain(m)
}

func config(t *testing.T, dir string) embednats.Config {
	t.Helper()
	return embednats.Config{Dir: dir, Addr: "127.0.0.1:0", Token: "t0ken", Log: slog.New(slog.DiscardHandler)}
}

func TestStoredMessagesAreThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	publish := func(want uint64) {
		server, err := embednats.Start(t.Context(), config(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Stop()
		conn, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(t.Context(), "s", nil)
		if err != nil {
			t.Fatal(err)
		}
		if ack.Sequence != want {
			t.Errorf("got sequence %d, want %d", ack.Sequence, want)
		}
	}
	publish(1)
	publish(2)
}

// Whoever starts the product must be able to believe its warnings.
func TestAStartWarnsOfNothing(t *testing.T) {
	var said strings.Builder
	cfg := config(t, t.TempDir())
	cfg.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := embednats.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if said.Len() > 0 {
		t.Error(said.String())
	}
}

func TestASecondServerInTheSameFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, err := embednats.Start(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embednats.Start(t.Context(), config(t, dir)); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v", err)
	}
	first.Stop()
	again, err := embednats.Start(t.Context(), config(t, dir))
	if err != nil {
		t.Fatalf("the folder is not free after Stop: %v", err)
	}
	again.Stop()
}

func TestBadSettingsAreRefusedInWords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy, _ := natstest.Start(t)
	for name, tt := range map[string]struct {
		change func(*embednats.Config)
		want   string
	}{
		"relative folder":    {func(c *embednats.Config) { c.Dir = "data" }, "not an absolute path"},
		"a file as a folder": {func(c *embednats.Config) { c.Dir = file }, "create the event store"},
		"no token":           {func(c *embednats.Config) { c.Token = "" }, "needs a token"},
		"no log":             {func(c *embednats.Config) { c.Log = nil }, "needs a log"},
		"busy port":          {func(c *embednats.Config) { c.Addr = busy.Addr() }, "address already in use"},
		"no port":            {func(c *embednats.Config) { c.Addr = "127.0.0.1" }, "is not host:port"},
		"a consumer's name with a wildcard": {func(c *embednats.Config) {
			c.Consumers = []embednats.Consumer{{Name: "a.*", Password: "p", Stream: "PHOTOS"}}
		}, "cannot be called"},
		"a consumer with the services' name": {func(c *embednats.Config) {
			c.Consumers = []embednats.Consumer{{Name: "filmgate", Password: "p", Stream: "PHOTOS"}}
		}, "the services' own name"},
		"two consumers of one name": {func(c *embednats.Config) {
			c.Consumers = []embednats.Consumer{{Name: "a", Password: "p", Stream: "PHOTOS"}, {Name: "a", Password: "q", Stream: "PHOTOS"}}
		}, "two consumers are called"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, t.TempDir())
			tt.change(&cfg)
			server, err := embednats.Start(t.Context(), cfg)
			if err == nil {
				server.Stop()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestConnectNeedsTheToken(t *testing.T) {
	server, _ := natstest.Start(t)
	if _, err := nats.Connect("nats://" + server.Addr()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("without a token: got %v", err)
	}
	conn, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestAConsumerPullsItsStreamAndDoesNothingElse(t *testing.T) {
	server, services := natstest.Start(t, embednats.Consumer{Name: "shop", Password: "secret", Stream: "PHOTOS"})
	own, err := jetstream.New(services)
	if err != nil {
		t.Fatal(err)
	}
	for stream, subject := range map[string]string{"PHOTOS": "filmgate.photos.>", "FILES": "filmgate.files.>"} {
		if _, err := own.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // as at every start
		if err := server.CreateConsumers(t.Context(), own); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := own.CreateConsumer(t.Context(), "PHOTOS", jetstream.ConsumerConfig{Durable: "somebody-else"}); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"filmgate.photos.1", "filmgate.photos.2", "filmgate.files.1"} {
		if _, err := own.Publish(t.Context(), subject, []byte(subject)); err != nil {
			t.Fatal(err)
		}
	}

	conn, err := nats.Connect(server.ConsumerURL("shop"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), "PHOTOS", "shop")
	if err != nil {
		t.Fatalf("find its consumer: %v", err)
	}
	batch, err := consumer.Fetch(2, jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for msg := range batch.Messages() {
		got = append(got, msg.Subject()+"="+string(msg.Data()))
		if err := msg.DoubleAck(t.Context()); err != nil {
			t.Errorf("acknowledge: %v", err)
		}
	}
	if want := "filmgate.photos.1=filmgate.photos.1 filmgate.photos.2=filmgate.photos.2"; strings.Join(got, " ") != want {
		t.Errorf("pulled %v, want %s", got, want)
	}

	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	heard, err := conn.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	for name, forbidden := range map[string]func() error{
		"publish a photo":         func() error { _, err := js.Publish(soon(), "filmgate.photos.3", nil); return err },
		"publish a file":          func() error { _, err := js.Publish(soon(), "filmgate.files.2", nil); return err },
		"delete the stream":       func() error { return js.DeleteStream(soon(), "PHOTOS") },
		"purge":                   func() error { return requestOK(conn, "STREAM.PURGE.PHOTOS") },
		"see FILES":               func() error { _, err := js.Stream(soon(), "FILES"); return err },
		"read FILES directly":     func() error { return requestOK(conn, "DIRECT.GET.FILES.filmgate.files.1") },
		"read FILES at its head":  func() error { return requestOK(conn, "STREAM.MSG.GET.FILES") },
		"create a consumer":       func() error { _, err := js.CreateConsumer(soon(), "PHOTOS", jetstream.ConsumerConfig{}); return err },
		"create one on FILES":     func() error { _, err := js.CreateConsumer(soon(), "FILES", jetstream.ConsumerConfig{}); return err },
		"use another's consumer":  func() error { _, err := js.Consumer(soon(), "PHOTOS", "somebody-else"); return err },
		"delete its own consumer": func() error { return js.DeleteConsumer(soon(), "PHOTOS", "shop") },
		"list the streams":        func() error { return requestOK(conn, "STREAM.NAMES") },
	} {
		if forbidden() == nil {
			t.Errorf("a consumer can %s", name)
		}
	}
	if info, err := own.Stream(t.Context(), "PHOTOS"); err != nil || info.CachedInfo().State.LastSeq != 2 {
		t.Errorf("PHOTOS changed: %v", err)
	}
	// What the services say among themselves, replies included, is not heard in the consumer's account.
	if _, err := own.Publish(t.Context(), "filmgate.files.3", nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		msg, err := heard.NextMsg(50 * time.Millisecond)
		if err != nil {
			break
		}
		if strings.HasPrefix(msg.Subject, "filmgate.files") && len(msg.Reply) == 0 {
			t.Errorf("overheard %s", msg.Subject)
		}
	}
}

// requestOK asks the services' API under both of its names. A refusal in words is a refusal.
func requestOK(conn *nats.Conn, request string) error {
	for _, prefix := range []string{"$JS.API.", "$JS.filmgate.API."} {
		msg, err := conn.Request(prefix+request, []byte(`{"seq":1}`), 200*time.Millisecond)
		if err == nil && !bytes.Contains(msg.Data, []byte(`"error":`)) {
			return nil
		}
	}
	return errors.New("refused")
}
