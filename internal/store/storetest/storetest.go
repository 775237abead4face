// Package storetest is the conformance suite for implementations of
// store.Store: each sentence of the contract is a subtest. It is for tests
// alone, and holds no implementation and no knowledge of one.
package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// Run runs the suite. open returns an empty store of the test's own, which open
// arranges to be closed when the test ends.
func Run(t *testing.T, open func(testing.TB) store.Store) {
	t.Helper()
	total := 0
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"Transactions", transactions},
		{"Meta", meta},
		{"Pools", pools},
		{"Clients", clients},
		{"Users", users},
		{"ListUsers", listUsers},
		{"Groups", groups},
		{"Codes", codes},
		{"Attempts", attempts},
		{"Revocations", revocations},
		{"SigningKeys", signingKeys},
		{"AccessKeys", accessKeys},
		{"Functions", functions},
		{"Documents", documents},
		{"Sweep", sweep},
		{"Isolation", isolation},
		{"Races", races},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				total++
				t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
			}
		})
	}
	if total < 90 {
		t.Errorf("the suite has %d cases, some are missing", total)
	}
}

// RunPoolIsolation runs the part of the suite that shows that ids of one pool
// are not found in another (security rule DB-3).
func RunPoolIsolation(t *testing.T, open func(testing.TB) store.Store) {
	t.Helper()
	for _, c := range isolation {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

type testCase struct {
	name string
	run  func(*testing.T, store.Store)
}

// now has more digits than are kept, to see that they are cut off.
var now = time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.FixedZone("", 3600))

// kept is a time as the store gives it back.
func kept(t time.Time) time.Time { return t.Truncate(time.Millisecond).UTC() }

const (
	poolA = "eu-central-1_AAAAAAAAA"
	poolB = "eu-central-1_BBBBBBBBB"
)

// update runs fn in a transaction that must succeed.
func update(t testing.TB, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view is update for reading.
func view(t testing.TB, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// in returns what a method of Tx returns, called in a transaction of its own
// that is committed whatever it returns.
func in[T any](t testing.TB, s store.Store, fn func(store.Tx) (T, error)) (got T, err error) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		got, err = fn(tx)
		return nil
	})
	return got, err
}

// do is in for methods that return an error only.
func do(t testing.TB, s store.Store, fn func(store.Tx) error) error {
	t.Helper()
	_, err := in(t, s, func(tx store.Tx) (struct{}, error) { return struct{}{}, fn(tx) })
	return err
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func mustNot(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: got + and not want -:\n%s", what, diff)
	}
}

// addPool creates a pool.
func addPool(t testing.TB, s store.Store, id string) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		return tx.CreatePool(store.Pool{ID: id, Name: "pool", Doc: []byte(`{}`), CreatedAt: now, UpdatedAt: now})
	})
}

// user is a user with a username and an e-mail address made of its sub.
func user(poolID, sub string) store.UserRow {
	return store.UserRow{
		User: store.User{
			PoolID: poolID, Sub: sub, Username: "name-" + sub, Status: "CONFIRMED", Enabled: true,
			Attributes: map[string]string{"email": sub + "@example.com", "custom:tenantId": "t-1"},
			Credential: []byte{1, 0, 255}, Doc: []byte(`{"mfa":[]}`),
			PasswordExpires: now.Add(time.Hour), TokensValidAfter: now.Add(-time.Hour),
			CreatedAt: now, UpdatedAt: now.Add(time.Minute),
		},
		Names: []store.Name{
			{Kind: store.NameUsername, Value: "name-" + sub},
			{Kind: store.NameSub, Value: sub},
			{Kind: store.NameEmail, Value: sub + "@example.com"},
		},
		Index: []store.IndexEntry{
			{Attribute: "email", Value: sub + "@example.com"},
			{Attribute: "status", Value: "confirmed"},
		},
	}
}

// keptUser is a user as the store gives it back at a version.
func keptUser(u store.UserRow, version int64) store.User {
	k := u.User
	k.Version = version
	k.PasswordExpires, k.TokensValidAfter = kept(k.PasswordExpires), kept(k.TokensValidAfter)
	k.CreatedAt, k.UpdatedAt = kept(k.CreatedAt), kept(k.UpdatedAt)
	return k
}

// addUsers creates the pool and users in it.
func addUsers(t testing.TB, s store.Store, poolID string, subs ...string) {
	t.Helper()
	addPool(t, s, poolID)
	update(t, s, func(tx store.Tx) error {
		for _, sub := range subs {
			if err := tx.CreateUser(user(poolID, sub)); err != nil {
				return err
			}
		}
		return nil
	})
}

// pageAll walks a list in pages of a size and returns all records.
func pageAll[T any](t testing.TB, s store.Store, limit int, list func(store.Tx, store.Page) ([]T, string, error)) []T {
	t.Helper()
	var all []T
	p := store.Page{Limit: limit}
	for range 1000 {
		var items []T
		var next string
		view(t, s, func(tx store.Tx) (err error) {
			items, next, err = list(tx, p)
			return err
		})
		if len(items) > limit {
			t.Fatalf("a page of %d has %d records", limit, len(items))
		}
		all = append(all, items...)
		if next == "" {
			return all
		}
		if len(items) == 0 {
			t.Fatal("an empty page has a cursor")
		}
		p.After = next
	}
	t.Fatal("the list does not end")
	return nil
}

// keysOf maps a list to what identifies its records.
func keysOf[T any](items []T, key func(T) string) []string {
	keys := []string{}
	for _, i := range items {
		keys = append(keys, key(i))
	}
	return keys
}

// race runs fn in n transactions at once and returns their errors.
func race(t testing.TB, s store.Store, n int, fn func(i int, tx store.Tx) error) []error {
	t.Helper()
	errs := make([]error, n)
	var start, end sync.WaitGroup
	start.Add(1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range n {
		end.Go(func() {
			start.Wait()
			errs[i] = s.Update(ctx, func(tx store.Tx) error { return fn(i, tx) })
		})
	}
	start.Done()
	end.Wait()
	return errs
}

// oneWins checks that of n racing callers one gets nil and the others want.
func oneWins(t *testing.T, s store.Store, want error, fn func(i int, tx store.Tx) error) {
	t.Helper()
	const n = 8
	won := 0
	for i, err := range race(t, s, n, fn) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, want):
			t.Errorf("caller %d got %v, want %v", i, err, want)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d callers won, want 1", won, n)
	}
}
