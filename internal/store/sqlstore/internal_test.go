package sqlstore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/store"
)

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rockpool.db")
	db, err := Open(t.Context(), Options{DSN: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.engine.(*sqliteEngine).group.conn.exec(insertMigration, []any{int64(999), "0999_future.sql", int64(0)}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{DSN: path}); !errors.Is(err, errNewerSchema) {
		t.Errorf("got %v, want that it is newer", err)
	}
}

func TestMigrationFilesAreNumbered(t *testing.T) {
	for _, names := range [][]string{{"x.sql"}, {"0002_b.sql"}, {"0001_a.sql", "0003_c.sql"}, {"0000_a.sql"}, {"0001_a.txt"}} {
		fsys := fstest.MapFS{}
		for _, n := range names {
			fsys["migrations/sqlite/"+n] = &fstest.MapFile{Data: []byte("SELECT 1")}
		}
		if _, err := migrationFiles(fsys, "sqlite"); err == nil {
			t.Errorf("%q is accepted", names)
		}
	}
}

// A migration that fails leaves nothing, and the next start tries it again.
func TestMigrationIsAtomic(t *testing.T) {
	c, err := openSQLiteConn(t.Context(), filepath.Join(t.TempDir(), "x.db"), "PRAGMA journal_mode = WAL")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	m := sqliteMigrator{c}
	files := []migration{{1, "0001_a.sql", `CREATE TABLE a (x bigint)`}, {2, "0002_b.sql", `CREATE TABLE b (x bigint); CREATE TABLE a (x bigint)`}}
	if err := migrate(t.Context(), m, files, testNow); err == nil {
		t.Fatal("the second file cannot work")
	}
	if v, err := m.schemaVersion(t.Context()); v != 1 || err != nil {
		t.Errorf("at version %d, %v, want 1", v, err)
	}
	files[1].text = `CREATE TABLE b (x bigint)`
	for range 2 {
		if err := migrate(t.Context(), m, files, testNow); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := m.schemaVersion(t.Context()); v != 2 || err != nil {
		t.Errorf("at version %d, %v, want 2", v, err)
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", ":", "1:ab", "0:", "3:äb", "-1:x", "00:", "99999999999999999999:x", "+1:ab"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value, sub, err := splitCursor(s)
		if err != nil {
			if value != "" || sub != "" || !errors.Is(err, store.ErrCursor) {
				t.Errorf("%q: got %q, %q, %v", s, value, sub, err)
			}
			return
		}
		if again := joinCursor(value, sub); again != s {
			t.Errorf("%q became %q", s, again)
		}
	})
}

func FuzzPrefixEnd(f *testing.F) {
	for _, s := range []string{"", "a", "\ud7ff", "\U0010FFFF", "a\U0010FFFF", "é", "\xff", "\x7f"} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, prefix, more string) {
		if !utf8.ValidString(prefix) || !utf8.ValidString(more) {
			return
		}
		end, ok := prefixEnd(prefix)
		if !ok {
			if strings.Trim(prefix, "\U0010FFFF") != "" {
				t.Errorf("%q has no end", prefix)
			}
			return
		}
		if !utf8.ValidString(end) || end <= prefix+more || strings.HasPrefix(end, prefix) {
			t.Errorf("the end of %q is %q, and %q is not before it", prefix, end, prefix+more)
		}
		// Text that is not below the prefix is not below the end either.
		if more >= prefix && !strings.HasPrefix(more, prefix) && more < end {
			t.Errorf("%q is between %q and its end %q", more, prefix, end)
		}
	})
}
