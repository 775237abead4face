package signin_test

import (
	"testing"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/srp"
	"github.com/rockpoolhq/rockpool/internal/token"
)

// BenchmarkSignIn measures the flows beside their bounds: what their
// cryptography alone takes in the same run.
func BenchmarkSignIn(b *testing.B) {
	w := newWorld(b)
	p := w.pool()
	u := w.user(p, "jdoe", profile)
	c := w.client(p)
	first := w.signIn(c, "jdoe")
	keys, err := w.pools.Keys(b.Context(), p.ID)
	if err != nil {
		b.Fatal(err)
	}
	id, access := w.claims(p, first.ID, token.ID), w.claims(p, first.Access, token.Access)
	sign := func(b *testing.B) {
		if _, err := keys.ID.Sign(id); err != nil {
			b.Fatal(err)
		}
		if _, err := keys.Access.Sign(access); err != nil {
			b.Fatal(err)
		}
	}
	verifier, err := w.pools.Verifier(u)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bound/refresh: two signatures", func(b *testing.B) {
		for b.Loop() {
			sign(b)
		}
	})
	b.Run("refresh", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.refresh(c, first.Refresh); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bound/password: one verification and two signatures", func(b *testing.B) {
		for b.Loop() {
			if !verifier.Matches(arn.PoolName(p.ID), "jdoe", password) {
				b.Fatal("the password does not match")
			}
			sign(b)
		}
	})
	b.Run("password", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.try(c, "jdoe", password); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bound/srp: one exchange and two signatures", func(b *testing.B) {
		k := srp.NewClient(arn.PoolName(p.ID), password)
		for b.Loop() {
			e, public := srp.Start(verifier)
			if _, err := srp.Key(verifier, e, k.A(), public); err != nil {
				b.Fatal(err)
			}
			sign(b)
		}
	})
	b.Run("GetUser", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.s.GetUser(b.Context(), first.Access.Reveal()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
