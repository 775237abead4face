package sqlstore

import (
	"embed"
	"strings"
)

// All that differs between the databases in what they are told. The statements
// of the registry are the same text for both, with placeholders $1, $2, …,
// which SQLite takes as well.

// dialect is a database's way of saying things.
type dialect struct {
	name string
	// lockParent is appended to statements that read a parent row which must
	// stay until the commit, so that a child is never left without one. SQLite
	// has one writer at a time and needs nothing.
	lockParent string
}

var (
	dialectSQLite   = dialect{name: "sqlite"}
	dialectPostgres = dialect{name: "postgres", lockParent: " FOR KEY SHARE"}
)

// parentMark is where a statement of the registry locks its parent.
const parentMark = "/*lock parent*/"

// sql is the text of q for this database.
func (d dialect) sql(q *query) string {
	return strings.ReplaceAll(q.text, parentMark, d.lockParent)
}

// Column types differ: on PostgreSQL text has the collation "C", so that order
// is byte order as on SQLite, and SQLite tables that are all key are stored
// WITHOUT ROWID, so that a row is not stored twice.
//
//go:embed migrations
var migrations embed.FS

// Transaction control. SQLite takes the write lock at once, since a
// transaction that began as a reader could not become a writer after another
// one has committed.
const (
	sqliteBeginRead  = "BEGIN"
	sqliteBeginWrite = "BEGIN IMMEDIATE"
	sqliteCommit     = "COMMIT"
	sqliteRollback   = "ROLLBACK"
	// Savepoints are outside the portable subset. Here, and only here, they
	// keep a function that fails from spoiling the others in its batch.
	sqliteSavepoint         = "SAVEPOINT fn"
	sqliteRelease           = "RELEASE fn"
	sqliteRollbackSavepoint = "ROLLBACK TO fn"
)

// sqlitePragmas set up every SQLite connection. secure_delete overwrites what
// is deleted, so that a deleted user is not left in free pages. foreign_keys
// is off by default and said aloud because the schema has none.
var sqlitePragmas = []string{
	"PRAGMA busy_timeout = 5000",
	"PRAGMA foreign_keys = 0",
	"PRAGMA trusted_schema = 0",
	"PRAGMA secure_delete = 1",
	"PRAGMA temp_store = 2",
	"PRAGMA cache_size = -8192",
}
