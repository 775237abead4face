package secret_test

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

func TestShapes(t *testing.T) {
	for name, tt := range map[string]struct {
		make func() string
		want string
	}{
		"UUID":         {secret.UUID, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		"ClientID":     {secret.ClientID, `^[0-9a-v]{26}$`},
		"ClientSecret": {secret.ClientSecret, `^[0-9a-v]{52}$`},
		"PoolSuffix":   {secret.PoolSuffix, `^[0-9A-Za-z]{9}$`},
		"Digits":       {func() string { return secret.Digits(6) }, `^[0-9]{6}$`},
		"nothing":      {func() string { return secret.Text("abc", 0) + secret.Text("a", 3) }, `^aaa$`},
	} {
		t.Run(name, func(t *testing.T) {
			shape := regexp.MustCompile(tt.want)
			seen := map[string]bool{}
			for range 200 {
				s := tt.make()
				if !shape.MatchString(s) {
					t.Fatalf("%q does not match %s", s, tt.want)
				}
				seen[s] = true
			}
			if name != "Digits" && name != "nothing" && len(seen) != 200 {
				t.Errorf("only %d of 200 are different", len(seen))
			}
		})
	}
}

func TestBytes(t *testing.T) {
	a, b := secret.Bytes(32), secret.Bytes(32)
	if len(a) != 32 || len(b) != 32 || bytes.Equal(a, b) || len(secret.Bytes(0)) != 0 {
		t.Errorf("two draws: %x, %x", a, b)
	}
}

func TestTextPanicsOnAnImpossibleAlphabet(t *testing.T) {
	for _, alphabet := range []string{"", strings.Repeat("x", 257)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an alphabet of %d characters was taken", len(alphabet))
				}
			}()
			secret.Text(alphabet, 1)
		}()
	}
}

// Codes and temporary passwords are drawn without modulo bias. With 10 symbols
// a byte taken modulo 10 would favour 0 to 5 by 4 %: 250,000 draws put that 30
// standard deviations away from what is allowed here.
func TestSec_PW_5_CharactersAreUniform(t *testing.T) {
	for _, alphabet := range []string{"0123456789", "0123456789abcdefghijklmnopqrstuv", strings.Repeat("x", 200) + "y"} {
		const n = 250_000
		counts := map[rune]int{}
		for _, c := range secret.Text(alphabet, n) {
			counts[c]++
		}
		weight := map[rune]int{}
		for _, c := range alphabet {
			weight[c]++
		}
		if len(counts) != len(weight) {
			t.Errorf("%d of %d characters were drawn", len(counts), len(weight))
		}
		for c, w := range weight {
			p := float64(w) / float64(len(alphabet))
			mean, dev := n*p, math.Sqrt(n*p*(1-p))
			if got := float64(counts[c]); math.Abs(got-mean) > 6*dev {
				t.Errorf("%q was drawn %v times of %d, want %.0f ± %.0f", c, got, n, mean, 6*dev)
			}
		}
	}
}

func TestTemporaryPasswordMeetsThePolicy(t *testing.T) {
	const symbols = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-" // what Cognito counts as one
	rapid.Check(t, func(t *rapid.T) {
		p := secret.Policy{
			MinimumLength: rapid.IntRange(0, 99).Draw(t, "minimum"),
			Upper:         rapid.Bool().Draw(t, "upper"),
			Lower:         rapid.Bool().Draw(t, "lower"),
			Numbers:       rapid.Bool().Draw(t, "numbers"),
			Symbols:       rapid.Bool().Draw(t, "symbols"),
		}
		pw := secret.TemporaryPassword(p)
		has := func(class string) bool { return strings.ContainsAny(pw, class) }
		if len(pw) < p.MinimumLength || len(pw) < 12 ||
			p.Upper && !has("ABCDEFGHIJKLMNOPQRSTUVWXYZ") ||
			p.Lower && !has("abcdefghijklmnopqrstuvwxyz") ||
			p.Numbers && !has("0123456789") ||
			p.Symbols && !has(symbols) {
			t.Fatalf("%q does not meet %+v", pw, p)
		}
		for _, c := range pw {
			if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"+symbols, c) {
				t.Fatalf("%q has a character that no policy knows: %q", pw, c)
			}
		}
	})
}
