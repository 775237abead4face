package token_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/token"
)

var (
	expectID     = token.Expect{Issuer: issuer, Use: token.ID, ClientID: clientID, Now: now}
	expectAccess = token.Expect{Issuer: issuer, Use: token.Access, ClientID: clientID, Now: now}
)

func keySet() token.KeySet {
	return token.NewKeySet(idKey().Published(), accessKey().Published())
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs any header and any claims, as they are, by RS256.
func forge(t testing.TB, k testKey, header, claims string) string {
	t.Helper()
	signed := b64(header) + "." + b64(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, k.private, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func header(k testKey) string { return fmt.Sprintf(`{"kid":%q,"alg":"RS256"}`, k.ID) }

func mustRefuse(t *testing.T, raw string, e token.Expect, want error) {
	t.Helper()
	c, err := keySet().Verify(raw, e)
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if c.Len() != 0 {
		t.Errorf("%d claims beside the error", c.Len())
	}
	var v token.Verified
	for _, when := range []string{"first", "second"} {
		if c, err := verify(&v, keySet(), raw, e); err == nil || c.Len() != 0 {
			t.Errorf("Verified, the %s time: %d claims, error %v", when, c.Len(), err)
		}
	}
}

func TestVerify(t *testing.T) {
	for _, tt := range []struct {
		key    testKey
		claims token.Claims
		expect token.Expect
	}{{idKey(), idClaims(t), expectID}, {accessKey(), accessClaims(t), expectAccess}} {
		for _, client := range []string{clientID, ""} {
			tt.expect.ClientID = client
			got, err := keySet().Verify(sign(t, tt.key.Key, tt.claims), tt.expect)
			if err != nil {
				t.Errorf("%s token: %v", tt.expect.Use, err)
			}
			if diff := cmp.Diff(string(tt.claims.AppendJSON(nil)), string(got.AppendJSON(nil))); diff != "" {
				t.Errorf("%s token (-want +got):\n%s", tt.expect.Use, diff)
			}
		}
	}
	// The forger of the tests below makes tokens that verify when nothing is
	// wrong with them.
	if _, err := keySet().Verify(forge(t, idKey(), header(idKey()), string(idClaims(t).AppendJSON(nil))), expectID); err != nil {
		t.Errorf("forged with nothing wrong: %v", err)
	}
}

func TestSec_JWT_1_algorithm_is_fixed(t *testing.T) {
	key := idKey()
	body := string(idClaims(t).AppendJSON(nil))
	for _, alg := range []string{
		`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `null`, `256`, `["RS256"]`, `{"alg":"RS256"}`,
		`"HS256"`, `"HS384"`, `"HS512"`, `"hs256"`, `"rs256"`, `"Rs256"`, `"RS256 "`, `" RS256"`, `"RS256\u0000"`,
		`"RS384"`, `"RS512"`, `"PS256"`, `"ES256"`, `"EdDSA"`, `"RSA1_5"`, `"dir"`,
	} {
		t.Run(alg, func(t *testing.T) {
			h := fmt.Sprintf(`{"kid":%q,"alg":%s}`, key.ID, alg)
			mustRefuse(t, forge(t, key, h, body), expectID, token.ErrSignature)
			unsigned := b64(h) + "." + b64(body) + "."
			mustRefuse(t, unsigned, expectID, token.ErrMalformed)
			mustRefuse(t, unsigned+"AA", expectID, token.ErrSignature)
		})
	}
	t.Run("no alg", func(t *testing.T) {
		mustRefuse(t, forge(t, key, fmt.Sprintf(`{"kid":%q}`, key.ID), body), expectID, token.ErrSignature)
	})
	// The public key is known to everyone; as the secret of an HMAC it must
	// prove nothing, whatever alg says.
	spki, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string][]byte{
		"PEM":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}),
		"PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key.Public)}),
		"DER":     spki,
		"modulus": key.Public.N.Bytes(),
		"JWK":     []byte(key.Published().JWK().Modulus),
		"kid":     []byte(key.ID),
		"nothing": {},
	} {
		for _, alg := range []string{"HS256", "RS256"} {
			t.Run("HMAC with "+name+" as "+alg, func(t *testing.T) {
				signed := b64(fmt.Sprintf(`{"kid":%q,"alg":%q}`, key.ID, alg)) + "." + b64(body)
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(signed))
				mustRefuse(t, signed+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), expectID, token.ErrSignature)
			})
		}
	}
}

func TestSec_JWT_1_signature(t *testing.T) {
	raw := sign(t, idKey().Key, idClaims(t))
	last := strings.LastIndexByte(raw, '.')
	signature, err := base64.RawURLEncoding.DecodeString(raw[last+1:])
	if err != nil {
		t.Fatal(err)
	}
	alter := func(change func([]byte) []byte) string {
		return raw[:last+1] + base64.RawURLEncoding.EncodeToString(change(bytes.Clone(signature)))
	}
	for name, forged := range map[string]string{
		"one bit":         alter(func(s []byte) []byte { s[100] ^= 1; return s }),
		"first byte":      alter(func(s []byte) []byte { s[0]++; return s }),
		"too short":       alter(func(s []byte) []byte { return s[:255] }),
		"too long":        alter(func(s []byte) []byte { return append(s, 0) }),
		"zero in front":   alter(func(s []byte) []byte { return append([]byte{0}, s...) }),
		"all zero":        alter(func([]byte) []byte { return make([]byte, 256) }),
		"one byte":        alter(func([]byte) []byte { return []byte{1} }),
		"the modulus":     alter(func([]byte) []byte { return idKey().Public.N.Bytes() }),
		"of other claims": raw[:last+1] + forge(t, idKey(), header(idKey()), `{}`)[strings.LastIndexByte(forge(t, idKey(), header(idKey()), `{}`), '.')+1:],
		"of another key":  forge(t, otherKey(), header(idKey()), string(idClaims(t).AppendJSON(nil))),
	} {
		t.Run(name, func(t *testing.T) { mustRefuse(t, forged, expectID, token.ErrSignature) })
	}
}

func TestSec_JWT_2_header_has_no_say(t *testing.T) {
	key := idKey()
	body := string(idClaims(t).AppendJSON(nil))
	jwk := otherKey().Published().JWK()
	for _, member := range []string{
		`"jku":"http://127.0.0.1:1/jwks.json"`, `"jwk":{"kty":"RSA","n":"` + jwk.Modulus + `","e":"AQAB"}`,
		`"x5u":"http://127.0.0.1:1/cert"`, `"x5c":["MIIB"]`, `"x5t":"AA"`, `"x5t#S256":"AA"`,
		`"crit":["exp"]`, `"crit":[]`, `"b64":false`, `"b64":true`, `"zip":"DEF"`, `"enc":"A256GCM"`, `"cty":"JWT"`,
		`"typ":"JWT"`, `"typ":"at+jwt"`, `"Alg":"none"`, `"KID":"x"`, `"":""`, `"x":null`,
	} {
		t.Run(member, func(t *testing.T) {
			mustRefuse(t, forge(t, key, strings.TrimSuffix(header(key), "}")+","+member+"}", body), expectID, token.ErrMalformed)
			// Signed with a key of the forger's own, which the header offers.
			mustRefuse(t, forge(t, otherKey(), strings.TrimSuffix(header(otherKey()), "}")+","+member+"}", body), expectID, token.ErrMalformed)
		})
	}
	for _, kid := range []string{
		`""`, `null`, `0`, `true`, `["` + key.ID + `"]`, `{"kid":"` + key.ID + `"}`,
		`"../../etc/passwd"`, `"/dev/null"`, `"x' OR '1'='1"`, `"http://127.0.0.1:1/"`,
		`"` + key.ID + ` "`, `"` + strings.TrimSuffix(key.ID, "=") + `"`, `"` + key.ID + `\u0000"`, `"` + otherKey().ID + `"`,
	} {
		t.Run("kid "+kid, func(t *testing.T) {
			mustRefuse(t, forge(t, key, fmt.Sprintf(`{"kid":%s,"alg":"RS256"}`, kid), body), expectID, token.ErrSignature)
		})
	}
	t.Run("no kid", func(t *testing.T) {
		mustRefuse(t, forge(t, key, `{"alg":"RS256"}`, body), expectID, token.ErrSignature)
	})
	t.Run("empty key set", func(t *testing.T) {
		for name, set := range map[string]token.KeySet{"nil": nil, "empty": {}, "a key that is none": {"": {}, key.ID: {ID: key.ID}}} {
			if c, err := set.Verify(sign(t, key.Key, idClaims(t)), expectID); !errors.Is(err, token.ErrSignature) || c.Len() != 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// malformedTokens are spellings of a good token that are not the one form it
// has, and things that are no token at all.
func malformedTokens(t testing.TB) map[string]string {
	key := idKey()
	body := string(idClaims(t).AppendJSON(nil))
	raw := sign(t, key.Key, idClaims(t))
	parts := strings.Split(raw, ".")
	// Four bits of the last character of a 256-byte signature are unused.
	last := raw[len(raw)-1]
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	loose := raw[:len(raw)-1] + string(alphabet[strings.IndexByte(alphabet, last)|1])
	claimsEnd := strings.TrimSuffix(body, "}")
	return map[string]string{
		"nothing":                   "",
		"dots":                      "..",
		"one part":                  parts[0],
		"two parts":                 parts[0] + "." + parts[1],
		"four parts":                raw + "." + parts[2],
		"five parts":                raw + ".AA.AA",
		"dot in front":              "." + raw,
		"dot at the end":            raw + ".",
		"no header":                 "." + parts[1] + "." + parts[2],
		"no claims":                 parts[0] + ".." + parts[2],
		"no signature":              parts[0] + "." + parts[1] + ".",
		"padding":                   raw + "==",
		"padding in the header":     parts[0] + "=." + parts[1] + "." + parts[2],
		"unused bits":               loose,
		"line break at the end":     raw + "\n",
		"carriage return":           raw + "\r\n",
		"line break within":         raw[:10] + "\n" + raw[10:],
		"line break in signature":   parts[0] + "." + parts[1] + "." + parts[2][:10] + "\r\n" + parts[2][10:],
		"blank in front":            " " + raw,
		"tab":                       raw + "\t",
		"NUL":                       raw + "\x00",
		"standard alphabet":         parts[0] + "." + parts[1] + "." + "+/" + parts[2][2:],
		"percent":                   "%65" + raw[1:],
		"Bearer":                    "Bearer " + raw,
		"quotes":                    `"` + raw + `"`,
		"not ASCII":                 raw + "é",
		"too long":                  raw + strings.Repeat("A", token.MaxSize),
		"header is an array":        forge(t, key, `[]`, body),
		"header is text":            forge(t, key, `"RS256"`, body),
		"header is not JSON":        forge(t, key, `{kid}`, body),
		"header with data after it": forge(t, key, header(key)+"{}", body),
		"alg twice":                 forge(t, key, fmt.Sprintf(`{"kid":%q,"alg":"RS256","alg":"none"}`, key.ID), body),
		"alg twice, the other way":  forge(t, key, fmt.Sprintf(`{"kid":%q,"alg":"none","alg":"RS256"}`, key.ID), body),
		"alg twice, escaped":        forge(t, key, fmt.Sprintf(`{"kid":%q,"alg":"RS256","\u0061lg":"none"}`, key.ID), body),
		"kid twice":                 forge(t, key, fmt.Sprintf(`{"kid":"x","kid":%q,"alg":"RS256"}`, key.ID), body),
		"claims are an array":       forge(t, key, header(key), `[]`),
		"claims are null":           forge(t, key, header(key), `null`),
		"claims are not JSON":       forge(t, key, header(key), `sub=a`),
		"claims with data after":    forge(t, key, header(key), body+" x"),
		"sub twice":                 forge(t, key, header(key), claimsEnd+`,"sub":"other"}`),
		"exp twice":                 forge(t, key, header(key), claimsEnd+`,"\u0065xp":99999999999}`),
		"member twice, deeper":      forge(t, key, header(key), claimsEnd+`,"o":{"a":1,"a":2}}`),
		"invalid UTF-8":             forge(t, key, header(key), claimsEnd+",\"x\":\"\xff\"}"),
		"too deep":                  forge(t, key, header(key), claimsEnd+`,"x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+"}"),
	}
}

func TestSec_JWT_3_form_is_strict(t *testing.T) {
	for name, raw := range malformedTokens(t) {
		t.Run(name, func(t *testing.T) {
			mustRefuse(t, raw, expectID, token.ErrMalformed)
			header, claims, err := token.Peek(raw)
			if !errors.Is(err, token.ErrMalformed) || (header.Len() != 0 && claims.Len() != 0) {
				t.Errorf("Peek: %d and %d members, error %v", header.Len(), claims.Len(), err)
			}
		})
	}
	// The largest token that is read is read.
	c := idClaims(t)
	raw := sign(t, idKey().Key, c)
	c.Set("pad", strings.Repeat("x", (token.MaxSize-len(raw))/4*3-len(`,"pad":""`)))
	raw = sign(t, idKey().Key, c)
	if len(raw) > token.MaxSize || len(raw) < token.MaxSize-4 {
		t.Fatalf("%d bytes", len(raw))
	}
	if _, err := keySet().Verify(raw, expectID); err != nil {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
}

// Of one valid token no other spelling is valid: every character counts.
func TestSec_JWT_3_no_malleability(t *testing.T) {
	raw := sign(t, idKey().Key, idClaims(t))
	set := keySet()
	for i := range raw {
		for _, b := range []byte{'A', raw[i] ^ 1, '.', '='} {
			if b == raw[i] {
				continue
			}
			altered := raw[:i] + string(rune(b)) + raw[i+1:]
			if _, err := set.Verify(altered, expectID); err == nil {
				t.Fatalf("%q for %q at %d: verifies", b, raw[i], i)
			}
		}
	}
}

func TestSec_JWT_4_token_is_for_this_use(t *testing.T) {
	id, access := idKey(), accessKey()
	with := func(c token.Claims, name string, value any) token.Claims {
		c.Set(name, value)
		return c
	}
	without := func(c token.Claims, name string) token.Claims {
		c.Delete(name)
		return c
	}
	by := func(k testKey, c token.Claims) string { return forge(t, k, header(k), string(c.AppendJSON(nil))) }
	at := func(e token.Expect, unix int64) token.Expect { e.Now = time.Unix(unix, 0); return e }
	for _, tt := range []struct {
		name   string
		raw    string
		expect token.Expect
		want   error
	}{
		{"ID token for an access token", by(id, idClaims(t)), expectAccess, token.ErrClaims},
		{"access token for an ID token", by(access, accessClaims(t)), expectID, token.ErrClaims},
		{"ID token signed with the key for access tokens", by(access, idClaims(t)), expectID, token.ErrClaims},
		{"access token signed with the key for ID tokens", by(id, accessClaims(t)), expectAccess, token.ErrClaims},
		{"another kind", by(id, with(idClaims(t), "token_use", "refresh")), expectID, token.ErrClaims},
		{"kind in capitals", by(id, with(idClaims(t), "token_use", "ID")), expectID, token.ErrClaims},
		{"two kinds", by(id, with(idClaims(t), "token_use", []string{"id", "access"})), expectID, token.ErrClaims},
		{"no kind", by(id, without(idClaims(t), "token_use")), expectID, token.ErrClaims},
		{"another pool", by(id, with(idClaims(t), "iss", issuer+"3")), expectID, token.ErrClaims},
		{"issuer with a slash", by(id, with(idClaims(t), "iss", issuer+"/")), expectID, token.ErrClaims},
		{"issuer in capitals", by(id, with(idClaims(t), "iss", strings.ToUpper(issuer))), expectID, token.ErrClaims},
		{"two issuers", by(id, with(idClaims(t), "iss", []string{issuer})), expectID, token.ErrClaims},
		{"no issuer", by(id, without(idClaims(t), "iss")), expectID, token.ErrClaims},
		{"another client, ID", by(id, with(idClaims(t), "aud", "other")), expectID, token.ErrClaims},
		{"client in a list", by(id, with(idClaims(t), "aud", []string{clientID})), expectID, token.ErrClaims},
		{"no client, ID", by(id, without(idClaims(t), "aud")), expectID, token.ErrClaims},
		{"another client, access", by(access, with(accessClaims(t), "client_id", "other")), expectAccess, token.ErrClaims},
		{"client only in aud", by(access, with(without(accessClaims(t), "client_id"), "aud", clientID)), expectAccess, token.ErrClaims},
		{"just expired", by(id, idClaims(t)), at(expectID, exp), token.ErrExpired},
		{"long expired", by(access, accessClaims(t)), at(expectAccess, exp+1e6), token.ErrExpired},
		{"last second", by(id, idClaims(t)), at(expectID, exp-1), nil},
		{"no exp", by(id, without(idClaims(t), "exp")), expectID, token.ErrClaims},
		{"exp is text", by(id, with(idClaims(t), "exp", "99999999999")), expectID, token.ErrClaims},
		{"exp is no integer", forge(t, id, header(id), strings.Replace(string(idClaims(t).AppendJSON(nil)), fmt.Sprintf(`"exp":%d`, exp), `"exp":1e99`, 1)), expectID, token.ErrClaims},
		{"exp is beyond 64 bits", forge(t, id, header(id), strings.Replace(string(idClaims(t).AppendJSON(nil)), fmt.Sprintf(`"exp":%d`, exp), `"exp":99999999999999999999`, 1)), expectID, token.ErrClaims},
		{"exp is negative", by(id, with(idClaims(t), "exp", -1)), expectID, token.ErrExpired},
		{"nothing expected", by(id, idClaims(t)), token.Expect{}, token.ErrClaims},
		{"no time given", by(id, idClaims(t)), token.Expect{Issuer: issuer, Use: token.ID}, token.ErrClaims},
		{"no issuer expected", by(id, without(idClaims(t), "iss")), token.Expect{Use: token.ID, Now: now}, token.ErrClaims},
		{"no use expected", by(id, without(idClaims(t), "token_use")), token.Expect{Issuer: issuer, Now: now}, token.ErrClaims},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want != nil {
				mustRefuse(t, tt.raw, tt.expect, tt.want)
			} else if _, err := keySet().Verify(tt.raw, tt.expect); err != nil {
				t.Error(err)
			}
		})
	}
}

// A key of another pool does not verify in this one, whatever it signed.
func TestSec_JWT_8_key_sets_are_apart(t *testing.T) {
	raw := sign(t, otherKey().Key, idClaims(t))
	mustRefuse(t, raw, expectID, token.ErrSignature)
	if _, err := token.NewKeySet(otherKey().Published()).Verify(raw, expectID); err != nil {
		t.Errorf("in its own set: %v", err)
	}
}

func TestPeek(t *testing.T) {
	raw := forge(t, idKey(), `{"kid":"k","alg":"none","typ":"JWT"}`, `{"sub":"u","exp":1}`)
	header, claims, err := token.Peek(raw)
	if err != nil || header.String("typ") != "JWT" || claims.String("sub") != "u" {
		t.Errorf("%s %s %v", header.AppendJSON(nil), claims.AppendJSON(nil), err)
	}
}

func FuzzVerify(f *testing.F) {
	set := keySet()
	good := sign(f, idKey().Key, idClaims(f))
	f.Add(good)
	f.Add(sign(f, accessKey().Key, accessClaims(f)))
	seeds := malformedTokens(f)
	for _, raw := range seeds {
		if len(raw) < 4000 {
			f.Add(raw)
		}
	}
	if len(seeds) < 40 {
		f.Fatalf("only %d seeds", len(seeds))
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := set.Verify(raw, expectID)
		if err == nil && raw != good {
			t.Fatalf("a token that was never signed verifies: %q", raw)
		}
		if err != nil && c.Len() != 0 {
			t.Fatalf("%d claims beside %v", c.Len(), err)
		}
		if header, claims, err := token.Peek(raw); err == nil {
			// What is shown was spelled in the one way there is.
			if len(raw) > token.MaxSize || strings.Count(raw, ".") != 2 {
				t.Fatalf("%q was shown", raw)
			}
			if _, err := token.ParseClaims(append(header.AppendJSON(nil), claims.AppendJSON(nil)...)); err == nil {
				t.Fatal("two objects were read as one")
			}
		}
	})
}

// FuzzVerifySigned goes behind the signature: whatever header and claims the
// pool's own key signs, only a token of the right form and content verifies.
func FuzzVerifySigned(f *testing.F) {
	key := idKey()
	// The kid is new in every process, so the corpus has a word for it.
	const kid = "KID"
	good := string(idClaims(f).AppendJSON(nil))
	f.Add(`{"kid":"KID","alg":"RS256"}`, good)
	f.Add(`{"alg":"RS256","kid":"KID"}`, good)
	f.Add(`{"kid":"KID","alg":"RS256","crit":["exp"]}`, good)
	f.Add(`{"kid":"KID","alg":"none"}`, good)
	f.Add(`{"kid":"KID","alg":"RS256"}`, `{"iss":"`+issuer+`","token_use":"id","aud":"`+clientID+`","exp":1e99}`)
	f.Add(`{"kid":"KID","alg":"RS256"}`, `{"iss":["`+issuer+`"],"token_use":"id","exp":-1}`)
	f.Add(`{"kid":"KID","alg":"RS256"}`, `[{"iss":1}]`)
	f.Fuzz(func(t *testing.T, header, body string) {
		header = strings.ReplaceAll(header, kid, key.ID)
		c, err := keySet().Verify(forge(t, key, header, body), expectID)
		if err != nil {
			if c.Len() != 0 {
				t.Fatalf("%d claims beside %v", c.Len(), err)
			}
			return
		}
		h := claims(t, header)
		if h.Len() != 2 || h.String("kid") != key.ID || h.String("alg") != "RS256" {
			t.Fatalf("header %s verifies", header)
		}
		exp, ok := c.Int("exp")
		if c.String("iss") != issuer || c.String("aud") != clientID || c.String("token_use") != "id" || !ok || exp <= now.Unix() {
			t.Fatalf("claims %s verify", body)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	set, raw := keySet(), sign(b, accessKey().Key, accessClaims(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := set.Verify(raw, expectAccess); err != nil {
			b.Fatal(err)
		}
	}
}
