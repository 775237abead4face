package token

import (
	"errors"
	"fmt"
)

// The ways in which a token can fail. Match them with errors.Is; the text that
// follows them is for logs: it may name a member of the token, never a value.
var (
	// ErrMalformed: not in the one form that tokens have.
	ErrMalformed = errors.New("malformed token")
	// ErrSignature: no key of the set made it, or not by RS256.
	ErrSignature = errors.New("token signature does not verify")
	// ErrExpired: genuine, but its time is over.
	ErrExpired = errors.New("token has expired")
	// ErrClaims: genuine, but not of the issuer, kind or client expected.
	ErrClaims = errors.New("token is not for this use")
)

func malformed(err error) error { return fmt.Errorf("%w: %v", ErrMalformed, err) }
