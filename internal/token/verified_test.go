package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/token"
)

func verify(v *token.Verified, s token.KeySet, raw string, e token.Expect) (token.Claims, error) {
	p, err := v.Parse(raw)
	if err != nil {
		return token.Claims{}, err
	}
	return v.Verify(s, p, e)
}

// A token whose signature is remembered is looked at like any other.
func TestSec_JWT_4_rememberedSignature(t *testing.T) {
	key := accessKey()
	raw := sign(t, key.Key, accessClaims(t))
	otherPrivate, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	later := expectAccess
	later.Now = time.Unix(exp, 0)
	cut := len(raw) - 20 // not the last character, whose spare bits have to be zero
	tampered := raw[:cut] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, raw[cut:cut+8]) + raw[cut+8:]

	for _, tt := range []struct {
		name   string
		set    token.KeySet
		raw    string
		expect token.Expect
		want   error
	}{
		{"as before", keySet(), raw, expectAccess, nil},
		{"expired", keySet(), raw, later, token.ErrExpired},
		{"the key is gone", token.NewKeySet(idKey().Published()), raw, expectAccess, token.ErrSignature},
		{"another key under its name", token.NewKeySet(token.PublicKey{ID: key.ID, Use: token.Access, RSA: &otherPrivate.PublicKey}), raw, expectAccess, token.ErrSignature},
		{"the key is for other tokens", token.NewKeySet(token.PublicKey{ID: key.ID, Use: token.ID, RSA: key.Public}), raw, expectAccess, token.ErrClaims},
		{"another issuer", keySet(), raw, token.Expect{Issuer: issuer + "x", Use: token.Access, Now: now}, token.ErrClaims},
		{"another client", keySet(), raw, token.Expect{Issuer: issuer, Use: token.Access, ClientID: "other", Now: now}, token.ErrClaims},
		{"nothing expected", keySet(), raw, token.Expect{}, token.ErrClaims},
		{"another signature", keySet(), tampered, expectAccess, token.ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var v token.Verified
			want, err := verify(&v, keySet(), raw, expectAccess)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, err := verify(&v, tt.set, tt.raw, tt.expect)
				if !errors.Is(err, tt.want) {
					t.Fatalf("error %v, want %v", err, tt.want)
				}
				if err != nil && got.Len() != 0 {
					t.Errorf("%d claims beside the error", got.Len())
				}
				if err == nil && !cmp.Equal(string(got.AppendJSON(nil)), string(want.AppendJSON(nil))) {
					t.Errorf("claims %s, want %s", got.AppendJSON(nil), want.AppendJSON(nil))
				}
			}
			// Nothing of that spoils what is remembered.
			if _, err := verify(&v, keySet(), raw, expectAccess); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// More tokens than are remembered, and one too long to be, verify all the same.
func TestVerifiedBounds(t *testing.T) {
	key := accessKey()
	var v token.Verified
	for i := range 1100 {
		c := accessClaims(t).Clone()
		c.Set("jti", fmt.Sprint(i))
		if i == 0 {
			c.Set("custom:long", strings.Repeat("x", 8<<10))
		}
		raw := sign(t, key.Key, c)
		for range 2 {
			if _, err := verify(&v, keySet(), raw, expectAccess); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func BenchmarkVerifiedAgain(b *testing.B) {
	raw := sign(b, accessKey().Key, accessClaims(b))
	var v token.Verified
	set := keySet()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(&v, set, raw, expectAccess); err != nil {
			b.Fatal(err)
		}
	}
}
