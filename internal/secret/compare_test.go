package secret_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

func TestEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringOf(rapid.SampledFrom([]rune("ab\x00"))).Draw(t, "a")
		b := rapid.StringOf(rapid.SampledFrom([]rune("ab\x00"))).Draw(t, "b")
		if got := secret.Equal(a, b); got != (a == b) {
			t.Fatalf("Equal(%q, %q) = %v", a, b, got)
		}
		if !secret.Equal(a, strings.Clone(a)) {
			t.Fatalf("%q does not equal itself", a)
		}
	})
}

// The value is HMAC-SHA256("secret", "user"+"client") in base64, made with
// openssl dgst -sha256 -hmac secret.
func TestSecretHash(t *testing.T) {
	got := secret.SecretHash("secret", "user", "client")
	if want := "wvW87lzZoI+qQCVGmWVBJLlucdJ65huAVP1z+0MgA6E="; got != want {
		t.Errorf("SecretHash = %s, want %s", got, want)
	}
	if secret.SecretHash("secret", "userc", "lient") != got {
		t.Error("the hash is over the concatenation, so moving the border must not change it")
	}
}

// No way of printing a secret prints it.
func TestSec_LOG_1_SecretsPrintAsStars(t *testing.T) {
	const canary = "canary-5f2d"
	s := secret.String(canary)
	kek := secret.NewKEK([32]byte([]byte("canary-5f2dcanary-5f2dcanary-5f2")))
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	l.Info("secrets", "s", s, "kek", kek, "group", slog.GroupValue(slog.Any("s", s)))
	l = slog.New(slog.NewTextHandler(&log, nil))
	l.Info("secrets", "s", s, "kek", kek, "struct", struct{ S secret.String }{s})
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"} {
		out += fmt.Sprintf(verb+"\n", s)
		out += fmt.Sprintf(verb+"\n", struct{ S secret.String }{s})
		out += fmt.Sprintf(verb+"\n", []secret.String{s})
		out += fmt.Sprintf(verb+"\n", map[string]secret.String{"s": s})
		out += fmt.Sprintf(verb+"\n", kek)
	}
	for _, v := range []any{s, &s, []secret.String{s}, map[string]any{"s": s}, struct{ S secret.String }{s}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out += string(b) + "\n"
	}
	for _, form := range []string{canary, "63616e617279", "63616E617279", "Y2FuYXJ5"} {
		if strings.Contains(out, form) {
			t.Errorf("%q was printed:\n%s", form, out)
		}
	}
	if strings.Count(out, "***") < 30 {
		t.Errorf("stars are missing:\n%s", out)
	}
	if s.Reveal() != canary {
		t.Error("Reveal does not")
	}
}
