//go:build !linux || !cgo

package libcrypto

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"runtime"
)

// Available returns why no signer can be made in this build.
func Available() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%w: not on %s", ErrUnavailable, runtime.GOOS)
	}
	return fmt.Errorf("%w: built without cgo", ErrUnavailable)
}

// Version returns "": there is no library in this build.
func Version() string { return "" }

// New returns the error of Available.
func New(*rsa.PrivateKey) (crypto.Signer, error) { return nil, Available() }
