package files_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestUploads(t *testing.T) {
	s := begin(t)
	ctx, uploads := t.Context(), s.log.Uploads()
	record := files.Record{
		Job: s.job, JobName: "JOB00001", Folder: s.album.ID, Name: "Ju\u0308rgen.jpg", Upload: "01U", State: files.UploadOpen,
		ObjectKey: "o/demo/J/01U", MultipartID: "m", Started: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
	}
	_, err := uploads.Get(ctx, record)
	s.is(err, fault.NotFound, "not found")
	first, err := uploads.Put(ctx, record)
	s.ok(err)
	_, err = uploads.Put(ctx, record)
	s.is(err, fault.Conflict, "the upload's record was changed by somebody else")

	partial := first
	partial.State, partial.Bytes, partial.Parts, partial.Sum = files.UploadPartial, 8<<20+5, 1, []byte("so far")
	partial.Tail = []files.Piece{{Number: 3, Bytes: 5, CRC32C: 7}}
	partial, err = uploads.Put(ctx, partial)
	s.ok(err)
	read, err := uploads.Get(ctx, record)
	s.ok(err)
	if !reflect.DeepEqual(read, partial) {
		t.Fatalf("read %+v, want %+v", read, partial)
	}
	s.is(uploads.Delete(ctx, first), fault.Conflict, "the upload's record was changed by somebody else")

	other := record
	other.Folder, other.Upload = "OTHER", "02U"
	other, err = uploads.Put(ctx, other)
	s.ok(err)
	for folder, want := range map[string][]files.Record{s.album.ID: {partial}, "OTHER": {other}, "NONE": nil, "": {partial, other}} {
		got, err := uploads.List(ctx, s.job, folder)
		s.ok(err)
		if len(got) != len(want) || len(want) == 1 && !reflect.DeepEqual(got, want) {
			t.Fatalf("folder %q holds %+v, want %+v", folder, got, want)
		}
	}

	at := func(name string) []files.Record {
		t.Helper()
		found, err := uploads.At(ctx, s.job, s.album.ID, name)
		s.ok(err)
		return found
	}
	if got := at("J\u00fcrgen.jpg"); len(got) != 1 || !reflect.DeepEqual(got[0], partial) || len(at("other.jpg")) != 0 {
		t.Fatalf("at the name is %+v", got)
	}
	newer := record
	newer.Upload = "03U"
	newer, err = uploads.Put(ctx, newer)
	s.ok(err)
	if got := at(record.Name); len(got) != 2 {
		t.Fatalf("at the name is %+v", got)
	}
	s.ok(uploads.Delete(ctx, newer))
	if got := at(record.Name); len(got) != 1 { // behind the marker of the newer one
		t.Fatalf("at the name is %+v", got)
	}

	s.ok(uploads.Delete(ctx, partial))
	s.ok(uploads.Delete(ctx, partial)) // its answer was lost
	_, err = uploads.Get(ctx, record)
	s.is(err, fault.NotFound, "not found")
	all, err := uploads.All(ctx)
	s.ok(err)
	if len(all) != 1 || !reflect.DeepEqual(all[0], other) {
		t.Fatalf("all are %+v", all)
	}
	again, err := uploads.Put(ctx, record) // over the marker
	s.ok(err)

	// It is an ordinary key-value bucket for everybody else.
	js, err := jetstream.New(s.nc)
	s.ok(err)
	kv, err := js.KeyValue(ctx, "UPLOADS")
	s.ok(err)
	keys, err := kv.Keys(ctx)
	s.ok(err)
	if len(keys) != 2 {
		t.Fatalf("keys are %v", keys)
	}
	s.ok(uploads.Delete(ctx, again))
	if keys, err = kv.Keys(ctx); err != nil || len(keys) != 1 {
		t.Fatalf("keys are %v, %v", keys, err)
	}
}
