package events_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
)

func provisioned(t *testing.T) jetstream.JetStream {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	return js
}

func said(t *testing.T, js jetstream.JetStream, name string) (lines []string) {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range stream.CachedInfo().State.LastSeq {
		m, err := stream.GetMsg(t.Context(), seq+1)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(m.Subject, " ", m.Header, " ", string(m.Data)))
	}
	return lines
}

func publish(t *testing.T, js jetstream.JetStream, subject string, n int) {
	t.Helper()
	for i := range n {
		m := &nats.Msg{Subject: subject, Data: fmt.Appendf(nil, "%d", i), Header: nats.Header{"Nats-Msg-Id": {fmt.Sprint(subject, i)}, "traceparent": {"00-1"}}}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCopyKeepsWhatWasSaid(t *testing.T) {
	from, to := provisioned(t), provisioned(t)
	if n, err := events.Copy(t.Context(), from, to, events.StreamPhotos); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	publish(t, from, "filmgate.photos.v1.demo.JOB1.photo_ingested", 600)
	want := said(t, from, events.StreamPhotos)
	for range 2 { // the second time finds everything there
		if n, err := events.Copy(t.Context(), from, to, events.StreamPhotos); n != 600 || err != nil {
			t.Fatal(n, err)
		}
		if got := said(t, to, events.StreamPhotos); !slices.Equal(got, want) {
			t.Fatalf("%d messages of %d came over as they were", len(got), len(want))
		}
	}
	publish(t, from, "filmgate.photos.v1.demo.JOB2.photo_ingested", 5) // as if the first try had been broken off here
	if n, err := events.Copy(t.Context(), from, to, events.StreamPhotos); n != 605 || err != nil || len(said(t, to, events.StreamPhotos)) != 605 {
		t.Fatal(n, err)
	}
	publish(t, to, "filmgate.photos.v1.other.JOB3.photo_ingested", 5)
	if _, err := events.Copy(t.Context(), from, to, events.StreamPhotos); !fault.Is(err, fault.Conflict) {
		t.Fatalf("a stream that lives: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := events.Copy(ended, from, to, events.StreamPhotos); err == nil {
		t.Fatal("what could not be read counts as copied")
	}
}

func TestCopyTakesOnlyWorkThatIsToBeDone(t *testing.T) {
	from, to := provisioned(t), provisioned(t)
	publish(t, from, "filmgate.work.v1.demo.JOB1.picture", 5)
	publish(t, from, "filmgate.work.v1.demo.JOB1.done", 3)
	consumer, err := from.CreateConsumer(t.Context(), events.StreamWork, jetstream.ConsumerConfig{
		Durable: "pictures", FilterSubject: "filmgate.work.v1.*.*.picture", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.Fetch(3)
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() { // the first two are done, the third is under way
		if string(m.Data()) != "2" {
			if err := m.DoubleAck(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := events.Copy(t.Context(), from, to, events.StreamWork); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	if got, want := said(t, to, events.StreamWork), said(t, from, events.StreamWork)[2:]; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
