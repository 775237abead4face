package storetest

import (
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

func code(purpose, hash string, guesses int64) store.Code {
	return store.Code{PoolID: poolA, Sub: "u", Purpose: purpose, Hash: []byte(hash), Destination: "email:ü@example.com",
		GuessesLeft: guesses, ExpiresAt: now.Add(time.Hour), CreatedAt: now}
}

func keptCode(c store.Code) store.Code {
	c.ExpiresAt, c.CreatedAt = kept(c.ExpiresAt), kept(c.CreatedAt)
	return c
}

func putCode(t *testing.T, s store.Store, c store.Code) {
	t.Helper()
	mustNot(t, "PutCode", do(t, s, func(tx store.Tx) error { return tx.PutCode(c) }))
}

func getCode(t *testing.T, s store.Store, purpose string) (store.Code, error) {
	t.Helper()
	return in(t, s, func(tx store.Tx) (store.Code, error) { return tx.Code(poolA, "u", purpose) })
}

var codes = []testCase{
	{"a code comes back as it was, also when it has expired", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		c := code("p", "h", 3)
		c.ExpiresAt = time.UnixMilli(5)
		putCode(t, s, c)
		got, err := getCode(t, s, "p")
		mustNot(t, "Code", err)
		same(t, "code", got, keptCode(c))
	}},
	{"a code needs a user", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		wantErr(t, "PutCode", do(t, s, func(tx store.Tx) error { return tx.PutCode(code("p", "h", 3)) }), store.ErrNotFound)
		_, err := getCode(t, s, "p")
		wantErr(t, "Code", err, store.ErrNotFound)
	}},
	{"a newer code replaces one with the same purpose and no other", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		putCode(t, s, code("p", "old", 1))
		putCode(t, s, code("q", "other", 1))
		newer := code("p", "new", 5)
		newer.Destination, newer.CreatedAt = "x", now.Add(time.Minute)
		putCode(t, s, newer)
		got, err := getCode(t, s, "p")
		mustNot(t, "Code", err)
		same(t, "code", got, keptCode(newer))
		got, err = getCode(t, s, "q")
		mustNot(t, "Code", err)
		same(t, "other", got, keptCode(code("q", "other", 1)))
	}},
	{"GuessCode takes guesses off until none are left, then the code is gone", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		putCode(t, s, code("p", "h", 2))
		guess := func() (store.Code, error) {
			return in(t, s, func(tx store.Tx) (store.Code, error) { return tx.GuessCode(poolA, "u", "p") })
		}
		for _, left := range []int64{1, 0} {
			got, err := guess()
			mustNot(t, "GuessCode", err)
			same(t, "code", got, keptCode(code("p", "h", left)))
		}
		_, err := getCode(t, s, "p")
		mustNot(t, "Code after the last guess", err)
		got, err := guess()
		wantErr(t, "GuessCode", err, store.ErrNotFound)
		same(t, "code", got, store.Code{})
		_, err = getCode(t, s, "p")
		wantErr(t, "Code", err, store.ErrNotFound)
		_, err = guess()
		wantErr(t, "GuessCode", err, store.ErrNotFound)
	}},
	{"a guess that is rolled back was not made", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		putCode(t, s, code("p", "h", 2))
		err := s.Update(t.Context(), func(tx store.Tx) error {
			_, err := tx.GuessCode(poolA, "u", "p")
			mustNot(t, "GuessCode", err)
			return errOwn
		})
		wantErr(t, "Update", err, errOwn)
		got, err := getCode(t, s, "p")
		mustNot(t, "Code", err)
		same(t, "guesses left", got.GuessesLeft, int64(2))
	}},
	{"TakeCode takes the code once, and only with its hash", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		putCode(t, s, code("p", "h", 2))
		take := func(hash []byte) error {
			return do(t, s, func(tx store.Tx) error { return tx.TakeCode(poolA, "u", "p", hash) })
		}
		for _, wrong := range [][]byte{nil, {}, []byte("H"), []byte("hh")} {
			wantErr(t, "TakeCode with another hash", take(wrong), store.ErrNotFound)
		}
		mustNot(t, "TakeCode", take([]byte("h")))
		wantErr(t, "TakeCode again", take([]byte("h")), store.ErrNotFound)
	}},
}

var attempts = []testCase{
	{"a counter begins at zero, counts, and is its own per pool, subject and kind", func(t *testing.T, s store.Store) {
		count := func(pool, subject, kind string, at time.Time) int64 {
			got, err := in(t, s, func(tx store.Tx) (store.Attempt, error) {
				return tx.CountAttempt(pool, subject, kind, at, at.Add(time.Hour))
			})
			mustNot(t, "CountAttempt", err)
			same(t, "LastAt", got.LastAt, kept(at))
			return got.Count
		}
		got, err := in(t, s, func(tx store.Tx) (store.Attempt, error) { return tx.Attempt(poolA, "s", "k", now) })
		mustNot(t, "Attempt", err)
		same(t, "attempt", got, store.Attempt{})
		for i := range int64(3) {
			same(t, "count", count(poolA, "s", "k", now.Add(time.Duration(i)*time.Second)), i+1)
		}
		same(t, "another pool", count(poolB, "s", "k", now), int64(1))
		same(t, "another subject", count(poolA, "t", "k", now), int64(1))
		same(t, "another kind", count(poolA, "s", "l", now), int64(1))
		got, err = in(t, s, func(tx store.Tx) (store.Attempt, error) { return tx.Attempt(poolA, "s", "k", now) })
		mustNot(t, "Attempt", err)
		same(t, "attempt", got, store.Attempt{Count: 3, LastAt: kept(now.Add(2 * time.Second))})
	}},
	{"a counter that has expired is zero and starts again at one", func(t *testing.T, s store.Store) {
		at := func(now time.Time) (got store.Attempt) {
			got, err := in(t, s, func(tx store.Tx) (store.Attempt, error) { return tx.Attempt(poolA, "s", "k", now) })
			mustNot(t, "Attempt", err)
			return got
		}
		count := func(now, expires time.Time) int64 {
			got, err := in(t, s, func(tx store.Tx) (store.Attempt, error) { return tx.CountAttempt(poolA, "s", "k", now, expires) })
			mustNot(t, "CountAttempt", err)
			return got.Count
		}
		count(now, now.Add(time.Minute))
		same(t, "count", count(now, now.Add(time.Minute)), int64(2))
		same(t, "just before", at(now.Add(time.Minute-time.Millisecond)).Count, int64(2))
		same(t, "at the expiry", at(now.Add(time.Minute)), store.Attempt{})
		same(t, "count after the expiry", count(now.Add(time.Minute), now.Add(2*time.Minute)), int64(1))
		same(t, "count puts the expiry off", count(now.Add(90*time.Second), now.Add(time.Hour)), int64(2))
		same(t, "count", at(now.Add(30*time.Minute)).Count, int64(2))
		same(t, "count without an expiry", count(now, time.Time{}), int64(3))
		same(t, "for ever", at(now.AddDate(100, 0, 0)).Count, int64(3))
		same(t, "for ever, counted", count(now.AddDate(100, 0, 0), time.Time{}), int64(4))
	}},
	{"ResetAttempts forgets one counter", func(t *testing.T, s store.Store) {
		for _, kind := range []string{"k", "l"} {
			update(t, s, func(tx store.Tx) error {
				_, err := tx.CountAttempt(poolA, "s", kind, now, now.Add(time.Hour))
				return err
			})
		}
		for range 2 {
			mustNot(t, "ResetAttempts", do(t, s, func(tx store.Tx) error { return tx.ResetAttempts(poolA, "s", "k") }))
		}
		for kind, want := range map[string]int64{"k": 0, "l": 1} {
			got, err := in(t, s, func(tx store.Tx) (store.Attempt, error) { return tx.Attempt(poolA, "s", kind, now) })
			mustNot(t, "Attempt", err)
			same(t, kind, got.Count, want)
		}
	}},
}

var revocations = []testCase{
	{"what was not revoked is not, and what was is, also twice", func(t *testing.T, s store.Store) {
		revoked := func(pool, jti string) bool {
			got, err := in(t, s, func(tx store.Tx) (bool, error) { return tx.Revoked(pool, jti) })
			mustNot(t, "Revoked", err)
			return got
		}
		same(t, "before", revoked(poolA, "o"), false)
		for range 2 {
			mustNot(t, "Revoke", do(t, s, func(tx store.Tx) error { return tx.Revoke(poolA, "o", now.Add(time.Hour)) }))
		}
		same(t, "after", revoked(poolA, "o"), true)
		same(t, "another sign-in", revoked(poolA, "p"), false)
		same(t, "another pool", revoked(poolB, "o"), false)
	}},
	{"revoking again with an earlier expiry does not shorten the revocation", func(t *testing.T, s store.Store) {
		for _, expires := range []time.Duration{2 * time.Hour, time.Hour} {
			mustNot(t, "Revoke", do(t, s, func(tx store.Tx) error { return tx.Revoke(poolA, "o", now.Add(expires)) }))
		}
		_, err := s.Sweep(t.Context(), now.Add(90*time.Minute), 100)
		mustNot(t, "Sweep", err)
		got, err := in(t, s, func(tx store.Tx) (bool, error) { return tx.Revoked(poolA, "o") })
		mustNot(t, "Revoked", err)
		same(t, "revoked", got, true)
	}},
	{"an id can be used once", func(t *testing.T, s store.Store) {
		use := func(pool, id string) error {
			return do(t, s, func(tx store.Tx) error { return tx.UseOnce(pool, id, now.Add(time.Hour)) })
		}
		mustNot(t, "UseOnce", use(poolA, "i"))
		wantErr(t, "UseOnce again", use(poolA, "i"), store.ErrExists)
		mustNot(t, "another id", use(poolA, "j"))
		mustNot(t, "another pool", use(poolB, "i"))
	}},
	{"a use that is rolled back was none", func(t *testing.T, s store.Store) {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			mustNot(t, "UseOnce", tx.UseOnce(poolA, "i", now))
			return errOwn
		})
		wantErr(t, "Update", err, errOwn)
		mustNot(t, "UseOnce", do(t, s, func(tx store.Tx) error { return tx.UseOnce(poolA, "i", now) }))
	}},
	{"a refresh family is created once and advances from where it is", func(t *testing.T, s store.Store) {
		get := func() (store.RefreshFamily, error) {
			return in(t, s, func(tx store.Tx) (store.RefreshFamily, error) { return tx.RefreshFamily(poolA, "o") })
		}
		advance := func(from int64) error {
			return do(t, s, func(tx store.Tx) error { return tx.AdvanceRefreshFamily(poolA, "o", from, now.Add(time.Minute)) })
		}
		_, err := get()
		wantErr(t, "RefreshFamily", err, store.ErrNotFound)
		wantErr(t, "AdvanceRefreshFamily of none", advance(0), store.ErrConflict)
		f := store.RefreshFamily{PoolID: poolA, OriginJTI: "o", Generation: 1, RotatedAt: now, ExpiresAt: now.Add(time.Hour)}
		mustNot(t, "CreateRefreshFamily", do(t, s, func(tx store.Tx) error { return tx.CreateRefreshFamily(f) }))
		wantErr(t, "CreateRefreshFamily", do(t, s, func(tx store.Tx) error { return tx.CreateRefreshFamily(f) }), store.ErrExists)
		for _, from := range []int64{0, 2} {
			wantErr(t, "AdvanceRefreshFamily from elsewhere", advance(from), store.ErrConflict)
		}
		mustNot(t, "AdvanceRefreshFamily", advance(1))
		wantErr(t, "AdvanceRefreshFamily again", advance(1), store.ErrConflict)
		got, err := get()
		mustNot(t, "RefreshFamily", err)
		f.Generation, f.RotatedAt, f.ExpiresAt = 2, kept(now.Add(time.Minute)), kept(f.ExpiresAt)
		same(t, "family", got, f)
	}},
}

var sweep = []testCase{
	{"Sweep deletes what has expired, no more than the limit, and says how many", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		fillExpiring := func(name string, expires time.Time) {
			update(t, s, func(tx store.Tx) error {
				c := code(name, "h", 1)
				c.ExpiresAt = expires
				mustNot(t, "PutCode", tx.PutCode(c))
				_, err := tx.CountAttempt(poolA, name, "k", now, expires)
				mustNot(t, "CountAttempt", err)
				mustNot(t, "Revoke", tx.Revoke(poolA, name, expires))
				mustNot(t, "UseOnce", tx.UseOnce(poolA, name, expires))
				mustNot(t, "CreateDocument", tx.CreateDocument(store.Document{Kind: "k", Name: name, ExpiresAt: expires}))
				return tx.CreateRefreshFamily(store.RefreshFamily{PoolID: poolA, OriginJTI: name, Generation: 1, ExpiresAt: expires})
			})
		}
		for _, name := range []string{"old1", "old2", "old3"} {
			fillExpiring(name, now)
		}
		fillExpiring("later", now.Add(time.Hour))
		fillExpiring("never", time.Time{})
		there := func(name string) (n int) {
			update(t, s, func(tx store.Tx) error {
				n = 0
				if _, err := tx.Code(poolA, "u", name); err == nil {
					n++
				}
				if a, _ := tx.Attempt(poolA, name, "k", time.UnixMilli(1)); a.Count > 0 {
					n++
				}
				if revoked, _ := tx.Revoked(poolA, name); revoked {
					n++
				}
				if _, err := tx.RefreshFamily(poolA, name); err == nil {
					n++
				}
				if _, err := tx.Document("k", "", name); err == nil {
					n++
				}
				return nil
			})
			return n
		}
		run := func(at time.Time, limit int) int {
			n, err := s.Sweep(t.Context(), at, limit)
			mustNot(t, "Sweep", err)
			return n
		}
		same(t, "before the expiry", run(now, 100), 0)
		same(t, "limited", run(now.Add(time.Second), 4), 4)
		same(t, "limited", run(now.Add(time.Second), 0), 0)
		same(t, "the rest", run(now.Add(time.Second), 100), 14)
		same(t, "again", run(now.Add(time.Second), 100), 0)
		for name, want := range map[string]int{"old1": 0, "old2": 0, "old3": 0, "later": 5, "never": 5} {
			same(t, name, there(name), want)
		}
		mustNot(t, "UseOnce of what was swept", do(t, s, func(tx store.Tx) error { return tx.UseOnce(poolA, "old1", now) }))
		wantErr(t, "UseOnce of what stays", do(t, s, func(tx store.Tx) error { return tx.UseOnce(poolA, "later", now) }), store.ErrExists)
	}},
	{"Sweep gets through many", func(t *testing.T, s store.Store) {
		const n = 1203
		update(t, s, func(tx store.Tx) error {
			for i := range n {
				if err := tx.UseOnce(poolA, string(rune('0'+i)), now); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.Sweep(t.Context(), now.Add(time.Second), n+100)
		mustNot(t, "Sweep", err)
		same(t, "swept", got, n)
	}},
}
