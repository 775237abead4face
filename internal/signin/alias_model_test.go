package signin_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// TestSec_NAME_2_AliasModel does what users and administrators can do to
// addresses, in any order, and asks after each step who owns which: an address
// has at most one verified owner, and leads to that user and to nobody else.
func TestSec_NAME_2_AliasModel(t *testing.T) {
	for name, settings := range map[string]func(*userpool.Settings){
		"an address changes at once":           func(*userpool.Settings) {},
		"an address changes once it is proven": keepsOld("email"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newPeople(t, aliases("email"), settings)
			steps := 0
			rapid.Check(t, func(r *rapid.T) { aliasRun(r, w, &steps) })
			if steps < 200 {
				t.Errorf("only %d steps were taken", steps)
			}
		})
	}
}

func aliasRun(r *rapid.T, w *people, steps *int) {
	names := []string{"ada", "bob", "cyd"}
	addresses := []string{"one@b.org", "two@b.org", "three@b.org"}
	codes := map[string]string{} // newest code by user and purpose
	for _, n := range names {
		if err := w.pools.DeleteUser(w.t.Context(), w.p.ID, n); err != nil && apierr.CodeOf(err) != apierr.UserNotFound {
			r.Fatal(err)
		}
	}
	who := rapid.SampledFrom(names)
	where := rapid.SampledFrom(addresses)
	// noted remembers the code that a step had sent, if it had one sent.
	noted := func(key string, step func() error) error {
		before := w.box.List("")
		err := step()
		if after := w.box.List(""); err == nil && len(after) > 0 && (len(before) == 0 || after[0].ID != before[0].ID) {
			codes[key] = after[0].Code
		}
		return err
	}
	asUser := func(name string, do func(token string) error) error {
		auth, err := w.try(w.c, name, password)
		if err != nil {
			return err
		}
		return do(auth.Tokens.Access.Reveal())
	}
	kinds := map[string]func(*rapid.T) error{
		"signs up": func(r *rapid.T) error {
			n, a := who.Draw(r, "user"), where.Draw(r, "address")
			return noted("confirm "+n, func() error { _, err := w.signUp(n, attrs{"email": a}); return err })
		},
		"confirms": func(r *rapid.T) error {
			n := who.Draw(r, "user")
			return w.s.ConfirmSignUp(w.t.Context(), signin.ConfirmSignUpInput{
				ClientID: w.c.ID, Username: n, Code: codes["confirm "+n], ForceAlias: rapid.Bool().Draw(r, "force"),
			})
		},
		"changes the address": func(r *rapid.T) error {
			n, a := who.Draw(r, "user"), where.Draw(r, "address")
			return noted("verify "+n, func() error {
				return asUser(n, func(token string) error { _, err := w.set(token, attrs{"email": a}); return err })
			})
		},
		"verifies": func(r *rapid.T) error {
			n := who.Draw(r, "user")
			return asUser(n, func(token string) error { return w.verify(token, "email", codes["verify "+n]) })
		},
		"is given an address": func(r *rapid.T) error {
			n, changes := who.Draw(r, "user"), attrs{"email": where.Draw(r, "address")}
			if rapid.Bool().Draw(r, "verified") {
				changes["email_verified"] = "true"
			}
			return noted("verify "+n, func() error { return w.s.AdminUpdateUserAttributes(w.t.Context(), w.p.ID, n, changes) })
		},
		"deletes the address": func(r *rapid.T) error {
			return asUser(who.Draw(r, "user"), func(token string) error {
				return w.s.DeleteUserAttributes(w.t.Context(), token, []string{"email"})
			})
		},
		"is deleted": func(r *rapid.T) error {
			return w.pools.DeleteUser(w.t.Context(), w.p.ID, who.Draw(r, "user"))
		},
	}
	actions := map[string]func(*rapid.T){"": func(r *rapid.T) { ownersAreRight(r, w, names, addresses) }}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		actions[kind] = func(r *rapid.T) {
			*steps++
			w.clock.advance(time.Hour) // the hourly limits are not what is asked here
			// A refusal is fine; a failure that is not the caller's is not.
			if err := kinds[kind](r); err != nil && apierr.CodeOf(err) == "" {
				r.Fatalf("%s: %v", kind, err)
			}
		}
	}
	r.Repeat(actions)
}

func ownersAreRight(r *rapid.T, w *people, names, addresses []string) {
	owners := map[string][]string{}
	err := w.store.View(w.t.Context(), func(tx store.Tx) error {
		for _, n := range names {
			u, err := userpool.FindUser(tx, w.p, n)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if u.Attributes["email_verified"] == "true" {
				owners[u.Attributes["email"]] = append(owners[u.Attributes["email"]], u.Username)
			}
		}
		for _, a := range addresses {
			if len(owners[a]) > 1 {
				return fmt.Errorf("%s is verified of %v", a, owners[a])
			}
			u, err := userpool.FindUser(tx, w.p, a)
			switch {
			case errors.Is(err, store.ErrNotFound) && len(owners[a]) == 0:
			case err != nil:
				return fmt.Errorf("%s, owner %v: %w", a, owners[a], err)
			case len(owners[a]) == 0 || owners[a][0] != u.Username:
				return fmt.Errorf("%s leads to %s, owner %v", a, u.Username, owners[a])
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}
