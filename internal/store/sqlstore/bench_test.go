package sqlstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// backends are what the benchmarks run on.
func backends(b *testing.B, run func(b *testing.B, open func(testing.TB) *sqlstore.DB)) {
	b.Run("memory", func(b *testing.B) {
		run(b, func(t testing.TB) *sqlstore.DB { return open(t, sqlstore.Options{}) })
	})
	b.Run("file", func(b *testing.B) {
		run(b, func(t testing.TB) *sqlstore.DB {
			return open(t, sqlstore.Options{DSN: filepath.Join(t.TempDir(), "rockpool.db")})
		})
	})
	if os.Getenv(postgresEnv) != "" {
		b.Run("postgres", func(b *testing.B) {
			run(b, func(t testing.TB) *sqlstore.DB { return open(t, sqlstore.Options{DSN: postgres(t)}) })
		})
	}
}

const benchPool = "eu-central-1_Benchmark"

// benchUser is a user of a common size: SRP verifier, five attributes.
func benchUser(i int) store.UserRow {
	sub := fmt.Sprintf("%08x-1111-4222-8333-%012x", uint32(i)*2654435761, i)
	email := fmt.Sprintf("someone.%d@example.com", i)
	at := time.UnixMilli(1_790_000_000_000 + int64(i))
	return store.UserRow{
		User: store.User{
			PoolID: benchPool, Sub: sub, Username: sub, Status: "CONFIRMED", Enabled: true,
			Attributes: map[string]string{"email": email, "email_verified": "true", "name": fmt.Sprint("Some One ", i),
				"custom:tenantId": "tenant-17", "custom:department": "engineering"},
			Credential: []byte(strings.Repeat("v", 460)), Doc: []byte(`{"mfa":[]}`), CreatedAt: at, UpdatedAt: at,
		},
		Names: []store.Name{{Kind: store.NameUsername, Value: sub}, {Kind: store.NameEmail, Value: email}},
		Index: []store.IndexEntry{
			{Attribute: "username", Value: sub}, {Attribute: "email", Value: email}, {Attribute: "name", Value: fmt.Sprint("some one ", i)},
			{Attribute: "cognito:user_status", Value: "confirmed"}, {Attribute: "status", Value: "enabled"},
		},
	}
}

func addBenchUsers(b testing.TB, db *sqlstore.DB, from, to int) {
	b.Helper()
	for from < to {
		end := min(from+500, to)
		if err := db.Update(b.Context(), func(tx store.Tx) error {
			for i := from; i < end; i++ {
				if err := tx.CreateUser(benchUser(i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		from = end
	}
}

func addBenchPool(b testing.TB, db *sqlstore.DB, users int) {
	b.Helper()
	if err := db.Update(b.Context(), func(tx store.Tx) error {
		if err := tx.CreatePool(store.Pool{ID: benchPool, Doc: []byte("{}")}); err != nil {
			return err
		}
		for _, g := range []string{"admins", "staff"} {
			if err := tx.CreateGroup(store.Group{PoolID: benchPool, Name: g}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	addBenchUsers(b, db, 0, users)
	if err := db.Update(b.Context(), func(tx store.Tx) error {
		for i := range min(users, 1000) {
			for _, g := range []string{"admins", "staff"} {
				if err := tx.AddMember(benchPool, g, benchUser(i).Sub, time.Now()); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

// percentile times fn b.N times and reports the median and the 99th percentile.
func percentile(b *testing.B, fn func(i int)) {
	times := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		fn(i)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1e3, "p99-µs")
}

func BenchmarkRead(b *testing.B) {
	backends(b, func(b *testing.B, open func(testing.TB) *sqlstore.DB) {
		db := open(b)
		const users = 1000
		addBenchPool(b, db, users)
		email := func(i int) string { return fmt.Sprintf("someone.%d@example.com", i*7%users) }
		check := func(err error) {
			if err != nil {
				b.Fatal(err)
			}
		}
		b.Run("empty", func(b *testing.B) {
			percentile(b, func(int) { check(db.View(b.Context(), func(store.Tx) error { return nil })) })
		})
		b.Run("PoolVersion", func(b *testing.B) {
			percentile(b, func(int) {
				check(db.View(b.Context(), func(tx store.Tx) error { _, err := tx.PoolVersion(benchPool); return err }))
			})
		})
		b.Run("UserByName", func(b *testing.B) {
			percentile(b, func(i int) {
				check(db.View(b.Context(), func(tx store.Tx) error { _, _, err := tx.UserByName(benchPool, email(i)); return err }))
			})
		})
		b.Run("SignIn", func(b *testing.B) {
			percentile(b, func(i int) {
				check(db.View(b.Context(), func(tx store.Tx) error {
					u, _, err := tx.UserByName(benchPool, email(i))
					if err != nil {
						return err
					}
					if _, err := tx.Attempt(benchPool, u.Sub, "password", u.CreatedAt); err != nil {
						return err
					}
					_, err = tx.UserGroups(benchPool, u.Sub)
					return err
				}))
			})
		})
	})
}

// BenchmarkUpdate writes one small row per transaction from many writers.
func BenchmarkUpdate(b *testing.B) {
	backends(b, func(b *testing.B, open func(testing.TB) *sqlstore.DB) {
		for _, writers := range []int{1, 2, 4, 8, 16, 32, 64} {
			b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
				db := open(b)
				var next atomic.Int64
				times := make([][]time.Duration, writers)
				var wg sync.WaitGroup
				b.ResetTimer()
				start := time.Now()
				for w := range writers {
					wg.Go(func() {
						for {
							i := next.Add(1)
							if i > int64(b.N) {
								return
							}
							begin := time.Now()
							if err := db.Update(b.Context(), func(tx store.Tx) error {
								return tx.UseOnce(benchPool, fmt.Sprintf("%036d", i*2654435761), time.Now())
							}); err != nil {
								b.Error(err)
								return
							}
							times[w] = append(times[w], time.Since(begin))
						}
					})
				}
				wg.Wait()
				elapsed := time.Since(start)
				all := slices.Sorted(slices.Values(slices.Concat(times...)))
				b.ReportMetric(float64(len(all))/elapsed.Seconds(), "writes/s")
				b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
				b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
			})
		}
	})
}

// BenchmarkManyUsers measures the three reads of a sign-in, and the disk, with
// 1,000 users and with as many as ROCKPOOL_BENCH_USERS says.
func BenchmarkManyUsers(b *testing.B) {
	sizes := []int{1000}
	if n, err := strconv.Atoi(os.Getenv("ROCKPOOL_BENCH_USERS")); err == nil {
		sizes = append(sizes, n)
	}
	path := filepath.Join(b.TempDir(), "rockpool.db")
	db := open(b, sqlstore.Options{DSN: path})
	have := 0
	for _, n := range sizes {
		if have == 0 {
			addBenchPool(b, db, n)
		} else {
			addBenchUsers(b, db, have, n)
		}
		have = n
		b.Run(fmt.Sprint("users=", n), func(b *testing.B) {
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			percentile(b, func(i int) {
				email := fmt.Sprintf("someone.%d@example.com", i*7919%n)
				if err := db.View(b.Context(), func(tx store.Tx) error {
					u, _, err := tx.UserByName(benchPool, email)
					if err != nil {
						return err
					}
					if _, err := tx.Attempt(benchPool, u.Sub, "password", u.CreatedAt); err != nil {
						return err
					}
					_, err = tx.UserGroups(benchPool, u.Sub)
					return err
				}); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(info.Size())/float64(n), "bytes/user")
		})
	}
}
