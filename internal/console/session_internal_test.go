package console

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An attempt counts before its outcome is known: a hundred at once are ten.
func TestSec_WEB_4_AttemptsAtOnceAreCounted(t *testing.T) {
	var a attempts
	now := time.Now()
	var group sync.WaitGroup
	var let atomic.Int64
	for range 100 {
		group.Go(func() {
			if a.begin("::1", now) {
				let.Add(1)
			}
		})
	}
	group.Wait()
	if n := let.Load(); n != maxFailures {
		t.Errorf("%d attempts at once, want %d", n, maxFailures)
	}
	if !a.begin("::2", now) {
		t.Error("another address is kept out")
	}
	a.succeeded("::1")
	if !a.begin("::1", now) || a.begin("::1", now) {
		t.Error("who signs in gets back one attempt, not more or less")
	}
}
