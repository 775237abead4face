package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// testKey is a key with what a test needs to forge with it.
type testKey struct {
	*token.Key
	der     []byte
	private *rsa.PrivateKey
}

func newTestKey(use token.Use) testKey {
	k, der, err := token.GenerateKey(use)
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		panic(err)
	}
	return testKey{k, der, parsed.(*rsa.PrivateKey)}
}

// Making a key takes a tenth of a second, so tests share these.
var (
	idKey     = sync.OnceValue(func() testKey { return newTestKey(token.ID) })
	accessKey = sync.OnceValue(func() testKey { return newTestKey(token.Access) })
	otherKey  = sync.OnceValue(func() testKey { return newTestKey(token.ID) })
)

const (
	issuer   = "http://localhost:7665/us-east-1_EXAMPLE12"
	clientID = "1example23456789abcdefghij"
	iat      = 1781499381
	exp      = iat + 3600
)

var now = time.Unix(iat+60, 0)

func idClaims(t testing.TB) token.Claims {
	return claims(t, fmt.Sprintf(`{"sub":"58e18350-4001-704c-0029-30a8ec351fa0","cognito:groups":["admin"],"email_verified":true,`+
		`"iss":%q,"cognito:username":"adminii.test","origin_jti":"39c5a9f4-7e1c-4a55-9d0e-1b6f3c2a1013","aud":%q,`+
		`"event_id":"435a7a5e-90a1-4a0e-8a3c-5f1b2c3dd868","token_use":"id","auth_time":%d,"exp":%d,"iat":%[3]d,`+
		`"jti":"e282c1de-11aa-4c7f-8f57-3d7a0e9c023b","email":"a@example.com"}`, issuer, clientID, iat, exp))
}

func accessClaims(t testing.TB) token.Claims {
	return claims(t, fmt.Sprintf(`{"sub":"58e18350-4001-704c-0029-30a8ec351fa0","iss":%q,"client_id":%q,"token_use":"access",`+
		`"scope":"aws.cognito.signin.user.admin","auth_time":%d,"exp":%d,"iat":%[3]d,"username":"adminii.test"}`, issuer, clientID, iat, exp))
}

func sign(t testing.TB, k *token.Key, c token.Claims) string {
	t.Helper()
	raw, err := k.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSign(t *testing.T) {
	key, want := idKey(), idClaims(t)
	raw := sign(t, key.Key, want)
	parts := strings.Split(raw, ".")
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := string(header); got != `{"kid":"`+key.ID+`","alg":"RS256"}` {
		t.Errorf("header %s", got)
	}
	if id, err := base64.StdEncoding.DecodeString(key.ID); err != nil || len(id) != 32 || !strings.HasSuffix(key.ID, "=") {
		t.Errorf("kid %s is not base64 of 32 bytes", key.ID)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want.AppendJSON(nil)), string(payload)); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	// PKCS #1 v1.5 is deterministic.
	if again := sign(t, key.Key, want); again != raw {
		t.Errorf("signed twice: %s and %s", raw, again)
	}
}

// Two libraries that share nothing with this package accept the tokens through
// the published key set, and refuse them once a byte is changed.
func TestSignIsAcceptedByOthers(t *testing.T) {
	id, access := idKey(), accessKey()
	document := token.JWKS([]token.PublicKey{id.Published(), access.Published()})
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys in %s", len(set.Keys), document)
	}
	joseVerify := func(raw string) error {
		signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			return err
		}
		_, err = signed.Verify(set)
		return err
	}
	jwtVerify := func(raw string) error {
		_, err := jwt.Parse(raw, func(parsed *jwt.Token) (any, error) {
			for _, k := range set.Key(parsed.Header["kid"].(string)) {
				return k.Key, nil
			}
			return nil, errors.New("no such key")
		}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired(),
			jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithStrictDecoding())
		return err
	}
	for name, raw := range map[string]string{"id": sign(t, id.Key, idClaims(t)), "access": sign(t, access.Key, accessClaims(t))} {
		for judge, verify := range map[string]func(string) error{"go-jose": joseVerify, "golang-jwt": jwtVerify} {
			if err := verify(raw); err != nil {
				t.Errorf("%s refuses the %s token: %v", judge, name, err)
			}
			dot := strings.IndexByte(raw, '.')
			forged := raw[:dot+1] + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"other"}`)) + raw[strings.LastIndexByte(raw, '.'):]
			if err := verify(forged); err == nil {
				t.Errorf("%s accepts a forged %s token", judge, name)
			}
		}
	}
}

func TestSignRefusesTheOtherUse(t *testing.T) {
	if raw, err := accessKey().Sign(idClaims(t)); err == nil || raw != "" {
		t.Errorf("the key for access tokens signed an ID token: %s, %v", raw, err)
	}
	if raw, err := idKey().Sign(token.Claims{}); err == nil || raw != "" {
		t.Errorf("signed a token of no use: %s, %v", raw, err)
	}
}

// A large token must not stay behind in the working memory of the next.
func TestSignLargeThenSmall(t *testing.T) {
	large := idClaims(t)
	large.Set("large", strings.Repeat("x", 1<<20))
	want := sign(t, idKey().Key, idClaims(t))
	sign(t, idKey().Key, large)
	if got := sign(t, idKey().Key, idClaims(t)); got != want {
		t.Error("the token after a large one differs")
	}
}

func TestSignConcurrently(t *testing.T) {
	key := idKey()
	set := token.NewKeySet(key.Published())
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			for i := range 20 {
				c := idClaims(t)
				jti := fmt.Sprint(g, "-", i)
				c.Set("jti", jti)
				raw, err := key.Sign(c)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := set.Verify(raw, expectID)
				if err != nil || got.String("jti") != jti {
					t.Errorf("jti %s, want %s, error %v", got.String("jti"), jti, err)
				}
			}
		})
	}
	wait.Wait()
}

// signerFunc is a signer that is not crypto/rsa's.
type signerFunc struct {
	*rsa.PrivateKey
	sign func(digest []byte) ([]byte, error)
}

func (s signerFunc) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return s.sign(digest)
}

func TestParseKey(t *testing.T) {
	key := idKey()
	again, err := token.ParseKey(token.ID, key.ID, key.der, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := sign(t, key.Key, idClaims(t))
	if got := sign(t, again, idClaims(t)); got != want {
		t.Errorf("the key read back signs %s, want %s", got, want)
	}

	used := 0
	other, err := token.ParseKey(token.ID, key.ID, key.der, func(k *rsa.PrivateKey) (crypto.Signer, error) {
		return signerFunc{k, func(digest []byte) ([]byte, error) {
			used++
			return rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest)
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := sign(t, other, idClaims(t)); got != want || used != 1 {
		t.Errorf("another signer, used %d times, signs %s, want %s", used, got, want)
	}

	broken := errors.New("no module")
	if k, err := token.ParseKey(token.ID, key.ID, key.der, func(*rsa.PrivateKey) (crypto.Signer, error) { return nil, broken }); !errors.Is(err, broken) || k != nil {
		t.Errorf("a signer that cannot be made: %v, %v", k, err)
	}
	failing, err := token.ParseKey(token.ID, key.ID, key.der, func(k *rsa.PrivateKey) (crypto.Signer, error) {
		return signerFunc{k, func([]byte) ([]byte, error) { return nil, broken }}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := failing.Sign(idClaims(t)); !errors.Is(err, broken) || raw != "" {
		t.Errorf("a signer that fails: %q, %v", raw, err)
	}
}

func TestSec_JWT_7_keys_are_strong_enough_and_do_not_print(t *testing.T) {
	key := idKey()
	if bits := key.Public.N.BitLen(); bits != 2048 {
		t.Errorf("modulus of %d bits", bits)
	}
	if idKey().ID == accessKey().ID || idKey().Public.N.Cmp(accessKey().Public.N) == 0 {
		t.Error("two keys are the same")
	}
	small, err := rsa.GenerateKey(nil, 1024)
	if err != nil {
		t.Fatal(err)
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, private := range map[string]any{"1024 bits": small, "ECDSA": elliptical} {
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		if k, err := token.ParseKey(token.ID, "kid", der, nil); err == nil || k != nil {
			t.Errorf("a key of %s was accepted", name)
		}
	}
	for name, bad := range map[string]struct {
		use token.Use
		kid string
		der []byte
	}{
		"no use":      {"", "kid", key.der},
		"unknown use": {"refresh", "kid", key.der},
		"no kid":      {token.ID, "", key.der},
		"no key":      {token.ID, "kid", nil},
		"half a key":  {token.ID, "kid", key.der[:len(key.der)/2]},
	} {
		if k, err := token.ParseKey(bad.use, bad.kid, bad.der, nil); err == nil || k != nil {
			t.Errorf("%s was accepted", name)
		}
	}

	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("key", "key", key.Key)
	printed := log.String() + fmt.Sprintf("%v %+v %#v %s", key.Key, key.Key, key.Key, key.Key)
	for name, part := range map[string]*big.Int{"d": key.private.D, "p": key.private.Primes[0], "q": key.private.Primes[1]} {
		for _, text := range []string{part.String(), part.Text(16), base64.StdEncoding.EncodeToString(part.Bytes())} {
			if strings.Contains(printed, text[:20]) {
				t.Errorf("%s of the key is printed: %s", name, printed)
			}
		}
	}
	if !strings.Contains(printed, key.ID) {
		t.Errorf("the key's id is not printed: %s", printed)
	}
}

func TestSec_JWT_8_key_set_is_public_only(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	n.Add(n, big.NewInt(1))
	modulus := "gA" + strings.Repeat("A", 338) + "AQ"
	got := string(token.JWKS([]token.PublicKey{
		{ID: "a+/=", Use: token.ID, RSA: &rsa.PublicKey{N: n, E: 65537}},
		{ID: "b=", Use: token.Access, RSA: &rsa.PublicKey{N: n, E: 3}},
	}))
	want := `{"keys":[{"alg":"RS256","e":"AQAB","kid":"a+/=","kty":"RSA","n":"` + modulus + `","use":"sig"},` +
		`{"alg":"RS256","e":"Aw","kid":"b=","kty":"RSA","n":"` + modulus + `","use":"sig"}]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("key set (-want +got):\n%s", diff)
	}
	if got := string(token.JWKS(nil)); got != `{"keys":[]}` {
		t.Errorf("no keys: %s", got)
	}
	real := string(token.JWKS([]token.PublicKey{idKey().Published()}))
	for _, part := range append(idKey().private.Primes, idKey().private.D, idKey().private.Precomputed.Qinv) {
		if strings.Contains(real, base64.RawURLEncoding.EncodeToString(part.Bytes())) {
			t.Error("a private part is published")
		}
	}
}

func TestParseJWKS(t *testing.T) {
	id, access := idKey(), accessKey()
	document := token.JWKS([]token.PublicKey{id.Published(), access.Published()})
	set, err := token.ParseJWKS(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []testKey{id, access} {
		if got := set[k.ID]; got.ID != k.ID || !k.Public.Equal(got.RSA) {
			t.Errorf("key %s came back as %v", k.ID, got)
		}
	}
	if _, err := set.Verify(sign(t, id.Key, idClaims(t)), expectID); err != nil {
		t.Errorf("verified with the set read back: %v", err)
	}

	n := id.Published().JWK().Modulus
	jwk := func(kty, n, e, rest string) string {
		return fmt.Sprintf(`{"keys":[{"kid":"k","kty":%q,"n":%q,"e":%q%s}]}`, kty, n, e, rest)
	}
	for name, tt := range map[string]struct {
		text string
		keys int // -1: an error
	}{
		"minimal":                 {jwk("RSA", n, "AQAB", ""), 1},
		"unknown members":         {jwk("RSA", n, "AQAB", `,"x5c":["MII"],"key_ops":["verify"]`), 1},
		"for encryption":          {jwk("RSA", n, "AQAB", `,"use":"enc"`), 0},
		"only to encrypt":         {jwk("RSA", n, "AQAB", `,"key_ops":["encrypt","wrapKey"]`), 0},
		"for no operation":        {jwk("RSA", n, "AQAB", `,"key_ops":[]`), 0},
		"of another algorithm":    {jwk("RSA", n, "AQAB", `,"alg":"PS256"`), 0},
		"elliptic":                {jwk("EC", "", "", `,"crv":"P-256","x":"","y":""`), 0},
		"symmetric":               {`{"keys":[{"kid":"k","kty":"oct","k":"AAAA"}]}`, 0},
		"empty":                   {`{"keys":[]}`, 0},
		"not JSON":                {`keys`, -1},
		"keys are an object":      {`{"keys":{}}`, -1},
		"short modulus":           {jwk("RSA", n[:100], "AQAB", ""), -1},
		"no modulus":              {jwk("RSA", "", "AQAB", ""), -1},
		"modulus with padding":    {jwk("RSA", n+"=", "AQAB", ""), -1},
		"huge modulus":            {jwk("RSA", strings.Repeat("A", 10)+strings.Repeat("_", 4000)+"Q", "AQAB", ""), -1},
		"no exponent":             {jwk("RSA", n, "", ""), -1},
		"exponent one":            {jwk("RSA", n, "AQ", ""), -1},
		"even exponent":           {jwk("RSA", n, "BA", ""), -1},
		"exponent of 33 bits":     {jwk("RSA", n, "AQAAAAE", ""), -1},
		"kid twice":               {fmt.Sprintf(`{"keys":[{"kid":"k","kty":"RSA","n":%q,"e":"AQAB"},{"kid":"k","kty":"RSA","n":%[1]q,"e":"AQAB"}]}`, n), -1},
		"member twice":            {`{"keys":[],"keys":[]}`, -1},
		"larger than any key set": {`{"keys":[]}` + strings.Repeat(" ", 64<<10), -1},
	} {
		set, err := token.ParseJWKS([]byte(tt.text))
		if (err != nil) != (tt.keys < 0) || (err == nil && len(set) != tt.keys) || (err != nil && set != nil) {
			t.Errorf("%s: %d keys, error %v", name, len(set), err)
		}
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add(token.JWKS([]token.PublicKey{idKey().Published(), accessKey().Published()}))
	f.Add([]byte(`{"keys":[{"kid":"k","kty":"EC"}]}`))
	f.Add([]byte(`{"keys":[{"kid":"k","kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := token.ParseJWKS(b)
		if err != nil && set != nil {
			t.Fatalf("%d keys beside error %v", len(set), err)
		}
		digest := sha256.Sum256(b)
		for kid, k := range set {
			if k.ID != kid || k.RSA.N.BitLen() < 2048 || k.RSA.E < 3 {
				t.Fatalf("weak key %q", kid)
			}
			// Whatever was accepted must be safe to verify with.
			if err := rsa.VerifyPKCS1v15(k.RSA, crypto.SHA256, digest[:], make([]byte, k.RSA.Size())); err == nil {
				t.Fatal("a signature of zeros verifies")
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	key, c := idKey(), idClaims(b)
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.Sign(c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare signer", func(b *testing.B) {
		digest := sha256.Sum256([]byte("digest"))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.private.Sign(nil, digest[:], crypto.SHA256); err != nil {
				b.Fatal(err)
			}
		}
	})
	// With a signer that costs nothing, what is left is this package's share.
	signature := make([]byte, 256)
	free, err := token.ParseKey(token.ID, key.ID, key.der, func(k *rsa.PrivateKey) (crypto.Signer, error) {
		return signerFunc{k, func([]byte) ([]byte, error) { return signature, nil }}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("token without RSA", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := free.Sign(c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
