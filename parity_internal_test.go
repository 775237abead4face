package rockpool

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

var update = flag.Bool("update", false, "write the generated documents again")

// parityEntry is one operation of a service: whether it is built.
type parityEntry struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Group     string `json:"group,omitempty"`
	Built     bool   `json:"built"`
}

// coverage asks a server what it answers: Cognito and Lambda first.
func coverage(t *testing.T) []awsapi.Coverage {
	t.Helper()
	s, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	all := s.api.Coverage()
	first := []string{"lambda", "cognito-idp"}
	slices.SortStableFunc(all, func(a, b awsapi.Coverage) int {
		return cmp.Compare(slices.Index(first, b.Service), slices.Index(first, a.Service))
	})
	return all
}

// The parity documents are made from what is registered, never typed.
func TestParityDocumentsAreCurrent(t *testing.T) {
	all := coverage(t)
	if len(all) < 400 {
		t.Fatalf("the server has %d operations; the documents would say next to nothing", len(all))
	}
	var entries []parityEntry
	var md bytes.Buffer
	md.WriteString("# What is built\n\nMade from the operations that the server registers: `go test -run TestParityDocuments -update .`\n\n" +
		"An operation that is not built answers 501 `NotImplementedException` and names itself. A setting that is not honoured is refused by name; see [differences](differences.md). Of Systems Manager the operations of its parameter store are listed.\n")
	for len(all) > 0 {
		service, n, from := all[0].Service, 0, len(entries)
		var rows bytes.Buffer
		for ; len(all) > 0 && all[0].Service == service; all = all[1:] {
			e := parityEntry{service, all[0].Operation, all[0].Group, all[0].Built}
			entries = append(entries, e)
			mark := ""
			if e.Built {
				n++
				mark = "✓"
			}
			fmt.Fprintf(&rows, "| %s | %s | %s |\n", e.Operation, e.Group, mark)
		}
		fmt.Fprintf(&md, "\n## %s: %d of %d operations\n\n| operation | group | built |\n|---|---|---|\n%s", service, n, len(entries)-from, &rows)
	}
	js, err := json.MarshalIndent(entries, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{"docs/parity.json": append(js, '\n'), "docs/parity.md": md.Bytes()} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not current (%v): go test -run TestParityDocuments -update .", path, err)
		}
	}
}
