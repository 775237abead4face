package secret_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Secrets are compared with Equal, hmac.Equal or subtle, never with == or
// bytes.Equal, whose time tells how much of a guess was right. The test reads
// all code of the module that is not a test and refuses such comparisons of
// values that are named like a secret. Comparing with a constant, with nil or
// with "" asks whether there is one, which is no secret.

// secretNames are the last words of a name that make it a secret's.
var secretNames = [][]string{
	{"secret"}, {"password"}, {"passphrase"}, {"signature"}, {"proof"}, {"hmac"}, {"mac"}, {"otp"}, {"phc"}, {"kek"},
	{"secret", "hash"}, {"password", "hash"}, {"code", "hash"}, {"token", "hash"},
	{"access", "token"}, {"refresh", "token"}, {"id", "token"}, {"session", "token"}, {"bearer", "token"},
	{"confirmation", "code"}, {"verification", "code"}, {"user", "code"}, {"reset", "code"}, {"one", "time", "code"},
	{"secret", "key"}, {"private", "key"}, {"api", "key"}, {"secret", "access", "key"}, {"signing", "key"}, {"subkey"},
}

// askers begin names of facts about a secret.
var askers = []string{"has", "is", "no", "needs", "require", "requires", "generate", "with", "want", "use", "uses", "allow", "temporary"}

// comparers are functions that compare in a time that depends on the values.
var comparers = []string{"bytes.Equal", "bytes.Compare", "bytes.EqualFold", "strings.Compare", "strings.EqualFold", "slices.Equal", "reflect.DeepEqual", "cmp.Compare"}

func words(name string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		// A capital begins a word, unless it goes on with an acronym: idToken, IDToken, clientHMAC.
		if r == '_' {
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			flush()
		}
		word.WriteRune(r)
	}
	flush()
	return out
}

func secretName(name string) bool {
	w := words(name)
	if len(w) == 0 || len(w) > 1 && slices.Contains(askers, w[0]) {
		return false
	}
	for _, s := range secretNames {
		if len(w) >= len(s) && slices.Equal(w[len(w)-len(s):], s) {
			return true
		}
	}
	return false
}

// named is the name of the value that e stands for, "" if it has none.
func named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.ParenExpr:
		return named(e.X)
	case *ast.StarExpr:
		return named(e.X)
	case *ast.SliceExpr:
		return named(e.X)
	case *ast.IndexExpr:
		if key, ok := e.Index.(*ast.BasicLit); ok && key.Kind == token.STRING {
			return strings.ToLower(strings.Trim(key.Value, "\"`")) // m["SECRET_HASH"]
		}
		return named(e.X)
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			if f, ok := e.Fun.(*ast.Ident); ok && (f.Name == "string" || f.Name == "len") {
				if f.Name == "len" {
					return ""
				}
				return named(e.Args[0])
			}
			if _, ok := e.Fun.(*ast.ArrayType); ok { // []byte(x)
				return named(e.Args[0])
			}
		}
		return named(e.Fun)
	}
	return ""
}

// constants collects the names of all constants, so that x == kindPassword is
// no comparison of secrets.
func constants(files []*ast.File) map[string]bool {
	names := map[string]bool{"nil": true, "true": true, "false": true}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, s := range d.Specs {
					for _, name := range s.(*ast.ValueSpec).Names {
						names[name.Name] = true
					}
				}
			}
			return true
		})
	}
	return names
}

// formOf reports whether x is made of y alone, as in strings.ToLower(y): a
// value compared with a form of itself is checked for its spelling, not guessed.
func formOf(x, y ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	return ok && len(call.Args) == 1 && types.ExprString(call.Args[0]) == types.ExprString(y)
}

// truth reports whether x is a comparison: what it is compared with is true or
// false, and no secret.
func truth(x ast.Expr) bool {
	b, ok := ast.Unparen(x).(*ast.BinaryExpr)
	return ok && b.Op.Precedence() <= token.EQL.Precedence()
}

// suspects returns where f compares a secret carelessly.
func suspects(set *token.FileSet, f *ast.File, constants map[string]bool) []string {
	var out []string
	constant := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.BasicLit, *ast.CompositeLit:
			return true
		case *ast.Ident:
			return constants[e.Name]
		case *ast.SelectorExpr:
			return constants[e.Sel.Name]
		}
		return false
	}
	check := func(at token.Pos, how string, x, y ast.Expr) {
		if constant(x) || constant(y) || formOf(x, y) || formOf(y, x) || truth(x) || truth(y) {
			return
		}
		for _, e := range []ast.Expr{x, y} {
			if name := named(e); secretName(name) {
				out = append(out, fmt.Sprintf("%s: %s compares %s", set.Position(at), how, name))
				return
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				check(n.OpPos, n.Op.String(), n.X, n.Y)
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 2 {
				if pkg, ok := sel.X.(*ast.Ident); ok && slices.Contains(comparers, pkg.Name+"."+sel.Sel.Name) {
					check(n.Pos(), pkg.Name+"."+sel.Sel.Name, n.Args[0], n.Args[1])
				}
			}
		case *ast.SwitchStmt:
			if n.Tag == nil {
				return true
			}
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					check(e.Pos(), "switch", n.Tag, e)
				}
			}
		}
		return true
	})
	return out
}

func TestSec_JWT_9_SecretsAreComparedInConstantTime(t *testing.T) {
	root := "../.."
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root has moved: %v", err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files were read", len(files))
	}
	known := constants(files)
	for _, f := range files {
		for _, s := range suspects(set, f, known) {
			t.Errorf("%s; use secret.Equal, hmac.Equal or subtle", s)
		}
	}
}

// The lint is worth what it finds.
func TestSec_JWT_9_TheLintFindsAndSpares(t *testing.T) {
	for _, tt := range []struct {
		expr string
		bad  bool
	}{
		{`in.ClientSecret == client.Secret`, true},
		{`password != stored`, true},
		{`a.b.passwordHash == x()`, true},
		{`bytes.Equal(mac, want)`, true},
		{`bytes.Equal(m.Sum(nil), in.Signature)`, true},
		{`string(proof) == got`, true},
		{`params["SECRET_HASH"] == want`, true},
		{`got == []byte(refreshToken)`, true},
		{`reflect.DeepEqual(oldKEK, newKEK)`, true},
		{`strings.EqualFold(userCode, in.Code)`, true},
		{`clientSecret() == x`, true},
		{`sig[:] == expectedHMAC[:]`, true},
		{`password == ""`, false},
		{`client.Secret != nil`, false},
		{`(client.Secret != "") == wantsSecret`, false},
		{`(a.Secret == b.Secret) == wanted`, true},
		{`len(password) == n`, false},
		{`challenge == kindPassword`, false},
		{`in.HasSecret == out.HasSecret`, false},
		{`user.PasswordKind == other.PasswordKind`, false},
		{`tokenUse == want`, false},
		{`err.Code == code`, false},
		{`generateSecret == on`, false},
		{`bytes.Equal(header, want)`, false},
		{`hmac.Equal(mac, want)`, false},
		{`secret.Equal(a.Secret, b.Secret)`, false},
		{`count == secrets`, false},
		{`machine == smack`, false},
		{`in.Signature != strings.ToLower(in.Signature)`, false},
		{`in.Signature != strings.ToLower(out.Signature)`, true},
	} {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, "x.go", "package x\nconst kindPassword = 1\nvar _ = "+tt.expr, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := suspects(set, f, constants([]*ast.File{f})); (len(got) == 1) != tt.bad {
			t.Errorf("%s: found %q, want a finding: %v", tt.expr, got, tt.bad)
		}
	}
}
