package rockpool

import (
	"sync/atomic"
	"time"
)

// maxAdvance keeps the clock within what timestamps can hold.
const maxAdvance = 20 * 365 * 24 * time.Hour

// clock is the server's time: the system's, and in development an offset that
// only grows, since expiry is not made to run backwards.
type clock struct{ offset atomic.Int64 }

// Now returns the server's time.
func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Advance moves the clock forward and returns how far it is ahead in all.
func (c *clock) Advance(d time.Duration) time.Duration { return time.Duration(c.offset.Add(int64(d))) }
