package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

func newKEK(fill byte) *secret.KEK {
	var key [32]byte
	for i := range key {
		key[i] = fill + byte(i)
	}
	return secret.NewKEK(key)
}

func TestSec_DB_1_SealedValuesAreBoundToTheirPlace(t *testing.T) {
	k := newKEK(1)
	here := secret.Place{Table: "client", Pool: "p1", Row: "r1", Column: "secret"}
	sealed := k.Seal(here, []byte("value"))
	if got, err := k.Open(here, sealed); err != nil || string(got) != "value" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if bytes.Contains(sealed, []byte("value")) {
		t.Error("the value stands in clear")
	}
	if bytes.Equal(sealed, k.Seal(here, []byte("value"))) {
		t.Error("sealing twice gave the same bytes: the nonce repeats")
	}
	for name, other := range map[string]secret.Place{
		"table":        {Table: "user", Pool: "p1", Row: "r1", Column: "secret"},
		"pool":         {Table: "client", Pool: "p2", Row: "r1", Column: "secret"},
		"row":          {Table: "client", Pool: "p1", Row: "r2", Column: "secret"},
		"column":       {Table: "client", Pool: "p1", Row: "r1", Column: "name"},
		"moved border": {Table: "client", Pool: "p1r", Row: "1", Column: "secret"},
		"nowhere":      {},
	} {
		if got, err := k.Open(other, sealed); !errors.Is(err, secret.ErrSealed) || got != nil {
			t.Errorf("another %s: Open = %q, %v; want ErrSealed", name, got, err)
		}
	}
	if got, err := newKEK(2).Open(here, sealed); !errors.Is(err, secret.ErrSealed) || got != nil {
		t.Errorf("another key: Open = %q, %v; want ErrSealed", got, err)
	}
}

// Each bit flipped and each length cut is refused, with nothing returned.
func TestSec_DB_1_AlteredValuesAreRefused(t *testing.T) {
	k, p := newKEK(1), secret.Place{Table: "t"}
	b := k.Box("test")
	for name, v := range map[string]struct {
		sealed []byte
		open   func([]byte) ([]byte, error)
	}{
		"KEK": {k.Seal(p, []byte("some value")), func(s []byte) ([]byte, error) { return k.Open(p, s) }},
		"Box": {b.Seal([]byte("some value"), []byte("ad")), func(s []byte) ([]byte, error) { return b.Open(s, []byte("ad")) }},
	} {
		t.Run(name, func(t *testing.T) {
			if want := len("some value") + secret.SealOverhead; len(v.sealed) != want {
				t.Errorf("sealed to %d bytes, want %d", len(v.sealed), want)
			}
			refused := 0
			refuse := func(s []byte) {
				t.Helper()
				if got, err := v.open(s); !errors.Is(err, secret.ErrSealed) || got != nil {
					t.Fatalf("Open(%x) = %q, %v; want ErrSealed", s, got, err)
				}
				refused++
			}
			for i := range 8 * len(v.sealed) {
				s := bytes.Clone(v.sealed)
				s[i/8] ^= 1 << (i % 8)
				refuse(s)
			}
			for n := range v.sealed {
				refuse(v.sealed[:n])
			}
			refuse(append(bytes.Clone(v.sealed), 0))
			refuse(nil)
			if refused != 9*len(v.sealed)+2 {
				t.Errorf("%d alterations tried", refused)
			}
		})
	}
}

// Sessions and refresh tokens are boxes: what they are bound to (pool, client,
// user, challenge) is the associated data, what they are is the purpose.
func TestSec_SES_1_BoxesAreBoundToPurposeAndData(t *testing.T) {
	k := newKEK(1)
	session := k.Box("session")
	sealed := session.Seal([]byte("state"), []byte("pool client user SMS_MFA"))
	if got, err := session.Open(sealed, []byte("pool client user SMS_MFA")); err != nil || string(got) != "state" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if k.Box("session") != session {
		t.Error("the box of one purpose is made anew each time")
	}
	for name, open := range map[string]func() ([]byte, error){
		"another user":    func() ([]byte, error) { return session.Open(sealed, []byte("pool client other SMS_MFA")) },
		"no binding":      func() ([]byte, error) { return session.Open(sealed, nil) },
		"another purpose": func() ([]byte, error) { return k.Box("refresh").Open(sealed, []byte("pool client user SMS_MFA")) },
		"another server": func() ([]byte, error) {
			return newKEK(9).Box("session").Open(sealed, []byte("pool client user SMS_MFA"))
		},
		"as a row": func() ([]byte, error) {
			return k.Open(secret.Place{}, sealed)
		},
	} {
		if got, err := open(); !errors.Is(err, secret.ErrSealed) || got != nil {
			t.Errorf("%s: Open = %q, %v; want ErrSealed", name, got, err)
		}
	}
}

func TestSealRoundTrip(t *testing.T) {
	k := newKEK(1)
	rapid.Check(t, func(t *rapid.T) {
		plain, ad := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.SliceOf(rapid.Byte()).Draw(t, "ad")
		p := secret.Place{Row: rapid.String().Draw(t, "row")}
		got, err := k.Open(p, k.Seal(p, plain))
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("KEK: %x, %v", got, err)
		}
		got, err = k.Box("b").Open(k.Box("b").Seal(plain, ad), ad)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Box: %x, %v", got, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	k := newKEK(1)
	f.Add(k.Seal(secret.Place{}, []byte("x")))
	f.Add(k.Box("b").Seal([]byte("x"), nil))
	f.Add([]byte{})
	f.Add(make([]byte, secret.SealOverhead))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := k.Open(secret.Place{Table: "other"}, b); err == nil || got != nil {
			t.Errorf("KEK opened %x to %x", b, got)
		}
		if got, err := k.Box("other").Open(b, nil); err == nil || got != nil {
			t.Errorf("Box opened %x to %x", b, got)
		}
	})
}

func TestRetiredKeysOpenAndAreStale(t *testing.T) {
	older, old, now := newKEK(1), newKEK(50), newKEK(100)
	p := secret.Place{Table: "t"}
	ring := now.WithRetired(old, older)
	for name, k := range map[string]*secret.KEK{"older": older, "old": old, "now": now} {
		sealed := k.Seal(p, []byte(name))
		if got, err := ring.Open(p, sealed); err != nil || string(got) != name {
			t.Errorf("%s: Open = %q, %v", name, got, err)
		}
		if got, want := ring.Stale(sealed), name != "now"; got != want {
			t.Errorf("%s: Stale = %v", name, got)
		}
		token := k.Box("b").Seal([]byte(name), nil)
		if got, err := ring.Box("b").Open(token, nil); err != nil || string(got) != name {
			t.Errorf("%s: Box.Open = %q, %v", name, got, err)
		}
	}
	if ring.Stale(ring.Seal(p, nil)) || !ring.Stale(nil) {
		t.Error("what the ring seals is stale, or nothing is not")
	}
	if _, err := now.Open(p, old.Seal(p, nil)); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("without the retired key: %v, want ErrSealed", err)
	}
}

func TestSubkeysAndCodeHashes(t *testing.T) {
	k := newKEK(1)
	first, again := k.Subkey("a"), k.Subkey("a")
	if first != again || first == k.Subkey("b") || k.Subkey("a") == newKEK(2).Subkey("a") {
		t.Error("subkeys must depend on the label and the key, and on nothing else")
	}
	base := secret.CodeHash(k, "pool", "sub", "confirm", "123456")
	if len(base) != 32 || !bytes.Equal(base, secret.CodeHash(k, "pool", "sub", "confirm", "123456")) {
		t.Fatalf("CodeHash = %x", base)
	}
	for name, other := range map[string][]byte{
		"key":     secret.CodeHash(newKEK(2), "pool", "sub", "confirm", "123456"),
		"pool":    secret.CodeHash(k, "poo", "sub", "confirm", "123456"),
		"user":    secret.CodeHash(k, "pool", "bus", "confirm", "123456"),
		"purpose": secret.CodeHash(k, "pool", "sub", "reset", "123456"),
		"code":    secret.CodeHash(k, "pool", "sub", "confirm", "123457"),
		"border":  secret.CodeHash(k, "pools", "ub", "confirm", "123456"),
	} {
		if bytes.Equal(base, other) {
			t.Errorf("another %s gives the same hash", name)
		}
	}
}

func TestKEKFromText(t *testing.T) {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i) * 11 // has + and / in base64
	}
	want := secret.NewKEK([32]byte(key)).Subkey("x")
	for name, text := range map[string]string{
		"hex":               hex.EncodeToString(key),
		"upper-case hex":    strings.ToUpper(hex.EncodeToString(key)),
		"base64":            base64.StdEncoding.EncodeToString(key),
		"unpadded base64":   base64.RawStdEncoding.EncodeToString(key),
		"base64url":         base64.URLEncoding.EncodeToString(key),
		"white space":       "\n  " + base64.StdEncoding.EncodeToString(key) + " \r\n\n",
		"comment":           "# the key\n" + hex.EncodeToString(key),
		"with a second key": hex.EncodeToString(key) + "\n" + hex.EncodeToString(secret.Bytes(32)),
	} {
		k, err := secret.KEKFromText(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if k.Subkey("x") != want {
			t.Errorf("%s: another key", name)
		}
	}
	for name, text := range map[string]string{
		"empty":          "",
		"only a comment": "# nothing",
		"31 bytes":       base64.StdEncoding.EncodeToString(key[:31]),
		"33 bytes":       hex.EncodeToString(append(key, 1)),
		"a pass phrase":  "correct horse battery staple",
		"zeros":          strings.Repeat("0", 64),
		"the key twice":  hex.EncodeToString(key) + "\n" + base64.StdEncoding.EncodeToString(key),
		"two on a line":  hex.EncodeToString(key) + " " + hex.EncodeToString(key),
		"a long line":    strings.Repeat("A", 100_000),
	} {
		k, err := secret.KEKFromText(text)
		if !errors.Is(err, secret.ErrKEK) || k != nil {
			t.Errorf("%s: %v, want ErrKEK", name, err)
		} else if len(text) > 20 && strings.Contains(err.Error(), text[:20]) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

func FuzzKEKFromText(f *testing.F) {
	f.Add(strings.Repeat("0123456789abcdef", 4))
	f.Add("# c\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	f.Add("\x00\n\r")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := secret.KEKFromText(text); (k == nil) == (err == nil) {
			t.Errorf("KEK %v and error %v", k, err)
		}
	})
}

func TestSec_DB_2_KeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	if _, err := secret.LoadKEK(path); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, secret.ErrKEK) {
		t.Fatalf("LoadKEK of nothing: %v", err)
	}
	k, created, err := secret.OpenOrCreateKEK(path)
	if err != nil || !created {
		t.Fatalf("first: created %v, %v", created, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	again, created, err := secret.OpenOrCreateKEK(path)
	if err != nil || created {
		t.Fatalf("second: created %v, %v", created, err)
	}
	if k.Subkey("x") != again.Subkey("x") {
		t.Error("the second start found another key")
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o606, 0o622, 0o610} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.LoadKEK(path); !errors.Is(err, secret.ErrKEK) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: %v, want a refusal that says what to do", mode, err)
		}
		// Not even where it may create one: the file that is there is not replaced.
		if _, created, err := secret.OpenOrCreateKEK(path); err == nil || created {
			t.Errorf("mode %04o: created %v, %v", mode, created, err)
		}
	}
	if _, err := secret.LoadKEK(filepath.Dir(path)); !errors.Is(err, secret.ErrKEK) {
		t.Errorf("a directory: %v", err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, bytes.Repeat([]byte("#\n"), 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.LoadKEK(huge); !errors.Is(err, secret.ErrKEK) || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a huge file: %v", err)
	}
}

func TestSec_DB_2_RacingProcessesAgreeOnOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	var wg sync.WaitGroup
	var mu sync.Mutex
	keys, makers := map[[32]byte]bool{}, 0
	for range 16 {
		wg.Go(func() {
			k, created, err := secret.OpenOrCreateKEK(path)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			keys[k.Subkey("x")] = true
			if created {
				makers++
			}
		})
	}
	wg.Wait()
	if len(keys) != 1 || makers != 1 {
		t.Errorf("%d keys, %d makers; want one of each", len(keys), makers)
	}
}

func BenchmarkSeal(b *testing.B) {
	box := newKEK(1).Box("b")
	plain := make([]byte, 256)
	for b.Loop() {
		box.Seal(plain, nil)
	}
}
