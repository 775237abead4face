package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TestSecretsStaySecret goes through everything that involves a secret and
// then looks for each in the log and in the database.
func TestSecretsStaySecret(t *testing.T) {
	s := startServer(t)
	idp, ctx := s.cognito(), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := idp.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("canaries"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}})
	must(err)
	client, err := idp.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: made.UserPool.Id, ClientName: aws.String("confidential"), GenerateSecret: true,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	must(err)
	const (
		name      = "canary-user"
		email     = "canary@example.com"
		first     = "First-Canary-Password-1"
		second    = "Second-Canary-Password-2"
		temporary = "Temporary-Canary-Password-3"
		variable  = "canary-in-an-environment-variable"
	)
	clientID, clientSecret := client.UserPoolClient.ClientId, *client.UserPoolClient.ClientSecret
	mac := hmac.New(sha256.New, []byte(clientSecret))
	mac.Write([]byte(name + *clientID))
	hash := base64.StdEncoding.EncodeToString(mac.Sum(nil))

	_, err = idp.SignUp(ctx, &cip.SignUpInput{ClientId: clientID, SecretHash: &hash, Username: aws.String(name), Password: aws.String(first),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(email)}}})
	must(err)
	signUpCode := s.code(t, email)
	_, err = idp.ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: clientID, SecretHash: &hash, Username: aws.String(name), ConfirmationCode: &signUpCode})
	must(err)
	signIn := func(secret string) *cip.InitiateAuthOutput {
		t.Helper()
		out, err := idp.InitiateAuth(ctx, &cip.InitiateAuthInput{ClientId: clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": secret, "SECRET_HASH": hash}})
		must(err)
		return out
	}
	tokens := signIn(first).AuthenticationResult
	refreshed, err := idp.InitiateAuth(ctx, &cip.InitiateAuthInput{ClientId: clientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": *tokens.RefreshToken, "SECRET_HASH": hash}})
	must(err)
	_, err = idp.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: clientID, SecretHash: &hash, Username: aws.String(name)})
	must(err)
	resetCode := s.code(t, email) // left unused: it is in the database
	_, err = idp.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: tokens.AccessToken, PreviousPassword: aws.String(first), ProposedPassword: aws.String(second)})
	must(err)
	_, err = idp.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: made.UserPool.Id, Username: aws.String(name), Password: aws.String(temporary)})
	must(err)
	challenged := signIn(temporary)
	if challenged.ChallengeName != types.ChallengeNameTypeNewPasswordRequired || challenged.Session == nil {
		t.Fatalf("no challenge: %+v", challenged)
	}
	_, err = idp.GetUser(ctx, &cip.GetUserInput{AccessToken: aws.String(*tokens.AccessToken + "x")}) // an error with a secret in its input
	if !is[*types.NotAuthorizedException](err) {
		t.Errorf("GetUser with a wrong token: %v", err)
	}
	_, err = s.lambda().CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("canary"), Runtime: lambdatypes.RuntimeNodejs20x, Handler: aws.String("index.handler"),
		Role:        aws.String("arn:aws:iam::" + account + ":role/r"),
		Code:        &lambdatypes.FunctionCode{ZipFile: zipped(t, map[string][]byte{"index.mjs": []byte("export const handler = async () => 1")})},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"CANARY": variable}},
	})
	must(err)
	s.stop(t)

	secrets := map[string]string{
		"first password": first, "second password": second, "temporary password": temporary,
		"client secret": clientSecret, "secret hash": hash, "session": *challenged.Session, "environment variable": variable,
	}
	for what, raw := range map[string]*string{
		"ID token": tokens.IdToken, "access token": tokens.AccessToken, "refresh token": tokens.RefreshToken,
		"refreshed ID token": refreshed.AuthenticationResult.IdToken, "refreshed access token": refreshed.AuthenticationResult.AccessToken,
	} {
		secrets[what] = *raw
		secrets["signature of the "+what] = (*raw)[strings.LastIndexByte(*raw, '.')+1:]
	}
	if len(secrets) != 17 {
		t.Fatalf("%d secrets, want 17", len(secrets))
	}
	logged, stored := []byte(s.log.String()), database(t, s.DataDir)
	for what, value := range secrets {
		if value == "" {
			t.Errorf("the %s is empty", what)
		}
		if bytes.Contains(logged, []byte(value)) {
			t.Errorf("the %s is in the log", what)
		}
		if bytes.Contains(stored, []byte(value)) {
			t.Errorf("the %s is in the database", what)
		}
	}
	for _, code := range []string{signUpCode, resetCode} {
		// Six digits stand in longer numbers by chance: only as a word.
		if regexp.MustCompile(`"` + code + `"|\b` + code + `\b`).Match(logged) {
			t.Error("a code is in the log")
		}
		if bytes.Contains(stored, []byte(`"`+code+`"`)) {
			t.Error("a code is in the database")
		}
	}
	// What must be there, so that looking is known to find.
	if !bytes.Contains(logged, []byte(`"operation":"ChangePassword"`)) || !bytes.Contains(stored, []byte(name)) || !bytes.Contains(stored, []byte(email)) {
		t.Error("the log has no ChangePassword, or the database no user: this test does not look where they are")
	}
}

// database returns the bytes of all files in which the database keeps records.
func database(t *testing.T, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "rockpool.db") {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, content...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var rootKey = regexp.MustCompile(`(?s)^\[rockpool\]\naws_access_key_id = (AKIA[A-Z2-7]{16})\naws_secret_access_key = ([A-Za-z0-9]{40})\n$`)

// rootKey is the key that the first start of a production server has made.
func (s *server) rootKey(t *testing.T) (id, secret string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	key := rootKey.FindStringSubmatch(string(text))
	if key == nil {
		t.Fatal("the credentials file has another form") // not what it says: it is a secret
	}
	return key[1], key[2]
}

// TestServe is a production server with the SDK: the key of its first start
// works, another does not, and users need none.
func TestServe(t *testing.T) {
	s := startServerIn(t, t.TempDir(), "serve")
	file := filepath.Join(s.DataDir, "credentials")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("credentials: %v, %v, want 0600", info, err)
	}
	keyID, keySecret := s.rootKey(t)
	with := func(id, secret string) *cip.Client {
		return cip.New(cip.Options{Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		})})
	}
	create := &cip.CreateUserPoolInput{PoolName: aws.String("people")}
	for what, c := range map[string]struct {
		id, secret, want string
	}{
		"unknown key":  {"AKIAAAAAAAAAAAAAAAAA", "x", "UnrecognizedClientException"},
		"wrong secret": {keyID, keySecret[1:] + "x", "InvalidSignatureException"},
	} {
		if _, err := with(c.id, c.secret).CreateUserPool(t.Context(), create); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", what, err, c.want)
		}
	}
	p := &pool{server: s, idp: with(keyID, keySecret)}
	made, err := p.idp.CreateUserPool(t.Context(), create)
	if err != nil {
		t.Fatal(err)
	}
	p.id = *made.UserPool.Id
	client, err := p.idp.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &p.id, ClientName: aws.String("web"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth}})
	if err != nil {
		t.Fatal(err)
	}
	p.clientID = *client.UserPoolClient.ClientId
	p.addUser(t, "jane", nil)
	p.idp = with("none", "none") // a public operation needs no key
	tokens := p.mustSignIn(t, "jane")
	if _, err := p.idp.GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken}); err != nil {
		t.Errorf("GetUser: %v", err)
	}
	for _, path := range []string{"/_rockpool/inbox", "/_rockpool/clock"} {
		if status := httpStatus(t, s.URL+path); status == 200 {
			t.Errorf("a production server answers GET %s", path)
		}
	}
	s.stop(t)
	if strings.Contains(s.log.String(), keySecret) || bytes.Contains(database(t, s.DataDir), []byte(keySecret)) {
		t.Error("the root key's secret is in the log or the database")
	}
}
