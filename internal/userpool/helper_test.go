package userpool_test

import (
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// node is a Service as one server process has it.
type node struct {
	*userpool.Service
	outbox *message.Outbox
}

func openStore(t testing.TB) store.Store {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}

// nodes returns n services on one database and one clock.
func nodes(t testing.TB, n int) ([]node, *clock) {
	t.Helper()
	db := openStore(t)
	c := &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	kek := secret.NewKEK([32]byte(secret.Bytes(32)))
	var out []node
	for range n {
		box := &message.Outbox{Now: c.Now}
		out = append(out, node{&userpool.Service{Store: db, KEK: kek, Now: c.Now, Messages: box}, box})
	}
	return out, c
}

func newNode(t testing.TB) (node, *clock) {
	t.Helper()
	ns, c := nodes(t, 1)
	return ns[0], c
}

func (n node) pool(t testing.TB, set userpool.Settings) *userpool.Pool {
	t.Helper()
	p, err := n.CreatePool(t.Context(), userpool.NewPool{Name: "test", Settings: set})
	if err != nil {
		t.Fatalf("create pool: %v", err)
	}
	return p
}

func (n node) client(t testing.TB, p *userpool.Pool, in userpool.NewClient) *userpool.Client {
	t.Helper()
	if in.Name == "" {
		in.Name = "app"
	}
	c, err := n.CreateClient(t.Context(), p.ID, in)
	if err != nil {
		t.Fatalf("create client: %v", err)
	}
	return c
}

func (n node) user(t testing.TB, p *userpool.Pool, name string, attributes map[string]string) store.User {
	t.Helper()
	u, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: name, Attributes: attributes, Suppress: true, TemporaryPassword: "Temp0rary!",
	})
	if err != nil {
		t.Fatalf("create user %q: %v", name, err)
	}
	return u
}

// wantError fails unless err has that code and message; "" as message is any.
func wantError(t testing.TB, err error, code apierr.Code, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s %q", code, text)
	}
	e := apierr.Public(err)
	if e.Code != code || text != "" && e.Message != text {
		t.Fatalf("error %v, want %s %q", err, code, text)
	}
}
