package signin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// maxTokenLife is the longest that an ID or access token can live, and so how
// long a revocation has to outlive the refresh token.
const maxTokenLife = 24 * time.Hour

// endedBy reports whether a sign-in at auth was ended by what ends all of a
// user's sign-ins: sign-out everywhere, a new password, being disabled. Times
// in tokens have whole seconds, so the whole second counts as before it.
func endedBy(u store.User, auth time.Time) bool {
	return !u.TokensValidAfter.IsZero() && auth.Unix() <= u.TokensValidAfter.Unix()
}

// authTime is the auth_time of a sign-in at now: the next second, if the
// user's earlier sign-ins were ended within this one.
func authTime(now time.Time, u store.User) time.Time {
	t := time.Unix(now.Unix(), 0).UTC()
	if endedBy(u, t) {
		t = time.Unix(u.TokensValidAfter.Unix()+1, 0).UTC()
	}
	return t
}

// GlobalSignOut ends all sign-ins of the user whose access token it is.
func (s *Service) GlobalSignOut(ctx context.Context, accessToken string) error {
	who, err := s.authorize(ctx, accessToken)
	if err != nil {
		return err
	}
	return s.signOut(ctx, who.Pool, who.User.Sub)
}

// AdminUserGlobalSignOut ends all sign-ins of a user.
func (s *Service) AdminUserGlobalSignOut(ctx context.Context, poolID, username string) error {
	p, u, err := s.Pools.User(ctx, poolID, username)
	if err != nil {
		return err
	}
	return s.signOut(ctx, p, u.Sub)
}

func (s *Service) signOut(ctx context.Context, p *userpool.Pool, sub string) error {
	_, err := s.updateUser(ctx, p, sub, func(_ store.Tx, u *store.User) error {
		s.Pools.EndSessions(u)
		return nil
	})
	return goneIs(err, errUserNotFound)
}

// RevokeInput is a request to end one sign-in.
type RevokeInput struct {
	Token        string // a refresh token
	ClientID     string
	ClientSecret string
	// LinkedSessions asks that the browser session behind the sign-in end too.
	LinkedSessions bool
}

// RevokeToken ends the sign-in of a refresh token: that token, and all tokens
// that were made of it. A token that is revoked, or is none of the client's, is
// no error: there is nothing left to revoke, and nothing to learn.
func (s *Service) RevokeToken(ctx context.Context, in RevokeInput) error {
	p, c, err := s.Pools.ClientByID(ctx, in.ClientID)
	if err != nil {
		return err
	}
	if err := s.Pools.CheckSecret(c, in.ClientSecret); err != nil {
		return errUnauthorizedClient.Because(err)
	}
	if !c.RevocationEnabled {
		return errRevocationOff
	}
	if in.LinkedSessions {
		return apierr.New(apierr.InvalidParameter, "RevokeAssociatedSessions LINKED is not implemented by this server: see docs/parity.md")
	}
	if strings.Count(in.Token, ".") == 2 {
		if _, _, err := token.Peek(in.Token); err == nil {
			return errTokenType // an ID or access token
		}
	}
	r, err := token.OpenRefresh(s.KEK.Box(refreshPurpose), in.Token)
	if err != nil || r.Pool != p.ID || r.Client != c.ID {
		return nil
	}
	return s.revokeOrigin(ctx, r)
}

// revokeOrigin ends one sign-in.
func (s *Service) revokeOrigin(ctx context.Context, r token.Refresh) error {
	expires := r.Expires
	if now := s.now(); expires.Before(now) {
		expires = now
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		return tx.Revoke(r.Pool, r.OriginJTI, expires.Add(maxTokenLife))
	})
	if err != nil {
		return fmt.Errorf("revoke sign-in: %w", err)
	}
	return nil
}
