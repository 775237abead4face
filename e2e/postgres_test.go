package e2e

import (
	"crypto/rand"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestPostgres keeps a production-like server's records in PostgreSQL: what
// was answered outlives kill -9, and two servers share one database.
func TestPostgres(t *testing.T) {
	base := os.Getenv("ROCKPOOL_TEST_POSTGRES")
	if base == "" {
		missing(t, "no PostgreSQL: set ROCKPOOL_TEST_POSTGRES to a URL whose user may create databases (scripts/test starts one)")
	}
	name := "e2e_" + strings.ToLower(rand.Text()[:12])
	psql := func(statement string) {
		t.Helper()
		if out, err := exec.Command("psql", "-X", "-q", base, "-c", statement).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", statement, err, out)
		}
	}
	psql("create database " + name)
	t.Cleanup(func() { psql("drop database " + name + " with (force)") })
	database, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	database.Path = "/" + name

	dir := t.TempDir() // both servers have one key-encryption key
	one := startServerIn(t, dir, "dev", "--database", database.String())
	p := newPool(t, one)
	p.addUser(t, "jane", nil)
	tokens := p.mustSignIn(t, "jane")
	one.kill()

	two := startServerIn(t, dir, "dev", "--database", database.String())
	p.server, p.idp = two, two.cognito()
	if _, err := p.idp.GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken}); err == nil {
		t.Error("a token of another issuer was accepted: the port is in it")
	}
	out, err := p.idp.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": *tokens.RefreshToken},
	})
	if err != nil {
		t.Fatalf("refresh after kill -9: %v", err)
	}

	three := startServerIn(t, dir, "dev", "--database", database.String())
	elsewhere := &pool{server: three, idp: three.cognito(), id: p.id, clientID: p.clientID}
	elsewhere.mustSignIn(t, "jane")
	if _, err := elsewhere.idp.RevokeToken(t.Context(), &cip.RevokeTokenInput{ClientId: &p.clientID, Token: tokens.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.idp.GetUser(t.Context(), &cip.GetUserInput{AccessToken: out.AuthenticationResult.AccessToken}); !is[*types.NotAuthorizedException](err) {
		t.Errorf("a token that another server revoked: got %v, want NotAuthorizedException", err)
	}
	if _, err := elsewhere.idp.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &p.id, Username: aws.String("jane")}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.signIn(t.Context(), "jane"); !is[*types.UserNotFoundException](err) {
		t.Errorf("a user that another server deleted: got %v, want UserNotFoundException", err)
	}
}
