package signin

import (
	"context"
	"time"

	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Answers that must not tell whether a user exists take the same work as far as
// that is possible, and then leave at a fixed time after they began: what a
// user's row costs more than none does not show (security ENUM-2). The times
// are longer than the work where the database is near and the machine not
// overloaded.
const (
	// steadyTime is for answers of which a user has few: about recovery, and
	// refused passwords.
	steadyTime = 10 * time.Millisecond
	// steadyStart is for the first step of SRP, which is part of every sign-in.
	steadyStart = time.Millisecond

	// wakeLate is more than the runtime's timers are late by. On Linux they
	// wait in whole milliseconds from when the processor became idle, so that
	// when they fire tells how long the work before took.
	wakeLate = 2 * time.Millisecond
)

// steady is when the work on an answer began. The time is the machine's: no
// test moves it.
type steady time.Time

func beginSteady() steady { return steady(time.Now()) }

// wait waits until d has passed since the beginning, or ctx ends, if the client
// hides its users.
func (s steady) wait(ctx context.Context, c *userpool.Client, d time.Duration) {
	if c == nil || !c.PreventUserExistenceErrors {
		return
	}
	if early := d - wakeLate - time.Since(time.Time(s)); early > 0 {
		t := time.NewTimer(early)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
	sleepExactly(d - time.Since(time.Time(s)))
}
