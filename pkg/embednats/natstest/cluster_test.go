package natstest_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/embednats/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What was acknowledged by all three is there while one is away, and on that one when it is back.
func TestClusterKeepsWhatItAcknowledged(t *testing.T) {
	cluster := natstest.StartCluster(t)

	js, err := jetstream.New(cluster.Connect(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: natstest.Nodes}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	publish := func() {
		t.Helper()
		for {
			try, cancel := context.WithTimeout(ctx, time.Second) // its answer may be lost
			_, err := js.Publish(try, "s", nil)
			cancel()
			if err == nil {
				return
			}
			if ctx.Err() != nil {
				t.Fatal("nothing can be published:", err)
			}
		}
	}
	publish()
	leader := (cluster.Leader("S") + 1) % natstest.Nodes
	cluster.Lead("S", leader)
	cluster.Kill(leader)
	publish()
	cluster.Revive(leader)
	cluster.Kill((leader + 1) % natstest.Nodes)
	publish()
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n < 3 {
		t.Errorf("%d of 3 messages are there", n)
	}
}
