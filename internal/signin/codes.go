package signin

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Codes are six digits that prove that somebody reads the messages to an
// address or number. A code is good for one user, one purpose and one
// destination, once, for a limited time and number of guesses; a new one takes
// the place of the old. What is stored is a hash that is keyed by the KEK.
const (
	purposeConfirm = "confirm sign-up"
	purposeReset   = "reset password"
	purposeVerify  = "verify " // and the name of the attribute

	confirmLife = 24 * time.Hour
	verifyLife  = 24 * time.Hour
	resetLife   = time.Hour

	codeDigits = 6
	// codeGuesses is how many wrong codes a code survives. With the hourly
	// limits it leaves a guesser one chance in 100,000 a code.
	codeGuesses = 10
)

var (
	errCodeMismatch = apierr.New(apierr.CodeMismatch, "Invalid verification code provided, please try again.")
	errCodeExpired  = apierr.New(apierr.ExpiredCode, "Invalid code provided, please request a code again.")
)

// contact is an attribute to which messages can be sent, and its value.
type contact struct{ attribute, value string }

func (c contact) medium() string {
	if c.attribute == store.NamePhoneNumber {
		return message.SMS
	}
	return message.Email
}

// String is the form in which a code remembers its destination.
func (c contact) String() string { return c.attribute + ":" + c.value }

func parseContact(s string) contact {
	attribute, value, _ := strings.Cut(s, ":")
	return contact{attribute, value}
}

// Delivery says where a code was sent, masked for whoever asked.
type Delivery struct {
	Destination string
	Medium      string // message.Email or message.SMS
	Attribute   string
}

func (c contact) delivery() Delivery {
	return Delivery{Destination: message.Mask(c.medium(), c.value), Medium: c.medium(), Attribute: c.attribute}
}

// newCode makes a code for a user. The record is for the store, the text for
// the message and nowhere else.
func (s *Service) newCode(p *userpool.Pool, sub, purpose string, to contact, life time.Duration) (record store.Code, code string) {
	code = secret.Digits(codeDigits)
	now := s.stamp()
	return store.Code{
		PoolID: p.ID, Sub: sub, Purpose: purpose, Hash: s.codeHash(p.ID, sub, purpose, to.String(), code),
		Destination: to.String(), GuessesLeft: codeGuesses, CreatedAt: now, ExpiresAt: now.Add(life),
	}, code
}

func (s *Service) codeHash(poolID, sub, purpose, destination, code string) []byte {
	return secret.CodeHash(s.KEK, poolID, sub, string(pack([]byte(purpose), []byte(destination))), code)
}

// guess is one try at a code.
type guess struct {
	pool    *userpool.Pool
	sub     string // "" if there is nobody to guess at
	subject string // whom the guess counts against
	purpose string
	code    string
	limit   limit
	// pretend is the fingerprint of the name, if the client must not learn
	// whether a code exists.
	pretend string
}

// try spends one guess at a code, and returns the code if the guess is right.
// The code stays: who acts on it takes it, in the transaction that acts.
func (s *Service) try(ctx context.Context, g guess) (store.Code, error) {
	var found store.Code
	err := s.decide(ctx, func(tx store.Tx) (verdict, err error) {
		now := s.now()
		within, err := g.limit.count(tx, g.pool.ID, g.subject, now)
		if err != nil {
			return nil, err
		}
		if !within {
			return errAttemptLimit, nil
		}
		found, err = tx.GuessCode(g.pool.ID, g.sub, g.purpose)
		none := errors.Is(err, store.ErrNotFound)
		if err != nil && !none {
			return nil, fmt.Errorf("guess code: %w", err)
		}
		// Counted for real codes as well: both kinds of guesses cost the same.
		pretended, err := s.pretendGuess(tx, g, now)
		if err != nil {
			return nil, err
		}
		if none {
			return pretended, nil
		}
		if !now.Before(found.ExpiresAt) {
			return errCodeExpired, nil
		}
		if !hmac.Equal(found.Hash, s.codeHash(g.pool.ID, g.sub, g.purpose, found.Destination, g.code)) {
			return errCodeMismatch, nil
		}
		return nil, nil
	})
	if err != nil {
		return store.Code{}, err
	}
	return found, nil
}

// take ends a code within the transaction that acts on it, so that it works
// once. Of two that race, one is told that there is no such code.
func (s *Service) take(tx store.Tx, c store.Code, g guess) error {
	err := tx.TakeCode(c.PoolID, c.Sub, c.Purpose, c.Hash)
	if errors.Is(err, store.ErrNotFound) {
		return errCodeExpired
	}
	if err == nil && g.pretend != "" {
		err = tx.ResetAttempts(c.PoolID, g.pretend, attemptPretended+c.Purpose)
	}
	return err
}

// void ends the code of a user for a purpose, if there is one.
func void(tx store.Tx, poolID, sub, purpose string) error {
	c, err := tx.Code(poolID, sub, purpose)
	if err == nil {
		err = tx.TakeCode(poolID, sub, purpose, c.Hash)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("void code: %w", err)
	}
	return nil
}

// Where a client hides its users, a code that was only pretended to be sent
// behaves as a real one does to somebody who guesses: wrong a number of times,
// then gone, and gone after its life. Two counters remember that much. They are
// kept beside real codes too, so that both take the same statements.
const (
	attemptPretended      = "pretended code: "
	attemptPretendedGuess = "guesses at pretended code: "
	attemptNoCode         = "no code: "
)

// pretendCode notes that a code was sent, or pretended to be.
func (s *Service) pretendCode(tx store.Tx, poolID, fingerprint, purpose string, life time.Duration) error {
	now := s.now()
	if err := tx.ResetAttempts(poolID, fingerprint, attemptPretendedGuess+purpose); err != nil {
		return fmt.Errorf("pretend code: %w", err)
	}
	if _, err := tx.CountAttempt(poolID, fingerprint, attemptPretended+purpose, now, now.Add(life)); err != nil {
		return fmt.Errorf("pretend code: %w", err)
	}
	return nil
}

// putNoCode is to somebody who does not exist what PutCode is to a user: one
// row that is written.
func (s *Service) putNoCode(tx store.Tx, poolID, fingerprint, purpose string, life time.Duration) error {
	now := s.now()
	if _, err := tx.CountAttempt(poolID, fingerprint, attemptNoCode+purpose, now, now.Add(life)); err != nil {
		return fmt.Errorf("pretend code: %w", err)
	}
	return nil
}

func (s *Service) pretendGuess(tx store.Tx, g guess, now time.Time) (verdict, err error) {
	if g.pretend == "" {
		return errCodeExpired, nil
	}
	sent, err := tx.Attempt(g.pool.ID, g.pretend, attemptPretended+g.purpose, now)
	if err != nil {
		return nil, fmt.Errorf("guess pretended code: %w", err)
	}
	made, err := tx.CountAttempt(g.pool.ID, g.pretend, attemptPretendedGuess+g.purpose, now, now.Add(resetLife+confirmLife))
	if err != nil {
		return nil, fmt.Errorf("guess pretended code: %w", err)
	}
	if sent.Count == 0 || made.Count > codeGuesses {
		return errCodeExpired, nil
	}
	return errCodeMismatch, nil
}

// autoContact returns where the pool sends the code that confirms a user: the
// phone number before the e-mail address, of those that the pool verifies and
// the user has.
func autoContact(p *userpool.Pool, attributes map[string]string) (contact, bool) {
	for _, a := range []string{store.NamePhoneNumber, store.NameEmail} {
		if slices.Contains(p.AutoVerifiedAttributes, a) && attributes[a] != "" {
			return contact{a, attributes[a]}, true
		}
	}
	return contact{}, false
}

// simulated returns a delivery for a user that does not exist: always the same
// for the same name, and such as a user with that name would have. The name
// itself is shown, masked, where it is an address. allowed are the attributes
// to which the pool could send, in order.
func (s *Service) simulated(p *userpool.Pool, name string, allowed []string) contact {
	attribute := ""
	switch {
	case message.CheckEmail(name) == nil:
		attribute = store.NameEmail
	case message.CheckPhone(name) == nil:
		attribute = store.NamePhoneNumber
	}
	if slices.Contains(allowed, attribute) {
		return contact{attribute, name}
	}
	// What the pool verifies is what its users are likely to have.
	attribute = store.NameEmail
	for _, a := range slices.Backward(allowed) {
		if attribute == store.NameEmail && !slices.Contains(allowed, attribute) || slices.Contains(p.AutoVerifiedAttributes, a) {
			attribute = a
		}
	}
	seed := s.nameFingerprint(p.ID, "contact of "+fold(p, name))
	if attribute == store.NamePhoneNumber {
		digits := strings.Map(func(r rune) rune { return '0' + r%10 }, seed[:10])
		return contact{attribute, "+1" + digits}
	}
	// Letters by how common they are, or nearly: first letters of names and of
	// mail providers.
	local, domain := "jamscdrkltbenpgh", "ggggghhyyoommica"
	return contact{attribute, string(local[hexDigit(seed[0])]) + "@" + string(domain[hexDigit(seed[1])])}
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789abcdef", c) }
