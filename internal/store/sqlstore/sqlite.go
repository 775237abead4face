package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// sqliteEngine is a SQLite database: one connection that writes, and some that
// read.
type sqliteEngine struct {
	hooks *hooks
	group *group

	// readers are idle connections. A nil stands for one not opened yet.
	readers chan *sqliteConn
	path    string
	lock    *os.File // nil in memory
}

// openSQLite opens the file at path, or a private database in memory if path
// is empty.
func openSQLite(ctx context.Context, path string, o Options, h *hooks) (_ engine, err error) {
	e := &sqliteEngine{hooks: h, path: path}
	synchronous := "PRAGMA synchronous = 2" // FULL: a commit is on the disk when it returns
	memory := path == ""
	if memory {
		dir, err := memoryDir()
		if err != nil {
			return nil, err
		}
		// Once all connections are open nobody needs the names any more, and
		// without names nothing is left behind however the process ends.
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		e.path = filepath.Join(dir, "rockpool.db")
		synchronous = "PRAGMA synchronous = 0"
	} else {
		if e.path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		if e.lock, err = claimFile(e.path); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	writer, err := openSQLiteConn(ctx, e.path, "PRAGMA journal_mode = WAL", synchronous)
	if err != nil {
		return nil, err
	}
	e.group = newGroup(writer, h)
	if mode, err := writer.text("PRAGMA journal_mode"); err != nil || mode != "wal" {
		return nil, errors.Join(fmt.Errorf("the file system cannot hold a write-ahead log (journal mode %q)", mode), err)
	}
	files, err := migrationFiles(migrations, dialectSQLite.name)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, sqliteMigrator{writer}, files, o.Now); err != nil {
		return nil, err
	}
	n := o.Readers
	if n <= 0 {
		n = min(2*runtime.GOMAXPROCS(0), 16)
		if memory {
			n = min(n, 4)
		}
	}
	e.readers = make(chan *sqliteConn, n)
	for range n {
		var c *sqliteConn
		if memory {
			if c, err = e.openReader(ctx); err != nil {
				return nil, err
			}
		}
		e.readers <- c
	}
	return e, nil
}

func (e *sqliteEngine) openReader(ctx context.Context) (*sqliteConn, error) {
	c, err := openSQLiteConn(ctx, e.path, "PRAGMA query_only = 1")
	if err != nil {
		return nil, err
	}
	// SQLite opens the files at the first read, which must be while they have
	// names.
	if _, err := c.number(`SELECT COUNT(*) FROM schema_migrations`); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// view runs fn in a read transaction.
func (e *sqliteEngine) view(ctx context.Context, fn func(*tx) error) (err error) {
	var c *sqliteConn
	select {
	case c = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.readers <- c }()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c == nil {
		if c, err = e.openReader(ctx); err != nil {
			return err
		}
	}
	if err := e.hooks.before(Statement{Name: "begin", Kind: KindBegin}); err != nil {
		return err
	}
	if _, err := c.exec(sqliteBeginRead, nil); err != nil {
		return err
	}
	t := &tx{ctx: ctx, s: sqliteSession{c}, hooks: e.hooks, readOnly: true}
	defer func() {
		t.over = true
		// Nothing was written: both endings are the same, and a rollback works
		// in every state.
		if _, e := c.exec(sqliteRollback, nil); e != nil {
			err = errors.Join(err, e, c.close())
			c = nil
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	return t.broken
}

func (e *sqliteEngine) update(ctx context.Context, fn func(*tx) error) error {
	return retrying(ctx, func() error { return e.group.update(ctx, fn) })
}

// ready reads as a sign-in would.
func (e *sqliteEngine) ready(ctx context.Context) error {
	if err := e.group.ready(); err != nil {
		return err
	}
	return e.view(ctx, func(t *tx) error {
		_, err := t.Meta("ready")
		return ignoreNotFound(err)
	})
}

func (e *sqliteEngine) close() error {
	var errs []error
	for range cap(e.readers) {
		select {
		case c := <-e.readers:
			if c != nil {
				errs = append(errs, c.close())
			}
		default: // not opened, because opening failed
		}
	}
	if e.group != nil {
		// The last connection to close writes the log into the database.
		errs = append(errs, e.group.close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

// sqliteSession is an open transaction on a connection.
type sqliteSession struct{ c *sqliteConn }

func (s sqliteSession) exec(_ context.Context, q *query, args []any) (int64, error) {
	return s.c.exec(q.sqlite, args)
}

func (s sqliteSession) query(_ context.Context, q *query, args []any, each func(row) error) error {
	return s.c.query(q.sqlite, args, each)
}

// sqliteMigrator migrates over the write connection, before anybody else can.
type sqliteMigrator struct{ c *sqliteConn }

func (m sqliteMigrator) script(_ context.Context, text string) error { return m.c.script(text) }

func (m sqliteMigrator) schemaVersion(context.Context) (int, error) {
	n, err := m.c.number(selectMigration)
	return int(n), err
}

func (m sqliteMigrator) record(_ context.Context, f migration, now time.Time) error {
	_, err := m.c.exec(insertMigration, []any{int64(f.version), f.name, ms(now)})
	return err
}

func (m sqliteMigrator) atomically(_ context.Context, fn func() error) error {
	if err := m.c.script(sqliteBeginWrite); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return errors.Join(err, m.c.script(sqliteRollback))
	}
	return m.c.script(sqliteCommit)
}

// claimFile makes the directory and the file of a database for its owner alone
// and locks it against other processes.
func claimFile(path string) (_ *os.File, err error) {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := lockFile(lock); err != nil {
		return nil, fmt.Errorf("%s is in use by another process; a SQLite database serves one at a time: %w", path, err)
	}
	// SQLite gives its log and index the mode of the database.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return nil, fmt.Errorf("%s can be read by others, and: %w", path, err)
		}
	}
	return lock, nil
}

// memoryDir makes a directory for a database in memory: on a memory file system
// if there is one with room, else among the temporary files.
func memoryDir() (string, error) {
	const room = 256 << 20
	if free, err := freeBytes("/dev/shm"); err == nil && free >= room {
		if dir, err := os.MkdirTemp("/dev/shm", "rockpool-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "rockpool-")
}
