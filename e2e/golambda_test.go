package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// TestGoLambda builds examples/go-lambda with aws-lambda-go and runs it as a
// V2_0 trigger in provided.al2023.
func TestGoLambda(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", file, ".")
	build.Dir = "../examples/go-lambda"
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	bootstrap, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(t, startServer(t))
	p.addUser(t, "jane", map[string]string{"custom:tenantId": "acme", "custom:department": "42"})
	p.addUser(t, "homeless", nil)
	arn := p.deploy(t, "tenant", lambdatypes.RuntimeProvidedal2023, "bootstrap", map[string][]byte{"bootstrap": bootstrap})
	p.attach(t, arn, types.PreTokenGenerationLambdaVersionTypeV20)

	tokens := p.mustSignIn(t, "jane")
	id, access := p.claims(t, *tokens.IdToken, token.ID), p.claims(t, *tokens.AccessToken, token.Access)
	if id.String("tenantId") != "acme" || id.String("departmentId") != "42" || id.Has("tenant") {
		t.Errorf("ID token: %s", id.AppendJSON(nil))
	}
	if tenant, _ := access.Get("tenant"); string(tenant) != `{"id":"acme","shard":7}` || access.Has("tenantId") {
		t.Errorf("access token: %s", access.AppendJSON(nil))
	}
	if scope := access.String("scope"); scope != "aws.cognito.signin.user.admin tenant/acme" {
		t.Errorf("scope is %q", scope)
	}

	_, err = p.signIn(t.Context(), "homeless")
	if !is[*types.UserLambdaValidationException](err) || !strings.Contains(err.Error(), "user homeless has no tenant") {
		t.Errorf("a function that returns an error: %v", err)
	}
	p.mustSignIn(t, "jane") // the error was that user's alone

	out, _, err := p.run(t, binary, "function", "logs", "tenant")
	if err != nil || !strings.Contains(out, "jane of tenant acme: TokenGeneration_Authentication") {
		t.Errorf("rockpool function logs: %v %q", err, out)
	}
}
