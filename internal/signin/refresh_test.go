package signin_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const (
	reuse = "RefreshTokenReuseException: Refresh token reuse detected. All tokens of this sign-in have been revoked."
	raced = "RefreshTokenReuseException: Refresh token was used at the same time by another request."
)

// TestSec_RT_1_SealedAndBound: a refresh token says nothing, works for its pool
// and client alone, and no part of it is in the database.
func TestSec_RT_1_SealedAndBound(t *testing.T) {
	w := newWorld(t)
	p, other := w.pool(), w.pool()
	c, second, foreign := w.client(p), w.client(p), w.client(other)
	u := w.user(p, "jdoe", nil)
	got := w.signIn(c, "jdoe").Refresh
	for _, x := range []*userpool.Client{second, foreign} {
		_, err := w.refresh(x, got)
		wantSaid(t, err, "NotAuthorizedException: Invalid Refresh Token")
	}
	if strings.Contains(got.Reveal(), u.Sub) || got.Reveal() == w.signIn(c, "jdoe").Refresh.Reveal() {
		t.Error("the token shows its user, or two sign-ins gave the same")
	}
	if s := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(s, got.Reveal()) {
		t.Error("a refresh token can be printed")
	}
	// Another key, as someone has who copied the database only.
	thief := &signin.Service{Pools: w.pools, Store: w.store, KEK: secret.NewKEK([32]byte(secret.Bytes(32))), Issuer: w.s.Issuer, Now: w.clock.now}
	_, err := thief.RefreshTokens(t.Context(), signin.RefreshInput{ClientID: c.ID, RefreshToken: got.Reveal()})
	wantSaid(t, err, "NotAuthorizedException: Invalid Refresh Token")
}

func TestRotation(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	const grace = 30 * time.Second
	c, strict := w.client(p, rotates(grace)), w.client(p, rotates(0))
	next := func(t *testing.T, c *userpool.Client, r secret.String) secret.String {
		t.Helper()
		got, err := w.getTokens(c, r)
		if err != nil {
			t.Fatal(err)
		}
		if got.Refresh == "" || got.Refresh == r {
			t.Fatal("no new refresh token")
		}
		return got.Refresh
	}
	t.Run("each token is good once", func(t *testing.T) {
		r := w.signIn(strict, "jdoe").Refresh
		for range 3 {
			r = next(t, strict, r)
		}
	})
	t.Run("within the grace period the old token gives another copy of the newest", func(t *testing.T) {
		first := w.signIn(c, "jdoe").Refresh
		a := next(t, c, first)
		w.clock.advance(grace)
		b := next(t, c, first)
		// Either copy moves the family on; then the other is the old one.
		third := next(t, c, a)
		next(t, c, b)
		next(t, c, third)
		// first is two behind, grace or not.
		_, err := w.getTokens(c, first)
		wantSaid(t, err, reuse)
	})
	t.Run("after the grace period reuse ends the sign-in", func(t *testing.T) {
		got := w.signIn(c, "jdoe")
		second := next(t, c, got.Refresh)
		w.clock.advance(grace + time.Millisecond)
		_, err := w.getTokens(c, got.Refresh)
		wantSaid(t, err, reuse)
		_, err = w.getTokens(c, second)
		wantSaid(t, err, "NotAuthorizedException: Refresh Token has been revoked")
		_, err = w.s.GetUser(t.Context(), got.Access.Reveal())
		wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
		if e := w.s.RecentSignIns(p.ID, 2)[1]; e.Outcome != string(apierr.RefreshTokenReuse) || e.Username != "jdoe" {
			t.Errorf("the timeline says %+v", e)
		}
	})
	t.Run("without a grace period the old token is dead at once", func(t *testing.T) {
		first := w.signIn(strict, "jdoe").Refresh
		second := next(t, strict, first)
		_, err := w.getTokens(strict, first)
		wantSaid(t, err, reuse)
		_, err = w.getTokens(strict, second)
		wantSaid(t, err, "NotAuthorizedException: Refresh Token has been revoked")
	})
	t.Run("an old token stays dead when the client stops rotating", func(t *testing.T) {
		x := w.client(p, rotates(0))
		first := w.signIn(x, "jdoe").Refresh
		second := next(t, x, first)
		settings := x.ClientSettings
		settings.Rotation, settings.ExplicitAuthFlows = userpool.Rotation{}, allFlows
		if _, err := w.pools.UpdateClient(t.Context(), p.ID, x.ID, x.Name, settings); err != nil {
			t.Fatal(err)
		}
		if got := tokensOf(t)(w.refresh(x, second)); got.Refresh != "" {
			t.Error("a refresh token from a client that does not rotate")
		}
		_, err := w.refresh(x, first)
		wantSaid(t, err, reuse)
	})
	t.Run("a client without rotation gets no new token from GetTokensFromRefreshToken", func(t *testing.T) {
		plain := w.client(p)
		r := w.signIn(plain, "jdoe").Refresh
		for range 2 {
			got, err := w.getTokens(plain, r)
			if err != nil || got.Refresh != "" || got.Access == "" {
				t.Fatalf("refresh token %v, error %v", got.Refresh != "", err)
			}
		}
	})
}

// TestSec_RT_2_RaceGivesOneLineage lets 64 callers use one token at once.
func TestSec_RT_2_RaceGivesOneLineage(t *testing.T) { onDatabases(t, raceOfRefreshes) }

func raceOfRefreshes(t *testing.T, open func(testing.TB) *world) {
	for _, grace := range []time.Duration{0, 30 * time.Second} {
		t.Run("grace "+grace.String(), func(t *testing.T) {
			w := open(t)
			p := w.pool()
			w.user(p, "jdoe", nil)
			c := w.client(p, rotates(grace))
			_, far := w.node()
			nodes := []*signin.Service{w.s, far}
			// Twice: the first rotation creates the family, the second moves it.
			current := w.signIn(c, "jdoe").Refresh
			for round := range 2 {
				const callers = 64
				var (
					wg      sync.WaitGroup
					start   = make(chan struct{})
					results [callers]signin.Tokens
					errs    [callers]error
				)
				for i := range callers {
					wg.Go(func() {
						<-start
						results[i], errs[i] = nodes[i%2].RefreshTokens(t.Context(), signin.RefreshInput{ClientID: c.ID, RefreshToken: current.Reveal()})
					})
				}
				close(start)
				wg.Wait()
				generations := map[int]int{}
				var one secret.String
				for i, err := range errs {
					if err == nil {
						r, err := token.OpenRefresh(w.kek.Box("refresh token"), results[i].Refresh.Reveal())
						if err != nil {
							t.Fatal(err)
						}
						generations[r.Generation]++
						one = results[i].Refresh
						continue
					}
					if s := said(err); grace > 0 || s != reuse && s != raced && s != "NotAuthorizedException: Refresh Token has been revoked" {
						t.Errorf("caller %d: %s", i, s)
					}
				}
				want := callers
				if grace == 0 {
					want = 1
				}
				if len(generations) != 1 || generations[round+1] != want {
					t.Fatalf("round %d: generations %v, want %d of %d", round, generations, want, round+1)
				}
				if grace == 0 {
					break // reuse may have ended the family, as it should
				}
				current = one
			}
		})
	}
}

// TestSec_RT_3_RotationRefusesTheOldFlow, and no refresh lengthens a sign-in.
func TestSec_RT_3_RotationRefusesTheOldFlow(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	c := w.client(p, rotates(0), func(in *userpool.NewClient) {
		in.RefreshTokenValidity, in.Units.Refresh = 90, "minutes"
	})
	got := w.signIn(c, "jdoe")
	_, err := w.refresh(c, got.Refresh)
	wantSaid(t, err, "InvalidParameterException: Auth flow not enabled for this client")
	before := w.claims(p, got.ID, token.ID)
	r := got.Refresh
	for range 3 {
		w.clock.advance(29 * time.Minute)
		next, err := w.getTokens(c, r)
		if err != nil {
			t.Fatal(err)
		}
		r = next.Refresh
		after := w.claims(p, next.ID, token.ID)
		for _, name := range []string{"auth_time", "origin_jti", "event_id"} {
			a, _ := before.Get(name)
			b, _ := after.Get(name)
			if string(a) != string(b) {
				t.Errorf("%s was %s, is %s", name, a, b)
			}
		}
		was, _ := before.Int("iat")
		is, _ := after.Int("iat")
		if is <= was || before.String("jti") == after.String("jti") {
			t.Error("iat and jti are not new")
		}
	}
	w.clock.advance(3 * time.Minute)
	_, err = w.getTokens(c, r)
	wantSaid(t, err, "NotAuthorizedException: Refresh Token has expired")
}

// TestRefreshLineage plays with a family of tokens as a client and a thief
// would, against a model that knows only the newest generation.
func TestRefreshLineage(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	w.user(p, "jdoe", nil)
	const grace = 20 * time.Second
	c := w.client(p, rotates(grace))
	rapid.Check(t, func(rt *rapid.T) {
		tokens := []secret.String{w.signIn(c, "jdoe").Refresh} // by generation
		rotated := w.clock.now()
		dead := false
		rt.Repeat(map[string]func(*rapid.T){
			"wait": func(rt *rapid.T) {
				w.clock.advance(time.Duration(rapid.IntRange(1, 15).Draw(rt, "seconds")) * time.Second)
			},
			"use": func(rt *rapid.T) {
				g := rapid.IntRange(max(0, len(tokens)-3), len(tokens)-1).Draw(rt, "generation")
				newest := len(tokens) - 1
				got, err := w.getTokens(c, tokens[g])
				want := "no error"
				switch {
				case dead:
					want = "NotAuthorizedException: Refresh Token has been revoked"
				case g == newest:
					tokens, rotated = append(tokens, got.Refresh), w.clock.now()
				case g == newest-1 && !w.clock.now().After(rotated.Add(grace)):
					tokens[newest] = got.Refresh
				default:
					want, dead = reuse, true
				}
				if s := said(err); s != want {
					rt.Fatalf("generation %d of %d: %s, want %s", g, newest, s, want)
				}
			},
		})
	})
}

func TestRefreshSecretHash(t *testing.T) {
	w := newWorld(t)
	p := w.pool(func(s *userpool.Settings) { s.AliasAttributes = []string{store.NameEmail} })
	u := w.user(p, "jdoe", map[string]string{"email": "j@x.io", "email_verified": "true"})
	c := w.client(p, func(in *userpool.NewClient) { in.GenerateSecret = true })
	hash := func(name string) string { return secret.SecretHash(c.Secret().Reveal(), name, c.ID) }
	got := tokensOf(t)(w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserPassword,
		Parameters: map[string]string{"USERNAME": "j@x.io", "PASSWORD": password, "SECRET_HASH": hash("j@x.io")}}))
	for _, x := range []struct{ name, hash, want string }{
		{"the username", hash("jdoe"), "no error"},
		{"the sub", hash(u.Sub), "no error"},
		{"the alias", hash("j@x.io"), "no error"},
		{"somebody else", hash("other"), "NotAuthorizedException: Unable to verify secret hash for client " + c.ID},
		{"nothing", "", "NotAuthorizedException: Client " + c.ID + " is configured with secret but SECRET_HASH was not received"},
	} {
		t.Run("made with "+x.name, func(t *testing.T) {
			_, err := w.s.InitiateAuth(t.Context(), signin.AuthInput{ClientID: c.ID, Flow: "REFRESH_TOKEN",
				Parameters: map[string]string{"REFRESH_TOKEN": got.Refresh.Reveal(), "SECRET_HASH": x.hash}})
			wantSaid(t, err, x.want)
		})
	}
	t.Run("GetTokensFromRefreshToken takes the secret itself", func(t *testing.T) {
		for given, want := range map[string]string{
			c.Secret().Reveal(): "no error",
			hash("jdoe"):        "NotAuthorizedException: Unable to verify secret for client " + c.ID,
			"":                  "NotAuthorizedException: Unable to verify secret for client " + c.ID,
		} {
			_, err := w.s.RefreshTokens(t.Context(), signin.RefreshInput{ClientID: c.ID, ClientSecret: given, RefreshToken: got.Refresh.Reveal()})
			wantSaid(t, err, want)
		}
	})
}

// TestChangesShowAtRefresh: attributes and groups are those of now.
func TestChangesShowAtRefresh(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	u := w.user(p, "jdoe", map[string]string{"custom:tier": "gold"})
	c := w.client(p)
	got := w.signIn(c, "jdoe")
	w.group(p, "later", "", 1, u)
	w.update(func(tx store.Tx) error {
		u, err := tx.User(p.ID, u.Sub)
		if err != nil {
			return err
		}
		u.Attributes["custom:tier"] = "silver"
		return tx.UpdateUser(p.Row(u))
	})
	id := w.claims(p, tokensOf(t)(w.refresh(c, got.Refresh)).ID, token.ID)
	if id.String("custom:tier") != "silver" || len(id.Strings("cognito:groups")) != 1 {
		t.Errorf("ID token after refresh: %s", id.AppendJSON(nil))
	}
}
