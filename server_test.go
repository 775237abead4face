package rockpool_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

func TestMain(m *testing.M) {
	rockpool.Reexec()
	os.Exit(m.Run())
}

// server is a running server and how to call it.
type server struct {
	*rockpool.Server
	t      *testing.T
	signer sigv4.Signer
	log    *bytes.Buffer
}

func start(t *testing.T, o rockpool.Options) *server {
	t.Helper()
	log := &bytes.Buffer{}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	srv, err := rockpool.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &server{Server: srv, t: t, log: log, signer: sigv4.Signer{AccessKeyID: "dev", Secret: "dev", Region: "us-east-1"}}
}

// request is one request; the zero value of each field leaves it out.
type request struct {
	method, path, host, body string
	header                   map[string]string
	service                  string // sign for it
}

func (s *server) do(q request) *httptest.ResponseRecorder {
	s.t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequest(q.method, "http://localhost:7665"+q.path, strings.NewReader(q.body))
	if q.host != "" {
		r.Host = q.host
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if q.service != "" {
		signer := s.signer
		signer.Service = q.service
		signer.Sign(r, []byte(q.body), time.Now())
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// cognito calls an operation and returns the answer's members.
func (s *server) cognito(operation, body string) (status int, out map[string]any) {
	s.t.Helper()
	w := s.do(request{method: http.MethodPost, path: "/", body: body, service: "cognito-idp", header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService." + operation,
	}})
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		s.t.Fatalf("%s answered %q: %v", operation, w.Body, err)
	}
	return w.Code, out
}

func (s *server) createPool() string {
	s.t.Helper()
	status, out := s.cognito("CreateUserPool", `{"PoolName":"p"}`)
	if status != http.StatusOK {
		s.t.Fatalf("CreateUserPool: %d %v", status, out)
	}
	return out["UserPool"].(map[string]any)["Id"].(string)
}

// devOnly are the routes of development.
var devOnly = []request{
	{path: "/_rockpool/inbox"},
	{path: "/_rockpool/inbox/a@example.com"},
	{path: "/_rockpool/clock"},
	{method: http.MethodPost, path: "/_rockpool/clock", body: `{"advance":"1h"}`},
}

func TestSec_MODE_1_ProductionHasNoDevelopmentRoutes(t *testing.T) {
	dev := start(t, rockpool.Options{})
	production := start(t, rockpool.Options{Profile: rockpool.Production, DataDir: t.TempDir()})
	for _, q := range devOnly {
		if w := dev.do(q); w.Code != http.StatusOK {
			t.Errorf("development: %s %s = %d %s", q.method, q.path, w.Code, w.Body)
		}
		if w := production.do(q); w.Code < 400 || strings.Contains(w.Body.String(), "offset") || strings.Contains(w.Body.String(), "messages") {
			t.Errorf("production: %s %s = %d %s, want a refusal", q.method, q.path, w.Code, w.Body)
		}
	}
}

func TestSec_WEB_5_OtherSitesCannotAdministerADevelopmentServer(t *testing.T) {
	s := start(t, rockpool.Options{})
	listPools := request{method: http.MethodPost, path: "/", body: `{"MaxResults":1}`, service: "cognito-idp", header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools",
	}}
	with := func(q request, name, value string) request {
		header := map[string]string{name: value}
		for k, v := range q.header {
			header[k] = v
		}
		q.header = header
		return q
	}
	signUp := request{method: http.MethodPost, path: "/", body: `{}`, header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp",
	}}
	listFunctions := request{path: "/2015-03-31/functions/", service: "lambda"}
	rebound := listPools
	rebound.host = "evil.example"
	for _, tt := range []struct {
		name    string
		q       request
		refused bool
	}{
		{"a program", listPools, false},
		{"a page of this machine", with(listPools, "Origin", "http://localhost:3000"), false},
		{"a page elsewhere", with(listPools, "Origin", "https://evil.example"), true},
		{"a sandboxed frame", with(listPools, "Origin", "null"), true},
		{"a link elsewhere, inbox", with(request{path: "/_rockpool/inbox"}, "Sec-Fetch-Site", "cross-site"), true},
		{"a page elsewhere, Lambda", with(listFunctions, "Origin", "https://evil.example"), true},
		{"a page elsewhere, inbox", with(request{path: "/_rockpool/inbox"}, "Origin", "https://evil.example"), true},
		{"a page elsewhere, a public operation", with(signUp, "Origin", "https://app.example"), false},
		{"a name that was rebound", rebound, true},
	} {
		w := s.do(tt.q)
		denied := w.Header().Get("X-Amzn-Errortype") + w.Body.String() // beside the wire there is only a body
		if refused := strings.Contains(denied, "AccessDeniedException"); refused != tt.refused {
			t.Errorf("%s: %d %s, want refused %v", tt.name, w.Code, w.Body, tt.refused)
		}
		if credentials := w.Header().Get("Access-Control-Allow-Credentials"); credentials != "" {
			t.Errorf("%s: Access-Control-Allow-Credentials %q", tt.name, credentials)
		}
	}
}

// A picture, a link or a script of a page elsewhere is a GET without an origin.
// With a signature in its address it made a stack, and a stack runs code.
func TestSec_WEB_2_APictureOfAPageElsewhereMakesNoStack(t *testing.T) {
	s := start(t, rockpool.Options{})
	const signature = "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20261127/us-east-1/cloudformation/aws4_request&X-Amz-Date=20261127T000000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=0000000000000000000000000000000000000000000000000000000000000000"
	body := url.QueryEscape(`{"Resources":{"P":{"Type":"AWS::Cognito::UserPool"}}}`)
	for _, site := range []string{"", "cross-site", "same-site", "none"} {
		for _, path := range []string{
			"/?Action=CreateStack&Version=2010-05-15&StackName=evil&TemplateBody=" + body + signature,
			"/?Action=ListStacks&Version=2010-05-15" + signature,
		} {
			header := map[string]string{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Sec-Fetch-Site": site}
			if site == "" {
				header = nil // a browser that does not tell
			}
			if w := s.do(request{path: path, header: header}); w.Code < 400 {
				t.Errorf("site %q: %.40s = %d %s", site, path, w.Code, w.Body)
			}
		}
	}
	// What only reads is refused to a page elsewhere that names no origin.
	functions := "/2015-03-31/functions/?" + strings.ReplaceAll(signature[1:], "cloudformation", "lambda")
	if w := s.do(request{path: functions, header: map[string]string{"Sec-Fetch-Site": "cross-site"}}); w.Code != http.StatusForbidden {
		t.Errorf("functions: %d %s", w.Code, w.Body)
	}
	if w := s.do(request{path: functions}); w.Code != http.StatusOK {
		t.Errorf("functions, by a program: %d %s", w.Code, w.Body)
	}
	if status, out := s.cognito("ListUserPools", `{"MaxResults":10}`); status != http.StatusOK || len(out["UserPools"].([]any)) != 0 {
		t.Errorf("pools: %d %v", status, out)
	}
}

func TestSec_OAU_7_PublishedAddressesComeFromConfiguration(t *testing.T) {
	s := start(t, rockpool.Options{PublicURL: "https://id.example.com"})
	pool := s.createPool()
	want := "https://id.example.com/" + pool
	for _, header := range []map[string]string{nil, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}} {
		w := s.do(request{path: "/" + pool + "/.well-known/openid-configuration", header: header})
		var doc struct {
			Issuer string `json:"issuer"`
			JWKS   string `json:"jwks_uri"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Issuer != want || doc.JWKS != want+"/.well-known/jwks.json" {
			t.Errorf("with %v: %d %s, want issuer %s", header, w.Code, w.Body, want)
		}
	}
	poisoned := s.do(request{path: "/" + pool + "/.well-known/openid-configuration", host: "evil.example"})
	if strings.Contains(poisoned.Body.String(), "jwks_uri") {
		t.Errorf("a foreign Host is answered: %s", poisoned.Body)
	}
}

func TestIssuer(t *testing.T) {
	for option, want := range map[string]string{
		"":    "http://localhost:7665/{id}",
		"aws": "https://cognito-idp.us-east-1.amazonaws.com/{id}",
		"https://login.example.com/{region}/{poolId}": "https://login.example.com/us-east-1/{id}",
	} {
		s := start(t, rockpool.Options{Issuer: option})
		pool := s.createPool()
		var doc struct{ Issuer string }
		w := s.do(request{path: "/" + pool + "/.well-known/openid-configuration", host: "cognito-idp.us-east-1.amazonaws.com"})
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Issuer != strings.ReplaceAll(want, "{id}", pool) {
			t.Errorf("issuer %q: got %s, want %s", option, w.Body, want)
		}
	}
}

func TestSec_SIG_2_ARepeatedRequestIsAcceptedAsByAWS(t *testing.T) {
	s := start(t, rockpool.Options{Profile: rockpool.Production, DataDir: t.TempDir(), PublicURL: "http://localhost:7665"})
	s.signer.AccessKeyID, s.signer.Secret = rootKey(t, s)
	r := httptest.NewRequest(http.MethodGet, "http://localhost:7665/2015-03-31/functions/", nil)
	signer := s.signer
	signer.Service = "lambda"
	signer.Sign(r, nil, time.Now())
	for i := range 2 {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r.Clone(t.Context()))
		if w.Code != http.StatusOK {
			t.Errorf("time %d: %d %s", i+1, w.Code, w.Body)
		}
	}
}

// rootKey reads the key that the first start wrote.
func rootKey(t *testing.T, s *server) (id, secret string) {
	t.Helper()
	w := s.log.String()
	_, rest, ok := strings.Cut(w, "file=")
	if !ok || !strings.Contains(w, "credentials") {
		t.Fatalf("no root key was announced: %s", w)
	}
	for _, line := range strings.Split(w, "\n") {
		if _, after, found := strings.Cut(line, "file="); found && strings.Contains(after, "credentials") {
			rest = after
		}
	}
	path, _, _ := strings.Cut(rest, " ")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("credentials file: %v, %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch name {
		case "aws_access_key_id":
			id = value
		case "aws_secret_access_key":
			secret = value
		}
	}
	if strings.Contains(w, secret) {
		t.Error("the log shows the secret")
	}
	return id, secret
}

func TestFirstStartRefusesAnotherDatabasesCredentials(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "credentials")
	if err := os.WriteFile(path, []byte("[rockpool]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := rockpool.New(t.Context(), rockpool.Options{Profile: rockpool.Production, DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Fatalf("New = %v, want it to say what to do", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "[rockpool]\n" {
		t.Errorf("the file was touched: %q, %v", text, err)
	}
}

func TestAccessKeys(t *testing.T) {
	dir := t.TempDir()
	s := start(t, rockpool.Options{Profile: rockpool.Production, DataDir: dir})
	if w := s.do(request{path: "/_rockpool/access-keys", service: "rockpool"}); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "UnrecognizedClient") {
		t.Errorf("an unknown key: %d %s", w.Code, w.Body)
	}
	if w := s.do(request{path: "/_rockpool/access-keys"}); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "MissingAuthenticationToken") {
		t.Errorf("no signature: %d %s", w.Code, w.Body)
	}
	root, secret := rootKey(t, s)
	s.signer.AccessKeyID, s.signer.Secret = root, secret+"x"
	if w := s.do(request{path: "/_rockpool/access-keys", service: "rockpool"}); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "InvalidSignature") {
		t.Errorf("a wrong secret: %d %s", w.Code, w.Body)
	}
	s.signer.Secret = secret
	if w := s.do(request{path: "/_rockpool/access-keys", service: "lambda"}); w.Code != http.StatusForbidden {
		t.Errorf("a signature for another service: %d %s", w.Code, w.Body)
	}
	if w := s.do(request{method: http.MethodDelete, path: "/_rockpool/access-keys/" + root, service: "rockpool"}); w.Code != http.StatusBadRequest {
		t.Errorf("deleting the last key: %d %s", w.Code, w.Body)
	}
	w := s.do(request{method: http.MethodPost, path: "/_rockpool/access-keys", body: `{"name":"ci"}`, service: "rockpool"})
	var key struct{ AccessKeyID, SecretAccessKey string }
	if err := json.Unmarshal(w.Body.Bytes(), &key); err != nil || key.SecretAccessKey == "" {
		t.Fatalf("making a key: %d %s", w.Code, w.Body)
	}
	s.signer.AccessKeyID, s.signer.Secret = key.AccessKeyID, key.SecretAccessKey
	w = s.do(request{path: "/_rockpool/access-keys", service: "rockpool"})
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), key.SecretAccessKey) || !strings.Contains(w.Body.String(), root) {
		t.Errorf("listing with the new key: %d %s", w.Code, w.Body)
	}
	if w := s.do(request{method: http.MethodDelete, path: "/_rockpool/access-keys/" + key.AccessKeyID, service: "rockpool"}); w.Code != http.StatusOK {
		t.Fatalf("deleting the key: %d %s", w.Code, w.Body)
	}
	if w := s.do(request{path: "/_rockpool/access-keys", service: "rockpool"}); w.Code != http.StatusForbidden {
		t.Errorf("a deleted key: %d %s", w.Code, w.Body)
	}
	if status, out := s.cognito("ListUserPools", `{"MaxResults":1}`); status != http.StatusBadRequest || out["__type"] != "UnrecognizedClientException" {
		t.Errorf("a deleted key on the wire: %d %v", status, out)
	}
}

func TestClockMovesExpiry(t *testing.T) {
	s := start(t, rockpool.Options{})
	for body, want := range map[string]int{
		`{"advance":"-1h"}`: 400, `{"advance":"x"}`: 400, `{}`: 400, `[`: 400, `{"advance":"1000000h"}`: 400, `{"advance":"2h"}`: 200,
	} {
		if w := s.do(request{method: http.MethodPost, path: "/_rockpool/clock", body: body}); w.Code != want {
			t.Errorf("%s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	var state struct{ Now time.Time }
	if err := json.Unmarshal(s.do(request{path: "/_rockpool/clock"}).Body.Bytes(), &state); err != nil {
		t.Fatal(err)
	}
	if ahead := time.Until(state.Now); ahead < 119*time.Minute || ahead > 121*time.Minute {
		t.Errorf("the clock is %s ahead, want 2h", ahead)
	}
	if status, out := s.cognito("ListUserPools", `{"MaxResults":1}`); status != http.StatusOK {
		t.Errorf("a development server whose clock is ahead refuses the signature: %d %v", status, out)
	}
}

func TestDownloadOfCode(t *testing.T) {
	s := start(t, rockpool.Options{})
	for _, token := range []string{"x", "AAAA", strings.Repeat("A", 200)} {
		if w := s.do(request{path: "/_rockpool/code?token=" + token}); w.Code != http.StatusForbidden {
			t.Errorf("token %q: %d %s", token, w.Code, w.Body)
		}
	}
}

func TestSec_DB_5_TheDataDirectoryIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for mode, ok := range map[os.FileMode]bool{0o777: false, 0o770: false, 0o755: true, 0o700: true} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		srv, err := rockpool.New(t.Context(), rockpool.Options{DataDir: dir})
		if (err == nil) != ok {
			t.Errorf("mode %o: New = %v", mode, err)
		}
		if err != nil {
			continue
		}
		if err := srv.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %o became %v, %v", mode, info.Mode(), err)
		}
	}
}

// The address of a package is as good as a signature for ten minutes: it opens
// the package, and no log line has it.
func TestSec_LOG_1_TheAddressOfAPackageIsNotLogged(t *testing.T) {
	s := start(t, rockpool.Options{})
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	f, err := z.Create("index.mjs")
	if err == nil {
		_, err = f.Write([]byte("export const handler = async () => 1\n"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"FunctionName": "f", "Runtime": "nodejs20.x", "Handler": "index.handler",
		"Role": "arn:aws:iam::000000000000:role/r", "Code": map[string]any{"ZipFile": packed.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := s.do(request{method: http.MethodPost, path: "/2015-03-31/functions", body: string(body), service: "lambda"}); w.Code != http.StatusCreated {
		t.Fatalf("CreateFunction: %d %s", w.Code, w.Body)
	}
	var got struct{ Code struct{ Location string } }
	w := s.do(request{path: "/2015-03-31/functions/f", service: "lambda"})
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(got.Code.Location, s.URL())
	if w := s.do(request{path: path}); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), packed.Bytes()) {
		t.Errorf("%s: %d, %d bytes; want the package", path, w.Code, w.Body.Len())
	}
	_, secret, _ := strings.Cut(path, "token=")
	if secret == "" || strings.Contains(s.log.String(), secret) {
		t.Errorf("the log has the address of the package: %s", s.log)
	}
}

func TestAnotherKeyEncryptionKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, rockpool.Options{DataDir: dir})
	s.createPool()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	kek := filepath.Join(dir, "kek")
	if err := os.Rename(kek, kek+".old"); err != nil {
		t.Fatal(err)
	}
	refused := func(o rockpool.Options) {
		t.Helper()
		if _, err := rockpool.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "key-encryption key") {
			t.Errorf("New without the database's own key = %v", err)
		}
	}
	refused(rockpool.Options{DataDir: dir})
	if _, err := os.Stat(kek); err == nil {
		t.Error("a key was made for a database that has another")
	}
	refused(rockpool.Options{DataDir: dir, KEK: strings.Repeat("ab", 32)})
	if err := os.Rename(kek+".old", kek); err != nil {
		t.Fatal(err)
	}
	start(t, rockpool.Options{DataDir: dir})
}

func TestOptionsAreCheckedBeforeAnythingStarts(t *testing.T) {
	for name, o := range map[string]rockpool.Options{
		"public URL":          {PublicURL: "localhost:7665"},
		"public URL and path": {PublicURL: "http://localhost/x"},
		"account":             {Account: "12"},
		"issuer":              {Issuer: "https://x.example/"},
		"signer":              {Signer: "openssl"},
		"isolation":           {Isolation: "some"},
		"production":          {Profile: rockpool.Production},
		"KEK":                 {KEK: "short"},
		"mail":                {Profile: rockpool.Production, DataDir: t.TempDir(), Mail: &rockpool.Mail{URL: "http://x"}},
	} {
		if srv, err := rockpool.New(t.Context(), o); err == nil {
			t.Errorf("%s: New accepted it", name)
			_ = srv.Close(t.Context()) // the failure was reported
		}
	}
}

func TestLocalTLS(t *testing.T) {
	s := start(t, rockpool.Options{DataDir: t.TempDir()})
	config, authority, err := s.LocalTLS()
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("the authority is no certificate")
	}
	srv := httptest.NewUnstartedServer(s.Handler())
	srv.TLS = config
	srv.StartTLS()
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}}}
	resp, err := client.Get(srv.URL + "/_rockpool/health/ready")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
	_, again, err := s.LocalTLS()
	if second, readErr := os.ReadFile(again); err != nil || readErr != nil || !bytes.Equal(pem, second) {
		t.Errorf("the authority changed at its second use: %v %v", err, readErr)
	}
}

func TestSec_OPS_3_AReportHasSomewhereToGo(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil || !strings.Contains(string(text), "Reporting") || !strings.Contains(string(text), "newest minor release") {
		t.Errorf("SECURITY.md lacks the reporting channel or the supported versions: %v", err)
	}
}

func TestCheckDevAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:7665": true, "localhost:0": true, "[::1]:1": true, "127.9.9.9:1": true,
		":7665": false, "0.0.0.0:7665": false, "[::]:1": false, "192.168.1.2:1": false, "example.com:1": false, "x": false,
	} {
		if err := rockpool.CheckDevAddress(address); (err == nil) != ok {
			t.Errorf("CheckDevAddress(%q) = %v", address, err)
		}
	}
}
