package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/rockpoolhq/rockpool/internal/token"
)

const (
	account  = "000000000000"
	password = "Correct-Horse-9"
)

var anyCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "dev", SecretAccessKey: "dev"}, nil
})

func (s *server) cognito() *cip.Client {
	return cip.New(cip.Options{Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: anyCredentials})
}

func (s *server) lambda() *lambda.Client {
	return lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: anyCredentials})
}

// pool is a user pool with an app client.
type pool struct {
	*server
	idp      *cip.Client
	id       string
	arn      string
	clientID string
}

// newPool makes a pool with the article's attributes and a client for all
// flows with a password.
func newPool(t *testing.T, s *server) *pool {
	t.Helper()
	idp := s.cognito()
	made, err := idp.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("article"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("tenantId"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
			{Name: aws.String("department"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
			{Name: aws.String("tier"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
		},
	})
	if err != nil {
		t.Fatalf("CreateUserPool: %v", err)
	}
	client, err := idp.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: made.UserPool.Id, ClientName: aws.String("web"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth,
			types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	})
	if err != nil {
		t.Fatalf("CreateUserPoolClient: %v", err)
	}
	return &pool{server: s, idp: idp, id: *made.UserPool.Id, arn: *made.UserPool.Arn, clientID: *client.UserPoolClient.ClientId}
}

// addUser makes a confirmed user with the password of these tests.
func (p *pool) addUser(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	var list []types.AttributeType
	for name, value := range attributes {
		list = append(list, types.AttributeType{Name: aws.String(name), Value: aws.String(value)})
	}
	_, err := p.idp.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &p.id, Username: &name, MessageAction: types.MessageActionTypeSuppress, UserAttributes: list,
	})
	if err != nil {
		t.Fatalf("AdminCreateUser: %v", err)
	}
	_, err = p.idp.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: &p.id, Username: &name, Password: aws.String(password), Permanent: true,
	})
	if err != nil {
		t.Fatalf("AdminSetUserPassword: %v", err)
	}
}

func (p *pool) signIn(ctx context.Context, name string) (*types.AuthenticationResultType, error) {
	out, err := p.idp.InitiateAuth(ctx, &cip.InitiateAuthInput{
		ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

// mustSignIn signs a user in and returns the tokens.
func (p *pool) mustSignIn(t *testing.T, name string) *types.AuthenticationResultType {
	t.Helper()
	tokens, err := p.signIn(t.Context(), name)
	if err != nil {
		t.Fatalf("InitiateAuth: %v", err)
	}
	if tokens == nil {
		t.Fatal("InitiateAuth: no tokens")
	}
	return tokens
}

// claims verifies a token with the pool's published keys and returns what it
// says.
func (p *pool) claims(t *testing.T, raw string, use token.Use) token.Claims {
	t.Helper()
	resp, err := http.Get(p.URL + "/" + p.id + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseJWKS(body)
	if err != nil {
		t.Fatalf("JWKS: %v", err)
	}
	_, peeked, err := token.Peek(raw)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := keys.Verify(raw, token.Expect{Issuer: p.URL + "/" + p.id, Use: use, Now: unix(t, peeked, "iat")})
	if err != nil {
		t.Fatalf("%s token: %v", use, err)
	}
	return verified
}

// deploy makes a function from files, allows the pool to invoke it, and
// returns its ARN.
func (p *pool) deploy(t *testing.T, name string, runtime lambdatypes.Runtime, handler string, files map[string][]byte) string {
	t.Helper()
	functions := p.lambda()
	made, err := functions.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: runtime, Handler: &handler, Role: aws.String("arn:aws:iam::" + account + ":role/e2e"),
		Code: &lambdatypes.FunctionCode{ZipFile: zipped(t, files)}, Timeout: aws.Int32(10),
	})
	if err != nil {
		t.Fatalf("CreateFunction: %v", err)
	}
	_, err = functions.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("cognito"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("cognito-idp.amazonaws.com"), SourceArn: &p.arn,
	})
	if err != nil {
		t.Fatalf("AddPermission: %v", err)
	}
	return *made.FunctionArn
}

// attach makes a function the pool's pre token generation trigger.
func (p *pool) attach(t *testing.T, arn string, version types.PreTokenGenerationLambdaVersionType) {
	t.Helper()
	config := &types.LambdaConfigType{PreTokenGenerationConfig: &types.PreTokenGenerationVersionConfigType{LambdaArn: &arn, LambdaVersion: version}}
	if version == types.PreTokenGenerationLambdaVersionTypeV10 {
		config = &types.LambdaConfigType{PreTokenGeneration: &arn}
	}
	_, err := p.idp.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{
		UserPoolId: &p.id, LambdaConfig: config,
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	if err != nil {
		t.Fatalf("UpdateUserPool: %v", err)
	}
}

// zipped returns a zip archive of executable files.
func zipped(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, content := range files {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o755)
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func decode64(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
