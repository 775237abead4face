package signin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// refreshAuth is REFRESH_TOKEN_AUTH: new ID and access tokens, the refresh
// token stays. Clients with rotation do not get here.
func (s *Service) refreshAuth(ctx context.Context, a *attempt, parameters map[string]string) (AuthResult, error) {
	raw, err := required(parameters, "REFRESH_TOKEN")
	if err != nil {
		return AuthResult{}, err
	}
	t, err := s.refresh(ctx, a, raw, trigger.TokenRefreshTokens, func(u store.User) error {
		return s.checkAnySecretHash(a.client, u, parameters["SECRET_HASH"])
	})
	if err != nil {
		return AuthResult{}, err
	}
	return AuthResult{Tokens: &t}, nil
}

// checkAnySecretHash checks a secret hash that was made with any name of the
// user: a refresh names nobody, and clients differ in what they remember.
func (s *Service) checkAnySecretHash(c *userpool.Client, u store.User, hash string) error {
	err := s.Pools.CheckSecretHash(c, u.Username, hash)
	if err == nil || hash == "" {
		return err
	}
	for _, name := range []string{u.Sub, u.Attributes["email"], u.Attributes["phone_number"], u.Attributes["preferred_username"]} {
		if name != "" && s.Pools.CheckSecretHash(c, name, hash) == nil {
			return nil
		}
	}
	return err
}

// RefreshInput is a request for new tokens by GetTokensFromRefreshToken.
type RefreshInput struct {
	RefreshToken   string
	ClientID       string
	ClientSecret   string            // the secret itself
	ClientMetadata map[string]string // for pre token generation; nil: none
	Caller         Caller
}

// RefreshTokens is GetTokensFromRefreshToken. For a client with rotation the
// result has a new refresh token, which takes the place of the old one.
func (s *Service) RefreshTokens(ctx context.Context, in RefreshInput) (t Tokens, err error) {
	a := &attempt{caller: in.Caller, metadata: in.ClientMetadata, event: Event{Flow: "GetTokensFromRefreshToken"}}
	defer func() { s.end(a, AuthResult{Tokens: &t}, err) }()
	if err := s.begin(ctx, a, "", in.ClientID); err != nil {
		return Tokens{}, err
	}
	if err := s.Pools.CheckSecret(a.client, in.ClientSecret); err != nil {
		return Tokens{}, err
	}
	if !a.client.Rotation.Enabled {
		if err := allowed(a.client, FlowRefreshToken); err != nil {
			return Tokens{}, err
		}
	}
	// Cognito's table of sources says Authentication for this operation.
	return s.refresh(ctx, a, in.RefreshToken, trigger.TokenAuthentication, func(store.User) error { return nil })
}

// refresh makes new tokens of an earlier sign-in. clientProof is asked once the
// user is known.
func (s *Service) refresh(ctx context.Context, a *attempt, raw string, source trigger.Source, clientProof func(store.User) error) (Tokens, error) {
	// 1 The token itself.
	r, err := token.OpenRefresh(s.KEK.Box(refreshPurpose), raw)
	if err != nil {
		return Tokens{}, errRefreshToken.Because(err)
	}
	if r.Pool != a.pool.ID {
		return Tokens{}, errRefreshToken
	}
	if !a.now.Before(r.Expires) {
		return Tokens{}, errRefreshExpired
	}
	// 2 What became of its sign-in, in one snapshot.
	var (
		in      = issueInput{of: &r, source: source}
		revoked bool
		current int64 // generation of the newest token; 0 before the first rotation
		rotated time.Time
		rotates = a.client.Rotation.Enabled
	)
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		if in.user, err = tx.User(r.Pool, r.Sub); err != nil {
			return err
		}
		if revoked, err = tx.Revoked(r.Pool, r.OriginJTI); err != nil {
			return err
		}
		// A token that was made to rotate is checked even if its client has
		// stopped rotating: an old one must not come back to life.
		if rotates || r.RotationID != "" {
			f, err := tx.RefreshFamily(r.Pool, r.OriginJTI)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			current, rotated = f.Generation, f.RotatedAt
		}
		in.groups, err = tx.UserGroups(r.Pool, r.Sub)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Tokens{}, errRefreshRevoked // the user is gone
	case err != nil:
		return Tokens{}, fmt.Errorf("load user of refresh token: %w", err)
	case revoked, !in.user.Enabled, endedBy(in.user, r.AuthTime) && !spared(in.user, r.OriginJTI):
		return Tokens{}, errRefreshRevoked
	case r.Client != a.client.ID:
		return Tokens{}, errRefreshToken
	}
	a.about(in.user)
	a.mark(PhaseUser)
	if err := clientProof(in.user); err != nil {
		return Tokens{}, err
	}
	// 3 Rotation: is it the newest of its family, or the one before, in time?
	presented := int64(r.Generation)
	newest := presented == current
	if !newest && !graced(a, presented, current, rotated) {
		return Tokens{}, s.reused(ctx, a, r)
	}
	// 4 Pre token generation and tokens.
	t, err := s.issue(ctx, a, in)
	if err != nil || !rotates {
		return t, err
	}
	// 5 The new refresh token. It ends when the first one would have.
	if newest {
		if current, err = s.rotate(ctx, a, r); err != nil {
			return Tokens{}, err
		}
	}
	next := r
	next.Generation, next.RotationID, next.IssuedAt = int(current), secret.UUID(), a.now
	if t.Refresh, err = s.sealRefresh(next); err != nil {
		return Tokens{}, err
	}
	return t, nil
}

// graced reports whether a token that was replaced may still be used: the one
// before the newest, for the client's grace period. It yields another copy of
// the newest token, so that a family never has two lines.
func graced(a *attempt, presented, current int64, rotated time.Time) bool {
	grace := a.client.Rotation.Grace
	return grace > 0 && presented == current-1 && !a.now.After(rotated.Add(grace))
}

// rotate makes r the last token but one of its family and returns the
// generation of the newest. Of callers that race one moves the family on; the
// others get the same generation if there is a grace period, and an error if
// there is none.
func (s *Service) rotate(ctx context.Context, a *attempt, r token.Refresh) (int64, error) {
	from := int64(r.Generation)
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		// A revocation that came since the reading wins.
		if revoked, err := tx.Revoked(r.Pool, r.OriginJTI); err != nil {
			return err
		} else if revoked {
			return errRefreshRevoked
		}
		if from == 0 {
			return tx.CreateRefreshFamily(store.RefreshFamily{
				PoolID: r.Pool, OriginJTI: r.OriginJTI, Generation: 1, RotatedAt: a.now, ExpiresAt: r.Expires,
			})
		}
		return tx.AdvanceRefreshFamily(r.Pool, r.OriginJTI, from, a.now)
	})
	switch {
	case err == nil:
		return from + 1, nil
	case !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrConflict):
		return 0, err
	}
	var f store.RefreshFamily
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		f, err = tx.RefreshFamily(r.Pool, r.OriginJTI)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read refresh family: %w", err)
	}
	if !graced(a, from, f.Generation, f.RotatedAt) {
		// Both were good when they came, so neither is a theft; but one only
		// can have the successor.
		return 0, errRefreshRaced
	}
	return f.Generation, nil
}

// reused ends a sign-in whose refresh token came back after it was replaced:
// one of the two who used it is not its owner, and there is no telling which.
func (s *Service) reused(ctx context.Context, a *attempt, r token.Refresh) error {
	if err := s.revokeOrigin(ctx, r); err != nil {
		return err
	}
	s.log().LogAttrs(ctx, slog.LevelWarn, "refresh token used again after rotation: sign-in revoked",
		slog.String("pool", r.Pool), slog.String("client", r.Client), slog.String("sub", r.Sub),
		slog.String("origin_jti", r.OriginJTI), slog.String("source", a.caller.SourceIP), slog.String("request", a.caller.RequestID))
	return errRefreshReuse
}
