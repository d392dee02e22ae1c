package original

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/embeds3/s3test"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
)

func TestMain(m *testing.M) { s3test.Main(m) }

// stores are a bucket, a log and the originals in both.
func stores(t *testing.T) (*objects.Bucket, *files.Log, Store) {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	log, err := files.Open(nc, files.Config{})
	if err != nil {
		t.Fatal(err)
	}
	store := s3test.New(t)
	bucket, err := objects.Open(t.Context(), objects.Config{
		Endpoint: store.Endpoint, AccessKey: store.AccessKey, SecretKey: store.SecretKey, Bucket: store.Name, Region: store.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bucket.Close)
	return bucket, log, Store{Bucket: bucket, Uploads: log.Uploads(), Part: 8 << 20, Lease: time.Minute, Keep: time.Hour}
}

// Leases that expired while the log was away are not held against uploads that still run, here or elsewhere.
func TestTheSweepSparesWhatRuns(t *testing.T) {
	_, log, originals := stores(t)
	begin := func(upload string) *Original {
		o, err := originals.New(files.Record{Job: files.Job{Account: "demo", ID: "J1"}, Folder: "F1", Name: "a.jpg", Upload: upload}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.record.Lease = time.Now().Add(-time.Minute)
		if o.record, err = log.Uploads().Put(t.Context(), o.record); err != nil {
			t.Fatal(err)
		}
		return o
	}
	here, elsewhere := begin("HERE"), begin("ELSEWHERE")
	expired := elsewhere.record
	if err := elsewhere.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &Sweeper{Store: originals, Files: log, Log: slog.New(slog.DiscardHandler), Running: func() []*Original { return []*Original{here} }}
	if err := originals.GiveUp(t.Context(), expired); !fault.Is(err, fault.Conflict) { // as it was listed before it was renewed
		t.Error(err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, o := range []*Original{here, elsewhere} {
		if _, err := o.parts.Parts(t.Context()); err != nil {
			t.Errorf("the parts of %s: %v", o.record.Upload, err)
		}
	}
	// Stored, with its answer lost: the lease is renewed all the same.
	stored, err := log.Uploads().Put(t.Context(), here.record)
	if err != nil {
		t.Fatal(err)
	}
	if err := here.Renew(t.Context()); err != nil || here.record.Revision <= stored.Revision {
		t.Errorf("renewed as %+v, %v", here.record, err)
	}
	// A renewal that comes late brings nothing back.
	gone := begin("GONE")
	if err := gone.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := gone.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, err := log.Uploads().All(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("records: %+v, %v", all, err)
	}
	s.Running = func() []*Original { return nil }
	left := begin("LEFT")
	for range 2 { // seen once, ended when nothing has changed
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := left.parts.Parts(t.Context()); !fault.Is(err, fault.NotFound) {
		t.Errorf("the parts of what was left behind: %v", err)
	}
	if err := left.Renew(t.Context()); err == nil {
		t.Error("what was swept was renewed")
	}
	if all, err := log.Uploads().All(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("records: %+v, %v", all, err)
	}
}
