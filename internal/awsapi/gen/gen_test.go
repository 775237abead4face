package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What is checked in is what the generator writes.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	for pkg, model := range map[string]string{"cognitoapi": "cognito-idp.json", "lambdaapi": "lambda.json"} {
		home := filepath.Join("..", "..", pkg)
		dir := t.TempDir()
		if err := run(filepath.Join(home, "model", model), filepath.Join(home, "model", "built.txt"), pkg, dir); err != nil {
			t.Fatal(err)
		}
		fresh, err := filepath.Glob(filepath.Join(dir, "*_gen*.go"))
		if err != nil || len(fresh) != 5 {
			t.Fatalf("%s: wrote %q (%v), want five files", pkg, fresh, err)
		}
		there, err := filepath.Glob(filepath.Join(home, "*_gen*.go"))
		if err != nil || len(there) != len(fresh) {
			t.Errorf("%s: %q are checked in (%v), want five files", pkg, there, err)
		}
		for _, f := range fresh {
			want, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(home, filepath.Base(f)))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("%s/%s is out of date: run go generate ./internal/%s", pkg, filepath.Base(f), pkg)
			}
		}
	}
}

// A pattern means in Go what it means in Java.
func TestConvert(t *testing.T) {
	for _, tt := range []struct {
		java         string
		match, apart []string
	}{
		{`[\S]+`, []string{"a", "é"}, []string{"", "a b", "\v", "\n"}},
		{`[\w\s+=,.@-]+`, []string{"a b\v\n", "-"}, []string{"", "é", "!"}},
		{`.*\{####\}.*`, []string{"{####}", "a {####} b"}, []string{"a\n{####}", "{####}\u0085", "{###}"}},
		{`(?s).*`, []string{"", "a\nb\u2028"}, nil},
		{`^[0-9a-fA-F]+$`, []string{"0aF"}, []string{"0aF\n", "", "g"}},
		{`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, []string{"live", "1a", "-"}, []string{"", "12", "a.b"}},
		{`[0-9A-Za-z\.\-_]*(?<!\.)`, []string{"", "a.b"}, []string{"a.", ".", "a/b"}},
		{`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`, []string{"ada@example.com", "Zoë", "😀", "a+b"}, []string{"", "a b", "a\t", "\x00"}},
		{`[\u0020-\u007E\u10000-\u10FFFF]+`, []string{"a~", "😀"}, []string{"", "\n", "é"}},
		{`(arn:aws:.*)|()`, []string{"", "arn:aws:x"}, []string{"x"}},
	} {
		expr, not, err := convert(tt.java)
		if err != nil {
			t.Errorf("%s: %v", tt.java, err)
			continue
		}
		yes := regexp.MustCompile(`\A(?:` + expr + `)\z`)
		no := regexp.MustCompile(`\A(?:` + not + `)\z`)
		matches := func(s string) bool { return yes.MatchString(s) && (not == "" || !no.MatchString(s)) }
		for _, s := range tt.match {
			if !matches(s) {
				t.Errorf("%s does not match %q", tt.java, s)
			}
		}
		for _, s := range tt.apart {
			if matches(s) {
				t.Errorf("%s matches %q", tt.java, s)
			}
		}
	}
	for _, java := range []string{`(?=a)b`, `a(?!b)`, `[a[b]]`, `[a-z&&[^b]]`, `[a\S]`, `(`} {
		if expr, _, err := convert(java); err == nil {
			t.Errorf("%s became %s, want an error", java, expr)
		}
	}
}

// What the generator cannot express it refuses to leave out.
func TestRefusals(t *testing.T) {
	const frame = `{"service":"lambda","protocol":"rest-json","operations":{"Op":{"input":"In","output":null,"http":{"method":"POST","requestUri":"/","responseCode":200}}},"shapes":{"In":{"type":"structure","members":{"M":{"shape":"S"@}}},"S":#}}`
	for _, tt := range []struct{ name, member, shape, want string }{
		{"unknown type", "", `{"type":"union"}`, "unknown type"},
		{"list of lists", "", `{"type":"list","member":"L"},"L":{"type":"list","member":"Str"},"Str":{"type":"string"}`, "a list of list"},
		{"list of numbers", "", `{"type":"list","member":"Int"},"Int":{"type":"integer"}`, "a list of integer"},
		{"map of lists", "", `{"type":"map","key":"Str","value":"L"},"Str":{"type":"string"},"L":{"type":"list","member":"Str"}`, "a map of list"},
		{"constrained blob", "", `{"type":"blob","max":5}`, "constrained blob"},
		{"number in a header", `,"location":"header","locationName":"X-M"`, `{"type":"integer"}`, "a integer in header"},
		{"missing shape", "", `{"type":"list","member":"Nothing"}`, "no shape Nothing"},
		{"pattern", "", `{"type":"string","pattern":"a(?=b)"}`, "no Go form"},
	} {
		dir := t.TempDir()
		model, ops := filepath.Join(dir, "m.json"), filepath.Join(dir, "ops.txt")
		text := strings.Replace(strings.Replace(frame, "@", tt.member, 1), "#", tt.shape, 1)
		for name, body := range map[string]string{model: text, ops: "Op\n"} {
			if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(model, ops, "p", dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
