package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A name that is no trigger is ignored by a server, so it must stop here.
func TestParseAttachment(t *testing.T) {
	for text, want := range map[string]string{
		"pool=us-east-1_a:PreTokenGeneration":      "",
		"pool=us-east-1_a:PreTokenGeneration:V2_0": "",
		"pool=us-east-1_a:PreTokn":                 `no trigger "PreTokn"`,
		"pool=us-east-1_a:PreTokenGeneration:V4_0": "V1_0, V2_0 and V3_0",
		"pool=us-east-1_a":                         "need pool=",
		"us-east-1_a:PreTokenGeneration":           "need pool=",
	} {
		_, err := parseAttachment(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Nothing is deployed for a pool in another region: no request is made.
func TestDeployRefusesOtherRegion(t *testing.T) {
	asked := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "f.mjs")
	if err := os.WriteFile(file, []byte("export const handler = async (e) => e"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run([]string{"function", "deploy", file, "--endpoint", srv.URL, "--region", "eu-west-1", "--trigger", "pool=us-east-1_a:PreTokenGeneration"}, nil, &stdout, &stderr)
	if code != exitMisused || asked || !strings.Contains(stderr.String(), "--region us-east-1") {
		t.Errorf("exit %d, asked %v: %s", code, asked, &stderr)
	}
}

// In development the server's clock decides whether a token has expired.
func TestDecodeUsesTheServersClock(t *testing.T) {
	now := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/_rockpool/clock" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"now":%q,"offset":"2h0m0s"}`, now.Add(2*time.Hour).Format(time.RFC3339))
	}))
	defer srv.Close()
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	raw := part(`{"alg":"RS256","kid":"k"}`) + "." + part(fmt.Sprintf(`{"exp":%d}`, now.Add(time.Hour).Unix())) + "." + part("signature")
	for _, offline := range []bool{false, true} {
		args := []string{"token", "decode", "--endpoint", srv.URL, fmt.Sprintf("--offline=%v", offline), raw}
		var stdout, stderr bytes.Buffer
		code := run(args, nil, &stdout, &stderr)
		if expired := strings.Contains(stdout.String(), "\nEXPIRED "); expired == offline || (code == 0) != offline {
			t.Errorf("offline %v: exit %d, %s%s", offline, code, &stdout, &stderr)
		}
	}
}

// The authority of --tls auto is trusted when it is named, and only then.
func TestClientTrustsNamedAuthority(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"messages":[]}`) }))
	defer srv.Close()
	folder := t.TempDir()
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		bundle string
		code   int
		says   string
	}{{"", exitFailed, "export AWS_CA_BUNDLE="}, {ca, 0, ""}, {ca + ".none", exitFailed, "authority: "}} {
		t.Setenv("AWS_CA_BUNDLE", c.bundle)
		var stdout, stderr bytes.Buffer
		if code := run([]string{"inbox", "--endpoint", srv.URL}, nil, &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("bundle %q: exit %d, %s", c.bundle, code, &stderr)
		}
	}
}

// What is misused says so before a server is started.
func TestServerRefusals(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"dev", "--listen", "127.0.0.1:0", "--node", "/nowhere/node"}, exitMisused, "built-in engine"},
		{[]string{"demo", "--node", "/nowhere/node"}, exitMisused, "built-in engine"},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--mail", "smtp://127.0.0.1"}, exitMisused, "--mail needs --mail-from"},
		{[]string{"dev", "--listen", srv.Listener.Addr().String()}, exitFailed, "choose another port with --listen"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(c.args, nil, &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%v: exit %d, %s", c.args, code, &stderr)
		}
	}
}

// A production server refuses what is for development, and who it does not
// know; both are told what would help.
func TestHintsOfRefusals(t *testing.T) {
	answer := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":"No."}`, answer)
	}))
	defer srv.Close()
	for _, c := range []struct{ answer, verb, says string }{
		{"BadRequest", "inbox", "only a development server"},
		{"BadRequest", "clock", "only a development server"},
		{"UnrecognizedClientException", "inbox", "--data-dir DIR"},
	} {
		answer = c.answer
		var stdout, stderr bytes.Buffer
		if code := run([]string{c.verb, "--endpoint", srv.URL}, nil, &stdout, &stderr); code != exitFailed || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%s, %s: exit %d, %s", c.verb, c.answer, code, &stderr)
		}
	}
}

// A client that prefers HTTP/2, as curl and the SDKs do, is answered over TLS.
func TestTLSAnswersClientsOfHTTP2(t *testing.T) {
	folder := t.TempDir()
	file, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log := &readyLog{file: file, url: make(chan string, 1)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		cmd := newRootCommand()
		cmd.SetArgs([]string{"dev", "--tls", "auto", "--data-dir", folder, "--listen", "127.0.0.1:0", "--log", "json", "--node", "none"})
		cmd.SetErr(log)
		ended <- cmd.ExecuteContext(ctx)
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var url string
	select {
	case url = <-log.url:
	case <-time.After(serverTimeout):
		t.Fatal("not ready")
	}
	authority, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
	}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(url + "/_rockpool/health/ready")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
}
