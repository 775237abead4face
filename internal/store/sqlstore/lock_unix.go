//go:build unix

package sqlstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// locks says that lockFile keeps other processes out.
const locks = true

// lockFile takes the lock that the file stands for, or fails at once. The
// system lets go of it when the process ends, however it ends.
func lockFile(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
