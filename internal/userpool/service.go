package userpool

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Service is everything that is done to user pools. Store and KEK are needed;
// the zero value of every other field works. It is safe for concurrent use and
// must not be copied after first use.
type Service struct {
	Store store.Store
	KEK   *secret.KEK

	Hasher   *secret.Hasher   // for pools with PasswordStore argon2id; nil: one of its own
	Account  string           // account id in ARNs; "": 000000000000
	Now      func() time.Time // nil: time.Now
	Messages message.Sender   // nil: nothing can be sent, and who asks for it is told
	Logger   *slog.Logger     // nil: discard

	// NewSigner makes the signer of a private key; nil: crypto/rsa itself.
	NewSigner func(*rsa.PrivateKey) (crypto.Signer, error)

	hasher secret.Hasher // stands in for a nil Hasher
	pools  poolCache

	fakeOnce, decoyOnce sync.Once
	fakeSeed            [32]byte   // see fakeVerifier
	decoyUser           store.User // see decoy
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// stamp is the time that is stored: whole milliseconds, as the store keeps it.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func (s *Service) account() string {
	if s.Account == "" {
		return "000000000000"
	}
	return s.Account
}

func (s *Service) log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

func (s *Service) passwords() *secret.Hasher {
	if s.Hasher == nil {
		return &s.hasher
	}
	return s.Hasher
}

// maxConflicts is how often a change is made that others overtook.
const maxConflicts = 5

// repeat is Update for a transaction that reads a record, changes it and
// writes it back. Where the database lets another writer in between, it is
// store.ErrConflict, and the change is made again on what is there then.
func (s *Service) repeat(ctx context.Context, fn func(store.Tx) error) error {
	for i := 1; ; i++ {
		if err := s.Store.Update(ctx, fn); !errors.Is(err, store.ErrConflict) || i == maxConflicts {
			return err
		}
	}
}

func (s *Service) send(ctx context.Context, m message.Message) error {
	var sender message.Sender = message.Unconfigured{}
	if s.Messages != nil {
		sender = s.Messages
	}
	if err := sender.Send(ctx, m); err != nil {
		return DeliveryError(err)
	}
	return nil
}

// DeliveryError is CodeDeliveryFailureException for a message that a sender
// did not take. What a mail server said is in the cause alone.
func DeliveryError(err error) error {
	return apierr.New(apierr.CodeDeliveryFailure, message.PublicText(err)).Because(err)
}

// Errors that several operations return. Their texts are Cognito's: clients
// compare them.
var (
	errUserNotFound  = apierr.New(apierr.UserNotFound, "User does not exist.")
	errGroupNotFound = apierr.New(apierr.ResourceNotFound, "Group not found.")
)

func errPoolNotFound(id string) error {
	return apierr.Newf(apierr.ResourceNotFound, "User pool %s does not exist.", id)
}

func errClientNotFound(id string) error {
	return apierr.Newf(apierr.ResourceNotFound, "User pool client %s does not exist.", id)
}
