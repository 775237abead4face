package signin

import (
	"context"
	"fmt"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// limit is how often something may happen to one subject within one hour of
// the clock. The numbers for users are those that Cognito documents; where it
// names a range, they lie in it.
type limit struct {
	kind    string
	perHour int64
}

var (
	limitConfirmSignUp         = limit{"ConfirmSignUp", 15}
	limitResendCode            = limit{"ResendConfirmationCode", 5}
	limitForgotPassword        = limit{"ForgotPassword", 10}
	limitConfirmForgotPassword = limit{"ConfirmForgotPassword", 20}
	limitChangePassword        = limit{"ChangePassword", 5}
	limitAttributeCode         = limit{"GetUserAttributeVerificationCode", 5}
	limitVerifyAttribute       = limit{"VerifyUserAttribute", 15}

	// limitUpdateCodes bounds the codes that a user sends, by changing the own
	// profile, to addresses that need not be the user's.
	limitUpdateCodes = limit{"codes of UpdateUserAttributes", 10}
	// limitDestination bounds what one address or number gets from a pool,
	// whoever asks for it: several accounts can name the same one.
	limitDestination = limit{"messages to a destination", 20}
	// limitSource bounds the messages that one address of the Internet has
	// sent in a pool. It is wide, since many people share one.
	limitSource = limit{"messages for a source", 1000}
	// limitTakenNames bounds how many taken names one source can find by
	// signing up: SignUp tells, whatever the client's setting.
	limitTakenNames = limit{"taken names", 100}
)

var (
	errAttemptLimit = apierr.New(apierr.LimitExceeded, "Attempt limit exceeded, please try after some time.")
	errTooManyCalls = apierr.New(apierr.TooManyRequests, "Too many requests")
)

// count counts one more for the subject and reports whether it was within the
// limit. It writes: the transaction has to be committed even if it was not.
// An empty subject is not counted.
func (l limit) count(tx store.Tx, poolID, subject string, now time.Time) (within bool, err error) {
	if subject == "" {
		return true, nil
	}
	a, err := tx.CountAttempt(poolID, subject, l.kind, now, now.Truncate(time.Hour).Add(time.Hour))
	if err != nil {
		return false, fmt.Errorf("count %s: %w", l.kind, err)
	}
	return a.Count <= l.perHour, nil
}

// use is one thing to count against a limit.
type use struct {
	limit   limit
	subject string
}

// countAll counts all uses, and reports whether all were within their limits.
func countAll(tx store.Tx, poolID string, now time.Time, uses ...use) (within bool, err error) {
	within = true
	for _, u := range uses {
		ok, err := u.limit.count(tx, poolID, u.subject, now)
		if err != nil {
			return false, err
		}
		within = within && ok
	}
	return within, nil
}

// decide runs fn in a transaction that is committed even when the verdict is
// no, since a refused attempt counts too. It returns the verdict. Only an err
// undoes what fn did.
func (s *Service) decide(ctx context.Context, fn func(store.Tx) (verdict, err error)) error {
	var verdict error
	err := s.Store.Update(ctx, func(tx store.Tx) (err error) {
		verdict, err = fn(tx)
		return err
	})
	if err != nil {
		return err
	}
	return verdict
}
