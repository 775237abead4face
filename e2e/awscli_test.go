package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// awsCLI returns an AWS CLI that works: a shim of a Python version manager
// answers to "aws" and is none.
func awsCLI(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"aws", "/usr/bin/aws", "/usr/local/bin/aws"} {
		if exec.Command(name, "--version").Run() == nil {
			return name
		}
	}
	t.Fatal("no AWS CLI works here: apt-get install awscli")
	return ""
}

// cli runs an AWS CLI against a server.
type cli struct {
	*server
	t     *testing.T
	path  string
	calls int
}

// do runs a command and decodes what it prints. Older CLIs do not know
// AWS_ENDPOINT_URL, so the endpoint is an option.
func (c *cli) do(out any, args ...string) {
	c.t.Helper()
	stdout, stderr, err := c.run(c.t, c.path, append([]string{"--endpoint-url", c.URL, "--output", "json"}, args...)...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	c.calls++
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(stdout), out); err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, stdout)
	}
}

// refused runs a command that must fail with an error of the API.
func (c *cli) refused(want string, args ...string) {
	c.t.Helper()
	_, stderr, err := c.run(c.t, c.path, append([]string{"--endpoint-url", c.URL}, args...)...)
	if err == nil || !strings.Contains(stderr, want) {
		c.t.Errorf("aws %s: got %v %q, want %s", strings.Join(args, " "), err, stderr, want)
	}
	c.calls++
}

// TestAWSCLI is the whole story with the AWS CLI.
func TestAWSCLI(t *testing.T) {
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}

	var made struct{ UserPool struct{ Id, Arn string } }
	c.do(&made, "cognito-idp", "create-user-pool", "--pool-name", "article", "--schema",
		"Name=tenantId,AttributeDataType=String,Mutable=true", "Name=department,AttributeDataType=String,Mutable=true")
	id := made.UserPool.Id
	var client struct{ UserPoolClient struct{ ClientId string } }
	c.do(&client, "cognito-idp", "create-user-pool-client", "--user-pool-id", id, "--client-name", "web",
		"--explicit-auth-flows", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
	c.do(nil, "cognito-idp", "admin-create-user", "--user-pool-id", id, "--username", "jane", "--message-action", "SUPPRESS",
		"--user-attributes", "Name=email,Value=jane@example.com", "Name=email_verified,Value=true",
		"Name=custom:tenantId,Value=acme", "Name=custom:department,Value=42")
	c.do(nil, "cognito-idp", "admin-create-user", "--user-pool-id", id, "--username", "bob", "--message-action", "SUPPRESS",
		"--user-attributes", "Name=email,Value=bob@example.com")
	c.do(nil, "cognito-idp", "admin-set-user-password", "--user-pool-id", id,
		"--username", "jane", "--password", password, "--permanent")

	archive := filepath.Join(t.TempDir(), "pretoken.zip")
	source, err := os.ReadFile("../examples/article/pretoken/index.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(archive, zipped(t, map[string][]byte{"index.mjs": source}), 0o600); err != nil {
		t.Fatal(err)
	}
	var function struct{ FunctionArn, State string }
	c.do(&function, "lambda", "create-function", "--function-name", "pretoken", "--runtime", "nodejs18.x",
		"--handler", "index.handler", "--role", "arn:aws:iam::000000000000:role/lambda", "--zip-file", "fileb://"+archive)
	if function.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:pretoken" {
		t.Errorf("the function's ARN is %q", function.FunctionArn)
	}
	signIn := []string{"cognito-idp", "initiate-auth", "--client-id", client.UserPoolClient.ClientId,
		"--auth-flow", "USER_PASSWORD_AUTH", "--auth-parameters", "USERNAME=jane,PASSWORD=" + password}

	// Attached but not permitted: sign-in fails closed.
	c.do(nil, "cognito-idp", "update-user-pool", "--user-pool-id", id, "--lambda-config", "PreTokenGeneration="+function.FunctionArn)
	c.refused("UnexpectedLambdaException", signIn...)
	c.do(nil, "lambda", "add-permission", "--function-name", "pretoken", "--statement-id", "cognito",
		"--action", "lambda:InvokeFunction", "--principal", "cognito-idp.amazonaws.com", "--source-arn", made.UserPool.Arn)

	var signedIn struct {
		AuthenticationResult struct{ IdToken, AccessToken, RefreshToken, TokenType string }
	}
	c.do(&signedIn, signIn...)
	p := &pool{server: c.server, id: id}
	got := p.claims(t, signedIn.AuthenticationResult.IdToken, token.ID)
	for name, want := range map[string]string{
		"tenantId": "acme", "departmentId": "42", "custom:tenantId": "acme", "cognito:username": "jane",
		"aud": client.UserPoolClient.ClientId, "iss": c.URL + "/" + id,
	} {
		if got.String(name) != want {
			t.Errorf("%s in the ID token is %q, want %q", name, got.String(name), want)
		}
	}
	if access := p.claims(t, signedIn.AuthenticationResult.AccessToken, token.Access); access.Has("tenantId") {
		t.Error("a V1 function changed the access token")
	}

	var me struct {
		Username       string
		UserAttributes []struct{ Name, Value string }
	}
	c.do(&me, "cognito-idp", "get-user", "--access-token", signedIn.AuthenticationResult.AccessToken)
	if me.Username != "jane" || len(me.UserAttributes) != 5 {
		t.Errorf("get-user says %+v", me)
	}
	var users struct {
		Users []struct{ Username, UserStatus string }
	}
	c.do(&users, "cognito-idp", "list-users", "--user-pool-id", id, "--filter", `email ^= "jane@"`)
	if len(users.Users) != 1 || users.Users[0].Username != "jane" || users.Users[0].UserStatus != "CONFIRMED" {
		t.Errorf(`list-users of email ^= "jane@": %+v`, users)
	}
	c.do(&users, "cognito-idp", "list-users", "--user-pool-id", id, "--page-size", "1")
	if len(users.Users) != 2 {
		t.Errorf("list-users in pages of one: %+v", users)
	}

	c.do(nil, "cognito-idp", "create-group", "--user-pool-id", id, "--group-name", "staff", "--precedence", "3")
	c.do(nil, "cognito-idp", "admin-add-user-to-group", "--user-pool-id", id, "--group-name", "staff", "--username", "jane")
	c.do(&users, "cognito-idp", "list-users-in-group", "--user-pool-id", id, "--group-name", "staff")
	if len(users.Users) != 1 || users.Users[0].Username != "jane" {
		t.Errorf("list-users-in-group: %+v", users)
	}
	c.do(&signedIn, "cognito-idp", "initiate-auth", "--client-id", client.UserPoolClient.ClientId,
		"--auth-flow", "REFRESH_TOKEN_AUTH", "--auth-parameters", "REFRESH_TOKEN="+signedIn.AuthenticationResult.RefreshToken)
	refreshed := p.claims(t, signedIn.AuthenticationResult.IdToken, token.ID)
	if groups, _ := refreshed.Get("cognito:groups"); string(groups) != `["staff"]` || refreshed.String("tenantId") != "acme" {
		t.Errorf("after the refresh: cognito:groups %s, tenantId %q", groups, refreshed.String("tenantId"))
	}
	c.refused("NotAuthorizedException", "cognito-idp", "initiate-auth", "--client-id", client.UserPoolClient.ClientId,
		"--auth-flow", "USER_PASSWORD_AUTH", "--auth-parameters", "USERNAME=jane,PASSWORD=wrong")
	if c.calls < 17 {
		t.Errorf("%d calls were made, want 17", c.calls)
	}
}

// TestArticleScript runs the script that the README of the example names.
func TestArticleScript(t *testing.T) {
	s := startServer(t)
	if _, err := exec.LookPath("zip"); err != nil {
		t.Fatal("the script needs zip: apt-get install zip")
	}
	t.Setenv("PATH", filepath.Dir(mustLookPath(t, awsCLI(t)))+":"+os.Getenv("PATH"))
	stdout, stderr, err := s.run(t, "../examples/article/story.sh")
	if err != nil {
		t.Fatalf("story.sh: %v\n%s", err, stderr)
	}
	seen := map[string]token.Claims{}
	for line := range strings.Lines(stdout) {
		if when, raw, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			_, claims, err := token.Peek(raw)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			seen[when] = claims
		}
	}
	if len(seen) != 2 || seen["before"].Has("tenantId") || seen["after"].String("tenantId") != "acme" || seen["after"].String("departmentId") != "42" {
		t.Errorf("story.sh printed %s", stdout)
	}
}

func mustLookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// unix returns a time claim.
func unix(t *testing.T, c token.Claims, name string) time.Time {
	t.Helper()
	seconds, ok := c.Int(name)
	if !ok {
		t.Fatalf("the token has no %s", name)
	}
	return time.Unix(seconds, 0)
}
