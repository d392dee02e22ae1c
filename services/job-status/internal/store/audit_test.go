package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/page"
)

func TestAuditIsFoundByJobAndUser(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		var events []audit.Event
		for n := range 60 {
			events = append(events, audit.Event{
				ID: ulid.MustNew(uint64(n+1), nil).String(), Time: time.UnixMilli(int64(n)), Account: []string{"demo", "other"}[n%2],
				JobID: fmt.Sprint("j", n/2%2), UserID: fmt.Sprint("u", n/2%3), Action: "file_uploaded", Detail: fmt.Sprint(n),
			})
		}
		for range 2 { // offered twice
			if err := s.Record(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
		}
		// The account's own creation is in its record too.
		for _, c := range []struct {
			filter audit.Filter
			want   int
		}{{audit.Filter{}, 31}, {audit.Filter{JobID: "j1"}, 15}, {audit.Filter{UserID: "u2"}, 10}, {audit.Filter{JobID: "j0", UserID: "u1"}, 5}, {audit.Filter{JobID: "j9"}, 0}} {
			seen, after := 0, ""
			for {
				list, err := s.Audit(t.Context(), "demo", c.filter, page.Page{After: after, Limit: 4})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range list {
					if after != "" && e.ID >= after || c.filter.JobID != "" && e.JobID != c.filter.JobID || c.filter.UserID != "" && e.UserID != c.filter.UserID {
						t.Errorf("%+v: %+v after %s", c.filter, e, after)
					}
					after = e.ID
				}
				if seen += len(list); len(list) == 0 {
					break
				}
			}
			if seen != c.want {
				t.Errorf("%+v: %d lines, want %d", c.filter, seen, c.want)
			}
		}
	})
}

func TestAuditOfOneJobIsReadByItsIndex(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		if s.db.Dialect() != sqldb.SQLite {
			t.Skip("PostgreSQL plans by what the table holds")
		}
		for filter, index := range map[audit.Filter]string{{JobID: "j1"}: "audit_by_job", {UserID: "u1"}: "audit_by_user"} {
			query, args := found("demo", filter, page.Page{After: "01M8BYMXS06F95G3WD0CH6W5Y4", Limit: 100})
			var a, b, c, plan string
			if err := s.db.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...).Scan(&a, &b, &c, &plan); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(plan, index) {
				t.Error(plan)
			}
		}
	})
}
