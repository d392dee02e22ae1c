package access_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/provision"
	albummapper "filmgate.dev/services/album-mapper"
	"filmgate.dev/services/all-in-one/internal/access"
	"filmgate.dev/services/processing"
)

// source is this folder: the S3 server of a later test changes the working one.
var source, _ = filepath.Abs(".")

// bus is a real nats-server with Filmgate's users, each of whom has a key.
type bus struct {
	url   string
	seeds map[string]string // files
}

func start(t *testing.T) *bus {
	t.Helper()
	b := &bus{seeds: map[string]string{}}
	dir := t.TempDir()
	for _, u := range access.Users() {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		seed, err := pair.Seed()
		if err != nil {
			t.Fatal(err)
		}
		b.seeds[u.Name] = filepath.Join(dir, u.Name)
		if err := os.WriteFile(b.seeds[u.Name], seed, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(access.Variable("NKEY", u.Name), public)
	}
	opts := &server.Options{}
	if err := opts.ProcessConfigFile(filepath.Join(source, "..", "..", "..", "..", "deploy", "nats", "nkeys.conf")); err != nil {
		t.Fatal(err)
	}
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	opts.JetStream, opts.StoreDir = true, t.TempDir()
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server did not start")
	}
	b.url = s.ClientURL()
	return b
}

// as connects as a user, exactly as a service does; what the server refuses comes out of the channel.
func (b *bus) as(t *testing.T, user string) (*nats.Conn, <-chan error) {
	t.Helper()
	nc, err := events.Server{URL: b.url, NKey: b.seeds[user]}.Connect(user, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	refused := make(chan error, 64)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })
	for end := time.Now().Add(time.Minute); !nc.IsConnected(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s cannot connect: %v", user, nc.LastError())
		}
	}
	return nc, refused
}

// provisioned makes everything as the user provision.
func (b *bus) provisioned(t *testing.T) {
	t.Helper()
	nc, refused := b.as(t, "provision")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	p := provision.JetStream{JS: js}
	for range 2 {
		for _, want := range append(files.Streams(1), events.Streams(1)...) {
			if err := p.Stream(t.Context(), want); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range append(albummapper.Durables(), processing.Durable()) {
			if err := p.Consumer(t.Context(), c.Stream, c.Definition()); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Place(t.Context(), "PHOTOS", jetstream.ConsumerConfig{Durable: "listener", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
			t.Fatal(err)
		}
	}
	if len(refused) > 0 {
		t.Fatalf("provision was refused: %v", <-refused)
	}
}

// TestRestoreWritesAnew does what `filmgate rebuild` and `filmgate move` do with NATS: everything that was said elsewhere is said
// here again, by a user of its own. A second time it only compares.
func TestRestoreWritesAnew(t *testing.T) {
	ctx := t.Context()
	_, elsewhere := natstest.Start(t)
	from, err := jetstream.New(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	p := provision.JetStream{JS: from}
	for _, want := range append(files.Streams(1), events.Streams(1)...) {
		if err := p.Stream(ctx, want); err != nil {
			t.Fatal(err)
		}
	}
	lost, err := files.Open(elsewhere, files.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Class 1", "Class 2"} {
		if _, err := lost.Make(ctx, files.Entry{Job: files.Job{Account: "demo", ID: "01K00000000000000000000000"}, JobName: "JOB00001", Parent: files.Root, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"filmgate.photos.v1.demo.J.photo_ingested", "filmgate.work.v1.demo.J.picture", "filmgate.dlq.v1.FILES.mapper"} {
		if _, err := from.Publish(ctx, subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}

	b := start(t)
	b.provisioned(t)
	nc, refused := b.as(t, "restore")
	to, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := files.Restore(ctx, nc, 1, 2, lost.All(ctx)); n != 2 || err != nil {
			t.Errorf("%d entries, %v", n, err)
		}
		for _, stream := range []string{events.StreamPhotos, events.StreamDLQ, events.StreamWork} {
			if n, err := events.Copy(ctx, from, to, stream); n != 1 || err != nil {
				t.Errorf("%s: %d messages, %v", stream, n, err)
			}
		}
	}
	if len(refused) > 0 {
		t.Errorf("restore was refused: %v", <-refused)
	}
}

// TestNothingElse lets every user try what is not its work.
func TestNothingElse(t *testing.T) {
	b := start(t)
	b.provisioned(t)
	foreign := map[string][]string{ // said by each user, and refused
		"sftp-edge": {
			"filmgate.photos.v1.demo.J.photo_ingested", "filmgate.work.v1.demo.J.picture", "filmgate.work.v1.demo.J.done", "filmgate.hint.v1.demo.J", "filmgate.dlq.v1.FILES.mapper",
			"$JS.API.CONSUMER.MSG.NEXT.FILES.mapper", "$JS.API.CONSUMER.DELETE.FILES.mapper", "$JS.API.CONSUMER.CREATE.FILES.mapper", "$JS.ACK.FILES.mapper.1.1.1.1.0",
			"$JS.API.CONSUMER.CREATE.WORK.list-x", "$JS.API.CONSUMER.CREATE.PHOTOS.list-x", "$JS.API.STREAM.MSG.GET.PHOTOS",
		},
		"job-status": {
			"filmgate.photos.v1.demo.J.photo_ingested", "filmgate.files.v1.demo.J.f.root.x", "filmgate.work.v1.demo.J.picture", "filmgate.hint.v1.demo.J", "$KV.UPLOADS.x",
			"$JS.API.STREAM.INFO.FILES", "$JS.API.CONSUMER.CREATE.PHOTOS.x",
		},
		"album-mapper": {
			"filmgate.photos.v1.demo.J.job_created", "filmgate.work.v1.demo.J.done", "filmgate.progress.v1.demo.J", "filmgate.hint.v1.demo.jobs", "$KV.UPLOADS.x",
			"$JS.API.CONSUMER.DELETE.FILES.mapper", "$JS.API.CONSUMER.CREATE.FILES.mapper", "$JS.API.CONSUMER.MSG.NEXT.WORK.pictures", "$JS.API.CONSUMER.CREATE.WORK.x",
		},
		"processing": {
			"filmgate.work.v1.demo.J.picture", "filmgate.photos.v1.demo.J.photo_ingested", "filmgate.files.v1.demo.J.f.root.x", "$JS.API.CONSUMER.MSG.NEXT.WORK.mapper-done", "$JS.ACK.WORK.mapper-done.1.1.1.1.0",
			"$JS.API.CONSUMER.CREATE.WORK.pictures", "$JS.API.CONSUMER.CREATE.WORK.x", "$JS.API.STREAM.MSG.GET.FILES",
		},
		"studio":    {"filmgate.hint.v1.demo.J", "filmgate.progress.v1.demo.J", "$JS.API.STREAM.INFO.PHOTOS", "anything"},
		"provision": {"filmgate.files.v1.demo.J.f.root.x", "filmgate.photos.v1.demo.J.job_created", "$JS.API.STREAM.MSG.GET.FILES", "$JS.API.CONSUMER.MSG.NEXT.FILES.mapper", "$JS.API.STREAM.CREATE.OTHER", "$JS.API.CONSUMER.CREATE.FILES.other"},
		"restore":   {"$KV.UPLOADS.x", "filmgate.hint.v1.demo.J", "filmgate.progress.v1.demo.J", "$JS.API.STREAM.CREATE.OTHER", "$JS.API.CONSUMER.CREATE.FILES.mapper", "$JS.API.STREAM.MSG.GET.PHOTOS"},
		"smoke":     {"filmgate.photos.v1.smoke.J.photo_ingested", "$JS.API.STREAM.MSG.GET.FILES", "$JS.API.CONSUMER.CREATE.PHOTOS.x"},
	}
	for _, stream := range []string{"FILES", "KV_UPLOADS", "WORK", "PHOTOS", "DLQ"} {
		for user := range foreign {
			for _, verb := range []string{"STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.DELETE"} {
				foreign[user] = append(foreign[user], "$JS.API."+verb+"."+stream)
			}
			if user != "provision" && user != "restore" {
				foreign[user] = append(foreign[user], "$JS.API.STREAM.UPDATE."+stream, "$JS.API.STREAM.CREATE."+stream)
			}
		}
	}
	for user, subjects := range foreign {
		t.Run(user, func(t *testing.T) {
			nc, refused := b.as(t, user)
			for _, subject := range subjects {
				if err := nc.Publish(subject, []byte("x")); err != nil {
					t.Fatal(err)
				}
				expect(t, nc, refused, "Publish to "+subject)
			}
			// Everybody's answers, everybody's events, what studio alone may watch.
			for _, subject := range []string{"_INBOX.>", ">", "_INBOX.*.>", "_INBOX." + another(user) + ".>", "filmgate.files.>", "filmgate.work.>", "$JS.>", "$KV.>", "filmgate.photos.v1.demo.*.*"} {
				if _, err := nc.SubscribeSync(subject); err != nil {
					t.Fatal(err)
				}
				expect(t, nc, refused, "Subscription to "+subject)
			}
		})
	}
}

func another(user string) string {
	if user == "sftp-edge" {
		return "album-mapper"
	}
	return "sftp-edge"
}

// expect waits for the refusal: it stands before the answer to a flush.
func expect(t *testing.T, nc *nats.Conn, refused <-chan error, what string) {
	t.Helper()
	if err := nc.FlushTimeout(time.Minute); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-refused:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(30 * time.Second):
		t.Errorf("%s was not refused", what)
	}
}

// TestAListenerPullsOnly holds another team's program to its own consumer.
func TestAListenerPullsOnly(t *testing.T) {
	b := start(t)
	b.provisioned(t)
	mapper, _ := b.as(t, "album-mapper")
	said, err := jetstream.New(mapper)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := said.Publish(t.Context(), "filmgate.photos.v1.demo.J.photo_ingested", []byte("x")); err != nil {
		t.Fatal(err)
	}
	nc, _ := b.as(t, "listener")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), "PHOTOS", "listener")
	if err != nil {
		t.Fatal(err)
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(30 * time.Second))
	if err != nil || string(m.Data()) != "x" {
		t.Fatalf("it hears nothing: %v", err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	// In an account of its own nothing else is there.
	for _, subject := range []string{
		"$JS.API.STREAM.DELETE.PHOTOS", "$JS.API.STREAM.PURGE.PHOTOS", "$JS.API.STREAM.INFO.FILES", "$JS.API.CONSUMER.CREATE.PHOTOS.x", "$JS.API.CONSUMER.DELETE.PHOTOS.listener",
		"$JS.API.CONSUMER.MSG.NEXT.PHOTOS.mapper-jobs", "$JS.API.STREAM.MSG.GET.FILES",
	} {
		reply, err := nc.Request(subject, nil, 5*time.Second)
		if err == nil && !strings.Contains(string(reply.Data), "not enabled") {
			t.Errorf("%s was answered: %s", subject, reply.Data)
		}
	}
	before := messages(t, said)
	if err := nc.Publish("filmgate.photos.v1.demo.J.photo_ingested", []byte("forged")); err != nil {
		t.Fatal(err)
	}
	// The answer to a pull cannot be led onto a subject of the services' account either.
	if _, err := said.Publish(t.Context(), "filmgate.photos.v1.demo.J.photo_ingested", []byte("y")); err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.PHOTOS.listener", "filmgate.files.v1.demo.J.f.root.x", []byte(`{"batch":1,"no_wait":true}`)); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := said.Publish(t.Context(), "filmgate.photos.v1.demo.J.photo_ingested", []byte("z")); err != nil { // behind all that
		t.Fatal(err)
	}
	if now := messages(t, said); now != before+3 {
		t.Errorf("PHOTOS has %d messages, and had %d", now, before)
	}
	if _, err := nc.Request("$JS.API.STREAM.INFO.PHOTOS", nil, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if reply, err := mapper.Request("$JS.API.STREAM.INFO.FILES", nil, 30*time.Second); err != nil || !strings.Contains(string(reply.Data), `"messages":0`) {
		t.Errorf("FILES has something: %v %s", err, reply.Data)
	}
}

func messages(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	ack, err := js.Publish(t.Context(), "filmgate.photos.v1.demo.J.photo_ingested", []byte("count"))
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence - 1
}
