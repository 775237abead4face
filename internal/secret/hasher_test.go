package secret_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

func TestHashAndVerify(t *testing.T) {
	var h secret.Hasher
	phc, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("PHC string %s", phc)
	}
	again, err := h.Hash(t.Context(), "correct horse")
	if err != nil || again == phc {
		t.Errorf("two hashes of one password are the same: %s, %v", again, err)
	}
	for _, tt := range []struct {
		name, phc, password string
		want                bool
	}{
		{"right", phc, "correct horse", true},
		{"wrong", phc, "correct hors", false},
		{"empty password", phc, "", false},
		{"no user", "", "correct horse", false},
		{"no user, no password", "", "", false},
	} {
		if got, err := h.Verify(t.Context(), tt.phc, tt.password); got != tt.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

// The reference implementation's argon2id vector: password "password", salt
// "somesalt", t=2, m=65536, p=1.
func TestVerifyReferenceVector(t *testing.T) {
	var h secret.Hasher
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := h.Verify(t.Context(), phc, "password"); !ok || err != nil {
		t.Errorf("Verify = %v, %v", ok, err)
	}
	if ok, err := h.Verify(t.Context(), phc, "differentpassword"); ok || err != nil {
		t.Errorf("Verify = %v, %v", ok, err)
	}
}

// Input is limited before it is hashed.
func TestSec_PW_2_LongPasswordsAreNotHashed(t *testing.T) {
	var h secret.Hasher
	atLimit := strings.Repeat("x", secret.MaxPassword)
	phc, err := h.Hash(t.Context(), atLimit)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Verify(t.Context(), phc, atLimit); !ok || err != nil {
		t.Errorf("at the limit: %v, %v", ok, err)
	}
	for _, password := range []string{"", atLimit + "x", strings.Repeat("x", 10<<20)} {
		if _, err := h.Hash(t.Context(), password); !errors.Is(err, secret.ErrPasswordLength) {
			t.Errorf("Hash of %d bytes: %v, want ErrPasswordLength", len(password), err)
		}
		if ok, err := h.Verify(t.Context(), phc, password); ok || err != nil {
			t.Errorf("Verify of %d bytes: %v, %v", len(password), ok, err)
		}
	}
}

// A stored hash may come from an import: its parameters must not be able to
// take the machine's memory or time.
func TestVerifyRefusesWildHashes(t *testing.T) {
	var h secret.Hasher
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, phc := range []string{
		"x", "$", "$$$$$", "password",
		"$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=4294967295,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=255$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=8,t=1,p=2$" + salt + "$" + key,
		"$argon2id$v=19$m=065536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$t=2,m=65536,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$",
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "=$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + key + "\n",
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + key + "$",
	} {
		if ok, err := h.Verify(t.Context(), phc, "password"); ok || !errors.Is(err, secret.ErrHash) {
			t.Errorf("%q: %v, %v; want ErrHash", phc, ok, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Add("$2b$12$abcdefghijklmnopqrstuv")
	var h secret.Hasher
	f.Fuzz(func(t *testing.T, phc string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the parser is under test, not the hash
		if ok, err := h.Verify(ctx, phc, "password"); ok || err == nil {
			t.Errorf("%q: %v, %v", phc, ok, err)
		}
	})
}

func TestHashesWaitInABoundedLine(t *testing.T) {
	h := &secret.Hasher{Concurrency: 1, Queue: 1}
	// Eight at once, two may be in the line: some are turned away, and those
	// who are not are served.
	var wg sync.WaitGroup
	var mu sync.Mutex
	served, busy := 0, 0
	start := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			<-start
			_, err := h.Hash(t.Context(), "password")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				served++
			case errors.Is(err, secret.ErrBusy):
				busy++
			default:
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if served+busy != 8 || served < 2 || busy == 0 {
		t.Errorf("%d served, %d turned away", served, busy)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ended, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if _, err := h.Hash(t.Context(), "password"); err != nil {
		t.Errorf("the line is not empty again: %v", err)
	}
}
