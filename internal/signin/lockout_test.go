package signin_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const (
	incorrect = "NotAuthorizedException: Incorrect username or password."
	locked    = "NotAuthorizedException: Password attempts exceeded"
)

// TestSec_PW_4_LockDoublesFromTheFifthFailure follows api.md 3.8, for a user
// and for a name that nobody has, by password and by SRP.
func TestSec_PW_4_LockDoublesFromTheFifthFailure(t *testing.T) {
	for _, name := range []string{"jdoe", "nobody"} {
		for _, flow := range []string{"password", "srp"} {
			t.Run(flow+" of "+name, func(t *testing.T) {
				w := newWorld(t)
				p := w.pool()
				w.user(p, "jdoe", nil)
				c := w.client(p, hides)
				guess := func() string {
					if flow == "srp" {
						_, err := w.srp(c, name, "wrong")
						return said(err)
					}
					_, err := w.try(c, name, "wrong")
					return said(err)
				}
				for i := range 4 {
					if got := guess(); got != incorrect {
						t.Fatalf("failure %d: %s", i+1, got)
					}
				}
				// The fifth failure, and each after it, starts a lock twice as long
				// as the last; attempts within it are not counted.
				for i, lock := 0, time.Second; i < 10; i, lock = i+1, 2*lock {
					if got := guess(); got != incorrect {
						t.Fatalf("failure %d: %s", i+5, got)
					}
					for range 3 {
						if got := guess(); got != locked {
							t.Fatalf("within the lock after failure %d: %s", i+5, got)
						}
					}
					w.clock.advance(lock - time.Millisecond)
					if got := guess(); got != locked {
						t.Fatalf("at the end of the lock of %v after failure %d: %s", lock, i+5, got)
					}
					w.clock.advance(time.Millisecond)
				}
			})
		}
	}
}

func TestSec_PW_4_SuccessAndTimeForgive(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	c := w.client(p)
	fail := func(n int) {
		t.Helper()
		for range n {
			if _, err := w.try(c, "jdoe", "wrong"); said(err) != incorrect {
				t.Fatal(err)
			}
		}
	}
	fail(4)
	w.signIn(c, "jdoe")
	fail(4) // would lock if the first four still counted
	w.clock.advance(15 * time.Minute)
	fail(5)
	_, err := w.try(c, "jdoe", password)
	wantSaid(t, err, locked)
	t.Run("the lock is of the user, whatever flow, client and node", func(t *testing.T) {
		_, far := w.node()
		_, err := far.InitiateAuth(t.Context(), signin.AuthInput{Admin: true, PoolID: p.ID, ClientID: w.client(p).ID,
			Flow: signin.FlowAdminUserPassword, Parameters: map[string]string{"USERNAME": "jdoe", "PASSWORD": password}})
		wantSaid(t, err, locked)
		_, err = w.srp(c, "jdoe", password)
		wantSaid(t, err, locked)
	})
	w.clock.advance(time.Second)
	w.signIn(c, "jdoe")
}

// TestSec_PW_4_ParallelGuesses: of 200 guesses at once, no more are looked at
// than would be one after another; on two nodes, a few more.
func TestSec_PW_4_ParallelGuesses(t *testing.T) { onDatabases(t, parallelGuesses) }

func parallelGuesses(t *testing.T, open func(testing.TB) *world) {
	for _, x := range []struct {
		name  string
		nodes int
		user  string
		most  int64
	}{
		{"one node, a user", 1, "jdoe", 5},
		{"one node, a name that nobody has", 1, "nobody", 5},
		{"one node, all names of a user", 1, "", 5},
		{"two nodes", 2, "jdoe", 5 + 4},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := open(t)
			p := w.pool(func(s *userpool.Settings) { s.AliasAttributes = []string{store.NameEmail, store.NamePreferredUsername} })
			u := w.user(p, "jdoe", map[string]string{"email": "j@x.io", "email_verified": "true", "preferred_username": "jj"})
			c := w.client(p, hides)
			nodes := []*signin.Service{w.s}
			for len(nodes) < x.nodes {
				_, s := w.node()
				nodes = append(nodes, s)
			}
			names := []string{x.user}
			if x.user == "" {
				names = []string{"jdoe", "j@x.io", "jj", u.Sub}
			}
			var evaluated, refused atomic.Int64
			var wg sync.WaitGroup
			start := make(chan struct{})
			for i := range 200 {
				wg.Go(func() {
					<-start
					_, err := nodes[i%len(nodes)].InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
						Parameters: map[string]string{"USERNAME": names[i%len(names)], "PASSWORD": fmt.Sprintf("wrong %d", i)}})
					switch s := said(err); s {
					case incorrect:
						evaluated.Add(1)
					case locked:
						refused.Add(1)
					default:
						t.Errorf("guess %d: %s", i, s)
					}
				})
			}
			close(start)
			wg.Wait()
			if n := evaluated.Load(); n < 5 || n > x.most {
				t.Errorf("%d guesses were looked at, want 5 to %d", n, x.most)
			}
			if evaluated.Load()+refused.Load() != 200 {
				t.Errorf("%d looked at and %d refused of 200", evaluated.Load(), refused.Load())
			}
			if x.user == "nobody" {
				return
			}
			_, err := w.try(c, "jdoe", password)
			wantSaid(t, err, locked)
		})
	}
}

// TestSec_SES_1_ReplaysOfOneExchangeShareOneCounter guesses 200 times with one
// SECRET_BLOCK: with wrong proofs, as an online guesser makes them.
func TestSec_SES_1_ReplaysOfOneExchangeShareOneCounter(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	c := w.client(p)
	k, parameters := w.srpFirst(c, "jdoe", "wrong")
	answer := w.srpAnswer(c, k, parameters)
	var evaluated atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, err := w.s.RespondToAuthChallenge(t.Context(), answer); said(err) == incorrect {
				evaluated.Add(1)
			} else if said(err) != locked {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := evaluated.Load(); n != 5 {
		t.Errorf("%d proofs were looked at, want 5", n)
	}
}

// TestSec_PW_4_PerSource: one address that tries many names is stopped, a
// sign-in of its own does not help it, others are not affected, and the
// machine itself is never stopped.
func TestSec_PW_4_PerSource(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	c := w.client(p, hides)
	try := func(ip, name, pass string) string {
		_, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
			Parameters: map[string]string{"USERNAME": name, "PASSWORD": pass}, Caller: signin.Caller{SourceIP: ip}})
		return said(err)
	}
	for _, x := range []struct{ first, later, elsewhere string }{
		{"203.0.113.9", "203.0.113.9", "203.0.113.10"},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "2001:db8:1:3::1"}, // one customer, one /64
	} {
		for i := range 100 {
			if got := try(x.first, fmt.Sprintf("%s name %d", x.first, i), "wrong"); got != incorrect {
				t.Fatalf("guess %d: %s", i, got)
			}
			if i == 50 {
				if got := try(x.first, "jdoe", password); got != "no error" {
					t.Fatal(got)
				}
			}
		}
		if got := try(x.later, "jdoe", password); got != locked {
			t.Errorf("after 100 failures: %s", got)
		}
		if got := try(x.elsewhere, "jdoe", password); got != "no error" {
			t.Errorf("from elsewhere: %s", got)
		}
		w.clock.advance(15 * time.Minute)
		if got := try(x.later, "jdoe", password); got != "no error" {
			t.Errorf("a quarter of an hour later: %s", got)
		}
	}
	t.Run("a server that speaks for many people is not counted", func(t *testing.T) {
		for i := range 110 {
			_, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{Admin: true, PoolID: p.ID, ClientID: c.ID, Flow: signin.FlowAdminUserPassword,
				Parameters: map[string]string{"USERNAME": fmt.Sprintf("person %d", i), "PASSWORD": "wrong"}, Caller: signin.Caller{SourceIP: "203.0.113.77"}})
			if said(err) != incorrect {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
	})
	for i := range 110 {
		if got := try("127.0.0.1", fmt.Sprintf("local name %d", i), "wrong"); got != incorrect {
			t.Fatalf("guess %d from this machine: %s", i, got)
		}
	}
}

// TestReadBudget counts the statements of design 6: a plain sign-in and a
// refresh take at most four point reads, and write nothing.
func TestReadBudget(t *testing.T) {
	w := newWorld(t)
	p := w.pool(withTrigger(userpool.PreTokenV2))
	u := w.user(p, "jdoe", profile)
	w.group(p, "g1", "", 1, u)
	c, rotating := w.client(p), w.client(p, rotates(0))
	first, second := w.signIn(c, "jdoe"), w.signIn(rotating, "jdoe")
	away := signin.Caller{SourceIP: "203.0.113.9"}
	for _, x := range []struct {
		name          string
		reads, writes int
		do            func() error
	}{
		{"password", 4, 0, func() error {
			_, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
				Parameters: map[string]string{"USERNAME": "jdoe", "PASSWORD": password}, Caller: away})
			return err
		}},
		{"password from this machine", 3, 0, func() error { _, err := w.try(c, "jdoe", password); return err }},
		{"srp, both steps", 4, 0, func() error { _, err := w.srp(c, "jdoe", password); return err }},
		{"refresh", 3, 0, func() error { _, err := w.refresh(c, first.Refresh); return err }},
		{"refresh with rotation", 5, 1, func() error { _, err := w.getTokens(rotating, second.Refresh); return err }},
		{"GetUser", 2, 0, func() error { _, err := w.s.GetUser(t.Context(), first.Access.Reveal()); return err }},
	} {
		t.Run(x.name, func(t *testing.T) {
			w.stats.reset()
			if err := x.do(); err != nil {
				t.Fatal(err)
			}
			if w.stats.reads != x.reads || w.stats.writes != x.writes {
				t.Errorf("%d reads and %d writes, want %d and %d: %v", w.stats.reads, w.stats.writes, x.reads, x.writes, w.stats.names)
			}
		})
	}
}
