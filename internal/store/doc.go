// Package store is the storage contract: the records that outlive a process
// and the operations on them. It holds no implementation; that is sqlstore,
// and storetest is the suite that every implementation passes.
//
// # Transactions
//
// Everything happens inside View or Update. The function given to Update may
// run more than once (a conflict makes it run again), so it must have no
// effect but on its Tx: no trigger, no mail, no token, no process. Tx methods
// use the context that was given to View or Update, and a Tx is dead once the
// function returns. A Tx is used by one goroutine at a time.
//
// Contracts hold at SERIALIZABLE and at READ COMMITTED alike: uniqueness comes
// from unique rows and "exactly one wins" from single statements, never from a
// predicate read followed by a write. A method that returns one of the
// expected outcomes below has changed nothing, unless it says so, and the
// transaction goes on: fn may look at the error and do something else.
//
// View and Update do not nest: fn calls neither.
//
// # Records
//
// A record has the columns that the store itself must find things by. What
// only the domain understands travels in a Doc: JSON that the store keeps and
// never looks into. Secrets arrive sealed; the store never sees one in the
// clear. Times are kept to the millisecond, in UTC; the zero Time means none.
// A nil slice comes back nil and an empty one empty.
//
// Text is UTF-8 without NUL, which is what every database can keep. Nothing is
// found under other text, and storing it is ErrText. Order is the order of
// bytes, the same everywhere.
//
// Every user-pool record belongs to one pool and every method names it: an id
// of one pool is ErrNotFound in another. The exception is ClientPool, since
// Cognito's public operations name an app client and no pool.
//
// # Expected outcomes
//
// ErrNotFound, ErrExists and ErrConflict, matched with errors.Is. ErrText and
// ErrCursor are what was asked for; anything else is an outage.
package store

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound means that no such record exists.
	ErrNotFound = errors.New("store: not found")
	// ErrExists means that a record with that key, or a unique name, exists.
	ErrExists = errors.New("store: already exists")
	// ErrConflict means that the record is no longer at the version or state
	// that the caller saw.
	ErrConflict = errors.New("store: changed meanwhile")
	// ErrText means that text to be stored is not UTF-8 or has a NUL in it.
	ErrText = errors.New("store: text is not UTF-8 without NUL")
	// ErrCursor means that Page.After did not come from the same list.
	ErrCursor = errors.New("store: not a cursor of this list")
	// ErrReadOnly means that the function given to View tried to write.
	ErrReadOnly = errors.New("store: write in a view")
	// ErrOutcomeUnknown means that the connection was lost during a commit, so
	// that it is not known whether the transaction happened. It is never
	// retried by the store.
	ErrOutcomeUnknown = errors.New("store: commit outcome unknown")
)

// NameTakenError is the ErrExists of CreateUser and UpdateUser when another
// user holds one of the names.
type NameTakenError struct {
	Name  Name
	Owner string // sub of the user that holds it
}

func (e *NameTakenError) Error() string { return "store: name of kind " + e.Name.Kind + " is taken" }

// Is makes a NameTakenError match ErrExists.
func (e *NameTakenError) Is(target error) bool { return target == ErrExists }

// Store is a database.
type Store interface {
	// View runs fn in a read-only transaction: one consistent snapshot where
	// fn reads more than once. It does not wait for writers.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn in a transaction and commits it if fn returns nil; when
	// Update returns nil the change is durable. On a conflict fn runs again.
	// If fn returns an error nothing is changed and Update returns that error
	// as it is. A ctx that ends before fn starts means that fn does not run.
	Update(ctx context.Context, fn func(Tx) error) error
	// Ready reports why the store cannot serve, or nil.
	Ready(ctx context.Context) error
	// Sweep deletes up to limit rows that expired before now (codes, used
	// ids, revocations, refresh families, attempts, documents) and returns how many. Rows
	// without an expiry stay.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
	// Close waits for running transactions and releases the database.
	Close() error
}

// Tx is one transaction.
type Tx interface {
	Meta
	Pools
	Clients
	Users
	Groups
	Codes
	Attempts
	Revocations
	SigningKeys
	Functions
	AccessKeys
	Documents
}

// Page asks for a part of a list. After is the cursor that the previous page
// returned, or empty for the first; Limit is at least 1, and counts as MaxPage
// if it is more. A list returns at most Limit records and the cursor of the
// next page, empty at the end.
// Cursors are opaque, but for those of documents, and not secret; front ends
// seal them.
type Page struct {
	After string
	Limit int
}

// MaxPage is how many records one call of a list returns at most.
const MaxPage = 1000
