package console

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadPolicy(t *testing.T) {
	statement := func(principal, action, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `","Resource":"r"` + condition + `}]}`
	}
	for _, tt := range []struct{ name, policy, want string }{
		{"a pool", statement(`{"Service":"cognito-idp.amazonaws.com"}`, "lambda:InvokeFunction", `,"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"}}`),
			"Cognito user pools may invoke it, for the user pool us-east-1_abc."},
		{"any pool", statement(`{"Service":"cognito-idp.amazonaws.com"}`, "lambda:InvokeFunction", ""), "Cognito user pools may invoke it, for any user pool."},
		{"two conditions", statement(`{"Service":"s3.amazonaws.com"}`, "lambda:InvokeFunction", `,"Condition":{"StringEquals":{"AWS:SourceAccount":"1"},"ArnLike":{"AWS:SourceArn":"arn:x"}}`),
			"The service s3.amazonaws.com may invoke it, for arn:x and from the account 1."},
		{"an account", statement(`{"AWS":"arn:aws:iam::123456789012:root"}`, "lambda:*", ""), "The account 123456789012 may do anything with it."},
		{"everybody", statement(`"*"`, "lambda:GetFunction", ""), "Anyone may do lambda:GetFunction."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := readPolicy(tt.policy)
			if len(got) != 1 || got[0].ID != "s" || got[0].Sentence != tt.want {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
	if got := readPolicy("no policy"); got != nil {
		t.Errorf("a policy that is not JSON: %v", got)
	}
}

func TestNewStarter(t *testing.T) {
	for _, runtime := range runtimes {
		for _, kind := range starterKinds {
			s, err := newStarter(runtime.Value, kind.Value)
			if strings.HasPrefix(runtime.Value, "provided") && kind.Value != "blank" {
				if err == nil {
					t.Errorf("%s %s: want an error, there is no such template", runtime.Value, kind.Value)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", runtime.Value, kind.Value, err)
				continue
			}
			r, err := zip.NewReader(bytes.NewReader(s.Zip), int64(len(s.Zip)))
			if err != nil || len(r.File) != 1 {
				t.Errorf("%s %s: %v, %d files", runtime.Value, kind.Value, err, len(r.File))
			}
			if stem, _, _ := strings.Cut(s.Handler, "."); !strings.HasPrefix(r.File[0].Name, stem) {
				t.Errorf("handler %s, file %s", s.Handler, r.File[0].Name)
			}
		}
	}
	if _, err := newStarter("nodejs22.x", "../x"); err == nil {
		t.Error("a template that does not exist was found")
	}
}

// A template must not show people how to let a caller choose a claim.
func TestSec_ATTR_6_TemplatesCopyNoCallerData(t *testing.T) {
	comment := regexp.MustCompile(`(?m)^\s*(//|#).*$`)
	files, err := fs.Glob(starters, "starters/*")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, name := range files {
		f, err := starters.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		code := strings.ToLower(comment.ReplaceAllString(string(text), ""))
		for _, word := range []string{"clientmetadata", "validationdata"} {
			if strings.Contains(code, word) {
				t.Errorf("%s uses %s", name, word)
			}
		}
	}
}

func TestTriggersOf(t *testing.T) {
	const function = "arn:aws:lambda:us-east-1:000000000000:function:f"
	config := map[string]json.RawMessage{
		"PreTokenGeneration":       json.RawMessage(`"` + function + `"`),
		"PreTokenGenerationConfig": json.RawMessage(`{"LambdaArn":"` + function + `","LambdaVersion":"V2_0"}`),
		"PreSignUp":                json.RawMessage(`"` + function + `:live"`),
		"PostConfirmation":         json.RawMessage(`"` + function + `2"`),
		"KMSKeyID":                 json.RawMessage(`"arn:aws:kms:us-east-1:000000000000:key/1"`),
		"CustomMessage":            json.RawMessage(`null`),
	}
	want := []poolUse{
		{Trigger: "PreSignUp", ARN: function + ":live"},
		{Trigger: "PreTokenGeneration", EventVersion: "V2_0", ARN: function},
	}
	if diff := cmp.Diff(want, triggersOf(config, function)); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentOf(t *testing.T) {
	current := map[string]string{"KEY": "secret", "OLD": "x", "EMPTY": ""}
	for _, tt := range []struct {
		name string
		form map[string][]string
		want map[string]string
	}{
		{"masked values that were left alone stay",
			map[string][]string{"env-name": {"KEY", "OLD", "EMPTY", ""}, "env-value": {"", "new", "", ""}},
			map[string]string{"KEY": "secret", "OLD": "new", "EMPTY": ""}},
		{"what was marked goes, what was added comes",
			map[string][]string{"env-name": {"KEY", "OLD", " NEW "}, "env-value": {"", "", "1"}, "env-remove": {"KEY"}},
			map[string]string{"OLD": "x", "NEW": "1"}},
		{"a value that was shown can be emptied",
			map[string][]string{"shown": {"1"}, "env-name": {"KEY"}, "env-value": {""}},
			map[string]string{"KEY": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, environmentOf(tt.form, current)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
