// Package queue hands out what there is too little of, memory or processors, to the short before the long, and lets nobody wait
// for ever.
//
// Everybody has a turn: when they came, plus patience times their cost. The earliest turn is served first. So of two who come
// together the shorter is served first, and the longer waits for those who come later only until it has waited patience
// times its own cost.
package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// patience is how many times its own cost somebody waits for those who came later and are shorter.
const patience = 10

// Queue has a capacity that is shared, and a part of it that heavy ones must do with.
type Queue struct {
	mu           sync.Mutex
	free         int64
	heavyFree    int64
	light, heavy waiters
	now          func() time.Time
}

// Request is what somebody wants.
type Request struct {
	Weight int64         // of the capacity; must not be more than all of it
	Cost   time.Duration // how long it will be kept
	Heavy  bool          // comes out of the heavy part too
}

// New makes a queue with a capacity, of which heavy requests get at most the heavy part at any time.
func New(capacity, heavy int64) *Queue {
	return &Queue{free: capacity, heavyFree: heavy, now: time.Now}
}

// Acquire waits for its turn and answers how to give back what it got, once; or the reason why ctx ended before.
func (q *Queue) Acquire(ctx context.Context, r Request) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{Request: r, ready: make(chan struct{})}
	q.mu.Lock()
	w.turn = q.now().Add(patience * r.Cost)
	heap.Push(q.of(w), w)
	q.serve()
	q.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		if w.index < 0 { // it was served at the same moment
			q.put(w)
		} else {
			heap.Remove(q.of(w), w.index)
		}
		q.serve() // whoever stood behind it may fit
		return nil, context.Cause(ctx)
	}
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.put(w)
		q.serve()
	}), nil
}

func (q *Queue) put(w *waiter) {
	q.free += w.Weight
	if w.Heavy {
		q.heavyFree += w.Weight
	}
}

func (q *Queue) of(w *waiter) *waiters {
	if w.Heavy {
		return &q.heavy
	}
	return &q.light
}

// serve gives to those whose turn it is as long as there is enough. Whoever is first and wants more than there is holds back all
// behind it, or it would starve; only a heavy one that waits for the heavy part holds back nobody but heavy ones.
func (q *Queue) serve() {
	for {
		from := &q.light
		if len(q.heavy) > 0 && q.heavy[0].Weight <= q.heavyFree && (len(q.light) == 0 || q.heavy[0].turn.Before(q.light[0].turn)) {
			from = &q.heavy
		}
		if len(*from) == 0 || (*from)[0].Weight > q.free {
			return
		}
		w, _ := heap.Pop(from).(*waiter)
		q.free -= w.Weight
		if w.Heavy {
			q.heavyFree -= w.Weight
		}
		close(w.ready)
	}
}

type waiter struct {
	Request
	turn  time.Time
	ready chan struct{}
	index int // in its heap; -1 when it is served
}

// waiters is a heap, the earliest turn first.
type waiters []*waiter

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].turn.Before(w[j].turn) }
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}

func (w *waiters) Push(x any) {
	one, _ := x.(*waiter)
	one.index = len(*w)
	*w = append(*w, one)
}

func (w *waiters) Pop() any {
	old := *w
	one := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	one.index = -1
	return one
}
