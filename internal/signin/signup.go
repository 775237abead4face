package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

var (
	errSignUpClosed     = apierr.New(apierr.NotAuthorized, "SignUp is not permitted for this user pool")
	errUnwritable       = apierr.New(apierr.NotAuthorized, "A client attempted to write unauthorized attribute")
	errAlreadyConfirmed = apierr.New(apierr.InvalidParameter, "User is already confirmed.")
	errNoResend         = apierr.New(apierr.InvalidParameter, "Cannot resend codes. Auto verification not turned on.")
	errNoPassword       = apierr.New(apierr.InvalidParameter, "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null")
)

// SignUpInput is somebody who wants an account.
type SignUpInput struct {
	ClientID   string
	SecretHash string
	Username   string
	Password   string
	Attributes map[string]string
	Caller     Caller
}

// SignUpResult is a new account.
type SignUpResult struct {
	Sub       string
	Confirmed bool
	Delivery  *Delivery // nil: no code was sent
}

// SignUp creates a user that has to be confirmed. If the message with the code
// cannot be sent, the user exists all the same, and the error is
// CodeDeliveryFailureException.
func (s *Service) SignUp(ctx context.Context, in SignUpInput) (SignUpResult, error) {
	// 1 Input.
	p, c, err := s.Pools.ClientByID(ctx, in.ClientID)
	if err != nil {
		return SignUpResult{}, err
	}
	if err := s.Pools.CheckSecretHash(c, in.Username, in.SecretHash); err != nil {
		return SignUpResult{}, err
	}
	if p.AdminCreateUserOnly {
		return SignUpResult{}, errSignUpClosed
	}
	u, err := s.newUser(ctx, p, c, in)
	if err != nil {
		return SignUpResult{}, err
	}
	// 2 PreSignUp: not built, no pool has one. So nobody is confirmed or
	// verified by a function.
	// 3 The user, and the code to confirm it.
	to, sends := autoContact(p, u.Attributes)
	record, code := s.newCode(p, u.Sub, purposeConfirm, to, confirmLife)
	source := sourceSubject(in.Caller.SourceIP)
	err = s.decide(ctx, func(tx store.Tx) (verdict, err error) {
		if sends {
			within, err := countAll(tx, p.ID, s.now(), use{limitDestination, s.destinationSubject(p, to)}, use{limitSource, source})
			if err != nil {
				return nil, err
			}
			if !within {
				return errAttemptLimit, nil
			}
		}
		err = tx.CreateUser(p.Row(u))
		if taken, ok := errors.AsType[*store.NameTakenError](err); ok {
			within, err := limitTakenNames.count(tx, p.ID, source, s.now())
			if err != nil {
				return nil, err
			}
			if !within {
				return errTooManyCalls, nil
			}
			return p.TakenError(taken.Name.Kind, "User already exists"), nil
		}
		if err != nil {
			return nil, fmt.Errorf("create user: %w", err)
		}
		if sends {
			if err := tx.PutCode(record); err != nil {
				return nil, fmt.Errorf("store code: %w", err)
			}
		}
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		// The pool was deleted since it was read.
		return SignUpResult{}, apierr.Newf(apierr.ResourceNotFound, "User pool client %s does not exist.", in.ClientID)
	}
	if err != nil {
		return SignUpResult{}, err
	}
	// 4 The message. 5 PostConfirmation: only for who is confirmed at once.
	r := SignUpResult{Sub: u.Sub}
	if sends {
		if err := s.send(ctx, codeMessage(p, u, message.SignUp, to, code)); err != nil {
			return SignUpResult{}, err
		}
		d := to.delivery()
		r.Delivery = &d
	}
	return r, nil
}

// newUser checks what somebody who signs up has given, and makes an
// unconfirmed user of it.
func (s *Service) newUser(ctx context.Context, p *userpool.Pool, c *userpool.Client, in SignUpInput) (store.User, error) {
	if in.Password == "" {
		return store.User{}, errNoPassword // only passwordless pools could do without
	}
	for name := range in.Attributes {
		if !c.CanWrite(name) {
			return store.User{}, errUnwritable
		}
	}
	if slices.Contains(p.AliasAttributes, store.NamePreferredUsername) && in.Attributes[store.NamePreferredUsername] != "" {
		return store.User{}, apierr.New(apierr.InvalidParameter, "Attribute preferred_username cannot be set before the user is confirmed, since user pool is configured for preferred_username alias.")
	}
	id, err := p.NewIdentity(in.Username, in.Attributes)
	if err != nil {
		return store.User{}, err
	}
	u := store.User{PoolID: p.ID, Sub: id.Sub, Username: id.Username, Enabled: true, Version: 1}
	// What the client may write was checked above, without the identifier: a
	// username is always allowed.
	u.Attributes, err = p.CheckAttributes(userpool.AttributeWrite{Creating: true, Require: true}, nil, id.Attributes)
	if err != nil {
		return store.User{}, err
	}
	for _, a := range []string{store.NameEmail, store.NamePhoneNumber} {
		if u.Attributes[a] != "" {
			u.Attributes[a+"_verified"] = "false"
		}
	}
	if err := s.Pools.SetPassword(ctx, p, &u, in.Password, false); err != nil {
		return store.User{}, err
	}
	u.Status = userpool.StatusUnconfirmed
	u.CreatedAt = s.stamp()
	u.UpdatedAt = u.CreatedAt
	return u, nil
}

// destinationSubject names the counter of an address or number. It is keyed,
// so that the table of counters is no list of addresses.
func (s *Service) destinationSubject(p *userpool.Pool, to contact) string {
	return "to:" + s.nameFingerprint(p.ID, "destination "+fold(p, to.String()))
}

// ConfirmSignUpInput is a code that proves an address.
type ConfirmSignUpInput struct {
	ClientID   string
	SecretHash string
	Username   string
	Code       string
	ForceAlias bool // takes a verified alias away from the user that holds it
	Caller     Caller
}

// ConfirmSignUp confirms a user that signed up, and verifies the attribute to
// which the code was sent.
func (s *Service) ConfirmSignUp(ctx context.Context, in ConfirmSignUpInput) error {
	began := beginSteady()
	who, err := s.publicUser(ctx, in.ClientID, in.Username, in.SecretHash)
	defer func() { began.wait(ctx, who.client, steadyTime) }()
	if err != nil {
		return err
	}
	if err := who.mustExist(); err != nil {
		return err
	}
	if who.usable() && who.user.Status != userpool.StatusUnconfirmed {
		return cannotConfirm(who.user)
	}
	g := s.guessOf(who, purposeConfirm, in.Code, limitConfirmSignUp)
	code, err := s.try(ctx, g)
	if err != nil {
		return err
	}
	_, err = s.updateUser(ctx, who.pool, who.user.Sub, func(tx store.Tx, u *store.User) error {
		if err := s.take(tx, code, g); err != nil {
			return err
		}
		if u.Status != userpool.StatusUnconfirmed {
			return cannotConfirm(*u)
		}
		to := parseContact(code.Destination)
		if u.Attributes[to.attribute] != to.value {
			return errCodeExpired // the address was changed after the code was sent
		}
		u.Status = userpool.StatusConfirmed
		return s.verify(tx, who.pool, u, to, in.ForceAlias)
	})
	return aliasError(who.pool, goneIs(err, errCodeExpired))
	// PostConfirmation: not built, no pool has one.
}

// verify makes a contact of the user verified. Where it is an alias, it is the
// user's alone from then on: another holder is an error, or with force becomes
// unverified.
func (s *Service) verify(tx store.Tx, p *userpool.Pool, u *store.User, to contact, force bool) error {
	u.Attributes[to.attribute] = to.value
	u.Attributes[to.attribute+"_verified"] = "true"
	u.UpdatedAt = s.stamp()
	if !slices.Contains(p.AliasAttributes, to.attribute) {
		return nil
	}
	n, err := p.Normalize(to.value)
	if err != nil {
		return fmt.Errorf("normalise alias: %w", err)
	}
	owner, name, err := tx.UserByName(p.ID, n)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find holder of alias: %w", err)
	case owner.Sub == u.Sub:
		return nil
	case !force || name.Kind != to.attribute:
		// Only an alias can be taken away, never somebody's username.
		return p.TakenError(to.attribute, "")
	}
	return s.Pools.ReleaseAlias(tx, p, owner.Sub, to.attribute)
}

// aliasError is the answer when another user got hold of a name in the moment
// between the look and the write.
func aliasError(p *userpool.Pool, err error) error {
	taken, ok := errors.AsType[*store.NameTakenError](err)
	if !ok {
		return err
	}
	if slices.Contains(p.UsernameAttributes, taken.Name.Kind) {
		return apierr.Newf(apierr.AliasExists, "An account with the given %s already exists.", taken.Name.Kind)
	}
	return p.TakenError(taken.Name.Kind, "User already exists")
}

// goneIs turns "the user is gone" into answer.
func goneIs(err, answer error) error {
	if errors.Is(err, store.ErrNotFound) {
		return answer
	}
	return err
}

func cannotConfirm(u store.User) error {
	return apierr.Newf(apierr.NotAuthorized, "User cannot be confirmed. Current status is %s", u.Status)
}

// mustExist is the answer to a caller who may know that there is no such user,
// or that the account is disabled.
func (u publicUser) mustExist() error {
	switch {
	case u.hidden():
		return nil
	case !u.known:
		return errCombination
	case !u.user.Enabled:
		return errDisabled
	}
	return nil
}

// usable reports whether there is a user that can do anything. To a caller
// from whom users are hidden, a disabled one is none.
func (u publicUser) usable() bool { return u.known && u.user.Enabled }

// guessOf is a guess at a code of who, which counts against the user or, if
// there is none, the name.
func (s *Service) guessOf(who publicUser, purpose, code string, l limit) guess {
	g := guess{pool: who.pool, purpose: purpose, code: code, limit: l}
	fingerprint := s.nameFingerprint(who.pool.ID, fold(who.pool, who.name))
	if who.hidden() {
		g.pretend = fingerprint
	}
	g.subject = fingerprint
	if who.usable() {
		g.sub, g.subject = who.user.Sub, who.user.Sub
	}
	return g
}

// ResendInput asks for another code.
type ResendInput struct {
	ClientID   string
	SecretHash string
	Username   string
	Caller     Caller
}

// ResendConfirmationCode sends a new code to a user that is not confirmed. The
// old one works no more.
func (s *Service) ResendConfirmationCode(ctx context.Context, in ResendInput) (Delivery, error) {
	began := beginSteady()
	who, err := s.publicUser(ctx, in.ClientID, in.Username, in.SecretHash)
	defer func() { began.wait(ctx, who.client, steadyTime) }()
	if err != nil {
		return Delivery{}, err
	}
	if len(who.pool.AutoVerifiedAttributes) == 0 {
		return Delivery{}, errNoResend
	}
	if err := who.mustExist(); err != nil {
		return Delivery{}, err
	}
	r := request{who: who, channels: who.pool.AutoVerifiedAttributes, purpose: purposeConfirm, kind: message.ResendCode, life: confirmLife, limit: limitResendCode, source: sourceSubject(in.Caller.SourceIP)}
	if who.usable() {
		confirmed := who.user.Status != userpool.StatusUnconfirmed
		if confirmed && !who.hidden() {
			return Delivery{}, errAlreadyConfirmed
		}
		// To a client that hides its users there is nobody to confirm, either.
		if !confirmed {
			r.to, r.real = autoContact(who.pool, who.user.Attributes)
		}
		if !r.real && !who.hidden() {
			return Delivery{}, errNoResend
		}
	}
	return s.sendCode(ctx, r)
}

// request is a public request for a code, to a user or to nobody.
type request struct {
	who      publicUser
	channels []string // attributes to which the pool could send, in order
	real     bool     // there is a user, and a way to send to it
	to       contact  // if real
	purpose  string
	kind     string // of the message
	life     time.Duration
	limit    limit
	source   string
}

// sendCode stores and sends a code, or does as if.
func (s *Service) sendCode(ctx context.Context, r request) (Delivery, error) {
	p, sub := r.who.pool, r.who.user.Sub
	if !r.real {
		r.to = s.simulated(p, r.who.name, r.channels)
	}
	fingerprint := s.nameFingerprint(p.ID, fold(p, r.who.name))
	counted := fingerprint
	if r.who.usable() {
		counted = sub
	}
	destination := s.destinationSubject(p, r.to)
	if !r.real && r.to.value != r.who.name {
		// An invented address has two letters: many names share it, and the
		// limit of one must not show in the answers to another.
		destination = fingerprint
	}
	record, code := s.newCode(p, sub, r.purpose, r.to, r.life)
	err := s.decide(ctx, func(tx store.Tx) (verdict, err error) {
		within, err := countAll(tx, p.ID, s.now(), use{r.limit, counted}, use{limitSource, r.source}, use{limitDestination, destination})
		if err != nil {
			return nil, err
		}
		if !within {
			return errAttemptLimit, nil
		}
		if r.real {
			err = tx.PutCode(record)
		} else {
			err = s.putNoCode(tx, p.ID, fingerprint, r.purpose, r.life)
		}
		if err != nil || !r.who.hidden() {
			return nil, err
		}
		return nil, s.pretendCode(tx, p.ID, fingerprint, r.purpose, r.life)
	})
	if err != nil {
		return Delivery{}, goneIs(err, errCombination)
	}
	var m *message.Message
	if r.real {
		full := codeMessage(p, r.who.user, r.kind, r.to, code)
		m = &full
	}
	if r.who.hidden() {
		err = s.sendHidden(ctx, s.simulated(p, r.who.name, r.channels).medium(), m)
	} else if m != nil {
		err = s.send(ctx, *m)
	}
	if err != nil {
		return Delivery{}, err
	}
	return r.to.delivery(), nil
}

// AdminConfirmSignUp confirms a user without a code. It verifies nothing.
func (s *Service) AdminConfirmSignUp(ctx context.Context, poolID, username string) error {
	p, u, err := s.Pools.User(ctx, poolID, username)
	if err != nil {
		return err
	}
	_, err = s.updateUser(ctx, p, u.Sub, func(_ store.Tx, u *store.User) error {
		if u.Status != userpool.StatusUnconfirmed {
			return cannotConfirm(*u)
		}
		u.Status = userpool.StatusConfirmed
		u.UpdatedAt = s.stamp()
		return nil
	})
	// PostConfirmation: not built, no pool has one.
	return goneIs(err, errUserNotFound)
}
