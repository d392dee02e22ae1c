package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"filmgate.dev/pkg/fault"
)

// Copy copies every row of a SQLite database into one of the same schema, in one transaction: both must have been migrated
// by the same version. It answers the number of rows; 0 when they are there already. Conflict when to has other rows.
func Copy(ctx context.Context, from, to *DB) (rows int64, err error) {
	if from.dialect != SQLite {
		return 0, fault.New(fault.Invalid, "only a SQLite database can be copied")
	}
	tables, err := from.tables(ctx)
	if err != nil {
		return 0, err
	}
	versions, data := split(tables)
	for _, table := range versions {
		if err := sameVersion(ctx, from, to, table); err != nil {
			return 0, err
		}
	}
	err = to.InTx(ctx, func(ctx context.Context, tx Tx) error {
		rows = 0
		done, err := copied(ctx, from, tx, data)
		if done || err != nil {
			return err
		}
		for _, table := range data {
			n, err := copyTable(ctx, from, tx, table)
			if err != nil {
				return fmt.Errorf("copying table %s: %w", table, err)
			}
			rows += n
		}
		return nil
	})
	return rows, err
}

// tables answers the tables, each after those that it refers to.
func (db *DB) tables(ctx context.Context) ([]string, error) {
	names, err := texts(ctx, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	var ordered []string
	var visit func(name string, depth int) error
	visit = func(name string, depth int) error {
		if slices.Contains(ordered, name) || depth > len(names) { // a table may refer to itself
			return nil
		}
		parents, err := texts(ctx, db, `SELECT "table" FROM pragma_foreign_key_list($1)`, name)
		if err != nil {
			return err
		}
		for _, parent := range parents {
			if err := visit(parent, depth+1); err != nil {
				return err
			}
		}
		if !slices.Contains(ordered, name) {
			ordered = append(ordered, name)
		}
		return nil
	}
	for _, name := range names {
		if err := visit(name, 0); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// split tells the tables of goose, which the migrations fill, from the others.
func split(tables []string) (versions, data []string) {
	for _, table := range tables {
		if strings.HasPrefix(table, "goose_") {
			versions = append(versions, table)
		} else {
			data = append(data, table)
		}
	}
	return versions, data
}

func sameVersion(ctx context.Context, from, to *DB, table string) error {
	var have, want int64
	query := `SELECT MAX(version_id) FROM ` + quoted(table)
	if err := from.QueryRowContext(ctx, query).Scan(&want); err != nil {
		return err
	}
	if err := to.QueryRowContext(ctx, query).Scan(&have); err != nil {
		return err
	}
	if have != want {
		return fault.New(fault.Conflict, "the databases have different versions (%s: %d and %d); use the same version of Filmgate for both", table, want, have)
	}
	return nil
}

// copied reports whether everything is there already, as far as numbers say.
func copied(ctx context.Context, from *DB, to Tx, tables []string) (bool, error) {
	equal, rows := true, int64(0)
	for _, table := range tables {
		var have, want int64
		query := `SELECT COUNT(*) FROM ` + quoted(table)
		if err := from.QueryRowContext(ctx, query).Scan(&want); err != nil {
			return false, err
		}
		if err := to.QueryRowContext(ctx, query).Scan(&have); err != nil {
			return false, err
		}
		equal, rows = equal && have == want, rows+have
	}
	if rows > 0 && !equal {
		return false, fault.New(fault.Conflict, "the database has %d rows already; nothing is copied into them", rows)
	}
	return rows > 0, nil
}

func copyTable(ctx context.Context, from *DB, to Tx, table string) (n int64, err error) {
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+quoted(table))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return 0, Fault(err)
	}
	names, places := make([]string, len(columns)), make([]string, len(columns))
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i, column := range columns {
		names[i], places[i], targets[i] = quoted(column.Name()), fmt.Sprintf("$%d", i+1), &values[i]
	}
	insert := fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, quoted(table), strings.Join(names, ", "), strings.Join(places, ", "))
	statement, err := to.tx.PrepareContext(ctx, insert)
	if err != nil {
		return 0, Fault(err)
	}
	defer func() { _ = statement.Close() }()
	for ; rows.Next(); n++ {
		if err := rows.Scan(targets...); err != nil {
			return n, Fault(err)
		}
		for i, column := range columns {
			values[i] = typed(values[i], column.DatabaseTypeName())
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return n, Fault(err)
		}
	}
	return n, Fault(rows.Err())
}

// typed gives a value of SQLite, which knows neither booleans nor what a column declares, the type of its column.
func typed(value any, column string) any {
	switch v := value.(type) {
	case int64:
		if column == "BOOLEAN" {
			return v != 0
		}
	case []byte:
		if v == nil { // the driver's empty blob
			return []byte{}
		}
	}
	return value
}

func texts(ctx context.Context, db *DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, Fault(err)
		}
		all = append(all, text)
	}
	return all, Fault(rows.Err())
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
