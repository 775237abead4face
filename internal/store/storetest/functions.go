package storetest

import (
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const region = "eu-central-1"

func addFunction(t *testing.T, s store.Store, region, name string) {
	t.Helper()
	mustNot(t, "CreateFunction", do(t, s, func(tx store.Tx) error {
		return tx.CreateFunction(store.Function{Region: region, Name: name, Doc: []byte(`{"v":1}`), CreatedAt: now, UpdatedAt: now})
	}))
}

var functions = []testCase{
	{"a function is created once, found by region and name, and updated at its version", func(t *testing.T, s store.Store) {
		addFunction(t, s, region, "f")
		wantErr(t, "CreateFunction", do(t, s, func(tx store.Tx) error { return tx.CreateFunction(store.Function{Region: region, Name: "f"}) }), store.ErrExists)
		f := store.Function{Region: region, Name: "f", Doc: []byte(`{"v":2}`), Version: 1, UpdatedAt: now.Add(time.Minute)}
		mustNot(t, "UpdateFunction", do(t, s, func(tx store.Tx) error { return tx.UpdateFunction(f) }))
		wantErr(t, "UpdateFunction again", do(t, s, func(tx store.Tx) error { return tx.UpdateFunction(f) }), store.ErrConflict)
		got, err := in(t, s, func(tx store.Tx) (store.Function, error) { return tx.Function(region, "f") })
		mustNot(t, "Function", err)
		f.Version, f.CreatedAt, f.UpdatedAt = 2, kept(now), kept(f.UpdatedAt)
		same(t, "function", got, f)
	}},
	{"a function that is not there, or in another region, is not found", func(t *testing.T, s store.Store) {
		addFunction(t, s, "us-east-1", "f")
		update(t, s, func(tx store.Tx) error {
			_, err := tx.Function(region, "f")
			wantErr(t, "Function", err, store.ErrNotFound)
			wantErr(t, "UpdateFunction", tx.UpdateFunction(store.Function{Region: region, Name: "f", Version: 1}), store.ErrNotFound)
			wantErr(t, "DeleteFunction", tx.DeleteFunction(region, "f"), store.ErrNotFound)
			wantErr(t, "CreateFunctionVersion", tx.CreateFunctionVersion(store.FunctionVersion{Region: region, Name: "f", Number: 1}), store.ErrNotFound)
			_, err = tx.FunctionVersion(region, "f", 1)
			wantErr(t, "FunctionVersion", err, store.ErrNotFound)
			wantErr(t, "DeleteFunctionVersion", tx.DeleteFunctionVersion(region, "f", 1), store.ErrNotFound)
			a := store.FunctionAlias{Region: region, Name: "f", Alias: "a", Version: 1}
			wantErr(t, "CreateFunctionAlias", tx.CreateFunctionAlias(a), store.ErrNotFound)
			wantErr(t, "UpdateFunctionAlias", tx.UpdateFunctionAlias(a), store.ErrNotFound)
			_, err = tx.FunctionAlias(region, "f", "a")
			wantErr(t, "FunctionAlias", err, store.ErrNotFound)
			wantErr(t, "DeleteFunctionAlias", tx.DeleteFunctionAlias(region, "f", "a"), store.ErrNotFound)
			return nil
		})
	}},
	{"ListFunctions lists one region in order of name, page by page", func(t *testing.T, s store.Store) {
		for _, name := range []string{"c", "a", "B", "d"} {
			addFunction(t, s, region, name)
			addFunction(t, s, "us-east-1", name+"x")
		}
		for _, limit := range []int{1, 3, 50} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.Function, string, error) { return tx.ListFunctions(region, p) })
			same(t, "names", keysOf(got, func(f store.Function) string { return f.Name }), []string{"B", "a", "c", "d"})
		}
	}},
	{"versions are listed by number, oldest first, page by page", func(t *testing.T, s store.Store) {
		addFunction(t, s, region, "f")
		for _, n := range []int64{1, 2, 9, 10, 11, 100} {
			v := store.FunctionVersion{Region: region, Name: "f", Number: n, Doc: []byte("{}"), CreatedAt: now}
			mustNot(t, "CreateFunctionVersion", do(t, s, func(tx store.Tx) error { return tx.CreateFunctionVersion(v) }))
			wantErr(t, "CreateFunctionVersion", do(t, s, func(tx store.Tx) error { return tx.CreateFunctionVersion(v) }), store.ErrExists)
			got, err := in(t, s, func(tx store.Tx) (store.FunctionVersion, error) { return tx.FunctionVersion(region, "f", n) })
			mustNot(t, "FunctionVersion", err)
			v.CreatedAt = kept(now)
			same(t, "version", got, v)
		}
		mustNot(t, "DeleteFunctionVersion", do(t, s, func(tx store.Tx) error { return tx.DeleteFunctionVersion(region, "f", 9) }))
		for _, limit := range []int{1, 2, 50} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.FunctionVersion, string, error) {
				return tx.ListFunctionVersions(region, "f", p)
			})
			same(t, "numbers", keysOf(got, func(v store.FunctionVersion) string { return string(rune('0' + v.Number)) }),
				[]string{"1", "2", ":", ";", string(rune('0' + 100))})
		}
		err := do(t, s, func(tx store.Tx) error {
			_, _, err := tx.ListFunctionVersions(region, "f", store.Page{After: "x", Limit: 1})
			return err
		})
		wantErr(t, "a strange cursor", err, store.ErrCursor)
	}},
	{"aliases are kept with a version and listed in order of name", func(t *testing.T, s store.Store) {
		addFunction(t, s, region, "f")
		for _, alias := range []string{"live", "beta", "Old"} {
			a := store.FunctionAlias{Region: region, Name: "f", Alias: alias, Doc: []byte(`{"n":1}`)}
			mustNot(t, "CreateFunctionAlias", do(t, s, func(tx store.Tx) error { return tx.CreateFunctionAlias(a) }))
			wantErr(t, "CreateFunctionAlias", do(t, s, func(tx store.Tx) error { return tx.CreateFunctionAlias(a) }), store.ErrExists)
			a.Doc, a.Version = []byte(`{"n":2}`), 1
			mustNot(t, "UpdateFunctionAlias", do(t, s, func(tx store.Tx) error { return tx.UpdateFunctionAlias(a) }))
			wantErr(t, "UpdateFunctionAlias", do(t, s, func(tx store.Tx) error { return tx.UpdateFunctionAlias(a) }), store.ErrConflict)
			got, err := in(t, s, func(tx store.Tx) (store.FunctionAlias, error) { return tx.FunctionAlias(region, "f", alias) })
			mustNot(t, "FunctionAlias", err)
			a.Version = 2
			same(t, "alias", got, a)
		}
		mustNot(t, "DeleteFunctionAlias", do(t, s, func(tx store.Tx) error { return tx.DeleteFunctionAlias(region, "f", "beta") }))
		for _, limit := range []int{1, 5} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.FunctionAlias, string, error) {
				return tx.ListFunctionAliases(region, "f", p)
			})
			same(t, "names", keysOf(got, func(a store.FunctionAlias) string { return a.Alias }), []string{"Old", "live"})
		}
	}},
	{"DeleteFunction deletes versions and aliases, and a new function does not inherit them", func(t *testing.T, s store.Store) {
		for _, name := range []string{"f", "g"} {
			addFunction(t, s, region, name)
			update(t, s, func(tx store.Tx) error {
				mustNot(t, "CreateFunctionVersion", tx.CreateFunctionVersion(store.FunctionVersion{Region: region, Name: name, Number: 1}))
				return tx.CreateFunctionAlias(store.FunctionAlias{Region: region, Name: name, Alias: "a"})
			})
		}
		mustNot(t, "DeleteFunction", do(t, s, func(tx store.Tx) error { return tx.DeleteFunction(region, "f") }))
		addFunction(t, s, region, "f")
		update(t, s, func(tx store.Tx) error {
			_, err := tx.FunctionVersion(region, "f", 1)
			wantErr(t, "version", err, store.ErrNotFound)
			_, err = tx.FunctionAlias(region, "f", "a")
			wantErr(t, "alias", err, store.ErrNotFound)
			_, err = tx.FunctionVersion(region, "g", 1)
			mustNot(t, "version of the other", err)
			_, err = tx.FunctionAlias(region, "g", "a")
			return err
		})
	}},
	{"a package is kept once under its digest", func(t *testing.T, s store.Store) {
		data := make([]byte, 3<<20)
		for i := range data {
			data[i] = byte(i * i >> 7)
		}
		for range 2 {
			mustNot(t, "PutCodeBlob", do(t, s, func(tx store.Tx) error { return tx.PutCodeBlob("d", data) }))
		}
		got, err := in(t, s, func(tx store.Tx) ([]byte, error) { return tx.CodeBlob("d") })
		mustNot(t, "CodeBlob", err)
		if string(got) != string(data) {
			t.Error("the package came back different")
		}
		for range 2 {
			mustNot(t, "DeleteCodeBlob", do(t, s, func(tx store.Tx) error { return tx.DeleteCodeBlob("d") }))
		}
		_, err = in(t, s, func(tx store.Tx) ([]byte, error) { return tx.CodeBlob("d") })
		wantErr(t, "CodeBlob", err, store.ErrNotFound)
	}},
}

var signingKeys = []testCase{
	{"keys come back as they were, newest first, equals by id", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		var want []store.SigningKey
		for i, id := range []string{"new", "a-tie", "b-tie", "old"} {
			k := store.SigningKey{PoolID: poolA, ID: id, Use: "access", Sealed: []byte{0, byte(i)}, Public: []byte{9}, Active: i%2 == 0,
				CreatedAt: now.Add(-time.Duration((i+1)/2) * time.Hour)}
			if i == 3 {
				k.RetiredAt = now
			}
			want = append(want, k)
		}
		want[2].CreatedAt = want[1].CreatedAt
		for _, i := range []int{2, 0, 3, 1} {
			mustNot(t, "CreateSigningKey", do(t, s, func(tx store.Tx) error { return tx.CreateSigningKey(want[i]) }))
			wantErr(t, "CreateSigningKey", do(t, s, func(tx store.Tx) error { return tx.CreateSigningKey(want[i]) }), store.ErrExists)
		}
		for i := range want {
			want[i].CreatedAt = kept(want[i].CreatedAt)
		}
		want[3].RetiredAt = kept(now)
		got, err := in(t, s, func(tx store.Tx) ([]store.SigningKey, error) { return tx.SigningKeys(poolA) })
		mustNot(t, "SigningKeys", err)
		same(t, "keys", got, want)
	}},
	{"a key needs a pool", func(t *testing.T, s store.Store) {
		wantErr(t, "CreateSigningKey", do(t, s, func(tx store.Tx) error { return tx.CreateSigningKey(store.SigningKey{PoolID: poolA, ID: "k"}) }), store.ErrNotFound)
	}},
	{"an active key retires once and is still there", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		retire := func() error {
			return do(t, s, func(tx store.Tx) error { return tx.RetireSigningKey(poolA, "k", now) })
		}
		wantErr(t, "RetireSigningKey of none", retire(), store.ErrNotFound)
		mustNot(t, "CreateSigningKey", do(t, s, func(tx store.Tx) error {
			return tx.CreateSigningKey(store.SigningKey{PoolID: poolA, ID: "k", Use: "id", Active: true})
		}))
		mustNot(t, "RetireSigningKey", retire())
		wantErr(t, "RetireSigningKey again", retire(), store.ErrConflict)
		got, err := in(t, s, func(tx store.Tx) ([]store.SigningKey, error) { return tx.SigningKeys(poolA) })
		mustNot(t, "SigningKeys", err)
		same(t, "keys", got, []store.SigningKey{{PoolID: poolA, ID: "k", Use: "id", RetiredAt: kept(now)}})
	}},
	{"DeleteSigningKey deletes once", func(t *testing.T, s store.Store) {
		addPool(t, s, poolA)
		mustNot(t, "CreateSigningKey", do(t, s, func(tx store.Tx) error { return tx.CreateSigningKey(store.SigningKey{PoolID: poolA, ID: "k"}) }))
		mustNot(t, "DeleteSigningKey", do(t, s, func(tx store.Tx) error { return tx.DeleteSigningKey(poolA, "k") }))
		wantErr(t, "DeleteSigningKey", do(t, s, func(tx store.Tx) error { return tx.DeleteSigningKey(poolA, "k") }), store.ErrNotFound)
	}},
}

var accessKeys = []testCase{
	{"access keys are created once, listed oldest first, and deleted", func(t *testing.T, s store.Store) {
		for i, id := range []string{"young", "b", "a"} {
			k := store.AccessKey{ID: id, Sealed: []byte{1, 2}, Doc: []byte(`{"p":"root"}`), CreatedAt: now.Add(-time.Duration(min(i, 1)) * time.Hour)}
			mustNot(t, "CreateAccessKey", do(t, s, func(tx store.Tx) error { return tx.CreateAccessKey(k) }))
			wantErr(t, "CreateAccessKey", do(t, s, func(tx store.Tx) error { return tx.CreateAccessKey(k) }), store.ErrExists)
			got, err := in(t, s, func(tx store.Tx) (store.AccessKey, error) { return tx.AccessKey(id) })
			mustNot(t, "AccessKey", err)
			k.CreatedAt = kept(k.CreatedAt)
			same(t, "key", got, k)
		}
		list := func() []string {
			got, err := in(t, s, func(tx store.Tx) ([]store.AccessKey, error) { return tx.ListAccessKeys() })
			mustNot(t, "ListAccessKeys", err)
			return keysOf(got, func(k store.AccessKey) string { return k.ID })
		}
		same(t, "keys", list(), []string{"a", "b", "young"})
		mustNot(t, "DeleteAccessKey", do(t, s, func(tx store.Tx) error { return tx.DeleteAccessKey("b") }))
		wantErr(t, "DeleteAccessKey", do(t, s, func(tx store.Tx) error { return tx.DeleteAccessKey("b") }), store.ErrNotFound)
		_, err := in(t, s, func(tx store.Tx) (store.AccessKey, error) { return tx.AccessKey("b") })
		wantErr(t, "AccessKey", err, store.ErrNotFound)
		same(t, "keys", list(), []string{"a", "young"})
	}},
}
