package rockpool_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
	"github.com/rockpoolhq/rockpool/internal/lambdaapi"
	"github.com/rockpoolhq/rockpool/internal/s3api"
	"github.com/rockpoolhq/rockpool/internal/ssmapi"
	"github.com/rockpoolhq/rockpool/internal/stsapi"
)

var update = flag.Bool("update", false, "write the generated documents again")

// parityEntry is one operation of a service: whether it is built.
type parityEntry struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Group     string `json:"group,omitempty"`
	Built     bool   `json:"built"`
}

func parity() (entries []parityEntry) {
	for _, s := range []struct {
		model awsapi.Service
		built []awsapi.Operation
	}{
		{cognitoapi.Model(), cognitoapi.Operations(cognitoapi.Deps{})},
		{lambdaapi.Model(), lambdaapi.Operations(lambdaapi.Deps{})},
		{s3api.Model(), s3api.Operations(nil)},
		{ssmapi.Model(), ssmapi.Operations(nil)},
		{stsapi.Model(), stsapi.Operations(nil)},
	} {
		built := map[string]bool{}
		for _, op := range s.built {
			built[op.Name()] = true
		}
		for _, op := range s.model.Operations {
			entries = append(entries, parityEntry{s.model.ID, op.Name, op.Group, built[op.Name]})
		}
	}
	return entries
}

// The parity documents are made from what is registered, never typed.
func TestParityDocumentsAreCurrent(t *testing.T) {
	entries := parity()
	js, err := json.MarshalIndent(entries, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	var md bytes.Buffer
	md.WriteString("# What is built\n\nMade from the operations that the server registers: `go test -run TestParityDocuments -update .`\n\n" +
		"An operation that is not built answers 501 `NotImplementedException` and names itself. A setting that is not honoured is refused by name; see [differences](differences.md).\n")
	for _, service := range []string{"cognito-idp", "lambda", "s3", "ssm", "sts"} {
		n, all := 0, 0
		var rows bytes.Buffer
		for _, e := range entries {
			if e.Service != service {
				continue
			}
			all++
			mark := ""
			if e.Built {
				n++
				mark = "✓"
			}
			fmt.Fprintf(&rows, "| %s | %s | %s |\n", e.Operation, e.Group, mark)
		}
		fmt.Fprintf(&md, "\n## %s: %d of %d operations\n\n| operation | group | built |\n|---|---|---|\n%s", service, n, all, &rows)
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
