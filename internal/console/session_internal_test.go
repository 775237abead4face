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

func TestSec_WEB_2_OnlyTheConsoleIsGoneBackTo(t *testing.T) {
	const home = "/console/"
	for to, want := range map[string]string{
		"/console/": home, "/console/pools": "/console/pools", "/console/pools?after=a%2Fb#x": "/console/pools?after=a%2Fb#x", "/console/users/a..b/": "/console/users/a..b/",
		"": home, "/": home, "//evil.example/console/": home, "https://evil.example/console/": home, `/\evil.example/console/`: home, "javascript:alert(1)": home,
		"/console/../bucket/page.html": home, "/console/../..//evil.example": home, "/console/%2e%2e/bucket": home, "/console/%2f..%2f..": home, "/console//evil.example": home,
		"/console/x/..": home, "/console/./x": home, "/console\n/": home, "/consoleevil/": home,
	} {
		if got := ownPath(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}
