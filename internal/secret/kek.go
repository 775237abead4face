package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
)

// ErrSealed is returned when a sealed value does not open: it was altered, cut
// short, moved to another place, or sealed with another key. The cases are not
// told apart, so that an answer built from the error tells a forger nothing.
var ErrSealed = errors.New("sealed value does not open")

const (
	kekVersion = 1 // first byte of what KEK.Seal returns
	boxVersion = 1 // first byte of what Box.Seal returns
	keyIDSize  = 4
	sealHeader = 1 + keyIDSize // version, key id
)

// SealOverhead is by how many bytes a sealed value, or a boxed one, is longer
// than what it hides.
const SealOverhead = sealHeader + xaesNonce + xaesTag

// KEK is the key-encryption key: it seals what the database holds and is the
// root of every other symmetric key. It prints as "***". A KEK is safe for
// concurrent use.
type KEK struct {
	root    [32]byte
	id      [keyIDSize]byte
	sealing *xaes
	codes   [32]byte
	retired []*KEK // open only

	mu    sync.Mutex
	boxes map[string]*Box // purposes are a handful of constants
}

// NewKEK returns the KEK made of key, which must be uniformly random.
func NewKEK(key [32]byte) *KEK {
	k := &KEK{root: key, boxes: make(map[string]*Box)}
	id := k.Subkey("rockpool key id")
	copy(k.id[:], id[:])
	sealing := k.Subkey("rockpool seal")
	k.sealing = newXAES(&sealing)
	k.codes = k.Subkey("rockpool code hash")
	return k
}

// WithRetired returns a KEK that seals with k's key and also opens what the
// retired keys sealed.
func (k *KEK) WithRetired(retired ...*KEK) *KEK {
	n := NewKEK(k.root)
	n.retired = append(append(n.retired, k.retired...), retired...)
	return n
}

// String returns "***".
func (*KEK) String() string { return hidden }

// GoString returns "***", for %#v.
func (*KEK) GoString() string { return hidden }

// LogValue returns "***".
func (*KEK) LogValue() slog.Value { return slog.StringValue(hidden) }

// Subkey derives a key for one use, named by label, with HKDF-SHA256. Subkeys
// of different labels are independent, and none of them reveals the KEK.
func (k *KEK) Subkey(label string) [32]byte {
	b, err := hkdf.Key(sha256.New, k.root[:], nil, label, 32)
	if err != nil {
		panic("secret: " + err.Error()) // only an over-long output can fail
	}
	return [32]byte(b)
}

// Place is where a sealed value is stored. It is authenticated with the value,
// so that ciphertexts cannot be swapped between rows, columns or pools.
type Place struct {
	Table, Pool, Row, Column string
}

// ad encodes the place without ambiguity: each part is preceded by its length.
func (p Place) ad(header []byte) []byte {
	n := len(header) + 4*4 + len(p.Table) + len(p.Pool) + len(p.Row) + len(p.Column)
	return appendParts(append(make([]byte, 0, n), header...), p.Table, p.Pool, p.Row, p.Column)
}

func appendParts(b []byte, parts ...string) []byte {
	for _, s := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

// Seal encrypts plain for place p. The result is SealOverhead bytes longer:
// version, key id, nonce, ciphertext, tag.
func (k *KEK) Seal(p Place, plain []byte) []byte {
	out := make([]byte, 0, SealOverhead+len(plain))
	out = append(out, kekVersion)
	out = append(out, k.id[:]...)
	return k.sealing.seal(out, plain, p.ad(out))
}

// Open returns what was sealed for place p with this key or a retired one.
// Anything else is ErrSealed.
func (k *KEK) Open(p Place, sealed []byte) ([]byte, error) {
	by := k.named(sealed, kekVersion)
	if by == nil {
		return nil, ErrSealed
	}
	return by.sealing.open(sealed[sealHeader:], p.ad(sealed[:sealHeader]))
}

// Stale reports whether sealed, the result of an earlier Seal, names another
// key than the one that seals now, and so is to be opened and sealed again
// before that key is taken away.
func (k *KEK) Stale(sealed []byte) bool {
	return len(sealed) < sealHeader || !bytes.Equal(sealed[1:sealHeader], k.id[:])
}

// named returns the KEK whose id the header of sealed carries, or nil.
func (k *KEK) named(sealed []byte, version byte) *KEK {
	if len(sealed) < SealOverhead || sealed[0] != version {
		return nil
	}
	// Key ids are public: they stand in clear in every sealed value.
	id := sealed[1:sealHeader]
	if bytes.Equal(id, k.id[:]) {
		return k
	}
	for _, r := range k.retired {
		if bytes.Equal(id, r.id[:]) {
			return r
		}
	}
	return nil
}

// Box seals what leaves the server and comes back: Sessions, refresh tokens,
// SRP secret blocks, paging tokens. A Box is safe for concurrent use.
type Box struct {
	id      [keyIDSize]byte
	x       *xaes
	retired []*Box
}

// Box returns the box for a purpose. Boxes of different purposes cannot open
// each other's tokens. Purposes are constants of the program, never input.
func (k *KEK) Box(purpose string) *Box {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b := k.boxes[purpose]; b != nil {
		return b
	}
	key := k.Subkey("rockpool box " + purpose)
	b := &Box{id: k.id, x: newXAES(&key)}
	for _, r := range k.retired {
		b.retired = append(b.retired, r.Box(purpose))
	}
	k.boxes[purpose] = b
	return b
}

// Seal encrypts plain and authenticates ad with it. The result is SealOverhead
// bytes longer than plain and is binary: encode it for the wire.
func (b *Box) Seal(plain, ad []byte) []byte {
	out := make([]byte, 0, SealOverhead+len(plain))
	out = append(out, boxVersion)
	out = append(out, b.id[:]...)
	return b.x.seal(out, plain, boxAD(out, ad))
}

// Open returns what Seal hid, given the same ad. Anything else is ErrSealed.
func (b *Box) Open(sealed, ad []byte) ([]byte, error) {
	if len(sealed) < SealOverhead || sealed[0] != boxVersion {
		return nil, ErrSealed
	}
	header := sealed[:sealHeader]
	by := b
	if !bytes.Equal(header[1:], b.id[:]) {
		by = nil
		for _, r := range b.retired {
			if bytes.Equal(header[1:], r.id[:]) {
				by = r
				break
			}
		}
		if by == nil {
			return nil, ErrSealed
		}
	}
	return by.x.open(sealed[sealHeader:], boxAD(header, ad))
}

func boxAD(header, ad []byte) []byte {
	return append(append(make([]byte, 0, len(header)+len(ad)), header...), ad...)
}

// CodeHash returns what is stored of a short code (a mailed confirmation
// number): a hash keyed by the KEK and bound to its pool, user and purpose. A
// copy of the database alone cannot be searched for the million values that
// six digits have. Compare two hashes with hmac.Equal.
func CodeHash(k *KEK, poolID, sub, purpose, code string) []byte {
	m := hmac.New(sha256.New, k.codes[:])
	m.Write(appendParts(nil, poolID, sub, purpose, code))
	return m.Sum(nil)
}
