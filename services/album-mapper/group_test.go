package albummapper

import (
	"context"
	"sync"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb/sqltest"
)

func TestAPanicFailsItsOwnHandlerAlone(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	var all sync.WaitGroup
	for i := range 2 * mostTogether {
		all.Go(func() {
			err := s.service.commit(t.Context(), func(context.Context, *turn) error {
				if i%3 == 0 {
					panic("a bug")
				}
				return nil
			})
			if i%3 == 0 && (err == nil || fault.KindOf(err) != fault.Internal) {
				t.Errorf("a panic was answered with %v", err)
			}
			if i%3 != 0 && err != nil {
				t.Errorf("a neighbour of a panic: %v", err)
			}
		})
	}
	all.Wait()
}
