package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// Lock-out, as Cognito documents it: the fifth failed password locks the user
// for a second, and each failure after that for twice as long, up to 15
// minutes. Attempts while locked are refused and not counted. The count is
// forgotten after a successful sign-in and after 15 minutes without failures.
const (
	attemptPassword = "password"
	lockFrom        = 5
	lockMax         = 15 * time.Minute
	forgetAfter     = 15 * time.Minute

	// A source address is refused for the rest of a quarter of an hour in which
	// it had that many failures: more than an office or a school makes by
	// mistyping, and too few to try a password on many users. It is a rate and
	// not a growing lock, since a shared address always has some failures; and
	// a success does not forgive it, or an attacker's own account would buy
	// the next guesses.
	sourceLimit  = 100
	sourceWindow = 15 * time.Minute
)

// lockedUntil returns when the lock of a user's counter ends; the zero time if
// there is none.
func lockedUntil(a store.Attempt) time.Time {
	n := a.Count - lockFrom
	if n < 0 {
		return time.Time{}
	}
	d := lockMax
	if n < 10 { // 2^10 s is past the cap
		d = min(d, time.Second<<n)
	}
	return a.LastAt.Add(d)
}

// counters are the failures that bear on one attempt.
type counters struct {
	user, source store.Attempt
}

func (c counters) locked(now time.Time) bool {
	return now.Before(lockedUntil(c.user)) || c.source.Count >= sourceLimit
}

// subject names whose counters they are.
type subject struct {
	poolID string
	user   string // sub, or the fingerprint of an unknown name in the form of one
	source string // "" for a source that is not counted
}

func (j subject) read(tx store.Tx, now time.Time) (c counters, err error) {
	if c.user, err = tx.Attempt(j.poolID, j.user, attemptPassword, now); err != nil {
		return c, fmt.Errorf("read failures of user: %w", err)
	}
	if j.source != "" {
		if c.source, err = tx.Attempt(j.poolID, j.inWindow(now), attemptPassword, now); err != nil {
			return c, fmt.Errorf("read failures of source: %w", err)
		}
	}
	return c, nil
}

// inWindow names the source's counter for the window that now is in.
func (j subject) inWindow(now time.Time) string {
	return j.source + "@" + strconv.FormatInt(now.Unix()/int64(sourceWindow/time.Second), 10)
}

// sourceSubject names the counters of an address. Loopback is not counted: it is
// a developer's own machine, or a proxy that stands for everybody.
func sourceSubject(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.IsLoopback() {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		// One customer has a whole /64.
		p, err := a.Prefix(64)
		if err != nil {
			return ""
		}
		return "source:" + p.String()
	}
	return "source:" + a.String()
}

// nameFingerprint stands for a user that does not exist. It is keyed so that
// the table of counters is no list of the names people tried.
func (s *Service) nameFingerprint(poolID, name string) string {
	key := s.KEK.Subkey("signin unknown name")
	m := hmac.New(sha256.New, key[:])
	m.Write(pack([]byte(poolID), []byte(name)))
	sum := m.Sum(nil)
	return hex.EncodeToString(sum[:16])
}

// guarded checks a password, by calling check, under the lock-out rules. mark
// is the gate's number from before the counters were read. It returns nil if
// the password is right, errLocked without calling check, or errIncorrect after
// the failure was counted.
func (s *Service) guarded(ctx context.Context, j subject, mark uint64, c *counters, check func(context.Context) (bool, error)) error {
	p, err := s.gate.enter(ctx, j.user)
	if err != nil {
		return err
	}
	defer p.leave()
	fresh := func() error {
		return s.Store.View(ctx, func(tx store.Tx) (err error) {
			*c, err = j.read(tx, s.now())
			return err
		})
	}
	if p.stale(mark) {
		if err := fresh(); err != nil {
			return err
		}
	}
	if c.locked(s.now()) {
		return errLocked
	}
	// Where the checks under way could together reach the limit, they go one
	// at a time.
	if c.user.Count > lockFrom-gateWidth {
		if err := p.alone(ctx); err != nil {
			return err
		}
		if err := fresh(); err != nil {
			return err
		}
		if c.locked(s.now()) {
			return errLocked
		}
	}
	right, err := check(ctx)
	if err != nil {
		return err
	}
	if right {
		return nil
	}
	// A caller who hangs up after a guess must not have it for free.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		now := s.now()
		if _, err := tx.CountAttempt(j.poolID, j.user, attemptPassword, now, now.Add(forgetAfter)); err != nil {
			return fmt.Errorf("count failed password: %w", err)
		}
		if j.source == "" {
			return nil
		}
		if _, err := tx.CountAttempt(j.poolID, j.inWindow(now), attemptPassword, now, now.Add(sourceWindow)); err != nil {
			return fmt.Errorf("count failed password of source: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.failed()
	return errIncorrect
}

// forgive forgets a user's failures after a success.
func (s *Service) forgive(ctx context.Context, j subject, c counters) error {
	if c.user.Count == 0 {
		return nil
	}
	return s.Store.Update(ctx, func(tx store.Tx) error {
		return tx.ResetAttempts(j.poolID, j.user, attemptPassword)
	})
}
