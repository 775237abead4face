package userpool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/srp"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Statuses of users.
const (
	StatusUnconfirmed         = "UNCONFIRMED"
	StatusConfirmed           = "CONFIRMED"
	StatusForceChangePassword = "FORCE_CHANGE_PASSWORD"
	StatusResetRequired       = "RESET_REQUIRED"
)

// ErrNoVerifier is returned by Verifier for a user that SRP cannot sign in:
// one without a password, or in a pool that keeps argon2id hashes.
var ErrNoVerifier = errors.New("userpool: user has no SRP verifier")

// maxPasswordBytes bounds what is hashed: 256 characters of up to four bytes.
const maxPasswordBytes = 4 * 256

// passwordSymbols are the characters that count as symbols. A space counts
// unless it is the first or the last character.
const passwordSymbols = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+="

// CheckPassword checks a password against the pool's policy. The error names
// the first rule that it breaks.
func (p *Pool) CheckPassword(password string) error {
	refuse := func(reason string) error {
		return apierr.New(apierr.InvalidPassword, "Password did not conform with policy: "+reason)
	}
	// The length is looked at before the rest is read: a password is whatever
	// a caller cares to send.
	if len(password) > maxPasswordBytes || p.PasswordStore == PasswordArgon2id && len(password) > secret.MaxPassword {
		return refuse("Password too long")
	}
	if n := utf8.RuneCountInString(password); n < int(p.PasswordPolicy.MinimumLength) || n == 0 {
		return refuse("Password not long enough")
	} else if n > 256 {
		return refuse("Password too long")
	}
	has := func(class func(rune) bool) bool { return strings.ContainsFunc(password, class) }
	switch pp := p.PasswordPolicy; {
	case pp.Uppercase && !has(unicode.IsUpper):
		return refuse("Password must have uppercase characters")
	case pp.Lowercase && !has(unicode.IsLower):
		return refuse("Password must have lowercase characters")
	case pp.Numbers && !has(unicode.IsDigit):
		return refuse("Password must have numeric characters")
	case pp.Symbols && !strings.ContainsAny(password, passwordSymbols) && !strings.Contains(strings.TrimSpace(password), " "):
		return refuse("Password must have symbol characters")
	}
	return nil
}

// First bytes of a credential: what is in it.
const (
	credentialSRP    = 's'
	credentialArgon2 = 'a'
)

func credentialPlace(poolID, sub string) secret.Place {
	return secret.Place{Table: "user", Pool: poolID, Row: sub, Column: "credential"}
}

// SetPassword checks the password against the policy and makes it the user's:
// it fills in Credential, Status and PasswordExpires, and stores nothing. A
// temporary password makes the user FORCE_CHANGE_PASSWORD until it is changed;
// any other makes the user CONFIRMED. PoolID, Sub and Username must be set. It
// takes a millisecond or, with argon2id, tens of them: call it outside
// transactions.
func (s *Service) SetPassword(ctx context.Context, p *Pool, u *store.User, password string, temporary bool) error {
	if err := p.CheckPassword(password); err != nil {
		return err
	}
	plain, err := s.credential(ctx, p, u, password)
	if err != nil {
		return err
	}
	u.Credential = s.KEK.Seal(credentialPlace(u.PoolID, u.Sub), plain)
	u.Status, u.PasswordExpires = StatusConfirmed, time.Time{}
	if temporary {
		u.Status = StatusForceChangePassword
		u.PasswordExpires = s.stamp().Add(p.PasswordPolicy.TemporaryPasswordLife())
	}
	return nil
}

func (s *Service) credential(ctx context.Context, p *Pool, u *store.User, password string) ([]byte, error) {
	if p.PasswordStore == PasswordArgon2id {
		phc, err := s.passwords().Hash(ctx, password)
		if err != nil {
			return nil, hashError(err)
		}
		return append([]byte{credentialArgon2}, phc...), nil
	}
	v := srp.NewVerifier(arn.PoolName(p.ID), u.Username, password)
	return append([]byte{credentialSRP}, v.Marshal()...), nil
}

func hashError(err error) error {
	if errors.Is(err, secret.ErrBusy) {
		return apierr.New(apierr.TooManyRequests, "Too many requests").Because(err)
	}
	return fmt.Errorf("hash password: %w", err)
}

func (s *Service) openCredential(u store.User) ([]byte, error) {
	plain, err := s.KEK.Open(credentialPlace(u.PoolID, u.Sub), u.Credential)
	if err != nil {
		return nil, fmt.Errorf("open credential of user %s: %w", u.Sub, err)
	}
	if len(plain) == 0 {
		return nil, fmt.Errorf("credential of user %s is empty", u.Sub)
	}
	return plain, nil
}

// Verifier returns the user's SRP verifier, or ErrNoVerifier.
func (s *Service) Verifier(u store.User) (srp.Verifier, error) {
	if len(u.Credential) == 0 {
		return srp.Verifier{}, ErrNoVerifier
	}
	plain, err := s.openCredential(u)
	if err != nil {
		return srp.Verifier{}, err
	}
	return verifierIn(plain, u)
}

func verifierIn(plain []byte, u store.User) (srp.Verifier, error) {
	if plain[0] != credentialSRP {
		return srp.Verifier{}, ErrNoVerifier
	}
	v, err := srp.Unmarshal(plain[1:])
	if err != nil {
		return srp.Verifier{}, fmt.Errorf("credential of user %s: %w", u.Sub, err)
	}
	return v, nil
}

// VerifierOrFake returns the user's SRP verifier or, for one that has none and
// for the zero User, a fake: always the same for the same pool and name, and no
// password fits it. Both take the same work: that of opening a real one and
// that of making a fake (security ENUM-2).
func (s *Service) VerifierOrFake(p *Pool, u store.User, name string) (srp.Verifier, error) {
	fake := s.fakeVerifier(p, name)
	none := len(u.Credential) == 0
	if none {
		u = s.decoy()
	}
	v, err := s.Verifier(u)
	if none && err == nil || errors.Is(err, ErrNoVerifier) {
		return fake, nil
	}
	return v, err
}

func (s *Service) fakeVerifier(p *Pool, name string) srp.Verifier {
	s.fakeOnce.Do(func() { s.fakeSeed = s.KEK.Subkey("rockpool unknown users") })
	return srp.Fake(s.fakeSeed, arn.PoolName(p.ID), name)
}

// decoy is a user of no pool with a credential that can be opened as any other.
func (s *Service) decoy() store.User {
	s.decoyOnce.Do(func() {
		u := store.User{PoolID: "no pool", Sub: "nobody"}
		v := srp.Fake(s.KEK.Subkey("rockpool decoy"), u.PoolID, u.Sub)
		u.Credential = s.KEK.Seal(credentialPlace(u.PoolID, u.Sub), append([]byte{credentialSRP}, v.Marshal()...))
		s.decoyUser = u
	})
	return s.decoyUser
}

// VerifyPassword reports whether password is the user's. For a user without a
// password, the zero User among them, it does the work of one with a password
// and says no.
func (s *Service) VerifyPassword(ctx context.Context, p *Pool, u store.User, password string) (bool, error) {
	if len(password) > maxPasswordBytes {
		return false, nil
	}
	none := len(u.Credential) == 0
	held := u
	if none {
		held = s.decoy()
	}
	plain, err := s.openCredential(held)
	if err != nil {
		return false, err
	}
	// What is stored decides, since a pool's setting may have changed after
	// the password was set; for nobody, the setting does.
	if !none && plain[0] == credentialArgon2 || none && p.PasswordStore == PasswordArgon2id {
		phc := ""
		if !none {
			phc = string(plain[1:])
		}
		ok, err := s.passwords().Verify(ctx, phc, password)
		if err != nil {
			return false, hashError(err)
		}
		return ok, nil
	}
	fake := s.fakeVerifier(p, u.Username)
	v, err := verifierIn(plain, held)
	if err != nil {
		return false, err
	}
	if none {
		v = fake
	}
	return v.Matches(arn.PoolName(p.ID), u.Username, password) && !none, nil
}
