package store

import "context"

// Unsettled reports whether anything lost its path and waits for certainty.
func (r Rows) Unsettled(ctx context.Context) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM photos WHERE until_seq <> 0) +
		(SELECT count(*) FROM folders WHERE until_seq <> 0)`).Scan(&n)
	return n > 0, err
}
