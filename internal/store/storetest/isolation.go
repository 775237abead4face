package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// poolMethods calls each method of Tx that names a pool with pool poolB and ids
// that exist in poolA alone. Each returns what it must: an error, or proof of
// having found nothing.
var poolMethods = map[string]func(store.Tx) error{
	"Client":        func(tx store.Tx) error { _, err := tx.Client(poolB, "client-"+poolA); return err },
	"ClientVersion": func(tx store.Tx) error { _, err := tx.ClientVersion(poolB, "client-"+poolA); return err },
	"UpdateClient": func(tx store.Tx) error {
		return tx.UpdateClient(store.Client{PoolID: poolB, ID: "client-" + poolA, Version: 1})
	},
	"DeleteClient": func(tx store.Tx) error { return tx.DeleteClient(poolB, "client-"+poolA) },
	"ListClients":  listNothing(func(tx store.Tx) (any, string, error) { return tx.ListClients(poolB, store.Page{Limit: 9}) }),
	"CreateClient": func(tx store.Tx) error { // the id is taken everywhere
		return mapErr(tx.CreateClient(store.Client{PoolID: poolB, ID: "client-" + poolA}), store.ErrExists)
	},

	"User":       func(tx store.Tx) error { _, err := tx.User(poolB, "u"); return err },
	"UserByName": func(tx store.Tx) error { _, _, err := tx.UserByName(poolB, "u@example.com"); return err },
	"UpdateUser": func(tx store.Tx) error {
		u := user(poolB, "u")
		u.Version = 1
		return tx.UpdateUser(u)
	},
	"DeleteUser": func(tx store.Tx) error { return tx.DeleteUser(poolB, "u") },
	"ListUsers": listNothing(func(tx store.Tx) (any, string, error) {
		return tx.ListUsers(poolB, store.UserQuery{Attribute: "status", Value: "confirmed", Page: store.Page{Limit: 9}})
	}),
	"CountUsers": func(tx store.Tx) error {
		n, err := tx.CountUsers(poolB, 9)
		return nothing(n, err)
	},

	"Group":        func(tx store.Tx) error { _, err := tx.Group(poolB, "g"); return err },
	"UpdateGroup":  func(tx store.Tx) error { return tx.UpdateGroup(store.Group{PoolID: poolB, Name: "g"}) },
	"DeleteGroup":  func(tx store.Tx) error { return tx.DeleteGroup(poolB, "g") },
	"ListGroups":   listNothing(func(tx store.Tx) (any, string, error) { return tx.ListGroups(poolB, store.Page{Limit: 9}) }),
	"AddMember":    func(tx store.Tx) error { return tx.AddMember(poolB, "g", "u", now) },
	"RemoveMember": silent(func(tx store.Tx) error { return tx.RemoveMember(poolB, "g", "u") }),
	"UserGroups": func(tx store.Tx) error {
		got, err := tx.UserGroups(poolB, "u")
		return nothing(len(got), err)
	},
	"ListMembers": listNothing(func(tx store.Tx) (any, string, error) { return tx.ListMembers(poolB, "g", store.Page{Limit: 9}) }),

	"PutCode": func(tx store.Tx) error {
		return tx.PutCode(store.Code{PoolID: poolB, Sub: "u", Purpose: "p", Hash: []byte("h"), GuessesLeft: 1})
	},
	"Code":      func(tx store.Tx) error { _, err := tx.Code(poolB, "u", "p"); return err },
	"GuessCode": func(tx store.Tx) error { _, err := tx.GuessCode(poolB, "u", "p"); return err },
	"TakeCode":  func(tx store.Tx) error { return tx.TakeCode(poolB, "u", "p", []byte("h")) },

	"Attempt": func(tx store.Tx) error {
		got, err := tx.Attempt(poolB, "u", "k", now)
		return nothing(int(got.Count), err)
	},
	"ResetAttempts": silent(func(tx store.Tx) error { return tx.ResetAttempts(poolB, "u", "k") }),

	"Revoked": func(tx store.Tx) error {
		got, err := tx.Revoked(poolB, "o")
		if got {
			return errOwn
		}
		return nothing(0, err)
	},
	"RefreshFamily": func(tx store.Tx) error { _, err := tx.RefreshFamily(poolB, "o"); return err },
	"AdvanceRefreshFamily": func(tx store.Tx) error {
		return mapErr(tx.AdvanceRefreshFamily(poolB, "o", 1, now), store.ErrConflict)
	},

	"SigningKeys": func(tx store.Tx) error {
		got, err := tx.SigningKeys(poolB)
		return nothing(len(got), err)
	},
	"RetireSigningKey": func(tx store.Tx) error { return tx.RetireSigningKey(poolB, "key", now) },
	"DeleteSigningKey": func(tx store.Tx) error { return tx.DeleteSigningKey(poolB, "key") },
}

// notOfPools are the methods that the matrix leaves out, with the reason.
var notOfPools = map[string]string{
	"Meta": "no pool", "InitMeta": "no pool", "PutMeta": "no pool",
	"CreatePool": "the pool itself", "Pool": "the pool itself", "PoolVersion": "the pool itself",
	"UpdatePool": "the pool itself", "DeletePool": "the pool itself", "ListPools": "no pool",
	"ClientPool": "finds the pool", "CreateUser": "own case below", "CreateGroup": "own case below",
	"CreateSigningKey": "own case below", "CountAttempt": "own case below", "Revoke": "own case below",
	"UseOnce": "own case below", "CreateRefreshFamily": "own case below",
	"CreateFunction": "no pool", "Function": "no pool", "UpdateFunction": "no pool",
	"DeleteFunction": "no pool", "ListFunctions": "no pool", "CreateFunctionVersion": "no pool", "FunctionVersion": "no pool",
	"DeleteFunctionVersion": "no pool", "ListFunctionVersions": "no pool", "CreateFunctionAlias": "no pool",
	"FunctionAlias": "no pool", "UpdateFunctionAlias": "no pool", "DeleteFunctionAlias": "no pool",
	"ListFunctionAliases": "no pool", "PutCodeBlob": "no pool", "CodeBlob": "no pool", "DeleteCodeBlob": "no pool",
	"CreateAccessKey": "no pool", "AccessKey": "no pool", "DeleteAccessKey": "no pool", "ListAccessKeys": "no pool",
	"CreateDocument": "no pool", "Document": "no pool", "UpdateDocument": "no pool", "DeleteDocument": "no pool", "ListDocuments": "no pool",
}

// mapErr makes the outcome that a method has for a record that is not there
// the common one.
func mapErr(err, from error) error {
	if err == from { // a sentinel of the contract, unwrapped
		return store.ErrNotFound
	}
	return fmt.Errorf("got %v, want %v", err, from) // a report
}

func nothing(n int, err error) error {
	if err != nil {
		return err
	}
	if n != 0 {
		return fmt.Errorf("found %d records", n)
	}
	return store.ErrNotFound
}

func listNothing(list func(store.Tx) (any, string, error)) func(store.Tx) error {
	return func(tx store.Tx) error {
		got, next, err := list(tx)
		if next != "" {
			return errOwn
		}
		return nothing(reflect.ValueOf(got).Len(), err)
	}
}

// silent is for methods that do not say whether they found anything: that they
// did nothing is seen afterwards.
func silent(fn func(store.Tx) error) func(store.Tx) error {
	return func(tx store.Tx) error { return nothing(0, fn(tx)) }
}

var isolation = []testCase{
	{"every method finds nothing under another pool, and changes nothing", func(t *testing.T, s store.Store) {
		fill(t, s, poolA)
		addPool(t, s, poolB)
		methods := reflect.TypeFor[store.Tx]()
		checked := 0
		for i := range methods.NumMethod() {
			name := methods.Method(i).Name
			call, ok := poolMethods[name]
			if !ok {
				if notOfPools[name] == "" {
					t.Errorf("method %s is in neither table", name)
				}
				continue
			}
			checked++
			wantErr(t, name, do(t, s, call), store.ErrNotFound)
		}
		if checked != len(poolMethods) {
			t.Errorf("%d methods checked, the table has %d", checked, len(poolMethods))
		}
		checkFilled(t, s, poolA)
	}},
	{"the same ids live side by side in two pools", func(t *testing.T, s store.Store) {
		for _, id := range []string{poolA, poolB} {
			fill(t, s, id)
		}
		b := user(poolB, "u")
		b.Version, b.Status = 1, "ARCHIVED"
		update(t, s, func(tx store.Tx) error {
			mustNot(t, "UpdateUser", tx.UpdateUser(b))
			mustNot(t, "TakeCode", tx.TakeCode(poolB, "u", "p", []byte("h")))
			mustNot(t, "AdvanceRefreshFamily", tx.AdvanceRefreshFamily(poolB, "o", 1, now))
			mustNot(t, "RetireSigningKey", tx.RetireSigningKey(poolB, "key", now))
			mustNot(t, "UpdateGroup", tx.UpdateGroup(store.Group{PoolID: poolB, Name: "g", Description: "b"}))
			_, err := tx.CountAttempt(poolB, "u", "k", now, now.Add(time.Hour))
			return err
		})
		checkFilled(t, s, poolA)
		view(t, s, func(tx store.Tx) error {
			u, err := tx.User(poolA, "u")
			mustNot(t, "User", err)
			same(t, "user", u, keptUser(user(poolA, "u"), 1))
			f, err := tx.RefreshFamily(poolA, "o")
			mustNot(t, "RefreshFamily", err)
			same(t, "generation", f.Generation, int64(1))
			keys, err := tx.SigningKeys(poolA)
			mustNot(t, "SigningKeys", err)
			same(t, "active", keys[0].Active, true)
			g, err := tx.Group(poolA, "g")
			mustNot(t, "Group", err)
			same(t, "description", g.Description, "")
			a, err := tx.Attempt(poolA, "u", "k", now)
			same(t, "attempts", a.Count, int64(1))
			return err
		})
		mustNot(t, "DeleteUser", do(t, s, func(tx store.Tx) error { return tx.DeleteUser(poolB, "u") }))
		checkFilled(t, s, poolA)
	}},
}
