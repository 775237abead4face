package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// wantTaken checks that err says that a name is taken, and by whom.
func wantTaken(t *testing.T, err error, value, owner string) {
	t.Helper()
	var taken *store.NameTakenError
	if !errors.As(err, &taken) {
		t.Fatalf("got error %v, want a NameTakenError", err)
	}
	same(t, "name", taken.Name.Value, value)
	same(t, "owner", taken.Owner, owner)
	wantErr(t, "a NameTakenError", err, store.ErrExists)
}

// holds returns which of names lead to whom.
func holds(t *testing.T, s store.Store, poolID string, names ...string) map[string]string {
	t.Helper()
	m := map[string]string{}
	view(t, s, func(tx store.Tx) error {
		for _, n := range names {
			u, name, err := tx.UserByName(poolID, n)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			mustNot(t, "UserByName", err)
			same(t, "name found", name.Value, n)
			m[n] = u.Sub + " " + name.Kind
		}
		return nil
	})
	return m
}

// byIndex returns the subs found by an index entry.
func byIndex(t *testing.T, s store.Store, poolID, attribute, value string) []string {
	t.Helper()
	got := pageAll(t, s, 10, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
		return tx.ListUsers(poolID, store.UserQuery{Attribute: attribute, Value: value, Page: p})
	})
	return subs(got)
}

func subs(users []store.User) []string {
	return keysOf(users, func(u store.User) string { return u.Sub })
}

var users = []testCase{
	{"a user comes back as it was, at version 1, by sub and by every name", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		u := user(poolA, "a")
		u.Attributes["name"] = "Zoë \"😀\" \\ <b>"
		u.Version = 5
		mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(u) }))
		want := keptUser(u, 1)
		view(t, s, func(tx store.Tx) error {
			got, err := tx.User(poolA, "a")
			same(t, "User", got, want)
			for _, n := range u.Names {
				got, name, err := tx.UserByName(poolA, n.Value)
				mustNot(t, "UserByName", err)
				same(t, "user", got, want)
				same(t, "name", name, n)
			}
			return err
		})
	}},
	{"a user with nothing but a sub is possible", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error {
			return tx.CreateUser(store.UserRow{User: store.User{PoolID: poolA, Sub: "a"}})
		}))
		got, err := in(t, s, func(tx store.Tx) (store.User, error) { return tx.User(poolA, "a") })
		mustNot(t, "User", err)
		same(t, "user", got, store.User{PoolID: poolA, Sub: "a", Version: 1})
	}},
	{"a user needs a pool", func(t *testing.T, s store.Store) {
		wantErr(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(user(poolA, "a")) }), store.ErrNotFound)
		addPool(t, s, poolA)
		same(t, "names", holds(t, s, poolA, "a", "name-a", "a@example.com"), map[string]string{})
		same(t, "index", byIndex(t, s, poolA, "status", "confirmed"), []string{})
	}},
	{"a sub is taken once", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		err := do(t, s, func(tx store.Tx) error {
			return tx.CreateUser(store.UserRow{User: store.User{PoolID: poolA, Sub: "a", Username: "other"},
				Names: []store.Name{{Kind: store.NameUsername, Value: "other"}}})
		})
		wantErr(t, "CreateUser", err, store.ErrExists)
		same(t, "names", holds(t, s, poolA, "other"), map[string]string{})
	}},
	{"a name is taken once whatever the kind, and CreateUser says by whom and leaves nothing", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		for _, value := range []string{"a", "name-a", "a@example.com"} {
			u := user(poolA, "b")
			u.Names = append(u.Names, store.Name{Kind: store.NamePreferredUsername, Value: value})
			wantTaken(t, do(t, s, func(tx store.Tx) error { return tx.CreateUser(u) }), value, "a")
			same(t, "names", holds(t, s, poolA, "b", "name-b", "b@example.com"), map[string]string{})
			same(t, "index", byIndex(t, s, poolA, "status", "confirmed"), []string{"a"})
			_, err := in(t, s, func(tx store.Tx) (store.User, error) { return tx.User(poolA, "b") })
			wantErr(t, "User", err, store.ErrNotFound)
		}
		// What was refused can be done right afterwards, in one transaction.
		update(t, s, func(tx store.Tx) error {
			u := user(poolA, "b")
			u.Names[0].Value = "name-a"
			wantTaken(t, tx.CreateUser(u), "name-a", "a")
			return tx.CreateUser(user(poolA, "b"))
		})
	}},
	{"two names of a user with one value are one name, the first", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		u := user(poolA, "a")
		u.Names = []store.Name{{Kind: store.NameUsername, Value: "a"}, {Kind: store.NameSub, Value: "a"}}
		u.Index = append(u.Index, u.Index...)
		mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(u) }))
		same(t, "names", holds(t, s, poolA, "a"), map[string]string{"a": "a username"})
	}},
	{"names are compared byte by byte", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		for i, name := range []string{"anna", "Anna", "änna", "a\u0308nna", "anna ", "%", "_nna", "😀"} {
			sub := fmt.Sprint(i)
			mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error {
				return tx.CreateUser(store.UserRow{User: store.User{PoolID: poolA, Sub: sub, Username: name},
					Names: []store.Name{{Kind: store.NameUsername, Value: name}}})
			}))
			same(t, "names", holds(t, s, poolA, name), map[string]string{name: sub + " username"})
		}
	}},
	{"a user with more names and entries than fit one statement", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		u := store.UserRow{User: store.User{PoolID: poolA, Sub: "a"}}
		for i := range 70 {
			u.Names = append(u.Names, store.Name{Kind: "k", Value: fmt.Sprintf("n%d", i)})
			u.Index = append(u.Index, store.IndexEntry{Attribute: fmt.Sprintf("at%d", i), Value: "v"})
		}
		mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(u) }))
		for i := range 70 {
			same(t, "name", len(holds(t, s, poolA, fmt.Sprintf("n%d", i))), 1)
			same(t, "index", byIndex(t, s, poolA, fmt.Sprintf("at%d", i), "v"), []string{"a"})
		}
		// The last name is taken: none of the others stays.
		v := store.UserRow{User: store.User{PoolID: poolA, Sub: "b"}, Names: []store.Name{{Kind: "k", Value: "n9"}}}
		for i := range 40 {
			v.Names = append(v.Names, store.Name{Kind: "k", Value: fmt.Sprintf("m%d", i)})
		}
		wantTaken(t, do(t, s, func(tx store.Tx) error { return tx.CreateUser(v) }), "n9", "a")
		for i := range 40 {
			same(t, "name", len(holds(t, s, poolA, fmt.Sprintf("m%d", i))), 0)
		}
		mustNot(t, "DeleteUser", do(t, s, func(tx store.Tx) error { return tx.DeleteUser(poolA, "a") }))
		for i := range 70 {
			same(t, "name", len(holds(t, s, poolA, fmt.Sprintf("n%d", i))), 0)
		}
	}},
	{"UpdateUser replaces everything but CreatedAt, at the version seen, and raises it", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		u := user(poolA, "a")
		u.Version, u.Username, u.Status, u.Enabled = 1, "n2", "ARCHIVED", false
		u.Attributes, u.Credential, u.Doc = map[string]string{}, nil, nil
		u.PasswordExpires, u.TokensValidAfter, u.UpdatedAt = u.CreatedAt, u.CreatedAt, u.PasswordExpires
		u.CreatedAt = u.UpdatedAt
		u.Names = []store.Name{{Kind: store.NameUsername, Value: "n2"}, {Kind: store.NameSub, Value: "a"}, {Kind: store.NamePreferredUsername, Value: "name-a"}}
		u.Index = []store.IndexEntry{{Attribute: "status", Value: "archived"}}
		mustNot(t, "UpdateUser", do(t, s, func(tx store.Tx) error { return tx.UpdateUser(u) }))
		got, err := in(t, s, func(tx store.Tx) (store.User, error) { return tx.User(poolA, "a") })
		mustNot(t, "User", err)
		want := keptUser(u, 2)
		want.CreatedAt = kept(now)
		same(t, "user", got, want)
		same(t, "names", holds(t, s, poolA, "a", "n2", "name-a", "a@example.com"),
			map[string]string{"a": "a sub", "n2": "a username", "name-a": "a preferred_username"})
		same(t, "old entry", byIndex(t, s, poolA, "status", "confirmed"), []string{})
		same(t, "entry that is gone", byIndex(t, s, poolA, "email", "a@example.com"), []string{})
		same(t, "new entry", byIndex(t, s, poolA, "status", "archived"), []string{"a"})
		wantErr(t, "UpdateUser at the old version", do(t, s, func(tx store.Tx) error { return tx.UpdateUser(u) }), store.ErrConflict)
		same(t, "names after the conflict", len(holds(t, s, poolA, "a", "n2", "name-a")), 3)
	}},
	{"UpdateUser does not take the name of another user, and changes nothing then", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a", "b")
		u := user(poolA, "a")
		u.Version, u.Status = 1, "ARCHIVED"
		u.Names = []store.Name{{Kind: store.NameUsername, Value: "fresh"}, {Kind: store.NameEmail, Value: "b@example.com"}}
		u.Index = nil
		wantTaken(t, do(t, s, func(tx store.Tx) error { return tx.UpdateUser(u) }), "b@example.com", "b")
		got, err := in(t, s, func(tx store.Tx) (store.User, error) { return tx.User(poolA, "a") })
		mustNot(t, "User", err)
		same(t, "user", got, keptUser(user(poolA, "a"), 1))
		same(t, "names", holds(t, s, poolA, "fresh", "a", "name-a", "a@example.com"),
			map[string]string{"a": "a sub", "name-a": "a username", "a@example.com": "a email"})
		same(t, "index", byIndex(t, s, poolA, "email", "a@example.com"), []string{"a"})
	}},
	{"UpdateUser of nobody is not found", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		wantErr(t, "UpdateUser", do(t, s, func(tx store.Tx) error { return tx.UpdateUser(user(poolA, "a")) }), store.ErrNotFound)
		same(t, "names", holds(t, s, poolA, "name-a"), map[string]string{})
	}},
	{"DeleteUser deletes all that belongs to the user and frees the names", func(t *testing.T, s store.Store) {
		fill(t, s, poolA)
		update(t, s, func(tx store.Tx) error { return tx.CreateUser(user(poolA, "other")) })
		mustNot(t, "DeleteUser", do(t, s, func(tx store.Tx) error { return tx.DeleteUser(poolA, "u") }))
		there := found(t, s, poolA)
		for _, what := range []string{"user", "name", "member", "code", "attempt"} {
			if there[what] {
				t.Errorf("the user's %s is still there", what)
			}
		}
		same(t, "index", byIndex(t, s, poolA, "status", "confirmed"), []string{"other"})
		wantErr(t, "DeleteUser", do(t, s, func(tx store.Tx) error { return tx.DeleteUser(poolA, "u") }), store.ErrNotFound)
		again := user(poolA, "v")
		again.Names[0].Value, again.Names[2].Value = "name-u", "u@example.com"
		mustNot(t, "CreateUser", do(t, s, func(tx store.Tx) error { return tx.CreateUser(again) }))
		got, err := in(t, s, func(tx store.Tx) ([]store.Group, error) { return tx.UserGroups(poolA, "v") })
		mustNot(t, "UserGroups", err)
		same(t, "groups of the new user", len(got), 0)
	}},
	{"CountUsers counts one pool and stops", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a", "b", "c")
		addUsers(t, s, poolB, "d")
		for atMost, want := range map[int]int{0: 0, 1: 1, 3: 3, 100: 3} {
			got, err := in(t, s, func(tx store.Tx) (int, error) { return tx.CountUsers(poolA, atMost) })
			mustNot(t, "CountUsers", err)
			same(t, fmt.Sprintf("at most %d", atMost), got, want)
		}
	}},
}

// addIndexed creates users "00", "01", … with an index entry each.
func addIndexed(t *testing.T, s store.Store, attribute string, values ...string) {
	t.Helper()
	addPool(t, s, poolA)
	update(t, s, func(tx store.Tx) error {
		for i, v := range values {
			u := store.UserRow{User: store.User{PoolID: poolA, Sub: fmt.Sprintf("%02d", i)},
				Index: []store.IndexEntry{{Attribute: attribute, Value: v}, {Attribute: "other", Value: v}}}
			if err := tx.CreateUser(u); err != nil {
				return err
			}
		}
		return nil
	})
}

var listUsers = []testCase{
	{"without an attribute all users come in order of sub, page by page", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "c", "B", "a", "😀", "é", "e")
		addUsers(t, s, poolB, "d")
		for _, limit := range []int{1, 2, 6, 7, 5000} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
				return tx.ListUsers(poolA, store.UserQuery{Page: p})
			})
			same(t, "subs", subs(got), []string{"B", "a", "c", "e", "é", "😀"})
			same(t, "first", got[0], keptUser(user(poolA, "B"), 1))
		}
	}},
	{"an equal value finds those that have it, in order of sub, page by page", func(t *testing.T, s store.Store) {
		addIndexed(t, s, "email", "x", "y", "x", "xx", "x", "X", "")
		for _, limit := range []int{1, 2, 3, 10} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
				return tx.ListUsers(poolA, store.UserQuery{Attribute: "email", Value: "x", Page: p})
			})
			same(t, "subs", subs(got), []string{"00", "02", "04"})
		}
		same(t, "the empty value", byIndex(t, s, poolA, "email", ""), []string{"06"})
		same(t, "another attribute", byIndex(t, s, poolA, "phone_number", "x"), []string{})
	}},
	{"a prefix finds in order of value and sub, page by page, with ties", func(t *testing.T, s store.Store) {
		addIndexed(t, s, "name", "ab", "a", "abc", "b", "ab", "ab", "aB", "a\U0010FFFF", "aé", "ac", "ab")
		for _, c := range []struct {
			prefix string
			want   []string
		}{
			{"ab", []string{"00", "04", "05", "10", "02"}},
			{"a", []string{"01", "06", "00", "04", "05", "10", "02", "09", "08", "07"}},
			{"", []string{"01", "06", "00", "04", "05", "10", "02", "09", "08", "07", "03"}},
			{"a\U0010FFFF", []string{"07"}},
			{"z", nil},
			{"a%", nil},
			{"_b", nil},
		} {
			for _, limit := range []int{1, 2, 3, 11, 50} {
				got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
					return tx.ListUsers(poolA, store.UserQuery{Attribute: "name", Value: c.prefix, Prefix: true, Page: p})
				})
				same(t, fmt.Sprintf("prefix %q by %d", c.prefix, limit), subs(got), append([]string{}, c.want...))
			}
		}
	}},
	{"prefixes that end before the surrogates and at the last code point", func(t *testing.T, s store.Store) {
		addIndexed(t, s, "name", "\ud7ff", "\ud7ffa", "\ue000", "\U0010FFFF", "\U0010FFFFa")
		for prefix, want := range map[string][]string{"\ud7ff": {"00", "01"}, "\U0010FFFF": {"03", "04"}} {
			got := pageAll(t, s, 1, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
				return tx.ListUsers(poolA, store.UserQuery{Attribute: "name", Value: prefix, Prefix: true, Page: p})
			})
			same(t, fmt.Sprintf("prefix %q", prefix), subs(got), want)
		}
	}},
	{"text that looks like SQL is text", func(t *testing.T, s store.Store) {
		for i, evil := range []string{`' OR '1'='1`, `"; DROP TABLE users; --`, `$1`, `?`, `\`, `%`, `/*`} {
			addUsers(t, s, evil, "u"+fmt.Sprint(i))
			same(t, "name", holds(t, s, evil, evil), map[string]string{})
			same(t, "index", byIndex(t, s, evil, "status", evil), []string{})
			same(t, "attribute", byIndex(t, s, evil, evil, "confirmed"), []string{})
			got := pageAll(t, s, 10, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
				return tx.ListUsers(evil, store.UserQuery{Attribute: "status", Value: evil, Prefix: true, Page: p})
			})
			same(t, "prefix", len(got), 0)
			same(t, "users", len(byIndex(t, s, evil, "status", "confirmed")), 1)
		}
	}},
	{"a page that falls behind a deleted user goes on after it", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a", "b", "c")
		list := func(after string) (got []store.User, next string) {
			view(t, s, func(tx store.Tx) (err error) {
				got, next, err = tx.ListUsers(poolA, store.UserQuery{Attribute: "email", Value: "", Prefix: true, Page: store.Page{After: after, Limit: 1}})
				return err
			})
			return got, next
		}
		_, next := list("")
		mustNot(t, "DeleteUser", do(t, s, func(tx store.Tx) error { return tx.DeleteUser(poolA, "a") }))
		got, _ := list(next)
		same(t, "subs", subs(got), []string{"b"})
	}},
	{"a cursor of another list is refused or harmless", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a", "b")
		for _, after := range []string{":", "x", "9:ab", "-1:ab", "01:ab", "1:zb", strings.Repeat("9", 40) + ":a"} {
			_, err := in(t, s, func(tx store.Tx) (int, error) {
				got, _, err := tx.ListUsers(poolA, store.UserQuery{Attribute: "email", Value: "a", Prefix: true, Page: store.Page{After: after, Limit: 5}})
				return len(got), err
			})
			wantErr(t, fmt.Sprintf("cursor %q", after), err, store.ErrCursor)
		}
	}},
	{"a page holds no more than MaxPage", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		var want []string
		update(t, s, func(tx store.Tx) error {
			want = nil
			for i := range store.MaxPage + 5 {
				sub := fmt.Sprintf("%05d", i)
				want = append(want, sub)
				if err := tx.CreateUser(store.UserRow{User: store.User{PoolID: poolA, Sub: sub}}); err != nil {
					return err
				}
			}
			return nil
		})
		first := 0
		got := pageAll(t, s, 100_000, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
			users, next, err := tx.ListUsers(poolA, store.UserQuery{Page: p})
			first = max(first, len(users))
			return users, next, err
		})
		same(t, "size of a page", first, store.MaxPage)
		if !slices.Equal(subs(got), want) {
			t.Error("users are missing or out of order")
		}
	}},
}
