package sqlstore_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/store/storetest"
)

func TestSuiteSQLiteMemory(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, sqlstore.Options{}) })
}

func TestSuiteSQLiteFile(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store {
		return open(t, sqlstore.Options{DSN: filepath.Join(t.TempDir(), "rockpool.db")})
	})
}

func TestSuitePostgres(t *testing.T) {
	for _, level := range []sqlstore.Isolation{sqlstore.Serializable, sqlstore.ReadCommitted} {
		t.Run(string(level), func(t *testing.T) {
			dsn := postgres(t)
			storetest.Run(t, func(t testing.TB) store.Store {
				// One schema for all cases, emptied for each: making the tables
				// takes longer than most cases do.
				db := open(t, sqlstore.Options{DSN: dsn, Isolation: level})
				runSQL(t, dsn, sqlstore.EmptyAll)
				return db
			})
		})
	}
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, o sqlstore.Options) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

const postgresEnv = "ROCKPOOL_TEST_POSTGRES"

// needPostgres skips the test if there is no server for it, except in CI.
func needPostgres(t testing.TB) {
	t.Helper()
	if os.Getenv(postgresEnv) != "" {
		return
	}
	const how = "set " + postgresEnv + " to the postgres:// address of a server to test with (version 15 or newer; the test makes schemas of its own)"
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip("PostgreSQL IS NOT TESTED: " + how)
}

var schemas atomic.Int64

// postgres returns the address of an empty schema of the test's own.
func postgres(t testing.TB) string {
	t.Helper()
	needPostgres(t)
	addr, err := url.Parse(os.Getenv(postgresEnv))
	if err != nil {
		t.Fatalf("%s is not an address", postgresEnv)
	}
	schema := fmt.Sprintf("rockpool_test_%d_%d", os.Getpid(), schemas.Add(1))
	runSQL(t, addr.String(), `CREATE SCHEMA `+schema)
	t.Cleanup(func() { runSQL(t, addr.String(), `DROP SCHEMA `+schema+` CASCADE`) })
	q := addr.Query()
	q.Set("search_path", schema)
	// The tests do not pull the plug on the server, so they need not wait for
	// its disk.
	q.Set("synchronous_commit", "off")
	own := *addr
	own.RawQuery = q.Encode()
	return own.String()
}

func runSQL(t testing.TB, dsn, text string) {
	t.Helper()
	// The context of the test has ended when a cleanup runs.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
		t.Fatal(err)
	}
}
