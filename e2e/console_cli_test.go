package e2e

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	shownCommand = regexp.MustCompile(`(?s)<details class="cli"><summary>AWS CLI</summary><pre tabindex="0"><code>(.*?)</code>`)
	pageToken    = regexp.MustCompile(`console-token" content="([0-9a-f]+)"`)
)

// TestConsoleCommandsWork runs commands that the console shows with the real
// CLI: what a form would do and what its command does are the same.
func TestConsoleCommandsWork(t *testing.T) {
	s := startServer(t)
	path := awsCLI(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	read := func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v\n%s", resp.Request.URL, resp.Status, err, body)
		}
		return string(body)
	}
	// preview asks for the commands of a form, filled in.
	preview := func(address, fields string) string {
		t.Helper()
		v, err := url.ParseQuery(fields)
		if err != nil {
			t.Fatal(err)
		}
		v.Set("console-token", pageToken.FindStringSubmatch(read(client.Get(s.URL + "/console/")))[1])
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+address, strings.NewReader(v.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Console-Preview", "1")
		return read(client.Do(req))
	}
	ran := 0
	sh := func(commands string) string {
		t.Helper()
		if !strings.HasPrefix(commands, "aws ") {
			t.Fatalf("not a command: %s", commands)
		}
		script := `set -e; export PASSWORD='Passw0rd!x'; aws() { command ` + path + ` --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"; }` + "\n" + commands
		stdout, stderr, err := s.run(t, "sh", "-c", script)
		if err != nil {
			t.Fatalf("%s\n%v %s", commands, err, stderr)
		}
		ran++
		return stdout
	}

	shown := shownCommand.FindStringSubmatch(read(client.Get(s.URL + "/console/create-pool")))
	if shown == nil {
		t.Fatal("the form of a pool shows no command")
	}
	sh(html.UnescapeString(shown[1]))
	made := sh(preview("/console/create-pool", "name=it+is&signin=email&verify=email&length=8&custom=tenantId&recovery=verified_email&selfsignup=on"))
	id := regexp.MustCompile(`us-east-1_[A-Za-z0-9]{9}`).FindString(made)
	pool := "/console/pools/" + id
	sh(preview(pool+"/create-client", "name=my+app&flow=ALLOW_USER_SRP_AUTH&flow=ALLOW_REFRESH_TOKEN_AUTH&access=5&access-unit=minutes&limit-write=on&write=email&revocation=on"))
	sh(preview(pool+"/create-group", "name=--staff&description=%60id%60+%22x%22&precedence=3"))
	sh(preview(pool+"/create-user", "attr-email=ada%40example.com&verified=on&permanent=on&password=Passw0rd!x"))
	sh(preview(pool+"/user/join", "user=ada%40example.com&group=--staff"))
	sh(preview(pool+"/user/attributes", "user=ada%40example.com&attr-custom:tenantId=it's"))
	sh(preview(pool+"/settings/password", "length=12&require=numbers"))
	sh(preview(pool+"/settings/messages", "subject=Hello&email=Your+code+is+%7B%23%23%23%23%7D"))
	sh(preview(pool+"/settings/attributes", "custom=level+Number"))
	sh(preview(pool+"/user/sign-out", "user=ada%40example.com"))

	page := read(client.Get(s.URL + pool + "/user?name=ada%40example.com"))
	for _, want := range []string{"it&#39;s", "--staff", "CONFIRMED"} {
		if !strings.Contains(page, want) {
			t.Errorf("after the commands the user's page lacks %s", want)
		}
	}
	for _, want := range []string{`value="12"`, "Hello", "custom:level"} {
		if page := read(client.Get(s.URL + pool + "/settings")); !strings.Contains(page, want) {
			t.Errorf("after the commands the settings lack %s", want)
		}
	}
	if ran != 11 {
		t.Errorf("ran %d commands", ran)
	}
}
