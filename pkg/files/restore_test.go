package files_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func all(t *testing.T, log *files.Log) []files.Entry {
	t.Helper()
	var entries []files.Entry
	for e, err := range log.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// same compares what entries say, not where they stand.
func same(a, b []files.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b files.Entry) bool { a.Sequence, b.Sequence = 0, 0; return a == b })
}

func each(entries []files.Entry, end error) iter.Seq2[files.Entry, error] {
	return func(yield func(files.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
		if end != nil {
			yield(files.Entry{}, end)
		}
	}
}

func lived(t *testing.T) (*story, []files.Entry) {
	s := begin(t)
	for i := range 600 { // more than are on their way at once
		s.land(s.album, fmt.Sprintf("%03d.jpg", i), "one")
	}
	s.remove(s.land(s.album, "removed.jpg", "one"))
	s.land(s.album, "000.jpg", "two") // the next version: its entry is now behind all others
	entries := all(t, s.log)
	if len(entries) != 602 || entries[601].Name != "000.jpg" || !entries[600].Gone() {
		t.Fatalf("%d entries, the last is %+v", len(entries), entries[len(entries)-1])
	}
	return s, entries
}

func TestRestoreMakesTheSameLog(t *testing.T) {
	s, entries := lived(t)
	_, nc := natstest.Start(t)
	n, err := files.Restore(t.Context(), nc, 1, 5, s.log.All(t.Context()))
	if err != nil || n != len(entries) {
		t.Fatal(n, err)
	}
	copied, err := files.Open(nc, files.Config{})
	s.ok(err)
	if got := all(t, copied); !same(got, entries) {
		t.Fatalf("%d entries of %d came over as they were", len(got), len(entries))
	}
	if epoch, err := copied.Epoch(t.Context()); err != nil || epoch != 5 {
		t.Fatal(epoch, err)
	}
	js, err := jetstream.New(nc)
	s.ok(err)
	stream, err := js.Stream(t.Context(), files.Stream)
	s.ok(err)
	m, err := stream.GetLastMsgForSubject(t.Context(), entries[600].Subject)
	s.ok(err)
	if m.Header.Get("Nats-TTL") == "" {
		t.Error("a tombstone would stay for ever")
	}
	if n, err := files.Restore(t.Context(), nc, 1, 5, each(entries, nil)); err != nil || n != len(entries) {
		t.Fatalf("a second time: %d %v", n, err)
	}
	// Life goes on where it stopped.
	if _, err := copied.Land(t.Context(), files.Landing{Entry: s.upload(s.album, "000.jpg", "three")}); err != nil {
		t.Fatal(err)
	}
	for _, epoch := range []int64{5, 6} {
		if _, err := files.Restore(t.Context(), nc, 1, epoch, each(entries, nil)); !fault.Is(err, fault.Conflict) {
			t.Fatalf("a log that lives was restored over: %v", err)
		}
	}
}

func TestRestoreGoesOn(t *testing.T) {
	s, entries := lived(t)
	_, nc := natstest.Start(t)
	lost := errors.New("the source is away")
	for _, n := range []int{0, 1, 300, 601} {
		if _, err := files.Restore(t.Context(), nc, 1, 2, each(entries[:n], lost)); !errors.Is(err, lost) {
			t.Fatal(err)
		}
	}
	if _, err := files.Restore(t.Context(), nc, 1, 2, each(entries, nil)); err != nil {
		t.Fatal(err)
	}
	copied, err := files.Open(nc, files.Config{})
	s.ok(err)
	if got := all(t, copied); !same(got, entries) {
		t.Fatalf("%d entries of %d", len(got), len(entries))
	}
}

func TestRestoreOfOtherEntries(t *testing.T) {
	s, entries := lived(t)
	_, nc := natstest.Start(t)
	lost := errors.New("the source is away")
	if _, err := files.Restore(t.Context(), nc, 1, 2, each(entries[:300], lost)); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	other := slices.Clone(entries)
	other[10].User = "somebody else"
	if _, err := files.Restore(t.Context(), nc, 1, 2, each(other, nil)); !fault.Is(err, fault.Conflict) {
		t.Fatalf("another log was mixed in: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := files.Restore(ended, nc, 1, 2, s.log.All(ended)); err == nil {
		t.Fatal("a log that could not be read counts as an empty one")
	}
}

func TestAllOfAnEmptyLog(t *testing.T) {
	var nc *nats.Conn
	_, nc = natstest.Start(t)
	log, err := files.Open(nc, files.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var answers int
	for _, err := range log.All(t.Context()) {
		if answers++; err == nil {
			t.Error("there is no log")
		}
	}
	if answers != 1 {
		t.Error("a log that is not there is taken for an empty one")
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, log)); n != 0 {
		t.Errorf("%d entries", n)
	}
}
