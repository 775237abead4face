package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// session is an open transaction of an engine. Its errors are translated.
type session interface {
	exec(ctx context.Context, q *query, args []any) (affected int64, err error)
	query(ctx context.Context, q *query, args []any, each func(row) error) error
}

// tx is a store.Tx. It lives as long as the function that it was given to.
type tx struct {
	ctx      context.Context
	s        session
	hooks    *hooks
	readOnly bool
	over     bool
	// broken is the first error that the transaction cannot survive. It is
	// kept because fn may swallow it, and a commit would then lie.
	broken error
}

var _ store.Tx = (*tx)(nil)

// before checks what is common to all statements.
func (t *tx) before(q *query, args []any) error {
	if t.over {
		return errTxOver
	}
	if t.broken != nil {
		return t.broken
	}
	if err := t.ctx.Err(); err != nil {
		return t.fail(q, err)
	}
	if q.kind == KindWrite && t.readOnly {
		return store.ErrReadOnly
	}
	for _, a := range args {
		if s, ok := a.(string); ok && !storable(s) {
			return store.ErrText
		}
	}
	if err := t.hooks.before(Statement{Name: q.name, Kind: q.kind}); err != nil {
		return t.fail(q, err)
	}
	return nil
}

// fail records an error of the database. PostgreSQL has given up the whole
// transaction by then, and SQLite is held to the same.
func (t *tx) fail(q *query, err error) error {
	err = fmt.Errorf("%s: %w", q.name, err)
	if t.broken == nil {
		t.broken = err
	}
	return err
}

// outcome is how the transaction ended, given what fn returned: what the
// database said goes before what fn made of it, if fn is to be run again.
func (t *tx) outcome(err error) error {
	if t.broken != nil && (err == nil || errors.Is(t.broken, errRetry) || errors.Is(t.broken, errLost)) {
		return t.broken
	}
	return err
}

// storable reports whether every database can keep s.
func storable(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// exec runs a statement that returns no rows.
func (t *tx) exec(q *query, args ...any) (int64, error) {
	if err := t.before(q, args); err != nil {
		return 0, err
	}
	n, err := t.s.exec(t.ctx, q, args)
	if err != nil {
		return 0, t.fail(q, err)
	}
	return n, nil
}

// each runs a statement and calls f with each row; f must not use t.
func (t *tx) each(q *query, f func(row) error, args ...any) error {
	if err := t.before(q, args); err != nil {
		if errors.Is(err, store.ErrText) && q.kind == KindRead {
			return nil // nothing is kept under such text
		}
		return err
	}
	if err := t.s.query(t.ctx, q, args, f); err != nil {
		return t.fail(q, err)
	}
	return nil
}

// one runs a statement and calls f with its only row, or returns ErrNotFound.
func (t *tx) one(q *query, f func(row) error, args ...any) error {
	found := false
	err := t.each(q, func(r row) error {
		found = true
		return f(r)
	}, args...)
	if err == nil && !found {
		return store.ErrNotFound
	}
	return err
}

// exists reports whether a statement returns a row.
func (t *tx) exists(q *query, args ...any) (bool, error) {
	found := false
	err := t.each(q, func(row) error {
		found = true
		return nil
	}, args...)
	return found, err
}

// execOne runs a statement that changes one row, or returns otherwise.
func (t *tx) execOne(otherwise error, q *query, args ...any) error {
	n, err := t.exec(q, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return otherwise
	}
	return nil
}

// changed runs a conditional update or delete. When it changes nothing, found
// tells apart a record that is in another state from one that is not there.
func (t *tx) changed(q *query, found *query, key []any, args ...any) error {
	err := t.execOne(store.ErrConflict, q, args...)
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	ok, err := t.exists(found, key...)
	if err != nil {
		return err
	}
	if !ok {
		return store.ErrNotFound
	}
	return store.ErrConflict
}

// created runs an insert that takes its row from its parent and does nothing
// if the row is there. When it changes nothing, one of the two is the reason.
func (t *tx) created(q *query, parent *query, key []any, args ...any) error {
	err := t.execOne(store.ErrExists, q, args...)
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	ok, err := t.exists(parent, key...)
	if err != nil {
		return err
	}
	if !ok {
		return store.ErrNotFound
	}
	return store.ErrExists
}

// page collects one page of a list. The query must return up to one row more
// than the limit, which tells whether there is a next page.
func page[T any](t *tx, q *query, p store.Page, scan func(row) (T, error), cursor func(T) string, args ...any) ([]T, string, error) {
	n := int(limit(p))
	var items []T
	more := false
	err := t.each(q, func(r row) error {
		if len(items) == n {
			more = true
			return nil
		}
		item, err := scan(r)
		if err != nil {
			return err
		}
		items = append(items, item)
		return nil
	}, append(args, int64(n+1))...)
	if err != nil {
		return nil, "", err
	}
	if !more {
		return items, "", nil
	}
	return items, cursor(items[len(items)-1]), nil
}

// ms is a time as it is stored; the zero Time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at is the time that ms made.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
