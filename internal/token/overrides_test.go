package token_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// permission is a row of the table "claims and scopes" of the developer
// guide's page on the pre token generation trigger, with what the project
// assumes where the page is silent: may a function add or change the claim, and
// may it suppress it.
type permission struct {
	name                      string
	idAdd, idSuppress         bool
	accessAdd, accessSuppress bool
}

var permissions = []permission{
	{name: "sub"}, {name: "iss"}, {name: "exp"}, {name: "iat"}, {name: "nbf"}, {name: "jti"},
	{name: "origin_jti"}, {name: "event_id"}, {name: "auth_time"}, {name: "token_use"},
	{name: "nonce"}, {name: "at_hash"}, {name: "azp"}, {name: "acr"}, {name: "amr"}, {name: "device_key"},
	{name: "cognito:username"}, {name: "cognito:roles"}, {name: "cognito:preferred_role"},
	{name: "cognito:foo"}, {name: "cognito:"}, {name: "cognito:user_status"},
	{name: "cognito:groups", idSuppress: true, accessSuppress: true},
	{name: "identities", accessAdd: true, accessSuppress: true},
	{name: "aud"}, // "Z" is not the client; that it may be the client is tested below
	{name: "username", idAdd: true, idSuppress: true},
	{name: "client_id", idAdd: true, idSuppress: true},
	{name: "version", idAdd: true, idSuppress: true},
	{name: "scope", idAdd: true, idSuppress: true},
	{name: "dev:custom:x", idSuppress: true, accessSuppress: true},
	{name: "dev:x", idSuppress: true, accessSuppress: true},
	{"tenantId", true, true, true, true},
	{"email", true, true, true, true},
	{"custom:tenantId", true, true, true, true},
	{"family_name", true, true, true, true},
	{"cognito", true, true, true, true},
	{"dev", true, true, true, true},
	{"Sub", true, true, true, true}, // names are compared as they are
}

func TestSec_JWT_6_reserved_claims(t *testing.T) {
	for _, name := range token.RuleNames() {
		prefix, isPrefix := strings.CutSuffix(name, "*")
		if !slices.ContainsFunc(permissions, func(p permission) bool {
			return p.name == name || isPrefix && strings.HasPrefix(p.name, prefix)
		}) {
			t.Errorf("the rule for %s is not tested", name)
		}
	}
	value := jsontext.Value(`"Z"`)
	for _, version := range []token.Version{token.V1, token.V2, token.V3} {
		for _, use := range []token.Use{token.ID, token.Access} {
			for _, p := range permissions {
				add, suppress := p.idAdd, p.idSuppress
				if use == token.Access {
					add, suppress = p.accessAdd, p.accessSuppress
				}
				if use == token.Access && version == token.V1 {
					add, suppress = false, false // V1 has no say in the access token
				}
				t.Run(fmt.Sprintf("%s %s %s", version, use, p.name), func(t *testing.T) {
					asked := func(co token.ClaimOverrides) token.Overrides {
						return token.Overrides{Version: version, ID: co, Access: co}
					}
					had := claims(t, fmt.Sprintf(`{"first":1,%q:"A"}`, p.name))
					not := claims(t, `{"first":1}`)
					adding := asked(token.ClaimOverrides{Add: []token.Claim{{Name: p.name, Value: value}}})
					suppressing := asked(token.ClaimOverrides{Suppress: []string{p.name}})

					if got := not.Apply(use, adding).Has(p.name); got != add {
						t.Errorf("added: %t, want %t", got, add)
					}
					want := "A"
					if add {
						want = "Z"
					}
					if got := had.Apply(use, adding).String(p.name); got != want {
						t.Errorf("changed: %q, want %q", got, want)
					}
					if got := !had.Apply(use, suppressing).Has(p.name); got != suppress {
						t.Errorf("suppressed: %t, want %t", got, suppress)
					}
					ignored := use == token.Access && version == token.V1
					if got := len(token.Refused(use, adding, had)) > 0; got != (!add && !ignored) {
						t.Errorf("adding was said to be refused: %t", got)
					}
					if got := len(token.Refused(use, suppressing, had)) > 0; got != (!suppress && !ignored) {
						t.Errorf("suppressing was said to be refused: %t", got)
					}
				})
			}
		}
	}
}

func TestApplyUnknownUse(t *testing.T) {
	c := claims(t, `{"email":"a"}`)
	o := token.Overrides{Version: token.V2, ID: token.ClaimOverrides{Suppress: []string{"email"}}, Access: token.ClaimOverrides{Suppress: []string{"email"}}}
	if got := c.Apply("refresh", o); !got.Has("email") {
		t.Error("a token of an unknown use was changed")
	}
}

func TestApplyZeroOverrides(t *testing.T) {
	c := claims(t, `{"scope":"b a","cognito:groups":["g"],"email":"a"}`)
	for _, use := range []token.Use{token.ID, token.Access} {
		if diff := token.Diff(c, c.Apply(use, token.Overrides{}), use); len(diff) != 0 {
			t.Errorf("%s: %v", use, diff)
		}
	}
}

func TestAudOfAccessToken(t *testing.T) {
	for _, tt := range []struct{ name, claims, aud, want string }{
		{"the client", `{"client_id":"C"}`, `"C"`, `"C"`},
		{"another client", `{"client_id":"C"}`, `"D"`, ""},
		{"an array", `{"client_id":"C"}`, `["C"]`, ""},
		{"a number", `{"client_id":"1"}`, `1`, ""},
		{"empty, no client", `{}`, `""`, ""},
		{"bound to a resource", `{"client_id":"C","aud":"https://api"}`, `"D"`, `"https://api"`},
		{"bound to a resource, the client", `{"client_id":"C","aud":"https://api"}`, `"C"`, `"https://api"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := claims(t, tt.claims)
			o := token.Overrides{Version: token.V3, Access: token.ClaimOverrides{
				Add: []token.Claim{{Name: "aud", Value: jsontext.Value(tt.aud)}}, Suppress: []string{"aud"},
			}}
			had := before.Has("aud")
			got, ok := before.Apply(token.Access, o).Get("aud")
			if string(got) != tt.want || ok != (had || tt.want != "") {
				t.Errorf("aud %s, want %s", got, tt.want)
			}
		})
	}
}

// Claims of the ID token that OpenID Connect gives a type keep it.
func TestTypedClaims(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"email_verified", `"true"`, "true"},
		{"email_verified", `"false"`, "false"},
		{"email_verified", `false`, "false"},
		{"phone_number_verified", `"true"`, "true"},
		{"phone_number_verified", `true`, "true"},
		{"email_verified", `"yes"`, `"old"`},
		{"email_verified", `""`, `"old"`},
		{"email_verified", `1`, `"old"`},
		{"email_verified", `[true]`, `"old"`},
		{"email_verified", `null`, `"old"`},
		{"updated_at", `"1700000000"`, "1700000000"},
		{"updated_at", `1700000000.5`, "1700000000.5"},
		{"updated_at", `"+7"`, "7"},
		{"updated_at", `"soon"`, `"old"`},
		{"updated_at", `{"a":1}`, `"old"`},
		{"updated_at", `true`, `"old"`},
		{"address", `"1 \"Main\" St"`, `{"formatted":"1 \"Main\" St"}`},
		{"address", `{"formatted":"x"}`, `"old"`},
		{"address", `5`, `"old"`},
		{"locale", `{"any":["thing"]}`, `{"any":["thing"]}`},
	} {
		t.Run(tt.name+" "+tt.value, func(t *testing.T) {
			before := claims(t, fmt.Sprintf(`{%q:"old"}`, tt.name))
			o := token.Overrides{Version: token.V2, ID: token.ClaimOverrides{Add: []token.Claim{{Name: tt.name, Value: jsontext.Value(tt.value)}}}}
			got, _ := before.Apply(token.ID, o).Get(tt.name)
			if string(got) != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if refused := token.Refused(token.ID, o, before); (len(refused) == 1) != (tt.want == `"old"`) {
				t.Errorf("refused %v", refused)
			}
		})
	}
}

func TestScopes(t *testing.T) {
	for _, tt := range []struct {
		name, granted string
		add, suppress []string
		want          string
	}{
		{"order is kept", "openid email", []string{"b/x", "a/x"}, nil, "openid email b/x a/x"},
		{"no duplicates", "openid", []string{"a/x", "a/x", "openid"}, nil, "openid a/x"},
		{"suppression wins", "openid email", []string{"a/x"}, []string{"a/x", "email"}, "openid"},
		{"the last one goes, and the claim with it", "openid", nil, []string{"openid"}, ""},
		{"none before", "", []string{"a/x"}, nil, "a/x"},
		{"blanks of every kind", "openid", []string{"a b", "a\tb", "a\nb", "a\u00a0b", " a", "", "a\u2028"}, nil, "openid"},
		{"characters no scope has", "openid", []string{`a"b`, `a\b`, "a\x7f", "é"}, nil, "openid"},
		{"scopes of the API", "openid", []string{"aws.cognito.signin.user.admin", "aws.cognito", "aws.cognitox"}, nil, "openid"},
		{"a scope of the API that is there", "aws.cognito.signin.user.admin", []string{"aws.cognito.signin.user.admin", "openid"}, nil, "aws.cognito.signin.user.admin openid"},
		{"suppressing what is not there", "openid", nil, []string{"a/x", ""}, "openid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before token.Claims
			before.Set("sub", "u")
			if tt.granted != "" {
				before.Set("scope", tt.granted)
			}
			o := token.Overrides{Version: token.V2, Access: token.ClaimOverrides{ScopesToAdd: tt.add, ScopesToSuppress: tt.suppress}}
			after := before.Apply(token.Access, o)
			if got := after.String("scope"); got != tt.want || after.Has("scope") != (tt.want != "") {
				t.Errorf("scope %q, want %q", got, tt.want)
			}
			// An ID token has no scopes, and V1 no say in them.
			if d := token.Diff(before, before.Apply(token.ID, o), token.ID); len(d) != 0 {
				t.Errorf("ID token: %v", d)
			}
			o.Version = token.V1
			if d := token.Diff(before, before.Apply(token.Access, o), token.Access); len(d) != 0 {
				t.Errorf("V1: %v", d)
			}
		})
	}
}

// V1 has groups in common with the access token and nothing else.
func TestGroupsUnderV1(t *testing.T) {
	before := claims(t, `{"cognito:groups":["g"],"cognito:roles":["r"],"cognito:preferred_role":"r","email":"e"}`)
	o := token.Overrides{Version: token.V1, Groups: &token.GroupOverrides{Groups: []string{`A"`}, Roles: []string{"R"}, PreferredRole: "R"},
		Access: token.ClaimOverrides{Suppress: []string{"email"}}}
	for use, want := range map[token.Use]string{
		token.ID:     `{"cognito:groups":["A\""],"cognito:roles":["R"],"cognito:preferred_role":"R","email":"e"}`,
		token.Access: `{"cognito:groups":["A\""],"cognito:roles":["r"],"cognito:preferred_role":"r","email":"e"}`,
	} {
		if got := string(before.Apply(use, o).AppendJSON(nil)); got != want {
			t.Errorf("%s: %s, want %s", use, got, want)
		}
	}
}

// Thousands of entries take no more than linear time; with a scan for each this
// test would run for minutes.
func TestApplyMany(t *testing.T) {
	var o token.Overrides
	o.Version = token.V2
	for i := range 200_000 {
		name := fmt.Sprint("c", i)
		o.ID.Add = append(o.ID.Add, token.Claim{Name: name, Value: jsontext.Value("1")})
		if i%2 == 0 {
			o.ID.Suppress = append(o.ID.Suppress, name)
		}
	}
	before := claims(t, `{"sub":"u"}`)
	after := before.Apply(token.ID, o)
	if after.Len() != 100_001 {
		t.Errorf("%d claims", after.Len())
	}
	if n := len(token.Diff(before, after, token.ID)); n != 100_000 {
		t.Errorf("%d changes", n)
	}
}

func TestDiffAndRefused(t *testing.T) {
	before := claims(t, `{"sub":"u","email":"a","family_name":"Zoe","scope":"openid"}`)
	o := token.Overrides{Version: token.V2, Access: token.ClaimOverrides{
		Add: []token.Claim{
			{Name: "tenantId", Value: jsontext.Value(`"acme"`)},
			{Name: "family_name", Value: jsontext.Value(`"Doe"`)},
			{Name: "sub", Value: jsontext.Value(`"Z"`)},
			{Name: "nothing", Value: jsontext.Value(`null`)},
		},
		Suppress:    []string{"email", "iat", "nope"},
		ScopesToAdd: []string{"rs/read", "a b"},
	}}
	after := before.Apply(token.Access, o)
	type change = token.Change
	raw := func(s string) jsontext.Value { return jsontext.Value(s) }
	wantDiff := []change{
		{Token: token.Access, Claim: "email", Kind: token.KindSuppressed, Before: raw(`"a"`)},
		{Token: token.Access, Claim: "family_name", Kind: token.KindChanged, Before: raw(`"Zoe"`), After: raw(`"Doe"`)},
		{Token: token.Access, Claim: "scope", Kind: token.KindChanged, Before: raw(`"openid"`), After: raw(`"openid rs/read"`)},
		{Token: token.Access, Claim: "tenantId", Kind: token.KindAdded, After: raw(`"acme"`)},
	}
	if diff := cmp.Diff(wantDiff, token.Diff(before, after, token.Access)); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
	refused := token.Refused(token.Access, o, before)
	for i := range refused {
		if refused[i].Reason == "" {
			t.Errorf("%s is refused without a reason", refused[i].Claim)
		}
		refused[i].Reason = ""
	}
	wantRefused := []change{
		{Token: token.Access, Claim: "sub", Kind: token.KindRefused, Before: raw(`"u"`), After: raw(`"Z"`)},
		{Token: token.Access, Claim: "nothing", Kind: token.KindRefused, After: raw(`null`)},
		{Token: token.Access, Claim: "iat", Kind: token.KindRefused},
		{Token: token.Access, Claim: "scope", Kind: token.KindRefused, Before: raw(`"openid"`), After: raw(`"a b"`)},
	}
	if diff := cmp.Diff(wantRefused, refused); diff != "" {
		t.Errorf("Refused (-want +got):\n%s", diff)
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]token.Version{"V1_0": token.V1, "V2_0": token.V2, "V3_0": token.V3} {
		if got, err := token.ParseVersion(text); got != want || err != nil || got.String() != text {
			t.Errorf("ParseVersion(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "V0_0", "V4_0", "V1_1", "v1_0", "V1", "1"} {
		if got, err := token.ParseVersion(text); err == nil || got != 0 {
			t.Errorf("ParseVersion(%q) = %v, no error", text, got)
		}
	}
}
