package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// maxBatch bounds how many updates share a commit, and so how much is lost at
// once if the commit fails.
const maxBatch = 256

// group is the group commit: updates that arrive while others are at work join
// one transaction and share its commit, which is what takes the time.
//
// There is no writer goroutine. Whoever holds the turn runs its own function on
// the write connection, then hands the turn to the next in the queue, or
// commits for all of the batch if there is none. The turn always has a holder
// while a batch is open, so a batch is always committed. Functions run on the
// goroutine of their caller: a panic, or a Goexit, is the caller's own.
type group struct {
	hooks *hooks
	conn  *sqliteConn

	mu    sync.Mutex
	held  bool
	queue []*waiter
	dead  error // why the connection cannot be used any more

	// batch belongs to the holder of the turn. It is nil if no transaction is
	// open.
	batch *batch
}

// waiter is an update that waits for the turn.
type waiter struct{ turn chan struct{} }

// batch is one transaction of several updates.
type batch struct {
	size int
	done chan struct{}
	err  error // set before done is closed
}

func newGroup(c *sqliteConn, h *hooks) *group { return &group{conn: c, hooks: h} }

// update runs fn in a batch and returns when the batch is committed.
func (g *group) update(ctx context.Context, fn func(*tx) error) error {
	if err := g.takeTurn(ctx); err != nil {
		return err
	}
	b, err := g.run(ctx, fn)
	if b == nil {
		return err
	}
	<-b.done
	if b.err != nil {
		return b.err
	}
	return err
}

// takeTurn waits until the caller may use the connection.
func (g *group) takeTurn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if !g.held {
		g.held = true
		g.mu.Unlock()
		return nil
	}
	w := &waiter{turn: make(chan struct{})}
	g.queue = append(g.queue, w)
	g.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i, other := range g.queue {
		if other == w {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			g.mu.Unlock()
			return ctx.Err()
		}
	}
	g.mu.Unlock()
	// The turn came at the same moment. Pass it on.
	<-w.turn
	g.pass()
	return ctx.Err()
}

// run runs fn with the turn, and passes the turn on. It returns the batch that
// fn became part of, or the error because of which it did not. An error of fn
// comes with a batch if fn saw what others in it wrote: it may be because of
// that, so the caller must not hear of it before it has happened, or at all if
// it never does.
func (g *group) run(ctx context.Context, fn func(*tx) error) (joined *batch, err error) {
	// Also if fn panics or does not return.
	defer g.pass()
	if err := g.ready(); err != nil {
		return nil, err
	}
	first := g.batch == nil
	if first {
		if err := g.begin(); err != nil {
			return nil, err
		}
	} else if err := g.step(sqliteSavepoint); err != nil {
		return nil, err
	}
	b := g.batch
	t := &tx{ctx: ctx, s: sqliteSession{g.conn}, hooks: g.hooks}
	err = errPanicked
	defer func() {
		t.over = true
		err = t.outcome(err)
		switch {
		case err == nil && first, err == nil && g.step(sqliteRelease) == nil:
			b.size++
			joined = b
		case err == nil:
			err = b.err
		case first:
			g.rollback(err)
		default:
			// The others in the batch keep what they have written.
			joined = b
			if e := g.step(sqliteRollbackSavepoint); e == nil {
				_ = g.step(sqliteRelease) // if it fails the batch is over, which step has seen to
			}
		}
	}()
	err = fn(t)
	return nil, err
}

// begin opens the transaction of a batch.
func (g *group) begin() error {
	if err := g.hooks.before(Statement{Name: "begin", Kind: KindBegin}); err != nil {
		return err
	}
	if _, err := g.conn.exec(sqliteBeginWrite, nil); err != nil {
		return err
	}
	g.batch = &batch{done: make(chan struct{})}
	return nil
}

// step runs a savepoint statement. If it fails SQLite has given up the whole
// transaction, on a full disk for example, and everybody in the batch starts
// again.
func (g *group) step(text string) error {
	_, err := g.conn.exec(text, nil)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%w: %w", errRetry, err)
	g.rollback(err)
	return err
}

// rollback ends the transaction of the batch; all in it get err.
func (g *group) rollback(err error) {
	if _, e := g.conn.exec(sqliteRollback, nil); e != nil {
		// Either SQLite has rolled back already, which it does when the disk
		// is full, or it cannot. It is the former if a transaction can begin.
		if e := g.conn.script(sqliteBeginWrite + ";" + sqliteRollback); e != nil {
			g.mu.Lock()
			g.dead = fmt.Errorf("cannot roll back: %w", e)
			g.mu.Unlock()
		}
	}
	g.end(err)
}

// end tells everybody in the batch how it ended.
func (g *group) end(err error) {
	b := g.batch
	g.batch = nil
	b.err = err
	close(b.done)
}

// pass gives the turn to the next waiter, after a commit if nobody waits or the
// batch is full.
func (g *group) pass() {
	g.mu.Lock()
	if g.batch != nil && (len(g.queue) == 0 || g.batch.size >= maxBatch) {
		g.mu.Unlock()
		g.commit() // those who come meanwhile wait for the turn
		g.mu.Lock()
	}
	if len(g.queue) == 0 {
		g.held = false
		g.mu.Unlock()
		return
	}
	w := g.queue[0]
	g.queue = g.queue[1:]
	g.mu.Unlock()
	close(w.turn)
}

// commit commits the batch.
func (g *group) commit() {
	fault := g.hooks.before(Statement{Name: "commit", Kind: KindCommit})
	if fault != nil && !errors.Is(fault, FaultLostReply) {
		if errors.Is(fault, errLost) {
			fault = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, fault)
		}
		g.rollback(fault)
		return
	}
	if _, err := g.conn.exec(sqliteCommit, nil); err != nil {
		if errors.Is(err, errLost) {
			// An error of the disk: the log may or may not have got there.
			err = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
		}
		g.rollback(err)
		return
	}
	if fault != nil {
		fault = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, fault)
	}
	g.end(fault)
}

// ready reports why nothing can be written, or nil.
func (g *group) ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead
}

func (g *group) close() error { return g.conn.close() }
