package userpool_test

import (
	"bytes"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// The files of a database and the log of a server hold nothing that signs in.
func TestSec_PW_1_NoSecretIsOnDiskOrInTheLog(t *testing.T) {
	const password, clientSecret = "Canary-Passw0rd!", "canaryclientsecretcanaryclientsecret"
	for _, kind := range []string{"", userpool.PasswordArgon2id} {
		dir := t.TempDir()
		db, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: filepath.Join(dir, "data", "rockpool.db")})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		n := node{Service: &userpool.Service{
			Store: db, KEK: secret.NewKEK([32]byte(secret.Bytes(32))), Messages: &message.Outbox{},
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}}
		p := n.pool(t, userpool.Settings{PasswordStore: kind})
		c := n.client(t, p, userpool.NewClient{Secret: clientSecret})
		u := n.user(t, p, "ann", map[string]string{"email": "findable@example.com"})
		if err := n.AdminSetPassword(t.Context(), userpool.PasswordChange{PoolID: p.ID, Username: "ann", Password: password, Permanent: true}); err != nil {
			t.Fatal(err)
		}
		needles := map[string][]byte{"password": []byte(password), "client secret": []byte(clientSecret), "hash": []byte("$argon2id$")}
		if _, u, err = n.User(t.Context(), p.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		if kind == "" {
			v, err := n.Verifier(u)
			if err != nil || !v.Matches(arn.PoolName(p.ID), "ann", password) {
				t.Fatalf("verifier: %v", err)
			}
			needles["verifier"], needles["verifier in hex"] = v.V[:32], []byte(hex.EncodeToString(v.V[:16]))
			needles["salt"] = v.Salt
		}
		n.Logger.Info("canary", "client", c, "secret", c.Secret(), "user", u.Sub)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		found := scan(t, dir, needles)
		if !found["findable@example.com"] {
			t.Error("the scan does not see what is there in the clear")
		}
		for what, needle := range needles {
			if found[string(needle)] {
				t.Errorf("%q store: the %s is on disk", kind, what)
			}
			if bytes.Contains(log.Bytes(), needle) {
				t.Errorf("%q store: the %s is in the log", kind, what)
			}
		}
		if log.Len() == 0 {
			t.Error("nothing was logged")
		}
	}
}

// scan returns which of the needles, and of one address that must be there,
// are in any file below dir.
func scan(t *testing.T, dir string, needles map[string][]byte) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		const there = "findable@example.com"
		found[there] = found[there] || bytes.Contains(b, []byte(there))
		for _, n := range needles {
			found[string(n)] = found[string(n)] || bytes.Contains(b, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A server that was started with another key can read no secret, and says so
// instead of letting somebody in.
func TestSec_DB_1_AnotherKeyOpensNothing(t *testing.T) {
	ns, _ := nodes(t, 1)
	n := ns[0]
	p := n.pool(t, userpool.Settings{})
	u := n.user(t, p, "ann", nil)
	c := n.client(t, p, userpool.NewClient{GenerateSecret: true})
	other := &userpool.Service{Store: n.Store, KEK: secret.NewKEK([32]byte(secret.Bytes(32))), Now: n.Now}
	if _, err := other.Keys(t.Context(), p.ID); err == nil {
		t.Error("another key opens the signing keys")
	}
	if _, err := other.Client(t.Context(), p.ID, c.ID); err == nil || apierr.CodeOf(err) != "" {
		t.Errorf("another key opens the client's secret, or the caller is told: %v", err)
	}
	if ok, err := other.VerifyPassword(t.Context(), p, u, "Temp0rary!"); ok || err == nil {
		t.Errorf("another key opens the password: %v, %v", ok, err)
	}
}
