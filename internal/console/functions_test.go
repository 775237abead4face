package console_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool"
	"github.com/rockpoolhq/rockpool/rockpooltest"
)

// visitor is a browser without JavaScript.
type visitor struct {
	t       *testing.T
	client  *http.Client
	base    string
	preview bool // forms are sent for their commands only
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, client: &http.Client{Jar: jar}, base: rockpooltest.New(t).URL}
}

// get returns a page's text.
func (v *visitor) get(path string) string {
	v.t.Helper()
	resp, err := v.client.Get(v.base + path)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.read(resp, http.StatusOK)
}

func (v *visitor) read(resp *http.Response, want ...int) string {
	v.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, status := range want {
		if resp.StatusCode == status {
			return string(body)
		}
	}
	v.t.Fatalf("%s %s: %s, want %v\n%s", resp.Request.Method, resp.Request.URL, resp.Status, want, body)
	return ""
}

var (
	hidden    = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	formOf    = `(?s)<form method="post" action="%s"[ >].*?</form>`
	mainOf    = regexp.MustCompile(`(?s)<main.*`)
	variables = regexp.MustCompile(`(?s)<input name="env-name" value="([^"]*)"`)
)

// submit sends the form of a page that goes to action, with its hidden fields,
// and returns the page that comes of it.
func (v *visitor) submit(page, action string, fields url.Values) string {
	v.t.Helper()
	text := v.get(page)
	form := regexp.MustCompile(strings.Replace(formOf, "%s", regexp.QuoteMeta(action), 1)).FindString(text)
	if form == "" {
		v.t.Fatalf("%s has no form that goes to %s", page, action)
	}
	all := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		all.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for name, values := range fields {
		if !strings.Contains(form, ` name="`+name+`"`) {
			v.t.Fatalf("the form that goes to %s has no field %s", action, name)
		}
		all[name] = values
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+action, strings.NewReader(all.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.base)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if v.preview {
		req.Header.Set("X-Console-Preview", "1")
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.read(resp, http.StatusOK, http.StatusBadRequest)
}

func (v *visitor) createFunction(name string) {
	v.t.Helper()
	page := v.submit("/console/create-function", "/console/create-function", url.Values{"name": {name}, "runtime": {"nodejs22.x"}, "template": {"pretoken-v1"}})
	v.has(page, "<h1>"+name+"</h1>", `data-handler="index.handler"`)
}

func (v *visitor) has(page string, want ...string) {
	v.t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			v.t.Errorf("the page lacks %q: %.3000s", w, mainOf.FindString(page))
		}
	}
}

func (v *visitor) lacks(page string, unwanted ...string) {
	v.t.Helper()
	for _, w := range unwanted {
		if strings.Contains(page, w) {
			v.t.Errorf("the page has %q", w)
		}
	}
}

func TestFunctionPages(t *testing.T) {
	v := newVisitor(t)
	v.has(v.get("/console/functions"), "no functions")
	v.createFunction("pretoken")
	v.has(v.get("/console/functions"), `href="/console/functions/pretoken"`)

	t.Run("a name that is taken comes back with what was typed", func(t *testing.T) {
		v := &visitor{t: t, client: v.client, base: v.base}
		page := v.submit("/console/create-function", "/console/create-function", url.Values{"name": {"pretoken"}, "runtime": {"python3.12"}, "template": {"blank"}})
		v.has(page, "already exist", `value="pretoken"`, `<option value="python3.12" selected>`, `value="blank" checked`)
	})
	t.Run("the general configuration", func(t *testing.T) {
		v := &visitor{t: t, client: v.client, base: v.base}
		const path = "/console/functions/pretoken/configuration"
		fields := url.Values{"description": {"adds claims"}, "runtime": {"nodejs20.x"}, "handler": {"index.handler"}, "memory": {"256"}, "timeout": {"5"}}
		v.has(v.submit(path, path, fields), `value="adds claims"`, `<option value="nodejs20.x" selected>`, `value="256"`)
		fields.Set("timeout", "901")
		fields.Set("handler", "other.handler")
		v.has(v.submit(path, path, fields), `role="alert"`, `value="other.handler"`)
		v.has(v.get(path), `value="index.handler"`)
		fields.Set("timeout", "many")
		v.has(v.submit(path, path, fields), "whole number")
		fields.Set("revision", "4e6c9cd8-0a3c-4f4d-9f24-6a3c5d5f7d11")
		fields.Set("timeout", "4")
		v.has(v.submit(path, path, fields), "Somebody else changed this function")
	})
	t.Run("versions and aliases", func(t *testing.T) {
		v := &visitor{t: t, client: v.client, base: v.base}
		const page, path = "/console/functions/pretoken/versions", "/console/functions/pretoken/"
		v.has(v.submit(page, path+"versions", url.Values{"description": {"first"}}), "first")
		v.has(v.submit(page, path+"aliases", url.Values{"alias": {"live"}, "version": {"1"}}), `aria-label="Alias live"`)
		v.has(v.submit(page, path+"aliases/live", url.Values{"do": {"update"}, "version": {"$LATEST"}, "description": {"now"}}), `value="now"`)
		v.lacks(v.submit(page, path+"aliases/live", url.Values{"do": {"delete"}}), `aria-label="Alias live"`)
		v.has(v.submit(page, path+"aliases", url.Values{"alias": {"9"}, "version": {"1"}}), `role="alert"`)
	})
	t.Run("permissions", func(t *testing.T) {
		v := &visitor{t: t, client: v.client, base: v.base}
		const page = "/console/functions/pretoken/permissions"
		v.has(v.get(page), "no permissions")
		added := v.submit(page, page, url.Values{"id": {"cognito"}, "principal": {"cognito-idp.amazonaws.com"}, "source": {"arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"}})
		v.has(added, "Cognito user pools may invoke it, for the user pool us-east-1_abc.", "&#34;Sid&#34;: &#34;cognito&#34;", `value="cognito-2"`)
		v.has(v.submit(page, page, url.Values{"id": {"cognito"}, "principal": {"x.amazonaws.com"}}), "already exists", `value="x.amazonaws.com"`)
		v.has(v.submit(page, page+"/remove", url.Values{"id": {"cognito"}}), "no permissions")
	})
	t.Run("a form says its command and does nothing", func(t *testing.T) {
		v := &visitor{t: t, client: v.client, base: v.base, preview: true}
		v.has(v.submit("/console/create-function", "/console/create-function", url.Values{"name": {"other"}, "runtime": {"nodejs22.x"}, "template": {"blank"}}),
			"aws lambda create-function", "--function-name other", "--zip-file fileb://function.zip")
		const page = "/console/functions/pretoken/"
		v.has(v.submit(page+"configuration", page+"configuration", url.Values{"memory": {"128"}, "handler": {"a.b"}, "timeout": {"7"}}), "aws lambda update-function-configuration", "--timeout 7")
		v.has(v.submit(page+"configuration", page+"configuration", url.Values{"memory": {"128"}, "timeout": {"x"}}), "# The timeout must be")
		v.has(v.submit(page+"versions", page+"aliases", url.Values{"alias": {"live"}, "version": {"1"}}), "aws lambda create-alias --function-name pretoken --function-version 1 --name live")
		v.has(v.submit(page+"permissions", page+"permissions", url.Values{"id": {"s3"}, "principal": {"s3.amazonaws.com"}}), "aws lambda add-permission", "--principal s3.amazonaws.com --statement-id s3")
		v.lacks(v.get("/console/functions"), "/console/functions/other")
		v.lacks(v.get(page+"versions"), `aria-label="Alias live"`)
	})
	t.Run("deleting needs the name", func(t *testing.T) {
		v := &visitor{t: t, client: v.client, base: v.base}
		const page, action = "/console/functions/pretoken/configuration", "/console/functions/pretoken/delete"
		v.has(v.submit(page, action, url.Values{"confirm": {"pretokem"}}), "was not deleted")
		v.has(v.submit(page, action, url.Values{"confirm": {"pretoken"}}), "no functions")
	})
}

func TestSec_FN_7_EnvironmentIsMasked(t *testing.T) {
	v := newVisitor(t)
	v.createFunction("f")
	const page, action = "/console/functions/f/configuration", "/console/functions/f/environment"
	saved := v.submit(page, action, url.Values{"env-name": {"API_KEY", "MODE"}, "env-value": {"s3cret-value", "fast"}})
	if names := variables.FindAllStringSubmatch(saved, -1); len(names) < 2 || names[0][1] != "API_KEY" || names[1][1] != "MODE" {
		t.Fatalf("variables %q", names)
	}
	v.lacks(saved, "s3cret-value")
	for _, tab := range []string{"", "/configuration", "/versions", "/permissions", "/monitor"} {
		v.lacks(v.get("/console/functions/f"+tab), "s3cret-value")
	}
	// What is not shown is kept by a form that does not know it.
	changed := v.submit(page, action, url.Values{"env-name": {"API_KEY", "MODE", "MORE"}, "env-value": {"", "slow", "1"}, "env-remove": {"MODE"}})
	v.lacks(changed, "s3cret-value", `value="MODE"`)
	v.has(v.get(page+"?show=values"), `value="s3cret-value"`, `value="MORE"`)
	// The command of a form that was not sent yet does not tell either.
	v.preview = true
	command := v.submit(page, action, url.Values{"env-name": {"API_KEY", "MORE"}, "env-value": {"", "2"}})
	v.lacks(command, "s3cret-value")
	v.has(command, "aws lambda update-function-configuration --environment", `"API_KEY":"…","MORE":"2"`)
	v.preview = false
	v.has(v.get(page+"?show=values"), `value="s3cret-value"`)
	// A form that is refused shows no more than before.
	v.lacks(v.submit(page, action, url.Values{"env-name": {"API_KEY", "9"}, "env-value": {"", "x"}}), "s3cret-value")
}

func TestSec_WEB_3_FunctionTextIsText(t *testing.T) {
	v := newVisitor(t)
	v.createFunction("f")
	attack := "</title><script>alert(1)</script>\u202e\x1b[31m\"'><img src=x onerror=alert(1)>"
	const page = "/console/functions/f/configuration"
	v.submit(page, page, url.Values{"description": {attack}, "runtime": {"nodejs22.x"}, "handler": {"a\"><script>.handler"}, "memory": {"128"}, "timeout": {"3"}})
	v.submit("/console/functions/f/versions", "/console/functions/f/versions", url.Values{"description": {attack}})
	for _, path := range []string{"/console/functions", "/console/functions/f", page, "/console/functions/f/versions", "/console/functions/f/permissions", "/console/functions/f/monitor"} {
		text := v.get(path)
		v.lacks(text, "<script>alert", "<img src=x", "\"><script>")
		shown := regexp.MustCompile(`(?s)<input[^>]*>`).ReplaceAllString(text, "") // what a form gives back is as it was
		v.lacks(shown, "\u202e", "\x1b")
	}
	resp, err := v.client.Get(v.base + "/console/functions/" + url.PathEscape("<script>alert(1)</script>"))
	if err != nil {
		t.Fatal(err)
	}
	v.lacks(v.read(resp, http.StatusBadRequest, http.StatusNotFound), "<script>alert")
}

func TestPoolsThatUseAFunction(t *testing.T) {
	v := newVisitor(t)
	v.createFunction("f")
	v.has(v.get("/console/functions/f"), "No user pool calls it yet", `data-version=""`)
	const function = "arn:aws:lambda:us-east-1:000000000000:function:f"
	v.operation("CreateUserPool", map[string]any{"PoolName": "people", "LambdaConfig": map[string]any{"PreTokenGenerationConfig": map[string]string{"LambdaArn": function, "LambdaVersion": "V2_0"}}})
	v.operation("CreateUserPool", map[string]any{"PoolName": "others"})
	page := v.get("/console/functions/f/configuration")
	v.has(page, "people</a>", "PreTokenGeneration", "V2_0")
	v.has(v.get("/console/functions/f"), "Called by", "people</a>", `data-version="V2_0"`)
	v.lacks(page, "others</a>")
}

// operation calls Cognito as a program does.
func (v *visitor) operation(name string, in any) {
	v.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base, strings.NewReader(string(body)))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+name)
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	v.read(resp, http.StatusOK)
}

var consoleToken = regexp.MustCompile(`<meta name="console-token" content="([^"]+)"`)

// call performs an operation as the console's modules do.
func (v *visitor) call(operation string, in any) map[string]any {
	v.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+"/console/api/lambda/"+operation, strings.NewReader(string(body)))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Console-Token", consoleToken.FindStringSubmatch(v.get("/console/functions"))[1])
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(v.read(resp, http.StatusOK)), &out); err != nil {
		v.t.Fatal(err)
	}
	return out
}

// Every template runs as it is, with the event that it is for.
func TestStartersRun(t *testing.T) {
	v := newVisitor(t)
	const event = `{"version":"1","triggerSource":"TokenGeneration_Authentication","userName":"jane","request":{"userAttributes":{"custom:tenantId":"acme","custom:department":"42"}},"response":{}}`
	for _, tt := range []struct{ runtime, needs, template, want string }{
		{"nodejs22.x", "", "pretoken-v1", `"claimsToAddOrOverride":{"tenantId":"acme","departmentId":"42"}`},
		{"nodejs22.x", "", "pretoken-v2", `"accessTokenGeneration":{"claimsToAddOrOverride":{"tenantId":"acme","departmentId":"42"},"scopesToAdd":[]}`},
		{"nodejs22.x", "", "blank", `"response":{}`},
		{"python3.12", "python3", "pretoken-v1", `"claimsToAddOrOverride": {"tenantId": "acme", "departmentId": "42"}`},
		{"python3.12", "python3", "pretoken-v2", `"scopesToAdd": []`},
		{"python3.12", "python3", "blank", `"response": {}`},
		{"provided.al2023", "curl", "blank", event},
	} {
		t.Run(tt.runtime+" "+tt.template, func(t *testing.T) {
			if _, err := exec.LookPath(tt.needs); tt.needs != "" && err != nil {
				missing(t, "install "+tt.needs+" to run this")
			}
			v := &visitor{t: t, client: v.client, base: v.base}
			name := strings.NewReplacer(".", "-", " ", "-").Replace(tt.runtime + "-" + tt.template)
			v.has(v.submit("/console/create-function", "/console/create-function", url.Values{"name": {name}, "runtime": {tt.runtime}, "template": {tt.template}}), "<h1>"+name+"</h1>")
			out := v.call("Invoke", map[string]any{"FunctionName": name, "LogType": "Tail", "Payload": []byte(event)})
			payload, err := base64.StdEncoding.DecodeString(out["Payload"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if out["FunctionError"] != nil || !strings.Contains(string(payload), tt.want) {
				t.Errorf("error %v, answer %s, want %s in it", out["FunctionError"], payload, tt.want)
			}
			log, err := base64.StdEncoding.DecodeString(out["LogResult"].(string))
			if err != nil || !strings.Contains(string(log), "REPORT RequestId: ") || out["ExecutedVersion"] != "$LATEST" {
				t.Errorf("log %q, version %v", log, out["ExecutedVersion"])
			}
		})
	}
}

func TestMain(m *testing.M) {
	rockpool.Reexec() // functions run as this binary
	os.Exit(m.Run())
}
