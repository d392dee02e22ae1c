package events_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
)

func jetStream(t *testing.T) jetstream.JetStream {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func config(t *testing.T, js jetstream.JetStream, name string) jetstream.StreamConfig {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().Config
}

func TestProvisionCreatesTheStreamsAndLeavesThemAlone(t *testing.T) {
	js := jetStream(t)
	for range 2 {
		if err := events.Provision(t.Context(), js, 1); err != nil {
			t.Fatal(err)
		}
	}
	for name, age := range map[string]time.Duration{"WORK": 7, "PHOTOS": 30, "DLQ": 90} {
		c := config(t, js, name)
		if c.MaxAge != age*24*time.Hour || c.Retention != jetstream.LimitsPolicy || c.Storage != jetstream.FileStorage || c.MaxBytes <= 0 || c.Duplicates < time.Hour {
			t.Errorf("%s is %+v", name, c)
		}
	}
	if c := config(t, js, "WORK"); c.Discard != jetstream.DiscardNew || c.MaxMsgSize != events.MaxMessage {
		t.Errorf("WORK is %+v", c)
	}
}

func TestProvisionPatchesWhatIsThere(t *testing.T) {
	js := jetStream(t)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "PHOTOS", Subjects: []string{"filmgate.photos.v0.>"}, MaxAge: time.Hour, MaxBytes: 10 << 30, MaxMsgSize: 1 << 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "filmgate.photos.v0.x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	c := config(t, js, "PHOTOS")
	if !slices.Contains(c.Subjects, "filmgate.photos.v0.>") || !slices.Contains(c.Subjects, events.AllPhotos) {
		t.Errorf("subjects are %v", c.Subjects)
	}
	if c.MaxAge != 30*24*time.Hour || c.MaxMsgSize != events.MaxMessage {
		t.Errorf("lower limits were not raised: %+v", c)
	}
	if c.MaxBytes != 10<<30 {
		t.Errorf("MaxBytes that an operator raised is %d now", c.MaxBytes)
	}
	stream, err := js.Stream(t.Context(), "PHOTOS")
	if err != nil || stream.CachedInfo().State.Msgs != 1 {
		t.Errorf("the messages are gone: %v", err)
	}
}

func TestProvisionDoesNotDeleteAStreamOfAnotherKind(t *testing.T) {
	js := jetStream(t)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "WORK", Subjects: []string{events.AllWork}, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	if c := config(t, js, "WORK"); c.Retention != jetstream.WorkQueuePolicy {
		t.Errorf("WORK was replaced: %+v", c)
	}
}

func eventTime(t *testing.T) time.Time {
	t.Helper()
	return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
}
