package signin_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func withTrigger(version string) func(*userpool.Settings) {
	return func(s *userpool.Settings) { s.PreToken = userpool.PreToken{ARN: functionARN, Version: version} }
}

func request(t testing.TB, event token.Claims) token.Claims {
	t.Helper()
	raw, _ := event.Get("request")
	c, err := token.ParseClaims(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTriggerCases is cases 49, 56 and 57 of triggers.md 8, and the source of
// each flow of triggers.md 2; the other cases are trigger's and token's.
func TestTriggerCases(t *testing.T) {
	for _, version := range []string{userpool.PreTokenV1, userpool.PreTokenV2, userpool.PreTokenV3} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t)
			p := w.pool(withTrigger(version))
			c, rotating := w.client(p), w.client(p, rotates(time.Minute))
			w.user(p, "jdoe", profile)
			w.newcomer(p, "newcomer", nil)
			metadata := map[string]string{"a": "1"}

			sources := func() (got []string) {
				for _, e := range w.fn.calls() {
					got = append(got, e.String("triggerSource"))
				}
				w.fn.mu.Lock()
				w.fn.events = nil
				w.fn.mu.Unlock()
				return got
			}

			t.Run("56 InitiateAuth does not pass ClientMetadata on", func(t *testing.T) {
				tokensOf(t)(w.s.InitiateAuth(t.Context(), signin.AuthInput{
					ClientID: c.ID, Flow: signin.FlowUserPassword, ClientMetadata: metadata,
					Parameters: map[string]string{"USERNAME": "jdoe", "PASSWORD": password},
					Caller:     signin.Caller{UserAgent: "aws-sdk-js/3.1169.0 os/linux"},
				}))
				calls := w.fn.calls()
				if len(calls) != 1 {
					t.Fatalf("%d calls, want 1", len(calls))
				}
				e := calls[0]
				if request(t, e).Has("clientMetadata") {
					t.Error("the request has clientMetadata")
				}
				if v := e.String("version"); "V"+v+"_0" != version {
					t.Errorf("event version %q under %s", v, version)
				}
				raw, _ := e.Get("callerContext")
				if want := `{"awsSdkVersion":"aws-sdk-js-3.1169.0","clientId":"` + c.ID + `"}`; string(raw) != want {
					t.Errorf("callerContext %s, want %s", raw, want)
				}
				if got := sources(); got[0] != "TokenGeneration_Authentication" {
					t.Errorf("source %v", got)
				}
			})

			t.Run("57 RespondToAuthChallenge passes ClientMetadata on", func(t *testing.T) {
				k, parameters := w.srpFirst(c, "jdoe", password)
				answer := w.srpAnswer(c, k, parameters)
				answer.ClientMetadata = metadata
				tokensOf(t)(w.s.RespondToAuthChallenge(t.Context(), answer))
				got, _ := request(t, w.fn.calls()[0]).Get("clientMetadata")
				if string(got) != `{"a":"1"}` {
					t.Errorf("clientMetadata %s", got)
				}
				if got := sources(); len(got) != 1 || got[0] != "TokenGeneration_Authentication" {
					t.Errorf("sources %v", got)
				}
			})

			t.Run("a new password", func(t *testing.T) {
				r, err := w.try(c, "newcomer", temporary)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(w.fn.calls()); n != 0 {
					t.Errorf("%d calls before the challenge was answered", n)
				}
				tokensOf(t)(w.s.RespondToAuthChallenge(t.Context(), signin.ChallengeInput{
					ClientID: c.ID, Challenge: r.Challenge, Session: r.Session,
					Responses: map[string]string{"USERNAME": "newcomer", "NEW_PASSWORD": password},
				}))
				attributes, _ := request(t, w.fn.calls()[0]).Get("userAttributes")
				if !strings.Contains(string(attributes), `"cognito:user_status":"CONFIRMED"`) {
					t.Errorf("userAttributes %s", attributes)
				}
				if got := sources(); len(got) != 1 || got[0] != "TokenGeneration_NewPasswordChallenge" {
					t.Errorf("sources %v", got)
				}
			})

			t.Run("49 a refresh asks the function as it is now", func(t *testing.T) {
				first := w.signIn(c, "jdoe")
				before := w.claims(p, first.ID, token.ID)
				sources()
				container := "claimsAndScopeOverrideDetails"
				response := `{"idTokenGeneration":{"claimsToAddOrOverride":{"x":"now"}}}`
				if version == userpool.PreTokenV1 {
					container, response = "claimsOverrideDetails", `{"claimsToAddOrOverride":{"x":"now"}}`
				}
				w.fn.responds(`{"` + container + `":` + response + `}`)
				defer w.fn.reset()
				w.clock.advance(10 * time.Second)
				got := tokensOf(t)(w.refresh(c, first.Refresh))
				after := w.claims(p, got.ID, token.ID)
				if after.String("x") != "now" || before.Has("x") {
					t.Error("the new ID token alone should have x")
				}
				for _, name := range []string{"auth_time", "origin_jti", "event_id"} {
					a, _ := before.Get(name)
					b, ok := after.Get(name)
					if !ok || string(a) != string(b) {
						t.Errorf("%s was %s, is %s", name, a, b)
					}
				}
				if got.Refresh != "" {
					t.Error("REFRESH_TOKEN_AUTH gave a refresh token")
				}
				if got := sources(); len(got) != 1 || got[0] != "TokenGeneration_RefreshTokens" {
					t.Errorf("sources %v", got)
				}
			})

			t.Run("GetTokensFromRefreshToken passes ClientMetadata on", func(t *testing.T) {
				first := w.signIn(rotating, "jdoe")
				sources()
				if _, err := w.s.RefreshTokens(t.Context(), signin.RefreshInput{
					ClientID: rotating.ID, RefreshToken: first.Refresh.Reveal(), ClientMetadata: metadata,
				}); err != nil {
					t.Fatal(err)
				}
				got, _ := request(t, w.fn.calls()[0]).Get("clientMetadata")
				if string(got) != `{"a":"1"}` {
					t.Errorf("clientMetadata %s", got)
				}
				if got := sources(); len(got) != 1 || got[0] != "TokenGeneration_Authentication" {
					t.Errorf("sources %v", got)
				}
			})
		})
	}
}

func (f *function) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events, f.answer = nil, nil
}

// TestArticle is the story of the article, up to the decoded token, and what
// the timeline says of it.
func TestArticle(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV1))
	c := w.client(p)
	w.user(p, "jdoe", profile)
	w.fn.responds(`{"claimsOverrideDetails":{"claimsToAddOrOverride":{"tenantId":"acme","departmentId":"42","sub":"Z"},"claimsToSuppress":["email"]}}`)
	got := w.signIn(c, "jdoe")
	id, access := w.claims(p, got.ID, token.ID), w.claims(p, got.Access, token.Access)
	if id.String("tenantId") != "acme" || id.String("departmentId") != "42" || id.Has("email") || !id.Has("email_verified") {
		t.Errorf("ID token %s", id.AppendJSON(nil))
	}
	if access.Has("tenantId") {
		t.Error("V1 changed the access token")
	}
	events := w.s.RecentSignIns(p.ID, 10)
	if len(events) != 1 || events[0].Outcome != "tokens" || events[0].Username != "jdoe" || events[0].Trigger == nil {
		t.Fatalf("timeline %+v", events)
	}
	var lines []string
	for _, c := range events[0].Trigger.Changes {
		lines = append(lines, string(c.Token)+" "+string(c.Kind)+" "+c.Claim+" "+string(c.Before)+"→"+string(c.After))
	}
	want := `id suppressed email "j@x.io"→|id added tenantId →"acme"|id added departmentId →"42"|id refused sub `
	if text := strings.Join(lines, "|"); !strings.HasPrefix(text, want) {
		t.Errorf("changes %s\nwant    %s…", text, want)
	}
	if e, ok := w.s.SignInOf(id.String("event_id")); !ok || e.EventID != id.String("event_id") {
		t.Error("the sign-in of the token is not found")
	}

	if e, a := string(events[0].Trigger.Event), string(events[0].Trigger.Answer); !strings.Contains(e, `"userName":"jdoe"`) || !strings.Contains(a, `"tenantId":"acme"`) {
		t.Errorf("event %s\nanswer %s", e, a)
	}
	var phases []string
	var sum time.Duration
	for _, p := range events[0].Phases {
		phases = append(phases, p.Name)
		sum += p.Duration
	}
	if got, want := strings.Join(phases, " "), "user password claims trigger signing rest"; got != want || sum != events[0].Duration || sum <= 0 {
		t.Errorf("phases %s of %v in %v, want %s", got, sum, events[0].Duration, want)
	}

	w.s.ShowClaims = false
	w.signIn(c, "jdoe")
	if e := w.s.RecentSignIns(p.ID, 1)[0].Trigger; e.Event != nil || e.Answer != nil {
		t.Errorf("without ShowClaims: event %s, answer %s", e.Event, e.Answer)
	}
	for _, c := range w.s.RecentSignIns(p.ID, 1)[0].Trigger.Changes {
		for _, v := range []jsontext.Value{c.Before, c.After} {
			if v != nil && string(v) != `"***"` {
				t.Errorf("change of %s shows %s", c.Claim, v)
			}
		}
	}
}

// TestSec_FN_6_NoTokenWithoutConsent walks the ways in which a function can
// fail, in every flow that gives tokens: nothing is issued, nothing is written.
func TestSec_FN_6_NoTokenWithoutConsent(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p)
	w.user(p, "jdoe", nil)
	w.newcomer(p, "newcomer", nil)
	refresh := w.signIn(c, "jdoe").Refresh
	w.setTrigger(p, userpool.PreTokenV2)

	flows := map[string]func() (signin.AuthResult, error){
		"password": func() (signin.AuthResult, error) { return w.try(c, "jdoe", password) },
		"srp":      func() (signin.AuthResult, error) { return w.srp(c, "jdoe", password) },
		"refresh":  func() (signin.AuthResult, error) { return w.refresh(c, refresh) },
		"GetTokensFromRefreshToken": func() (signin.AuthResult, error) {
			got, err := w.getTokens(c, refresh)
			return signin.AuthResult{Tokens: &got}, err
		},
		"new password": func() (signin.AuthResult, error) {
			r, err := w.try(c, "newcomer", temporary)
			if err != nil {
				return r, err
			}
			return w.s.RespondToAuthChallenge(t.Context(), signin.ChallengeInput{
				ClientID: c.ID, Challenge: r.Challenge, Session: r.Session,
				Responses: map[string]string{"USERNAME": "newcomer", "NEW_PASSWORD": password},
			})
		},
	}
	for _, x := range []struct {
		name   string
		answer func(token.Claims) (jsontext.Value, error)
		want   string
	}{
		{"throws", func(token.Claims) (jsontext.Value, error) { return nil, thrown("No access") },
			"UserLambdaValidationException: PreTokenGeneration failed with error No access."},
		{"null", func(token.Claims) (jsontext.Value, error) { return jsontext.Value("null"), nil },
			"InvalidLambdaResponseException: Unrecognizable lambda output"},
		{"not allowed", func(token.Claims) (jsontext.Value, error) { return nil, apierr.New(apierr.AccessDenied, "no") },
			"UnexpectedLambdaException: PreTokenGeneration invocation failed due to error AccessDeniedException."},
	} {
		for flow, run := range flows {
			t.Run(x.name+" in "+flow, func(t *testing.T) {
				w.fn.mu.Lock()
				w.fn.answer = x.answer
				w.fn.mu.Unlock()
				r, err := run()
				wantSaid(t, err, x.want)
				if r.Tokens != nil && (r.Tokens.Access != "" || r.Tokens.ID != "" || r.Tokens.Refresh != "") {
					t.Error("tokens beside an error")
				}
			})
		}
	}
	if got := w.find(p, "newcomer").Status; got != userpool.StatusForceChangePassword {
		t.Errorf("newcomer is %s after a refused function", got)
	}

	t.Run("a server without a function host gives no tokens", func(t *testing.T) {
		alone := &signin.Service{Pools: w.pools, Store: w.store, KEK: w.kek, Issuer: w.s.Issuer, Now: w.clock.now, Logger: slog.New(slog.DiscardHandler)}
		_, err := alone.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
			Parameters: map[string]string{"USERNAME": "jdoe", "PASSWORD": password}})
		if apierr.CodeOf(err) != apierr.UnexpectedLambda {
			t.Errorf("got %v", err)
		}
	})
}

// setTrigger gives a pool that exists a pre token generation function.
func (w *world) setTrigger(p *userpool.Pool, version string) {
	w.t.Helper()
	settings := p.Settings
	settings.PreToken = userpool.PreToken{ARN: functionARN, Version: version}
	if _, err := w.pools.UpdatePool(w.t.Context(), p.ID, p.Name, settings); err != nil {
		w.t.Fatal(err)
	}
}

func TestScopesOfTheFunctionDecideWhatATokenMayDo(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV2))
	c := w.client(p)
	w.user(p, "jdoe", nil)
	w.fn.responds(`{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":["rs/read"],"scopesToSuppress":["aws.cognito.signin.user.admin"]}}}`)
	got := w.signIn(c, "jdoe")
	if scope := w.claims(p, got.Access, token.Access).String("scope"); scope != "rs/read" {
		t.Errorf("scope %q", scope)
	}
	_, err := w.s.GetUser(t.Context(), got.Access.Reveal())
	wantSaid(t, err, "NotAuthorizedException: Access Token does not have required scopes")
}

var errHost = errors.New("host broke")

// An access token is something to call with. One that no operation would look
// at, for its length, used to be handed out all the same.
func TestAFunctionCannotMakeAnAccessTokenTooLong(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV2))
	c := w.client(p)
	w.user(p, "jdoe", nil)
	claim := func(n int) string {
		return `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"x":"` + strings.Repeat("x", n) + `"}}}}`
	}
	w.fn.responds(claim(token.MaxSize / 2))
	got := w.signIn(c, "jdoe")
	if _, err := w.s.GetUser(t.Context(), got.Access.Reveal()); err != nil {
		t.Errorf("GetUser with a long access token: %v", err)
	}
	w.fn.responds(claim(token.MaxSize))
	_, err := w.try(c, "jdoe", password)
	wantSaid(t, err, "InvalidLambdaResponseException: Unrecognizable lambda output")
	_, err = w.refresh(c, got.Refresh)
	wantSaid(t, err, "InvalidLambdaResponseException: Unrecognizable lambda output")
}

func TestHostErrorsAreNotShown(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV1))
	c := w.client(p)
	w.user(p, "jdoe", nil)
	w.fn.answer = func(token.Claims) (jsontext.Value, error) { return nil, errHost }
	_, err := w.try(c, "jdoe", password)
	if err == nil || strings.Contains(said(err), "host broke") {
		t.Errorf("got %s", said(err))
	}
}

var _ trigger.Invoker = (*function)(nil)
