package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestShortOnesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(1, 1)
		hold := acquire(t, q, Request{Weight: 1})
		var served []time.Duration
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, cost := range []time.Duration{5 * time.Second, time.Second, 3 * time.Second, 2 * time.Second} {
			all.Go(func() {
				release := acquire(t, q, Request{Weight: 1, Cost: cost})
				mu.Lock()
				served = append(served, cost)
				mu.Unlock()
				release()
			})
			synctest.Wait()
		}
		hold()
		all.Wait()
		if !slices.IsSorted(served) || len(served) != 4 {
			t.Errorf("served %v", served)
		}
	})
}

// However many short ones come, a long one is served after it has waited ten times its cost.
func TestNobodyStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(1, 1)
		hold := acquire(t, q, Request{Weight: 1})
		var long time.Duration
		var all sync.WaitGroup
		began := time.Now()
		all.Go(func() {
			release := acquire(t, q, Request{Weight: 1, Cost: 2 * time.Second})
			long = time.Since(began)
			release()
		})
		synctest.Wait()
		for range 100 { // two of them come while one is served
			for range 2 {
				all.Go(func() {
					release := acquire(t, q, Request{Weight: 1, Cost: time.Second})
					time.Sleep(time.Second)
					release()
				})
				synctest.Wait()
			}
			hold()
			time.Sleep(time.Second)
		}
		all.Wait()
		if long < 10*time.Second || long > 25*time.Second {
			t.Errorf("the long one waited for %s", long)
		}
	})
}

// Heavy ones wait for their own part without holding back the others.
func TestHeavyOnesHaveTheirPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(4, 1)
		first := acquire(t, q, Request{Weight: 1, Heavy: true})
		second := make(chan func(), 1)
		go func() { second <- acquire(t, q, Request{Weight: 1, Heavy: true}) }()
		synctest.Wait()
		light := []func(){acquire(t, q, Request{Weight: 1}), acquire(t, q, Request{Weight: 1}), acquire(t, q, Request{Weight: 1})}
		select {
		case <-second:
			t.Fatal("two heavy ones at once")
		default:
		}
		first()
		(<-second)()
		for _, release := range light {
			release()
		}
	})
}

func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(2, 2)
		hold := acquire(t, q, Request{Weight: 1})
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := q.Acquire(ctx, Request{Weight: 2})
			gone <- err
		}()
		synctest.Wait()
		behind := make(chan func(), 1)
		go func() { behind <- acquire(t, q, Request{Weight: 1, Cost: time.Second}) }()
		synctest.Wait()
		cancel()
		if err := <-gone; err == nil {
			t.Error("it got what was not there")
		}
		(<-behind)() // it stood behind the one that gave up
		hold()
		hold() // once is enough
		acquire(t, q, Request{Weight: 2})()
	})
}

// Whatever comes and goes, no more is out than there is, and in the end all of it is back.
func TestNeverMoreThanThereIs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const capacity, heavy = 10, 3
		requests := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Request {
			h := rapid.Bool().Draw(t, "heavy")
			most := int64(capacity)
			if h {
				most = heavy
			}
			return Request{Weight: rapid.Int64Range(1, most).Draw(t, "weight"), Cost: time.Duration(rapid.IntRange(0, 5).Draw(t, "cost")) * time.Second, Heavy: h}
		}), 1, 20).Draw(rt, "requests")
		patient := rapid.SliceOfN(rapid.Bool(), len(requests), len(requests)).Draw(rt, "patient")
		synctest.Test(t, func(t *testing.T) {
			q := New(capacity, heavy)
			var mu sync.Mutex
			var out, heavyOut int64
			var all sync.WaitGroup
			for i, r := range requests {
				all.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if !patient[i] {
						ctx, cancel = context.WithTimeout(ctx, time.Second)
						defer cancel()
					}
					release, err := q.Acquire(ctx, r)
					if err != nil {
						return
					}
					count := func(sign int64) {
						mu.Lock()
						defer mu.Unlock()
						if out += sign * r.Weight; r.Heavy {
							heavyOut += sign * r.Weight
						}
						if out > capacity || heavyOut > heavy {
							t.Errorf("%d are out, %d of them heavy", out, heavyOut)
						}
					}
					count(1)
					time.Sleep(r.Cost)
					count(-1)
					release()
				})
			}
			all.Wait()
			if q.free != capacity || q.heavyFree != heavy || len(q.light)+len(q.heavy) > 0 {
				t.Errorf("%d and %d are left of %d and %d", q.free, q.heavyFree, capacity, heavy)
			}
		})
	})
}

func acquire(t *testing.T, q *Queue, r Request) func() {
	release, err := q.Acquire(t.Context(), r)
	if err != nil {
		t.Error(err)
		return func() {}
	}
	return release
}
