package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// passwordInUse reports whether there is a password to be asked for.
func passwordInUse(u store.User) bool { return len(u.Credential) > 0 }

// ChangePassword replaces the password of the user whose access token it is.
// The sign-in of that token goes on, all others end.
func (s *Service) ChangePassword(ctx context.Context, accessToken, previous, proposed string, caller Caller) error {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return err
	}
	err = s.decide(ctx, func(tx store.Tx) (verdict, err error) {
		within, err := limitChangePassword.count(tx, w.Pool.ID, w.User.Sub, s.now())
		if err == nil && !within {
			verdict = errAttemptLimit
		}
		return verdict, err
	})
	if err != nil {
		return err
	}
	if err := w.Pool.CheckPassword(proposed); err != nil {
		return err
	}
	if passwordInUse(w.User) {
		if err := s.checkPrevious(ctx, w, previous, caller); err != nil {
			return err
		}
	}
	set := store.User{PoolID: w.Pool.ID, Sub: w.User.Sub, Username: w.User.Username}
	if err := s.Pools.SetPassword(ctx, w.Pool, &set, proposed, false); err != nil {
		return err
	}
	mark := string(credentialMark(w.User))
	_, err = s.updateUser(ctx, w.Pool, w.User.Sub, func(tx store.Tx, u *store.User) error {
		if !u.Enabled {
			return errAccessRevoked
		}
		// The password that was checked must still be the user's: of two
		// changes at once, one is told that its password is the wrong one.
		if string(credentialMark(*u)) != mark {
			return errIncorrect
		}
		if err := s.replacePassword(tx, u, set); err != nil {
			return err
		}
		return spare(u, w.Claims.String("origin_jti"))
	})
	return goneIs(err, errUserNotFound)
}

// checkPrevious checks the password that is to be replaced, by the same
// lock-out rules as a sign-in: a stolen access token is no way to guess it.
func (s *Service) checkPrevious(ctx context.Context, w *principal, previous string, caller Caller) error {
	if err := checkPasswordLength("previousPassword", previous); err != nil {
		return err
	}
	j := subject{poolID: w.Pool.ID, user: w.User.Sub, source: sourceSubject(caller.SourceIP)}
	mark := s.gate.now()
	var c counters
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		c, err = j.read(tx, s.now())
		return err
	})
	if err != nil {
		return err
	}
	err = s.guarded(ctx, j, mark, &c, func(ctx context.Context) (bool, error) {
		return s.Pools.VerifyPassword(ctx, w.Pool, w.User, previous)
	})
	if errors.Is(err, errLocked) {
		return errAttemptLimit
	}
	return err
}

// userDoc is what this package keeps in a user's Doc.
type userDoc struct {
	// Spared is the sign-in that goes on although all sign-ins up to SparedAt,
	// in Unix milliseconds, were ended. It counts only as long as that is the
	// latest such end.
	Spared   string `json:"spared,omitzero"`
	SparedAt int64  `json:"sparedAt,omitzero"`
}

func readDoc(u store.User) (userDoc, error) {
	var d userDoc
	if len(u.Doc) == 0 {
		return d, nil
	}
	if err := json.Unmarshal(u.Doc, &d); err != nil {
		return d, fmt.Errorf("settings of user %s: %w", u.Sub, err)
	}
	return d, nil
}

// spare lets one sign-in outlive the end of all sign-ins that was just put
// into u: the one in which the user asked for it.
func spare(u *store.User, originJTI string) error {
	d, err := readDoc(*u)
	if err != nil {
		return err
	}
	d.Spared, d.SparedAt = originJTI, u.TokensValidAfter.UnixMilli()
	if u.Doc, err = json.Marshal(d); err != nil {
		return fmt.Errorf("settings of user %s: %w", u.Sub, err)
	}
	return nil
}

// spared reports whether the sign-in outlived the latest end of all sign-ins.
func spared(u store.User, originJTI string) bool {
	if originJTI == "" || len(u.Doc) == 0 {
		return false
	}
	d, err := readDoc(u)
	// What cannot be read spares nobody.
	return err == nil && d.Spared == originJTI && d.SparedAt == u.TokensValidAfter.UnixMilli()
}
