//go:build linux && cgo

package libcrypto

// Inside the package, because the fault is made between signing and checking.

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"runtime"
	"testing"
)

func testSigner(t testing.TB) *Signer {
	t.Helper()
	if err := Available(); err != nil {
		t.Skipf("%v: install libssl3", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSec_JWT_9_AFaultySignatureNeverLeaves(t *testing.T) {
	s := testSigner(t)
	digest := sha256.Sum256([]byte("payload"))
	good, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	// A prime step reaches every part of the signature, and bytes at all
	// positions of their bits, in a twentieth of the time.
	for bit := 0; bit < 8*s.size; bit += 19 {
		s.fault = make([]byte, s.size)
		s.fault[bit/8] = 1 << (bit % 8)
		if sig, err := s.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, ErrFault) || sig != nil {
			t.Fatalf("bit %d flipped: signature %x, error %v; want ErrFault", bit, sig, err)
		}
	}
	s.fault = good // the same signature again: nothing but zeros is left
	if _, err := s.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, ErrFault) {
		t.Errorf("signature of zeros: %v, want ErrFault", err)
	}
	s.fault = nil
	if _, err := s.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Errorf("the signer did not recover: %v", err)
	}
}

func TestIdleContextsAreBoundedAndFreed(t *testing.T) {
	s := testSigner(t)
	digest := sha256.Sum256(nil)
	var taken []func()
	for range s.pairs.keep + 8 {
		p, err := s.pairs.take()
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, func() { s.pairs.put(p) })
	}
	for _, put := range taken {
		put()
	}
	if got := len(s.pairs.idle); got != s.pairs.keep {
		t.Errorf("%d contexts are idle, want %d", got, s.pairs.keep)
	}
	if _, err := s.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	late, err := s.pairs.take()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.pairs.put(late) // frees it: nobody will ask for it again
	if len(s.pairs.idle) != 0 || s.pairs.key != nil {
		t.Error("Close left something behind")
	}
}

func TestAForgottenSignerIsFreed(t *testing.T) {
	s := testSigner(t)
	p := s.pairs // s is not used after this line
	for range 100 {
		runtime.GC()
		p.mu.Lock()
		freed := p.key == nil
		p.mu.Unlock()
		if freed {
			return
		}
		runtime.Gosched()
	}
	t.Error("the garbage collector did not free the key")
}

// BenchmarkCheck is the price of verifying a signature before it leaves.
func BenchmarkCheck(b *testing.B) {
	s := testSigner(b)
	digest := sha256.Sum256(nil)
	sig, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("libcrypto", func(b *testing.B) {
		p, err := s.pairs.take()
		if err != nil {
			b.Fatal(err)
		}
		defer s.pairs.put(p)
		for b.Loop() {
			if !s.verifies(p, sig, digest[:]) {
				b.Fatal("does not verify")
			}
		}
	})
	b.Run("crypto/rsa", func(b *testing.B) {
		for b.Loop() {
			if err := rsa.VerifyPKCS1v15(s.public, crypto.SHA256, digest[:], sig); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkContext(b *testing.B) {
	s := testSigner(b)
	s.pairs.keep = 0
	for b.Loop() {
		p, err := s.pairs.take()
		if err != nil {
			b.Fatal(err)
		}
		s.pairs.put(p)
	}
}
