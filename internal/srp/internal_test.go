package srp

import (
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// These tests are inside the package because the vector fixes the exponents,
// which no exported function lets a caller do.

type vector struct {
	PoolName    string `json:"poolName"`
	UserID      string `json:"userID"`
	Password    string `json:"password"`
	A           string `json:"a"`
	B           string `json:"b"`
	Salt        string `json:"salt"`
	SecretBlock string `json:"secretBlock"`
	Timestamp   string `json:"timestamp"`
	K           string `json:"k"`
	X           string `json:"x"`
	VPrefix     string `json:"vPrefix"`
	APrefix     string `json:"APrefix"`
	BPrefix     string `json:"BPrefix"`
	U           string `json:"u"`
	Key         string `json:"key"`
	Signature   string `json:"signature"`
}

func loadVector(t testing.TB) (v vector) {
	t.Helper()
	b, err := os.ReadFile("testdata/vector.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVector(t *testing.T) {
	w := loadVector(t)
	equal := func(name, got, want string) {
		t.Helper()
		if got != want || want == "" {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	salt, b := unhex(t, w.Salt), unhex(t, w.B)
	equal("k", groupK.Text(16), w.K)
	x := privateX(salt, w.PoolName, w.UserID, w.Password)
	equal("x", hex.EncodeToString(x), w.X)
	v := Verifier{Salt: salt, V: powG(x)}
	equal("v", hex.EncodeToString(v.V)[:32], w.VPrefix)
	c := newClient(w.PoolName, w.Password, unhex(t, w.A))
	equal("A", c.A()[:32], w.APrefix)
	publicB, ok := publicOf(v, b)
	if !ok {
		t.Fatal("B = 0")
	}
	equal("B", publicB[:32], w.BPrefix)
	a, err := parsePublic(c.A())
	if err != nil {
		t.Fatal(err)
	}
	bb, err := parsePublic(publicB)
	if err != nil {
		t.Fatal(err)
	}
	u, err := scramble(a, bb)
	if err != nil {
		t.Fatal(err)
	}
	equal("u", hex.EncodeToString(u), w.U)
	key, err := Key(v, b, c.A(), publicB)
	if err != nil {
		t.Fatal(err)
	}
	equal("key", hex.EncodeToString(key[:]), w.Key)
	proof := Proof(key, w.PoolName, w.UserID, []byte(w.SecretBlock), w.Timestamp)
	equal("server's signature", base64.StdEncoding.EncodeToString(proof), w.Signature)
	answer, err := c.Proof(w.UserID, v.SaltHex(), publicB, []byte(w.SecretBlock), w.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	equal("client's signature", base64.StdEncoding.EncodeToString(answer), w.Signature)
	if !v.Matches(w.PoolName, w.UserID, w.Password) {
		t.Error("the password does not match its verifier")
	}
}

func TestGroupIsASafePrimeWithSquareGenerator(t *testing.T) {
	if groupN.BitLen() != 8*groupSize || !groupN.ProbablyPrime(4) {
		t.Error("N is not a 3072-bit prime")
	}
	q := new(big.Int).Rsh(groupN, 1)
	if !q.ProbablyPrime(4) {
		t.Error("(N-1)/2 is not prime")
	}
	if big.Jacobi(big.NewInt(2), groupN) != 1 {
		t.Error("2 is not a square mod N, so Fake would be told by its Jacobi symbol")
	}
	if strings.ToLower(groupHex) != groupN.Text(16) {
		t.Error("N does not survive parsing")
	}
}
