package files_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestProvisionPatches(t *testing.T) {
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	// An older installation, with limits and an epoch of its own.
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: files.Stream, Subjects: []string{files.Subjects}, MaxMsgsPerSubject: 1, AllowDirect: true,
		MaxBytes: 1 << 20, Metadata: map[string]string{"filmgate-epoch": "7", "team": "photo"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "filmgate.files.v1.a.b.c", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time changes nothing
		if err := files.Provision(ctx, js, 1); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := js.Stream(ctx, files.Stream)
	if err != nil {
		t.Fatal(err)
	}
	info := stream.CachedInfo()
	cfg := info.Config
	if info.State.Msgs != 1 || cfg.MaxBytes != 1<<20 || cfg.Metadata["filmgate-epoch"] != "7" || cfg.Metadata["team"] != "photo" {
		t.Fatalf("something of the operator's was lost: %+v, %+v", cfg, info.State)
	}
	if cfg.AllowDirect || !cfg.AllowAtomicPublish || !cfg.AllowMsgTTL || !cfg.DenyDelete || cfg.DenyPurge || cfg.Discard != jetstream.DiscardNew ||
		cfg.MaxMsgsPerSubject != 1 || cfg.MaxMsgSize != 64<<10 || cfg.Storage != jetstream.FileStorage {
		t.Fatalf("not patched: %+v", cfg)
	}
	if _, err := js.KeyValue(ctx, "UPLOADS"); err != nil {
		t.Fatalf("UPLOADS is not a key-value bucket: %v", err)
	}
	if err := files.Provision(ctx, js, 0); !fault.Is(err, fault.Invalid) {
		t.Fatalf("0 replicas: %v", err)
	}
}

func TestTombstonesExpire(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	s.remove(photo)
	js, err := jetstream.New(s.nc)
	s.ok(err)
	stream, err := js.Stream(t.Context(), files.Stream)
	s.ok(err)
	m, err := stream.GetLastMsgForSubject(t.Context(), photo.Subject)
	s.ok(err)
	if ttl := m.Header.Get("Nats-TTL"); ttl != "720h0m0s" {
		t.Fatalf("a tombstone lives for %q", ttl)
	}
	m, err = stream.GetLastMsgForSubject(t.Context(), s.album.Subject)
	s.ok(err)
	if ttl := m.Header.Get("Nats-TTL"); ttl != "" {
		t.Fatalf("a folder lives for %q", ttl)
	}
}

func TestEpoch(t *testing.T) {
	s := begin(t)
	epoch, err := s.log.Epoch(t.Context())
	s.ok(err)
	if epoch != 1 {
		t.Fatalf("a new log has epoch %d", epoch)
	}
}
