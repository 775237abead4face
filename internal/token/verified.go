package token

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"sync"
)

const (
	// maxVerified bounds how many tokens a Verified remembers, and
	// maxRemembered how long one may be: some five megabytes at the worst.
	maxVerified   = 1024
	maxRemembered = 4 << 10
)

// Verified verifies tokens and remembers those whose signature was good: a
// client shows the same access token at every call, and the signature is most
// of what looking at one costs. The zero value is ready for use, and safe for
// concurrent use.
//
// It remembers only what cannot change: that these very bytes are well formed
// and signed with that key. Whether the key is still in the set, who issued the
// token to whom, and whether it has expired is asked every time. Of revocation
// and of users it knows nothing. It holds digests and claims, no tokens.
type Verified struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]*Parsed
}

// Parsed is a token that is well formed, and of which nothing else is known.
type Parsed struct {
	header, claims Claims
	sum            [sha256.Size]byte
	parts          parts
	by             *rsa.PublicKey // whose signature it has; nil if that was not asked yet
}

// KeyID returns the key that the token names. It chooses whom to ask, and
// decides nothing.
func (p *Parsed) KeyID() string { return p.header.String("kid") }

// Hint returns what a claim of the token says, true or not. It chooses whom to
// ask, and decides nothing.
func (p *Parsed) Hint(claim string) string { return p.claims.String(claim) }

// Parse takes a token apart. It is as strict as Peek.
func (v *Verified) Parse(raw string) (*Parsed, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxSize)
	}
	sum := sha256.Sum256([]byte(raw))
	v.mu.Lock()
	known := v.tokens[sum]
	v.mu.Unlock()
	if known != nil {
		return known, nil
	}
	p := &Parsed{sum: sum}
	var err error
	if p.parts, err = split(raw); err != nil {
		return nil, err
	}
	if p.header, err = ParseClaims(p.parts.header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if p.claims, err = ParseClaims(p.parts.claims); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return p, nil
}

// Verify is KeySet.Verify for a token of Parse. The claims are shared: they are
// not to be changed.
func (v *Verified) Verify(s KeySet, p *Parsed, e Expect) (Claims, error) {
	key, err := s.keyExpected(p.header, e)
	if err != nil {
		return Claims{}, err
	}
	if p.by == nil || !p.by.Equal(key.RSA) {
		// Also for a token that is remembered for another key of that name:
		// then its signature is gone, and was not this key's.
		if p.by != nil || !key.signed(p.parts) {
			return Claims{}, ErrSignature
		}
		v.remember(p, key.RSA)
	}
	if err := e.check(p.claims); err != nil {
		return Claims{}, err
	}
	return p.claims, nil
}

func (v *Verified) remember(p *Parsed, by *rsa.PublicKey) {
	if len(p.parts.signed) > maxRemembered {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens = make(map[[sha256.Size]byte]*Parsed)
	}
	if len(v.tokens) >= maxVerified {
		for sum := range v.tokens { // any one will do
			delete(v.tokens, sum)
			break
		}
	}
	v.tokens[p.sum] = &Parsed{header: p.header, claims: p.claims, sum: p.sum, by: by}
}

// signed reports whether a token's signature is of this key.
func (k PublicKey) signed(p parts) bool {
	digest := sha256.Sum256([]byte(p.signed))
	return rsa.VerifyPKCS1v15(k.RSA, crypto.SHA256, digest[:], p.signature) == nil
}
