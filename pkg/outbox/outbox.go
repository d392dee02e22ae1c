// Package outbox lets a service say an event exactly when its transaction commits: the event is a row written with the
// change, and a relay publishes the rows.
//
// Rows leave the table only after JetStream has acknowledged them, so an event may be published twice, under the same
// message id, but never lost.
package outbox

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations make the outbox's table, with a version table of its own beside the service's.
func Migrations() sqldb.Migrations {
	return sqldb.Migrations{Table: "goose_outbox_version", Files: migrations}
}

// Migrate makes the outbox's table.
func Migrate(ctx context.Context, db *sqldb.DB) error {
	return sqldb.Schema{Migrations()}.Migrate(ctx, db)
}

// Add writes an event into the transaction. An event whose id is already waiting is not added again.
func Add(ctx context.Context, tx sqldb.Tx, subject string, env events.Envelope) error {
	if subject == "" || strings.ContainsAny(subject, " *>\r\n\t") || env.ID == "" {
		return fmt.Errorf("outbox: the event %q cannot be said on %q", env.ID, subject)
	}
	if env.TraceParent == "" {
		env.TraceParent = telemetry.TraceParent(ctx)
	}
	body, err := events.Encode(env) // refuses what the streams would: such a row would stay for ever
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO outbox (id, event_id, subject, traceparent, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (event_id) DO NOTHING`,
		ulid.Make().String(), env.ID, subject, env.TraceParent, body)
	if err != nil {
		return fmt.Errorf("adding %s to the outbox: %w", env.ID, err)
	}
	return nil
}
