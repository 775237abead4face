package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// tool runs a deployment tool of tools/package-lock.json in a folder of its
// app, against a server.
type tool struct {
	*cli
	name, dir string
}

// newTool copies an app beside the tools' packages: tools write into its folder.
func newTool(t *testing.T, c *cli, name, app string) *tool {
	t.Helper()
	modules, err := filepath.Abs("tools/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, ".bin", name)); err != nil {
		t.Fatal("the deployment tools are not there: (cd e2e/tools && npm ci --ignore-scripts)")
	}
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, app), os.DirFS(filepath.Join("tools", app))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(root, "node_modules")); err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile("tools/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "package-lock.json"), lock, 0o600); err != nil {
		t.Fatal(err)
	}
	return &tool{cli: c, name: name, dir: filepath.Join(root, app)}
}

// run runs a command of the tool, which must succeed, and returns what it says.
func (d *tool) run(args ...string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("..", "node_modules", ".bin", d.name), args...)
	cmd.Dir = d.dir
	cmd.WaitDelay = 2 * time.Second
	home := d.t.TempDir() // what the tools remember is nobody else's
	// By its number, since S3 clients put a bucket's name before a host's and
	// most machines do not know bucket.localhost. Nothing is asked of anybody
	// but the server.
	cmd.Env = d.env("AWS_ENDPOINT_URL="+strings.Replace(d.URL, "localhost", "127.0.0.1", 1), "HOME="+home, "NODE_NO_WARNINGS=1", "CI=1", "CDK_DISABLE_VERSION_CHECK=1", "CDK_DISABLE_CLI_TELEMETRY=1",
		"SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off", "SLS_ANALYTICS_DISABLED=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s", d.name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// signInClaims makes a user of a stack's pool and returns what the user's
// tokens say.
func (c *cli) signInClaims(s stack) (id, access token.Claims) {
	c.t.Helper()
	p := &pool{server: c.server, idp: c.cognito(), id: s.output("UserPoolId"), clientID: s.output("ClientId")}
	p.addUser(c.t, "jane@example.com", map[string]string{
		"email": "jane@example.com", "email_verified": "true", "custom:tenantId": "acme", "custom:department": "42",
	})
	tokens := p.mustSignIn(c.t, "jane@example.com")
	return p.claims(c.t, *tokens.IdToken, token.ID), p.claims(c.t, *tokens.AccessToken, token.Access)
}

// TestCDK bootstraps, deploys, compares, updates and destroys an app of the AWS
// CDK whose pool has a V2_0 trigger that is bundled from two files.
func TestCDK(t *testing.T) {
	t.Parallel()
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}
	cdk := newTool(t, c, "cdk", "cdk-app")
	// One synthesis serves all commands but the update.
	cdk.run("synth", "--quiet", "--no-notices", "--output", "first.out")
	app := []string{"--no-notices", "--app", "first.out"}

	cdk.run(append(app, "bootstrap")...)
	var version struct{ Parameter struct{ Value string } }
	c.do(&version, "ssm", "get-parameter", "--name", "/cdk-bootstrap/hnb659fds/version")
	if version.Parameter.Value == "" {
		t.Error("the bootstrap left no version")
	}
	if out := cdk.run(append(app, "bootstrap")...); !strings.Contains(out, "(no changes)") {
		t.Errorf("a second bootstrap changed something:\n%s", out)
	}

	cdk.run(append(app, "deploy", "--require-approval", "never", "--outputs-file", "outputs.json")...)
	var outputs map[string]struct{ UserPoolId, ClientId string }
	text, err := os.ReadFile(filepath.Join(cdk.dir, "outputs.json"))
	if err == nil {
		err = json.Unmarshal(text, &outputs)
	}
	s := c.stack("People")
	if err != nil || outputs["People"].UserPoolId == "" || outputs["People"].UserPoolId != s.output("UserPoolId") {
		t.Fatalf("the outputs are %s, %v", text, err)
	}
	id, access := c.signInClaims(s)
	for _, claims := range []token.Claims{id, access} {
		if claims.String("tenantId") != "acme" || claims.String("departmentId") != "42" {
			t.Errorf("a token says tenantId %q, departmentId %q", claims.String("tenantId"), claims.String("departmentId"))
		}
	}
	if out := cdk.run(append(app, "diff")...); !strings.Contains(out, "There were no differences") {
		t.Errorf("diff after deploy says\n%s", out)
	}

	changed := []string{"--no-notices", "--context", "claim=dept"}
	if out := cdk.run(append(changed, "diff")...); !strings.Contains(out, "departmentId") || !strings.Contains(out, "dept") {
		t.Errorf("diff before the update says\n%s", out)
	}
	cdk.run(append(changed, "deploy", "--require-approval", "never")...)
	p := &pool{server: c.server, idp: c.cognito(), id: s.output("UserPoolId"), clientID: s.output("ClientId")}
	after := p.claims(t, *p.mustSignIn(t, "jane@example.com").AccessToken, token.Access)
	if after.String("dept") != "42" || after.Has("departmentId") {
		t.Errorf("after the update the access token says %v", after)
	}

	cdk.run(append(app, "destroy", "--force")...)
	c.refused("does not exist", "cloudformation", "describe-stacks", "--stack-name", "People")
	c.refused("ResourceNotFoundException", "cognito-idp", "describe-user-pool", "--user-pool-id", p.id)
}

// TestOSLS deploys and removes a service of osls with a function for a pool's
// event.
func TestOSLS(t *testing.T) {
	t.Parallel()
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}
	osls := newTool(t, c, "osls", "osls-app")
	osls.run("deploy")
	s := c.stack("people-dev")
	id, access := c.signInClaims(s)
	if id.String("tenantId") != "acme" || id.String("departmentId") != "42" || access.Has("tenantId") {
		t.Errorf("the ID token says tenantId %q, departmentId %q; the access token has tenantId: %v", id.String("tenantId"), id.String("departmentId"), access.Has("tenantId"))
	}
	if out := osls.run("deploy"); !strings.Contains(out, "No changes to deploy") {
		t.Errorf("a second deployment changed something:\n%s", out)
	}
	osls.run("remove")
	c.refused("does not exist", "cloudformation", "describe-stacks", "--stack-name", "people-dev")
	c.refused("ResourceNotFoundException", "cognito-idp", "describe-user-pool", "--user-pool-id", s.output("UserPoolId"))
	c.refused("ResourceNotFoundException", "lambda", "get-function", "--function-name", "people-dev-claims")
}
