package events_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/events/eventstest"
)

func TestAStrangerPullsThroughAConsumerMadeForIt(t *testing.T) {
	server, nc := natstest.Start(t, embednats.Consumer{Name: "shop", Password: "secret", Stream: events.StreamPhotos})
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{}
	say := func(kind events.Type) {
		t.Helper()
		env, err := eventstest.Sample(kind)
		if err != nil {
			t.Fatal(err)
		}
		subject, err := events.PhotosSubject(env.Account, eventstest.JobID, kind)
		if err != nil {
			t.Fatal(err)
		}
		if err := events.Publish(t.Context(), js, subject, env); err != nil {
			t.Fatal(err)
		}
		sent[env.ID] = true
	}
	for _, k := range events.Kinds() {
		if k.Public {
			say(k.Type)
		}
	}
	for range 2 { // as at every start
		if err := server.CreateConsumers(t.Context(), js); err != nil {
			t.Fatal(err)
		}
	}

	stranger, err := nats.Connect(server.ConsumerURL("shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	theirs, err := jetstream.New(stranger)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := theirs.Consumer(t.Context(), events.StreamPhotos, "shop")
	if err != nil {
		t.Fatal(err)
	}
	for range len(sent) {
		msg, err := consumer.Next()
		if err != nil {
			t.Fatal(err)
		}
		env := eventstest.Valid(t, msg.Data())
		if !sent[env.ID] || msg.Headers().Get("Content-Type") != events.ContentType || msg.Headers().Get("Nats-Msg-Id") != env.ID {
			t.Errorf("heard %s with %v", env.ID, msg.Headers())
		}
		delete(sent, env.ID)
		if err := msg.DoubleAck(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
