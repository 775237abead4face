package awsapi_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

func TestTimestamp(t *testing.T) {
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{time.UnixMilli(1689721665239), "1689721665.239"},
		{time.UnixMilli(1689721665200), "1689721665.2"},
		{time.UnixMilli(1689721665000), "1689721665"},
		{time.UnixMilli(1689721665005), "1689721665.005"},
		{time.Unix(0, 999999), "0"},
		{time.UnixMilli(-1500), "-1.5"},
		{time.UnixMilli(-5), "-0.005"},
	} {
		got, err := json.Marshal(awsapi.Timestamp{Time: tt.at})
		if err != nil || string(got) != tt.want {
			t.Errorf("%v is %s, %v; want %s", tt.at, got, err, tt.want)
		}
		var back awsapi.Timestamp
		if err := json.Unmarshal(got, &back); err != nil || back.UnixMilli() != tt.at.UnixMilli() {
			t.Errorf("%s is %v, %v; want %v", got, back, err, tt.at)
		}
	}
	for text, want := range map[string]int64{"1.689721665239E9": 1689721665239, "1.6897216652391E9": 1689721665239, "0": 0, "253402300799": 253402300799000} {
		var got awsapi.Timestamp
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.UnixMilli() != want {
			t.Errorf("%s is %v, %v; want %d ms", text, got, err, want)
		}
	}
	for _, text := range []string{`"2026-11-22T12:00:00Z"`, `true`, `{}`, `1e999`, `253402300800`, `-1e300`} {
		var got awsapi.Timestamp
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is %v, want an error", text, got)
		}
	}
	if got := awsapi.NewTimestamp(time.Time{}); got != nil {
		t.Errorf("a time that never was is %v, want absent", got)
	}
}

// The words are the services'; see the sources in the project's reference of
// the wire protocol.
func TestValidationMessages(t *testing.T) {
	name := &awsapi.StringRule{Min: 1, Max: 5, Pattern: &awsapi.Pattern{Text: `[\S]+`, Expr: `[^\s\v]+`}}
	hidden := &awsapi.StringRule{Min: 6, Sensitive: true}
	color := &awsapi.StringRule{Enum: []string{"red", "blue"}}
	none := &awsapi.SizeRule{}
	weight := &awsapi.NumberRule{HasMin: true, Max: 1, HasMax: true, Double: true}
	const (
		not = " failed to satisfy constraint: "
		nul = "Member must not be null"
	)
	for _, tt := range []struct {
		name  string
		check func(*awsapi.Validation)
		want  string
	}{
		{"nothing", func(v *awsapi.Validation) { v.String("a", ptr("b"), name); v.String("a", nil, name) }, ""},
		{"missing", func(v *awsapi.Validation) { v.Required("userPoolId", true, false) },
			"1 validation error detected: Value null at 'userPoolId'" + not + nul},
		{"missing and sensitive", func(v *awsapi.Validation) { v.Required("password", true, true) },
			"1 validation error detected: Value at 'password'" + not + nul},
		{"length before pattern", func(v *awsapi.Validation) { v.String("a", ptr(""), name) },
			"2 validation errors detected: Value '' at 'a'" + not + "Member must have length greater than or equal to 1; Value '' at 'a'" + not + `Member must satisfy regular expression pattern: [\S]+`},
		{"too long in UTF-16", func(v *awsapi.Validation) { v.String("a", ptr("😀😀😀"), name) },
			"1 validation error detected: Value '😀😀😀' at 'a'" + not + "Member must have length less than or equal to 5"},
		{"sensitive", func(v *awsapi.Validation) { v.String("password", ptr("x"), hidden) },
			"1 validation error detected: Value at 'password'" + not + "Member must have length greater than or equal to 6"},
		{"in lists and structures", func(v *awsapi.Validation) {
			v.EnterItem("userAttributes", 0)
			v.Enter("inner")
			v.Required("name", true, false)
			v.Leave()
			v.Leave()
			v.EnterEntry("levels", "Level1")
			v.String("acrValue", ptr("blue "), color)
			v.Leave()
			v.Required("last", true, false)
		}, "3 validation errors detected: Value null at 'userAttributes.1.member.inner.name'" + not + nul +
			"; Value 'blue ' at 'levels.Level1.member.acrValue'" + not + "Member must satisfy enum value set: [red, blue]" +
			"; Value null at 'last'" + not + nul},
		{"list of strings", func(v *awsapi.Validation) { v.Strings("colors", []string{"red", "green"}, none, color) },
			"1 validation error detected: Value '[red, green]' at 'colors'" + not + "Member must satisfy constraint: [Member must satisfy enum value set: [red, blue], Member must not be null]"},
		{"list of sensitive strings", func(v *awsapi.Validation) { v.Strings("codes", []string{"1"}, none, hidden) },
			"1 validation error detected: Value at 'codes'" + not + "Member must satisfy constraint: [Member must have length greater than or equal to 6, Member must not be null]"},
		{"map", func(v *awsapi.Validation) { v.StringMap("tags", map[string]string{"b": "", "a": "x"}, none, nil, name) },
			"1 validation error detected: Value '{a=x, b=}' at 'tags'" + not + `Map value must satisfy constraint: [Member must have length less than or equal to 5, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\S]+, Member must not be null]`},
		{"sensitive map", func(v *awsapi.Validation) {
			v.StringMap("authParameters", map[string]string{"PASSWORD ": "canary"}, &awsapi.SizeRule{Sensitive: true}, name, nil)
		}, "1 validation error detected: Value at 'authParameters'" + not + `Map keys must satisfy constraint: [Member must have length less than or equal to 5, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\S]+, Member must not be null]`},
		{"map of numbers", func(v *awsapi.Validation) {
			v.Float64Map("weights", map[string]float64{"1": 1.5}, none, name, weight)
		}, "1 validation error detected: Value '{1=1.5}' at 'weights'" + not + "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"},
		{"not a number", func(v *awsapi.Validation) { awsapi.Number(v, "weight", ptr(math.NaN()), weight) },
			"2 validation errors detected: Value 'NaN' at 'weight'" + not + "Member must have value less than or equal to 1.0; Value 'NaN' at 'weight'" + not + "Member must have value greater than or equal to 0.0"},
		{"empty list of structures", func(v *awsapi.Validation) { v.Size("schema", 0, true, &awsapi.SizeRule{Min: 1}) },
			"1 validation error detected: Value '[]' at 'schema'" + not + "Member must have length greater than or equal to 1"},
	} {
		var v awsapi.Validation
		tt.check(&v)
		if got := v.Message(); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// A request that is wrong without end gets an answer that has one.
func TestValidationIsBounded(t *testing.T) {
	var v awsapi.Validation
	for i := range 100000 {
		v.EnterItem("userAttributes", i)
		v.Required("name", true, false)
		v.Leave()
	}
	if got := v.Message(); len(got) > 20000 || !strings.HasPrefix(got, "100 validation errors detected: ") || !v.Full() {
		t.Errorf("%d bytes: %.60s", len(got), got)
	}
	v = awsapi.Validation{}
	v.String("a", ptr(strings.Repeat("é", 500000)), &awsapi.StringRule{Max: 5})
	if got := v.Message(); len(got) > 5000 || !strings.Contains(got, "é…' at 'a'") {
		t.Errorf("%d bytes: %s", len(got), fmt.Sprintf("%.60q", got))
	}
}

// A pattern that is a run of one class is matched without the regular
// expression; the two agree.
func FuzzPattern(f *testing.F) {
	exprs := []string{
		`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`, `[^\s\v]+`, `[\w+=/]*`, `^[0-9a-fA-F]+$`, `([a-zA-Z0-9-_]+)`, `[\x21\x23-\x5B\x5D-\x7E]+`,
		`[^\n\r\x{85}\x{2028}\x{2029}]*`, `[\w-]+_[0-9a-zA-Z]+`, `(a|b)+`, `a+`, `[a]+`, `(?i)[a-k]+`, `(?s).*`, `.+`, `[a-z]{2,}`, `([a-z]+)|()`,
	}
	patterns := make([]*awsapi.Pattern, len(exprs))
	for i, e := range exprs {
		patterns[i] = &awsapi.Pattern{Expr: e}
		for _, s := range []string{"", "a", "abc_9", "K\u212a", "\u0085", "\xff", "a b", "éß漢😀", "\u2028", strings.Repeat("0aF", 50), "a\n"} {
			f.Add(uint8(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, s string) {
		i := int(n) % len(exprs)
		want := regexp.MustCompile(`\A(?:` + exprs[i] + `)\z`).MatchString(s)
		if got := patterns[i].Match(s); got != want {
			t.Errorf("%s on %q: %v, want %v", exprs[i], s, got, want)
		}
	})
}

// What an access token costs to look through.
func BenchmarkPattern(b *testing.B) {
	p := &awsapi.Pattern{Expr: `[A-Za-z0-9-_=.]+`}
	token := strings.Repeat("eyJhbGciOiJSUzI1NiJ9", 60)
	b.SetBytes(int64(len(token)))
	for b.Loop() {
		if !p.Match(token) {
			b.Fatal("no match")
		}
	}
}
