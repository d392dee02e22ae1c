package events_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
)

func TestReadiness(t *testing.T) {
	server, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	connected, provisioned := events.Connected(nc), events.Provisioned(nc, events.StreamWork, events.StreamPhotos)
	if err := connected(t.Context()); err != nil {
		t.Error(err)
	}
	if err := provisioned(t.Context()); fault.Message(err) != "WORK, PHOTOS are not there yet; filmgate provision makes them" {
		t.Error(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	unseen := events.Provisioned(nc, events.StreamDLQ)
	if err := provisioned(t.Context()); err != nil {
		t.Error(err)
	}
	server.Stop()
	for end := time.Now().Add(time.Minute); connected(t.Context()) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody noticed that NATS is away")
		}
	}
	if err := provisioned(t.Context()); err != nil {
		t.Errorf("what was seen is asked for again: %v", err)
	}
	if err := unseen(t.Context()); fault.Message(err) != "they cannot be asked for: NATS is away" {
		t.Error(err)
	}
}
