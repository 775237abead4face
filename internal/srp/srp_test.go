package srp_test

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/srp"
)

const (
	pool = "ExAmPle12"
	user = "3f2c1d7e-0000-4000-8000-0123456789ab"
)

// run plays one sign-in and reports whether the server takes the proof.
func run(t interface{ Fatal(...any) }, v srp.Verifier, userID, password string) bool {
	c := srp.NewClient(pool, password)
	b, publicB := srp.Start(v)
	block, at := []byte("a sealed block"), "Sun Nov 1 05:06:07 UTC 2026"
	answer, err := c.Proof(userID, v.SaltHex(), publicB, block, at)
	if err != nil {
		t.Fatal(err)
	}
	key, err := srp.Key(v, b, c.A(), publicB)
	if err != nil {
		t.Fatal(err)
	}
	return hmac.Equal(answer, srp.Proof(key, pool, userID, block, at))
}

func TestClientAndServerAgreeOnlyOnTheRightPassword(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		userID := rapid.String().Draw(t, "user")
		password := rapid.StringN(1, 30, 256).Draw(t, "password")
		v := srp.NewVerifier(pool, userID, password)
		if !run(t, v, userID, password) {
			t.Fatal("the right password was refused")
		}
		if !v.Matches(pool, userID, password) {
			t.Fatal("the right password does not match")
		}
		wrong := rapid.OneOf(
			rapid.Just(password+" "), rapid.Just(strings.ToUpper(password)+"x"), rapid.StringN(0, 30, 256),
		).Draw(t, "wrong")
		if wrong == password {
			return
		}
		if run(t, v, userID, wrong) {
			t.Fatalf("%q was taken for %q", wrong, password)
		}
		if v.Matches(pool, userID, wrong) {
			t.Fatalf("%q matches %q", wrong, password)
		}
		if v.Matches("Other"+pool, userID, password) || v.Matches(pool, userID+"x", password) {
			t.Fatal("the verifier fits another pool or user")
		}
	})
}

func group(t testing.TB) *big.Int {
	t.Helper()
	// RFC 3526, section 5: 2^3072 - 2^3008 - 1 + 2^64·([2^2942 π] + 1690314),
	// so the top and the bottom 64 bits are ones. Read here from a verifier's
	// bounds rather than repeated: the largest V that Unmarshal takes is N-1.
	v := srp.NewVerifier(pool, user, "x").Marshal()
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 3072)
	for new(big.Int).Sub(high, low).Cmp(big.NewInt(1)) > 0 {
		mid := new(big.Int).Add(low, high)
		mid.Rsh(mid, 1)
		mid.FillBytes(v[len(v)-384:])
		if _, err := srp.Unmarshal(v); err == nil {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

func TestSec_PW_3_DegeneratePublicValuesAreRefused(t *testing.T) {
	n := group(t)
	times := func(f int64) string { return new(big.Int).Mul(n, big.NewInt(f)).Text(16) }
	v := srp.NewVerifier(pool, user, "password")
	b, publicB := srp.Start(v)
	good := srp.NewClient(pool, "password").A()
	if _, err := srp.Key(v, b, good, publicB); err != nil {
		t.Fatalf("a good A: %v", err)
	}
	for name, a := range map[string]string{
		"zero":          "0",
		"many zeros":    strings.Repeat("0", 768),
		"N":             times(1),
		"2N":            times(2),
		"3N":            times(3),
		"255N":          times(255),
		"more than N":   new(big.Int).Add(n, big.NewInt(5)).Text(16),
		"empty":         "",
		"too long":      "1" + strings.Repeat("0", 768),
		"leading zeros": strings.Repeat("0", 1000) + "2",
		"megabytes":     strings.Repeat("a", 8<<20),
		"not hex":       "xyz",
		"a prefix":      "0x2",
		"a sign":        "-2",
		"a plus":        "+2",
		"white space":   " 2",
		"a new line":    "2\n",
		"an underscore": "1_0",
		"base64":        "AQAB==",
		"wide digits":   "１２",
	} {
		key, err := srp.Key(v, b, a, publicB)
		if !errors.Is(err, srp.ErrBadNumber) || key != [16]byte{} {
			t.Errorf("%s: key %x, error %v; want ErrBadNumber", name, key, err)
		}
		if err := srp.ValidA(a); !errors.Is(err, srp.ErrBadNumber) {
			t.Errorf("%s: ValidA = %v", name, err)
		}
		// The same rules guard the client against a server.
		if _, err := srp.NewClient(pool, "password").Proof(user, v.SaltHex(), a, nil, ""); !errors.Is(err, srp.ErrBadNumber) {
			t.Errorf("%s as B: %v", name, err)
		}
	}
	for name, a := range map[string]string{"odd length": "2ab", "upper case": strings.ToUpper(good), "a leading zero": "0" + "2", "N-1": new(big.Int).Sub(n, big.NewInt(1)).Text(16)} {
		if _, err := srp.Key(v, b, a, publicB); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSec_PW_3_OneTimeExponents(t *testing.T) {
	v := srp.NewVerifier(pool, user, "password")
	seen := map[string]bool{}
	for range 50 {
		b, publicB := srp.Start(v)
		if len(b) != 32 {
			t.Fatalf("b has %d bits, want 256", 8*len(b))
		}
		seen[string(b)], seen[publicB] = true, true
	}
	if len(seen) != 100 {
		t.Errorf("%d of 100 values are different", len(seen))
	}
}

func TestSec_PW_3_FakesLookLikeUsers(t *testing.T) {
	seed := [32]byte{1, 2, 3}
	fake := srp.Fake(seed, pool, "nobody")
	if again := srp.Fake(seed, pool, "nobody"); again.SaltHex() != fake.SaltHex() || !bytes.Equal(again.V, fake.V) {
		t.Error("the same stranger has two salts: who asks twice knows")
	}
	salts := map[string]bool{fake.SaltHex(): true}
	for _, other := range []srp.Verifier{
		srp.Fake([32]byte{9}, pool, "nobody"), srp.Fake(seed, "Other", "nobody"),
		srp.Fake(seed, pool, "nobody2"), srp.Fake(seed, pool+"n", "obody"),
	} {
		salts[other.SaltHex()] = true
	}
	if len(salts) != 5 {
		t.Errorf("%d salts of 5 strangers", len(salts))
	}
	for _, password := range []string{"", "password", "nobody"} {
		if fake.Matches(pool, "nobody", password) || run(t, fake, "nobody", password) {
			t.Errorf("the stranger signed in with %q", password)
		}
	}
	if _, err := srp.Unmarshal(fake.Marshal()); err != nil {
		t.Errorf("a fake is stored like a verifier: %v", err)
	}
	// Salts of both kinds have one form, so that no digit gives them away.
	for i := range 300 {
		if s := srp.Fake(seed, pool, string(rune('a'+i))).SaltHex(); len(s) != 32 || s[0] == '0' {
			t.Fatalf("fake salt %s", s)
		}
	}
	n := group(t)
	if big.Jacobi(new(big.Int).SetBytes(fake.V), n) != 1 {
		t.Error("a fake is not a square, which every power of 2 is here")
	}
}

// B of users and of strangers comes from one distribution: uniform, by a
// chi-squared test over the leading byte, and with squares and non-squares in
// the same proportion, for each of them.
func TestSec_PW_3_DistributionOfB(t *testing.T) {
	const draws = 500
	n := group(t)
	for name, v := range map[string]srp.Verifier{
		"user":     srp.NewVerifier(pool, user, "password"),
		"stranger": srp.Fake([32]byte{7}, pool, "nobody"),
	} {
		var buckets [16]int
		squares := 0
		for range draws {
			_, publicB := srp.Start(v)
			b, ok := new(big.Int).SetString(publicB, 16)
			if !ok || b.Sign() <= 0 || b.Cmp(n) >= 0 || strings.ToLower(publicB) != publicB {
				t.Fatalf("%s: B = %s", name, publicB)
			}
			buckets[new(big.Int).Rsh(b, 3068).Uint64()]++
			if big.Jacobi(b, n) == 1 {
				squares++
			}
		}
		chi, want := 0.0, float64(draws)/16
		for _, got := range buckets {
			chi += (float64(got) - want) * (float64(got) - want) / want
		}
		// 15 degrees of freedom: 50 is passed by chance once in 10^5 runs.
		if chi > 50 {
			t.Errorf("%s: chi squared is %.1f: %v", name, chi, buckets)
		}
		if dev := math.Abs(float64(squares)-draws/2) / math.Sqrt(draws/4); dev > 5 {
			t.Errorf("%s: %d of %d B are squares", name, squares, draws)
		}
	}
}

func TestSaltsReadTheSameAsTextAndAsNumber(t *testing.T) {
	for range 300 {
		s := srp.NewVerifier(pool, user, "x").SaltHex()
		n, ok := new(big.Int).SetString(s, 16)
		if !ok || n.Text(16) != s || len(s) != 32 {
			t.Fatalf("salt %s is %s as a number", s, n.Text(16))
		}
	}
}

func TestMarshal(t *testing.T) {
	v := srp.NewVerifier(pool, user, "password")
	b := v.Marshal()
	got, err := srp.Unmarshal(b)
	if err != nil || got.SaltHex() != v.SaltHex() || !bytes.Equal(got.V, v.V) {
		t.Fatalf("Unmarshal = %+v, %v", got, err)
	}
	clear(b)
	if !got.Matches(pool, user, "password") {
		t.Error("the verifier shares memory with what it was read from")
	}
	b = v.Marshal()
	for name, bad := range map[string][]byte{
		"nothing":      nil,
		"short":        b[:len(b)-1],
		"long":         append(bytes.Clone(b), 0),
		"version":      append([]byte{2}, b[1:]...),
		"V = 0":        append(bytes.Clone(b[:17]), make([]byte, 384)...),
		"V above N":    append(bytes.Clone(b[:17]), bytes.Repeat([]byte{0xff}, 384)...),
		"low salt":     append([]byte{1, 0x0f}, b[2:]...),
		"hex, not raw": []byte(hex.EncodeToString(b)),
	} {
		if got, err := srp.Unmarshal(bad); !errors.Is(err, srp.ErrVerifier) || got.V != nil || got.Salt != nil {
			t.Errorf("%s: %+v, %v; want ErrVerifier", name, got, err)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	want := time.Date(2026, time.November, 1, 5, 6, 7, 0, time.UTC)
	for _, s := range []string{"Sun Nov 1 05:06:07 UTC 2026", "Sun Nov 01 05:06:07 UTC 2026", "Sun Nov  1 05:06:07 UTC 2026"} {
		if got, err := srp.ParseTimestamp(s); err != nil || !got.Equal(want) {
			t.Errorf("ParseTimestamp(%q) = %v, %v", s, got, err)
		}
	}
	if got := srp.FormatTimestamp(want.In(time.FixedZone("", 3600))); got != "Sun Nov 1 05:06:07 UTC 2026" {
		t.Errorf("FormatTimestamp = %q", got)
	}
	for _, s := range []string{
		"", "now", "2026-11-01T05:06:07Z", "1793509567", "Sun Nov 1 05:06:07 GMT 2026", "Sun Nov 1 05:06:07 +0000 2026",
		"Sun Nov 31 05:06:07 UTC 2026", "Sun Nov 1 25:06:07 UTC 2026", "Sun Nov 1 05:06:07.5 UTC 2026", "Sun Nov 1 05:06:07,5 UTC 2026",
		"Sun Nov 1 05:06:07 UTC 2026 ", "Sun Nov 1 05:06:07 UTC 20260", "dim. nov. 1 05:06:07 UTC 2026",
		"Sun Nov 1 05:06:07 UTC 2026" + strings.Repeat(" ", 1<<20),
	} {
		if got, err := srp.ParseTimestamp(s); !errors.Is(err, srp.ErrTimestamp) || !got.IsZero() {
			t.Errorf("ParseTimestamp(%.40q) = %v, %v; want ErrTimestamp", s, got, err)
		}
	}
}

func FuzzParseTimestamp(f *testing.F) {
	f.Add("Sun Nov 1 05:06:07 UTC 2026")
	f.Add("Sun Nov 01 05:06:07 UTC 2026")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := srp.ParseTimestamp(s)
		if err != nil {
			if !got.IsZero() {
				t.Errorf("%q: %v with an error", s, got)
			}
			return
		}
		again, err := srp.ParseTimestamp(srp.FormatTimestamp(got))
		if err != nil || !again.Equal(got) {
			t.Errorf("%q became %v, then %v, %v", s, got, again, err)
		}
	})
}

// Whatever A is, the server answers with a key or ErrBadNumber, in bounded time.
func FuzzPublicValue(f *testing.F) {
	for _, s := range []string{"", "0", "2", "2ab", "0x2", strings.Repeat("f", 768), strings.Repeat("0", 769), "１"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := srp.ValidA(s)
		n, isNumber := new(big.Int).SetString(s, 16)
		switch {
		case err == nil && (!isNumber || n.Sign() <= 0 || n.BitLen() > 3072 || strings.ContainsAny(s, "+-_")):
			t.Errorf("%q was taken", s)
		case err != nil && !errors.Is(err, srp.ErrBadNumber):
			t.Errorf("%q: %v", s, err)
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(srp.Fake([32]byte{}, pool, user).Marshal())
	f.Add([]byte{})
	f.Add(make([]byte, 401))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := srp.Unmarshal(b)
		if err != nil {
			if v.Salt != nil || v.V != nil {
				t.Errorf("%x: %+v with an error", b, v)
			}
			return
		}
		if !bytes.Equal(v.Marshal(), b) {
			t.Errorf("%x is not canonical", b)
		}
	})
}
