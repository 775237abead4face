package token_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/token"
)

var (
	refreshKEK = secret.NewKEK([32]byte{1, 2, 3})
	refreshBox = refreshKEK.Box("refresh")
)

func fullRefresh() token.Refresh {
	return token.Refresh{
		Pool: "us-east-1_EXAMPLE12", Client: clientID, Sub: "58e18350-4001-704c-0029-30a8ec351fa0",
		OriginJTI: "39c5a9f4-7e1c-4a55-9d0e-1b6f3c2a1013",
		AuthTime:  time.UnixMilli(1781499381123).UTC(), IssuedAt: time.UnixMilli(1781499382000).UTC(),
		Expires: time.UnixMilli(1784091381123).UTC(),
		Scopes:  []string{"openid", "rs/read"}, EventID: "435a7a5e-90a1-4a0e-8a3c-5f1b2c3dd868",
		DeviceKey: "us-east-1_1b1c2d3e-0000-4000-8000-000000000001", Resource: "https://api.example.com", Nonce: "n\"é",
		RotationID: "7a90c7f2-5a07-4e5c-9d3b-6c1f2e8b9d10", Generation: 7,
	}
}

func seal(t testing.TB, r token.Refresh) string {
	t.Helper()
	s, err := token.SealRefresh(refreshBox, r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRefreshRoundTrip(t *testing.T) {
	small := token.Refresh{Pool: "p", Client: "c", Sub: "s",
		AuthTime: time.UnixMilli(1).UTC(), IssuedAt: time.UnixMilli(2).UTC(), Expires: time.UnixMilli(3).UTC()}
	for _, want := range []token.Refresh{fullRefresh(), small} {
		s := seal(t, want)
		got, err := token.OpenRefresh(refreshBox, s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// What clients look at: five parts, the first as Cognito's.
		if !strings.HasPrefix(s, "eyJj") || strings.Count(s, ".") != 4 {
			t.Errorf("refresh token %s", s)
		}
	}
}

func TestRefreshTooLong(t *testing.T) {
	r := fullRefresh()
	r.Scopes = []string{strings.Repeat("x", 4096)}
	if s, err := token.SealRefresh(refreshBox, r); err == nil || s != "" {
		t.Errorf("%d bytes, error %v", len(s), err)
	}
}

// badRefresh is what is not a refresh token, or another spelling of one.
func badRefresh(t testing.TB) map[string]string {
	s := seal(t, fullRefresh())
	parts := strings.Split(s, ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	header := base64.RawURLEncoding.EncodeToString
	// Moving a whole group of three bytes across a dot keeps the sealed bytes
	// and the alphabet right.
	shifted := join(parts[0], parts[1], parts[2], parts[3]+parts[4][:4], parts[4][4:])
	return map[string]string{
		"nothing":           "",
		"dots":              "....",
		"header only":       parts[0],
		"four parts":        join(parts[:4]...),
		"six parts":         s + ".AA",
		"empty part":        join(parts[0], "", parts[2], parts[3], parts[4]),
		"other header":      join(header([]byte(`{"cty":"JWT","enc":"A256GCM","alg":"dir"}`)), parts[1], parts[2], parts[3], parts[4]),
		"header respelled":  join(header([]byte(`{"enc":"A256GCM","cty":"JWT","alg":"RSA-OAEP"}`)), parts[1], parts[2], parts[3], parts[4]),
		"padding":           s + "==",
		"line break":        s + "\n",
		"line break within": s[:100] + "\r\n" + s[100:],
		"blank":             " " + s,
		"parts exchanged":   join(parts[0], parts[2], parts[1], parts[3], parts[4]),
		"cut elsewhere":     shifted,
		"cut short":         s[:len(s)-4],
		"too long":          s + strings.Repeat("A", 4096),
		"an ID token":       sign(t, idKey().Key, idClaims(t)),
	}
}

func TestSec_RT_1_sealed_and_strict(t *testing.T) {
	s := seal(t, fullRefresh())
	for name, bad := range badRefresh(t) {
		if got, err := token.OpenRefresh(refreshBox, bad); !errors.Is(err, token.ErrRefresh) || !cmp.Equal(got, token.Refresh{}) {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
	// Every character counts.
	for i := range s {
		for _, b := range []byte{'A', s[i] ^ 1} {
			if b == s[i] {
				continue
			}
			if _, err := token.OpenRefresh(refreshBox, s[:i]+string(rune(b))+s[i+1:]); !errors.Is(err, token.ErrRefresh) {
				t.Fatalf("%q for %q at %d: %v", b, s[i], i, err)
			}
		}
	}
	for name, box := range map[string]*secret.Box{
		"another key":     secret.NewKEK([32]byte{1, 2, 4}).Box("refresh"),
		"another purpose": refreshKEK.Box("session"),
	} {
		if _, err := token.OpenRefresh(box, s); !errors.Is(err, token.ErrRefresh) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nothing that it carries can be read from it, and no two are the same.
	for _, part := range strings.Split(s, ".")[1:] {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		for _, hidden := range []string{clientID, "EXAMPLE12", "58e18350", "openid", "39c5a9f4"} {
			if strings.Contains(string(b), hidden) {
				t.Errorf("%s can be read", hidden)
			}
		}
	}
	if again := seal(t, fullRefresh()); again == s {
		t.Error("sealed twice to the same token")
	}
}

// A token that a newer version sealed, with something this one does not know,
// is not half understood.
func TestRefreshOfAnotherFormat(t *testing.T) {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}`))
	wrap := func(plain string) string {
		b := refreshBox.Seal([]byte(plain), []byte(header))
		out := header
		for _, part := range [][]byte{b[:16], b[16:28], b[28 : len(b)-16], b[len(b)-16:]} {
			out += "." + base64.RawURLEncoding.EncodeToString(part)
		}
		return out
	}
	known := `"p":"p","c":"c","s":"s","a":1,"i":2,"x":3`
	if _, err := token.OpenRefresh(refreshBox, wrap(`{"v":1,`+known+`}`)); err != nil {
		t.Fatalf("format 1: %v", err)
	}
	for name, plain := range map[string]string{
		"format 2":       `{"v":2,` + known + `}`,
		"no format":      `{` + known + `}`,
		"unknown member": `{"v":1,` + known + `,"bound":"x"}`,
		"member twice":   `{"v":1,` + known + `,"s":"t"}`,
		"not JSON":       `refresh`,
		"nothing":        ``,
	} {
		if got, err := token.OpenRefresh(refreshBox, wrap(plain)); !errors.Is(err, token.ErrRefresh) || !cmp.Equal(got, token.Refresh{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzOpenRefresh(f *testing.F) {
	f.Add(seal(f, fullRefresh()))
	for _, bad := range badRefresh(f) {
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := token.OpenRefresh(refreshBox, s)
		// Only the one that was sealed opens.
		if err == nil && !cmp.Equal(r, fullRefresh()) {
			t.Fatalf("%q opens to %+v", s, r)
		}
		if err != nil && !cmp.Equal(r, token.Refresh{}) {
			t.Fatalf("%+v beside %v", r, err)
		}
	})
}

func BenchmarkRefresh(b *testing.B) {
	s := seal(b, fullRefresh())
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := token.SealRefresh(refreshBox, fullRefresh()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := token.OpenRefresh(refreshBox, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
