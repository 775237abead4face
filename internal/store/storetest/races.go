package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

var races = []testCase{
	{"of callers that race for a code, one takes it", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		putCode(t, s, code("p", "h", 3))
		oneWins(t, s, store.ErrNotFound, func(_ int, tx store.Tx) error { return tx.TakeCode(poolA, "u", "p", []byte("h")) })
	}},
	{"of callers that race for an id, one uses it", func(t *testing.T, s store.Store) {
		oneWins(t, s, store.ErrExists, func(_ int, tx store.Tx) error { return tx.UseOnce(poolA, "i", now.Add(time.Hour)) })
	}},
	{"of callers that race to create a refresh family, one does", func(t *testing.T, s store.Store) {
		oneWins(t, s, store.ErrExists, func(_ int, tx store.Tx) error {
			return tx.CreateRefreshFamily(store.RefreshFamily{PoolID: poolA, OriginJTI: "o", Generation: 1})
		})
	}},
	{"of callers that race to advance a refresh family, one does", func(t *testing.T, s store.Store) {
		mustNot(t, "CreateRefreshFamily", do(t, s, func(tx store.Tx) error {
			return tx.CreateRefreshFamily(store.RefreshFamily{PoolID: poolA, OriginJTI: "o", Generation: 1})
		}))
		oneWins(t, s, store.ErrConflict, func(_ int, tx store.Tx) error { return tx.AdvanceRefreshFamily(poolA, "o", 1, now) })
		got, err := in(t, s, func(tx store.Tx) (store.RefreshFamily, error) { return tx.RefreshFamily(poolA, "o") })
		mustNot(t, "RefreshFamily", err)
		same(t, "generation", got.Generation, int64(2))
	}},
	{"of callers that race for a name, one user gets it", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		oneWins(t, s, store.ErrExists, func(i int, tx store.Tx) error {
			u := user(poolA, fmt.Sprint("u", i))
			u.Names = append(u.Names, store.Name{Kind: store.NamePreferredUsername, Value: "wanted"})
			return tx.CreateUser(u)
		})
		n, err := in(t, s, func(tx store.Tx) (int, error) { return tx.CountUsers(poolA, 100) })
		mustNot(t, "CountUsers", err)
		same(t, "users", n, 1)
	}},
	{"of users that race for two names in opposite order, one gets both", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		oneWins(t, s, store.ErrExists, func(i int, tx store.Tx) error {
			u := store.UserRow{User: store.User{PoolID: poolA, Sub: fmt.Sprint("u", i)},
				Names: []store.Name{{Kind: "a", Value: "first"}, {Kind: "b", Value: "second"}}}
			if i%2 == 1 {
				slices.Reverse(u.Names)
			}
			return tx.CreateUser(u)
		})
	}},
	{"of updates that race for a name, one user gets it", func(t *testing.T, s store.Store) {
		var all []string
		for i := range 8 {
			all = append(all, fmt.Sprint("u", i))
		}
		addUsers(t, s, poolA, all...)
		oneWins(t, s, store.ErrExists, func(i int, tx store.Tx) error {
			u := user(poolA, all[i])
			u.Version = 1
			u.Names = append(u.Names, store.Name{Kind: store.NamePreferredUsername, Value: "wanted"})
			return tx.UpdateUser(u)
		})
		same(t, "names", len(holds(t, s, poolA, "wanted")), 1)
	}},
	{"of updates that race at one version, one is made", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		oneWins(t, s, store.ErrConflict, func(i int, tx store.Tx) error {
			u := user(poolA, "u")
			u.Version = 1
			u.Names[0].Value = fmt.Sprint("n", i)
			u.Index = []store.IndexEntry{{Attribute: "status", Value: fmt.Sprint("s", i)}}
			return tx.UpdateUser(u)
		})
		names, entries := 0, 0
		for i := range 8 {
			names += len(holds(t, s, poolA, fmt.Sprint("n", i)))
			entries += len(byIndex(t, s, poolA, "status", fmt.Sprint("s", i)))
		}
		same(t, "names", names, 1)
		same(t, "index entries", entries, 1)
	}},
	{"of updates of a pool that race at one version, one is made", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		oneWins(t, s, store.ErrConflict, func(i int, tx store.Tx) error {
			return tx.UpdatePool(store.Pool{ID: poolA, Name: fmt.Sprint(i), Version: 1})
		})
	}},
	{"of callers that race to retire a key, one does", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		mustNot(t, "CreateSigningKey", do(t, s, func(tx store.Tx) error {
			return tx.CreateSigningKey(store.SigningKey{PoolID: poolA, ID: "k", Active: true})
		}))
		oneWins(t, s, store.ErrConflict, func(_ int, tx store.Tx) error { return tx.RetireSigningKey(poolA, "k", now) })
	}},
	{"callers that race to guess each see another number left, and no guess is given twice", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		putCode(t, s, code("p", "h", 5))
		left := make([]int64, 8)
		errs := race(t, s, 8, func(i int, tx store.Tx) error {
			c, err := tx.GuessCode(poolA, "u", "p")
			left[i] = c.GuessesLeft
			if errors.Is(err, store.ErrNotFound) {
				left[i] = -1
				return nil
			}
			return err
		})
		for _, err := range errs {
			mustNot(t, "GuessCode", err)
		}
		slices.Sort(left)
		same(t, "guesses left", left, []int64{-1, -1, -1, 0, 1, 2, 3, 4})
	}},
	{"callers that race to count lose no count", func(t *testing.T, s store.Store) {
		counts := make([]int64, 8)
		for _, err := range race(t, s, 8, func(i int, tx store.Tx) error {
			a, err := tx.CountAttempt(poolA, "s", "k", now, now.Add(time.Hour))
			counts[i] = a.Count
			return err
		}) {
			mustNot(t, "CountAttempt", err)
		}
		slices.Sort(counts)
		same(t, "counts", counts, []int64{1, 2, 3, 4, 5, 6, 7, 8})
	}},
	{"callers that race to set a value first agree on it", func(t *testing.T, s store.Store) {
		values := make([]string, 8)
		for _, err := range race(t, s, 8, func(i int, tx store.Tx) (err error) {
			values[i], err = tx.InitMeta("k", fmt.Sprint(i))
			return err
		}) {
			mustNot(t, "InitMeta", err)
		}
		same(t, "distinct values", len(slices.Compact(slices.Sorted(slices.Values(values)))), 1)
	}},
	{"what races with the deletion of its group is not left behind", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a", "b", "c", "d", "e", "f", "g")
		for round := range 5 {
			name := fmt.Sprint("g", round)
			addGroup(t, s, name, nil)
			for i, err := range race(t, s, 8, func(i int, tx store.Tx) error {
				if i == 3 {
					return tx.DeleteGroup(poolA, name)
				}
				err := tx.AddMember(poolA, name, string(rune('a'+min(i, 6))), now)
				if errors.Is(err, store.ErrNotFound) {
					return nil
				}
				return err
			}) {
				mustNot(t, fmt.Sprint("caller ", i), err)
			}
			addGroup(t, s, name, nil)
			same(t, "members of the new group", members(t, s, name, 20), []string{})
		}
	}},
	{"what races with the deletion of its pool is not left behind", func(t *testing.T, s store.Store) {
		for range 5 {
			addPool(t, s, poolA)
			for i, err := range race(t, s, 8, func(i int, tx store.Tx) error {
				var err error
				switch i {
				case 3:
					return tx.DeletePool(poolA)
				case 4:
					err = tx.CreateClient(store.Client{PoolID: poolA, ID: "client-" + poolA})
				case 5:
					err = tx.CreateGroup(store.Group{PoolID: poolA, Name: "g"})
				case 6:
					err = tx.CreateSigningKey(store.SigningKey{PoolID: poolA, ID: "key"})
				default:
					err = tx.CreateUser(user(poolA, fmt.Sprint("u", i)))
				}
				if errors.Is(err, store.ErrNotFound) {
					return nil
				}
				return err
			}) {
				mustNot(t, fmt.Sprint("caller ", i), err)
			}
			addPool(t, s, poolA)
			checkEmpty(t, s, poolA)
			n, err := in(t, s, func(tx store.Tx) (int, error) { return tx.CountUsers(poolA, 9) })
			mustNot(t, "CountUsers", err)
			same(t, "users", n, 0)
			mustNot(t, "DeletePool", do(t, s, func(tx store.Tx) error { return tx.DeletePool(poolA) }))
		}
	}},
	{"a user that races with its deletion leaves no name behind", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		for round := range 5 {
			sub := fmt.Sprint("u", round)
			mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(user(poolA, sub)) }))
			for i, err := range race(t, s, 6, func(i int, tx store.Tx) error {
				var err error
				switch {
				case i == 2:
					return tx.DeleteUser(poolA, sub)
				case i > 3:
					err = tx.PutCode(store.Code{PoolID: poolA, Sub: sub, Purpose: fmt.Sprint(i), Hash: []byte("h"), GuessesLeft: 1})
				default:
					u := user(poolA, sub)
					u.Version = 1
					u.Names = append(u.Names, store.Name{Kind: store.NamePreferredUsername, Value: "pref-" + sub})
					err = tx.UpdateUser(u)
				}
				if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
					return nil
				}
				return err
			}) {
				mustNot(t, fmt.Sprint("caller ", i), err)
			}
			other := store.UserRow{User: store.User{PoolID: poolA, Sub: "again-" + sub}, Names: []store.Name{
				{Kind: store.NameUsername, Value: "name-" + sub}, {Kind: store.NamePreferredUsername, Value: "pref-" + sub},
			}}
			mustNot(t, "CreateUser with the names", do(t, s, func(tx store.Tx) error { return tx.CreateUser(other) }))
			for i := range 6 {
				_, err := in(t, s, func(tx store.Tx) (store.Code, error) { return tx.Code(poolA, sub, fmt.Sprint(i)) })
				wantErr(t, "Code", err, store.ErrNotFound)
			}
		}
	}},
}
