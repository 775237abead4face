package userpool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// User is a user as the store has it. It is another name for front ends, which
// do not know the store.
type User = store.User

// NewUser is a user that an administrator creates.
type NewUser struct {
	Username   string
	Attributes map[string]string
	// TemporaryPassword is used as it is; "" makes one that meets the policy.
	TemporaryPassword string
	// ForceAlias takes a verified alias away from the user that holds it.
	ForceAlias bool
	// Suppress sends no invitation.
	Suppress bool
	// Media are where the invitation goes: message.Email, message.SMS. nil is
	// Cognito's default, SMS, which sends nothing to a user without a number.
	Media []string
}

// CreateUser creates a user with a temporary password and sends the
// invitation. The user exists even if the invitation cannot be sent, which is
// CodeDeliveryFailureException.
func (s *Service) CreateUser(ctx context.Context, poolID string, in NewUser) (store.User, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return store.User{}, err
	}
	id, err := p.NewIdentity(in.Username, in.Attributes)
	if err != nil {
		return store.User{}, err
	}
	u := store.User{PoolID: p.ID, Sub: id.Sub, Username: id.Username, Enabled: true}
	if u.Attributes, err = p.CheckAttributes(AttributeWrite{Creating: true}, nil, id.Attributes); err != nil {
		return store.User{}, err
	}
	invitations, err := p.invitations(in, u)
	if err != nil {
		return store.User{}, err
	}
	password := in.TemporaryPassword
	if password == "" {
		password = p.temporaryPassword()
	}
	if err := s.SetPassword(ctx, p, &u, password, true); err != nil {
		return store.User{}, err
	}
	u.CreatedAt, u.Version = s.stamp(), 1
	u.UpdatedAt = u.CreatedAt
	err = s.Store.Update(ctx, func(tx store.Tx) error { return s.insert(tx, p, u, in.ForceAlias) })
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, errPoolNotFound(p.ID) // deleted since it was cached
	}
	if err != nil {
		return store.User{}, userError(err, "create")
	}
	return u, s.invite(ctx, p, u, password, invitations)
}

// insert stores a new user. An alias that somebody else has verified is taken
// over if force says so.
func (s *Service) insert(tx store.Tx, p *Pool, u store.User, force bool) error {
	row := p.Row(u)
	released := make(map[string]bool)
	for {
		err := tx.CreateUser(row)
		taken, ok := errors.AsType[*store.NameTakenError](err)
		if !ok {
			return err
		}
		// Still taken after it was released: it is the other user's under
		// another kind, such as a preferred_username that looks like an
		// address, and that cannot be taken away.
		kind := taken.Name.Kind
		if !force || !p.isAlias(kind) || released[kind] {
			return p.TakenError(kind, "User account already exists")
		}
		released[kind] = true
		if err := s.ReleaseAlias(tx, p, taken.Owner, kind); err != nil {
			return err
		}
	}
}

// isAlias reports whether names of the kind are verified aliases, which can
// move from one user to another.
func (p *Pool) isAlias(kind string) bool {
	return (kind == store.NameEmail || kind == store.NamePhoneNumber) && slices.Contains(p.AliasAttributes, kind)
}

// ReleaseAlias makes the e-mail address or phone number of the user with that
// sub unverified, so that it no longer is the user's alias and another user
// can have it.
func (s *Service) ReleaseAlias(tx store.Tx, p *Pool, sub, kind string) error {
	owner, err := tx.User(p.ID, sub)
	if err != nil {
		return err
	}
	owner.Attributes = maps.Clone(owner.Attributes)
	owner.Attributes[kind+"_verified"] = "false"
	owner.UpdatedAt = s.stamp()
	return tx.UpdateUser(p.Row(owner))
}

// TakenError is the answer when another user holds a name of that kind.
// username is the text for the username itself, which differs by operation.
func (p *Pool) TakenError(kind, username string) error {
	switch {
	case p.isAlias(kind):
		return apierr.Newf(apierr.AliasExists, "An account with the %s already exists.", kind)
	case kind == store.NameEmail || kind == store.NamePhoneNumber:
		return apierr.Newf(apierr.UsernameExists, "An account with the given %s already exists.", kind)
	case kind == store.NamePreferredUsername:
		return apierr.New(apierr.AliasExists, "An account with the preferred_username already exists.")
	}
	return apierr.New(apierr.UsernameExists, username)
}

func (p *Pool) temporaryPassword() string {
	pp := p.PasswordPolicy
	return secret.TemporaryPassword(secret.Policy{
		MinimumLength: int(pp.MinimumLength), Upper: pp.Uppercase, Lower: pp.Lowercase, Numbers: pp.Numbers, Symbols: pp.Symbols,
	})
}

// invitations returns the media by which the user is told its password.
func (p *Pool) invitations(in NewUser, u store.User) ([]string, error) {
	if in.Suppress {
		return nil, nil
	}
	media := in.Media
	if media == nil {
		media = []string{message.SMS}
	}
	var to []string
	for _, m := range media {
		switch {
		case destination(m, u) != "":
			to = append(to, m)
		case in.Media != nil && m == message.Email:
			return nil, apierr.New(apierr.InvalidParameter, "User has no email attribute to which the invitation can be sent.")
		case in.Media != nil:
			return nil, apierr.New(apierr.InvalidParameter, "User has no phone_number attribute to which the invitation can be sent.")
		}
	}
	return to, nil
}

func destination(medium string, u store.User) string {
	if medium == message.Email {
		return u.Attributes["email"]
	}
	return u.Attributes["phone_number"]
}

// invite sends a temporary password. All media are tried.
func (s *Service) invite(ctx context.Context, p *Pool, u store.User, password string, media []string) error {
	var errs []error
	for _, medium := range media {
		errs = append(errs, s.send(ctx, p.invitation(u, medium, password)))
	}
	return errors.Join(errs...)
}

func (p *Pool) invitation(u store.User, medium, password string) message.Message {
	// In pools whose usernames are made up by the server, people know
	// themselves by what they sign in with.
	name := u.Username
	if len(p.UsernameAttributes) > 0 {
		if name = u.Attributes[p.UsernameAttributes[0]]; name == "" && len(p.UsernameAttributes) > 1 {
			name = u.Attributes[p.UsernameAttributes[1]]
		}
	}
	t := message.Template{Subject: p.Invitation.Subject, Body: p.Invitation.Email}
	if medium == message.SMS {
		t = message.Template{Body: p.Invitation.SMS}
	}
	m := t.Or(message.DefaultInvitation).Message(medium, password, name)
	m.PoolID, m.To, m.Kind, m.Username = p.ID, destination(medium, u), message.AdminCreateUser, u.Username
	if medium == message.Email {
		m.From, m.ReplyTo = p.Email.From, p.Email.ReplyTo
	}
	return m
}

// ResendInvitation gives a user that never signed in a new temporary password
// and sends the invitation again.
func (s *Service) ResendInvitation(ctx context.Context, poolID string, in NewUser) (store.User, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return store.User{}, err
	}
	u, err := s.find(ctx, p, in.Username)
	if err != nil {
		return store.User{}, err
	}
	if u.Status != StatusForceChangePassword {
		return store.User{}, notResendable(in.Username)
	}
	media, err := p.invitations(in, u)
	if err != nil {
		return store.User{}, err
	}
	password := in.TemporaryPassword
	if password == "" {
		password = p.temporaryPassword()
	}
	if err := s.SetPassword(ctx, p, &u, password, true); err != nil {
		return store.User{}, err
	}
	next := u
	err = s.changeUser(ctx, poolID, u.Sub, func(_ *Pool, now *store.User) error {
		if now.Status != StatusForceChangePassword {
			return notResendable(in.Username)
		}
		now.Credential, now.PasswordExpires = next.Credential, next.PasswordExpires
		u = *now
		return nil
	})
	if err != nil {
		return store.User{}, err
	}
	return u, s.invite(ctx, p, u, password, media)
}

func notResendable(username string) error {
	return apierr.Newf(apierr.UnsupportedUserState, "Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", username)
}

// find returns the user that has the name, or UserNotFoundException.
func (s *Service) find(ctx context.Context, p *Pool, name string) (u store.User, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		u, err = FindUser(tx, p, name)
		return err
	})
	if err != nil {
		return store.User{}, userError(err, "find")
	}
	return u, nil
}

// userError translates what the store says about users.
func userError(err error, doing string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errUserNotFound
	case errors.Is(err, store.ErrConflict):
		return apierr.New(apierr.TooManyRequests, "The user is being changed by other requests. Try again.").Because(err)
	case apierr.CodeOf(err) != "":
		return err
	}
	return fmt.Errorf("%s user: %w", doing, err)
}

// User returns the user that has the name as username, sub, alias or
// identifier. The error is UserNotFoundException if there is none.
func (s *Service) User(ctx context.Context, poolID, name string) (*Pool, store.User, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, store.User{}, err
	}
	u, err := s.find(ctx, p, name)
	return p, u, err
}

// EndSessions revokes what the user's sign-ins so far have issued: refresh
// tokens, and access tokens as far as this service is asked. The caller stores
// u.
func (s *Service) EndSessions(u *store.User) {
	// Each end has a second of its own, also where the clock stood still or was
	// set back: a sign-in since the end before has the second after that as its
	// auth_time, and does not outlive this one.
	now := s.stamp()
	if last := u.TokensValidAfter; !last.IsZero() && now.Unix() <= last.Unix() {
		now = last.Truncate(time.Second).Add(time.Second)
	}
	u.TokensValidAfter = now
}

// PasswordChange is a password that an administrator sets.
type PasswordChange struct {
	PoolID    string
	Username  string // any name of the user
	Password  string
	Permanent bool // false: to be changed at the next sign-in
}

// AdminSetPassword sets a user's password. Tokens of earlier sign-ins are
// revoked.
func (s *Service) AdminSetPassword(ctx context.Context, in PasswordChange) error {
	p, u, err := s.User(ctx, in.PoolID, in.Username)
	if err != nil {
		return err
	}
	// The slow part happens before the transaction. It depends on the sub and
	// the username alone, and those never change.
	next := u
	if err := s.SetPassword(ctx, p, &next, in.Password, !in.Permanent); err != nil {
		return err
	}
	return s.changeUser(ctx, p.ID, u.Sub, func(_ *Pool, u *store.User) error {
		// Who was never confirmed has never been given a token: there is
		// nothing to revoke, and the first sign-in may follow at once.
		if u.Status != StatusForceChangePassword && u.Status != StatusUnconfirmed {
			s.EndSessions(u)
		}
		u.Credential, u.Status, u.PasswordExpires = next.Credential, next.Status, next.PasswordExpires
		return nil
	})
}

// DeleteUser deletes a user and all that is known of it.
func (s *Service) DeleteUser(ctx context.Context, poolID, name string) error {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		u, err := FindUser(tx, p, name)
		if err != nil {
			return err
		}
		return tx.DeleteUser(p.ID, u.Sub)
	})
	if err != nil {
		return userError(err, "delete")
	}
	return nil
}

// SetEnabled lets a user sign in or not. Disabling revokes its tokens.
func (s *Service) SetEnabled(ctx context.Context, poolID, name string, enabled bool) error {
	return s.changeUser(ctx, poolID, name, func(p *Pool, u *store.User) error {
		u.Enabled = enabled
		if !enabled {
			s.EndSessions(u)
		}
		return nil
	})
}

// DeleteAttributes deletes attributes of a user. What it does not have is no
// error; what the schema does not have is.
func (s *Service) DeleteAttributes(ctx context.Context, poolID, name string, attributes []string) error {
	changes := make(map[string]string, len(attributes))
	for _, a := range attributes {
		changes[a] = ""
	}
	return s.changeUser(ctx, poolID, name, func(p *Pool, u *store.User) (err error) {
		u.Attributes, err = p.CheckAttributes(AttributeWrite{}, u.Attributes, changes)
		return err
	})
}

// changeUser reads, changes and writes a user in one transaction. change may
// run more than once.
func (s *Service) changeUser(ctx context.Context, poolID, name string, change func(*Pool, *store.User) error) error {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return err
	}
	err = s.repeat(ctx, func(tx store.Tx) error {
		u, err := FindUser(tx, p, name)
		if err != nil {
			return err
		}
		if err := change(p, &u); err != nil {
			return err
		}
		u.UpdatedAt = s.stamp()
		err = tx.UpdateUser(p.Row(u))
		if taken, ok := errors.AsType[*store.NameTakenError](err); ok {
			return p.TakenError(taken.Name.Kind, "User account already exists")
		}
		return err
	})
	if err != nil {
		return userError(err, "update")
	}
	return nil
}

// PasswordExpired reports whether a temporary password can no longer be used.
func PasswordExpired(u store.User, now time.Time) bool {
	return !u.PasswordExpires.IsZero() && !now.Before(u.PasswordExpires)
}
