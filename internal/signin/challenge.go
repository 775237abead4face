package signin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Challenges that are built.
const (
	ChallengePasswordVerifier    = "PASSWORD_VERIFIER"
	ChallengeNewPasswordRequired = "NEW_PASSWORD_REQUIRED"
)

// ChallengeInput is the answer to a challenge.
type ChallengeInput struct {
	Admin     bool   // AdminRespondToAuthChallenge
	PoolID    string // AdminRespondToAuthChallenge only
	ClientID  string
	Challenge string
	Session   string
	Responses map[string]string
	// ClientMetadata is for the triggers from here on; nil: none was sent.
	ClientMetadata map[string]string
	Caller         Caller
}

// RespondToAuthChallenge takes a sign-in from a challenge to the next one or
// to tokens: RespondToAuthChallenge and AdminRespondToAuthChallenge.
func (s *Service) RespondToAuthChallenge(ctx context.Context, in ChallengeInput) (r AuthResult, err error) {
	a := &attempt{admin: in.Admin, caller: in.Caller, metadata: in.ClientMetadata, event: Event{Flow: in.Challenge, Username: in.Responses["USERNAME"]}}
	defer func() { s.end(a, r, err) }()
	if err := s.begin(ctx, a, in.PoolID, in.ClientID); err != nil {
		return r, err
	}
	switch in.Challenge {
	case ChallengePasswordVerifier:
		return s.passwordVerifier(ctx, a, in)
	case ChallengeNewPasswordRequired:
		return s.newPassword(ctx, a, in)
	default:
		// No step gives a Session for any other challenge, so an answer to one
		// cannot be genuine; that it is not built is more useful to know.
		return r, apierr.Newf(apierr.InvalidParameter, "Challenge %s is not implemented by this server: see docs/parity.md", in.Challenge)
	}
}

const attributePrefix = "userAttributes."

// newPasswordChallenge asks a user with a temporary password for a new one, and
// for the attributes that the pool requires and the user does not have.
func (s *Service) newPasswordChallenge(a *attempt, u store.User, name string) (AuthResult, error) {
	missing := []string{}
	for _, n := range a.pool.MissingRequired(u.Attributes) {
		missing = append(missing, attributePrefix+n)
	}
	has := make(map[string]string, len(u.Attributes))
	for n, v := range u.Attributes {
		if a.client.CanRead(n) {
			has[n] = v
		}
	}
	missingText, err := json.Marshal(missing)
	if err != nil {
		return AuthResult{}, fmt.Errorf("encode required attributes: %w", err)
	}
	hasText, err := json.Marshal(has, json.Deterministic(true))
	if err != nil {
		return AuthResult{}, fmt.Errorf("encode attributes: %w", err)
	}
	return AuthResult{
		Challenge:  ChallengeNewPasswordRequired,
		Session:    s.sealSession(a.client, ChallengeNewPasswordRequired, s.newSession(a.client, u, fold(a.pool, name))),
		Parameters: map[string]string{"USER_ID_FOR_SRP": u.Username, "requiredAttributes": string(missingText), "userAttributes": string(hasText)},
	}, nil
}

// newPassword is the answer to NEW_PASSWORD_REQUIRED.
func (s *Service) newPassword(ctx context.Context, a *attempt, in ChallengeInput) (AuthResult, error) {
	// 1 Input.
	name, err := required(in.Responses, "USERNAME")
	if err != nil {
		return AuthResult{}, err
	}
	password, err := required(in.Responses, "NEW_PASSWORD")
	if err != nil {
		return AuthResult{}, err
	}
	if err := checkPasswordLength("newPassword", password); err != nil {
		return AuthResult{}, err
	}
	if in.Session == "" {
		return AuthResult{}, missingParameter("Session")
	}
	if err := s.Pools.CheckSecretHash(a.client, name, in.Responses["SECRET_HASH"]); err != nil {
		return AuthResult{}, err
	}
	x, err := s.openSession(a.client, ChallengeNewPasswordRequired, in.Session)
	if err != nil {
		return AuthResult{}, err
	}
	// 2 User, as it is now.
	u, groups, err := s.sessionUser(ctx, a, x)
	if err != nil {
		return AuthResult{}, err
	}
	a.about(u)
	if n := fold(a.pool, name); n != x.Name && n != fold(a.pool, u.Username) && n != u.Sub {
		return AuthResult{}, errSession
	}
	if err := s.stillChallenged(ctx, a, u, x); err != nil {
		return AuthResult{}, err
	}
	a.mark(PhaseUser)
	// 6 The new password and the missing attributes.
	changed := u
	if changed.Attributes, err = newPasswordAttributes(a, u, in.Responses); err != nil {
		return AuthResult{}, err
	}
	if err := s.Pools.SetPassword(ctx, a.pool, &changed, password, false); err != nil {
		return AuthResult{}, err
	}
	a.mark(PhasePassword)
	changed.UpdatedAt = s.stamp()
	// 8 Multi-factor, 9 device, 10 PostAuthentication: not built.
	// 11 Tokens come before the write, since a function must not be called in
	// a transaction; without its consent the password stays as it was and the
	// Session may be used again.
	t, err := s.issue(ctx, a, issueInput{user: changed, groups: groups, source: trigger.TokenNewPasswordChallenge, refreshable: true})
	if err != nil {
		return AuthResult{}, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		if err := useSession(tx, a.pool.ID, x); err != nil {
			return err
		}
		if err := tx.UpdateUser(a.pool.Row(changed)); err != nil {
			return err
		}
		return tx.ResetAttempts(a.pool.ID, u.Sub, attemptPassword)
	})
	switch {
	case err == nil:
		return AuthResult{Tokens: &t}, nil
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound):
		return AuthResult{}, errSession.Because(err) // the user was changed or deleted meanwhile
	}
	return AuthResult{}, aliasError(a.pool, err)
}

// sessionUser returns the user that a session belongs to.
func (s *Service) sessionUser(ctx context.Context, a *attempt, x session) (u store.User, groups []store.Group, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		if u, err = tx.User(a.pool.ID, x.Sub); err != nil {
			return err
		}
		groups, err = tx.UserGroups(a.pool.ID, x.Sub)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return u, nil, errSession // deleted since
	}
	if err != nil {
		return u, nil, fmt.Errorf("load user of session: %w", err)
	}
	return u, groups, nil
}

// stillChallenged checks that the user is where the session left it: with the
// same temporary password, not disabled since.
func (s *Service) stillChallenged(ctx context.Context, a *attempt, u store.User, x session) error {
	if !u.Enabled {
		return errDisabled
	}
	if u.Status == userpool.StatusForceChangePassword && slices.Equal(x.Credential, credentialMark(u)) {
		return nil
	}
	// It is over. Whether because the session did its work or for another
	// reason is what using it now tells.
	err := s.Store.Update(ctx, func(tx store.Tx) error { return useSession(tx, a.pool.ID, x) })
	if err != nil {
		return err
	}
	return errSession
}

// newPasswordAttributes returns the user's attributes with those of the answer.
func newPasswordAttributes(a *attempt, u store.User, responses map[string]string) (map[string]string, error) {
	changes := make(map[string]string)
	for k, v := range responses {
		if n, ok := strings.CutPrefix(k, attributePrefix); ok {
			changes[n] = v
		}
	}
	for _, n := range slices.Sorted(maps.Keys(changes)) {
		if old := u.Attributes[n]; old != "" && old != changes[n] {
			return nil, apierr.Newf(apierr.NotAuthorized, "Cannot modify an already provided %s", n)
		}
		if u.Attributes[n] == changes[n] {
			delete(changes, n) // clients send back what they were shown
		}
	}
	result := maps.Clone(u.Attributes)
	if len(changes) > 0 {
		var err error
		if result, err = a.pool.CheckAttributes(userpool.AttributeWrite{Client: a.client, Completing: true}, u.Attributes, changes); err != nil {
			return nil, err
		}
	}
	if missing := a.pool.MissingRequired(result); len(missing) > 0 {
		return nil, apierr.Newf(apierr.InvalidParameter, "Invalid attributes given, %s is missing", strings.Join(missing, ", "))
	}
	return result, nil
}
