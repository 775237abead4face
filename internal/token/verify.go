package token

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// MaxSize is the length of the longest token that is looked at. Cognito names
// no limit; headers beyond 8 to 10 KB already fail in most HTTP servers.
const MaxSize = 16 << 10

// KeySet is the keys that a pool's tokens may be signed with, by kid. A kid is
// nothing but a key of this map. A set is not to be changed once it is shared.
type KeySet map[string]PublicKey

// NewKeySet returns the set of these keys.
func NewKeySet(keys ...PublicKey) KeySet {
	s := make(KeySet, len(keys))
	for _, k := range keys {
		s[k.ID] = k
	}
	return s
}

// Expect is what a token must be. Issuer, Use and Now are required: without
// one of them every token is refused, as there is no "any".
type Expect struct {
	Issuer   string
	Use      Use
	ClientID string // if not "": the aud of an ID token, the client_id of an access token
	Now      time.Time
}

// Verify returns the claims of a token that a key of the set signed by RS256,
// that has the issuer, use and client expected and is not expired. Otherwise
// the claims are empty and the error is ErrMalformed, ErrSignature, ErrClaims
// or ErrExpired, wrapped.
//
// The form is strict: three parts of canonical unpadded base64url, at most
// MaxSize, a header of kid and alg and nothing else, no member named twice.
// The header's alg has to be RS256; it chooses nothing.
func (s KeySet) Verify(raw string, e Expect) (Claims, error) {
	if err := e.complete(); err != nil {
		return Claims{}, err
	}
	p, err := split(raw)
	if err != nil {
		return Claims{}, err
	}
	header, err := ParseClaims(p.header)
	if err != nil {
		return Claims{}, err
	}
	key, err := s.keyExpected(header, e)
	if err != nil {
		return Claims{}, err
	}
	if !key.signed(p) {
		return Claims{}, ErrSignature
	}
	claims, err := ParseClaims(p.claims)
	if err != nil {
		return Claims{}, err
	}
	if err := e.check(claims); err != nil {
		return Claims{}, err
	}
	return claims, nil
}

// complete refuses an Expect that would let everything pass.
func (e Expect) complete() error {
	if e.Issuer == "" || e.Now.IsZero() || (e.Use != ID && e.Use != Access) {
		return fmt.Errorf("%w: nothing was expected of it", ErrClaims)
	}
	return nil
}

// keyExpected returns the key that a header names, if tokens of the expected
// use are signed with it.
func (s KeySet) keyExpected(header Claims, e Expect) (PublicKey, error) {
	if err := e.complete(); err != nil {
		return PublicKey{}, err
	}
	key, err := s.keyFor(header)
	if err != nil {
		return PublicKey{}, err
	}
	if key.Use != "" && key.Use != e.Use {
		return PublicKey{}, fmt.Errorf("%w: signed with the key for %s tokens", ErrClaims, key.Use)
	}
	return key, nil
}

// keyFor returns the key that a header names.
func (s KeySet) keyFor(h Claims) (PublicKey, error) {
	// Every other member asks the verifier for something (jku, jwk, x5u, x5c,
	// crit, b64, zip …), and no token of ours has one.
	for name := range h.All() {
		if name != "kid" && name != "alg" {
			return PublicKey{}, fmt.Errorf("%w: header member %.32q", ErrMalformed, name)
		}
	}
	if h.String("alg") != "RS256" {
		return PublicKey{}, fmt.Errorf("%w: algorithm is not RS256", ErrSignature)
	}
	key, ok := s[h.String("kid")]
	if !ok || key.ID == "" || key.RSA == nil {
		return PublicKey{}, fmt.Errorf("%w: unknown key", ErrSignature)
	}
	return key, nil
}

func (e Expect) check(c Claims) error {
	if c.String("iss") != e.Issuer {
		return fmt.Errorf("%w: another issuer", ErrClaims)
	}
	if c.String("token_use") != string(e.Use) {
		return fmt.Errorf("%w: not an %s token", ErrClaims, e.Use)
	}
	if e.ClientID != "" {
		client := "aud"
		if e.Use == Access {
			client = "client_id"
		}
		if c.String(client) != e.ClientID {
			return fmt.Errorf("%w: another client", ErrClaims)
		}
	}
	exp, ok := c.Int("exp")
	if !ok {
		return fmt.Errorf("%w: no exp", ErrClaims)
	}
	if e.Now.Unix() >= exp {
		return ErrExpired
	}
	return nil
}

// Peek returns what a token says without asking whether it is true: for
// showing it to a person. It holds to the strict form, but lets the header
// have any members. Nothing may be decided by what it returns.
func Peek(raw string) (header, claims Claims, err error) {
	p, err := split(raw)
	if err != nil {
		return Claims{}, Claims{}, err
	}
	if header, err = ParseClaims(p.header); err != nil {
		return Claims{}, Claims{}, fmt.Errorf("header: %w", err)
	}
	if claims, err = ParseClaims(p.claims); err != nil {
		return Claims{}, Claims{}, fmt.Errorf("claims: %w", err)
	}
	return header, claims, nil
}

// parts is a token taken apart.
type parts struct {
	signed                    string // header and claims as they were signed
	header, claims, signature []byte
}

func split(raw string) (parts, error) {
	if len(raw) > MaxSize {
		return parts{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxSize)
	}
	if strings.Count(raw, ".") != 2 {
		return parts{}, fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	dot, last := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	var (
		p   = parts{signed: raw[:last]}
		err error
	)
	for _, part := range []struct {
		text string
		into *[]byte
	}{{raw[:dot], &p.header}, {raw[dot+1 : last], &p.claims}, {raw[last+1:], &p.signature}} {
		if *part.into, err = decodeSegment(part.text); err != nil {
			return parts{}, err
		}
	}
	return p, nil
}

var strictURL = base64.RawURLEncoding.Strict()

// decodeSegment decodes canonical, unpadded, non-empty base64url. The standard
// decoder, even when strict about trailing bits, skips line breaks.
func decodeSegment(s string) ([]byte, error) {
	if s == "" || strings.IndexByte(s, '\r') >= 0 || strings.IndexByte(s, '\n') >= 0 {
		return nil, fmt.Errorf("%w: not base64url", ErrMalformed)
	}
	b, err := strictURL.DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%w: not base64url", ErrMalformed)
	}
	return b, nil
}
