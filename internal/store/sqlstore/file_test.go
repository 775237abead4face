package sqlstore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/store/storetest"
)

func TestSec_DB_3_ids_of_another_pool_are_not_found(t *testing.T) {
	storetest.RunPoolIsolation(t, func(t testing.TB) store.Store { return open(t, sqlstore.Options{}) })
}

func TestSec_DB_5_files_are_for_their_owner_alone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	path := filepath.Join(dir, "rockpool.db")
	db := open(t, sqlstore.Options{DSN: path})
	if err := db.Update(t.Context(), func(tx store.Tx) error { return tx.PutMeta("k", "v") }); err != nil {
		t.Fatal(err)
	}
	if err := db.View(t.Context(), func(tx store.Tx) error { _, err := tx.Meta("k"); return err }); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", e.Name(), got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != 4 { // database, log, index, lock
		t.Errorf("%d files, want 4", files)
	}
}

func TestSec_DB_5_a_file_that_others_can_read_is_closed_to_them(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rockpool.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, sqlstore.Options{DSN: "sqlite:" + path})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %v, want 0600", got)
	}
}

func TestSec_DB_5_one_process_at_a_time(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rockpool.db")
	db := open(t, sqlstore.Options{DSN: path})
	if _, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("opening it again gave %v, want that it is in use", err)
	}
	cmd := child(t.Context(), path)
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("in use")) {
		t.Errorf("another process got %v and said %q, want that it is in use", err, out)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, sqlstore.Options{DSN: path})
	if !db.Alone() {
		t.Error("the database does not know that no other process can have it")
	}
}

func TestSec_DB_4_what_is_deleted_is_not_left_in_the_file(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rockpool.db")
	db := open(t, sqlstore.Options{DSN: path})
	const canary = "canary-5c1f"
	do := func(fn func(tx store.Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	do(func(tx store.Tx) error {
		if err := tx.CreatePool(store.Pool{ID: faultPool}); err != nil {
			return err
		}
		for i := range 200 { // enough that whole pages are freed
			u := faultUser(fmt.Sprint(canary, i))
			u.Attributes = map[string]string{"email": canary}
			u.Doc = []byte(`"` + strings.Repeat(canary, 500) + `"`) // more than a page
			if err := tx.CreateUser(u); err != nil {
				return err
			}
			if err := tx.PutCode(store.Code{PoolID: faultPool, Sub: u.Sub, Purpose: "p", Destination: canary}); err != nil {
				return err
			}
		}
		return nil
	})
	reopen := func() []byte {
		t.Helper()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the log is still there after Close: %v", err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		db = open(t, sqlstore.Options{DSN: path})
		return raw
	}
	if !bytes.Contains(reopen(), []byte(canary)) {
		t.Fatal("the file does not have what was written: the test sees nothing")
	}
	do(func(tx store.Tx) error {
		for i := range 200 {
			if err := tx.DeleteUser(faultPool, fmt.Sprint(canary, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if n := bytes.Count(reopen(), []byte(canary)); n > 0 {
		t.Errorf("the file still has what was deleted, %d times", n)
	}
}

func TestSec_DB_1_sealed_bytes_come_back_exactly(t *testing.T) {
	db := open(t, sqlstore.Options{})
	sealed := make([]byte, 4096)
	for i := range sealed {
		sealed[i] = byte(i*31 + i/256)
	}
	if err := db.Update(t.Context(), func(tx store.Tx) error {
		return tx.CreateAccessKey(store.AccessKey{ID: "k", Sealed: sealed})
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.View(t.Context(), func(tx store.Tx) error {
		k, err := tx.AccessKey("k")
		if !bytes.Equal(k.Sealed, sealed) {
			t.Error("the sealed bytes came back different")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Memory databases are private and leave nothing behind.
func TestMemoryIsPrivate(t *testing.T) {
	a, b := open(t, sqlstore.Options{}), open(t, sqlstore.Options{DSN: "memory:"})
	if err := a.Update(t.Context(), func(tx store.Tx) error { return tx.PutMeta("k", "v") }); err != nil {
		t.Fatal(err)
	}
	if err := b.View(t.Context(), func(tx store.Tx) error { _, err := tx.Meta("k"); return err }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the other one has it: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for dsn, want := range map[string]string{
		"mysql://localhost/x":        "unknown kind",
		"sqlite:":                    "no path",
		dir:                          "directory",
		"postgres://u:sekret@[::1/x": "cannot be parsed",
	} {
		_, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: dsn})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", dsn, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sekret") {
			t.Errorf("the error has the password: %v", err)
		}
	}
	if _, err := sqlstore.Open(t.Context(), sqlstore.Options{Isolation: "dirty"}); err == nil {
		t.Error("an unknown isolation is accepted")
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: garbage}); err == nil {
		t.Error("a file that is no database is accepted")
	}
}

// A path is a path, whatever is in it.
func TestStrangePaths(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=memory", "a%20b", "a#b", "ä😀.db", "file:x"} {
		dir := t.TempDir()
		db := open(t, sqlstore.Options{DSN: "sqlite:" + filepath.Join(dir, name)})
		if err := db.Update(t.Context(), func(tx store.Tx) error { return tx.PutMeta("k", "v") }); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

const childEnv = "ROCKPOOL_STORE_TEST_CHILD"

// child is this test binary, writing users to the database at path.
func child(ctx context.Context, path string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	return cmd
}

// childWrites creates users for ever, from several goroutines, and prints each
// one's sub when the store has said that it is kept.
func childWrites(path string) int {
	ctx := context.Background()
	db, err := sqlstore.Open(ctx, sqlstore.Options{DSN: path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := db.Update(ctx, func(tx store.Tx) error {
		err := tx.CreatePool(store.Pool{ID: faultPool})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var print sync.Mutex
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				sub := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if err := db.Update(ctx, func(tx store.Tx) error { return tx.CreateUser(faultUser(sub)) }); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				print.Lock()
				fmt.Println(sub)
				print.Unlock()
			}
		})
	}
	wg.Wait()
	return 1
}

// TestKill kills a process that writes, again and again: what it had said was
// kept must be there.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rockpool.db")
	var kept []string
	for round := range 6 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := child(ctx, path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			kept = append(kept, lines.Text())
			if n == 20+round*37 {
				// SIGKILL, while others of its writes are under way. What it
				// has printed by then is still read.
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		cancel()
		db, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, sub := range kept {
			if err := db.View(t.Context(), func(tx store.Tx) error {
				_, _, err := tx.UserByName(faultPool, sub+"@x")
				return err
			}); err != nil {
				t.Errorf("round %d: user %s was acknowledged and is lost: %v", round, sub, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) < 6*20 {
		t.Errorf("only %d users were acknowledged", len(kept))
	}
}
