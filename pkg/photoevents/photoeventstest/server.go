// Package photoeventstest gives a test a real event server with Filmgate's public stream, and events to publish there.
package photoeventstest

import (
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/photoevents"
)

const (
	readyWithin = 30 * time.Second
	password    = "test"
)

// Server is an event server inside the test's process.
type Server struct {
	opts     *server.Options
	nats     *server.Server
	filmgate *nats.Conn
}

// Start runs a server for the length of the test. It listens on a free port of 127.0.0.1.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{opts: &server.Options{
		ServerName: "photoeventstest", Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		Users: []*server.User{
			{Username: "filmgate", Password: password},
			{Username: "consumer", Password: password, Permissions: consumerOnly()},
		},
	}}
	s.listen(t)
	t.Cleanup(func() {
		s.filmgate.Close()
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	})
	s.opts.Port = s.nats.Addr().(*net.TCPAddr).Port // for Restart
	s.filmgate = s.dial(t, "filmgate")
	js, err := jetstream.New(s.filmgate)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: photoevents.Stream, Subjects: []string{"filmgate.photos.v1.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// consumerOnly is what another team's program may do: keep a place in the stream, pull and acknowledge, and nothing else.
func consumerOnly() *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"$JS.API.STREAM.INFO.PHOTOS",
			"$JS.API.CONSUMER.INFO.PHOTOS.>",
			"$JS.API.CONSUMER.CREATE.PHOTOS.>",
			"$JS.API.CONSUMER.DURABLE.CREATE.PHOTOS.>",
			"$JS.API.CONSUMER.MSG.NEXT.PHOTOS.>",
			"$JS.ACK.PHOTOS.>",
			"$JS.ACK.*.*.PHOTOS.>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

func (s *Server) listen(t testing.TB) {
	t.Helper()
	var err error
	if s.nats, err = server.NewServer(s.opts); err != nil {
		t.Fatal(err)
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(readyWithin) {
		t.Fatal("the event server did not start")
	}
}

// URL is where a program with consumer-only rights connects.
func (s *Server) URL() string { return s.url("consumer") }

func (s *Server) url(user string) string {
	u := url.URL{Scheme: "nats", Host: s.nats.Addr().String(), User: url.UserPassword(user, password)}
	return u.String()
}

// Connect answers a connection with consumer-only rights, closed when the test ends.
func (s *Server) Connect(t testing.TB) *nats.Conn {
	t.Helper()
	return s.dial(t, "consumer")
}

func (s *Server) dial(t testing.TB, user string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.url(user), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// Restart stops the server and starts it again, on the same port with the same events.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	s.listen(t)
}

// Publish says events as Filmgate does. The same id twice is one event.
func (s *Server) Publish(t testing.TB, events ...photoevents.Event) {
	t.Helper()
	js, err := jetstream.New(s.filmgate)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		data, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		kind := strings.ReplaceAll(string(event.Kind()), ".", "_")
		msg := &nats.Msg{Subject: "filmgate.photos.v1." + event.Account + ".01KH3V6D8N0000000000000JOB." + kind, Data: data, Header: nats.Header{
			"Content-Type":        {"application/cloudevents+json"},
			jetstream.MsgIDHeader: {event.ID},
		}}
		s.publish(t, js, msg)
	}
}

// publish waits for a server that was just restarted.
func (s *Server) publish(t testing.TB, js jetstream.JetStream, msg *nats.Msg) {
	t.Helper()
	var err error
	for range 50 {
		if _, err = js.PublishMsg(t.Context(), msg); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// Given is how far the named consumer is: events it has been given and not answered, and events it has not been given.
func (s *Server) Given(t testing.TB, durable string) (unanswered, waiting int) {
	t.Helper()
	js, err := jetstream.New(s.filmgate)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), photoevents.Stream, durable)
	if err != nil {
		t.Fatal(err)
	}
	info := consumer.CachedInfo()
	return info.NumAckPending, int(info.NumPending)
}
