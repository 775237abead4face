package rockpooltest_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool"
	"github.com/rockpoolhq/rockpool/rockpooltest"
)

func TestMain(m *testing.M) {
	rockpool.Reexec()
	os.Exit(m.Run())
}

// call calls an operation and returns its status and answer. The signature is
// not one: a development server takes any.
func call(t *testing.T, s *rockpooltest.Server, operation string, in, out any) (status int, code string) {
	t.Helper()
	return send(t, s, http.MethodPost, "/", map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSCognitoIdentityProviderService." + operation,
	}, "cognito-idp", in, out)
}

func send(t *testing.T, s *rockpooltest.Server, method, path string, header map[string]string, service string, in, out any) (status int, code string) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.AccessKeyID+"/20260101/"+s.Region+"/"+service+
		"/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	code, _, _ = strings.Cut(resp.Header.Get("X-Amzn-ErrorType"), ":")
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s: %v: %s", path, err, answer)
		}
	}
	return resp.StatusCode, code
}

type object = map[string]any

// newClient makes a pool and an app client.
func newClient(t *testing.T, s *rockpooltest.Server) (pool, client string) {
	t.Helper()
	var made struct{ UserPool struct{ Id string } }
	if status, code := call(t, s, "CreateUserPool", object{"PoolName": "p", "AutoVerifiedAttributes": []string{"email"}}, &made); status != 200 {
		t.Fatalf("CreateUserPool: %d %s", status, code)
	}
	var web struct{ UserPoolClient struct{ ClientId string } }
	if status, code := call(t, s, "CreateUserPoolClient", object{
		"UserPoolId": made.UserPool.Id, "ClientName": "web", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	}, &web); status != 200 {
		t.Fatalf("CreateUserPoolClient: %d %s", status, code)
	}
	return made.UserPool.Id, web.UserPoolClient.ClientId
}

func TestSignUpAndExpiry(t *testing.T) {
	t.Parallel()
	s := rockpooltest.New(t)
	pool, client := newClient(t, s)
	jane := object{"ClientId": client, "Username": "jane", "Password": "Correct-Horse-9",
		"UserAttributes": []object{{"Name": "email", "Value": "jane@example.com"}}}
	if status, code := call(t, s, "SignUp", jane, nil); status != 200 {
		t.Fatalf("SignUp: %d %s", status, code)
	}
	if inbox := s.Inbox("JANE@example.com"); len(inbox) != 1 || inbox[0].PoolID != pool || inbox[0].User != "jane" || !strings.Contains(inbox[0].Body, inbox[0].Code) {
		t.Errorf("the inbox is %+v", inbox)
	}
	confirm := object{"ClientId": client, "Username": "jane", "ConfirmationCode": s.Code("jane@example.com")}
	s.Advance(25 * time.Hour)
	if _, code := call(t, s, "ConfirmSignUp", confirm, nil); code != "ExpiredCodeException" {
		t.Errorf("a code of yesterday: got %q, want ExpiredCodeException", code)
	}
	if status, code := call(t, s, "ResendConfirmationCode", object{"ClientId": client, "Username": "jane"}, nil); status != 200 {
		t.Fatalf("ResendConfirmationCode: %d %s", status, code)
	}
	confirm["ConfirmationCode"] = s.Code("jane@example.com")
	if status, code := call(t, s, "ConfirmSignUp", confirm, nil); status != 200 {
		t.Fatalf("ConfirmSignUp: %d %s", status, code)
	}
	var signedIn struct {
		AuthenticationResult struct{ AccessToken, IdToken string }
	}
	if status, code := call(t, s, "InitiateAuth", object{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": object{"USERNAME": "jane", "PASSWORD": "Correct-Horse-9"}}, &signedIn); status != 200 {
		t.Fatalf("InitiateAuth: %d %s", status, code)
	}
	getUser := object{"AccessToken": signedIn.AuthenticationResult.AccessToken}
	if status, code := call(t, s, "GetUser", getUser, nil); status != 200 {
		t.Fatalf("GetUser: %d %s", status, code)
	}
	before := s.Now()
	s.Advance(2 * time.Hour)
	if moved := s.Now().Sub(before); moved < 2*time.Hour {
		t.Errorf("the clock moved %s, want 2h", moved)
	}
	if _, code := call(t, s, "GetUser", getUser, nil); code != "NotAuthorizedException" {
		t.Errorf("GetUser two hours later: got %q, want NotAuthorizedException", code)
	}
}

func TestServersShareNothing(t *testing.T) {
	t.Parallel()
	one, two := rockpooltest.New(t), rockpooltest.New(t)
	pool, _ := newClient(t, one)
	if status, _ := call(t, one, "DescribeUserPool", object{"UserPoolId": pool}, nil); status != 200 {
		t.Errorf("the server that made the pool does not know it: %d", status)
	}
	if _, code := call(t, two, "DescribeUserPool", object{"UserPoolId": pool}, nil); code != "ResourceNotFoundException" {
		t.Errorf("another server: got %q, want ResourceNotFoundException", code)
	}
}

// TestBuiltInEngine runs a function in the built-in engine, whose process
// begins as this test's binary.
func TestBuiltInEngine(t *testing.T) {
	t.Parallel()
	s := rockpooltest.New(t, rockpool.Options{Node: "none"})
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create("index.mjs")
	if err == nil {
		_, err = io.WriteString(f, "export const handler = async (event) => ({ sum: event.a + event.b });")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]string{"Content-Type": "application/json"}
	status, code := send(t, s, http.MethodPost, "/2015-03-31/functions", header, "lambda", object{
		"FunctionName": "sum", "Runtime": "nodejs20.x", "Handler": "index.handler", "Role": "arn:aws:iam::000000000000:role/r",
		"Code": object{"ZipFile": base64.StdEncoding.EncodeToString(archive.Bytes())},
	}, nil)
	if status != http.StatusCreated {
		t.Fatalf("CreateFunction: %d %s", status, code)
	}
	var got struct{ Sum int }
	status, code = send(t, s, http.MethodPost, "/2015-03-31/functions/sum/invocations", header, "lambda", object{"a": 40, "b": 2}, &got)
	if status != http.StatusOK || got.Sum != 42 {
		t.Errorf("Invoke: %d %s %+v, want 42", status, code, got)
	}
}
