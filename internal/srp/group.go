package srp

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
)

// groupSize is the length of N in bytes.
const groupSize = 384

// The 3072-bit MODP prime of RFC 3526. Its generator is 2.
const groupHex = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74" +
	"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437" +
	"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05" +
	"98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB" +
	"9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
	"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718" +
	"3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33" +
	"A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
	"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864" +
	"D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2" +
	"08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"

var (
	groupN = mustHex(groupHex)
	groupK = new(big.Int).SetBytes(digest(pad(groupN.Bytes()), pad([]byte{2})))
)

func mustHex(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("srp: bad constant")
	}
	return n
}

// ErrBadNumber is returned for an A or B that is not hexadecimal, too long, or
// one of the values with which the protocol would be no protocol: multiples of
// N, and pairs that hash to u = 0. It is the caller's mistake or attack.
var ErrBadNumber = errors.New("srp: not an acceptable public value")

// pad returns the big-endian bytes of a number in the form that every hash of
// the protocol takes: no leading zero bytes but one where the top bit is set,
// as Java's BigInteger.toByteArray writes a positive number. It is not padded
// to the length of N.
func pad(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		return []byte{0}
	}
	if b[0] < 0x80 {
		return b
	}
	return append([]byte{0}, b...)
}

func digest(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// parsePublic reads an A or B off the wire: hexadecimal digits of either case,
// perhaps an odd number of them, no sign, no prefix, at most as long as N. The
// result is reduced by nobody: it is less than N and not zero.
func parsePublic(s string) ([]byte, error) {
	if s == "" || len(s) > 2*groupSize {
		return nil, ErrBadNumber
	}
	if len(s)%2 == 1 {
		s = "0" + s
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, ErrBadNumber
	}
	n := new(big.Int).SetBytes(b)
	// Of the numbers that fit, only 0 and N are 0 mod N; those above N are
	// sent by nobody who computed g^a mod N.
	if n.Sign() == 0 || n.Cmp(groupN) >= 0 {
		return nil, ErrBadNumber
	}
	return n.FillBytes(make([]byte, groupSize)), nil
}
