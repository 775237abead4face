package srp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

const (
	saltSize     = 16
	exponentSize = 32 // bytes of x, u, and of the one-time exponents
)

// Verifier is what a server keeps of a password: enough to check it and to run
// the protocol, and enough to guess at it offline, so it is stored sealed.
type Verifier struct {
	Salt []byte // 16 bytes; the first is at least 0x10
	V    []byte // g^x mod N, 384 bytes, big-endian
}

// NewVerifier returns the verifier of a password under a fresh random salt.
func NewVerifier(poolName, userID, password string) Verifier {
	salt := secret.Bytes(saltSize)
	for !goodSalt(salt) {
		salt = secret.Bytes(saltSize)
	}
	return Verifier{Salt: salt, V: powG(privateX(salt, poolName, userID, password))}
}

// goodSalt refuses salts whose hexadecimal form begins with a zero: the salt
// is a number to some clients and text to others, who would hash different
// bytes for those.
func goodSalt(salt []byte) bool { return salt[0] >= 0x10 }

// SaltHex returns the salt as the client gets it: 32 hexadecimal digits.
func (v Verifier) SaltHex() string { return hex.EncodeToString(v.Salt) }

// Matches reports whether the password is the one the verifier was made of. It
// costs one fixed-base exponentiation, for a Fake too, and takes the same time
// whatever the password and the outcome.
func (v Verifier) Matches(poolName, userID, password string) bool {
	return subtle.ConstantTimeCompare(powG(privateX(v.Salt, poolName, userID, password)), v.V) == 1
}

// privateX returns x = H(pad(salt) ‖ H(poolName ‖ userID ":" password)).
func privateX(salt []byte, poolName, userID, password string) []byte {
	inner := digest([]byte(poolName), []byte(userID), []byte{':'}, []byte(password))
	return digest(pad(salt), inner)
}

// Fake returns a verifier for a user that does not exist: always the same for
// one seed, pool and user, matching no password that anyone could name, and
// used at the same cost as a real one. The seed is a secret of the server; who
// knows it can tell fakes from users.
func Fake(seed [32]byte, poolName, userID string) Verifier {
	m := hmac.New(sha256.New, seed[:])
	for _, part := range []string{poolName, userID} {
		m.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		m.Write([]byte(part))
	}
	block, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		panic("srp: " + err.Error()) // a hash has the length of a key
	}
	random := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	stream := func(n int) []byte {
		b := make([]byte, n)
		random.XORKeyStream(b, b)
		return b
	}
	// Drawn again until good, as real salts are, so that their first digits
	// are as frequent.
	salt := stream(saltSize)
	for !goodSalt(salt) {
		salt = stream(saltSize)
	}
	// Real verifiers are powers of 2, which is a square mod N. A square of a
	// number 16 bytes longer than N is as good as uniform among those, and
	// its logarithm is nobody's password.
	r := new(big.Int).SetBytes(stream(groupSize + 16))
	r.Mod(r, groupN)
	r.Mul(r, r)
	r.Mod(r, groupN)
	return Verifier{Salt: salt, V: r.FillBytes(make([]byte, groupSize))}
}

// verifierVersion is the first byte of a marshalled Verifier.
const verifierVersion = 1

// ErrVerifier is returned by Unmarshal for bytes that Marshal never made.
var ErrVerifier = errors.New("srp: malformed verifier")

// Marshal returns the verifier in 401 bytes: a version, the salt, V.
func (v Verifier) Marshal() []byte {
	b := make([]byte, 0, 1+saltSize+groupSize)
	b = append(b, verifierVersion)
	b = append(b, v.Salt...)
	return append(b, v.V...)
}

// Unmarshal reads what Marshal wrote, and copies it.
func Unmarshal(b []byte) (Verifier, error) {
	if len(b) != 1+saltSize+groupSize || b[0] != verifierVersion || !goodSalt(b[1:]) {
		return Verifier{}, ErrVerifier
	}
	v := new(big.Int).SetBytes(b[1+saltSize:])
	if v.Sign() == 0 || v.Cmp(groupN) >= 0 {
		return Verifier{}, ErrVerifier
	}
	b = append([]byte(nil), b[1:]...)
	return Verifier{Salt: b[:saltSize:saltSize], V: b[saltSize:]}, nil
}

// Start begins a run of the protocol. It returns a random one-time exponent of
// 256 bits, which is secret and must be used for one run only, and the public
// value B = k·v + g^b mod N as the client gets it, in hexadecimal.
func Start(v Verifier) (b []byte, publicB string) {
	for {
		b = secret.Bytes(exponentSize)
		if public, ok := publicOf(v, b); ok {
			return b, public
		}
	}
}

// publicOf returns B in hexadecimal, and false if B is 0, which happens for one
// b in 2^3072 and must never be sent.
func publicOf(v Verifier, b []byte) (string, bool) {
	sum := new(big.Int).SetBytes(v.V)
	sum.Mul(sum, groupK)
	sum.Add(sum, new(big.Int).SetBytes(powG(b)))
	sum.Mod(sum, groupN)
	return sum.Text(16), sum.Sign() != 0
}

// Key returns the key that both sides share if the client knew the password,
// from the values of Start and the client's A. It errors with ErrBadNumber if
// A or B is not acceptable; a wrong password is no error here, it is a proof
// that does not fit.
func Key(v Verifier, b []byte, publicA, publicB string) (key [16]byte, err error) {
	a, err := parsePublic(publicA)
	if err != nil {
		return key, err
	}
	bb, err := parsePublic(publicB)
	if err != nil {
		return key, err
	}
	u, err := scramble(a, bb)
	if err != nil {
		return key, err
	}
	return deriveKey(serverSecret(v.V, a, b, u), u), nil
}

// ValidA reports, before anything else is done with it, whether a client's A
// is acceptable: nil or ErrBadNumber.
func ValidA(publicA string) error {
	_, err := parsePublic(publicA)
	return err
}

// scramble returns u = H(pad(A) ‖ pad(B)), 32 bytes.
func scramble(a, b []byte) ([]byte, error) {
	u := digest(pad(a), pad(b))
	for _, c := range u {
		if c != 0 {
			return u, nil
		}
	}
	return nil, ErrBadNumber
}

// deriveKey is HKDF-SHA256 with salt pad(u) and the protocol's fixed label.
func deriveKey(s, u []byte) [16]byte {
	k, err := hkdf.Key(sha256.New, pad(s), pad(u), "Caldera Derived Key", 16)
	if err != nil {
		panic("srp: " + err.Error()) // only an over-long output can fail
	}
	return [16]byte(k)
}

// Proof returns the signature that the client must send: HMAC-SHA256 under key
// over poolName ‖ userID ‖ secretBlock ‖ timestamp. secretBlock is the decoded
// block and timestamp the text as sent. Compare with hmac.Equal.
func Proof(key [16]byte, poolName, userID string, secretBlock []byte, timestamp string) []byte {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte(poolName))
	m.Write([]byte(userID))
	m.Write(secretBlock)
	m.Write([]byte(timestamp))
	return m.Sum(nil)
}

// ErrTimestamp is returned by ParseTimestamp.
var ErrTimestamp = errors.New("srp: malformed timestamp")

const timestampLayout = "Mon Jan _2 15:04:05 UTC 2006"

// ParseTimestamp reads the client's TIMESTAMP, as "Sun Nov 1 05:06:07 UTC 2026".
// Clients are known to pad the day with nothing, a space or a zero.
func ParseTimestamp(s string) (time.Time, error) {
	// time.Parse would take fractions of a second, which no client signs.
	if len(s) > len(timestampLayout) || strings.ContainsAny(s, ".,") {
		return time.Time{}, ErrTimestamp
	}
	t, err := time.Parse(timestampLayout, s)
	if err != nil {
		return time.Time{}, ErrTimestamp
	}
	return t, nil
}

// FormatTimestamp writes t as clients do.
func FormatTimestamp(t time.Time) string {
	return t.UTC().Format("Mon Jan 2 15:04:05 UTC 2006")
}
