//go:build !linux

package sqlstore

import "errors"

// freeBytes is for /dev/shm, which only Linux has.
func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }
