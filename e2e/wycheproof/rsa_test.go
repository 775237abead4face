package wycheproof

import (
	"bytes"
	"crypto"
	_ "crypto/md5"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/libcrypto"
	"github.com/rockpoolhq/rockpool/internal/token"
)

// claims are those of a token that the tests expect.
func claims() token.Claims {
	var c token.Claims
	c.Set("sub", "5f1c7e0a-0000-4000-8000-000000000001")
	c.Set("iss", issuer)
	c.Set("aud", client)
	c.Set("token_use", string(token.ID))
	c.Set("exp", now.Unix()+3600)
	return c
}

// hashes are those that vectors are known to put where SHA-256 belongs.
var hashes = []crypto.Hash{
	crypto.SHA256, crypto.SHA224, crypto.SHA384, crypto.SHA512, crypto.SHA512_224, crypto.SHA512_256,
	crypto.SHA3_224, crypto.SHA3_256, crypto.SHA3_384, crypto.SHA3_512, crypto.SHA1, crypto.MD5,
}

// forger carries the defect of a signature over to another message and key.
type forger struct{ n, d *big.Int }

// transplant returns a signature of message that has everything that is wrong
// with v's: it opens that one with its public key, replaces the digest of v's
// message in what comes out by that of message, and closes the rest as it is
// with the forger's key. What is wrong with the number itself (s+n, zeros in
// front) is done again, if it has room. replaced says whether there was a digest.
func (f forger) transplant(g group, v vector, message []byte) (signature []byte, replaced bool) {
	n, e := new(big.Int).SetBytes(g.PublicKey.Modulus), new(big.Int).SetBytes(g.PublicKey.Exponent)
	times, rest := new(big.Int).DivMod(new(big.Int).SetBytes(v.Signature), n, new(big.Int))
	encoded := new(big.Int).Exp(rest, e, n).FillBytes(make([]byte, (n.BitLen()+7)/8))
	for _, h := range hashes {
		was, is := digest(h, v.Message), digest(h, message)
		if at := bytes.Index(encoded, was); at >= 0 {
			copy(encoded[at:], is)
			replaced = true
			break
		}
	}
	s := new(big.Int).Exp(new(big.Int).SetBytes(encoded), f.d, f.n)
	s.Add(s, times.Mul(times, f.n))
	return s.FillBytes(make([]byte, max(len(v.Signature), (s.BitLen()+7)/8))), replaced
}

func digest(h crypto.Hash, message []byte) []byte {
	d := h.New()
	d.Write(message)
	return d.Sum(nil)
}

func TestSec_JWT_1_WycheproofRSASignature(t *testing.T) {
	key, der := newKey(t)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	private := parsed.(*rsa.PrivateKey)
	f := forger{n: private.N, d: private.D}
	set := token.NewKeySet(key.Published())
	signed := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"kid":%q,"alg":"RS256"}`, key.ID)) + "." +
		base64.RawURLEncoding.EncodeToString(claims().AppendJSON(nil))

	var total, transplanted, accepted int
	for _, g := range read(t, "rsa_signature_2048_sha256_test.json", 259) {
		if g.SHA != "SHA-256" {
			t.Fatalf("a group of %s", g.SHA)
		}
		for _, v := range g.Tests {
			total++
			signature, replaced := f.transplant(g, v, []byte(signed))
			if replaced {
				transplanted++
			}
			raw := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
			c, err := set.Verify(raw, expect)
			if (err == nil) != (v.Result == valid) || (err != nil && c.Len() != 0) {
				t.Errorf("vector %d (%s, %v), %s: %d claims, error %v", v.ID, v.Comment, v.Flags, v.Result, c.Len(), err)
			}
			if err == nil {
				accepted++
			}
			var seen token.Verified
			p, err := seen.Parse(raw)
			if (err != nil) != (len(signature) == 0) {
				t.Errorf("vector %d (%s): the form: %v", v.ID, v.Comment, err)
			}
			if err != nil {
				continue // without a signature it is no token
			}
			for range 2 { // the second time it is remembered, if it was good
				if _, err := seen.Verify(set, p, expect); (err == nil) != (v.Result == valid) {
					t.Errorf("vector %d (%s), %s: Verified says %v", v.ID, v.Comment, v.Result, err)
				}
				if p, err = seen.Parse(raw); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if accepted != 9 || transplanted != 225 {
		t.Errorf("%d accepted, %d with a digest of ours; want 9 and 225", accepted, transplanted)
	}
	t.Logf("%d vectors: %d carried over with a digest of ours, %d accepted, %d refused", total, transplanted, accepted, total-accepted)
}

// TestSec_JWT_9_WycheproofRSASigning signs what the vectors sign with their
// keys. A PKCS #1 v1.5 signature has only one right value.
func TestSec_JWT_9_WycheproofRSASigning(t *testing.T) {
	signers := []libcrypto.Choice{libcrypto.Go}
	if err := libcrypto.Available(); err == nil {
		signers = append(signers, libcrypto.Libcrypto)
	} else {
		t.Logf("crypto/rsa only: %v", err)
	}
	groups := read(t, "rsa_pkcs1_2048_sig_gen_test.json", 43)
	groups = slices.DeleteFunc(groups, func(g group) bool { return g.SHA != "SHA-256" })
	for _, choice := range signers {
		t.Run(string(choice), func(t *testing.T) {
			var made []int
			for _, g := range groups {
				newSigner := func(k *rsa.PrivateKey) (crypto.Signer, error) { return choice.Signer(k) }
				key, err := token.ParseKey(token.ID, "vectors", g.PrivatePKCS8, newSigner)
				if err != nil {
					t.Errorf("vector %d and on: %v", g.Tests[0].ID, err)
					continue
				}
				parsed, err := x509.ParsePKCS8PrivateKey(g.PrivatePKCS8)
				if err != nil {
					t.Fatal(err)
				}
				signer, err := choice.Signer(parsed.(*rsa.PrivateKey))
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range g.Tests {
					sum := sha256.Sum256(v.Message)
					got, err := signer.Sign(nil, sum[:], crypto.SHA256)
					if err != nil || !bytes.Equal(got, v.Signature) {
						t.Errorf("vector %d (%s): signature %x, error %v, want %x", v.ID, v.Comment, got, err, []byte(v.Signature))
					}
					made = append(made, v.ID)
				}
				raw, err := key.Sign(claims())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := token.NewKeySet(key.Published()).Verify(raw, expect); err != nil {
					t.Errorf("a token by the key of vector %d: %v", g.Tests[0].ID, err)
				}
			}
			want := []int{81, 82, 83, 84, 85, 86, 87, 88, 154, 158}
			if diff := cmp.Diff(want, made); diff != "" {
				t.Errorf("vectors (-want +got):\n%s", diff)
			}
		})
	}
}
