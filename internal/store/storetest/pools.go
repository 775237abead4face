package storetest

import (
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

var pools = []testCase{
	{"a pool comes back as it was, at version 1", func(t *testing.T, s store.Store) {
		p := store.Pool{ID: poolA, Name: "Ünïcode 😀", Doc: []byte(`{"a":1}`), Version: 9, CreatedAt: now, UpdatedAt: now.Add(time.Second)}
		mustNot(t, "CreatePool", do(t, s, func(tx store.Tx) error { return tx.CreatePool(p) }))
		got, err := in(t, s, func(tx store.Tx) (store.Pool, error) { return tx.Pool(poolA) })
		mustNot(t, "Pool", err)
		p.Version, p.CreatedAt, p.UpdatedAt = 1, kept(p.CreatedAt), kept(p.UpdatedAt)
		same(t, "pool", got, p)
		v, err := in(t, s, func(tx store.Tx) (int64, error) { return tx.PoolVersion(poolA) })
		mustNot(t, "PoolVersion", err)
		same(t, "version", v, int64(1))
	}},
	{"an id is taken once", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		wantErr(t, "CreatePool", do(t, s, func(tx store.Tx) error { return tx.CreatePool(store.Pool{ID: poolA, Name: "other"}) }), store.ErrExists)
		got, _ := in(t, s, func(tx store.Tx) (store.Pool, error) { return tx.Pool(poolA) })
		same(t, "name", got.Name, "pool")
	}},
	{"a pool that is not there is not found", func(t *testing.T, s store.Store) {
		_, err := in(t, s, func(tx store.Tx) (store.Pool, error) { return tx.Pool(poolA) })
		wantErr(t, "Pool", err, store.ErrNotFound)
		_, err = in(t, s, func(tx store.Tx) (int64, error) { return tx.PoolVersion(poolA) })
		wantErr(t, "PoolVersion", err, store.ErrNotFound)
		wantErr(t, "UpdatePool", do(t, s, func(tx store.Tx) error { return tx.UpdatePool(store.Pool{ID: poolA, Version: 1}) }), store.ErrNotFound)
		wantErr(t, "DeletePool", do(t, s, func(tx store.Tx) error { return tx.DeletePool(poolA) }), store.ErrNotFound)
	}},
	{"UpdatePool replaces at the version seen and raises it", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		p := store.Pool{ID: poolA, Name: "new", Doc: nil, Version: 1, CreatedAt: now.Add(time.Hour), UpdatedAt: now.Add(2 * time.Hour)}
		mustNot(t, "UpdatePool", do(t, s, func(tx store.Tx) error { return tx.UpdatePool(p) }))
		wantErr(t, "UpdatePool again", do(t, s, func(tx store.Tx) error { return tx.UpdatePool(p) }), store.ErrConflict)
		got, err := in(t, s, func(tx store.Tx) (store.Pool, error) { return tx.Pool(poolA) })
		mustNot(t, "Pool", err)
		p.Version, p.CreatedAt, p.UpdatedAt = 2, kept(now), kept(p.UpdatedAt)
		same(t, "pool", got, p)
	}},
	{"ListPools lists in order of id, page by page", func(t *testing.T, s store.Store) {
		ids := []string{"a", "Z", "é", "b", "z", "aa", "_", "😀"}
		for _, id := range ids {
			addPool(t, s, id)
		}
		want := []string{"Z", "_", "a", "aa", "b", "z", "é", "😀"}
		for _, limit := range []int{1, 3, 8, 100} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.Pool, string, error) { return tx.ListPools(p) })
			same(t, "ids", keysOf(got, func(p store.Pool) string { return p.ID }), want)
		}
	}},
	{"an empty list is no error", func(t *testing.T, s store.Store) {
		got := pageAll(t, s, 5, func(tx store.Tx, p store.Page) ([]store.Pool, string, error) { return tx.ListPools(p) })
		same(t, "pools", len(got), 0)
	}},
	{"DeletePool deletes everything in the pool and nothing in another", func(t *testing.T, s store.Store) {
		for _, id := range []string{poolA, poolB} {
			fill(t, s, id)
		}
		mustNot(t, "DeletePool", do(t, s, func(tx store.Tx) error { return tx.DeletePool(poolA) }))
		checkFilled(t, s, poolB)
		// Made anew, the pool has nothing of what it had.
		addPool(t, s, poolA)
		checkEmpty(t, s, poolA)
	}},
}

// fill makes a pool with one of everything.
func fill(t *testing.T, s store.Store, id string) {
	t.Helper()
	addUsers(t, s, id, "u")
	update(t, s, func(tx store.Tx) error {
		mustNot(t, "CreateClient", tx.CreateClient(store.Client{PoolID: id, ID: "client-" + id}))
		mustNot(t, "CreateGroup", tx.CreateGroup(store.Group{PoolID: id, Name: "g"}))
		mustNot(t, "AddMember", tx.AddMember(id, "g", "u", now))
		mustNot(t, "PutCode", tx.PutCode(store.Code{PoolID: id, Sub: "u", Purpose: "p", Hash: []byte("h"), GuessesLeft: 3}))
		_, err := tx.CountAttempt(id, "u", "k", now, now.Add(time.Hour))
		mustNot(t, "CountAttempt", err)
		mustNot(t, "Revoke", tx.Revoke(id, "o", now.Add(time.Hour)))
		mustNot(t, "UseOnce", tx.UseOnce(id, "i", now.Add(time.Hour)))
		mustNot(t, "CreateRefreshFamily", tx.CreateRefreshFamily(store.RefreshFamily{PoolID: id, OriginJTI: "o", Generation: 1}))
		return tx.CreateSigningKey(store.SigningKey{PoolID: id, ID: "key", Use: "id", Active: true})
	})
}

// found says which of what fill made is there.
func found(t *testing.T, s store.Store, id string) map[string]bool {
	t.Helper()
	m := map[string]bool{}
	update(t, s, func(tx store.Tx) error {
		m = map[string]bool{}
		_, err := tx.Client(id, "client-"+id)
		m["client"] = err == nil
		_, err = tx.ClientPool("client-" + id)
		m["client id"] = err == nil
		_, err = tx.User(id, "u")
		m["user"] = err == nil
		_, _, err = tx.UserByName(id, "u@example.com")
		m["name"] = err == nil
		byIndex, _, err := tx.ListUsers(id, store.UserQuery{Attribute: "status", Value: "confirmed", Page: store.Page{Limit: 5}})
		mustNot(t, "ListUsers", err)
		m["index"] = len(byIndex) > 0
		_, err = tx.Group(id, "g")
		m["group"] = err == nil
		member, err := tx.UserGroups(id, "u")
		mustNot(t, "UserGroups", err)
		m["member"] = len(member) > 0
		_, err = tx.Code(id, "u", "p")
		m["code"] = err == nil
		a, err := tx.Attempt(id, "u", "k", now)
		mustNot(t, "Attempt", err)
		m["attempt"] = a.Count > 0
		m["revocation"], err = tx.Revoked(id, "o")
		mustNot(t, "Revoked", err)
		m["used id"] = tx.UseOnce(id, "i", now.Add(time.Hour)) != nil
		_, err = tx.RefreshFamily(id, "o")
		m["family"] = err == nil
		keys, err := tx.SigningKeys(id)
		m["key"] = len(keys) > 0
		return err
	})
	return m
}

func checkFilled(t *testing.T, s store.Store, id string) {
	t.Helper()
	for what, there := range found(t, s, id) {
		if !there {
			t.Errorf("pool %s has lost its %s", id, what)
		}
	}
}

func checkEmpty(t *testing.T, s store.Store, id string) {
	t.Helper()
	for what, there := range found(t, s, id) {
		if there {
			t.Errorf("pool %s still has its %s", id, what)
		}
	}
}

var clients = []testCase{
	{"a client comes back as it was, at version 1, and leads to its pool", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		c := store.Client{PoolID: poolA, ID: "c", Name: "näme", Doc: []byte(`{"s":"sealed"}`), CreatedAt: now, UpdatedAt: now}
		mustNot(t, "CreateClient", do(t, s, func(tx store.Tx) error { return tx.CreateClient(c) }))
		got, err := in(t, s, func(tx store.Tx) (store.Client, error) { return tx.Client(poolA, "c") })
		mustNot(t, "Client", err)
		c.Version, c.CreatedAt, c.UpdatedAt = 1, kept(now), kept(now)
		same(t, "client", got, c)
		pool, err := in(t, s, func(tx store.Tx) (string, error) { return tx.ClientPool("c") })
		mustNot(t, "ClientPool", err)
		same(t, "pool", pool, poolA)
		v, err := in(t, s, func(tx store.Tx) (int64, error) { return tx.ClientVersion(poolA, "c") })
		mustNot(t, "ClientVersion", err)
		same(t, "version", v, int64(1))
	}},
	{"a client id is unique over all pools", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		addPool(t, s, poolB)
		mustNot(t, "CreateClient", do(t, s, func(tx store.Tx) error { return tx.CreateClient(store.Client{PoolID: poolA, ID: "c"}) }))
		for _, pool := range []string{poolA, poolB} {
			err := do(t, s, func(tx store.Tx) error { return tx.CreateClient(store.Client{PoolID: pool, ID: "c"}) })
			wantErr(t, "CreateClient in "+pool, err, store.ErrExists)
		}
		_, err := in(t, s, func(tx store.Tx) (store.Client, error) { return tx.Client(poolB, "c") })
		wantErr(t, "Client", err, store.ErrNotFound)
	}},
	{"a client needs a pool", func(t *testing.T, s store.Store) {
		err := do(t, s, func(tx store.Tx) error { return tx.CreateClient(store.Client{PoolID: poolA, ID: "c"}) })
		wantErr(t, "CreateClient", err, store.ErrNotFound)
		_, err = in(t, s, func(tx store.Tx) (string, error) { return tx.ClientPool("c") })
		wantErr(t, "ClientPool", err, store.ErrNotFound)
	}},
	{"UpdateClient replaces at the version seen and raises it", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		c := store.Client{PoolID: poolA, ID: "c", Name: "old", CreatedAt: now}
		wantErr(t, "UpdateClient", do(t, s, func(tx store.Tx) error { return tx.UpdateClient(c) }), store.ErrNotFound)
		mustNot(t, "CreateClient", do(t, s, func(tx store.Tx) error { return tx.CreateClient(c) }))
		c.Name, c.Doc, c.Version, c.UpdatedAt = "new", []byte("{}"), 1, now
		mustNot(t, "UpdateClient", do(t, s, func(tx store.Tx) error { return tx.UpdateClient(c) }))
		wantErr(t, "UpdateClient again", do(t, s, func(tx store.Tx) error { return tx.UpdateClient(c) }), store.ErrConflict)
		got, err := in(t, s, func(tx store.Tx) (store.Client, error) { return tx.Client(poolA, "c") })
		mustNot(t, "Client", err)
		c.Version, c.CreatedAt, c.UpdatedAt = 2, kept(now), kept(now)
		same(t, "client", got, c)
	}},
	{"DeleteClient deletes once and frees the id", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		addPool(t, s, poolB)
		mustNot(t, "CreateClient", do(t, s, func(tx store.Tx) error { return tx.CreateClient(store.Client{PoolID: poolA, ID: "c"}) }))
		mustNot(t, "DeleteClient", do(t, s, func(tx store.Tx) error { return tx.DeleteClient(poolA, "c") }))
		wantErr(t, "DeleteClient", do(t, s, func(tx store.Tx) error { return tx.DeleteClient(poolA, "c") }), store.ErrNotFound)
		_, err := in(t, s, func(tx store.Tx) (string, error) { return tx.ClientPool("c") })
		wantErr(t, "ClientPool", err, store.ErrNotFound)
		mustNot(t, "CreateClient", do(t, s, func(tx store.Tx) error { return tx.CreateClient(store.Client{PoolID: poolB, ID: "c"}) }))
	}},
	{"ListClients lists one pool in order of id, page by page", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		addPool(t, s, poolB)
		for _, id := range []string{"c", "a", "B", "d", "e"} {
			update(t, s, func(tx store.Tx) error {
				mustNot(t, "CreateClient", tx.CreateClient(store.Client{PoolID: poolB, ID: "x" + id}))
				return tx.CreateClient(store.Client{PoolID: poolA, ID: id})
			})
		}
		for _, limit := range []int{1, 2, 5, 60} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.Client, string, error) { return tx.ListClients(poolA, p) })
			same(t, "ids", keysOf(got, func(c store.Client) string { return c.ID }), []string{"B", "a", "c", "d", "e"})
		}
	}},
}
