package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Flows of InitiateAuth and AdminInitiateAuth.
const (
	FlowUserPassword      = "USER_PASSWORD_AUTH"
	FlowUserSRP           = "USER_SRP_AUTH"
	FlowAdminUserPassword = "ADMIN_USER_PASSWORD_AUTH"
	FlowRefreshToken      = "REFRESH_TOKEN_AUTH"
	FlowCustom            = "CUSTOM_AUTH"
	FlowUser              = "USER_AUTH"

	flowAdminNoSRP   = "ADMIN_NO_SRP_AUTH" // the old name of FlowAdminUserPassword
	flowRefreshShort = "REFRESH_TOKEN"     // another name of FlowRefreshToken
)

// AuthInput is a request to begin a sign-in, or to refresh.
type AuthInput struct {
	Admin      bool   // AdminInitiateAuth
	PoolID     string // AdminInitiateAuth only
	ClientID   string
	Flow       string
	Parameters map[string]string
	// ClientMetadata is for the triggers before the password is checked. It is
	// not given to pre token generation.
	ClientMetadata map[string]string
	Caller         Caller
}

// AuthResult is tokens, or the challenge that has to be answered first.
type AuthResult struct {
	Tokens *Tokens // nil: a challenge

	Challenge  string
	Session    string // "" for PASSWORD_VERIFIER, whose state is in SECRET_BLOCK
	Parameters map[string]string
}

// attempt is one request for tokens on its way through the package.
type attempt struct {
	pool     *userpool.Pool
	client   *userpool.Client
	admin    bool
	caller   Caller
	now      time.Time         // of the whole request
	metadata map[string]string // for pre token generation; nil: none
	event    Event
	began    time.Time // by the machine's clock, as marked
	marked   time.Time // when the phase before ended
}

// source names whose failures are counted besides the user's: the address of
// a public client. An administrator, or a client with a secret, is a server
// that speaks for many people.
func (a *attempt) source() string {
	if a.admin || a.client.HasSecret() {
		return ""
	}
	return sourceSubject(a.caller.SourceIP)
}

// about notes who the attempt turned out to be about.
func (a *attempt) about(u store.User) { a.event.Username, a.event.Sub = u.Username, u.Sub }

// begin resolves pool and client of a request.
func (s *Service) begin(ctx context.Context, a *attempt, poolID, clientID string) (err error) {
	a.now = s.now()
	a.began = time.Now()
	a.marked = a.began
	a.event.Time, a.event.RequestID, a.event.ClientID, a.event.PoolID = a.now, a.caller.RequestID, clientID, poolID
	if a.admin {
		if a.pool, err = s.Pools.Pool(ctx, poolID); err != nil {
			return err
		}
		a.client, err = s.Pools.Client(ctx, poolID, clientID)
		return err
	}
	if a.pool, a.client, err = s.Pools.ClientByID(ctx, clientID); err != nil {
		return err
	}
	a.event.PoolID = a.pool.ID
	return nil
}

// end puts the attempt into the timeline.
func (s *Service) end(a *attempt, r AuthResult, err error) {
	e := &a.event
	switch {
	case err != nil:
		public := apierr.Public(err)
		e.Outcome, e.Message = string(public.Code), public.Message
	case r.Tokens != nil:
		e.Outcome = "tokens"
	default:
		e.Outcome = r.Challenge
	}
	if !a.began.IsZero() { // else it ended at its input
		a.mark(PhaseRest)
		e.Duration = a.marked.Sub(a.began)
	}
	e.Username, e.Message = shorten(e.Username, maxShownString), shorten(e.Message, maxShownMessage)
	s.events.add(*e)
	if s.Timeline != nil {
		s.Timeline(*e)
	}
}

// InitiateAuth begins a sign-in, or refreshes: InitiateAuth and
// AdminInitiateAuth.
func (s *Service) InitiateAuth(ctx context.Context, in AuthInput) (r AuthResult, err error) {
	a := &attempt{admin: in.Admin, caller: in.Caller, event: Event{Flow: in.Flow, Username: in.Parameters["USERNAME"]}}
	defer func() { s.end(a, r, err) }()

	// 1 Input: the method, the client, what it may do.
	flow := in.Flow
	switch flow {
	case flowAdminNoSRP:
		flow = FlowAdminUserPassword
	case flowRefreshShort:
		flow = FlowRefreshToken
	}
	if other := map[bool]string{true: FlowUserPassword, false: FlowAdminUserPassword}[in.Admin]; flow == other {
		return r, errMethod
	}
	if err := s.begin(ctx, a, in.PoolID, in.ClientID); err != nil {
		return r, err
	}
	if err := allowed(a.client, flow); err != nil {
		return r, err
	}
	switch flow {
	case FlowUserPassword, FlowAdminUserPassword:
		return s.passwordAuth(ctx, a, in.Parameters)
	case FlowUserSRP:
		return s.srpAuth(ctx, a, in.Parameters)
	case FlowRefreshToken:
		return s.refreshAuth(ctx, a, in.Parameters)
	case FlowCustom:
		// No pool can have the triggers of custom authentication yet, so this
		// is also what Cognito answers.
		return r, apierr.New(apierr.InvalidParameter, "Custom auth lambda trigger is not configured for the user pool.")
	default:
		return r, apierr.Newf(apierr.InvalidParameter, "Auth flow %s is not implemented by this server: see docs/parity.md", flow)
	}
}

// allowed reports, in Cognito's words, that the client may not use the flow.
func allowed(c *userpool.Client, flow string) error {
	refuse := func(text string) error { return apierr.New(apierr.InvalidParameter, text) }
	switch flow {
	case FlowUserPassword:
		if !c.AllowsFlow("ALLOW_USER_PASSWORD_AUTH") {
			return refuse("USER_PASSWORD_AUTH flow not enabled for this client")
		}
	case FlowAdminUserPassword:
		if !c.AllowsFlow("ALLOW_ADMIN_USER_PASSWORD_AUTH") {
			return refuse("Auth flow not enabled for this client")
		}
	case FlowUserSRP:
		if !c.AllowsFlow("ALLOW_USER_SRP_AUTH") {
			return refuse("USER_SRP_AUTH is not enabled for the client.")
		}
	case FlowRefreshToken:
		// A client that rotates its refresh tokens gets new ones from
		// GetTokensFromRefreshToken alone.
		if c.Rotation.Enabled || !c.AllowsFlow("ALLOW_REFRESH_TOKEN_AUTH") {
			return refuse("Auth flow not enabled for this client")
		}
	case FlowCustom:
		if !c.AllowsFlow("ALLOW_CUSTOM_AUTH") {
			return refuse("CUSTOM_AUTH is not enabled for the client.")
		}
	case FlowUser:
		if !c.AllowsFlow("ALLOW_USER_AUTH") {
			return refuse("USER_AUTH is not enabled for the client.")
		}
	}
	return nil
}

// finish takes a user whose first factor is proven to tokens or to the next
// challenge. name is what the user was called in the first step.
func (s *Service) finish(ctx context.Context, a *attempt, c candidate, name string) (AuthResult, error) {
	// 4 and 7 Status. It is told only now, to who knows the password.
	if !c.user.Enabled {
		return AuthResult{}, errDisabled
	}
	switch c.user.Status {
	case userpool.StatusConfirmed:
	case userpool.StatusForceChangePassword:
		if userpool.PasswordExpired(c.user, a.now) {
			return AuthResult{}, errTemporaryExpired
		}
		if err := s.forgive(ctx, c.subject, c.failures); err != nil {
			return AuthResult{}, err
		}
		return s.newPasswordChallenge(a, c.user, name)
	case userpool.StatusUnconfirmed:
		return AuthResult{}, errNotConfirmed
	case userpool.StatusResetRequired:
		return AuthResult{}, errResetRequired
	default: // federated, archived: nobody who signs in with a password
		return AuthResult{}, errIncorrect
	}
	// 8 Multi-factor, 9 device: not built, no user has either.
	// 10 PostAuthentication: not built, no pool has one.
	// 11 Pre token generation and tokens.
	t, err := s.issue(ctx, a, issueInput{user: c.user, groups: c.groups, source: trigger.TokenAuthentication, refreshable: true})
	if err != nil {
		return AuthResult{}, err
	}
	if err := s.forgive(ctx, c.subject, c.failures); err != nil {
		return AuthResult{}, err
	}
	return AuthResult{Tokens: &t}, nil
}

// looksLikeAlias reports whether a name has the form of an address that users
// of the pool can sign in by.
func looksLikeAlias(p *userpool.Pool, name string) bool {
	if slices.Contains(p.AliasAttributes, store.NameEmail) && strings.Contains(name, "@") {
		return true
	}
	return slices.Contains(p.AliasAttributes, store.NamePhoneNumber) && strings.HasPrefix(name, "+")
}
