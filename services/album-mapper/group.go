package albummapper

import (
	"context"
	"fmt"
	"runtime/debug"

	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
)

// mostTogether bounds how many handlers share a transaction.
const mostTogether = 64

// work is one handler's part of a transaction, and where its caller waits.
type work struct {
	do   func(context.Context, *turn) error
	done chan error
	from context.Context // its caller's, for the trace alone; may be nil
}

// commit runs do in a transaction and answers once that is durable. Handlers that come at the same time share one: a commit
// costs a write to the disk whatever is in it.
func (s *Service) commit(ctx context.Context, do func(context.Context, *turn) error) error {
	w := work{from: ctx, do: do, done: make(chan error, 1)}
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
func (s *Service) transact(ctx context.Context, parts ...work) (failed error) {
	var t *turn
	waiting := make([]error, len(parts))
	ctx, span := together(ctx, parts)
	defer func() { telemetry.End(span, failed) }()
	err := s.deps.DB.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) (err error) {
		t = s.newTurn(tx)
		for i, w := range parts {
			if waiting[i], err = t.part(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.relay.Wake()
	s.tells.count(t)
	s.hints.Add(t.hints)
	for i, w := range parts {
		w.done <- waiting[i]
	}
	return nil
}

// part runs one part. One that has to wait for another message leaves nothing behind, or it would be taken for known when
// it comes again, and the others go on; any other failure is the whole transaction's.
func (t *turn) part(ctx context.Context, w work) (waits, failed error) {
	if _, err := t.tx.ExecContext(ctx, `SAVEPOINT part`); err != nil {
		return nil, err
	}
	said := len(t.news)
	err := w.run(trace.ContextWithSpan(ctx, trace.SpanFromContext(w.from)), t)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if err != nil {
		clear(t.jobs) // they may hold what is undone now
		clear(t.folders)
		t.news = t.news[:said]
		if _, err := t.tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT part`); err != nil {
			return nil, err
		}
	}
	_, failed = t.tx.ExecContext(ctx, `RELEASE SAVEPOINT part`)
	return err, failed
}

// run contains a panic: it runs far from its caller, and would end the service again each time its message is delivered.
func (w work) run(ctx context.Context, t *turn) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.Wrap(fmt.Errorf("panic: %v\n%s", r, debug.Stack()), fault.Internal, "the change failed")
		}
	}()
	return w.do(ctx, t)
}
