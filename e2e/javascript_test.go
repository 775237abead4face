package e2e

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestJavaScript runs the tests in js/ under node, each file against a server
// of its own.
func TestJavaScript(t *testing.T) {
	for _, file := range []struct {
		name   string
		server []string
		tls    bool
		want   int // tests that must pass, so that an empty run is no success
	}{
		{name: "identity", want: 12},
		{name: "verify", tls: true, want: 5},
		{name: "verifyaws", server: []string{"--issuer", "aws"}, want: 2},
		{name: "amplify", want: 3},
	} {
		t.Run(file.name, func(t *testing.T) {
			args := file.server
			if file.tls {
				args = append(args, "--tls", "auto")
			}
			s := startServer(t, args...)
			nodeTest(t, s, "js/"+file.name+".test.js", file.want)
		})
	}
}

// TestJavaScriptS3 is S3 in development, and with keys and signatures that
// count.
func TestJavaScriptS3(t *testing.T) {
	run := func(t *testing.T, s *server, env ...string) {
		// A host with a number: few machines know my-bucket.localhost.
		env = append(env, "AWS_ENDPOINT_URL="+strings.Replace(s.URL, "localhost", "127.0.0.1", 1))
		nodeTest(t, s, "js/s3.test.js", 9, env...)
	}
	t.Run("dev", func(t *testing.T) { run(t, startServer(t)) })
	t.Run("serve", func(t *testing.T) {
		s := startServerIn(t, t.TempDir(), "serve")
		id, secret := s.rootKey(t)
		run(t, s, "AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret)
	})
}

// TestJavaScriptSDK is the story with the AWS SDK for JavaScript v3.
func TestJavaScriptSDK(t *testing.T) {
	source, err := os.ReadFile("../examples/article/pretoken/index.mjs")
	if err != nil {
		t.Fatal(err)
	}
	archive := base64.StdEncoding.EncodeToString(zipped(t, map[string][]byte{"index.mjs": source}))
	nodeTest(t, startServer(t), "js/story.test.js", 4, "ARTICLE_ZIP="+archive)
}

// TestExpress drives the app of examples/express over HTTP.
func TestExpress(t *testing.T) {
	nodeTest(t, startServer(t), "js/express.test.js", 6, "EXPRESS_APP="+expressFolder(t))
}

// expressFolder is a copy of examples/express beside the packages of
// js/package-lock.json.
func expressFolder(t *testing.T) string {
	t.Helper()
	app := t.TempDir()
	if err := os.CopyFS(app, os.DirFS("../examples/express")); err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs("js/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(app, "node_modules")); err != nil { // of someone who has tried the example
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(app, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return app
}

var tapCount = regexp.MustCompile(`(?m)^# (pass|fail|skipped|todo|cancelled) (\d+)$`)

// nodeTest runs a file of tests for node and requires that as many as said
// have passed, and none was left out.
func nodeTest(t *testing.T, s *server, file string, want int, env ...string) {
	t.Helper()
	if _, err := os.Stat("js/node_modules"); err != nil {
		t.Fatal("the JavaScript clients are not there: (cd e2e/js && npm ci)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=tap", filepath.Base(file))
	cmd.Dir = filepath.Dir(file)
	cmd.WaitDelay = 2 * time.Second
	cmd.Env = s.env(append(env, "NODE_NO_WARNINGS=1")...)
	if strings.HasPrefix(s.URL, "https:") {
		cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+filepath.Join(s.DataDir, "ca.pem"))
	}
	out, err := cmd.CombinedOutput()
	got := map[string]int{}
	for _, m := range tapCount.FindAllStringSubmatch(string(out), -1) {
		got[m[1]], _ = strconv.Atoi(m[2]) // the pattern has digits only
	}
	if err != nil || got["pass"] != want || got["fail"]+got["skipped"]+got["todo"]+got["cancelled"] != 0 {
		t.Errorf("%s: %v, counted %v, want %d passed\n%s", file, err, got, want, out)
	}
}
