package signin_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// TestSec_DB_3_PoolsAreIsolated gives every operation that names a pool, or is
// of one by its client, ids of another pool.
func TestSec_DB_3_PoolsAreIsolated(t *testing.T) {
	w := newWorld(t)
	p, other := w.pool(), w.pool()
	c, foreign := w.client(p), w.client(other)
	u := w.user(other, "jdoe", map[string]string{"email": "j@x.io"})
	w.newcomer(other, "newcomer", nil)
	ctx := t.Context()
	theirs := w.signIn(foreign, "jdoe")
	challenge := w.challenge(foreign, "newcomer")
	k, parameters := w.srpFirst(foreign, "jdoe", password)
	proof := w.srpAnswer(foreign, k, parameters)

	noClient := "ResourceNotFoundException: User pool client " + foreign.ID + " does not exist."
	const noUser = "UserNotFoundException: User does not exist."
	admin := func(flow string, client *userpool.Client, parameters map[string]string) error {
		_, err := w.s.InitiateAuth(ctx, signin.AuthInput{Admin: true, PoolID: p.ID, ClientID: client.ID, Flow: flow, Parameters: parameters})
		return err
	}
	respond := func(in signin.ChallengeInput) error { _, err := w.s.RespondToAuthChallenge(ctx, in); return err }
	moved := proof
	moved.ClientID = c.ID
	adminProof := proof
	adminProof.Admin, adminProof.PoolID = true, p.ID
	for _, x := range []struct {
		name string
		err  error
		want string
	}{
		{"AdminInitiateAuth with a client of another pool", admin(signin.FlowAdminUserPassword, foreign, map[string]string{"USERNAME": "jdoe", "PASSWORD": password}), noClient},
		{"AdminInitiateAuth of another pool's user", admin(signin.FlowAdminUserPassword, c, map[string]string{"USERNAME": u.Sub, "PASSWORD": password}), noUser},
		{"AdminInitiateAuth by SRP of another pool's user", admin(signin.FlowUserSRP, c, map[string]string{"USERNAME": "jdoe", "SRP_A": "2a"}), noUser},
		{"refresh with another pool's token", admin(signin.FlowRefreshToken, c, map[string]string{"REFRESH_TOKEN": theirs.Refresh.Reveal()}), "NotAuthorizedException: Invalid Refresh Token"},
		{"InitiateAuth of another pool's user", func() error { _, err := w.try(c, "jdoe", password); return err }(), noUser},
		{"AdminRespondToAuthChallenge with a client of another pool", respond(adminProof), noClient},
		{"RespondToAuthChallenge with another pool's exchange", respond(moved), badSession},
		{"RespondToAuthChallenge with another pool's session", respond(signin.ChallengeInput{ClientID: c.ID, Challenge: challenge.Challenge, Session: challenge.Session,
			Responses: map[string]string{"USERNAME": "newcomer", "NEW_PASSWORD": password}}), badSession},
		{"AdminUserGlobalSignOut of another pool's user", w.s.AdminUserGlobalSignOut(ctx, p.ID, u.Sub), noUser},
		{"AdminUserGlobalSignOut of another pool's user by name", w.s.AdminUserGlobalSignOut(ctx, p.ID, "jdoe"), noUser},
		{"GetTokensFromRefreshToken", func() error { _, err := w.getTokens(c, theirs.Refresh); return err }(), "NotAuthorizedException: Invalid Refresh Token"},
		{"RevokeToken, which says nothing", w.s.RevokeToken(ctx, signin.RevokeInput{ClientID: c.ID, Token: theirs.Refresh.Reveal()}), "no error"},
	} {
		t.Run(x.name, func(t *testing.T) { wantSaid(t, x.err, x.want) })
	}
	// After all that, nothing of the other pool has changed.
	if _, err := w.s.GetUser(ctx, theirs.Access.Reveal()); err != nil {
		t.Errorf("the other pool's access token: %v", err)
	}
	tokensOf(t)(w.refresh(foreign, theirs.Refresh))
	tokensOf(t)(w.s.RespondToAuthChallenge(ctx, proof))
}

// TestSec_LOG_1_SignInLeavesNoSecrets runs the flows with every log open and
// looks for what they were given and what they gave.
func TestSec_LOG_1_SignInLeavesNoSecrets(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var told []signin.Event
	w.s.Logger, w.s.ShowClaims, w.s.Timeline = logger, false, func(e signin.Event) { told = append(told, e) }
	w.s.Triggers = &trigger.Client{Invoker: w.fn, Logger: logger, Record: func(i trigger.Invocation) { fmt.Fprintf(&log, "%+v\n", i) }}
	p := w.pool(withTrigger(userpool.PreTokenV2))
	w.user(p, "jdoe", map[string]string{"custom:tier": "canary-tier"})
	w.newcomer(p, "newcomer", nil)
	c := w.client(p, rotates(0), func(in *userpool.NewClient) { in.GenerateSecret = true })
	w.fn.responds(`{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":{"tenant":"canary-tenant"}}}}`)
	hash := func(name string) string { return secret.SecretHash(c.Secret().Reveal(), name, c.ID) }
	ctx := t.Context()
	canaries := []string{password, temporary, "canary-guess", "canary-tier", "canary-tenant", "canary-metadata", c.Secret().Reveal(), hash("jdoe"), hash("newcomer")}
	try := func(name, pass string) signin.AuthResult {
		r, err := w.s.InitiateAuth(ctx, signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
			Parameters:     map[string]string{"USERNAME": name, "PASSWORD": pass, "SECRET_HASH": hash(name)},
			ClientMetadata: map[string]string{"k": "canary-metadata"}})
		if err != nil {
			fmt.Fprintln(&log, err) // as the front end logs it
		}
		return r
	}
	keep := func(t signin.Tokens) {
		fmt.Fprintf(&log, "%v %+v %#v\n", t, t, t)
		for _, s := range []secret.String{t.ID, t.Access, t.Refresh} {
			if s != "" {
				canaries = append(canaries, s.Reveal())
			}
		}
	}
	try("jdoe", "canary-guess")
	first := try("jdoe", password).Tokens
	if first == nil {
		t.Fatal("no tokens")
	}
	keep(*first)
	challenge := try("newcomer", temporary)
	canaries = append(canaries, challenge.Session)
	r, err := w.s.RespondToAuthChallenge(ctx, signin.ChallengeInput{ClientID: c.ID, Challenge: challenge.Challenge, Session: challenge.Session,
		Responses:      map[string]string{"USERNAME": "newcomer", "NEW_PASSWORD": password, "SECRET_HASH": hash("newcomer")},
		ClientMetadata: map[string]string{"k": "canary-metadata"}})
	keep(tokensOf(t)(r, err))
	refresh := func(raw secret.String) error {
		got, err := w.s.RefreshTokens(ctx, signin.RefreshInput{ClientID: c.ID, ClientSecret: c.Secret().Reveal(), RefreshToken: raw.Reveal()})
		if err == nil {
			keep(got)
		} else {
			fmt.Fprintln(&log, err)
		}
		return err
	}
	if err := refresh(first.Refresh); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, refresh(first.Refresh), reuse)
	for _, raw := range []string{first.ID.Reveal(), first.Refresh.Reveal(), "canary-guess"} {
		_, err := w.s.GetUser(ctx, raw)
		fmt.Fprintln(&log, err)
	}
	fmt.Fprintf(&log, "%+v\n%+v\n", told, w.s.RecentSignIns("", 100))

	if n := len(told); n < 6 {
		t.Fatalf("%d events, want 6 or more", n)
	}
	if !strings.Contains(log.String(), "used again after rotation") || !strings.Contains(log.String(), "tenant") {
		t.Fatal("the log lacks what it should have")
	}
	for _, canary := range canaries {
		if strings.Contains(log.String(), canary) {
			t.Errorf("%.12s… is in the log", canary)
		}
		// The payload of a token is as telling as the token.
		if parts := strings.Split(canary, "."); len(parts) > 2 && strings.Contains(log.String(), parts[1]) {
			t.Error("the payload of a token is in the log")
		}
	}
}
