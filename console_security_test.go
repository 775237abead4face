package rockpool_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool"
)

// stack calls an operation of CloudFormation.
func (s *server) stack(form url.Values) string {
	s.t.Helper()
	form.Set("Version", "2010-05-15")
	w := s.do(request{method: http.MethodPost, path: "/", body: form.Encode(), service: "cloudformation", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	if w.Code != http.StatusOK {
		s.t.Fatalf("%s: %d %s", form.Get("Action"), w.Code, w.Body)
	}
	return w.Body.String()
}

var (
	link = regexp.MustCompile(`(?:href|src|action|formaction)="([^"]*)"`)
	// live is markup that a text has become.
	live = regexp.MustCompile(`<xss|<XSS|onerror=1>`)
)

// Whatever can be named or described by somebody is text on every page of the
// console, and an address on none.
func TestSec_WEB_3_TextIsTextOnEveryPageOfTheConsole(t *testing.T) {
	s := start(t, rockpool.Options{})
	const evil = `"'></title></script><xss onerror=1>{{.}}${x}`
	pool := s.createPool()
	call := func(operation string, in map[string]any) {
		in["UserPoolId"] = pool
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if status, out := s.cognito(operation, string(body)); status != http.StatusOK {
			t.Fatalf("%s: %d %v", operation, status, out)
		}
	}
	call("CreateGroup", map[string]any{"GroupName": `<xss/>"'`, "Description": evil})
	call("CreateUserPoolClient", map[string]any{"ClientName": "app", "SupportedIdentityProviders": []string{"COGNITO"}, "CallbackURLs": []string{"https://a.example/<xss>"}})
	call("AdminCreateUser", map[string]any{"Username": `<xss>"'`, "UserAttributes": []map[string]string{{"Name": "name", "Value": evil}, {"Name": "website", "Value": "javascript:alert(1)"}, {"Name": "picture", "Value": "javascript:alert(1)"}}})
	template, err := json.Marshal(map[string]any{
		"Description": evil,
		"Parameters":  map[string]any{"P": map[string]any{"Type": "String", "Default": evil, "Description": evil}},
		"Resources":   map[string]any{"S": map[string]any{"Type": "AWS::SSM::Parameter", "Properties": map[string]any{"Type": "String", "Value": map[string]any{"Ref": "P"}, "Description": evil}}},
		"Outputs":     map[string]any{"O": map[string]any{"Value": "javascript:alert(1)", "Description": evil}, "Q": map[string]any{"Value": map[string]any{"Ref": "P"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.stack(url.Values{"Action": {"CreateStack"}, "StackName": {"s"}, "TemplateBody": {string(template)}})

	queue, seen := []string{"/console/"}, map[string]bool{"/console/": true}
	var escaped int
	for len(queue) > 0 && len(seen) < 300 {
		path := queue[0]
		queue = queue[1:]
		w := s.do(request{path: path})
		page := w.Body.String()
		if w.Code >= 500 {
			t.Errorf("%s: %d %s", path, w.Code, page)
		}
		if csp := w.Header().Get("Content-Security-Policy"); strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && (!strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'")) {
			t.Errorf("%s has the policy %q", path, csp)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		if at := live.FindStringIndex(page); at != nil {
			t.Errorf("%s: %q", path, page[max(0, at[0]-100):min(len(page), at[1]+60)])
		}
		escaped += strings.Count(page, "&lt;xss")
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			to := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(to)), "javascript:") {
				t.Errorf("%s links to %s", path, to)
			}
			if to, _, _ = strings.Cut(to, "#"); strings.HasPrefix(to, "/console/") && !strings.HasPrefix(to, "/console/static/") && !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	if escaped < 10 || len(seen) < 20 {
		t.Errorf("%d pages had %d of the texts: the search has gone wrong", len(seen), escaped)
	}
	t.Logf("%d pages, %d texts", len(seen), escaped)
}
