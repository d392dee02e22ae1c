package albummapper

import (
	"context"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
)

// mostTogether bounds how many handlers share a transaction.
const mostTogether = 64

// work is one handler's part of a transaction, and where its caller waits.
type work struct {
	do   func(context.Context, *turn) error
	done chan error
}

// commit runs do in a transaction and answers once that is durable. Handlers that come at the same time share one: a commit
// costs a write to the disk whatever is in it.
func (s *Service) commit(ctx context.Context, do func(context.Context, *turn) error) error {
	w := work{do: do, done: make(chan error, 1)}
	select {
	case s.queue <- w:
	case <-s.stopped:
		return fault.New(fault.Unavailable, "album-mapper is stopping; try again")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		return err
	case <-s.stopped:
		return fault.New(fault.Unavailable, "album-mapper is stopping; try again")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commits runs transactions, one at a time, until ctx ends.
func (s *Service) commits(ctx context.Context) {
	defer close(s.stopped)
	for {
		var together []work
		select {
		case <-ctx.Done():
			return
		case w := <-s.queue:
			together = append(together, w)
		}
		for more := true; more && len(together) < mostTogether; {
			select {
			case w := <-s.queue:
				together = append(together, w)
			default:
				more = false
			}
		}
		err := s.transact(ctx, together...)
		if err == nil {
			continue
		}
		// One of them failed, and took the others' work with it: each for itself, unless there is no database to fail on.
		for _, w := range together {
			if len(together) > 1 && !fault.Is(err, fault.Unavailable) {
				if err := s.transact(ctx, w); err != nil {
					w.done <- err
				}
				continue
			}
			w.done <- err
		}
	}
}

// transact runs the parts in one transaction. Only when it was committed are their callers answered.
func (s *Service) transact(ctx context.Context, parts ...work) error {
	var t *turn
	waiting := make([]error, len(parts))
	err := s.deps.DB.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		t = s.newTurn(tx)
		for i, w := range parts {
			if waiting[i] = w.do(ctx, t); waiting[i] != nil && !fault.Is(waiting[i], fault.NotFound) {
				return waiting[i]
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.relay.Wake()
	s.hints.Add(t.hints)
	for i, w := range parts {
		w.done <- waiting[i]
	}
	return nil
}
