package signin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// TestSec_LOG_1_ShownEventsHaveNoSecrets is the timeline of a development
// server, which shows claims, events and answers: not even there does it keep
// a password, a token, or what its name says is a secret.
func TestSec_LOG_1_ShownEventsHaveNoSecrets(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV2))
	c := w.client(p, func(in *userpool.NewClient) { in.GenerateSecret = true })
	w.fn.responds(`{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":{"tenantId":"acme","apiKey":"canary-key","nested":{"client_secret":["canary-nested"],"plain":"seen"}}}}}`)
	canaries := []string{temporary, password, c.Secret().Reveal(), "canary-key", "canary-nested", "canary-metadata"}
	// A newcomer chooses a password, with metadata for the function.
	welcome := func(name string, metadata map[string]string) signin.Tokens {
		w.newcomer(p, name, map[string]string{"custom:tier": "gold"})
		hash := secret.SecretHash(c.Secret().Reveal(), name, c.ID)
		first, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
			Parameters: map[string]string{"USERNAME": name, "PASSWORD": temporary, "SECRET_HASH": hash}})
		if err != nil {
			t.Fatal(err)
		}
		got := tokensOf(t)(w.s.RespondToAuthChallenge(t.Context(), signin.ChallengeInput{ClientID: c.ID, Challenge: first.Challenge, Session: first.Session,
			Responses:      map[string]string{"USERNAME": name, "NEW_PASSWORD": password, "SECRET_HASH": hash},
			ClientMetadata: metadata}))
		canaries = append(canaries, hash, first.Session, got.ID.Reveal(), got.Access.Reveal(), got.Refresh.Reveal())
		return got
	}
	got := welcome("first", map[string]string{"accessToken": "canary-metadata", "campaign": "spring"})
	welcome("second", map[string]string{"note": "as " + got.ID.Reveal(), "other": got.Refresh.Reveal()})

	events := w.s.RecentSignIns("", 100)
	text, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text) + fmt.Sprintf("%+v", events)
	for _, want := range []string{"acme", "spring", "gold", "seen", "campaign"} {
		if !strings.Contains(all, want) {
			t.Errorf("the timeline does not show %q", want)
		}
	}
	for _, canary := range canaries {
		if strings.Contains(all, canary) {
			t.Errorf("the timeline shows %.40q", canary)
		}
	}
	if len(events) != 4 || len(canaries) != 6+2*5 {
		t.Errorf("%d events, %d canaries", len(events), len(canaries))
	}
}

// TestSec_FN_8_ShownAnswers is whatever a function may answer, as the timeline
// keeps it: bounded, and JSON that encodes.
func TestSec_FN_8_ShownAnswers(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV2))
	c := w.client(p)
	w.user(p, "jdoe", nil)
	for _, x := range []struct{ name, answer, want string }{
		{"null", `null`, `null`},
		{"not JSON", `{"a":`, `"… 5 bytes that are not JSON"`},
		{"two values", `{} {}`, `"… 5 bytes that are not JSON"`},
		{"twice the same name", `{"a":1,"a":2}`, `"… 13 bytes that are not JSON"`},
		{"not UTF-8", "\"\xff\"", `"… 3 bytes that are not JSON"`},
		{"large", `"` + strings.Repeat("x", 17<<10) + `"`, `"… 17410 bytes"`},
		{"secrets", `{"response":{"Password":"x","refresh_token":7,"text":"see eyJhbGciOiJub25lIn0.eyJhIjoxfQ.","token_use":"id"}}`,
			`{"response":{"Password":"***","refresh_token":"***","text":"***","token_use":"id"}}`},
	} {
		t.Run(x.name, func(t *testing.T) {
			w.fn.answer = func(token.Claims) (jsontext.Value, error) { return jsontext.Value(x.answer), nil }
			_, _ = w.try(c, "jdoe", password) // most are refused; the timeline is what counts
			e := w.s.RecentSignIns(p.ID, 1)[0]
			if e.Trigger == nil || string(e.Trigger.Answer) != x.want || !e.Trigger.Answer.IsValid() {
				t.Errorf("%+v, want the answer %s", e.Trigger, x.want)
			}
		})
	}
	t.Run("throws", func(t *testing.T) {
		w.fn.answer = func(token.Claims) (jsontext.Value, error) { return nil, thrown("No access") }
		_, _ = w.try(c, "jdoe", password)
		e := w.s.RecentSignIns(p.ID, 1)[0]
		if e.Outcome != "UserLambdaValidationException" || e.Trigger == nil || !strings.Contains(string(e.Trigger.Answer), "No access") || e.Trigger.Event == nil {
			t.Errorf("%s: %+v", e.Outcome, e.Trigger)
		}
	})
}
