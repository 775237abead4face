package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := newLogWriter(&out)
		log := slog.New(promptly{slog.NewTextHandler(w, nil), w}).With("a", 1)
		lines := func() int {
			w.mu.Lock() // the timer writes in a goroutine of its own
			defer w.mu.Unlock()
			return strings.Count(out.String(), "\n")
		}
		expect := func(what string, want int) {
			t.Helper()
			if got := lines(); got != want {
				t.Errorf("%s: %d lines are out, want %d", what, got, want)
			}
		}

		log.Info("one")
		log.Info("two")
		expect("at once", 0)
		time.Sleep(logDelay)
		synctest.Wait()
		expect("after the delay", 2)

		log.Info("three")
		log.Warn("four")
		expect("a warning does not wait, nor what came before it", 4)

		log.Info(strings.Repeat("x", maxLogWaiting))
		expect("more than may wait", 5)

		log.Info("six")
		w.Close()
		expect("closed", 6)
		log.Info("seven")
		expect("after closing", 7)
		if text := out.String(); !strings.Contains(text, "msg=one a=1\n") || strings.Index(text, "three") > strings.Index(text, "four") {
			t.Errorf("lines are not whole or not in order: %.300s", text)
		}
	})
}
