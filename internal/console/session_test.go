package console_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfnapi"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
	"github.com/rockpoolhq/rockpool/internal/console"
	"github.com/rockpoolhq/rockpool/internal/lambdaapi"
)

// site is a console where people sign in, over an API of two operations.
type site struct {
	t       *testing.T
	handler http.Handler
	now     time.Time
	keys    map[string]string
	stored  map[string]console.Session
	calls   int // of operations that change something
	cookies map[string]string
	set     map[string]*http.Cookie // as they were set last
}

// SecretKey implements awsapi.Credentials: the key "root" may do everything.
func (s *site) SecretKey(_ context.Context, id string) (string, awsapi.Principal, error) {
	secret, ok := s.keys[id]
	if !ok {
		return "", awsapi.Principal{}, awsapi.ErrUnknownKey
	}
	return secret, awsapi.Principal{ARN: "arn:aws:iam::000000000000:user/" + id, Root: id == "root"}, nil
}

func (s *site) Create(_ context.Context, hash string, v console.Session) error {
	s.stored[hash] = v
	return nil
}

func (s *site) Session(_ context.Context, hash string) (console.Session, error) {
	v, ok := s.stored[hash]
	if !ok {
		return v, console.ErrNoSession
	}
	return v, nil
}

func (s *site) Seen(_ context.Context, hash string, v console.Session) error {
	s.stored[hash] = v
	return nil
}

func (s *site) Delete(_ context.Context, hash string) error {
	delete(s.stored, hash)
	return nil
}

func (s *site) SignIns(string, string) any                            { return map[string]any{"signIns": []any{}} }
func (s *site) Invocations() any                                      { return map[string]any{} }
func (s *site) Logs(http.ResponseWriter, *http.Request, arn.Function) {}

type anyInput struct {
	UserPoolId string
	MaxResults int
}

func (*anyInput) Validate(*awsapi.Validation) {}

func newSite(t *testing.T, address string) *site {
	t.Helper()
	s := &site{
		t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), keys: map[string]string{"root": "right", "clerk": "also right"},
		stored: map[string]console.Session{}, cookies: map[string]string{}, set: map[string]*http.Cookie{},
	}
	api := awsapi.New(awsapi.Options{Authorize: func(_ context.Context, p awsapi.Principal, action, _ string) error {
		if p.Root || action == "cognito-idp:ListUserPools" {
			return nil
		}
		return awsapi.ErrDenied
	}})
	deploys := awsapi.Service{ID: "lambda", TargetPrefix: "Y", Protocol: awsapi.JSON11}
	var deploy []awsapi.Operation
	for _, name := range []string{"CreateFunction", "UpdateFunctionCode", "AddPermission"} {
		deploys.Operations = append(deploys.Operations, awsapi.OperationModel{Name: name, Auth: awsapi.AuthIAM})
		deploy = append(deploy, awsapi.Op(name, func(context.Context, *anyInput) (*awsapi.Empty, error) { s.calls++; return nil, nil }))
	}
	api.Register(deploys, deploy...)
	api.Register(awsapi.Service{ID: "cognito-idp", TargetPrefix: "X", Protocol: awsapi.JSON11, Operations: []awsapi.OperationModel{
		{Name: "ListUserPools", Auth: awsapi.AuthIAM}, {Name: "DeleteUserPool", Auth: awsapi.AuthIAM},
		{Name: "UpdateUserPool", Auth: awsapi.AuthIAM},
	}},
		awsapi.Op("UpdateUserPool", func(context.Context, *anyInput) (*awsapi.Empty, error) { s.calls++; return nil, nil }),
		awsapi.Op("ListUserPools", func(context.Context, *anyInput) (*struct{ UserPools []any }, error) {
			return &struct{ UserPools []any }{[]any{}}, nil
		}),
		awsapi.Op("DeleteUserPool", func(context.Context, *anyInput) (*awsapi.Empty, error) { s.calls++; return nil, nil }),
	)
	mux := http.NewServeMux()
	(&console.Console{
		API: api, Data: s, URL: address, Issuer: func(id string) string { return address + "/" + id },
		Keys: s, Sessions: s, Now: func() time.Time { return s.now },
	}).Mount(mux)
	s.handler = mux
	return s
}

// send sends a request with the cookies that were set.
func (s *site) send(method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, "http://localhost:7665"+path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	for name, value := range s.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		s.set[c.Name] = c
		if s.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(s.cookies, c.Name)
		}
	}
	return w
}

var tokenOfPage = regexp.MustCompile(`console-token" content="([0-9a-f]*)"`)

func (s *site) token(path string) string {
	s.t.Helper()
	m := tokenOfPage.FindStringSubmatch(s.send("GET", path, "", nil).Body.String())
	if m == nil || m[1] == "" {
		s.t.Fatalf("%s has no token", path)
	}
	return m[1]
}

func (s *site) signIn(key, secret string) *httptest.ResponseRecorder {
	s.t.Helper()
	form := url.Values{"console-token": {s.token("/console/sign-in")}, "key": {key}, "secret": {secret}, "next": {"/console/pools"}}
	return s.send("POST", "/console/sign-in", form.Encode(), nil)
}

func (s *site) signedIn() bool { return s.send("GET", "/console/pools", "", nil).Code == http.StatusOK }

func TestSec_WEB_1_ConsoleSessions(t *testing.T) {
	s := newSite(t, "https://pool.example")
	const cookie = "__Host-rockpool-console"
	if w := s.send("GET", "/console/pools?after=x", "", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/sign-in?next=%2Fconsole%2Fpools%3Fafter%3Dx" {
		t.Fatalf("without a session: %d %s", w.Code, w.Header())
	}
	planted := strings.Repeat("ab", 32)
	s.cookies[cookie] = planted
	if w := s.signIn("root", "wrong"); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "wrong\"") {
		t.Errorf("wrong secret: %d", w.Code)
	}
	if w := s.signIn("root", "right"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/pools" {
		t.Fatalf("sign-in: %d %s", w.Code, w.Body)
	}
	c := s.set[cookie]
	if c.Value == planted || len(c.Value) != 64 || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 12*3600 {
		t.Errorf("the session's cookie is %+v", c)
	}
	for hash := range s.stored {
		if strings.Contains(hash, c.Value) {
			t.Error("the session's id is stored as it is")
		}
	}
	if !s.signedIn() {
		t.Fatal("the session does not work")
	}
	// A second sign-in ends the first session.
	first := c.Value
	s.signIn("root", "right")
	if len(s.stored) != 1 || s.cookies[cookie] == first {
		t.Errorf("after the second sign-in there are %d sessions", len(s.stored))
	}
	// Idle for an hour.
	s.now = s.now.Add(59 * time.Minute)
	if !s.signedIn() {
		t.Error("the session ended before its hour")
	}
	s.now = s.now.Add(61 * time.Minute)
	if s.signedIn() {
		t.Error("an idle session lives on")
	}
	// Used all the time, but for no longer than twelve hours.
	s.signIn("root", "right")
	for range 14 {
		if !s.signedIn() {
			t.Fatal("a session in use ended early")
		}
		s.now = s.now.Add(50 * time.Minute)
	}
	s.now = s.now.Add(25 * time.Minute)
	if s.signedIn() {
		t.Error("the session lives longer than twelve hours")
	}
	// Signing out deletes it.
	s.signIn("root", "right")
	kept := maps.Clone(s.cookies)
	if w := s.send("POST", "/console/sign-out", url.Values{"console-token": {s.token("/console/pools")}}.Encode(), nil); w.Code != http.StatusSeeOther {
		t.Errorf("sign-out: %d", w.Code)
	}
	s.cookies = kept
	if s.signedIn() {
		t.Error("a session works after its sign-out")
	}
	// It ends with its key.
	s.signIn("root", "right")
	delete(s.keys, "root")
	if s.signedIn() {
		t.Error("a session outlives its access key")
	}
}

func TestSec_WEB_2_FormsNeedTheTokenAndTheOrigin(t *testing.T) {
	s := newSite(t, "http://localhost:7665")
	// Login CSRF: a form that another site has prepared has no token of ours.
	if w := s.send("POST", "/console/sign-in", "key=root&secret=right", nil); w.Code != http.StatusForbidden {
		t.Errorf("sign-in without a token: %d", w.Code)
	}
	s.signIn("root", "right")
	token := s.token("/console/pools")
	other := newSite(t, "http://localhost:7665")
	other.signIn("root", "right")
	json := map[string]string{"Content-Type": "application/json"}
	with := func(more ...string) map[string]string {
		h := maps.Clone(json)
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	const path = "/console/api/cognito-idp/DeleteUserPool"
	for name, header := range map[string]map[string]string{
		"no token":                  with(),
		"another session's token":   with("X-Console-Token", other.token("/console/pools")),
		"a page of another site":    with("X-Console-Token", token, "Sec-Fetch-Site", "cross-site"),
		"a page of a sibling":       with("X-Console-Token", token, "Sec-Fetch-Site", "same-site"),
		"another origin":            with("X-Console-Token", token, "Origin", "https://evil.example"),
		"a form's type":             with("X-Console-Token", token, "Content-Type", "text/plain"),
		"another port of this host": with("X-Console-Token", token, "Origin", "http://localhost:1"),
	} {
		if w := s.send("POST", path, `{"UserPoolId":"us-east-1_a"}`, header); w.Code < 400 || s.calls != 0 {
			t.Errorf("%s: %d, %d calls", name, w.Code, s.calls)
		}
	}
	for _, form := range []string{"", "console-token=" + strings.Repeat("0", 64)} {
		if w := s.send("POST", "/console/theme", form, nil); w.Code != http.StatusForbidden {
			t.Errorf("a form with %q: %d", form, w.Code)
		}
	}
	// Signing out by a link of another site does not work either.
	if w := s.send("GET", "/console/sign-out", "", nil); w.Code == http.StatusSeeOther || !s.signedIn() {
		t.Errorf("sign-out by GET: %d", w.Code)
	}
	if w := s.send("POST", path, `{"UserPoolId":"us-east-1_a"}`, with("X-Console-Token", token, "Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:7665")); w.Code != http.StatusOK || s.calls != 1 {
		t.Errorf("the console itself: %d %s, %d calls", w.Code, w.Body, s.calls)
	}
}

func TestSec_WEB_4_SignInIsLimited(t *testing.T) {
	s := newSite(t, "http://localhost:7665")
	for i := range 10 {
		if w := s.signIn("nobody", "guess"); w.Code != http.StatusForbidden {
			t.Fatalf("attempt %d: %d", i+1, w.Code)
		}
	}
	if w := s.signIn("root", "right"); w.Code != http.StatusTooManyRequests || len(s.stored) != 0 {
		t.Errorf("after ten wrong attempts: %d, %d sessions", w.Code, len(s.stored))
	}
	s.now = s.now.Add(5 * time.Minute)
	if w := s.signIn("root", "right"); w.Code != http.StatusSeeOther {
		t.Errorf("five minutes later: %d", w.Code)
	}
}

// What deploys code or sets a trigger takes a permission of its own, of who has
// signed in.
func TestSec_FN_9_TheConsoleDeploysWithTheRightsOfWhoSignedIn(t *testing.T) {
	s := newSite(t, "http://localhost:7665")
	for _, tt := range []struct {
		who, secret string
		status      int
	}{{"clerk", "also right", http.StatusForbidden}, {"root", "right", http.StatusOK}} {
		s.signIn(tt.who, tt.secret)
		header := map[string]string{"Content-Type": "application/json", "X-Console-Token": s.token("/console/pools")}
		before := s.calls
		for _, path := range []string{"lambda/CreateFunction", "lambda/UpdateFunctionCode", "lambda/AddPermission", "cognito-idp/UpdateUserPool"} {
			w := s.send("POST", "/console/api/"+path, `{"UserPoolId":"us-east-1_a"}`, header)
			if w.Code != tt.status || tt.status == http.StatusForbidden && !strings.Contains(w.Body.String(), "is not authorized to perform: "+strings.Replace(path, "/", ":", 1)) {
				t.Errorf("%s by %s: %d %s", path, tt.who, w.Code, w.Body)
			}
		}
		if got := s.calls - before; (got == 4) != (tt.status == http.StatusOK) {
			t.Errorf("%s: %d operations were performed", tt.who, got)
		}
	}
}

// A console that the policies stop is stopped in the same place as the API.
func TestSec_WEB_4_ConsoleHasNoPowerThatTheAPILacks(t *testing.T) {
	s := newSite(t, "http://localhost:7665")
	s.signIn("clerk", "also right")
	if !s.signedIn() {
		t.Fatal("the clerk may list pools, and cannot")
	}
	header := map[string]string{"Content-Type": "application/json", "X-Console-Token": s.token("/console/pools")}
	w := s.send("POST", "/console/api/cognito-idp/DeleteUserPool", `{"UserPoolId":"us-east-1_a"}`, header)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "user/clerk is not authorized to perform: cognito-idp:DeleteUserPool") || s.calls != 0 {
		t.Errorf("a denied operation: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"signins", "invocations", "logs?function=f"} {
		if w := s.send("GET", "/console/data/"+path, "", nil); w.Code != http.StatusForbidden {
			t.Errorf("data/%s without root: %d", path, w.Code)
		}
	}
	delete(s.cookies, "rockpool-console")
	if w := s.send("POST", "/console/api/cognito-idp/ListUserPools", "{}", header); w.Code != http.StatusForbidden {
		t.Errorf("an operation without a session: %d", w.Code)
	}
}

var named = regexp.MustCompile(`(?:idp|cloudformation|"cognito-idp"|"lambda"|"cloudformation"), "([A-Z][A-Za-z]+)"|(?:one|membership|changePool)\("([A-Z][A-Za-z]+)"|"(Admin[A-Z][A-Za-z]+)"`)

// Whatever the console does is an operation of an API's own table.
func TestEveryActionIsAnOperation(t *testing.T) {
	known := map[string]bool{}
	for _, model := range []awsapi.Service{cognitoapi.Model(), lambdaapi.Model(), cfnapi.Model()} {
		for _, o := range model.Operations {
			known[o.Name] = true
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			name := m[1] + m[2] + m[3]
			if strings.HasSuffix(name, "Config") { // a member of a pool
				continue
			}
			if found[name] = true; !known[name] {
				t.Errorf("%s names %s, which is no operation", file, name)
			}
		}
	}
	if len(found) < 40 {
		t.Errorf("found %d operations: the search has gone wrong", len(found))
	}
}

func TestSec_WEB_5_ConsoleAllowsNoOrigin(t *testing.T) {
	s := newSite(t, "http://localhost:7665")
	s.signIn("root", "right")
	for _, path := range []string{"/console/", "/console/pools", "/console/data/signins", "/console/sign-in", "/console/static/x/api.js"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			w := s.send(method, path, "", map[string]string{"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"})
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s answers with %s", method, path, name)
				}
			}
		}
	}
}

// hostile is what people may call themselves.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `javascript:alert(1)`,
	`{{.Token}}`, `</textarea><script>alert(1)</script>`, "a\u2028b<b>", `" autofocus onfocus="alert(1)`, `</title><script>alert(1)</script>`,
}

var raw = regexp.MustCompile(`(?i)<script>|<img src=x|<svg/onload|<b>|[^&#0-9;a-z]onfocus="|href="javascript:`)

func TestSec_WEB_3_WhatPeopleTypeIsText(t *testing.T) {
	v := newVisitor(t)
	pool := v.newPool(url.Values{"name": {"people"}, "signin": {"username"}, "custom": {"note"}})
	seen := 0
	look := func(page string) {
		t.Helper()
		if seen++; raw.MatchString(page) {
			t.Errorf("something that was typed is markup: %q", raw.FindString(page))
		}
	}
	for i, text := range hostile {
		group := strings.NewReplacer(" ", "", "\u2028", "").Replace(text) // a group's name has no blank
		look(v.submit(pool+"/create-group", pool+"/create-group", url.Values{"name": {group}, "description": {text}}))
		look(v.get(pool + "/group?name=" + url.QueryEscape(group)))
		name := "u" + string(rune('a'+i)) + group
		look(v.submit(pool+"/create-user", pool+"/create-user", url.Values{"username": {name}, "attr-name": {text}, "attr-custom:note": {text}, "password": {"Passw0rd!"}, "permanent": {"on"}}))
		look(v.get(pool + "/user?name=" + url.QueryEscape(name)))
		look(v.get(pool + "/users?text=" + url.QueryEscape(text) + "&by=" + url.QueryEscape(text) + "&match=" + url.QueryEscape(text)))
		look(v.submit(pool+"/create-client", pool+"/create-client", url.Values{"name": {text}, "access": {text}}))
		look(v.submit("/console/create-pool", "/console/create-pool", url.Values{"name": {text}, "custom": {text}}))
		look(v.get("/console/?pool=" + url.QueryEscape(text) + "&client=" + url.QueryEscape(text) + "&region=" + url.QueryEscape(text)))
	}
	look(v.get(pool + "/users"))
	look(v.get(pool + "/groups"))
	look(v.get("/console/"))
	if seen < 8*len(hostile) {
		t.Errorf("looked at %d pages", seen)
	}
	resp, err := v.client.Get(v.base + "/console/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
