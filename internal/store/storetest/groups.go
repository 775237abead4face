package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

func addGroup(t *testing.T, s store.Store, name string, precedence *int64) {
	t.Helper()
	mustNot(t, "CreateGroup", do(t, s, func(tx store.Tx) error {
		return tx.CreateGroup(store.Group{PoolID: poolA, Name: name, Precedence: precedence, CreatedAt: now})
	}))
}

func groupsOf(t *testing.T, s store.Store, sub string) []string {
	t.Helper()
	got, err := in(t, s, func(tx store.Tx) ([]store.Group, error) { return tx.UserGroups(poolA, sub) })
	mustNot(t, "UserGroups", err)
	return keysOf(got, func(g store.Group) string { return g.Name })
}

func members(t *testing.T, s store.Store, group string, limit int) []string {
	t.Helper()
	return subs(pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.User, string, error) {
		return tx.ListMembers(poolA, group, p)
	}))
}

var groups = []testCase{
	{"a group comes back as it was, with and without a precedence", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		for _, precedence := range []*int64{nil, new(int64(0)), new(int64(-5)), new(int64(1) << 40)} {
			g := store.Group{PoolID: poolA, Name: fmt.Sprint("g", precedence), Description: "dé", RoleARN: "arn:aws:iam::0:role/r",
				Precedence: precedence, CreatedAt: now, UpdatedAt: now}
			mustNot(t, "CreateGroup", do(t, s, func(tx store.Tx) error { return tx.CreateGroup(g) }))
			got, err := in(t, s, func(tx store.Tx) (store.Group, error) { return tx.Group(poolA, g.Name) })
			mustNot(t, "Group", err)
			g.CreatedAt, g.UpdatedAt = kept(now), kept(now)
			same(t, "group", got, g)
		}
	}},
	{"a group name is taken once in a pool, and a group needs a pool", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		addGroup(t, s, "g", nil)
		wantErr(t, "CreateGroup", do(t, s, func(tx store.Tx) error { return tx.CreateGroup(store.Group{PoolID: poolA, Name: "g"}) }), store.ErrExists)
		wantErr(t, "CreateGroup", do(t, s, func(tx store.Tx) error { return tx.CreateGroup(store.Group{PoolID: poolB, Name: "g"}) }), store.ErrNotFound)
	}},
	{"UpdateGroup replaces everything but CreatedAt", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		addGroup(t, s, "g", new(int64(3)))
		g := store.Group{PoolID: poolA, Name: "g", Description: "new", CreatedAt: now.Add(time.Hour), UpdatedAt: now.Add(time.Hour)}
		mustNot(t, "UpdateGroup", do(t, s, func(tx store.Tx) error { return tx.UpdateGroup(g) }))
		got, err := in(t, s, func(tx store.Tx) (store.Group, error) { return tx.Group(poolA, "g") })
		mustNot(t, "Group", err)
		g.CreatedAt, g.UpdatedAt = kept(now), kept(g.UpdatedAt)
		same(t, "group", got, g)
		g.Name = "none"
		wantErr(t, "UpdateGroup", do(t, s, func(tx store.Tx) error { return tx.UpdateGroup(g) }), store.ErrNotFound)
	}},
	{"ListGroups lists one pool in order of name, page by page", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		for _, name := range []string{"b", "a", "C", "ä", "d"} {
			addGroup(t, s, name, nil)
		}
		for _, limit := range []int{1, 2, 5, 60} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.Group, string, error) { return tx.ListGroups(poolA, p) })
			same(t, "names", keysOf(got, func(g store.Group) string { return g.Name }), []string{"C", "a", "b", "d", "ä"})
		}
	}},
	{"members are listed in order of sub, page by page, and adding twice is no error", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "c", "a", "b", "outside")
		addGroup(t, s, "g", nil)
		addGroup(t, s, "h", nil)
		for _, sub := range []string{"c", "a", "b", "a"} {
			mustNot(t, "AddMember", do(t, s, func(tx store.Tx) error { return tx.AddMember(poolA, "g", sub, now) }))
		}
		for _, limit := range []int{1, 2, 3, 10} {
			same(t, "members", members(t, s, "g", limit), []string{"a", "b", "c"})
		}
		same(t, "members of the other group", members(t, s, "h", 5), []string{})
		got, err := in(t, s, func(tx store.Tx) ([]store.User, error) {
			us, _, err := tx.ListMembers(poolA, "g", store.Page{Limit: 1})
			return us, err
		})
		mustNot(t, "ListMembers", err)
		same(t, "user", got[0], keptUser(user(poolA, "a"), 1))
	}},
	{"a member needs a group and a user of the pool", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		addUsers(t, s, poolB, "b")
		wantErr(t, "no group", do(t, s, func(tx store.Tx) error { return tx.AddMember(poolA, "g", "a", now) }), store.ErrNotFound)
		addGroup(t, s, "g", nil)
		for _, sub := range []string{"nobody", "b"} {
			wantErr(t, sub, do(t, s, func(tx store.Tx) error { return tx.AddMember(poolA, "g", sub, now) }), store.ErrNotFound)
			same(t, "groups", groupsOf(t, s, sub), []string{})
		}
	}},
	{"UserGroups puts the lowest precedence first, none last, equals by name", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "u")
		for name, precedence := range map[string]*int64{
			"none-b": nil, "none-a": nil, "ten": new(int64(10)), "two-b": new(int64(2)), "two-a": new(int64(2)), "zero": new(int64(0)),
		} {
			addGroup(t, s, name, precedence)
			mustNot(t, "AddMember", do(t, s, func(tx store.Tx) error { return tx.AddMember(poolA, name, "u", now) }))
		}
		same(t, "groups", groupsOf(t, s, "u"), []string{"zero", "two-a", "two-b", "ten", "none-a", "none-b"})
		same(t, "groups of nobody", groupsOf(t, s, "nobody"), []string{})
	}},
	{"RemoveMember removes, and is no error twice", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a", "b")
		addGroup(t, s, "g", nil)
		for _, sub := range []string{"a", "b"} {
			mustNot(t, "AddMember", do(t, s, func(tx store.Tx) error { return tx.AddMember(poolA, "g", sub, now) }))
		}
		for range 2 {
			mustNot(t, "RemoveMember", do(t, s, func(tx store.Tx) error { return tx.RemoveMember(poolA, "g", "a") }))
		}
		same(t, "members", members(t, s, "g", 5), []string{"b"})
		same(t, "groups", groupsOf(t, s, "a"), []string{})
	}},
	{"a group made anew has no members", func(t *testing.T, s store.Store) {
		addUsers(t, s, poolA, "a")
		addGroup(t, s, "g", nil)
		mustNot(t, "AddMember", do(t, s, func(tx store.Tx) error { return tx.AddMember(poolA, "g", "a", now) }))
		mustNot(t, "DeleteGroup", do(t, s, func(tx store.Tx) error { return tx.DeleteGroup(poolA, "g") }))
		wantErr(t, "DeleteGroup", do(t, s, func(tx store.Tx) error { return tx.DeleteGroup(poolA, "g") }), store.ErrNotFound)
		wantErr(t, "Group", do(t, s, func(tx store.Tx) error { _, err := tx.Group(poolA, "g"); return err }), store.ErrNotFound)
		addGroup(t, s, "g", nil)
		same(t, "members", members(t, s, "g", 5), []string{})
		same(t, "groups", groupsOf(t, s, "a"), []string{})
	}},
}
