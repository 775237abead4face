package signin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Tokens is what a sign-in or a refresh gives.
type Tokens struct {
	ID, Access secret.String
	Refresh    secret.String // "" where the caller keeps the one it has
	ExpiresIn  int64         // seconds that the access token lives
}

// ScopeSelfService is the scope of tokens from sign-ins by API, and what the
// self-service operations ask for.
const ScopeSelfService = "aws.cognito.signin.user.admin"

// issueInput is what tokens are made of, besides the attempt.
type issueInput struct {
	user   store.User
	groups []store.Group
	source trigger.Source
	// of is the sign-in that a refresh goes back to; nil for a new one.
	of *token.Refresh
	// refreshable asks for a refresh token as well.
	refreshable bool
}

// issue makes the tokens of a user: the only place that does. It asks the
// pool's pre token generation function, and makes none without its consent.
func (s *Service) issue(ctx context.Context, a *attempt, in issueInput) (Tokens, error) {
	origin := in.of
	if origin == nil {
		origin = s.newOrigin(a, in.user)
	}
	a.event.EventID, a.event.OriginJTI = origin.EventID, origin.OriginJTI
	a.about(in.user)

	keys, err := s.Pools.Keys(ctx, a.pool.ID)
	if err != nil {
		return Tokens{}, fmt.Errorf("signing keys: %w", err)
	}
	m := membershipOf(in.groups)
	id, access := s.claims(a, in.user, m, origin)
	if a.pool.PreToken.ARN != "" {
		a.event.Trigger = &TriggerEffect{ARN: a.pool.PreToken.ARN, Version: a.pool.PreToken.Version, Source: string(in.source)}
		a.mark(PhaseClaims)
		o, err := s.preToken(ctx, a, in, m, origin.Scopes)
		a.mark(PhaseTrigger)
		if err != nil {
			return Tokens{}, err
		}
		newID, newAccess := id.Apply(token.ID, o), access.Apply(token.Access, o)
		s.effect(a.event.Trigger, o, id, newID, access, newAccess)
		id, access = newID, newAccess
	}

	t := Tokens{ExpiresIn: int64(a.client.AccessLife() / time.Second)}
	signed, err := keys.Access.Sign(access)
	if err != nil {
		return Tokens{}, fmt.Errorf("access token: %w", err)
	}
	if len(signed) > token.MaxSize && a.pool.PreToken.ARN != "" {
		// Every operation would refuse it, and nobody would know why.
		return Tokens{}, apierr.New(apierr.InvalidLambdaResponse, "Unrecognizable lambda output").
			Because(fmt.Errorf("the access token would have %d bytes, of %d at most", len(signed), token.MaxSize))
	}
	t.Access = secret.String(signed)
	if signed, err = keys.ID.Sign(id); err != nil {
		return Tokens{}, fmt.Errorf("id token: %w", err)
	}
	t.ID = secret.String(signed)
	a.mark(PhaseSigning)
	if in.refreshable {
		if t.Refresh, err = s.sealRefresh(*origin); err != nil {
			return Tokens{}, err
		}
	}
	return t, nil
}

// newOrigin is a sign-in that happens now.
func (s *Service) newOrigin(a *attempt, u store.User) *token.Refresh {
	r := &token.Refresh{
		Pool: a.pool.ID, Client: a.client.ID, Sub: u.Sub,
		OriginJTI: secret.UUID(), EventID: secret.UUID(),
		AuthTime: authTime(a.now, u), IssuedAt: a.now, Expires: a.now.Add(a.client.RefreshLife()),
		Scopes: []string{ScopeSelfService},
	}
	if a.client.Rotation.Enabled {
		r.RotationID = secret.UUID()
	}
	return r
}

const refreshPurpose = "refresh token"

func (s *Service) sealRefresh(r token.Refresh) (secret.String, error) {
	text, err := token.SealRefresh(s.KEK.Box(refreshPurpose), r)
	return secret.String(text), err
}

// membership is what a user's groups put into tokens.
type membership struct {
	groups, roles []string
	preferred     string
}

// membershipOf reads groups that are in order of precedence. The preferred role
// is that of the best precedence among groups with a role; if several have it
// and disagree, there is none.
func membershipOf(groups []store.Group) membership {
	var m membership
	var best *store.Group
	tied := true // all roles of the best precedence are the same
	for i := range groups {
		g := &groups[i]
		m.groups = append(m.groups, g.Name)
		if g.RoleARN == "" {
			continue
		}
		if !slices.Contains(m.roles, g.RoleARN) {
			m.roles = append(m.roles, g.RoleARN)
		}
		switch {
		case best == nil:
			best = g
		case samePrecedence(best, g):
			tied = tied && best.RoleARN == g.RoleARN
		}
	}
	if best != nil && tied {
		m.preferred = best.RoleARN
	}
	return m
}

func samePrecedence(a, b *store.Group) bool {
	if a.Precedence == nil || b.Precedence == nil {
		return a.Precedence == b.Precedence
	}
	return *a.Precedence == *b.Precedence
}

// claims builds both tokens before any function sees them. The order of the
// members is near to Cognito's; nobody depends on it.
func (s *Service) claims(a *attempt, u store.User, m membership, o *token.Refresh) (id, access token.Claims) {
	var (
		issuer    = s.Issuer(a.pool)
		issued    = a.now.Unix()
		traceable = a.client.RevocationEnabled || a.client.Rotation.Enabled
	)
	id.Set("sub", u.Sub)
	access.Set("sub", u.Sub)
	if len(m.groups) > 0 {
		groups := quoteAll(m.groups)
		id.SetRaw("cognito:groups", groups)
		access.SetRaw("cognito:groups", groups)
	}
	if m.preferred != "" {
		id.Set("cognito:preferred_role", m.preferred)
	}
	id.Set("iss", issuer)
	access.Set("iss", issuer)
	id.Set("cognito:username", u.Username)
	access.Set("client_id", a.client.ID)
	if traceable {
		id.Set("origin_jti", o.OriginJTI)
		access.Set("origin_jti", o.OriginJTI)
	}
	if len(m.roles) > 0 {
		id.SetRaw("cognito:roles", quoteAll(m.roles))
	}
	id.Set("aud", a.client.ID)
	for _, t := range []struct {
		c    *token.Claims
		use  token.Use
		life time.Duration
	}{{&id, token.ID, a.client.IDLife()}, {&access, token.Access, a.client.AccessLife()}} {
		t.c.Set("event_id", o.EventID)
		t.c.Set("token_use", string(t.use))
		if t.use == token.Access && len(o.Scopes) > 0 {
			t.c.Set("scope", strings.Join(o.Scopes, " "))
		}
		t.c.Set("auth_time", o.AuthTime.Unix())
		t.c.Set("exp", issued+int64(t.life/time.Second))
		t.c.Set("iat", issued)
		if traceable || t.use == token.Access {
			t.c.Set("jti", secret.UUID())
		}
	}
	access.Set("username", u.Username)
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		// A claim that is there is ours; no attribute of a schema has its name.
		if v := u.Attributes[name]; v != "" && a.client.CanRead(name) && !id.Has(name) {
			setAttribute(&id, name, v)
		}
	}
	return id, access
}

// setAttribute sets the claim of an attribute. All values are stored as text;
// a few standard ones have a type of their own in tokens.
func setAttribute(c *token.Claims, name, value string) {
	switch name {
	case "email_verified", "phone_number_verified":
		c.Set(name, value == "true")
	case "updated_at":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			c.Set(name, n)
			return
		}
		c.Set(name, value)
	case "address":
		// Whatever the text is, JSON included, it is the formatted address.
		c.Set(name, map[string]string{"formatted": value})
	case "identities":
		if v := jsontext.Value(value); v.IsValid() && v.Kind() == jsontext.KindBeginArray {
			c.SetRaw(name, v)
		}
	default:
		c.Set(name, value)
	}
}

func quoteAll(list []string) jsontext.Value {
	b, err := json.Marshal(list)
	if err != nil {
		// Only invalid UTF-8 fails; the schema lets none in.
		return jsontext.Value("[]")
	}
	return b
}

// preToken asks the pool's function. Without a way to ask it there is no token.
func (s *Service) preToken(ctx context.Context, a *attempt, in issueInput, m membership, scopes []string) (token.Overrides, error) {
	p := a.pool
	if s.Triggers == nil {
		return token.Overrides{}, apierr.New(apierr.UnexpectedLambda,
			"PreTokenGeneration invocation failed due to error ServiceException.").Because(errors.New("no function host"))
	}
	version, err := token.ParseVersion(p.PreToken.Version)
	if err != nil {
		return token.Overrides{}, err
	}
	pool, err := arn.Parse(p.ARN)
	if err != nil {
		return token.Overrides{}, fmt.Errorf("pool's ARN: %w", err)
	}
	return s.Triggers.PreToken(ctx, trigger.PreTokenInput{
		FunctionARN: p.PreToken.ARN,
		Version:     version,
		Event: trigger.Event{
			Source: in.source, Region: arn.PoolRegion(p.ID), PoolID: p.ID, PoolARN: p.ARN, Account: pool.Account,
			UserName: in.user.Username, SDKVersion: trigger.SDKVersion(a.caller.UserAgent), ClientID: a.client.ID,
		},
		UserAttributes: triggerAttributes(p, in.user),
		Groups:         trigger.Groups{GroupsToOverride: m.groups, IAMRolesToOverride: m.roles, PreferredRole: m.preferred},
		Scopes:         scopes,
		ClientMetadata: a.metadata,
		Observe:        func(x trigger.Exchange) { s.observe(a.event.Trigger, x) },
	})
}

// triggerAttributes is the profile as functions see it: all of it, whatever
// the client may read, since the function belongs to the pool.
func triggerAttributes(p *userpool.Pool, u store.User) map[string]string {
	m := make(map[string]string, len(u.Attributes)+4)
	maps.Copy(m, u.Attributes)
	m["sub"] = u.Sub
	m["cognito:user_status"] = u.Status
	for name, claim := range map[string]string{"email": "cognito:email_alias", "phone_number": "cognito:phone_number_alias"} {
		if v := u.Attributes[name]; v != "" && u.Attributes[name+"_verified"] == "true" && slices.Contains(p.AliasAttributes, name) {
			m[claim] = v
		}
	}
	return m
}

// observe notes how a call of a function went.
func (s *Service) observe(e *TriggerEffect, x trigger.Exchange) {
	e.RequestID, e.Duration, e.Attempts, e.Cold = x.RequestID, x.Duration, x.Attempts, x.Cold
	if s.ShowClaims {
		e.Event, e.Answer = shownPayload(x.Event), shownPayload(x.Answer)
	}
}

// effect notes what a function did to both tokens.
func (s *Service) effect(e *TriggerEffect, o token.Overrides, id, newID, access, newAccess token.Claims) {
	changes := slices.Concat(
		token.Diff(id, newID, token.ID), token.Refused(token.ID, o, id),
		token.Diff(access, newAccess, token.Access), token.Refused(token.Access, o, access))
	e.Changes, e.Dropped = redactChanges(changes, s.ShowClaims)
}
