package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// crowd is a store whose turn is held while updates queue up behind.
type crowd struct {
	t       *testing.T
	db      *DB
	group   *group
	commits atomic.Int64

	release chan struct{}
	wg      sync.WaitGroup
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, release: make(chan struct{})}
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "rockpool.db"), Observe: func(s Statement) {
		if s.Kind == KindCommit {
			c.commits.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c.db, c.group = db, db.engine.(*sqliteEngine).group
	held := make(chan struct{})
	var once sync.Once
	c.wg.Go(func() {
		if err := db.Update(t.Context(), func(tx store.Tx) error {
			once.Do(func() { close(held) })
			<-c.release
			return tx.PutMeta("holder", "1")
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	return c
}

// join starts an update and returns when it is in the queue.
func (c *crowd) join(ctx context.Context, fn func(store.Tx) error) <-chan error {
	before := c.queued()
	result := make(chan error, 1)
	c.wg.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				result <- fmt.Errorf("panic: %v", r)
			}
		}()
		result <- c.db.Update(ctx, fn)
	})
	for c.queued() == before {
		runtime.Gosched()
	}
	return result
}

func (c *crowd) queued() int {
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	return len(c.group.queue)
}

func (c *crowd) has(key string) bool {
	c.t.Helper()
	err := c.db.View(c.t.Context(), func(tx store.Tx) error { _, err := tx.Meta(key); return err })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.t.Fatal(err)
	}
	return err == nil
}

var errFails = errors.New("this one fails")

func TestGroupSharesOneCommit(t *testing.T) {
	c := newCrowd(t)
	const n = 40
	results := make([]<-chan error, n)
	for i := range n {
		results[i] = c.join(t.Context(), func(tx store.Tx) error {
			if err := tx.PutMeta(fmt.Sprint("key", i), "1"); err != nil {
				return err
			}
			switch i % 10 {
			case 3:
				return errFails
			case 5:
				panic("this one panics")
			case 7:
				// Its own writes are there, those of the failed are not.
				if _, err := tx.Meta(fmt.Sprint("key", i)); err != nil {
					return err
				}
				if _, err := tx.Meta(fmt.Sprint("key", i-4)); !errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("sees what failed: %v", err)
				}
			}
			return nil
		})
	}
	start := c.commits.Load()
	close(c.release)
	c.wg.Wait()
	if got := c.commits.Load() - start; got != 1 {
		t.Errorf("%d commits, want 1", got)
	}
	for i, result := range results {
		err := <-result
		fails := i%10 == 3 || i%10 == 5
		if (err != nil) != fails {
			t.Errorf("update %d: %v", i, err)
		}
		if got := c.has(fmt.Sprint("key", i)); got == fails {
			t.Errorf("update %d: kept is %v", i, got)
		}
	}
	if !c.has("holder") {
		t.Error("the first update is lost")
	}
}

func TestGroupCommitsFullBatches(t *testing.T) {
	c := newCrowd(t)
	const n = 2*maxBatch + 10
	for i := range n {
		c.join(t.Context(), func(tx store.Tx) error { return tx.PutMeta(fmt.Sprint(i%7), "1") })
	}
	start := c.commits.Load()
	close(c.release)
	c.wg.Wait()
	if got := c.commits.Load() - start; got != 3 {
		t.Errorf("%d commits of %d updates, want 3", got, n+1)
	}
}

func TestGroupDoesNotRunWhatWasCancelledInTheQueue(t *testing.T) {
	c := newCrowd(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := c.join(t.Context(), func(tx store.Tx) error { return tx.PutMeta("first", "1") })
	cancelled := c.join(ctx, func(store.Tx) error {
		t.Error("it ran")
		return nil
	})
	last := c.join(t.Context(), func(tx store.Tx) error { return tx.PutMeta("last", "1") })
	cancel()
	if err := <-cancelled; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	close(c.release)
	for _, result := range []<-chan error{first, last} {
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
	if !c.has("first") || !c.has("last") {
		t.Error("the others are lost")
	}
}

// A full disk makes SQLite give up the whole transaction. The same is done here
// by hand, once.
func TestGroupRunsABatchAgainThatSQLiteGaveUp(t *testing.T) {
	c := newCrowd(t)
	var innocentRuns, guiltyRuns atomic.Int64
	innocent := c.join(t.Context(), func(tx store.Tx) error {
		innocentRuns.Add(1)
		return tx.PutMeta("innocent", "1")
	})
	guilty := c.join(t.Context(), func(tx store.Tx) error {
		if guiltyRuns.Add(1) == 1 {
			if err := c.group.conn.script(sqliteRollback); err != nil {
				return err
			}
		}
		return errFails
	})
	close(c.release)
	if err := <-guilty; !errors.Is(err, errFails) {
		t.Errorf("the guilty one got %v", err)
	}
	if err := <-innocent; err != nil {
		t.Errorf("the innocent one got %v", err)
	}
	c.wg.Wait()
	// What the guilty one saw never happened either, so it is asked again.
	if innocentRuns.Load() != 2 || guiltyRuns.Load() != 2 {
		t.Errorf("they ran %d and %d times, want 2 and 2", innocentRuns.Load(), guiltyRuns.Load())
	}
	if !c.has("innocent") || !c.has("holder") {
		t.Error("the innocent ones are lost")
	}
	if err := c.db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
