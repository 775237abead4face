package libcrypto

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
)

// ErrUnavailable is in the chain of every error that says why the system's
// libcrypto cannot be used here.
var ErrUnavailable = errors.New("libcrypto 3 is not available")

// ErrFault is returned instead of a signature that did not verify. It means
// broken hardware or memory: the key is not in danger, because the signature
// was thrown away.
var ErrFault = errors.New("libcrypto: the signature does not verify")

// ErrClosed is returned by Sign after Close.
var ErrClosed = errors.New("libcrypto: the signer is closed")

// Choice is which implementation signs: the operator's --signer.
type Choice string

// The choices. The zero value means Auto.
const (
	Auto      Choice = "auto"      // libcrypto where it is there, crypto/rsa elsewhere
	Libcrypto Choice = "libcrypto" // libcrypto or an error
	Go        Choice = "go"        // crypto/rsa
)

// ParseChoice reads the text of a flag; the empty text is Auto.
func ParseChoice(s string) (Choice, error) {
	switch c := Choice(s); c {
	case "":
		return Auto, nil
	case Auto, Libcrypto, Go:
		return c, nil
	}
	return "", fmt.Errorf("unknown signer %q: want auto, libcrypto or go", s)
}

// Effective returns the implementation that the choice comes to on this
// machine, Libcrypto or Go, with a reason for the log if Auto had to fall back.
// It errors if Libcrypto was asked for and is not there.
func (c Choice) Effective() (use Choice, reason error, err error) {
	switch c {
	case Auto, "":
		if err := Available(); err != nil {
			return Go, err, nil
		}
		return Libcrypto, nil, nil
	case Libcrypto:
		if err := Available(); err != nil {
			return "", nil, err
		}
		return Libcrypto, nil, nil
	case Go:
		return Go, nil, nil
	}
	return "", nil, fmt.Errorf("unknown signer %q", string(c))
}

// Signer returns a signer of the chosen kind for key. A signer that is also an
// io.Closer holds memory outside Go's; it is freed by Close, or at the latest
// when the garbage collector finds the signer unreachable.
func (c Choice) Signer(key *rsa.PrivateKey) (crypto.Signer, error) {
	use, _, err := c.Effective()
	if err != nil {
		return nil, err
	}
	if use == Libcrypto {
		return New(key)
	}
	// crypto/rsa checks each signature with the public key before it returns it.
	return key, nil
}
