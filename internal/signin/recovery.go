package signin

import (
	"context"
	"fmt"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

var (
	errNoContact    = apierr.New(apierr.InvalidParameter, "Cannot reset password for the user as there is no registered/verified email or phone_number")
	errResetState   = apierr.New(apierr.NotAuthorized, "User password cannot be reset in the current state.")
	errResetByAdmin = apierr.New(apierr.NotAuthorized, "Contact administrator to reset password.")
)

// ForgotInput is somebody who has forgotten the password.
type ForgotInput struct {
	ClientID   string
	SecretHash string
	Username   string
	Caller     Caller
}

// ForgotPassword sends a code with which a new password can be set.
func (s *Service) ForgotPassword(ctx context.Context, in ForgotInput) (Delivery, error) {
	// 1 Input, 2 user. UserMigration: not built, no pool has one.
	began := beginSteady()
	who, err := s.publicUser(ctx, in.ClientID, in.Username, in.SecretHash)
	defer func() { began.wait(ctx, who.client, steadyTime) }()
	if err != nil {
		return Delivery{}, err
	}
	channels := recoveryChannels(who.pool)
	if len(channels) == 0 {
		return Delivery{}, errResetByAdmin
	}
	if err := who.mustExist(); err != nil {
		return Delivery{}, err
	}
	// 3 May this user, and where to.
	r := request{who: who, channels: channels, purpose: purposeReset, kind: message.ForgotPassword, life: resetLife, limit: limitForgotPassword, source: sourceSubject(in.Caller.SourceIP)}
	if who.usable() {
		switch who.user.Status {
		case userpool.StatusConfirmed, userpool.StatusResetRequired:
			r.to, r.real = recoveryContact(channels, who.user)
		case userpool.StatusUnconfirmed: // as a user without a verified contact
		default:
			// Cognito says so even where it hides users: whoever was invited
			// would wait for a message that never comes.
			return Delivery{}, errResetState
		}
		if !r.real && !who.hidden() {
			return Delivery{}, errNoContact
		}
	}
	// 4 The code and the message.
	return s.sendCode(ctx, r)
}

// recoveryChannels returns the attributes to which a reset code may be sent,
// in order. There are none where an administrator resets passwords.
func recoveryChannels(p *userpool.Pool) []string {
	if len(p.AccountRecovery) == 0 {
		return []string{store.NamePhoneNumber, store.NameEmail}
	}
	var channels []string
	for _, o := range p.AccountRecovery { // kept in order of priority
		switch o.Name {
		case userpool.RecoverByEmail:
			channels = append(channels, store.NameEmail)
		case userpool.RecoverByPhone:
			channels = append(channels, store.NamePhoneNumber)
		}
	}
	return channels
}

// recoveryContact returns the first channel that the user has verified.
func recoveryContact(channels []string, u store.User) (contact, bool) {
	for _, a := range channels {
		if u.Attributes[a] != "" && u.Attributes[a+"_verified"] == "true" {
			return contact{a, u.Attributes[a]}, true
		}
	}
	return contact{}, false
}

// ConfirmForgotInput is a code that allows a new password.
type ConfirmForgotInput struct {
	ClientID   string
	SecretHash string
	Username   string
	Code       string
	Password   string
	Caller     Caller
}

// ConfirmForgotPassword sets a new password and ends all sign-ins of the user.
func (s *Service) ConfirmForgotPassword(ctx context.Context, in ConfirmForgotInput) error {
	began := beginSteady()
	who, err := s.publicUser(ctx, in.ClientID, in.Username, in.SecretHash)
	defer func() { began.wait(ctx, who.client, steadyTime) }()
	if err != nil {
		return err
	}
	if err := who.mustExist(); err != nil {
		return err
	}
	// A password that the pool refuses costs no guess.
	if err := who.pool.CheckPassword(in.Password); err != nil {
		return err
	}
	g := s.guessOf(who, purposeReset, in.Code, limitConfirmForgotPassword)
	code, err := s.try(ctx, g)
	if err != nil {
		return err
	}
	// Hashing takes time, so it is done for a right code only and outside the
	// transaction.
	set := store.User{PoolID: who.pool.ID, Sub: who.user.Sub, Username: who.user.Username}
	if err := s.Pools.SetPassword(ctx, who.pool, &set, in.Password, false); err != nil {
		return err
	}
	_, err = s.updateUser(ctx, who.pool, who.user.Sub, func(tx store.Tx, u *store.User) error {
		if err := s.take(tx, code, g); err != nil {
			return err
		}
		if !resettable(*u) {
			return errResetState
		}
		// The code proves the address it was sent to. It allows nothing if
		// that no longer is the user's, or no longer verified.
		to := parseContact(code.Destination)
		if u.Attributes[to.attribute] != to.value || u.Attributes[to.attribute+"_verified"] != "true" {
			return errCodeExpired
		}
		u.Status = userpool.StatusConfirmed
		return s.replacePassword(tx, u, set)
	})
	// PostConfirmation: not built, no pool has one.
	return goneIs(err, errCodeExpired)
}

func resettable(u store.User) bool {
	return u.Status == userpool.StatusConfirmed || u.Status == userpool.StatusResetRequired
}

// replacePassword puts the password of set into u, ends the sign-ins that were
// made with the old one, and forgets failed attempts at it.
func (s *Service) replacePassword(tx store.Tx, u *store.User, set store.User) error {
	u.Credential, u.PasswordExpires = set.Credential, set.PasswordExpires
	s.Pools.EndSessions(u)
	u.UpdatedAt = s.stamp()
	if err := tx.ResetAttempts(u.PoolID, u.Sub, attemptPassword); err != nil {
		return fmt.Errorf("forget failed passwords: %w", err)
	}
	return nil
}

// AdminResetUserPassword makes a user's password useless at once, ends all
// sign-ins and sends the user a code for a new one.
func (s *Service) AdminResetUserPassword(ctx context.Context, poolID, username string) error {
	p, u, err := s.Pools.User(ctx, poolID, username)
	if err != nil {
		return err
	}
	var m message.Message
	_, err = s.updateUser(ctx, p, u.Sub, func(tx store.Tx, u *store.User) error {
		if !u.Enabled {
			return errUserDisabled
		}
		if u.Status != userpool.StatusConfirmed {
			return errResetState
		}
		channels := recoveryChannels(p)
		if len(channels) == 0 {
			return errResetByAdmin
		}
		to, ok := recoveryContact(channels, *u)
		if !ok {
			return errNoContact
		}
		u.Status = userpool.StatusResetRequired
		s.Pools.EndSessions(u)
		u.UpdatedAt = s.stamp()
		record, code := s.newCode(p, u.Sub, purposeReset, to, resetLife)
		m = codeMessage(p, *u, message.ForgotPassword, to, code)
		return tx.PutCode(record)
	})
	if err != nil {
		return goneIs(err, errUserNotFound)
	}
	return s.send(ctx, m)
}

// errUserDisabled has no full stop where an administrator asks.
var errUserDisabled = apierr.New(apierr.NotAuthorized, "User is disabled")
