package cognitoapi

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// leaves returns the paths of all members of a generated type. The test is
// inside the package because those types are.
func leaves(t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return []string{path}
	}
	var out []string
	for f := range t.Fields() {
		p := f.Name
		if path != "" {
			p = path + "." + f.Name
		}
		out = append(out, leaves(f.Type, p)...)
	}
	return out
}

// A member that nobody thought about is a setting that does nothing.
func TestEverySettingHasANote(t *testing.T) {
	count := 0
	for operation, in := range map[string]any{"CreateUserPool": createUserPoolRequest{}, "CreateUserPoolClient": createUserPoolClientRequest{}} {
		members := leaves(reflect.TypeOf(in), "")
		for _, m := range members {
			count++
			found := false
			for _, n := range SettingNotes() {
				member, _, _ := strings.Cut(n.Member, " ") // the rest is a value
				found = found || n.Operation == operation && (m == member || strings.HasPrefix(m, member+"."))
			}
			if !found {
				t.Errorf("%s: nothing says what becomes of %s", operation, m)
			}
		}
		for _, n := range SettingNotes() {
			if n.Operation != operation {
				continue
			}
			member, _, _ := strings.Cut(n.Member, " ")
			found := false
			for _, m := range members {
				found = found || m == member || strings.HasPrefix(m, member+".")
			}
			if !found || n.State == Kept && n.Note == "" {
				t.Errorf("%s: note on %s, which is no member or says nothing", operation, n.Member)
			}
		}
	}
	if count < 80 {
		t.Errorf("only %d members were looked at", count)
	}
}

func TestSettingsDocumentIsCurrent(t *testing.T) {
	const path = "../../docs/settings.md"
	var doc bytes.Buffer
	doc.WriteString("# What becomes of each setting\n\n" +
		"Made from the table that requests are refused by: `go test ./internal/cognitoapi -run TestSettingsDocument -update`\n\n" +
		"The members of CreateUserPool and UpdateUserPool, CreateUserPoolClient and UpdateUserPoolClient. **honoured**: it does what it does in Cognito. " +
		"**kept**: stored and returned, and the note says who uses it. **refused**: the request fails with an error that names the member, so that no setting is stored that does nothing.\n")
	operation := ""
	for _, n := range SettingNotes() {
		if n.Operation != operation {
			operation = n.Operation
			fmt.Fprintf(&doc, "\n## %s\n\n| member | | |\n|---|---|---|\n", operation)
		}
		fmt.Fprintf(&doc, "| %s | %s | %s |\n", n.Member, n.State, n.Note)
	}
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(path, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, doc.Bytes()) {
		t.Errorf("%s is not current (%v): go test ./internal/cognitoapi -run TestSettingsDocument -update", path, err)
	}
}
