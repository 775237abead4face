package signin_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// TestSec_JWT_4_SubstitutionMatrix gives every operation that takes a token
// every token that is not the one it wants.
func TestSec_JWT_4_SubstitutionMatrix(t *testing.T) {
	w := newWorld(t)
	p, other := w.pool(), w.pool()
	c, second := w.client(p), w.client(p)
	foreign := w.client(other)
	for _, name := range []string{"jdoe", "disabled", "deleted", "signedout", "revoked", "reenabled"} {
		w.user(p, name, nil)
	}
	w.user(other, "jdoe", nil)

	type token struct {
		name            string
		access, refresh string // what is presented where either is wanted
		wantAccess      string
		wantRefresh     string // at the client c
	}
	good := w.signIn(c, "jdoe")
	ctx := t.Context()

	disabled := w.signIn(c, "disabled")
	if err := w.pools.SetEnabled(ctx, p.ID, "disabled", false); err != nil {
		t.Fatal(err)
	}
	reenabled := w.signIn(c, "reenabled")
	for _, on := range []bool{false, true} {
		if err := w.pools.SetEnabled(ctx, p.ID, "reenabled", on); err != nil {
			t.Fatal(err)
		}
	}
	deleted := w.signIn(c, "deleted")
	if err := w.pools.DeleteUser(ctx, p.ID, "deleted"); err != nil {
		t.Fatal(err)
	}
	w.user(p, "deleted", nil) // again, under the same name
	signedOut := w.signIn(c, "signedout")
	if err := w.s.GlobalSignOut(ctx, signedOut.Access.Reveal()); err != nil {
		t.Fatal(err)
	}
	revoked := w.signIn(c, "revoked")
	if err := w.s.RevokeToken(ctx, signin.RevokeInput{ClientID: c.ID, Token: revoked.Refresh.Reveal()}); err != nil {
		t.Fatal(err)
	}
	elsewhere, beside := w.signIn(foreign, "jdoe"), w.signIn(second, "jdoe")

	const na = "NotAuthorizedException: "
	cases := []token{
		{"an ID token", good.ID.Reveal(), good.ID.Reveal(), na + "Invalid Access Token", na + "Invalid Refresh Token"},
		{"the other of access and refresh", good.Refresh.Reveal(), good.Access.Reveal(), na + "Invalid Access Token", na + "Invalid Refresh Token"},
		{"nonsense", "x.y.z", "x.y.z.a.b", na + "Invalid Access Token", na + "Invalid Refresh Token"},
		{"of a disabled user", disabled.Access.Reveal(), disabled.Refresh.Reveal(), na + "Access Token has been revoked", na + "Refresh Token has been revoked"},
		{"of a user disabled and enabled again", reenabled.Access.Reveal(), reenabled.Refresh.Reveal(), na + "Access Token has been revoked", na + "Refresh Token has been revoked"},
		{"of a user deleted and created again", deleted.Access.Reveal(), deleted.Refresh.Reveal(), "UserNotFoundException: User does not exist.", na + "Refresh Token has been revoked"},
		{"of a sign-in ended by sign-out", signedOut.Access.Reveal(), signedOut.Refresh.Reveal(), na + "Access Token has been revoked", na + "Refresh Token has been revoked"},
		{"of a sign-in ended by revocation", revoked.Access.Reveal(), revoked.Refresh.Reveal(), na + "Access Token has been revoked", na + "Refresh Token has been revoked"},
		{"with another signature", resigned(t, good.Access, elsewhere.Access), good.Refresh.Reveal()[:len(good.Refresh)-2] + "AA", na + "Could not verify signature for Access Token", na + "Invalid Refresh Token"},
		{"for another pool", renamed(t, good.Access, p.ID, other.ID), elsewhere.Refresh.Reveal(), na + "Could not verify signature for Access Token", na + "Invalid Refresh Token"},
		{"for another client", "", beside.Refresh.Reveal(), "", na + "Invalid Refresh Token"},
	}
	accessOps := map[string]func(string) error{
		"GetUser":       func(raw string) error { _, err := w.s.GetUser(ctx, raw); return err },
		"GlobalSignOut": func(raw string) error { return w.s.GlobalSignOut(ctx, raw) },
		"ChangePassword": func(raw string) error {
			return w.s.ChangePassword(ctx, raw, password, password+"2", signin.Caller{})
		},
	}
	for name, op := range selfService(w) {
		accessOps[name] = op
	}
	refreshOps := map[string]func(string) error{
		"REFRESH_TOKEN_AUTH": func(raw string) error { _, err := w.refresh(c, secret.String(raw)); return err },
		"REFRESH_TOKEN_AUTH by admin": func(raw string) error {
			_, err := w.s.InitiateAuth(ctx, signin.AuthInput{Admin: true, PoolID: p.ID, ClientID: c.ID, Flow: "REFRESH_TOKEN",
				Parameters: map[string]string{"REFRESH_TOKEN": raw}})
			return err
		},
		"GetTokensFromRefreshToken": func(raw string) error { _, err := w.getTokens(c, secret.String(raw)); return err },
	}
	n := 0
	for _, x := range cases {
		for op, run := range accessOps {
			if x.access == "" {
				continue
			}
			n++
			t.Run(op+" with a token "+x.name, func(t *testing.T) { wantSaid(t, run(x.access), x.wantAccess) })
		}
		for op, run := range refreshOps {
			n++
			t.Run(op+" with a token "+x.name, func(t *testing.T) { wantSaid(t, run(x.refresh), x.wantRefresh) })
		}
	}
	if min := 50; n < min {
		t.Errorf("%d combinations, want at least %d", n, min)
	}

	t.Run("a new user of an old name still signs in", func(t *testing.T) { w.signIn(c, "deleted") })
	t.Run("an expired token", func(t *testing.T) {
		w.clock.advance(time.Hour)
		for op, run := range accessOps {
			if got := said(run(good.Access.Reveal())); got != na+"Access Token has expired" {
				t.Errorf("%s: %s", op, got)
			}
		}
		w.clock.advance(30 * 24 * time.Hour)
		for op, run := range refreshOps {
			if got := said(run(good.Refresh.Reveal())); got != na+"Refresh Token has expired" {
				t.Errorf("%s: %s", op, got)
			}
		}
	})
	t.Run("a token of a client that is gone", func(t *testing.T) {
		got := w.signIn(second, "jdoe")
		if err := w.pools.DeleteClient(ctx, p.ID, second.ID); err != nil {
			t.Fatal(err)
		}
		_, err := w.s.GetUser(ctx, got.Access.Reveal())
		wantSaid(t, err, na+"Invalid Access Token")
		_, err = w.refresh(second, got.Refresh)
		wantSaid(t, err, "ResourceNotFoundException: User pool client "+second.ID+" does not exist.")
	})
}

// selfService is the operations of the other half of the package, by access
// token.
func selfService(w *world) map[string]func(string) error {
	ctx := w.t.Context()
	return map[string]func(string) error{
		"DeleteUser": func(raw string) error { return w.s.DeleteUser(ctx, raw) },
		"UpdateUserAttributes": func(raw string) error {
			_, err := w.s.UpdateUserAttributes(ctx, raw, map[string]string{"name": "x"})
			return err
		},
		"DeleteUserAttributes": func(raw string) error { return w.s.DeleteUserAttributes(ctx, raw, []string{"name"}) },
		"GetUserAttributeVerificationCode": func(raw string) error {
			_, err := w.s.GetUserAttributeVerificationCode(ctx, raw, "email", signin.Caller{})
			return err
		},
		"VerifyUserAttribute": func(raw string) error { return w.s.VerifyUserAttribute(ctx, raw, "email", "123456") },
	}
}

// resigned is a token with the signature of another.
func resigned(t testing.TB, a, b secret.String) string {
	t.Helper()
	x, y := a.Reveal(), b.Reveal()
	return x[:strings.LastIndexByte(x, '.')] + y[strings.LastIndexByte(y, '.'):]
}

// renamed is a token whose claims name another pool.
func renamed(t testing.TB, raw secret.String, from, to string) string {
	t.Helper()
	parts := strings.Split(raw.Reveal(), ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(claims), from) {
		t.Fatal("the claims do not name the pool")
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(string(claims), from, to)))
	return strings.Join(parts, ".")
}

// TestSec_JWT_4_IssuerIsExact: the same pool under another public address does
// not accept the tokens of the first.
func TestSec_JWT_4_IssuerIsExact(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p)
	w.user(p, "jdoe", nil)
	got := w.signIn(c, "jdoe")
	_, moved := w.node()
	moved.Issuer = func(p *userpool.Pool) string { return "https://id.example.com/" + p.ID }
	_, err := moved.GetUser(t.Context(), got.Access.Reveal())
	wantSaid(t, err, "NotAuthorizedException: Invalid Access Token")
}

// TestSec_JWT_5_SelfServiceNeedsItsScope is the operation × scope matrix, as
// far as a token without the scope can be had: from a function that takes it.
func TestSec_JWT_5_SelfServiceNeedsItsScope(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV2))
	c := w.client(p)
	w.user(p, "jdoe", nil)
	operations := selfService(w)
	operations["GetUser"] = func(raw string) error { _, err := w.s.GetUser(t.Context(), raw); return err }
	operations["GlobalSignOut"] = func(raw string) error { return w.s.GlobalSignOut(t.Context(), raw) }
	for _, scopes := range []string{`"openid"`, `"rs/aws.cognito.signin.user.admin"`, `"aws.cognito.signin.user.adminx"`} {
		w.fn.responds(`{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":[` + scopes +
			`],"scopesToSuppress":["aws.cognito.signin.user.admin"]}}}`)
		got := w.signIn(c, "jdoe")
		for op, run := range operations {
			t.Run(op+" with "+scopes, func(t *testing.T) {
				wantSaid(t, run(got.Access.Reveal()), "NotAuthorizedException: Access Token does not have required scopes")
			})
		}
	}
}

// TestSec_RT_4_EndsOnTheNextRequestOfEveryNode: what one node ends, another
// that has cached all it caches refuses at once.
// A sign-in right after an end of all sign-ins has its auth_time in the next
// second, so that the end does not hold for it; the next end must.
func TestSec_RT_4_EachEndHoldsWithinOneSecond(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p)
	w.user(p, "ann", nil)
	var all []signin.Tokens
	for range 4 {
		all = append(all, w.signIn(c, "ann"))
		if _, err := w.s.GetUser(t.Context(), all[len(all)-1].Access.Reveal()); err != nil {
			t.Fatalf("sign-in %d is of no use: %v", len(all), err)
		}
		if err := w.s.AdminUserGlobalSignOut(t.Context(), p.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		for i, got := range all {
			if _, err := w.s.GetUser(t.Context(), got.Access.Reveal()); err == nil {
				t.Errorf("sign-in %d has outlived end %d", i+1, len(all))
			}
			if _, err := w.refresh(c, got.Refresh); err == nil {
				t.Errorf("refresh token %d has outlived end %d", i+1, len(all))
			}
		}
	}
}

func TestSec_RT_4_EndsOnTheNextRequestOfEveryNode(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p)
	ctx := t.Context()
	_, far := w.node()
	for i, x := range []struct {
		name string
		end  func(name string, got signin.Tokens) error
	}{
		{"RevokeToken", func(_ string, got signin.Tokens) error {
			return w.s.RevokeToken(ctx, signin.RevokeInput{ClientID: c.ID, Token: got.Refresh.Reveal()})
		}},
		{"GlobalSignOut", func(_ string, got signin.Tokens) error { return w.s.GlobalSignOut(ctx, got.Access.Reveal()) }},
		{"AdminUserGlobalSignOut", func(name string, _ signin.Tokens) error { return w.s.AdminUserGlobalSignOut(ctx, p.ID, name) }},
		{"AdminDisableUser", func(name string, _ signin.Tokens) error { return w.pools.SetEnabled(ctx, p.ID, name, false) }},
		{"AdminDeleteUser", func(name string, _ signin.Tokens) error { return w.pools.DeleteUser(ctx, p.ID, name) }},
		{"AdminSetUserPassword", func(name string, _ signin.Tokens) error {
			return w.pools.AdminSetPassword(ctx, userpool.PasswordChange{PoolID: p.ID, Username: name, Password: password + "2", Permanent: true})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			name := "user" + string(rune('a'+i))
			w.user(p, name, nil)
			got := w.signIn(c, name)
			refresh := func() error {
				_, err := far.InitiateAuth(ctx, signin.AuthInput{ClientID: c.ID, Flow: signin.FlowRefreshToken,
					Parameters: map[string]string{"REFRESH_TOKEN": got.Refresh.Reveal()}})
				return err
			}
			if _, err := far.GetUser(ctx, got.Access.Reveal()); err != nil {
				t.Fatal(err)
			}
			if err := refresh(); err != nil {
				t.Fatal(err)
			}
			if err := x.end(name, got); err != nil {
				t.Fatal(err)
			}
			if _, err := far.GetUser(ctx, got.Access.Reveal()); err == nil {
				t.Error("the access token still works on the other node")
			}
			wantSaid(t, refresh(), "NotAuthorizedException: Refresh Token has been revoked")
		})
	}
}

// TestSignOutAndSignInWithinOneSecond: times in tokens have no fractions, which
// used to leave either the old tokens alive or the new ones dead.
func TestSignOutAndSignInWithinOneSecond(t *testing.T) {
	for _, fraction := range []time.Duration{0, 250 * time.Millisecond, 999 * time.Millisecond} {
		w := newWorld(t)
		w.clock.t = w.clock.t.Truncate(time.Second).Add(fraction)
		p := w.pool()
		c := w.client(p)
		w.user(p, "jdoe", nil)
		old := w.signIn(c, "jdoe")
		if err := w.s.AdminUserGlobalSignOut(t.Context(), p.ID, "jdoe"); err != nil {
			t.Fatal(err)
		}
		fresh := w.signIn(c, "jdoe")
		_, err := w.s.GetUser(t.Context(), old.Access.Reveal())
		wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
		if _, err := w.s.GetUser(t.Context(), fresh.Access.Reveal()); err != nil {
			t.Errorf("at +%v the new token is refused: %v", fraction, err)
		}
		tokensOf(t)(w.refresh(c, fresh.Refresh))
	}
}

func TestRevokeToken(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c, other := w.client(p), w.client(p)
	secretive := w.client(p, func(in *userpool.NewClient) { in.GenerateSecret = true })
	off := w.client(p, func(in *userpool.NewClient) { in.RevocationEnabled = false })
	w.user(p, "jdoe", nil)
	ctx := t.Context()
	one, two := w.signIn(c, "jdoe"), w.signIn(c, "jdoe")
	for _, x := range []struct {
		name string
		in   signin.RevokeInput
		want string
	}{
		{"a token of another client ends nothing", signin.RevokeInput{ClientID: other.ID, Token: one.Refresh.Reveal()}, "no error"},
		{"garbage is no error", signin.RevokeInput{ClientID: c.ID, Token: "garbage"}, "no error"},
		{"an access token is of the wrong type", signin.RevokeInput{ClientID: c.ID, Token: one.Access.Reveal()}, "UnsupportedTokenTypeException: Unsupported token type"},
		{"an ID token is of the wrong type", signin.RevokeInput{ClientID: c.ID, Token: one.ID.Reveal()}, "UnsupportedTokenTypeException: Unsupported token type"},
		{"no client secret", signin.RevokeInput{ClientID: secretive.ID, Token: one.Refresh.Reveal()}, "UnauthorizedException: Client secret does not match."},
		{"wrong client secret", signin.RevokeInput{ClientID: secretive.ID, ClientSecret: "x", Token: one.Refresh.Reveal()}, "UnauthorizedException: Client secret does not match."},
		{"right client secret", signin.RevokeInput{ClientID: secretive.ID, ClientSecret: secretive.Secret().Reveal(), Token: one.Refresh.Reveal()}, "no error"},
		{"revocation is off", signin.RevokeInput{ClientID: off.ID, Token: one.Refresh.Reveal()}, "UnsupportedOperationException: Token revocation is not enabled for the client."},
		{"linked sessions are not built", signin.RevokeInput{ClientID: c.ID, Token: one.Refresh.Reveal(), LinkedSessions: true}, "InvalidParameterException: RevokeAssociatedSessions LINKED is not implemented by this server: see docs/parity.md"},
		{"unknown client", signin.RevokeInput{ClientID: "nobody", Token: one.Refresh.Reveal()}, "ResourceNotFoundException: User pool client nobody does not exist."},
	} {
		t.Run(x.name, func(t *testing.T) {
			wantSaid(t, w.s.RevokeToken(ctx, x.in), x.want)
			tokensOf(t)(w.refresh(c, one.Refresh))
		})
	}
	derived := tokensOf(t)(w.refresh(c, one.Refresh))
	for range 2 { // the second time is no error either
		if err := w.s.RevokeToken(ctx, signin.RevokeInput{ClientID: c.ID, Token: one.Refresh.Reveal()}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.s.GetUser(ctx, derived.Access.Reveal())
	wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
	tokensOf(t)(w.refresh(c, two.Refresh)) // the user's other sign-in lives on

	t.Run("an access token that outlives its refresh token stays revoked", func(t *testing.T) {
		short := w.client(p, func(in *userpool.NewClient) {
			in.RefreshTokenValidity, in.AccessTokenValidity, in.IDTokenValidity = 60, 60, 60
			in.Units = userpool.ValidityUnits{Refresh: "minutes", Access: "minutes", ID: "minutes"}
		})
		first := w.signIn(short, "jdoe")
		w.clock.advance(59 * time.Minute)
		late := tokensOf(t)(w.refresh(short, first.Refresh))
		if err := w.s.RevokeToken(ctx, signin.RevokeInput{ClientID: short.ID, Token: first.Refresh.Reveal()}); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(30 * time.Minute)
		if _, err := w.store.Sweep(ctx, w.clock.now(), 1000); err != nil {
			t.Fatal(err)
		}
		_, err := w.s.GetUser(ctx, late.Access.Reveal())
		wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
	})
}
