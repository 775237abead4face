package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// migration is one numbered file of a dialect.
type migration struct {
	version int
	name    string
	text    string
}

// migrator is what an engine offers for migrations: scripts, and one number.
type migrator interface {
	// script runs statements without parameters.
	script(ctx context.Context, text string) error
	// schemaVersion is the highest version recorded, 0 if none is.
	schemaVersion(ctx context.Context) (int, error)
	// record adds a version to the record.
	record(ctx context.Context, m migration, now time.Time) error
	// atomically runs fn in one transaction that excludes other migrators.
	atomically(ctx context.Context, fn func() error) error
}

// The record of what was applied. It is made outside the numbered files since
// it is read before the first of them.
const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
	version bigint NOT NULL PRIMARY KEY,
	name text NOT NULL,
	applied_at bigint NOT NULL
)`

const (
	selectMigration = `SELECT COALESCE(MAX(version), 0) FROM schema_migrations`
	insertMigration = `INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)`
)

// errNewerSchema means that a later release has used the database.
var errNewerSchema = errors.New("the database was written by a newer version of this program; use that version")

// migrate brings the schema up to date, one transaction per file.
func migrate(ctx context.Context, m migrator, files []migration, now func() time.Time) error {
	if err := m.script(ctx, createMigrations); err != nil {
		return fmt.Errorf("record of migrations: %w", err)
	}
	newest := 0
	if len(files) > 0 {
		newest = files[len(files)-1].version
	}
	for _, f := range files {
		err := m.atomically(ctx, func() error {
			// Asked again in each transaction: another process may be at it.
			version, err := m.schemaVersion(ctx)
			if err != nil {
				return err
			}
			if version > newest {
				return errNewerSchema
			}
			if version >= f.version {
				return nil
			}
			if err := m.script(ctx, f.text); err != nil {
				return err
			}
			return m.record(ctx, f, now())
		})
		if err != nil {
			return fmt.Errorf("migration %s: %w", f.name, err)
		}
	}
	return nil
}

// migrationFiles lists the files of a dialect in order of their numbers.
func migrationFiles(fsys fs.FS, dialect string) ([]migration, error) {
	dir := path.Join("migrations", dialect)
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var files []migration
	for _, e := range entries {
		number, _, ok := strings.Cut(e.Name(), "_")
		version, err := strconv.Atoi(number)
		if !ok || err != nil || version < 1 || !strings.HasSuffix(e.Name(), ".sql") {
			return nil, fmt.Errorf("migration file %s has no number", e.Name())
		}
		text, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, migration{version: version, name: e.Name(), text: string(text)})
	}
	slices.SortFunc(files, func(a, b migration) int { return a.version - b.version })
	for i, f := range files {
		if f.version != i+1 {
			return nil, fmt.Errorf("migration %d of %s is missing", i+1, dialect)
		}
	}
	return files, nil
}
