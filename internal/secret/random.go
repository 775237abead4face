package secret

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

const (
	digits       = "0123456789"
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	// symbols that Cognito counts as such and that survive HTML mail,
	// shells in double quotes and a telephone call.
	symbols = "^*.[]{}()?-@#%/,:;|_~+="

	clientIDAlphabet = digits + "abcdefghijklmnopqrstuv"
)

// Bytes returns n random bytes. It cannot fail: where the system's randomness
// is broken the process ends, as crypto/rand documents.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to return an error
	return b
}

// Text returns n characters drawn uniformly and independently from alphabet,
// which holds 1 to 256 single-byte characters; any other alphabet is a
// programming error and panics.
func Text(alphabet string, n int) string {
	size := len(alphabet)
	if size == 0 || size > 256 {
		panic("secret: alphabet must hold 1 to 256 characters")
	}
	// Bytes at or above the largest multiple of size are thrown away: taking
	// them modulo size would favour the head of the alphabet.
	limit := 256 - 256%size
	out := make([]byte, 0, n)
	buf := make([]byte, n+n/4+8)
	for len(out) < n {
		_, _ = rand.Read(buf) // documented never to return an error
		for _, c := range buf {
			if int(c) < limit && len(out) < n {
				out = append(out, alphabet[int(c)%size])
			}
		}
	}
	return string(out)
}

// Digits returns n random decimal digits, as mailed codes are made of.
func Digits(n int) string { return Text(digits, n) }

// UUID returns a random (version 4) UUID in its canonical lower-case form.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to return an error
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var t [36]byte
	hex.Encode(t[0:8], b[0:4])
	t[8] = '-'
	hex.Encode(t[9:13], b[4:6])
	t[13] = '-'
	hex.Encode(t[14:18], b[6:8])
	t[18] = '-'
	hex.Encode(t[19:23], b[8:10])
	t[23] = '-'
	hex.Encode(t[24:36], b[10:16])
	return string(t[:])
}

// ClientID returns an app client id: 26 characters of [0-9a-v], 130 bits.
func ClientID() string { return Text(clientIDAlphabet, 26) }

// ClientSecret returns an app client secret: 52 characters of [0-9a-v], 260 bits.
func ClientSecret() string { return Text(clientIDAlphabet, 52) }

// PoolSuffix returns what follows the underscore in a user pool id: 9
// characters of [0-9A-Za-z].
func PoolSuffix() string { return Text(digits+upperLetters+lowerLetters, 9) }

// Policy is what a pool asks of a password.
type Policy struct {
	MinimumLength                  int // characters
	Upper, Lower, Numbers, Symbols bool
}

// minTemporaryPassword gives about 68 bits with letters and digits alone.
const minTemporaryPassword = 12

// TemporaryPassword returns a random password that meets p, and is at least
// 12 characters long whatever p says.
func TemporaryPassword(p Policy) string {
	// Characters that are read wrongly off a screen or a letter are left out.
	const lower, upper, number = "abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"
	alphabet := lower + upper + number
	if p.Symbols {
		alphabet += symbols
	}
	n := max(p.MinimumLength, minTemporaryPassword)
	// Drawing again until the policy is met keeps every compliant password
	// equally likely; planting one character of each class would not.
	for {
		t := Text(alphabet, n)
		if (!p.Upper || strings.ContainsAny(t, upper)) &&
			(!p.Lower || strings.ContainsAny(t, lower)) &&
			(!p.Numbers || strings.ContainsAny(t, number)) &&
			(!p.Symbols || strings.ContainsAny(t, symbols)) {
			return t
		}
	}
}
