package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteConn is one connection with its prepared statements. It is used by one
// goroutine at a time. It goes to the driver without database/sql: pooling and
// the snapshot rules are the engine's, and the detour costs more than a read.
type sqliteConn struct {
	conn  driver.Conn
	stmts map[string]driver.Stmt
	named []driver.NamedValue
	vals  []driver.Value
	row   row
}

// openSQLiteConn opens path with the pragmas that every connection has, and
// those given.
func openSQLiteConn(ctx context.Context, path string, pragmas ...string) (*sqliteConn, error) {
	// As a URI, so that no character of the path is taken for an option.
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_dqs=0&_defensive=1"}).String()
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, sqliteError(err)
	}
	c := &sqliteConn{conn: conn, stmts: map[string]driver.Stmt{}}
	for _, p := range append(sqlitePragmas[:len(sqlitePragmas):len(sqlitePragmas)], pragmas...) {
		if err := c.script(p); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", p, err), c.close())
		}
	}
	return c, nil
}

func (c *sqliteConn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// script runs statements without parameters and forgets them.
func (c *sqliteConn) script(text string) error {
	// The context is not given to the driver, here and below: it would start a
	// goroutine for every statement. Statements are short; the context is
	// looked at between them.
	_, err := c.conn.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return sqliteError(err)
}

// number runs a query without parameters that returns one number.
func (c *sqliteConn) number(text string) (int64, error) {
	var n int64
	err := c.query(text, nil, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// text runs a query without parameters that returns one text.
func (c *sqliteConn) text(text string) (string, error) {
	var s string
	err := c.query(text, nil, func(r row) error {
		s = r.text(0)
		return nil
	})
	return s, err
}

func (c *sqliteConn) prepared(text string) (driver.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	s, err := c.conn.Prepare(text)
	if err != nil {
		return nil, sqliteError(err)
	}
	c.stmts[text] = s
	return s, nil
}

// bind puts args into the form that the driver takes.
func (c *sqliteConn) bind(args []any) []driver.NamedValue {
	c.named = c.named[:0]
	for i, a := range args {
		if b, ok := a.([]byte); ok && b != nil && len(b) == 0 {
			// The driver would make NULL of it. SQLite keeps an empty text in a
			// blob column as it is, and row.bytes reads it as empty.
			a = ""
		}
		c.named = append(c.named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.named
}

func (c *sqliteConn) exec(text string, args []any) (int64, error) {
	s, err := c.prepared(text)
	if err != nil {
		return 0, err
	}
	res, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, sqliteError(err)
	}
	return res.RowsAffected()
}

func (c *sqliteConn) query(text string, args []any, each func(row) error) (err error) {
	s, err := c.prepared(text)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return sqliteError(err)
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = sqliteError(e)
		}
	}()
	n := len(rows.Columns())
	if cap(c.vals) < n {
		c.vals, c.row = make([]driver.Value, n), make(row, n)
	}
	vals, r := c.vals[:n], c.row[:n]
	for {
		if err := rows.Next(vals); err == io.EOF {
			return nil
		} else if err != nil {
			return sqliteError(err)
		}
		for i, v := range vals {
			r[i] = v
		}
		if err := each(r); err != nil {
			return err
		}
	}
}

// sqliteError translates an error of the driver, by its code.
func sqliteError(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: sqlite code %d", errRetry, e.Code())
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: sqlite code %d: %s", errLost, e.Code(), e.Error())
	}
	return fmt.Errorf("sqlite code %d: %s", e.Code(), e.Error())
}
