package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// faults breaks statements and counts them.
type faults struct {
	mu    sync.Mutex
	seen  int
	at    int  // the statement that breaks, from 1; 0: none
	every bool // and all after it
	err   error
	kind  sqlstore.Kind // of the statement that broke
}

func (f *faults) hook(s sqlstore.Statement) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen++
	if f.at > 0 && (f.seen == f.at || f.every && f.seen > f.at) {
		f.kind = s.Kind
		return f.err
	}
	return nil
}

func (f *faults) set(at int, every bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.at, f.every, f.err, f.kind = 0, at, every, err, ""
}

func (f *faults) count() (int, sqlstore.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen, f.kind
}

// operation is a transaction on names of its own, and a way to see whether it
// happened: fully (nil), not at all (store.ErrNotFound), or anything else.
type operation struct {
	name    string
	prepare func(tx store.Tx, id string) error
	run     func(tx store.Tx, id string) error
	check   func(tx store.Tx, id string) error
}

const faultPool = "eu-central-1_Faults"

func faultUser(id string) store.UserRow {
	return store.UserRow{
		User:  store.User{PoolID: faultPool, Sub: id, Username: id},
		Names: []store.Name{{Kind: store.NameUsername, Value: id}, {Kind: store.NameEmail, Value: id + "@x"}},
		Index: []store.IndexEntry{{Attribute: "email", Value: id + "@x"}},
	}
}

var operations = []operation{
	{"sign up", nil,
		func(tx store.Tx, id string) error {
			if err := tx.CreateUser(faultUser(id)); err != nil {
				return err
			}
			return tx.PutCode(store.Code{PoolID: faultPool, Sub: id, Purpose: "p", Hash: []byte("h"), GuessesLeft: 3})
		},
		func(tx store.Tx, id string) error {
			_, userErr := tx.User(faultPool, id)
			_, _, nameErr := tx.UserByName(faultPool, id+"@x")
			_, codeErr := tx.Code(faultPool, id, "p")
			listed, _, err := tx.ListUsers(faultPool, store.UserQuery{Attribute: "email", Value: id + "@x", Page: store.Page{Limit: 2}})
			if err != nil {
				return err
			}
			switch n := len(listed); {
			case userErr == nil && nameErr == nil && codeErr == nil && n == 1:
				return nil
			case userErr != nil && nameErr != nil && codeErr != nil && n == 0:
				return store.ErrNotFound
			default:
				return fmt.Errorf("half of it: %v, %v, %v, %d", userErr, nameErr, codeErr, n)
			}
		}},
	{"rotate a refresh token",
		func(tx store.Tx, id string) error {
			return tx.CreateRefreshFamily(store.RefreshFamily{PoolID: faultPool, OriginJTI: id, Generation: 1})
		},
		func(tx store.Tx, id string) error {
			f, err := tx.RefreshFamily(faultPool, id)
			if err != nil {
				return err
			}
			return tx.AdvanceRefreshFamily(faultPool, id, f.Generation, time.Now())
		},
		func(tx store.Tx, id string) error {
			f, err := tx.RefreshFamily(faultPool, id)
			switch {
			case err != nil:
				return fmt.Errorf("lost: %v", err)
			case f.Generation == 1:
				return store.ErrNotFound
			case f.Generation == 2:
				return nil
			}
			return fmt.Errorf("generation %d: it happened more than once", f.Generation)
		}},
	{"count an attempt", nil,
		func(tx store.Tx, id string) error {
			_, err := tx.CountAttempt(faultPool, id, "k", time.Now(), time.Time{})
			return err
		},
		func(tx store.Tx, id string) error {
			a, err := tx.Attempt(faultPool, id, "k", time.Now())
			switch {
			case err != nil:
				return err
			case a.Count == 0:
				return store.ErrNotFound
			case a.Count == 1:
				return nil
			}
			return fmt.Errorf("counted %d times", a.Count)
		}},
	{"delete a user",
		func(tx store.Tx, id string) error { return tx.CreateUser(faultUser(id)) },
		func(tx store.Tx, id string) error { return tx.DeleteUser(faultPool, id) },
		func(tx store.Tx, id string) error {
			_, err := tx.User(faultPool, id)
			_, _, nameErr := tx.UserByName(faultPool, id)
			switch {
			case err == nil && nameErr == nil:
				return store.ErrNotFound
			case errors.Is(err, store.ErrNotFound) && errors.Is(nameErr, store.ErrNotFound):
				return nil
			}
			return fmt.Errorf("half of it: %v, %v", err, nameErr)
		}},
}

// TestFaults breaks every statement of several operations, one after another:
// each time the operation is run again, or has not happened, or says that it
// does not know.
func TestFaults(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testFaults(t, sqlstore.Options{}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		needPostgres(t)
		testFaults(t, sqlstore.Options{DSN: postgres(t)})
	})
}

func testFaults(t *testing.T, o sqlstore.Options) {
	var f faults
	o.Fault = f.hook
	db := open(t, o)
	if err := db.Update(t.Context(), func(tx store.Tx) error { return tx.CreatePool(store.Pool{ID: faultPool}) }); err != nil {
		t.Fatal(err)
	}
	id := 0
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			walk := func(fault error, at int, every bool) (statements int, kind sqlstore.Kind, err, state error) {
				id++
				name := fmt.Sprint("id", id)
				f.set(0, false, nil)
				if op.prepare != nil {
					if err := db.Update(t.Context(), func(tx store.Tx) error { return op.prepare(tx, name) }); err != nil {
						t.Fatal(err)
					}
				}
				f.set(at, every, fault)
				err = db.Update(t.Context(), func(tx store.Tx) error { return op.run(tx, name) })
				statements, kind = f.count()
				f.set(0, false, nil)
				state = db.View(t.Context(), func(tx store.Tx) error { return op.check(tx, name) })
				return statements, kind, err, state
			}
			n, _, err, state := walk(nil, 0, false)
			if err != nil || state != nil {
				t.Fatalf("without a fault: %v, %v", err, state)
			}
			if n < 3 {
				t.Fatalf("only %d statements seen", n)
			}
			for at := 1; at <= n; at++ {
				for _, fault := range []error{sqlstore.FaultConflict, sqlstore.FaultLost, sqlstore.FaultLostReply} {
					_, kind, err, state := walk(fault, at, false)
					what := fmt.Sprintf("%v at statement %d of %d (%s)", fault, at, n, kind)
					if kind == sqlstore.KindCommit && fault != sqlstore.FaultConflict {
						if !errors.Is(err, store.ErrOutcomeUnknown) {
							t.Errorf("%s: got %v, want ErrOutcomeUnknown", what, err)
						}
						if want := fault == sqlstore.FaultLostReply; (state == nil) != want || state != nil && !errors.Is(state, store.ErrNotFound) {
							t.Errorf("%s: afterwards %v, want happened = %v", what, state, want)
						}
						continue
					}
					if err != nil || state != nil {
						t.Errorf("%s: got %v and afterwards %v, want it done again", what, err, state)
					}
				}
			}
		})
	}
	t.Run("a fault that stays is reported after a bounded number of tries", func(t *testing.T) {
		op := operations[2]
		for _, fault := range []error{sqlstore.FaultConflict, sqlstore.FaultLost} {
			f.set(2, true, fault)
			err := db.Update(t.Context(), func(tx store.Tx) error { return op.run(tx, "stays") })
			n, _ := f.count()
			f.set(0, false, nil)
			if !errors.Is(err, fault) || n > 100 {
				t.Errorf("got %v after %d statements, want %v", err, n, fault)
			}
			if state := db.View(t.Context(), func(tx store.Tx) error { return op.check(tx, "stays") }); !errors.Is(state, store.ErrNotFound) {
				t.Errorf("afterwards %v, want that nothing happened", state)
			}
		}
	})
	t.Run("an error that fn hides is found all the same", func(t *testing.T) {
		f.set(3, false, sqlstore.FaultConflict)
		runs := 0
		err := db.Update(t.Context(), func(tx store.Tx) error {
			runs++
			if err := tx.PutMeta("a", "1"); err != nil {
				return err
			}
			if tx.PutMeta("b", "1") != nil { // the fault
				return errors.New("something else altogether")
			}
			return nil
		})
		f.set(0, false, nil)
		if err != nil || runs != 2 {
			t.Errorf("got %v after %d runs, want nil after 2", err, runs)
		}
		if err := db.View(t.Context(), func(tx store.Tx) error { _, err := tx.Meta("b"); return err }); err != nil {
			t.Error(err)
		}
	})
	t.Run("a context that ends stops the tries", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f.set(2, true, sqlstore.FaultConflict)
		tries := 0
		err := db.Update(ctx, func(tx store.Tx) error {
			if tries++; tries == 1 {
				cancel()
			}
			return tx.PutMeta("c", "1")
		})
		f.set(0, false, nil)
		if !errors.Is(err, context.Canceled) || tries != 1 {
			t.Errorf("got %v after %d tries", err, tries)
		}
	})
}

// TestObserve counts what a sign-in reads.
func TestObserve(t *testing.T) {
	var mu sync.Mutex
	counts := map[sqlstore.Kind]int{}
	db := open(t, sqlstore.Options{Observe: func(s sqlstore.Statement) {
		mu.Lock()
		defer mu.Unlock()
		counts[s.Kind]++
	}})
	if err := db.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.CreatePool(store.Pool{ID: faultPool}); err != nil {
			return err
		}
		return tx.CreateUser(faultUser("a"))
	}); err != nil {
		t.Fatal(err)
	}
	clear(counts)
	if err := db.View(t.Context(), func(tx store.Tx) error {
		u, _, err := tx.UserByName(faultPool, "a@x")
		if err != nil {
			return err
		}
		if _, err := tx.Attempt(faultPool, u.Sub, "k", time.Now()); err != nil {
			return err
		}
		_, err = tx.UserGroups(faultPool, u.Sub)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if counts[sqlstore.KindRead] != 3 || counts[sqlstore.KindWrite] != 0 || counts[sqlstore.KindBegin] != 1 || counts[sqlstore.KindCommit] != 0 {
		t.Errorf("got %v, want 3 reads in one transaction and nothing else", counts)
	}
}

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(childWrites(path))
	}
	os.Exit(m.Run())
}
