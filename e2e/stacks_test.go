package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/rockpoolhq/rockpool/internal/token"
)

const articleTemplate = "../examples/cloudformation/template.yaml"

// stack is a stack as describe-stacks shows it.
type stack struct {
	StackId, StackName, StackStatus, StackStatusReason string
	Outputs                                            []struct{ OutputKey, OutputValue string }
}

func (s stack) output(key string) string {
	for _, o := range s.Outputs {
		if o.OutputKey == key {
			return o.OutputValue
		}
	}
	return ""
}

func (c *cli) stack(name string) stack {
	c.t.Helper()
	var out struct{ Stacks []stack }
	c.do(&out, "cloudformation", "describe-stacks", "--stack-name", name)
	return out.Stacks[0]
}

// settled waits until nothing goes on in a stack and requires a status.
func (c *cli) settled(name, status string) stack {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		s := c.stack(name)
		if !strings.HasSuffix(s.StackStatus, "_IN_PROGRESS") {
			if s.StackStatus != status {
				c.t.Fatalf("stack %s is %s (%s), want %s\n%s", name, s.StackStatus, s.StackStatusReason, status, strings.Join(c.events(name), "\n"))
			}
			return s
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("stack %s is still %s", name, s.StackStatus)
		}
	}
}

// events lists what happened to a stack, the newest first.
func (c *cli) events(name string) (list []string) {
	c.t.Helper()
	var out struct {
		StackEvents []struct{ LogicalResourceId, ResourceStatus, ResourceStatusReason string }
	}
	c.do(&out, "cloudformation", "describe-stack-events", "--stack-name", name)
	for _, e := range out.StackEvents {
		list = append(list, e.LogicalResourceId+" "+e.ResourceStatus+" "+e.ResourceStatusReason)
	}
	return list
}

// deploy is what a person types, and prints what happened.
func (c *cli) deploy(template string, parameters ...string) stack {
	c.t.Helper()
	args := []string{"--endpoint-url", c.URL, "cloudformation", "deploy", "--stack-name", "shop", "--template-file", template, "--no-fail-on-empty-changeset"}
	if len(parameters) > 0 {
		args = append(append(args, "--parameter-overrides"), parameters...)
	}
	stdout, stderr, err := c.run(c.t, c.path, args...)
	if err != nil {
		c.t.Fatalf("aws cloudformation deploy: %v\n%s%s\n%s", err, stdout, stderr, strings.Join(c.events("shop"), "\n"))
	}
	return c.stack("shop")
}

// TestCloudFormation deploys the example with the AWS CLI, runs the Express app
// on its outputs, and updates the stack with the trigger while the app runs.
func TestCloudFormation(t *testing.T) {
	t.Parallel()
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}
	first := c.deploy(articleTemplate, "Trigger=no")
	app := startExpress(t, c.server, "USER_POOL_ID="+first.output("UserPoolId"), "CLIENT_ID="+first.output("ClientId"), "CLIENT_SECRET="+first.output("ClientSecret"))
	p := &pool{server: c.server, idp: c.cognito(), id: first.output("UserPoolId"), clientID: first.output("ClientId")}

	ada := map[string]string{"username": "ada@example.com", "email": "ada@example.com", "password": password}
	app.post(t, "/signup", map[string]string{"username": "bob@example.com", "email": "bob@example.com", "password": "Short-1"}, http.StatusBadRequest)
	app.post(t, "/signup", ada, http.StatusCreated)
	app.post(t, "/confirm", map[string]string{"username": "ada@example.com", "code": c.code(t, "ada@example.com")}, http.StatusNoContent)
	before := app.post(t, "/signin", ada, http.StatusOK)
	if claims := p.claims(t, before["idToken"], token.ID); claims.Has("tenantId") || claims.String("email") != "ada@example.com" {
		t.Errorf("before the trigger the ID token says %v", claims)
	}
	c.refused("NotAuthorizedException", "cognito-idp", "update-user-attributes", "--access-token", before["accessToken"],
		"--user-attributes", "Name=custom:tenantId,Value=other")
	c.do(nil, "cognito-idp", "admin-update-user-attributes", "--user-pool-id", p.id, "--username", "ada@example.com",
		"--user-attributes", "Name=custom:tenantId,Value=acme", "Name=custom:department,Value=42")

	second := c.deploy(articleTemplate, "Trigger=yes")
	if second.StackStatus != "UPDATE_COMPLETE" || !slices.Equal(first.Outputs, second.Outputs) {
		t.Errorf("after the update the stack is %+v, before it was %+v", second, first)
	}
	after := app.post(t, "/signin", ada, http.StatusOK)
	for use, raw := range map[token.Use]string{token.ID: after["idToken"], token.Access: after["accessToken"]} {
		if claims := p.claims(t, raw, use); claims.String("tenantId") != "acme" || claims.String("departmentId") != "42" {
			t.Errorf("%s token: tenantId %q, departmentId %q", use, claims.String("tenantId"), claims.String("departmentId"))
		}
	}

	// Nothing to do is no error for deploy, and one for update-stack.
	c.deploy(articleTemplate, "Trigger=yes")
	c.refused("No updates are to be performed", "cloudformation", "update-stack", "--stack-name", "shop", "--use-previous-template",
		"--parameters", "ParameterKey=Trigger,UsePreviousValue=true")

	c.do(nil, "cloudformation", "delete-stack", "--stack-name", "shop")
	c.settled(first.StackId, "DELETE_COMPLETE")
	c.refused("ResourceNotFoundException", "cognito-idp", "describe-user-pool", "--user-pool-id", p.id)
	c.refused("does not exist", "cloudformation", "describe-stacks", "--stack-name", "shop")
}

// TestStackRollback fails an update once everything else of it is done, and
// requires that every description is what it was, to the byte.
func TestStackRollback(t *testing.T) {
	t.Parallel()
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}
	s := c.deploy(articleTemplate)
	text, err := os.ReadFile(articleTemplate)
	if err != nil {
		t.Fatal(err)
	}
	before := c.descriptions(s)
	changed := strings.NewReplacer(
		"MinimumLength: 10", "MinimumLength: 12", "GroupName: staff, Precedence: 10", "GroupName: crew, Precedence: 11",
		"departmentId:", "dept:", "GenerateSecret: true", "GenerateSecret: false",
		"\nOutputs:", "\n  Broken:\n    Type: AWS::Cognito::UserPoolClient\n    DependsOn: [Pool, Client, Admins, Staff, Claims, PoolMayCall]\n"+
			"    Properties: {UserPoolId: !Ref Pool, ExplicitAuthFlows: [NO_SUCH_FLOW]}\n\nOutputs:",
	).Replace(string(text))
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	c.do(nil, "cloudformation", "update-stack", "--stack-name", "shop", "--template-body", "file://"+broken)
	c.settled("shop", "UPDATE_ROLLBACK_COMPLETE")
	if after := c.descriptions(s); after != before {
		t.Errorf("before:\n%s\nafter the rollback:\n%s", before, after)
	}
	events := c.events("shop")
	for _, want := range []string{"Broken CREATE_FAILED", "Staff UPDATE_COMPLETE", "Client UPDATE_COMPLETE", "shop UPDATE_ROLLBACK_IN_PROGRESS"} {
		if !slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, want) }) {
			t.Errorf("there is no event %s:\n%s", want, strings.Join(events, "\n"))
		}
	}
	if !slices.ContainsFunc(events, func(e string) bool {
		return strings.HasPrefix(e, "Broken CREATE_FAILED") && strings.Contains(e, "NO_SUCH_FLOW")
	}) {
		t.Error("no event says what was wrong with the client")
	}

	// What there is no type for is refused before anything is made.
	domain := filepath.Join(t.TempDir(), "domain.yaml")
	if err := os.WriteFile(domain, []byte(strings.Replace(string(text), "\nOutputs:", "\n  Domain:\n    Type: AWS::Cognito::UserPoolDomain\n    Properties: {UserPoolId: !Ref Pool, Domain: people}\n\nOutputs:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.refused("AWS::Cognito::UserPoolDomain", "cloudformation", "create-stack", "--stack-name", "other", "--template-body", "file://"+domain)
	c.refused("does not exist", "cloudformation", "describe-stacks", "--stack-name", "other")
}

// descriptions is what the services say of a stack's resources, without when
// they were changed last and what names that change.
func (c *cli) descriptions(s stack) string {
	c.t.Helper()
	var function struct {
		StackResourceDetail struct{ PhysicalResourceId string }
	}
	c.do(&function, "cloudformation", "describe-stack-resource", "--stack-name", s.StackId, "--logical-resource-id", "Claims")
	poolID, name := s.output("UserPoolId"), function.StackResourceDetail.PhysicalResourceId
	var all []any
	for _, args := range [][]string{
		{"cognito-idp", "describe-user-pool", "--user-pool-id", poolID},
		{"cognito-idp", "list-user-pool-clients", "--user-pool-id", poolID},
		{"cognito-idp", "describe-user-pool-client", "--user-pool-id", poolID, "--client-id", s.output("ClientId")},
		{"cognito-idp", "list-groups", "--user-pool-id", poolID},
		{"lambda", "get-function-configuration", "--function-name", name},
		{"lambda", "get-policy", "--function-name", name},
		{"lambda", "list-functions"},
	} {
		var out any
		c.do(&out, args...)
		all = append(all, out)
	}
	text, err := json.MarshalIndent(withoutChange(all), "", " ")
	if err != nil {
		c.t.Fatal(err)
	}
	if len(text) < 2000 || !bytes.Contains(text, []byte("CodeSha256")) {
		c.t.Fatalf("the descriptions are not whole:\n%s", text)
	}
	return string(text)
}

func withoutChange(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range []string{"LastModifiedDate", "LastModified", "RevisionId"} {
			delete(v, k)
		}
		for k := range v {
			v[k] = withoutChange(v[k])
		}
	case []any:
		for i := range v {
			v[i] = withoutChange(v[i])
		}
	}
	return v
}

// manyClients is a template with many clients of one pool, all of one name, so
// that none can be told from another by it.
func manyClients(n int, flow string) string {
	var b strings.Builder
	b.WriteString("Resources:\n  Pool:\n    Type: AWS::Cognito::UserPool\n    Properties: {UserPoolName: kill}\n")
	for i := range n {
		fmt.Fprintf(&b, "  Client%d:\n    Type: AWS::Cognito::UserPoolClient\n    Properties: {UserPoolId: !Ref Pool, ClientName: twin, AccessTokenValidity: %d, ExplicitAuthFlows: [%s]}\n", i, 1+i%24, flow)
	}
	return b.String()
}

// TestKillDuringStackOperations kills the server in the middle of a creation,
// of an update and of a deletion. The next process on the same data finishes
// each, and nothing is there twice.
func TestKillDuringStackOperations(t *testing.T) {
	t.Parallel()
	const clients = 250
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file://" + path
	}
	data := t.TempDir()
	c := &cli{server: startServerIn(t, data, "dev"), t: t, path: awsCLI(t)}
	poolID, id := "", ""
	// killWhen kills the server as soon as enough clients are so, starts
	// another one, and waits for the end that is wanted.
	killWhen := func(what, want string, enough func(idp *cip.Client) bool, args ...string) {
		t.Helper()
		began := make(chan error, 1)
		go func() {
			cmd := exec.Command(c.path, append([]string{"--endpoint-url", c.URL}, args...)...)
			cmd.Env = append(c.env(), "AWS_MAX_ATTEMPTS=1")
			began <- cmd.Run()
		}()
		idp := c.cognito()
		for deadline := time.Now().Add(time.Minute); ; {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not in the middle in a minute", what)
			}
			if poolID == "" {
				list, err := idp.ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)})
				if err != nil {
					t.Fatal(err)
				}
				if len(list.UserPools) == 0 {
					continue
				}
				poolID = *list.UserPools[0].Id
			}
			if enough(idp) {
				break
			}
		}
		c.kill()
		killed := time.Now()
		<-began // whether the request was answered does not matter
		c.server = startServerIn(t, data, "dev")
		name := "kill"
		if id != "" {
			name = id // of a stack that is deleted only this is known
		}
		id = c.settled(name, want).StackId
		var events struct {
			StackEvents []struct{ Timestamp time.Time }
		}
		c.do(&events, "cloudformation", "describe-stack-events", "--stack-name", id)
		if ended := events.StackEvents[0].Timestamp; !ended.After(killed) {
			// On a busy machine a deletion may be over before we have seen it
			// begin.
			report := t.Errorf
			if what == "delete" {
				report = t.Logf
			}
			report("%s ended at %s, before the kill at %s: it was not killed in the middle", what, ended, killed)
		}
	}

	killWhen("create", "CREATE_COMPLETE", func(idp *cip.Client) bool { return countClients(t, idp, poolID) > 10 },
		"cloudformation", "create-stack", "--stack-name", "kill", "--template-body", write("create.yaml", manyClients(clients, "ALLOW_ADMIN_USER_PASSWORD_AUTH")))
	physical := c.physicalIDs("kill", clients+1)
	if flows := clientFlows(t, c.server, poolID); flows["ALLOW_ADMIN_USER_PASSWORD_AUTH"] != clients || flows[""] != clients {
		t.Errorf("after the creation there are clients %v, want %d", flows, clients)
	}

	killWhen("update", "UPDATE_COMPLETE", func(idp *cip.Client) bool { return anyUpdated(t, idp, poolID) },
		"cloudformation", "update-stack", "--stack-name", "kill", "--template-body", write("update.yaml", manyClients(clients, "ALLOW_USER_PASSWORD_AUTH")))
	if flows := clientFlows(t, c.server, poolID); flows["ALLOW_USER_PASSWORD_AUTH"] != clients || flows[""] != clients {
		t.Errorf("after the update there are clients %v, want %d", flows, clients)
	}
	if got := c.physicalIDs("kill", clients+1); !slices.Equal(got, physical) {
		t.Error("the update replaced clients")
	}

	killWhen("delete", "DELETE_COMPLETE", func(idp *cip.Client) bool { return countClients(t, idp, poolID) < clients-5 }, "cloudformation", "delete-stack", "--stack-name", "kill")
	list, err := c.cognito().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)})
	if err != nil || len(list.UserPools) != 0 {
		t.Errorf("after the deletion there are pools %v, %v", list, err)
	}
}

// countClients counts the clients of a pool, 0 if it is deleted.
func countClients(t *testing.T, idp *cip.Client, poolID string) (n int) {
	t.Helper()
	pages := cip.NewListUserPoolClientsPaginator(idp, &cip.ListUserPoolClientsInput{UserPoolId: &poolID, MaxResults: aws.Int32(60)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if notFound := (*types.ResourceNotFoundException)(nil); errors.As(err, &notFound) {
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.UserPoolClients)
	}
	return n
}

// anyUpdated reports whether one of a few clients of a pool has the flow of the
// update.
func anyUpdated(t *testing.T, idp *cip.Client, poolID string) bool {
	t.Helper()
	page, err := idp.ListUserPoolClients(t.Context(), &cip.ListUserPoolClientsInput{UserPoolId: &poolID, MaxResults: aws.Int32(8)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.UserPoolClients {
		d, err := idp.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &poolID, ClientId: c.ClientId})
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(d.UserPoolClient.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowUserPasswordAuth) {
			return true
		}
	}
	return false
}

// clientFlows counts the clients of a pool by their flow; "" are all.
func clientFlows(t *testing.T, s *server, poolID string) map[string]int {
	t.Helper()
	idp, got := s.cognito(), map[string]int{}
	pages := cip.NewListUserPoolClientsPaginator(idp, &cip.ListUserPoolClientsInput{UserPoolId: &poolID, MaxResults: aws.Int32(60)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.UserPoolClients {
			got[""]++
			d, err := idp.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &poolID, ClientId: c.ClientId})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range d.UserPoolClient.ExplicitAuthFlows {
				got[string(f)]++
			}
		}
	}
	return got
}

// physicalIDs lists the physical ids of a stack and requires that they differ.
func (c *cli) physicalIDs(name string, want int) (ids []string) {
	c.t.Helper()
	var out struct {
		StackResourceSummaries []struct{ PhysicalResourceId, ResourceStatus string }
	}
	c.do(&out, "cloudformation", "list-stack-resources", "--stack-name", name)
	for _, r := range out.StackResourceSummaries {
		ids = append(ids, r.PhysicalResourceId)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); len(ids) != want || n != want {
		c.t.Errorf("the stack has %d resources, %d of them different, want %d", len(ids), n, want)
	}
	return ids
}

// expressApp is the app of examples/express, as a process.
type expressApp struct{ base string }

// startExpress starts the app from a copy beside the packages of
// js/package-lock.json.
func startExpress(t *testing.T, s *server, settings ...string) *expressApp {
	t.Helper()
	cmd := exec.Command("node", "server.js")
	cmd.Dir = expressFolder(t)
	cmd.Env = s.env(append(settings, "PORT=0", "NODE_NO_WARNINGS=1")...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended: Wait tells
		_, _ = io.Copy(io.Discard, stdout)      // to its end, as Wait requires
		if err := cmd.Wait(); err != nil {
			t.Errorf("the Express app ended with %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, base, ok := strings.Cut(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the Express app said %q, %v", line, err)
	}
	return &expressApp{base}
}

// post sends a request and requires a status; it returns the answer's texts.
func (a *expressApp) post(t *testing.T, path string, body map[string]string, status int) map[string]string {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Fatalf("POST %s: %s %s, want %d", path, resp.Status, answer, status)
	}
	var values map[string]any
	if len(answer) > 0 {
		_ = json.Unmarshal(answer, &values) // a text is no object
	}
	out := map[string]string{}
	for k, v := range values {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}
