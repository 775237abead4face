package token_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/token"
)

func claims(t testing.TB, text string) token.Claims {
	t.Helper()
	c, err := token.ParseClaims([]byte(text))
	if err != nil {
		t.Fatalf("claims %s: %v", text, err)
	}
	return c
}

func TestClaimsSet(t *testing.T) {
	var c token.Claims
	if got := string(c.AppendJSON(nil)); got != "{}" {
		t.Errorf("zero value is %s, want {}", got)
	}
	c.Set("sub", "u1")
	c.Set("text", "a\"\\\n<é\u2028")
	c.Set("iat", 1781499381)
	c.Set("exp", int64(1<<62))
	c.Set("email_verified", true)
	c.Set("cognito:groups", []string{"a", "b"})
	c.SetRaw("big", jsontext.Value("1.7976931348623157E308"))
	c.Set("raw", jsontext.Value(`{"z":1,"a":2}`))
	c.Set("map", map[string]int{"b": 2, "a": 1})
	c.Set("sub", "u2") // keeps its place
	c.Delete("iat")
	c.Delete("nope")
	want := `{"sub":"u2","text":"a\"\\\n<é` + "\u2028" + `","exp":4611686018427387904,"email_verified":true,` +
		`"cognito:groups":["a","b"],"big":1.7976931348623157E308,"raw":{"z":1,"a":2},"map":{"a":1,"b":2}}`
	if diff := cmp.Diff(want, string(c.AppendJSON(nil))); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if c.String("sub") != "u2" || c.String("text") != "a\"\\\n<é\u2028" || c.String("exp") != "" || c.String("nope") != "" {
		t.Errorf("strings: %q %q %q %q", c.String("sub"), c.String("text"), c.String("exp"), c.String("nope"))
	}
	if n, ok := c.Int("exp"); n != 1<<62 || !ok {
		t.Errorf("exp is %d, %t", n, ok)
	}
	for _, name := range []string{"sub", "big", "nope", "raw"} {
		if n, ok := c.Int(name); n != 0 || ok {
			t.Errorf("%s is the integer %d", name, n)
		}
	}
	if got := c.Strings("cognito:groups"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("groups %q", got)
	}
	if got := c.Strings("sub"); got != nil {
		t.Errorf("sub is the list %q", got)
	}
}

func TestClaimsSetRefusesWhatIsNoJSON(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var c token.Claims
	c.Set("f", func() {})
}

func TestClaimsCloneIsIndependent(t *testing.T) {
	for _, size := range []int{3, 200} { // without an index, and with one
		var c token.Claims
		for i := range size {
			c.Set(fmt.Sprint("c", i), i)
		}
		before := string(c.AppendJSON(nil))
		d := c.Clone()
		d.Set("c0", "changed")
		d.Set("new", 1)
		d.Delete("c1")
		if got := string(c.AppendJSON(nil)); got != before {
			t.Errorf("size %d: the original changed to %s", size, got)
		}
		if d.Len() != size || d.String("c0") != "changed" || d.Has("c1") || !d.Has("new") {
			t.Errorf("size %d: the clone is %s", size, d.AppendJSON(nil))
		}
	}
}

// A set with an index behaves as one without.
func TestClaimsIndex(t *testing.T) {
	var c token.Claims
	var want []string
	for i := range 500 {
		name := fmt.Sprint("c", i)
		c.Set(name, i)
		if i%3 != 0 {
			want = append(want, name)
		}
	}
	for i := range 500 {
		if i%3 == 0 {
			c.Delete(fmt.Sprint("c", i))
		}
	}
	if diff := cmp.Diff(want, c.Names()); diff != "" {
		t.Fatalf("names (-want +got):\n%s", diff)
	}
	for i, name := range want {
		c.Set(name, "again")
		if c.String(name) != "again" || c.Names()[i] != name {
			t.Fatalf("%s is %s at %d", name, c.String(name), i)
		}
	}
	if c.Len() != len(want) {
		t.Errorf("%d claims, want %d", c.Len(), len(want))
	}
}

func TestClaimsMarshal(t *testing.T) {
	c := claims(t, `{"b":1,"a":"x"}`)
	out, err := json.Marshal(map[string]token.Claims{"claims": c})
	if err != nil || string(out) != `{"claims":{"b":1,"a":"x"}}` {
		t.Errorf("%s, %v", out, err)
	}
	var back struct{ Claims token.Claims }
	if err := json.Unmarshal([]byte(`{"Claims":{"b":1,"a":"x"}}`), &back); err != nil || !slices.Equal(back.Claims.Names(), []string{"b", "a"}) {
		t.Errorf("%v, %v", back.Claims.Names(), err)
	}
}

// badClaims is JSON that is not one object of distinct members.
var badClaims = map[string]string{
	"nothing":               "",
	"null":                  "null",
	"array":                 "[]",
	"text":                  `"x"`,
	"cut off":               `{"a":1`,
	"data after it":         `{"a":1}x`,
	"second object":         `{"a":1}{"b":2}`,
	"duplicate":             `{"sub":"a","sub":"b"}`,
	"duplicate, escaped":    `{"sub":"a","s\u0075b":"b"}`,
	"duplicate, deeper":     `{"a":{"b":1,"b":2}}`,
	"name without quotes":   `{a:1}`,
	"comma at the end":      `{"a":1,}`,
	"comment":               `{"a":1/**/}`,
	"number with a zero":    `{"a":01}`,
	"not a number":          `{"a":NaN}`,
	"invalid UTF-8":         "{\"a\":\"\xff\"}",
	"lone surrogate":        `{"a":"\udc00"}`,
	"control character":     "{\"a\":\"\x01\"}",
	"byte order mark":       "\ufeff{}",
	"too deep":              `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	"far too deep, cut off": strings.Repeat(`{"a":`, 100_000),
}

func TestParseClaimsIsStrict(t *testing.T) {
	for name, text := range badClaims {
		c, err := token.ParseClaims([]byte(text))
		if !errors.Is(err, token.ErrMalformed) || c.Len() != 0 {
			t.Errorf("%s: %d claims, error %v", name, c.Len(), err)
		}
	}
	deepest := `{"a":` + strings.Repeat("[", 63) + `"[[{{\"[["` + strings.Repeat("]", 63) + ` , "b":{}}`
	if c := claims(t, deepest); c.Len() != 2 {
		t.Errorf("%d claims, want 2", c.Len())
	}
}

func FuzzParseClaims(f *testing.F) {
	for _, text := range badClaims {
		if len(text) < 1000 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(`{"sub":"a","n":1e5,"big":9223372036854775807,"o":{"k":[1,null,{"x":""}]},"é":"\u00e9\n"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := token.ParseClaims(b)
		if err != nil {
			if !errors.Is(err, token.ErrMalformed) || c.Len() != 0 {
				t.Fatalf("%d claims, error %v", c.Len(), err)
			}
			return
		}
		// What was accepted stays the same by being written and read again.
		out := c.AppendJSON(nil)
		again, err := token.ParseClaims(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(out, again.AppendJSON(nil)); diff != "" {
			t.Fatal(diff)
		}
		for name, v := range c.All() {
			if got, ok := again.Get(name); !ok || string(got) != string(v) {
				t.Fatalf("%q was %s, is %s", name, v, got)
			}
		}
	})
}
