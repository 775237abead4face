package wycheproof

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What a vector says of itself.
const (
	valid      = "valid"
	invalid    = "invalid"
	acceptable = "acceptable"
)

// hexBytes is how the files write bytes.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// vector is one test of a file, with the members of all the files used here.
type vector struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Result  string   `json:"result"`
	Flags   []string `json:"flags"`

	JWS       string   `json:"jws"`
	Message   hexBytes `json:"msg"`
	Signature hexBytes `json:"sig"`
}

// group is vectors that have their key in common.
type group struct {
	Comment string         `json:"comment"`
	SHA     string         `json:"sha"`
	Public  jsontext.Value `json:"public"`  // a JWK or a key set
	Private jsontext.Value `json:"private"` // the same with the private parts

	PublicKey struct {
		Modulus  hexBytes `json:"modulus"`
		Exponent hexBytes `json:"publicExponent"`
	} `json:"publicKey"`
	PrivatePKCS8 hexBytes `json:"privateKeyPkcs8"`

	Tests []vector `json:"tests"`
}

// folder returns where the vectors are. Nothing that is built imports their
// module, so the first run on a machine has to fetch it.
var folder = sync.OnceValues(func() (string, error) {
	download := exec.Command("go", "mod", "download", "-json", "github.com/c2sp/wycheproof")
	download.Env = append(os.Environ(), "GOWORK=off")
	out, err := download.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out) // the reason is in the JSON
	}
	var module struct{ Dir string }
	err = json.Unmarshal(out, &module)
	return module.Dir, err
})

// read returns the groups of one file of vectors. It fails unless the file has
// exactly count of them: a vector that is not looked at proves nothing.
func read(t *testing.T, file string, count int) []group {
	t.Helper()
	dir, err := folder()
	if err != nil || dir == "" {
		t.Fatalf("no vectors: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "testvectors_v1", file))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Count  int     `json:"numberOfTests"`
		Groups []group `json:"testGroups"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	n := 0
	for _, g := range doc.Groups {
		for _, v := range g.Tests {
			switch v.Result {
			case valid, invalid, acceptable:
			default:
				t.Fatalf("%s: vector %d is %q", file, v.ID, v.Result)
			}
			n++
		}
	}
	if n != count || doc.Count != count {
		t.Fatalf("%s has %d vectors and says %d, want %d", file, n, doc.Count, count)
	}
	return doc.Groups
}
