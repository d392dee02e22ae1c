package hint

import (
	"context"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"filmgate.dev/pkg/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChangesOfOneJobAreToldTogether(t *testing.T) {
	said := make(chan events.Hint, 9)
	teller := New(func(account string, h events.Hint) {
		if account != "a" {
			t.Errorf("told account %q", account)
		}
		said <- h
	})
	for _, photo := range []string{"p1", "p2"} {
		changes := Changes{}
		changes.Photo("a", "j", "f", photo)
		teller.Add(changes)
	}
	teller.Add(Changes{})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { teller.Run(ctx) })
	h := <-said
	slices.Sort(h.PhotoIDs)
	if h.JobID != "j" || !slices.Equal(h.AlbumIDs, []string{"f"}) || !slices.Equal(h.PhotoIDs, []string{"p1", "p2"}) {
		t.Errorf("told %+v", h)
	}
	changes := Changes{}
	changes.Job("a", "j2")
	teller.Add(changes)
	if h := <-said; h.JobID != "j2" || len(h.AlbumIDs)+len(h.PhotoIDs) > 0 {
		t.Errorf("told %+v", h)
	}
	cancel()
	running.Wait()
	if len(said) > 0 {
		t.Errorf("told more: %+v", <-said)
	}
}

func TestAHintIsBounded(t *testing.T) {
	changes := Changes{}
	for n := range 5000 {
		changes.Photo("a", "j", "f", string(rune(n+1000)))
	}
	var said events.Hint
	teller := New(func(_ string, h events.Hint) { said = h })
	teller.Add(changes)
	teller.tell()
	if len(said.PhotoIDs) != most || len(said.AlbumIDs) != 1 {
		t.Errorf("told %d photos of %d albums", len(said.PhotoIDs), len(said.AlbumIDs))
	}
}
