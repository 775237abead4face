package signin

import (
	"context"
	"time"
)

// steadyTime is longer than the work of an answer that must not tell whether a
// user exists, where the database is near.
const steadyTime = 10 * time.Millisecond

// wakeLate is more than the runtime's timers are late by. On Linux they wait
// in whole milliseconds from when the processor became idle, so that when they
// fire tells how long the work before took.
const wakeLate = 2 * time.Millisecond

// steady makes an answer to a client that hides its users take steadyTime, so
// that what a user's row costs more than none does not show. It is called when
// the work begins; what it returns waits, when the work is done. The time is
// the machine's: no test moves it.
func steady(ctx context.Context) (wait func(publicUser)) {
	began := time.Now()
	return func(who publicUser) {
		if who.client == nil || !who.hidden() {
			return
		}
		t := time.NewTimer(steadyTime - wakeLate - time.Since(began))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		sleepExactly(steadyTime - time.Since(began))
	}
}
