package userpool

import (
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// The parser is tested from inside: what it understood is not to be seen
// outside but by listing users.
func TestParseFilter(t *testing.T) {
	for _, tt := range []struct {
		text string
		want filter
		err  string // "" is none
	}{
		{`email = "a@example.com"`, filter{"email", "a@example.com", false}, ""},
		{`email="a"`, filter{"email", "a", false}, ""},
		{"\t name  ^=\n\"A\" ", filter{"name", "A", true}, ""},
		{`cognito:user_status = "CONFIRMED"`, filter{"cognito:user_status", "CONFIRMED", false}, ""},
		{`name = "say \"hi\" \\ \n"`, filter{"name", `say "hi" \ \n`, false}, ""},
		{`name = ""`, filter{"name", "", false}, ""},
		{`sub = "x"`, filter{"sub", "x", false}, ""},
		{`custom:foo = "x"`, filter{}, "Invalid search attribute: custom:foo"},
		{`Email = "x"`, filter{}, "Invalid search attribute: Email"},
		{`email == "x"`, filter{}, "Error while parsing filter"},
		{`email != "x"`, filter{}, "Error while parsing filter"},
		{`email = 'x'`, filter{}, "Error while parsing filter"},
		{`email = x`, filter{}, "Error while parsing filter"},
		{`email = "x`, filter{}, "Error while parsing filter"},
		{`email = "x\"`, filter{}, "Error while parsing filter"},
		{`email = "x" and name = "y"`, filter{}, "Error while parsing filter"},
		{`email = "x""`, filter{}, "Error while parsing filter"},
		{`email ^ = "x"`, filter{}, "Error while parsing filter"},
		{`= "x"`, filter{}, "Error while parsing filter"},
		{`email`, filter{}, "Error while parsing filter"},
		{`"email" = "x"`, filter{}, "Error while parsing filter"},
		{strings.Repeat("x", 257), filter{}, "Error while parsing filter"},
		{"email = \"\xff\"", filter{}, "Error while parsing filter"},
	} {
		got, given, err := parseFilter(tt.text)
		if tt.err != "" {
			if e := apierr.Public(err); err == nil || e.Code != apierr.InvalidParameter || e.Message != tt.err || got != (filter{}) || given {
				t.Errorf("%q: %+v, %v; want %q", tt.text, got, err, tt.err)
			}
			continue
		}
		if err != nil || !given || got != tt.want {
			t.Errorf("%q: %+v, %v, %v; want %+v", tt.text, got, given, err, tt.want)
		}
	}
	for _, empty := range []string{"", "  "} {
		if _, given, err := parseFilter(empty); given || err != nil {
			t.Errorf("%q is a condition: %v", empty, err)
		}
	}
}

// Whatever is parsed, a filter that is written out again means the same, and
// an error comes with nothing.
func FuzzSec_PARSE_3_Filter(f *testing.F) {
	for _, s := range []string{
		`email = "a@example.com"`, `name ^= "A"`, `cognito:user_status = "CONFIRMED"`, `name = "say \"hi\" \\"`, `status = "Enabled"`,
		`email == "x"`, `email = "x`, `' or 1=1 --`, `name = "%_"`, "", `custom:foo = "x"`, `name = "\`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, given, err := parseFilter(text)
		if err != nil || !given {
			if got != (filter{}) {
				t.Fatalf("%q: %+v with %v", text, got, err)
			}
			return
		}
		operator := " = "
		if got.Prefix {
			operator = " ^= "
		}
		again := got.Attribute + operator + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(got.Value) + `"`
		if len(again) > maxFilter {
			return // escapes made it longer than filters may be
		}
		if back, _, err := parseFilter(again); err != nil || back != got {
			t.Fatalf("%q means %+v, written %q it means %+v (%v)", text, got, again, back, err)
		}
	})
}
