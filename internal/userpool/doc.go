// Package userpool is what a user pool is: its settings, app clients, users,
// groups and signing keys, and the rules that hold for each of them. Everything
// an administrator does to a pool is a method of Service.
//
// It is not what a user does: sign-up, sign-in, codes, sessions and tokens are
// package signin, which builds on this one. It knows no HTTP and no wire
// shapes; front ends map those to the types here.
//
// The flow of an administrative call:
//
//	front end → Service.CreateUser
//	  validate   Pool (from the cache), Normalize, CheckAttributes, CheckPassword
//	  read       store.View where the decision needs it
//	  write      store.Update, which may run twice and so touches nothing else
//	  call out   message.Sender, after the commit
//
// # Caching
//
// Pools, clients and key rings are settings: they are kept in memory with the
// version they were read at, and asked for that version again at most once a
// second. A change on this node is seen at once, one on another node within two
// seconds. Pool, Client and Keyring values are shared between requests and must
// not be changed. Users, passwords and memberships are never cached.
//
// # Names
//
// A user can be found by several names (username, sub, aliases). Normalize is
// the one function that folds a name, used when names are written (Row) and
// when they are looked up (FindUser). Uniqueness is the store's: one unique row
// for each name of a pool, whatever its kind.
//
// # Passwords
//
// A pool keeps of each password an SRP verifier or, by its PasswordStore
// setting, an argon2id hash; never both. Either is sealed with the KEK under the
// user's place before the store sees it.
package userpool
