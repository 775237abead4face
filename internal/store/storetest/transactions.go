package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

var errOwn = errors.New("the caller's own error")

var transactions = []testCase{
	{"what Update did is there afterwards", func(t *testing.T, s store.Store) {
		update(t, s, func(tx store.Tx) error { return tx.PutMeta("k", "v") })
		view(t, s, func(tx store.Tx) error {
			got, err := tx.Meta("k")
			same(t, "value", got, "v")
			return err
		})
	}},
	{"Update sees its own writes", func(t *testing.T, s store.Store) {
		update(t, s, func(tx store.Tx) error {
			mustNot(t, "PutMeta", tx.PutMeta("k", "v"))
			got, err := tx.Meta("k")
			same(t, "value", got, "v")
			return err
		})
	}},
	{"an error of fn undoes all and comes back as it is", func(t *testing.T, s store.Store) {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			mustNot(t, "PutMeta", tx.PutMeta("k", "v"))
			mustNot(t, "CreatePool", tx.CreatePool(store.Pool{ID: poolA}))
			return errOwn
		})
		if err != errOwn { // the very same
			t.Errorf("got %v, want the error of fn", err)
		}
		view(t, s, func(tx store.Tx) error {
			_, err := tx.Meta("k")
			wantErr(t, "Meta", err, store.ErrNotFound)
			_, err = tx.Pool(poolA)
			wantErr(t, "Pool", err, store.ErrNotFound)
			return nil
		})
	}},
	{"an error of fn in View comes back as it is", func(t *testing.T, s store.Store) {
		err := s.View(t.Context(), func(store.Tx) error { return errOwn })
		if err != errOwn { // the very same
			t.Errorf("got %v, want the error of fn", err)
		}
	}},
	{"after an expected outcome the transaction goes on", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		update(t, s, func(tx store.Tx) error {
			wantErr(t, "CreatePool", tx.CreatePool(store.Pool{ID: poolA}), store.ErrExists)
			wantErr(t, "CreateUser", tx.CreateUser(user(poolA, "a")), store.ErrExists)
			wantErr(t, "UpdatePool", tx.UpdatePool(store.Pool{ID: poolA, Version: 7}), store.ErrConflict)
			wantErr(t, "TakeCode", tx.TakeCode(poolA, "a", "p", []byte("x")), store.ErrNotFound)
			return tx.PutMeta("k", "v")
		})
		view(t, s, func(tx store.Tx) error {
			got, err := tx.Meta("k")
			same(t, "value", got, "v")
			return err
		})
	}},
	{"View cannot write", func(t *testing.T, s store.Store) {
		view(t, s, func(tx store.Tx) error {
			wantErr(t, "PutMeta", tx.PutMeta("k", "v"), store.ErrReadOnly)
			wantErr(t, "CreatePool", tx.CreatePool(store.Pool{ID: poolA}), store.ErrReadOnly)
			_, err := tx.CountAttempt(poolA, "s", "k", now, now)
			wantErr(t, "CountAttempt", err, store.ErrReadOnly)
			return nil
		})
		view(t, s, func(tx store.Tx) error {
			_, err := tx.Meta("k")
			wantErr(t, "Meta", err, store.ErrNotFound)
			return nil
		})
	}},
	{"a Tx is dead when its function has returned", func(t *testing.T, s store.Store) {
		for what, run := range map[string]func(context.Context, func(store.Tx) error) error{"View": s.View, "Update": s.Update} {
			var escaped store.Tx
			mustNot(t, what, run(t.Context(), func(tx store.Tx) error {
				escaped = tx
				return nil
			}))
			if _, err := escaped.Meta("k"); err == nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("after %s a read gave %v, want an error", what, err)
			}
			if err := escaped.PutMeta("k", "v"); err == nil {
				t.Errorf("after %s a write gave no error", what)
			}
		}
	}},
	{"View sees one snapshot while others commit", func(t *testing.T, s store.Store) {
		update(t, s, func(tx store.Tx) error { return tx.PutMeta("k", "old") })
		first, written := make(chan struct{}), make(chan error, 1)
		go func() {
			<-first
			written <- s.Update(t.Context(), func(tx store.Tx) error { return tx.PutMeta("k", "new") })
		}()
		view(t, s, func(tx store.Tx) error {
			for i := range 3 {
				got, err := tx.Meta("k")
				mustNot(t, "Meta", err)
				same(t, "value", got, "old")
				if i == 0 {
					close(first)
					mustNot(t, "Update", <-written)
				}
			}
			return nil
		})
		view(t, s, func(tx store.Tx) error {
			got, err := tx.Meta("k")
			same(t, "value", got, "new")
			return err
		})
	}},
	{"View does not wait for a writer and does not see what is not committed", func(t *testing.T, s store.Store) {
		update(t, s, func(tx store.Tx) error { return tx.PutMeta("k", "old") })
		update(t, s, func(tx store.Tx) error {
			mustNot(t, "PutMeta", tx.PutMeta("k", "new"))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var got string
			done := make(chan error)
			go func() {
				done <- s.View(ctx, func(tx store.Tx) (err error) {
					got, err = tx.Meta("k")
					return err
				})
			}()
			mustNot(t, "View", <-done)
			same(t, "value", got, "old")
			return nil
		})
	}},
	{"a context that has ended runs nothing", func(t *testing.T, s store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for what, run := range map[string]func(context.Context, func(store.Tx) error) error{"View": s.View, "Update": s.Update} {
			err := run(ctx, func(store.Tx) error {
				t.Errorf("%s ran its function", what)
				return nil
			})
			wantErr(t, what, err, context.Canceled)
		}
	}},
	{"a context that ends inside fn undoes all", func(t *testing.T, s store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, func(tx store.Tx) error {
			mustNot(t, "PutMeta", tx.PutMeta("k", "v"))
			cancel()
			if err := tx.PutMeta("l", "w"); err == nil {
				t.Error("a write after the end of the context gave no error")
			}
			return nil // swallowed
		})
		wantErr(t, "Update", err, context.Canceled)
		view(t, s, func(tx store.Tx) error {
			_, err := tx.Meta("k")
			wantErr(t, "Meta", err, store.ErrNotFound)
			return nil
		})
	}},
	{"a panic in fn undoes all, reaches the caller and leaves the store working", func(t *testing.T, s store.Store) {
		for what, run := range map[string]func(context.Context, func(store.Tx) error) error{"View": s.View, "Update": s.Update} {
			func() {
				defer func() {
					if got := recover(); got != "boom" {
						t.Errorf("%s: recovered %v, want boom", what, got)
					}
				}()
				_ = run(t.Context(), func(tx store.Tx) error {
					_ = tx.PutMeta("k", "v") // refused in View
					panic("boom")
				})
			}()
		}
		for range 20 { // more than there are connections
			view(t, s, func(tx store.Tx) error {
				_, err := tx.Meta("k")
				wantErr(t, "Meta", err, store.ErrNotFound)
				return nil
			})
		}
		update(t, s, func(tx store.Tx) error { return tx.PutMeta("k", "v") })
	}},
	{"a function that fails does not spoil those at work beside it", func(t *testing.T, s store.Store) {
		const n = 32
		errs := race(t, s, n, func(i int, tx store.Tx) error {
			if err := tx.CreatePool(store.Pool{ID: poolA + string(rune('A'+i)), CreatedAt: now}); err != nil {
				return err
			}
			if i%3 == 0 {
				return errOwn
			}
			return nil
		})
		for i, err := range errs {
			_, there := in(t, s, func(tx store.Tx) (store.Pool, error) { return tx.Pool(poolA + string(rune('A'+i))) })
			if i%3 == 0 {
				wantErr(t, "Update", err, errOwn)
				wantErr(t, "Pool", there, store.ErrNotFound)
			} else {
				mustNot(t, "Update", err)
				mustNot(t, "Pool", there)
			}
		}
	}},
	{"times are kept to the millisecond in UTC and the zero time stays zero", func(t *testing.T, s store.Store) {
		update(t, s, func(tx store.Tx) error {
			mustNot(t, "CreatePool", tx.CreatePool(store.Pool{ID: poolA, CreatedAt: now}))
			return nil
		})
		got, err := in(t, s, func(tx store.Tx) (store.Pool, error) { return tx.Pool(poolA) })
		mustNot(t, "Pool", err)
		same(t, "CreatedAt", got.CreatedAt, kept(now))
		same(t, "location", got.CreatedAt.Location().String(), "UTC")
		if !got.UpdatedAt.IsZero() {
			t.Errorf("UpdatedAt is %v, want zero", got.UpdatedAt)
		}
	}},
	{"nil, empty and full slices come back as they were", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		for i, b := range [][]byte{nil, {}, {0}, all, bytes.Repeat([]byte{7}, 70_000)} {
			id := string(rune('a' + i))
			k := store.SigningKey{PoolID: poolA, ID: id, Sealed: b, Public: b, CreatedAt: now.Add(-time.Duration(i) * time.Hour)}
			u := store.UserRow{User: store.User{PoolID: poolA, Sub: id, Credential: b}}
			update(t, s, func(tx store.Tx) error {
				mustNot(t, "CreateSigningKey", tx.CreateSigningKey(k))
				return tx.CreateUser(u)
			})
			view(t, s, func(tx store.Tx) error {
				keys, err := tx.SigningKeys(poolA)
				mustNot(t, "SigningKeys", err)
				same(t, "Sealed "+id, keys[i].Sealed, b)
				same(t, "Public "+id, keys[i].Public, b)
				got, err := tx.User(poolA, id)
				same(t, "Credential "+id, got.Credential, b)
				return err
			})
		}
		for i, doc := range [][]byte{nil, {}, []byte(`{}`), []byte(`{"a":"ä😀\u0000"}`)} {
			id := string(rune('a' + i))
			update(t, s, func(tx store.Tx) error {
				return tx.CreateClient(store.Client{PoolID: poolA, ID: id, Doc: doc})
			})
			got, err := in(t, s, func(tx store.Tx) (store.Client, error) { return tx.Client(poolA, id) })
			mustNot(t, "Client", err)
			same(t, "Doc "+id, got.Doc, doc)
		}
	}},
	{"text that not every database keeps is refused, and nothing is found under it", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		for _, bad := range []string{"a\x00b", "\xff", "\xed\xa0\x80"} {
			wantErr(t, "CreatePool", do(t, s, func(tx store.Tx) error { return tx.CreatePool(store.Pool{ID: bad}) }), store.ErrText)
			u := user(poolA, "b")
			u.Names = append(u.Names, store.Name{Kind: store.NamePreferredUsername, Value: bad})
			wantErr(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(u) }), store.ErrText)
			u = user(poolA, "b")
			u.Attributes["x"] = bad
			wantErr(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(u) }), store.ErrText)
			view(t, s, func(tx store.Tx) error {
				_, err := tx.User(poolA, "b")
				wantErr(t, "the user that was refused", err, store.ErrNotFound)
				_, err = tx.User(poolA, bad)
				wantErr(t, "User", err, store.ErrNotFound)
				_, _, err = tx.UserByName(poolA, bad)
				wantErr(t, "UserByName", err, store.ErrNotFound)
				list, _, err := tx.ListUsers(poolA, store.UserQuery{Attribute: "email", Value: bad, Prefix: true, Page: store.Page{Limit: 9}})
				same(t, "ListUsers", len(list), 0)
				return err
			})
		}
	}},
	{"Ready says yes", func(t *testing.T, s store.Store) {
		mustNot(t, "Ready", s.Ready(t.Context()))
	}},
	{"after Close nothing works and a second Close is harmless", func(t *testing.T, s store.Store) {
		mustNot(t, "Close", s.Close())
		mustNot(t, "second Close", s.Close())
		if s.Ready(t.Context()) == nil {
			t.Error("Ready says yes")
		}
		for what, run := range map[string]func(context.Context, func(store.Tx) error) error{"View": s.View, "Update": s.Update} {
			if run(t.Context(), func(store.Tx) error { return nil }) == nil {
				t.Errorf("%s works", what)
			}
		}
	}},
}

var meta = []testCase{
	{"a key without a value is not found", func(t *testing.T, s store.Store) {
		_, err := in(t, s, func(tx store.Tx) (string, error) { return tx.Meta("k") })
		wantErr(t, "Meta", err, store.ErrNotFound)
	}},
	{"InitMeta sets a value once and returns the one that is there", func(t *testing.T, s store.Store) {
		for _, value := range []string{"first", "second"} {
			got, err := in(t, s, func(tx store.Tx) (string, error) { return tx.InitMeta("k", value) })
			mustNot(t, "InitMeta", err)
			same(t, "value", got, "first")
		}
	}},
	{"PutMeta sets a value again", func(t *testing.T, s store.Store) {
		for _, value := range []string{"first", "", "😀"} {
			mustNot(t, "PutMeta", do(t, s, func(tx store.Tx) error { return tx.PutMeta("k", value) }))
			got, err := in(t, s, func(tx store.Tx) (string, error) { return tx.Meta("k") })
			mustNot(t, "Meta", err)
			same(t, "value", got, value)
		}
	}},
}
