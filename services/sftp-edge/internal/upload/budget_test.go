package upload

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Three uploads share memory for half of what they hold together. All of them come through.
func TestTightBudgetLetsEveryUploadThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(96, int(small.Slab))
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				u := New(context.Background(), small, &memory{}, budget)
				for off := int64(0); off < 640; off += 8 {
					if _, err := u.WriteAt(count(8), off); err != nil {
						t.Errorf("WriteAt %d: %v", off, err)
						break
					}
				}
				if _, err := u.Finish(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if budget.Free() != 96 {
			t.Errorf("%d bytes free", budget.Free())
		}
	})
}

// One upload stalls with the last memory: another one is told that the server is busy, after a bounded wait.
func TestBusyInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(32, int(small.Slab))
		stalled := New(context.Background(), small, &memory{}, budget)
		write(t, stalled, count(60), 0) // overdraws
		other := New(context.Background(), small, &memory{}, budget)
		began := time.Now()
		if _, err := other.WriteAt(count(8), 0); err == nil || time.Since(began) != 30*time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		other.Drop(context.Background())
		stalled.Drop(context.Background())
		if budget.Free() != 32 {
			t.Errorf("%d bytes free", budget.Free())
		}
	})
}

// Whoever can do without never overdraws, however long the others wait.
func TestReserveNeverOverdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(32, int(small.Slab))
		reader := budget.Join()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if reader.Reserve(ctx, 48) == nil || budget.Free() != 32 {
			t.Fatal(budget.Free())
		}
	})
}
