// Package sqlstore keeps the records of package store in SQLite or PostgreSQL.
// It is the only package that knows SQL; it knows nothing of what the records
// mean, seals nothing, and lets no driver type or driver error out.
//
// # The flow
//
// View and Update open a transaction on an engine (sqlite.go, postgres.go) and
// hand the caller a tx. A method of tx (one file per noun) names a query from
// the registry (query.go), gives it arguments, and reads rows. The engine runs
// the statement and translates what the driver answers into the errors of
// package store (errors.go).
//
// One SQL text serves both databases; what has to differ is in dialect.go and
// in the migrations. A test reads every text in the registry and refuses what
// is outside the portable subset.
//
// # SQLite
//
// Write-ahead log, synchronous=FULL. Reads use connections of their own and
// never wait for a writer. Writes share one connection and one commit: see
// group.go and docs/decisions/0004-group-commit.md. A file belongs to one
// process at a time, by a lock beside it.
//
// "memory:" is the same engine on files that are unlinked before Open returns:
// private, gone with the process however it ends, in memory where the system
// has a memory file system.
//
// # PostgreSQL
//
// Every transaction runs at Options.Isolation. Conflicts, deadlocks and lost
// connections before the commit run it again, a bounded number of times; a
// connection lost during the commit is store.ErrOutcomeUnknown.
package sqlstore
