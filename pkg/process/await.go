package process

import (
	"context"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
)

// between is how long a peer that is away is left alone.
const between = time.Second

// Await opens a peer without which the work cannot begin. While it is away, /readyz says so under the name, and it is tried
// again until ctx ends. Once it was there it is no reason any more: work that finds it away says so itself.
func Await[T any](ctx context.Context, p *Process, name string, open func(context.Context) (T, error)) (T, error) {
	var (
		mu   sync.Mutex
		away = fault.New(fault.Unavailable, "it has not answered yet")
	)
	p.Ready.Add(name, func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		return away
	})
	for {
		peer, err := open(ctx)
		if ctx.Err() != nil && err != nil {
			return peer, ctx.Err()
		}
		if err != nil && !fault.Is(err, fault.Unavailable) {
			return peer, err
		}
		mu.Lock()
		news := err != nil && fault.Message(err) != fault.Message(away)
		away = err
		mu.Unlock()
		if err == nil {
			return peer, nil
		}
		if news { // once, not with every try
			p.Log.WarnContext(ctx, "waiting", "for", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return peer, ctx.Err()
		case <-time.After(between):
		}
	}
}
