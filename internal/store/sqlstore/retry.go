package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	// maxTries bounds how often a transaction is run. Under a conflict storm
	// each round has a winner, so the bound is also on how many can race for
	// one row before one of them is told that it failed.
	maxTries = 24
	maxPause = 64 * time.Millisecond
)

// retrying runs a transaction until it ends in something else than a conflict
// or a connection lost before the commit.
func retrying(ctx context.Context, run func() error) error {
	for try := 1; ; try++ {
		err := run()
		if err == nil || errors.Is(err, store.ErrOutcomeUnknown) {
			return err
		}
		if !errors.Is(err, errRetry) && !errors.Is(err, errLost) {
			return err
		}
		if try == maxTries {
			return fmt.Errorf("gave up after %d tries: %w", try, err)
		}
		// Jitter, so that those who collided do not collide again. It guards
		// nothing, hence math/rand.
		pause := min(time.Millisecond<<min(try, 10), maxPause)
		timer := time.NewTimer(rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
