package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// Isolation is a PostgreSQL isolation level.
type Isolation string

// Isolation levels that the store is correct at.
const (
	Serializable  Isolation = "serializable"
	ReadCommitted Isolation = "read committed"
)

// Options say which database to open, and how. The zero value is a private
// SQLite database in memory.
type Options struct {
	// DSN is "" or "memory:" for SQLite in memory, a path or "sqlite:path" for
	// a SQLite file, "postgres://…" for PostgreSQL 15 or newer.
	DSN string
	// Now stamps the record of migrations. Nil means time.Now.
	Now func() time.Time
	// Logger gets warnings. Nil discards them.
	Logger *slog.Logger
	// Isolation of PostgreSQL transactions that write; "" is Serializable.
	// SQLite is always serializable.
	Isolation Isolation
	// Readers is the number of SQLite connections for reading, 0 for twice the
	// number of CPUs, at most 16.
	Readers int

	// Observe, if not nil, is called before every statement, from many
	// goroutines. Tests count with it.
	Observe func(Statement)
	// Fault, if not nil, is called before every statement of a transaction and
	// makes it fail with the error returned: FaultConflict, FaultLost or
	// FaultLostReply. Tests break things with it.
	Fault func(Statement) error
}

// Statement is a statement about to be run.
type Statement struct {
	// Name is unique to a query, and the same on all databases.
	Name string
	// Kind is KindRead, KindWrite, KindBegin or KindCommit.
	Kind Kind
}

// DB is an open database. Its methods are safe for concurrent use.
type DB struct {
	engine engine
	hooks  *hooks
	log    *slog.Logger

	mu     sync.Mutex
	closed bool
	active sync.WaitGroup
}

var _ store.Store = (*DB)(nil)

// Alone reports whether no other process can have the database open. What a
// process that has died was doing is then free at once.
func (db *DB) Alone() bool {
	_, sqlite := db.engine.(*sqliteEngine)
	return sqlite && locks
}

// engine runs transactions on one kind of database.
type engine interface {
	view(ctx context.Context, fn func(*tx) error) error
	update(ctx context.Context, fn func(*tx) error) error
	ready(ctx context.Context) error
	close() error
}

// Open opens the database, creates it if need be, and brings its schema up to
// date. A database that is newer than this program is refused.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch o.Isolation {
	case "":
		o.Isolation = Serializable
	case Serializable, ReadCommitted:
	default:
		return nil, fmt.Errorf("unknown isolation %q", o.Isolation)
	}
	db := &DB{hooks: &hooks{observe: o.Observe, fault: o.Fault}, log: o.Logger}
	var err error
	switch {
	case o.DSN == "" || o.DSN == "memory:":
		db.engine, err = openSQLite(ctx, "", o, db.hooks)
	case strings.HasPrefix(o.DSN, "postgres://"), strings.HasPrefix(o.DSN, "postgresql://"):
		db.engine, err = openPostgres(ctx, o, db.hooks)
	default:
		path, ok := strings.CutPrefix(o.DSN, "sqlite:")
		switch {
		case path == "":
			err = errors.New("sqlite: is followed by no path")
		case !ok && strings.Contains(path, "://"):
			err = errors.New("unknown kind of database: want a path, sqlite:path, memory: or a postgres:// address")
		default:
			db.engine, err = openSQLite(ctx, path, o, db.hooks)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}

// enter counts a running call, so that Close can wait for it.
func (db *DB) enter() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return errClosed
	}
	db.active.Add(1)
	return nil
}

// View implements store.Store.
func (db *DB) View(ctx context.Context, fn func(store.Tx) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	return db.engine.view(ctx, func(t *tx) error { return fn(t) })
}

// Update implements store.Store.
func (db *DB) Update(ctx context.Context, fn func(store.Tx) error) error {
	return db.update(ctx, func(t *tx) error { return fn(t) })
}

func (db *DB) update(ctx context.Context, fn func(*tx) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	return db.engine.update(ctx, fn)
}

// Ready implements store.Store.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	return db.engine.ready(ctx)
}

// Close implements store.Store. Closing twice is not an error.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	db.active.Wait()
	return db.engine.close()
}

// hooks are Options.Observe and Options.Fault.
type hooks struct {
	observe func(Statement)
	fault   func(Statement) error
}

// before tells the observer and returns the fault that the statement is to
// have, if any.
func (h *hooks) before(s Statement) error {
	if h.observe != nil {
		h.observe(s)
	}
	if h.fault != nil {
		return h.fault(s)
	}
	return nil
}
