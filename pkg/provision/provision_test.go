package provision_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/provision"
)

func wanted() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "S", Subjects: []string{"filmgate.s.>"}, Storage: jetstream.FileStorage, MaxAge: time.Hour, MaxMsgSize: 1 << 10,
		MaxBytes: 64 << 20, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, Replicas: 1, AllowMsgTTL: true,
	}
}

// record is a provisioner whose words are kept.
func record(js jetstream.JetStream) (provision.JetStream, *[]provision.Change) {
	said := &[]provision.Change{}
	return provision.JetStream{JS: js, Tell: func(c provision.Change) { *said = append(*said, c) }}, said
}

func single(t *testing.T) jetstream.JetStream {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestAStreamIsMadeThenLeft(t *testing.T) {
	js := single(t)
	p, said := record(js)
	p.DryRun = true
	if err := p.Stream(t.Context(), wanted()); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Stream(t.Context(), "S"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Fatalf("a dry run made it: %v", err)
	}
	p.DryRun = false
	for range 2 {
		if err := p.Stream(t.Context(), wanted()); err != nil {
			t.Fatal(err)
		}
	}
	var did []provision.Did
	for _, c := range *said {
		did = append(did, c.Did)
	}
	if len(did) != 3 || did[0] != provision.Made || did[1] != provision.Made || did[2] != provision.Left {
		t.Fatalf("it said %v", *said)
	}
}

func TestAPatchIsSaidField(t *testing.T) {
	js := single(t)
	have := wanted()
	have.MaxAge, have.MaxBytes, have.Subjects = time.Minute, 1<<20, []string{"filmgate.old.>"}
	if _, err := js.CreateStream(t.Context(), have); err != nil {
		t.Fatal(err)
	}
	p, said := record(js)
	p.DryRun = true
	if err := p.Stream(t.Context(), wanted()); err != nil {
		t.Fatal(err)
	}
	const line = "changed  stream S: subjects [filmgate.old.>] → [filmgate.old.> filmgate.s.>], max_age 1m0s → 1h0m0s"
	if got := (*said)[0].String(); got != line {
		t.Errorf("got  %s\nwant %s", got, line)
	}
	stream, err := js.Stream(t.Context(), "S")
	if err != nil || stream.CachedInfo().Config.MaxAge != time.Minute {
		t.Fatalf("a dry run changed it: %v", err)
	}
	p.DryRun = false
	for range 2 {
		if err := p.Stream(t.Context(), wanted()); err != nil {
			t.Fatal(err)
		}
	}
	if len(*said) != 3 || (*said)[1].String() != line || (*said)[2].Did != provision.Left {
		t.Errorf("it said %v", *said)
	}
	stream, err = js.Stream(t.Context(), "S")
	if err != nil || stream.CachedInfo().Config.MaxBytes != 1<<20 {
		t.Errorf("the operator's size is gone: %v", err)
	}
}

func TestWhatWouldDestroyIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		have func(*jetstream.StreamConfig)
		word string
	}{
		"somebody else's": {func(c *jetstream.StreamConfig) { c.Subjects = []string{"orders.>"} }, "somebody else's"},
		"retention":       {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "will not delete it"},
		"storage":         {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "will not delete it"},
		"history":         {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, "will not delete the others"},
		"all history":     {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 0 }, "will not delete the others"},
		"sources": {func(c *jetstream.StreamConfig) {
			c.Sources = []*jetstream.StreamSource{{Name: "T"}}
		}, "filled from another stream"},
		"rewriting": {func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "filmgate.s.>", Destination: "filmgate.t.>"}
		}, "rewrites subjects"},
	} {
		t.Run(name, func(t *testing.T) {
			js := single(t)
			have := wanted()
			c.have(&have)
			if _, err := js.CreateStream(t.Context(), have); err != nil {
				t.Fatal(err)
			}
			p, said := record(js)
			err := p.Stream(t.Context(), wanted())
			if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.word) || len(*said) != 0 {
				t.Errorf("got %v, and it said %v", err, *said)
			}
		})
	}
}

func TestMoreReplicasThanServers(t *testing.T) {
	p, _ := record(single(t))
	want := wanted()
	want.Replicas = 3
	if err := p.Stream(t.Context(), want); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "set FILMGATE_NATS_REPLICAS=1") {
		t.Errorf("got %v", err)
	}
}

func TestReplicasAreRaisedAndNotLowered(t *testing.T) {
	cluster := natstest.StartCluster(t)
	js, err := jetstream.New(cluster.Connect(0))
	if err != nil {
		t.Fatal(err)
	}
	p, said := record(js)
	want := wanted()
	if err := p.Stream(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	want.Replicas = 3
	if err := p.Stream(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got := (*said)[1].String(); !strings.Contains(got, "num_replicas 1 → 3") {
		t.Errorf("it said %s", got)
	}
	if err := p.Stream(t.Context(), want); err != nil || (*said)[2].Did != provision.Left {
		t.Errorf("a third time: %v, %v", err, *said)
	}
	want.Replicas = 1
	if err := p.Stream(t.Context(), want); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "set FILMGATE_NATS_REPLICAS=3") {
		t.Errorf("fewer replicas: %v", err)
	}
}

func TestAConsumerKeepsItsPlace(t *testing.T) {
	js := single(t)
	p, said := record(js)
	if err := p.Stream(t.Context(), wanted()); err != nil {
		t.Fatal(err)
	}
	want := jetstream.ConsumerConfig{
		Durable: "c", FilterSubjects: []string{"filmgate.s.a"}, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second, MaxDeliver: 3, MaxAckPending: 10,
	}
	for range 2 {
		if err := p.Consumer(t.Context(), "S", want); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"filmgate.s.a", "filmgate.s.b"} {
		if _, err := js.Publish(t.Context(), subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	c, err := js.Consumer(t.Context(), "S", "c")
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	want.FilterSubjects = []string{"filmgate.s.a", "filmgate.s.b"}
	if err := p.Consumer(t.Context(), "S", want); err != nil {
		t.Fatal(err)
	}
	if got := (*said)[3].String(); got != "changed  consumer c of S: filter_subjects [filmgate.s.a] → [filmgate.s.a filmgate.s.b]" {
		t.Errorf("it said %s", got)
	}
	info, err := c.Info(t.Context())
	if err != nil || info.AckFloor.Stream != 1 {
		t.Errorf("its place is %+v, %v", info, err)
	}
	want.AckPolicy = jetstream.AckNonePolicy
	if err := p.Consumer(t.Context(), "S", want); !fault.Is(err, fault.Conflict) {
		t.Errorf("another acknowledgement: %v", err)
	}
}
