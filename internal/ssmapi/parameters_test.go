package ssmapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/parameter"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/ssmapi"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// ssm is the API over a store in memory.
type ssm struct {
	t   *testing.T
	db  store.Store
	api *awsapi.Server
}

type m = map[string]any

func newSSM(t *testing.T) *ssm {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	api := awsapi.New(awsapi.Options{})
	api.Register(ssmapi.Model(), ssmapi.Operations(&parameter.Service{Store: db, KEK: secret.NewKEK([32]byte{1}), Account: "000000000000"})...)
	return &ssm{t, db, api}
}

func (s *ssm) call(operation string, in m) (m, apierr.Code) {
	s.t.Helper()
	raw, err := s.api.Call(s.t.Context(), "ssm", operation, in)
	if err != nil {
		return nil, apierr.CodeOf(err)
	}
	var out m
	if err := json.Unmarshal(raw, &out); err != nil {
		s.t.Fatal(err)
	}
	return out, ""
}

func (s *ssm) ok(operation string, in m) m {
	s.t.Helper()
	out, code := s.call(operation, in)
	if code != "" {
		s.t.Fatalf("%s %v: %s", operation, in, code)
	}
	return out
}

func TestParameterLife(t *testing.T) {
	s := newSSM(t)
	name := "/cdk-bootstrap/hnb659fds/version"
	s.ok("PutParameter", m{"Name": name, "Type": "String", "Value": "21", "Description": "d"})
	if _, code := s.call("PutParameter", m{"Name": name, "Type": "String", "Value": "22"}); code != "ParameterAlreadyExists" {
		t.Errorf("second put = %q, want ParameterAlreadyExists", code)
	}
	if out := s.ok("PutParameter", m{"Name": name, "Value": "22", "Overwrite": true}); out["Version"] != 2.0 {
		t.Errorf("version after overwrite = %v, want 2", out["Version"])
	}
	arn := "arn:aws:ssm:us-east-1:000000000000:parameter" + name
	for _, as := range []string{name, arn, name + ":2"} {
		p := s.ok("GetParameter", m{"Name": as})["Parameter"].(m)
		if p["Value"] != "22" || p["ARN"] != arn || p["Version"] != 2.0 || p["Name"] != name {
			t.Errorf("GetParameter %s = %v", as, p)
		}
	}
	if _, code := s.call("GetParameter", m{"Name": name + ":1"}); code != "ParameterVersionNotFound" {
		t.Errorf("old version = %q, want ParameterVersionNotFound", code)
	}
	out := s.ok("GetParameters", m{"Names": []string{name, "/none"}})
	if got := fmt.Sprint(out["InvalidParameters"]); got != "[/none]" || len(out["Parameters"].([]any)) != 1 {
		t.Errorf("GetParameters = %v", out)
	}
	s.ok("DeleteParameter", m{"Name": name})
	for _, op := range []string{"GetParameter", "DeleteParameter"} {
		if _, code := s.call(op, m{"Name": name}); code != "ParameterNotFound" {
			t.Errorf("%s after deletion = %q, want ParameterNotFound", op, code)
		}
	}
}

func TestParametersAreRefused(t *testing.T) {
	s := newSSM(t)
	s.ok("PutParameter", m{"Name": "list", "Type": "StringList", "Value": "a,b", "AllowedPattern": "^[a-z,]+$"})
	for name, tt := range map[string]struct {
		in   m
		want apierr.Code
	}{
		"no type":              {m{"Name": "a", "Value": "v"}, "ValidationException"},
		"empty":                {m{"Name": "a", "Value": "", "Type": "String"}, "ValidationException"},
		"over 4 KB":            {m{"Name": "a", "Value": strings.Repeat("x", 4097), "Type": "String"}, "ValidationException"},
		"advanced":             {m{"Name": "a", "Value": "v", "Type": "String", "Tier": "Advanced"}, "ValidationException"},
		"another key":          {m{"Name": "a", "Value": "v", "Type": "SecureString", "KeyId": "alias/mine"}, "ValidationException"},
		"reserved":             {m{"Name": "/aws/x", "Value": "v", "Type": "String"}, "ValidationException"},
		"half a hierarchy":     {m{"Name": "a/b", "Value": "v", "Type": "String"}, "ValidationException"},
		"a space":              {m{"Name": "a b", "Value": "v", "Type": "String"}, "ValidationException"},
		"too deep":             {m{"Name": strings.Repeat("/a", 16), "Value": "v", "Type": "String"}, "HierarchyLevelLimitExceededException"},
		"another type":         {m{"Name": "list", "Value": "a", "Type": "String", "Overwrite": true}, "UnsupportedParameterType"},
		"pattern":              {m{"Name": "list", "Value": "1", "Overwrite": true}, "ParameterPatternMismatchException"},
		"not a pattern":        {m{"Name": "a", "Value": "1", "Type": "String", "AllowedPattern": "("}, "InvalidAllowedPatternException"},
		"of another account":   {m{"Name": "arn:aws:ssm:us-east-1:111111111111:parameter/a", "Value": "v", "Type": "String"}, "ValidationException"},
		"tags while overwrite": {m{"Name": "list", "Value": "a", "Overwrite": true, "Tags": []m{{"Key": "k", "Value": "v"}}}, "ValidationException"},
	} {
		if _, code := s.call("PutParameter", tt.in); code != tt.want {
			t.Errorf("%s: %q, want %s", name, code, tt.want)
		}
	}
	if got := s.ok("GetParameter", m{"Name": "list"})["Parameter"].(m); got["Value"] != "a,b" || got["Version"] != 1.0 {
		t.Errorf("after refusals: %v", got)
	}
}

func TestParametersByPathAndFilter(t *testing.T) {
	s := newSSM(t)
	for i := range 12 {
		s.ok("PutParameter", m{"Name": fmt.Sprintf("/app/p%02d", i), "Type": "String", "Value": "v"})
	}
	s.ok("PutParameter", m{"Name": "/app/deep/p", "Type": "String", "Value": "v"})
	s.ok("PutParameter", m{"Name": "/apple", "Type": "String", "Value": "v"})
	var names []string
	in := m{"Path": "/app"}
	for pages := 0; ; pages++ {
		out := s.ok("GetParametersByPath", in)
		for _, p := range out["Parameters"].([]any) {
			names = append(names, p.(m)["Name"].(string))
		}
		if out["NextToken"] == nil || pages > 5 {
			break
		}
		in["NextToken"] = out["NextToken"]
	}
	if len(names) != 12 || names[11] != "/app/p11" {
		t.Errorf("direct children = %v", names)
	}
	out := s.ok("DescribeParameters", m{"ParameterFilters": []m{{"Key": "Name", "Option": "BeginsWith", "Values": []string{"/app/d", "/appl"}}}})
	if got := len(out["Parameters"].([]any)); got != 2 {
		t.Errorf("described %d parameters, want 2", got)
	}
}

func TestParameterTags(t *testing.T) {
	s := newSSM(t)
	s.ok("PutParameter", m{"Name": "p", "Type": "String", "Value": "v", "Tags": []m{{"Key": "a", "Value": "1"}}})
	s.ok("AddTagsToResource", m{"ResourceType": "Parameter", "ResourceId": "p", "Tags": []m{{"Key": "b", "Value": "2"}}})
	s.ok("RemoveTagsFromResource", m{"ResourceType": "Parameter", "ResourceId": "p", "TagKeys": []string{"a"}})
	if got := fmt.Sprint(s.ok("ListTagsForResource", m{"ResourceType": "Parameter", "ResourceId": "p"})["TagList"]); got != "[map[Key:b Value:2]]" {
		t.Errorf("tags = %s", got)
	}
	if _, code := s.call("AddTagsToResource", m{"ResourceType": "Parameter", "ResourceId": "none", "Tags": []m{{"Key": "b", "Value": "2"}}}); code != "InvalidResourceId" {
		t.Errorf("tags of nothing = %q", code)
	}
}

// A value is not in the database in the clear, and a SecureString is shown to
// who asks for it only.
func TestSec_DB_1_ParametersAreSealed(t *testing.T) {
	s := newSSM(t)
	s.ok("PutParameter", m{"Name": "p", "Type": "SecureString", "Value": "hunter2hunter2"})
	if got := s.ok("GetParameter", m{"Name": "p"})["Parameter"].(m)["Value"]; got == "hunter2hunter2" || got == "" {
		t.Errorf("without decryption: %v", got)
	}
	if got := s.ok("GetParameter", m{"Name": "p", "WithDecryption": true})["Parameter"].(m)["Value"]; got != "hunter2hunter2" {
		t.Errorf("with decryption: %v", got)
	}
	var docs []store.Document
	err := s.db.View(t.Context(), func(tx store.Tx) (err error) {
		docs, _, err = tx.ListDocuments("ssm parameter", "us-east-1", store.Page{Limit: 10})
		return err
	})
	if err != nil || len(docs) != 1 || bytes.Contains(docs[0].Data, []byte("hunter2")) {
		t.Errorf("%d documents, %v; or the value is in the clear", len(docs), err)
	}
}

// Of racing creations one wins, and every overwrite is a version.
func TestParametersRace(t *testing.T) {
	s := newSSM(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Go(func() {
			_, code := s.call("PutParameter", m{"Name": "p", "Type": "String", "Value": fmt.Sprint(i)})
			mu.Lock()
			defer mu.Unlock()
			if code == "" {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d creations won, want 1", won)
	}
}

// A name that is no text is that of no parameter, whatever is asked of it.
func TestSec_ERR_1_NamesThatAreNoText(t *testing.T) {
	s := newSSM(t)
	for _, name := range []string{"a\x00b", "\x00", "arn:aws:ssm:us-east-1:000000000000:parameter/\x00"} {
		for _, operation := range []string{"PutParameter", "GetParameter", "DeleteParameter", "AddTagsToResource", "ListTagsForResource"} {
			_, code := s.call(operation, m{"Name": name, "Value": "v", "Type": "String", "ResourceType": "Parameter", "ResourceId": name, "Tags": []m{{"Key": "k", "Value": "v"}}})
			if code == "" || code == apierr.InternalError {
				t.Errorf("%s %q: %q", operation, name, code)
			}
		}
		if out := s.ok("DeleteParameters", m{"Names": []string{name}}); len(out["InvalidParameters"].([]any)) != 1 {
			t.Errorf("DeleteParameters %q: %v", name, out)
		}
	}
}
