//go:build linux && cgo

package libcrypto

/*
#cgo LDFLAGS: -ldl
#cgo noescape rp_sign
#cgo nocallback rp_sign
#cgo noescape rp_verify
#cgo nocallback rp_verify
#include "shim.h"
*/
import "C"

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"unsafe"
)

var load = sync.OnceValue(func() error {
	if why := C.rp_load(); why != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, C.GoString(why))
	}
	return nil
})

// Available returns nil if signers can be made, or why not. The library is
// looked for once.
func Available() error { return load() }

// Version returns the library's own version text, or "" if it is not there.
func Version() string {
	if load() != nil {
		return ""
	}
	return C.GoString(C.rp_version())
}

// Signer makes RS256 signatures with one RSA key. It is safe for concurrent use.
type Signer struct {
	public *rsa.PublicKey
	size   int
	pairs  *pairs

	fault []byte // of a signature's length, for rp_sign; set by the fault test only
}

// New returns a signer for key, which has at least 2048 bits. The signer copies
// the key. Close frees it; so does the garbage collector, some time after the
// signer became unreachable.
func New(key *rsa.PrivateKey) (crypto.Signer, error) {
	return newSigner(key)
}

func newSigner(key *rsa.PrivateKey) (*Signer, error) {
	if err := load(); err != nil {
		return nil, err
	}
	if key.N.BitLen() < 2048 {
		return nil, errors.New("libcrypto: RSA key is shorter than 2048 bits")
	}
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("libcrypto: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("libcrypto: %w", err)
	}
	defer clear(der)
	k := C.rp_key_new((*C.uchar)(unsafe.Pointer(&der[0])), C.long(len(der)))
	if k == nil {
		return nil, errors.New("libcrypto: the library refuses the key")
	}
	p := &pairs{key: k, keep: 2 * runtime.GOMAXPROCS(0)}
	s := &Signer{
		public: &rsa.PublicKey{N: key.N, E: key.E},
		size:   int(C.rp_key_size(k)),
		pairs:  p,
	}
	if s.size != s.public.Size() {
		p.close()
		return nil, errors.New("libcrypto: the library understands the key differently")
	}
	runtime.AddCleanup(s, (*pairs).close, p)
	return s, nil
}

// Public returns the *rsa.PublicKey.
func (s *Signer) Public() crypto.PublicKey { return s.public }

// Sign signs a SHA-256 digest with PKCS #1 v1.5. The reader is ignored: the
// signature is deterministic, and the library blinds with randomness of its
// own. It errors for any other hash or scheme, after Close (ErrClosed), and
// where the signature does not verify (ErrFault).
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || opts == nil || opts.HashFunc() != crypto.SHA256 {
		return nil, errors.New("libcrypto: only PKCS #1 v1.5 with SHA-256")
	}
	if len(digest) != sha256.Size {
		return nil, errors.New("libcrypto: the digest is not 32 bytes long")
	}
	turns <- struct{}{}
	defer func() { <-turns }()
	p, err := s.pairs.take()
	if err != nil {
		return nil, err
	}
	defer s.pairs.put(p)
	sig := make([]byte, s.size)
	n := C.size_t(len(sig))
	var fault *C.uchar
	if s.fault != nil {
		fault = (*C.uchar)(unsafe.Pointer(&s.fault[0]))
	}
	switch made := C.rp_sign(p, (*C.uchar)(unsafe.Pointer(&sig[0])), &n, (*C.uchar)(unsafe.Pointer(&digest[0])), sha256.Size, fault); {
	case made < 0:
		return nil, ErrFault
	case made == 0 || int(n) != len(sig):
		return nil, errors.New("libcrypto: the library cannot sign")
	}
	return sig, nil
}

// turns bounds how many signatures are made at once to the number of
// processors. The runtime gives every call to C that takes longer than a moment
// a thread of its own: without a bound, a crowd of callers becomes as many
// threads that take the processor from each other in the middle of their work.
var turns = make(chan struct{}, runtime.GOMAXPROCS(0))

func (s *Signer) verifies(p *C.rp_pair, sig, digest []byte) bool {
	return C.rp_verify(p, (*C.uchar)(unsafe.Pointer(&sig[0])), C.size_t(len(sig)),
		(*C.uchar)(unsafe.Pointer(&digest[0])), sha256.Size) == 1
}

// Close frees the key and every idle context; calls that are under way finish.
// It may be called more than once.
func (s *Signer) Close() error {
	s.pairs.close()
	return nil
}

// pairs keeps contexts that nobody uses at the moment. Making one costs
// several microseconds and a dozen allocations in the library.
type pairs struct {
	keep int // idle pairs to keep; a burst's surplus is freed

	mu   sync.Mutex
	key  unsafe.Pointer // nil once closed
	idle []*C.rp_pair
}

func (p *pairs) take() (*C.rp_pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		return nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		pair := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return pair, nil
	}
	// Under the lock, so that the key cannot be freed meanwhile.
	pair := C.rp_pair_new(p.key)
	if pair == nil {
		return nil, errors.New("libcrypto: the library cannot make a context")
	}
	return pair, nil
}

func (p *pairs) put(pair *C.rp_pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil || len(p.idle) >= p.keep {
		C.rp_pair_free(pair)
		return
	}
	p.idle = append(p.idle, pair)
}

func (p *pairs) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		return
	}
	for _, pair := range p.idle {
		C.rp_pair_free(pair)
	}
	p.idle = nil
	C.rp_key_free(p.key) // pairs in use hold a reference of their own
	p.key = nil
}
