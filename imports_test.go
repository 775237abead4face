package rockpool_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// importRules is the map of the house: for each package, which of ours it may
// import. A line is "package: packages"; names are relative to internal/ but
// for the root (".") and those that begin with it. Changing a rule is a design
// decision: do it in a commit of its own and say why.
const importRules = `
apierr:
arn:
secret:
srp:                  secret
sigv4:
libcrypto:
token:                secret
store:
store/storetest:      store
store/sqlstore:       store
message:
trigger:              token apierr
trigger/triggertest:  trigger token apierr arn
sandbox:
function:             store sandbox secret apierr arn
userpool:             store trigger message token secret srp apierr arn
signin:               userpool store trigger message token srp secret apierr arn
web:                  apierr secret
awsapi:               sigv4 web apierr arn
awsapi/gen:
awsapi/awsapitest:    awsapi sigv4 apierr
cognitoapi:           awsapi userpool signin apierr arn
lambdaapi:            awsapi function apierr arn
oauth:                signin userpool token web apierr arn
pattern:
cfn/template:         pattern
cfn/transform:        cfn/template
cfn/resource:         cfn/template apierr
cfn:                  cfn/resource cfn/template cfn/transform store secret web apierr
cfnapi:               awsapi cfn apierr
ecrapi:               awsapi apierr
stsapi:               awsapi apierr
console:              awsapi web apierr arn secret
parameter:            pattern store secret apierr arn
ssmapi:               awsapi parameter apierr
bucket:               store secret apierr
s3api:                awsapi bucket sigv4 web apierr
`

// mayUse lists standard packages that only some of ours may import.
var mayUse = map[string][]string{
	"net/http":      {".", "./rockpooltest", "./cmd/rockpool", "./bench", "web", "awsapi", "awsapi/awsapitest", "s3api", "sigv4", "oauth", "login", "console", "sandbox"},
	"database/sql":  {"store/sqlstore"},
	"os/exec":       {"sandbox", "./bench"},
	"html/template": {"web", "message", "login", "console"},
	"math/rand":     {"./bench"},
	"math/rand/v2":  {"./bench", "store/sqlstore"}, // sqlstore: the pause before a retry
}

const module = "github.com/rockpoolhq/rockpool"

type goPackage struct {
	ImportPath string
	Imports    []string
}

// short is the name that importRules uses for a package of ours.
func short(importPath string) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	if name, ok := strings.CutPrefix(rel, "internal/"); ok {
		return name
	}
	if rel == "" {
		return "."
	}
	return "./" + rel
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImports(t *testing.T) {
	rules := map[string][]string{}
	for line := range strings.Lines(importRules) {
		if name, allowed, ok := strings.Cut(line, ":"); ok {
			rules[name] = strings.Fields(allowed)
		}
	}
	packages := listPackages(t)
	if len(packages) < 15 {
		t.Fatalf("go list found %d packages; the rules would be checked against next to nothing", len(packages))
	}
	for _, p := range packages {
		name := short(p.ImportPath)
		allowed, ruled := rules[name]
		if !ruled && !strings.HasPrefix(name, ".") {
			t.Errorf("package %s is not on the map: add it to importRules and to ARCHITECTURE.md", name)
			continue
		}
		for _, path := range p.Imports {
			if users, ok := mayUse[path]; ok && !slices.Contains(users, name) {
				t.Errorf("%s imports %s, which only %s may", name, path, strings.Join(users, ", "))
			}
			if !strings.HasPrefix(path, module) {
				continue
			}
			imported := short(path)
			switch {
			case strings.HasSuffix(imported, "test"):
				t.Errorf("%s imports %s, which is for tests", name, imported)
			case ruled && !slices.Contains(allowed, imported):
				t.Errorf("%s imports %s; it may import only: %s", name, imported, strings.Join(allowed, " "))
			case strings.HasPrefix(name, "./cmd/") && imported != "." && !slices.Contains(cmdMayImport, imported):
				t.Errorf("%s imports %s; commands use the root package", name, imported)
			}
		}
	}
}

// cmdMayImport are the parts that a command line needs besides the server: to
// sign requests, to read tokens, and to name things.
var cmdMayImport = []string{"sigv4", "token", "arn"}
