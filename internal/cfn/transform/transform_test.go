package transform_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/cfn/transform"
)

var update = flag.Bool("update", false, "write the outputs of testdata anew")

// nothing is there yet.
type nothing struct{}

func (nothing) Ref(string) (any, error)            { return template.Unknown{}, nil }
func (nothing) GetAtt(string, string) (any, error) { return template.Unknown{}, nil }

// expand does what a stack does with a template.
func expand(text string, given map[string]string) (*template.Map, *template.Template, error) {
	root, err := template.Read(text)
	if err != nil {
		return nil, nil, err
	}
	head, err := template.Head(root)
	if err != nil {
		return nil, nil, err
	}
	parameters, err := head.Given(given)
	if err != nil {
		return nil, nil, err
	}
	out, err := transform.Expand(root, &template.Environment{
		Template: head, Parameters: parameters, Account: "000000000000", Region: "eu-central-1", StackName: "s", StackID: "arn:s", Resources: nothing{},
	})
	if err != nil {
		return nil, nil, err
	}
	t, err := template.Build(out)
	return out, t, err
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v, jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// Each template of testdata becomes what stands beside it.
func TestExpand(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("testdata has %d templates (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := expand(string(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, golden := encode(t, out), strings.TrimSuffix(file, "yaml")+"json"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

const function = `{Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Handler: a.b, Role: r, InlineCode: x, `

func TestRefused(t *testing.T) {
	sam := func(resources string) string {
		return "Transform: AWS::Serverless-2016-10-31\nResources: {Pool: {Type: AWS::Cognito::UserPool}, Other: {Type: AWS::Cognito::UserPool}, " + resources + "}"
	}
	lang := func(resources string) string {
		return "Transform: AWS::LanguageExtensions\nResources: {A: {Type: AWS::Cognito::UserPool}, " + resources + "}"
	}
	event := func(e string) string { return sam("F: " + function + "Events: {" + e + "}}}") }
	for name, tt := range map[string]struct{ template, says string }{
		"unknown transform":     {"Transform: AWS::Include\nResources: {A: {Type: B}}", "The transform AWS::Include is not supported"},
		"with parameters":       {"Transform: [{Name: AWS::Include, Parameters: {Location: s3://a/b}}]\nResources: {A: {Type: B}}", "The transform AWS::Include is not supported"},
		"macro inside":          {"Resources: {A: {Type: B, Properties: {X: {'Fn::Transform': {Name: Mine}}}}}", "The macro Mine is not supported"},
		"local path":            {sam("F: {Type: AWS::Serverless::Function, Properties: {Runtime: a, Handler: b, CodeUri: ./src}}"), "package it first, e.g. with `aws cloudformation package`"},
		"no code":               {sam("F: {Type: AWS::Serverless::Function, Properties: {Runtime: a, Handler: b}}"), "either InlineCode or CodeUri must be set"},
		"no runtime":            {sam("F: {Type: AWS::Serverless::Function, Properties: {Handler: b, InlineCode: x}}"), "Runtime and Handler must be set"},
		"other type":            {sam("T: {Type: AWS::Serverless::SimpleTable}"), "the type AWS::Serverless::SimpleTable is not supported"},
		"other event":           {event("E: {Type: Api, Properties: {Path: /}}"), "the event type Api is not supported"},
		"pool elsewhere":        {event("E: {Type: Cognito, Properties: {UserPool: eu-1_a, Trigger: PreSignUp}}"), "Resource with id [F] is invalid. Event with id [E] is invalid. Cognito events must reference a Cognito UserPool in the same template."},
		"no such pool":          {event("E: {Type: Cognito, Properties: {UserPool: !Ref Nope, Trigger: PreSignUp}}"), "must reference a Cognito UserPool"},
		"no trigger":            {event("E: {Type: Cognito, Properties: {UserPool: !Ref Pool}}"), "Trigger must be"},
		"trigger twice":         {event("E: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: [PreSignUp, PreSignUp]}}"), "defined multiple times"},
		"two pools":             {event("E: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: A}}, G: {Type: Cognito, Properties: {UserPool: !Ref Other, Trigger: A}}"), "the one permission FCognitoPermission"},
		"property of an event":  {event("E: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: A, B: c}}"), "property B not defined"},
		"unknown property":      {sam("F: " + function + "Foo: 1}}"), "property Foo not defined"},
		"unsupported property":  {sam("F: " + function + "FunctionUrlConfig: {}}}"), "the property FunctionUrlConfig is not supported"},
		"unsupported attribute": {sam("F: {Type: AWS::Serverless::Function, Connectors: {}, Properties: {}}"), "the attribute Connectors is not supported"},
		"policy template":       {sam("F: {Type: AWS::Serverless::Function, Properties: {Runtime: a, Handler: b, InlineCode: x, Policies: [{S3ReadPolicy: {BucketName: b}}]}}"), "the policy template S3ReadPolicy is not supported"},
		"globals of apis":       {"Transform: AWS::Serverless-2016-10-31\nGlobals: {Api: {}}\nResources: {A: {Type: B}}", "'Api' is not supported"},
		"globals unknown":       {"Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Role: r}}\nResources: {A: {Type: B}}", "'Role' is not a supported property of 'Function'"},
		"name taken":            {sam("F: {Type: AWS::Serverless::Function, Properties: {Runtime: a, Handler: b, InlineCode: x}}, FRole: {Type: X}"), "it makes a resource FRole"},
		"alias of a resource":   {sam("F: " + function + "AutoPublishAlias: !Ref Pool}}"), "'AutoPublishAlias' must be a string or a Ref to a template parameter"},
		"loop before":           {"Transform: [AWS::Serverless-2016-10-31, AWS::LanguageExtensions]\nResources: {'Fn::ForEach::X': [A, [b], {}]}", "list AWS::LanguageExtensions before"},
		"loop without":          {"Resources: {'Fn::ForEach::X': [A, [b], {}]}", "is non alphanumeric"},
		"loop of two":           {lang("'Fn::ForEach::X': [A, [b]]"), "Fn::ForEach::X must be a list of an identifier"},
		"loop over a resource":  {lang("'Fn::ForEach::X': [I, !Ref A, {'B${I}': {Type: T}}]"), "the collection of Fn::ForEach::X"},
		"loop over a text":      {lang("'Fn::ForEach::X': [I, abc, {'B${I}': {Type: T}}]"), "must be a list"},
		"loop with one key":     {lang("'Fn::ForEach::X': [I, [a, b], {'B': {Type: T}}]"), "B is there twice"},
		"loop named as another": {lang("'Fn::ForEach::X': [I, [a], {'B${I}': {Type: T, Properties: {'Fn::ForEach::X': [J, [a], {'${J}': 1}]}}}]"), "be that of no other loop"},
		"loop named as theirs":  {lang("'Fn::ForEach::A': [I, [a], {'B${I}': {Type: T}}]"), "no resource"},
		"identifier taken":      {lang("'Fn::ForEach::X': [I, [a], {'B${I}': {Type: T, Properties: {'Fn::ForEach::Y': [I, [a], {'${I}': 1}]}}}]"), "an identifier of its own"},
		"policy of a resource":  {lang("B: {Type: T, DeletionPolicy: !Ref A}"), "DeletionPolicy of resource B"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := expand(tt.template, nil)
			e, ok := errors.AsType[*template.Error](err)
			if !ok || !strings.Contains(e.Message, tt.says) {
				t.Errorf("error = %v, want %q", err, tt.says)
			}
		})
	}
}

// The name of a version is that of the original's test of the same code.
func TestVersionsAreNamedByTheirCode(t *testing.T) {
	version := func(more string) string {
		text := "Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: a, Handler: b, Role: r, AutoPublishAlias: live, CodeUri: 's3://sam-demo-bucket/hello.zip', " + more + "}}}"
		_, got, err := expand(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Resources {
			if r.Type == "AWS::Lambda::Version" {
				return r.ID
			}
		}
		t.Fatal("there is no version")
		return ""
	}
	plain := version("")
	if want := "FVersion640128d35d"; plain != want {
		t.Errorf("got %s, want %s", plain, want)
	}
	for _, more := range []string{"MemorySize: 256", "Environment: {Variables: {A: é}}"} {
		if version(more) == plain {
			t.Errorf("%s makes no new version", more)
		}
	}
	if version("Timeout: 5") != plain || version("Timeout: 5, AutoPublishAliasAllProperties: true") == plain {
		t.Error("the timeout makes a new version if, and only if, all properties are to")
	}
	if got := version("AutoPublishCodeSha256: 0123456789abcdef"); got != "FVersion0123456789" {
		t.Errorf("got %s", got)
	}
}

func TestParametersDecide(t *testing.T) {
	text, err := os.ReadFile("testdata/language.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := expand(string(text), map[string]string{"Apps": "web", "Keep": "Delete"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := got.Resource("Clientweb"); !ok || len(got.Resources) != 5 {
		t.Errorf("resources = %d, want the pools, a client and two groups", len(got.Resources))
	}
	if p, _ := got.Resource("Pool"); p.DeletionPolicy != "Delete" || p.UpdateReplacePolicy != "Retain" {
		t.Errorf("policies = %s, %s", p.DeletionPolicy, p.UpdateReplacePolicy)
	}
}

// What is not to be shown is not written into the template either, which
// GetTemplate shows.
func TestHiddenParametersStayReferences(t *testing.T) {
	text := `Transform: AWS::LanguageExtensions
Parameters: {Secret: {Type: CommaDelimitedList, NoEcho: true}}
Resources:
  A:
    Type: T
    Properties:
      Json: {"Fn::ToJsonString": {a: !Ref Secret}}
      Sub: {"Fn::ToJsonString": {a: !Sub "x ${Secret}"}}
      Find: {"Fn::FindInMap": [a, b, c, {DefaultValue: !Ref Secret}]}
`
	out, _, err := expand(text, map[string]string{"Secret": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, out); strings.Contains(got, "hunter2") || strings.Count(got, "Secret") < 4 {
		t.Errorf("the template is %s", got)
	}
	_, _, err = expand(text+"  'Fn::ForEach::L': [I, !Ref Secret, {'B${I}': {Type: T}}]\n", map[string]string{"Secret": "hunter2"})
	if err == nil || !strings.Contains(err.Error(), "NoEcho") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a loop over it: %v", err)
	}
}

// bombs are small and ask for more than a machine has.
func bombs() map[string]string {
	ten := "[a,b,c,d,e,f,g,h,i,j]"
	nested := func(n int, leaf string) string {
		v := leaf
		for i := n; i > 0; i-- {
			id := string(rune('A' + i))
			v = "{'Fn::ForEach::L" + id + "': [" + id + ", " + ten + ", " + v + "]}"
		}
		return v
	}
	key := ""
	for i := 1; i <= 9; i++ {
		key += "${" + string(rune('A'+i)) + "}"
	}
	list := strings.TrimSuffix(strings.Repeat("x,", 300), ",")
	return map[string]string{
		"resources": "Transform: AWS::LanguageExtensions\nResources: " + nested(9, "{'"+key+"': {Type: T}}"),
		"nothing":   "Transform: AWS::LanguageExtensions\nResources: " + nested(9, "{}"),
		"text":      "Transform: AWS::LanguageExtensions\nResources: " + nested(4, "{'"+key+"': {Type: T, Properties: {A: '"+strings.Repeat("${B}", 9000)+"'}}}"),
		"split": "Transform: AWS::LanguageExtensions\nParameters: {P: {Type: String, Default: '" + list + "'}}\nResources: " +
			nested(3, "{'Fn::ForEach::Z': [Z, !Split [',', !Ref P], {}]}"),
		"globals": "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Environment: {Variables: {A: '" + strings.Repeat("x", 100_000) + "'}}}}\nResources: {" +
			func() (s string) {
				for i := range 400 {
					s += "F" + strings.Repeat("a", i) + "x: {Type: AWS::Serverless::Function}, "
				}
				return s
			}() + "}",
	}
}

func TestSec_PARSE_3_LoopsAreBounded(t *testing.T) {
	for name, text := range bombs() {
		t.Run(name, func(t *testing.T) {
			_, _, err := expand(text, nil)
			if _, ok := errors.AsType[*template.Error](err); !ok || !strings.Contains(err.Error(), "may have") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func FuzzExpand(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, _, err := expand(text, nil)
		if err != nil {
			if _, ok := errors.AsType[*template.Error](err); !ok {
				t.Fatalf("error = %#v, want one for the caller", err)
			}
			return
		}
		if n := len(encode(t, out)); n > 8*template.MaxBody {
			t.Fatalf("%d bytes became %d", len(text), n)
		}
	})
}
