package signin_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
)

// TestSec_ENUM_2_RecoveryOfUnknownUsersTakesAsLong is to recovery what its
// sibling is to sign-in.
func TestSec_ENUM_2_RecoveryOfUnknownUsersTakesAsLong(t *testing.T) {
	if os.Getenv("ROCKPOOL_TIMING") == "" {
		t.Skip("a statistical test that has to run alone: ROCKPOOL_TIMING=1 go test -run ENUM_2 ./internal/signin")
	}
	w := newPeople(t)
	w.hideUsers()
	w.s.Messages = discard{}
	w.user(w.p, "jdoe", attrs{"email": "jdoe@example.com", "email_verified": "true"})
	forgot := func(name string) time.Duration {
		began := time.Now()
		_, err := w.forgot(name)
		took := time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		return took
	}
	flows := map[string]func(name string) time.Duration{
		"ask for a code": forgot,
		"guess a code": func(name string) time.Duration {
			forgot(name)
			began := time.Now()
			err := w.reset(name, "000000", newPassword)
			took := time.Since(began)
			if said(err) != codeMismatch { // one in a million
				t.Fatal(err)
			}
			return took
		},
	}
	for flow, measure := range flows {
		t.Run(flow, func(t *testing.T) {
			var verdict string
			for range 2 { // one repetition, for a machine that was disturbed
				if verdict = compare(w.world, measure); verdict == "" {
					return
				}
			}
			t.Error(verdict)
		})
	}
}

// discard takes messages and no time.
type discard struct{}

func (discard) Send(context.Context, message.Message) error { return nil }
func (discard) Probe(string) (bool, error)                  { return true, nil }
