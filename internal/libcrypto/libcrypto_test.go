package libcrypto_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/libcrypto"
)

// Every test of signatures runs over both implementations.
func signers(t *testing.T, key *rsa.PrivateKey, f func(t *testing.T, s crypto.Signer)) {
	for _, c := range []libcrypto.Choice{libcrypto.Go, libcrypto.Libcrypto} {
		t.Run(string(c), func(t *testing.T) {
			s, err := c.Signer(key)
			if errors.Is(err, libcrypto.ErrUnavailable) {
				t.Skipf("%v: needs Linux, cgo and the package libssl3", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := s.(io.Closer); ok {
				t.Cleanup(func() { _ = c.Close() }) // always nil
			}
			f(t, s)
		})
	}
}

var keys sync.Map // bits to *rsa.PrivateKey: making one takes long

func testKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	make := sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, bits) })
	once, _ := keys.LoadOrStore(bits, make)
	key, err := once.(func() (*rsa.PrivateKey, error))()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVectorOfRFC7515(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc7515-a2.json")
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]string
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	number := func(name string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(v[name])
		if err != nil || len(b) == 0 {
			t.Fatalf("member %q: %v", name, err)
		}
		return new(big.Int).SetBytes(b)
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: number("n"), E: int(number("e").Int64())},
		D:         number("d"), Primes: []*big.Int{number("p"), number("q")},
	}
	key.Precompute()
	digest := sha256.Sum256([]byte(v["input"]))
	signers(t, key, func(t *testing.T, s crypto.Signer) {
		sig, err := s.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if got := base64.RawURLEncoding.EncodeToString(sig); got != v["signature"] || got == "" {
			t.Errorf("signature = %s, want %s", got, v["signature"])
		}
	})
}

func TestSignaturesOfAllSizesAreThoseOfCryptoRSA(t *testing.T) {
	for _, bits := range []int{2048, 2056, 3072, 4096} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			key := testKey(t, bits)
			signers(t, key, func(t *testing.T, s crypto.Signer) {
				if !key.PublicKey.Equal(s.Public()) {
					t.Error("Public is another key")
				}
				for i := range 20 {
					digest := sha256.Sum256([]byte{byte(i)})
					got, err := s.Sign(nil, digest[:], crypto.SHA256)
					if err != nil {
						t.Fatal(err)
					}
					want, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, want) {
						t.Fatalf("signature of %x = %x, want %x", digest, got, want)
					}
				}
			})
		})
	}
}

func TestManyGoroutinesSignAtOnce(t *testing.T) {
	key := testKey(t, 2048)
	signers(t, key, func(t *testing.T, s crypto.Signer) {
		var wg sync.WaitGroup
		for g := range 32 {
			wg.Go(func() {
				for i := range 20 {
					digest := sha256.Sum256([]byte{byte(g), byte(i)})
					sig, err := s.Sign(nil, digest[:], crypto.SHA256)
					if err != nil {
						t.Error(err)
						return
					}
					if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], sig); err != nil {
						t.Errorf("goroutine %d, signature %d: %v", g, i, err)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestOtherSchemesAndDigestsAreRefused(t *testing.T) {
	s, err := libcrypto.New(testKey(t, 2048))
	if err != nil {
		t.Skipf("%v: needs Linux, cgo and the package libssl3", err)
	}
	digest := make([]byte, 32)
	for name, tt := range map[string]struct {
		digest []byte
		opts   crypto.SignerOpts
	}{
		"SHA-512":       {make([]byte, 64), crypto.SHA512},
		"no hash":       {digest, crypto.Hash(0)},
		"nil options":   {digest, nil},
		"PSS":           {digest, &rsa.PSSOptions{Hash: crypto.SHA256}},
		"short digest":  {digest[:31], crypto.SHA256},
		"long digest":   {make([]byte, 33), crypto.SHA256},
		"empty digest":  {nil, crypto.SHA256},
		"raw, unhashed": {[]byte("a message, not a digest"), crypto.SHA256},
	} {
		if sig, err := s.Sign(nil, tt.digest, tt.opts); err == nil || sig != nil {
			t.Errorf("%s: signature %x, error %v", name, sig, err)
		}
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	if err := libcrypto.Available(); err != nil {
		t.Skipf("%v: needs Linux, cgo and the package libssl3", err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := libcrypto.New(small); err == nil {
		t.Error("a key of 1024 bits was taken")
	}
	good := testKey(t, 2048)
	wrong := &rsa.PrivateKey{PublicKey: good.PublicKey, D: new(big.Int).Add(good.D, big.NewInt(2)), Primes: good.Primes}
	if _, err := libcrypto.New(wrong); err == nil {
		t.Error("a key whose private exponent is wrong was taken")
	}
}

func TestCloseEndsTheSigner(t *testing.T) {
	s, err := libcrypto.New(testKey(t, 2048))
	if err != nil {
		t.Skipf("%v: needs Linux, cgo and the package libssl3", err)
	}
	digest := sha256.Sum256(nil)
	// Closing amid signatures: each is right or refused, nothing crashes.
	var wg sync.WaitGroup
	signed := make(chan struct{}, 64)
	for range 8 {
		wg.Go(func() {
			for {
				if _, err := s.Sign(nil, digest[:], crypto.SHA256); err != nil {
					if !errors.Is(err, libcrypto.ErrClosed) {
						t.Error(err)
					}
					return
				}
				select {
				case signed <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 32 {
		<-signed
	}
	for range 2 {
		if err := s.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if _, err := s.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, libcrypto.ErrClosed) {
		t.Errorf("Sign after Close: %v, want ErrClosed", err)
	}
}

func TestChoice(t *testing.T) {
	for text, want := range map[string]libcrypto.Choice{"": libcrypto.Auto, "auto": libcrypto.Auto, "libcrypto": libcrypto.Libcrypto, "go": libcrypto.Go} {
		if got, err := libcrypto.ParseChoice(text); got != want || err != nil {
			t.Errorf("ParseChoice(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"GO", "openssl", " auto"} {
		if got, err := libcrypto.ParseChoice(text); got != "" || err == nil {
			t.Errorf("ParseChoice(%q) = %q, %v; want an error", text, got, err)
		}
	}
	use, reason, err := libcrypto.Auto.Effective()
	if err != nil {
		t.Fatal(err)
	}
	if available := libcrypto.Available(); (available == nil) != (use == libcrypto.Libcrypto) || (available == nil) != (reason == nil) {
		t.Errorf("Auto is %q because %v, but Available says %v", use, reason, available)
	}
	if available := libcrypto.Available(); available == nil && libcrypto.Version() == "" {
		t.Error("the library is there but has no version")
	}
	if _, err := libcrypto.Choice("rot13").Signer(testKey(t, 2048)); err == nil {
		t.Error("an unknown choice made a signer")
	}
}

// The benchmarks are the figures of docs/decisions/0003-rsa-signer.md.
func BenchmarkSign(b *testing.B) {
	key := testKey(b, 2048)
	digest := sha256.Sum256(nil)
	for _, c := range []libcrypto.Choice{libcrypto.Go, libcrypto.Libcrypto} {
		s, err := c.Signer(key)
		if err != nil {
			b.Logf("%s: %v", c, err)
			continue
		}
		b.Run(string(c), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Sign(nil, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(c)+" parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Sign(nil, digest[:], crypto.SHA256); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
