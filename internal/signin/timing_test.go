package signin_test

import (
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/srp"
)

// TestSec_ENUM_2_UnknownUsersTakeAsLong compares the time of a wrong password
// of a user with that of a user that does not exist, over interleaved pairs. It
// needs the machine for itself.
func TestSec_ENUM_2_UnknownUsersTakeAsLong(t *testing.T) {
	if os.Getenv("ROCKPOOL_TIMING") == "" {
		t.Skip("a statistical test that has to run alone: ROCKPOOL_TIMING=1 go test -run ENUM_2 ./internal/signin")
	}
	w := newWorld(t)
	p := w.pool()
	c := w.client(p, hides)
	w.user(p, "jdoe", profile)
	flows := map[string]func(name string) time.Duration{
		"password": func(name string) time.Duration {
			began := time.Now()
			_, err := w.try(c, name, "wrong")
			took := time.Since(began)
			if said(err) != incorrect {
				t.Fatal(err)
			}
			return took
		},
		"srp, first step": func(name string) time.Duration {
			began := time.Now()
			_, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserSRP,
				Parameters: map[string]string{"USERNAME": name, "SRP_A": someA}})
			took := time.Since(began)
			if err != nil {
				t.Fatal(err)
			}
			return took
		},
		"srp, second step": func(name string) time.Duration {
			r, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserSRP,
				Parameters: map[string]string{"USERNAME": name, "SRP_A": someA}})
			if err != nil {
				t.Fatal(err)
			}
			answer := signin.ChallengeInput{ClientID: c.ID, Challenge: r.Challenge, Responses: map[string]string{
				"USERNAME": name, "PASSWORD_CLAIM_SECRET_BLOCK": r.Parameters["SECRET_BLOCK"],
				"PASSWORD_CLAIM_SIGNATURE": "WHxKl+thArSNQTuwZecFitv1/nda4WSYoXfN/YAsDSY=", "TIMESTAMP": srp.FormatTimestamp(w.clock.now()),
			}}
			began := time.Now()
			_, err = w.s.RespondToAuthChallenge(t.Context(), answer)
			took := time.Since(began)
			if said(err) != incorrect {
				t.Fatal(err)
			}
			return took
		},
	}
	for flow, measure := range flows {
		t.Run(flow, func(t *testing.T) {
			var verdict string
			for range 2 { // one repetition, for a machine that was disturbed
				if verdict = compare(w, measure); verdict == "" {
					return
				}
			}
			t.Error(verdict)
		})
	}
}

// someA is a public value whose logarithm nobody needs to know here.
const someA = "1f0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// compare returns "" if the two kinds of users cannot be told apart.
func compare(w *world, measure func(string) time.Duration) string {
	const pairs, warmUp = 2000, 100
	var known, unknown []float64
	for i := range pairs + warmUp {
		// The lock-out forgets, and the caches are asked again outside of
		// what is measured.
		w.clock.advance(16 * time.Minute)
		if _, err := w.refreshCaches(); err != nil {
			return err.Error()
		}
		names := []string{"jdoe", "nobody"}
		if i%2 == 1 {
			slices.Reverse(names)
		}
		for _, n := range names {
			took := float64(measure(n).Nanoseconds())
			if i < warmUp {
				continue
			}
			if n == "jdoe" {
				known = append(known, took)
			} else {
				unknown = append(unknown, took)
			}
		}
	}
	a, b := median(known), median(unknown)
	// The slowest twentieth is the garbage collector and the scheduler, whose
	// noise can hide a difference: means are compared with it and without.
	t, trimmed := welch(known, unknown), welch(fastest(known), fastest(unknown))
	w.t.Logf("median of known %.1f µs, of unknown %.1f µs, Welch t %.2f, without the slowest twentieth %.2f, over %d pairs",
		a/1e3, b/1e3, t, trimmed, len(known))
	if d := math.Abs(a - b); d > 0.05*a && d > float64(time.Millisecond) {
		return "the medians differ by more than 5 % and a millisecond"
	}
	if max(math.Abs(t), math.Abs(trimmed)) > 3.29 { // p < 0.001, two-sided
		return "the means differ significantly"
	}
	return ""
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func fastest(x []float64) []float64 {
	return slices.Sorted(slices.Values(x))[:len(x)*19/20]
}

func welch(a, b []float64) float64 {
	ma, va := moments(a)
	mb, vb := moments(b)
	return (ma - mb) / math.Sqrt(va+vb)
}

func moments(x []float64) (mean, varianceOfMean float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		varianceOfMean += (v - mean) * (v - mean)
	}
	n := float64(len(x))
	return mean, varianceOfMean / (n - 1) / n
}
