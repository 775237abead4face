package token

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

// keyBits is the modulus that Cognito's keys have. Smaller ones are refused.
const keyBits = 2048

// Key signs the tokens of one use for one pool. It is safe for concurrent use
// and prints without its private part.
type Key struct {
	ID     string // kid: base64 of 32 bytes
	Use    Use    // the kind of token it signs
	Public *rsa.PublicKey

	signer crypto.Signer
	prefix []byte // the encoded header and its dot: the same in every token
}

// GenerateKey makes a new key for tokens of the given use. der is its private
// part in PKCS #8, which the caller seals and stores; ParseKey reads it back.
func GenerateKey(use Use) (key *Key, der []byte, err error) {
	// Since Go 1.26 the reader is not asked: the randomness is crypto/rand's.
	private, err := rsa.GenerateKey(nil, keyBits)
	if err != nil {
		return nil, nil, fmt.Errorf("generate signing key: %w", err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return nil, nil, fmt.Errorf("encode signing key: %w", err)
	}
	kid := base64.StdEncoding.EncodeToString(secret.Bytes(32))
	if key, err = newKey(use, kid, private, nil); err != nil {
		return nil, nil, err
	}
	return key, der, nil
}

// ParseKey reads a key that GenerateKey made. newSigner, if given, returns
// what signs in place of crypto/rsa: it must make PKCS #1 v1.5 signatures and,
// as those need no randomness, must not ask for any.
func ParseKey(use Use, kid string, pkcs8 []byte, newSigner func(*rsa.PrivateKey) (crypto.Signer, error)) (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		// The cause could quote what it could not read.
		return nil, errors.New("parse signing key: not a PKCS #8 private key")
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("parse signing key: not an RSA key")
	}
	return newKey(use, kid, private, newSigner)
}

func newKey(use Use, kid string, private *rsa.PrivateKey, newSigner func(*rsa.PrivateKey) (crypto.Signer, error)) (*Key, error) {
	if use != ID && use != Access {
		return nil, fmt.Errorf("signing key for tokens of unknown use %q", use)
	}
	if kid == "" {
		return nil, errors.New("signing key without an id")
	}
	if bits := private.N.BitLen(); bits < keyBits {
		return nil, fmt.Errorf("signing key of %d bits: at least %d are needed", bits, keyBits)
	}
	k := &Key{ID: kid, Use: use, Public: &private.PublicKey, signer: private}
	if newSigner != nil {
		var err error
		if k.signer, err = newSigner(private); err != nil {
			return nil, fmt.Errorf("prepare signing key: %w", err)
		}
	}
	// Exactly these two members, in this order and without typ, as Cognito's.
	header := append([]byte(`{"kid":`), quote(kid)...)
	header = append(header, `,"alg":"RS256"}`...)
	k.prefix = append(base64.RawURLEncoding.AppendEncode(nil, header), '.')
	return k, nil
}

// Published returns the part of the key that everyone may see.
func (k *Key) Published() PublicKey { return PublicKey{ID: k.ID, Use: k.Use, RSA: k.Public} }

// String returns the key's id.
func (k *Key) String() string { return "signing key " + k.ID }

// GoString returns the key's id, so that %#v shows no private part.
func (k *Key) GoString() string { return k.String() }

// scratch is the working memory of one signature.
type scratch struct{ claims, token []byte }

var scratches = sync.Pool{New: func() any {
	return &scratch{claims: make([]byte, 0, 2048), token: make([]byte, 0, 4096)}
}}

// maxScratch keeps a token with thousands of claims from staying in memory.
const maxScratch = 64 << 10

// Sign returns the signed token with these claims, in compact form. Its
// token_use must be the key's: an ID token signed with the key for access
// tokens would be refused by Verify.
func (k *Key) Sign(c Claims) (string, error) {
	if c.String("token_use") != string(k.Use) {
		return "", fmt.Errorf("sign %s token with the key for %s tokens", c.String("token_use"), k.Use)
	}
	s := scratches.Get().(*scratch)
	s.claims = c.AppendJSON(s.claims[:0])
	s.token = append(s.token[:0], k.prefix...)
	s.token = base64.RawURLEncoding.AppendEncode(s.token, s.claims)
	digest := sha256.Sum256(s.token)
	signature, err := k.signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	s.token = append(s.token, '.')
	s.token = base64.RawURLEncoding.AppendEncode(s.token, signature)
	signed := string(s.token)
	if cap(s.token) <= maxScratch {
		scratches.Put(s)
	}
	return signed, nil
}
