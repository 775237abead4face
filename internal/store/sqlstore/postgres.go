package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// pgEngine is a PostgreSQL database.
type pgEngine struct {
	hooks *hooks
	pool  *pgxpool.Pool
	begin string // of a transaction that writes
}

// Transaction control. A view sees one snapshot, which REPEATABLE READ gives;
// as it writes nothing it needs no more.
const (
	pgBeginView          = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	pgBeginSerializable  = "BEGIN ISOLATION LEVEL SERIALIZABLE"
	pgBeginReadCommitted = "BEGIN ISOLATION LEVEL READ COMMITTED"
	pgCommit             = "COMMIT"
	pgRollback           = "ROLLBACK"
)

// pgMinVersion is the oldest server that the store is tested with.
const pgMinVersion = 150000

// cleanupTimeout bounds what must be said to the server after the context of
// the caller has ended.
const cleanupTimeout = 5 * time.Second

func openPostgres(ctx context.Context, o Options, h *hooks) (engine, error) {
	cfg, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		// The error of the driver repeats the DSN, and the password with it.
		return nil, errors.New("the postgres:// address cannot be parsed")
	}
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "rockpool"
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	e := &pgEngine{hooks: h, pool: pool, begin: pgBeginSerializable}
	if o.Isolation == ReadCommitted {
		e.begin = pgBeginReadCommitted
	}
	if err := e.prepare(ctx, o); err != nil {
		pool.Close()
		return nil, err
	}
	return e, nil
}

func (e *pgEngine) prepare(ctx context.Context, o Options) error {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return pgError(err)
	}
	defer conn.Release()
	var version int
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return pgError(err)
	}
	if version < pgMinVersion {
		return fmt.Errorf("the server is too old (%d): want PostgreSQL 15 or newer", version)
	}
	files, err := migrationFiles(migrations, dialectPostgres.name)
	if err != nil {
		return err
	}
	m := pgMigrator{conn.Conn()}
	return retrying(ctx, func() error { return migrate(ctx, m, files, o.Now) })
}

func (e *pgEngine) view(ctx context.Context, fn func(*tx) error) error {
	var conn *pgxpool.Conn
	// Until it has begun nothing has happened, so a connection that the server
	// has closed while it was idle is replaced by another.
	err := retrying(ctx, func() (err error) {
		conn, err = e.start(ctx, pgBeginView)
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Release()
	t := &tx{ctx: ctx, s: pgSession{conn.Conn()}, hooks: e.hooks, readOnly: true}
	defer e.rollback(conn)
	defer func() { t.over = true }()
	if err := fn(t); err != nil {
		return err
	}
	return t.broken
}

// start takes a connection and begins a transaction on it.
func (e *pgEngine) start(ctx context.Context, begin string) (*pgxpool.Conn, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// The server cannot be reached. That is for the caller to know now, not
		// after many tries.
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err = e.hooks.before(Statement{Name: "begin", Kind: KindBegin}); err == nil {
		_, err = conn.Conn().PgConn().Exec(ctx, begin).ReadAll()
	}
	if err != nil {
		e.rollback(conn)
		conn.Release()
		return nil, pgError(err)
	}
	return conn, nil
}

// rollback ends a transaction that may still be open. If that cannot be done
// the pool sees the state of the connection and closes it.
func (e *pgEngine) rollback(conn *pgxpool.Conn) {
	c := conn.Conn().PgConn()
	if c.IsClosed() || c.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	_, _ = c.Exec(ctx, pgRollback).ReadAll() // see above
}

func (e *pgEngine) update(ctx context.Context, fn func(*tx) error) error {
	return retrying(ctx, func() error { return e.tryUpdate(ctx, fn) })
}

func (e *pgEngine) tryUpdate(ctx context.Context, fn func(*tx) error) error {
	conn, err := e.start(ctx, e.begin)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer e.rollback(conn)
	t := &tx{ctx: ctx, s: pgSession{conn.Conn()}, hooks: e.hooks}
	defer func() { t.over = true }()
	err = fn(t)
	if err = t.outcome(err); err != nil {
		return err
	}
	return e.commit(ctx, conn)
}

// commit commits, and keeps apart what surely did not happen from what perhaps
// did.
func (e *pgEngine) commit(ctx context.Context, conn *pgxpool.Conn) error {
	// Once the server has been told, the answer is waited for even if the
	// caller leaves: half an answer is the unknown outcome that nobody wants.
	if err := ctx.Err(); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	fault := e.hooks.before(Statement{Name: "commit", Kind: KindCommit})
	var err error
	switch {
	case fault == nil:
		_, err = conn.Conn().PgConn().Exec(wait, pgCommit).ReadAll()
	case errors.Is(fault, FaultLostReply):
		if _, err = conn.Conn().PgConn().Exec(wait, pgCommit).ReadAll(); err == nil {
			err = fault
		}
	default:
		err = fault
	}
	if err == nil {
		return nil
	}
	var known *pgconn.PgError
	if !errors.As(err, &known) && !errors.Is(err, errRetry) {
		return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
	}
	return pgError(err)
}

func (e *pgEngine) ready(ctx context.Context) error {
	return e.view(ctx, func(t *tx) error {
		_, err := t.Meta("ready")
		return ignoreNotFound(err)
	})
}

func (e *pgEngine) close() error {
	e.pool.Close()
	return nil
}

// pgSession is an open transaction on a connection. The driver prepares each
// text once per connection.
type pgSession struct{ c *pgx.Conn }

func (s pgSession) exec(ctx context.Context, q *query, args []any) (int64, error) {
	tag, err := s.c.Exec(ctx, q.postgres, args...)
	if err != nil {
		return 0, pgError(err)
	}
	return tag.RowsAffected(), nil
}

func (s pgSession) query(ctx context.Context, q *query, args []any, each func(row) error) error {
	rows, err := s.c.Query(ctx, q.postgres, args...)
	if err != nil {
		return pgError(err)
	}
	defer rows.Close()
	for rows.Next() {
		vals, err := rows.Values()
		if err != nil {
			return pgError(err)
		}
		if err := each(row(vals)); err != nil {
			return err
		}
	}
	return pgError(rows.Err())
}

// pgError translates an error of the driver, by its code.
func pgError(err error) error {
	if err == nil || errors.Is(err, errRetry) || errors.Is(err, errLost) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		// It did not come from the server, so it is about the way there.
		return fmt.Errorf("%w: %s", errLost, err)
	}
	// The message may quote values; the code and the names of the schema do not.
	told := fmt.Sprintf("postgres code %s, table %q, constraint %q", e.Code, e.TableName, e.ConstraintName)
	switch {
	case e.Code == "40001", e.Code == "40P01", e.Code == "55P03":
		return fmt.Errorf("%w: %s", errRetry, told)
	case e.Code == "57P01", e.Code == "57P02", e.Code == "57P03", strings.HasPrefix(e.Code, "08"):
		return fmt.Errorf("%w: %s", errLost, told)
	}
	return errors.New(told)
}

// pgMigrator migrates over one connection.
type pgMigrator struct{ c *pgx.Conn }

func (m pgMigrator) script(ctx context.Context, text string) error {
	_, err := m.c.PgConn().Exec(ctx, text).ReadAll()
	return pgMigrationError(err)
}

func (m pgMigrator) schemaVersion(ctx context.Context) (int, error) {
	var n int64
	err := m.c.QueryRow(ctx, selectMigration).Scan(&n)
	return int(n), pgMigrationError(err)
}

func (m pgMigrator) record(ctx context.Context, f migration, now time.Time) error {
	_, err := m.c.Exec(ctx, insertMigration, int64(f.version), f.name, ms(now))
	return pgMigrationError(err)
}

// pgMigrationError treats a table that is there already as a conflict: another
// process was quicker, and its record will be seen the next time.
func pgMigrationError(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code {
		case "42P07", "23505", "42710":
			return fmt.Errorf("%w: postgres code %s", errRetry, e.Code)
		}
		// Migrations hold no data of users, so the message may be shown.
		if err := pgError(err); errors.Is(err, errRetry) || errors.Is(err, errLost) {
			return err
		}
		return fmt.Errorf("postgres code %s: %s", e.Code, e.Message)
	}
	return pgError(err)
}

func (m pgMigrator) atomically(ctx context.Context, fn func() error) error {
	if err := m.script(ctx, pgBeginSerializable); err != nil {
		return err
	}
	if err := fn(); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		return errors.Join(err, m.script(ctx, pgRollback))
	}
	return m.script(ctx, pgCommit)
}
