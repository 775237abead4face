package token

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
)

// PublicKey is what is published of a Key. Use is the kind of tokens that it
// signs, or "" where that is not known, as in a key set read from the network.
type PublicKey struct {
	ID  string
	Use Use
	RSA *rsa.PublicKey
}

// JWK is a public key in its published form: these six members and no others.
type JWK struct {
	Algorithm string `json:"alg"`
	Exponent  string `json:"e"`
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Modulus   string `json:"n"`
	Purpose   string `json:"use"`
}

type jwks struct {
	Keys []JWK `json:"keys"`
}

// foreignJWK is a key of a set that others may have published.
type foreignJWK struct {
	JWK        `json:",inline"`
	Operations []string `json:"key_ops"` // RFC 7517 section 4.3; nil if not said
}

// forRS256 reports whether the key says that it is for RS256 signatures, or
// says nothing to the contrary.
func (k foreignJWK) forRS256() bool {
	return k.Type == "RSA" && (k.Algorithm == "" || k.Algorithm == "RS256") && (k.Purpose == "" || k.Purpose == "sig") &&
		(k.Operations == nil || slices.Contains(k.Operations, "verify"))
}

// JWK returns the key's published form.
func (k PublicKey) JWK() JWK {
	return JWK{
		Algorithm: "RS256",
		Exponent:  base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.RSA.E)).Bytes()),
		ID:        k.ID,
		Type:      "RSA",
		Modulus:   base64.RawURLEncoding.EncodeToString(k.RSA.N.Bytes()),
		Purpose:   "sig",
	}
}

// JWKS returns the document {"keys":[…]} for these keys, in their order.
func JWKS(keys []PublicKey) []byte {
	doc := jwks{Keys: make([]JWK, len(keys))}
	for i, k := range keys {
		doc.Keys[i] = k.JWK()
	}
	out, err := json.Marshal(doc)
	if err != nil {
		panic("token: " + err.Error()) // six strings can always be marshalled
	}
	return out
}

// maxJWKS is the largest key set that ParseJWKS reads: some 150 keys.
const maxJWKS = 64 << 10

// ParseJWKS reads a key set, such as a server publishes. Keys that are not for
// RS256 signatures are left out, as RFC 7517 section 5 asks; an RSA key that is
// malformed or shorter than 2048 bits is an error, and so is a kid used twice.
func ParseJWKS(b []byte) (KeySet, error) {
	if len(b) > maxJWKS || TooDeep(b, MaxDepth) {
		return nil, errors.New("key set: too large")
	}
	var doc struct {
		Keys []foreignJWK `json:"keys"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	set := make(KeySet, len(doc.Keys))
	for _, k := range doc.Keys {
		if !k.forRS256() {
			continue
		}
		key, err := k.rsa()
		if err != nil {
			return nil, fmt.Errorf("key set: key %q: %w", k.ID, err)
		}
		if _, twice := set[k.ID]; twice {
			return nil, fmt.Errorf("key set: kid %q is used twice", k.ID)
		}
		set[k.ID] = PublicKey{ID: k.ID, RSA: key}
	}
	return set, nil
}

func (k JWK) rsa() (*rsa.PublicKey, error) {
	n, err := decodeSegment(k.Modulus)
	if err != nil {
		return nil, err
	}
	e, err := decodeSegment(k.Exponent)
	if err != nil {
		return nil, err
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	exponent := new(big.Int).SetBytes(e)
	if bits := key.N.BitLen(); bits < keyBits || bits > 4*keyBits || key.N.Bit(0) == 0 {
		return nil, fmt.Errorf("modulus of %d bits", bits)
	}
	// What crypto/rsa accepts, and what fits an int everywhere.
	if exponent.BitLen() > 31 || exponent.Int64() < 3 || exponent.Bit(0) == 0 {
		return nil, errors.New("exponent out of range")
	}
	key.E = int(exponent.Int64())
	return key, nil
}
