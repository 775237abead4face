//go:build !unix

package sqlstore

import "os"

const locks = false

// lockFile does nothing where there is no flock: two processes on one file are
// then kept apart by SQLite's own locks alone.
func lockFile(*os.File) error { return nil }
