//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// benchUsers compares sign-ins in a pool of 1,000 users and in one of many.
func benchUsers(ctx context.Context, c config, r *report) error {
	const few = 1000
	var rates []result
	var perUser float64
	for _, n := range []int{few, c.users} {
		got, bytes, err := benchPool(ctx, c, n)
		if err != nil {
			return err
		}
		rates = append(rates, got)
		perUser = bytes
	}
	r.users(few, c.users, rates[0], rates[1], perUser)
	return nil
}

// benchPool measures sign-ins in a pool of n users, and the size on disk of
// one.
func benchPool(ctx context.Context, c config, n int) (result, float64, error) {
	name := fmt.Sprintf("users-%d", n)
	w, err := newWorld(ctx, c, name)
	if err != nil {
		return result{}, 0, err
	}
	w.stop()
	file := filepath.Join(c.dir, name, "rockpool.db")
	before := size(file)
	if err := seed(ctx, file, w.pool, n-w.users); err != nil {
		return result{}, 0, err
	}
	perUser := float64(size(file)-before) / float64(max(n-w.users, 1))
	p, err := startServer(ctx, c, filepath.Join(c.dir, name))
	if err != nil {
		return result{}, 0, err
	}
	defer p.stop()
	defer os.RemoveAll(filepath.Join(c.dir, name))
	w.process = p
	got, err := load(p.base, 8, c.seconds, p, w.passwordWork())
	return got, perUser, err
}

func size(file string) (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(file + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}

// seed adds users straight into the database: the API would spend minutes on
// their passwords. Nobody signs in as one of them.
func seed(ctx context.Context, file, pool string, n int) error {
	db, err := sqlstore.Open(ctx, sqlstore.Options{DSN: file})
	if err != nil {
		return err
	}
	const batch = 5000
	now := time.Now().UTC().Truncate(time.Millisecond)
	for done := 0; done < n; done += batch {
		err := db.Update(ctx, func(tx store.Tx) error {
			for i := done; i < min(done+batch, n); i++ {
				if err := tx.CreateUser(seedUser(pool, i, now)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if done%100_000 == 0 {
			fmt.Fprintf(os.Stderr, "bench: %d of %d users\n", done, n)
		}
	}
	return db.Close()
}

func seedUser(pool string, i int, now time.Time) store.UserRow {
	name := fmt.Sprintf("seed%08d", i)
	email := name + "@example.com"
	sub := secret.UUID()
	return store.UserRow{
		User: store.User{
			PoolID: pool, Sub: sub, Username: name, Status: "CONFIRMED", Enabled: true,
			Attributes: map[string]string{"email": email, "email_verified": "true"},
			Credential: secret.Bytes(460), CreatedAt: now, UpdatedAt: now,
		},
		Names: []store.Name{{Kind: store.NameUsername, Value: name}, {Kind: store.NameSub, Value: sub}},
		Index: []store.IndexEntry{
			{Attribute: "username", Value: name}, {Attribute: "email", Value: email}, {Attribute: "sub", Value: sub},
			{Attribute: "status", Value: "Enabled"}, {Attribute: "cognito:user_status", Value: "CONFIRMED"},
		},
	}
}
