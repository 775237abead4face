package userpool_test

import (
	"testing"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// What every sign-in asks of this package before it touches the user.
func BenchmarkSettings(b *testing.B) {
	n, _ := newNode(b)
	p := n.pool(b, userpool.Settings{})
	c := n.client(b, p, userpool.NewClient{GenerateSecret: true})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := n.ClientByID(b.Context(), c.ID); err != nil {
			b.Fatal(err)
		}
		if _, err := n.Keys(b.Context(), p.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPassword(b *testing.B) {
	n, _ := newNode(b)
	p := n.pool(b, userpool.Settings{})
	u := n.user(b, p, "ann", nil)
	for b.Loop() {
		if ok, err := n.VerifyPassword(b.Context(), p, u, "Temp0rary!"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkCreateUser(b *testing.B) {
	n, _ := newNode(b)
	p := n.pool(b, userpool.Settings{})
	for b.Loop() {
		if _, err := n.CreateUser(b.Context(), p.ID, userpool.NewUser{Username: secret.UUID(), Suppress: true}); err != nil {
			b.Fatal(err)
		}
	}
}
