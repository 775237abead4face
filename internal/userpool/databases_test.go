package userpool_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// onDatabases runs a test of two nodes on SQLite, where they share what one
// process has open, and on PostgreSQL, where each has connections of its own.
func onDatabases(t *testing.T, run func(t *testing.T, ns []node, c *clock)) {
	t.Run("SQLite", func(t *testing.T) {
		ns, c := nodes(t, 2)
		run(t, ns, c)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := postgres(t)
		c := &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
		kek := secret.NewKEK([32]byte(secret.Bytes(32)))
		var ns []node
		for range 2 {
			db, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: dsn})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			ns = append(ns, node{&userpool.Service{Store: db, KEK: kek, Now: c.Now}, &message.Outbox{}})
		}
		run(t, ns, c)
	})
}

var schemas atomic.Int64

// postgres returns the address of an empty schema of the test's own.
func postgres(t testing.TB) string {
	t.Helper()
	const env = "ROCKPOOL_TEST_POSTGRES"
	if os.Getenv(env) == "" {
		const how = "set " + env + " to the postgres:// address of a server to test with (version 15 or newer)"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip("PostgreSQL IS NOT TESTED: " + how)
	}
	addr, err := url.Parse(os.Getenv(env))
	if err != nil {
		t.Fatalf("%s is not an address", env)
	}
	schema := fmt.Sprintf("rockpool_userpool_%d_%d", os.Getpid(), schemas.Add(1))
	run := func(text string) {
		// The context of the test has ended when a cleanup runs.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE SCHEMA ` + schema)
	t.Cleanup(func() { run(`DROP SCHEMA ` + schema + ` CASCADE`) })
	own := *addr
	q := own.Query()
	q.Set("search_path", schema)
	own.RawQuery = q.Encode()
	return own.String()
}
