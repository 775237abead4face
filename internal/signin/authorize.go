package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// principal is a user who proved by an access token who they are.
type principal struct {
	Pool   *userpool.Pool
	Client *userpool.Client
	User   store.User
	Claims token.Claims
}

// authorize checks an access token for the self-service operations: its form
// and signature, issuer, kind and time; the scope of self-service; that its
// client and user exist, the user is enabled, and the sign-in was not ended.
func (s *Service) authorize(ctx context.Context, accessToken string) (*principal, error) {
	w, err := s.verifyAccess(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(strings.Fields(w.Claims.String("scope")), ScopeSelfService) {
		return nil, errAccessScopes
	}
	return w, nil
}

// verifyAccess is authorize without the scope.
func (s *Service) verifyAccess(ctx context.Context, accessToken string) (*principal, error) {
	// What the token says of itself only chooses the pool whose keys and
	// issuer it has to pass.
	parsed, err := s.verified.Parse(accessToken)
	if err != nil {
		return nil, errAccessToken.Because(err)
	}
	w := &principal{}
	if w.Pool, w.Client, err = s.Pools.ClientByID(ctx, parsed.Hint("client_id")); err != nil {
		return nil, orInvalid(err)
	}
	poolID := w.Pool.ID
	keys, err := s.Pools.KeysWith(ctx, poolID, parsed.KeyID())
	if err != nil {
		return nil, orInvalid(err)
	}
	w.Claims, err = s.verified.Verify(keys.Set, parsed, token.Expect{
		Issuer: s.Issuer(w.Pool), Use: token.Access, ClientID: w.Client.ID, Now: s.now(),
	})
	switch {
	case errors.Is(err, token.ErrExpired):
		return nil, errAccessExpired
	case errors.Is(err, token.ErrSignature):
		return nil, errAccessSignature.Because(err)
	case err != nil:
		return nil, errAccessToken.Because(err)
	}
	auth, ok := w.Claims.Int("auth_time")
	sub, origin := w.Claims.String("sub"), w.Claims.String("origin_jti")
	if !ok || sub == "" {
		return nil, errAccessToken
	}
	revoked := false
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		if w.User, err = tx.User(poolID, sub); err != nil {
			return err
		}
		if origin != "" {
			revoked, err = tx.Revoked(poolID, origin)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errUserNotFound
	case err != nil:
		return nil, fmt.Errorf("load user of access token: %w", err)
	case revoked, !w.User.Enabled, endedBy(w.User, time.Unix(auth, 0)) && !spared(w.User, origin):
		return nil, errAccessRevoked
	}
	return w, nil
}

// orInvalid turns "no such client", or pool, into an invalid access token.
func orInvalid(err error) error {
	if apierr.CodeOf(err) == apierr.ResourceNotFound {
		return errAccessToken.Because(err)
	}
	return err
}
