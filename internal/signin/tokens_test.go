package signin_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

var uuid = regexp.MustCompile(`"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`)

// profile has every attribute whose claim has a type of its own.
var profile = map[string]string{
	"email": "j@x.io", "email_verified": "true", "phone_number": "+12065551212", "phone_number_verified": "false",
	"family_name": "Zoë \"Z\"", "updated_at": "1790000000", "address": `{"street":"1 Main"}`,
	"custom:tier": "gold", "custom:level": "7",
}

// TestTokens compares whole claim sets with tokens.md 2 and 3: what is there,
// what is not, and of which type.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	u := w.user(p, "jdoe", profile)
	w.group(p, "g2", "arn:aws:iam::000000000000:role/R2", 2, u)
	w.group(p, "g1", "arn:aws:iam::000000000000:role/R1", 1, u)
	w.group(p, "norole", "", -1, u)
	c := w.client(p)

	got := w.signIn(c, "jdoe")
	id, access := w.claims(p, got.ID, token.ID), w.claims(p, got.Access, token.Access)
	if id.String("origin_jti") != access.String("origin_jti") || id.String("event_id") != access.String("event_id") {
		t.Error("origin_jti and event_id differ between the two tokens of one sign-in")
	}
	if id.String("jti") == access.String("jti") || id.String("jti") == id.String("origin_jti") {
		t.Error("jti is not new for every token")
	}
	normal := func(c token.Claims) string {
		var m map[string]any
		if err := json.Unmarshal(c.AppendJSON(nil), &m); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(compact(t, m), u.Sub, "SUB")
		return strings.NewReplacer(p.ID, "POOL", c.String("origin_jti"), "ORIGIN").Replace(uuid.ReplaceAllString(text, `"UUID"`))
	}
	now := "1793509567"
	wantID := `{"address":{"formatted":"{\"street\":\"1 Main\"}"},"aud":"` + c.ID + `","auth_time":` + now + `,` +
		`"cognito:groups":["g1","g2","norole"],"cognito:preferred_role":"arn:aws:iam::000000000000:role/R1",` +
		`"cognito:roles":["arn:aws:iam::000000000000:role/R1","arn:aws:iam::000000000000:role/R2"],"cognito:username":"jdoe",` +
		`"custom:level":"7","custom:tier":"gold","email":"j@x.io","email_verified":true,"event_id":"UUID","exp":1793513167,` +
		`"family_name":"Zoë \"Z\"","iat":` + now + `,"iss":"http://localhost:7665/POOL","jti":"UUID","origin_jti":"UUID",` +
		`"phone_number":"+12065551212","phone_number_verified":false,"sub":"SUB","token_use":"id","updated_at":1790000000}`
	if got := normal(id); got != wantID {
		t.Errorf("ID token\ngot  %s\nwant %s", got, wantID)
	}
	wantAccess := `{"auth_time":` + now + `,"client_id":"` + c.ID + `","cognito:groups":["g1","g2","norole"],"event_id":"UUID","exp":1793513167,` +
		`"iat":` + now + `,"iss":"http://localhost:7665/POOL","jti":"UUID","origin_jti":"UUID","scope":"aws.cognito.signin.user.admin",` +
		`"sub":"SUB","token_use":"access","username":"jdoe"}`
	if got := normal(access); got != wantAccess {
		t.Errorf("access token\ngot  %s\nwant %s", got, wantAccess)
	}
	if got.ExpiresIn != 3600 {
		t.Errorf("ExpiresIn %d, want 3600", got.ExpiresIn)
	}
	if n := strings.Count(got.Refresh.Reveal(), "."); n != 4 || !strings.HasPrefix(got.Refresh.Reveal(), "eyJjdHki") {
		t.Errorf("refresh token has %d dots and begins %.8s", n, got.Refresh.Reveal())
	}

	t.Run("golang-jwt and go-jose accept both tokens against the published key set", func(t *testing.T) {
		keys, err := w.pools.Keys(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(keys.JWKS, &set); err != nil {
			t.Fatal(err)
		}
		kids := map[string]bool{}
		for _, raw := range []string{got.ID.Reveal(), got.Access.Reveal()} {
			parsed, err := jwt.Parse(raw, func(j *jwt.Token) (any, error) {
				kid, _ := j.Header["kid"].(string)
				if len(j.Header) != 2 || len(set.Key(kid)) != 1 {
					t.Errorf("header %v: want kid and alg, and the kid of one published key", j.Header)
				}
				kids[kid] = true
				return set.Key(kid)[0].Key, nil
			}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer("http://localhost:7665/"+p.ID), jwt.WithIssuedAt(),
				jwt.WithTimeFunc(w.clock.now), jwt.WithExpirationRequired())
			if err != nil || !parsed.Valid {
				t.Errorf("golang-jwt: %v", err)
			}
			signed, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
			if err != nil {
				t.Fatal(err)
			}
			var claims josejwt.Claims
			if err := signed.Claims(set, &claims); err != nil {
				t.Errorf("go-jose: %v", err)
			}
			if err := claims.Validate(josejwt.Expected{Issuer: "http://localhost:7665/" + p.ID, Subject: u.Sub, Time: w.clock.now()}); err != nil {
				t.Errorf("go-jose: %v", err)
			}
		}
		if len(kids) != 2 {
			t.Errorf("%d kids for the two kinds of token, want 2", len(kids))
		}
	})
}

func TestTokenLifetimesAndRevocationSetting(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	c := w.client(p, func(in *userpool.NewClient) {
		in.AccessTokenValidity, in.IDTokenValidity, in.RefreshTokenValidity = 10, 1800, 2
		in.Units = userpool.ValidityUnits{Access: "minutes", ID: "seconds", Refresh: "hours"}
		in.RevocationEnabled = false
	})
	got := w.signIn(c, "jdoe")
	id, access := w.claims(p, got.ID, token.ID), w.claims(p, got.Access, token.Access)
	for _, x := range []struct {
		name string
		c    token.Claims
		want int64
	}{{"access", access, 600}, {"id", id, 1800}} {
		iat, _ := x.c.Int("iat")
		exp, _ := x.c.Int("exp")
		if exp-iat != x.want {
			t.Errorf("%s token lives %d s, want %d", x.name, exp-iat, x.want)
		}
		if x.c.Has("origin_jti") {
			t.Errorf("%s token has origin_jti though revocation is off", x.name)
		}
	}
	if id.Has("jti") || !access.Has("jti") {
		t.Error("with revocation off the access token alone has a jti")
	}
	if got.ExpiresIn != 600 {
		t.Errorf("ExpiresIn %d, want 600", got.ExpiresIn)
	}
	w.clock.advance(2*time.Hour - time.Second)
	tokensOf(t)(w.refresh(c, got.Refresh))
	w.clock.advance(time.Second)
	_, err := w.refresh(c, got.Refresh)
	wantSaid(t, err, "NotAuthorizedException: Refresh Token has expired")
}

func TestPreferredRole(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p)
	type group struct {
		name, role string
		precedence int64
	}
	for i, x := range []struct {
		name   string
		groups []group
		want   string
	}{
		{"no role, no claim", []group{{"a", "", 0}}, ""},
		{"the lowest number wins", []group{{"a", "R1", 5}, {"b", "R2", 0}}, "R2"},
		{"a group without a role does not count", []group{{"a", "", 0}, {"b", "R2", 3}}, "R2"},
		{"no precedence is the worst", []group{{"a", "R1", -1}, {"b", "R2", 9}}, "R2"},
		{"a tie of the same role is that role", []group{{"a", "R1", 1}, {"b", "R1", 1}}, "R1"},
		{"a tie of two roles is none", []group{{"a", "R1", 1}, {"b", "R2", 1}}, ""},
		{"a tie further down does not matter", []group{{"a", "R1", 1}, {"b", "R2", 2}, {"c", "R3", 2}}, "R1"},
	} {
		t.Run(x.name, func(t *testing.T) {
			u := w.user(p, "user"+string(rune('a'+i)), nil)
			for _, g := range x.groups {
				w.group(p, u.Username+g.name, g.role, g.precedence, u)
			}
			id := w.claims(p, w.signIn(c, u.Username).ID, token.ID)
			if got := id.String("cognito:preferred_role"); got != x.want || id.Has("cognito:preferred_role") != (x.want != "") {
				t.Errorf("preferred role %q, want %q", got, x.want)
			}
		})
	}
}

// TestSec_ATTR_7 is the filter of what a client may read, in both places that
// show a profile to it. (UserInfo comes with the OAuth endpoints.)
func TestSec_ATTR_7_ReadAttributes(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", profile)
	for _, x := range []struct {
		name string
		read []string
	}{
		{"everything when unset", nil},
		{"what is listed", []string{"email", "custom:tier"}},
		{"an address without its flag", []string{"phone_number"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := w.client(p, func(in *userpool.NewClient) { in.ReadAttributes = x.read })
			want := map[string]bool{}
			for n := range profile {
				want[n] = x.read == nil
			}
			for _, n := range x.read {
				want[n] = true
			}
			got := w.signIn(c, "jdoe")
			id := w.claims(p, got.ID, token.ID)
			seen, err := w.s.GetUser(t.Context(), got.Access.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			shown := map[string]string{}
			for _, a := range seen.Attributes {
				shown[a.Name] = a.Value
			}
			for n, value := range profile {
				if id.Has(n) != want[n] {
					t.Errorf("ID token has %s: %v, want %v", n, id.Has(n), want[n])
				}
				if v, ok := shown[n]; ok != want[n] || ok && v != value {
					t.Errorf("GetUser shows %s: %v %q, want %v %q", n, ok, v, want[n], value)
				}
			}
			if shown["sub"] == "" || seen.Username != "jdoe" {
				t.Errorf("GetUser: %+v lacks sub or username", seen)
			}
		})
	}
}

func TestUsernameAttributesPool(t *testing.T) {
	w := newWorld(t)
	p := w.pool(func(s *userpool.Settings) { s.UsernameAttributes, s.CaseChosen = []string{store.NameEmail}, true })
	u := w.user(p, "Jane@X.io", nil)
	c := w.client(p)
	for _, name := range []string{"jane@x.io", u.Sub} {
		id := w.claims(p, tokensOf(t)(w.try(c, name, password)).ID, token.ID)
		if got := id.String("cognito:username"); got != u.Sub {
			t.Errorf("cognito:username %q, want the sub", got)
		}
	}
	tokensOf(t)(w.srp(c, "jane@x.io", password))
	if _, parameters := w.srpFirst(c, "jane@x.io", password); parameters["USER_ID_FOR_SRP"] != u.Sub {
		t.Error("USER_ID_FOR_SRP is not the sub")
	}
}
