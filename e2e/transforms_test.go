package e2e

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// TestServerlessTemplate deploys a SAM template with the AWS CLI, which does so
// through a change set, and signs in.
func TestServerlessTemplate(t *testing.T) {
	t.Parallel()
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}
	args := []string{"--endpoint-url", c.URL, "cloudformation", "deploy", "--stack-name", "shop", "--template-file", "../examples/sam/template.yaml", "--capabilities", "CAPABILITY_IAM"}
	if stdout, stderr, err := c.run(t, c.path, args...); err != nil {
		t.Fatalf("aws cloudformation deploy: %v\n%s%s", err, stdout, stderr)
	}
	s := c.stack("shop")
	p := &pool{server: c.server, idp: c.cognito(), id: s.output("UserPoolId"), clientID: s.output("ClientId")}
	c.do(nil, "cognito-idp", "admin-create-user", "--user-pool-id", p.id, "--username", "ada@example.com", "--message-action", "SUPPRESS",
		"--user-attributes", "Name=email,Value=ada@example.com", "Name=custom:tenantId,Value=acme")
	c.do(nil, "cognito-idp", "admin-set-user-password", "--user-pool-id", p.id, "--username", "ada@example.com", "--password", password, "--permanent")
	var in struct{ AuthenticationResult struct{ IdToken string } }
	c.do(&in, "cognito-idp", "initiate-auth", "--client-id", p.clientID, "--auth-flow", "USER_PASSWORD_AUTH",
		"--auth-parameters", "USERNAME=ada@example.com,PASSWORD="+password)
	if claims := p.claims(t, in.AuthenticationResult.IdToken, token.ID); claims.String("tenantId") != "acme" {
		t.Errorf("the ID token says %v", claims)
	}

	var got struct{ TemplateBody json.RawMessage }
	c.do(&got, "cloudformation", "get-template", "--stack-name", "shop", "--template-stage", "Processed")
	var processed struct {
		Resources map[string]struct{ Type string }
	}
	if err := json.Unmarshal(got.TemplateBody, &processed); err != nil {
		t.Fatalf("the processed template: %v\n%s", err, got.TemplateBody)
	}
	var ids []string
	for id := range processed.Resources {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if want := []string{"Claims", "ClaimsCognitoPermission", "ClaimsRole", "Client", "Pool"}; !slices.Equal(ids, want) {
		t.Errorf("the processed template has %v, want %v", ids, want)
	}
	c.refused("CAPABILITY_AUTO_EXPAND", "cloudformation", "create-stack", "--stack-name", "other", "--capabilities", "CAPABILITY_IAM",
		"--template-body", "file://../examples/sam/template.yaml")
}
