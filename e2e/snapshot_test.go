package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

// cognitoBuilt and lambdaBuilt are the operations that exist so far; the test
// fails when one that is not named here starts to answer.
const (
	cognitoBuilt = `AddCustomAttributes AdminAddUserToGroup AdminConfirmSignUp AdminCreateUser AdminDeleteUser
		AdminDeleteUserAttributes AdminDisableUser AdminEnableUser AdminGetUser AdminInitiateAuth AdminListGroupsForUser
		AdminRemoveUserFromGroup AdminResetUserPassword AdminRespondToAuthChallenge AdminSetUserPassword
		AdminUpdateUserAttributes AdminUserGlobalSignOut ChangePassword ConfirmForgotPassword ConfirmSignUp CreateGroup
		CreateUserPool CreateUserPoolClient DeleteGroup DeleteUser DeleteUserAttributes DeleteUserPool DeleteUserPoolClient
		DescribeUserPool DescribeUserPoolClient ForgotPassword GetGroup GetTokensFromRefreshToken GetUser
		GetUserAttributeVerificationCode GlobalSignOut InitiateAuth ListGroups ListUserPoolClients ListUserPools ListUsers
		ListUsersInGroup ResendConfirmationCode RespondToAuthChallenge RevokeToken SignUp UpdateGroup UpdateUserAttributes
		UpdateUserPool UpdateUserPoolClient VerifyUserAttribute`
	lambdaBuilt = `AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction GetAlias GetFunction
		GetFunctionConfiguration GetPolicy Invoke ListAliases ListFunctions ListTags ListVersionsByFunction PublishVersion
		RemovePermission TagResource UntagResource UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration`

	// lambdaNewer are operations that AWS added after the model that the
	// server is generated from.
	lambdaNewer = `DeleteResourcePolicy GetResourcePolicy PutResourcePolicy`
)

// TestRequestSnapshots sends the requests that the SDK for Go ships as
// snapshots of every operation it knows, each member filled. Every operation
// is recognised; those that are not built say so; those that are get past the
// reading of the body, to an answer about what is in it.
func TestRequestSnapshots(t *testing.T) {
	s := startServer(t)
	for _, service := range []struct {
		name, module, built, newer string
		want                       int // snapshots in the module
	}{
		{"cognito-idp", "cognitoidentityprovider", cognitoBuilt, "", 132},
		{"lambda", "lambda", lambdaBuilt, lambdaNewer, 87},
	} {
		t.Run(service.name, func(t *testing.T) {
			built := map[string]bool{}
			for name := range strings.FieldsSeq(service.built) {
				built[name] = true
			}
			newer := strings.Fields(service.newer)
			files, err := filepath.Glob(filepath.Join(moduleDir(t, service.module), "request_snapshot", "*.request.snap"))
			if err != nil {
				t.Fatal(err)
			}
			answered := 0
			for _, file := range files {
				operation := strings.TrimSuffix(filepath.Base(file), ".request.snap")
				status, code, body := sendSnapshot(t, s, service.name, file)
				switch {
				case slices.Contains(newer, operation):
					if status != http.StatusNotFound || code != "UnknownOperationException" {
						t.Errorf("%s is in the model now (%d %s): take it from the list", operation, status, code)
					}
				case code == "UnknownOperationException" || strings.Contains(code, "Serialization"):
					t.Errorf("%s: %d %s %s", operation, status, code, body)
				case !built[operation] && (status != http.StatusNotImplemented || code != "NotImplementedException"):
					t.Errorf("%s is not built: got %d %s, want 501 NotImplementedException; %s", operation, status, code, body)
				case built[operation]:
					answered++
					// A member that is not built is refused by name with 501
					// as well; a failure of ours is neither.
					if status >= 500 && (code != "NotImplementedException" || strings.Contains(body, "does not implement")) {
						t.Errorf("%s: %d %s %s", operation, status, code, body)
					}
				}
			}
			if len(files) != service.want || answered != len(built) {
				t.Errorf("%d snapshots, %d of built operations; want %d, %d", len(files), answered, service.want, len(built))
			}
		})
	}
}

func moduleDir(t *testing.T, service string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+service).Output()
	if err != nil {
		t.Fatalf("where is the module of %s: %v", service, err)
	}
	return strings.TrimSpace(string(out))
}

// sendSnapshot sends a request as it stands in a file, signed, and returns the
// answer's status, error code and body.
func sendSnapshot(t *testing.T, s *server, service, file string) (status int, code, body string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Method and target, an empty line, headers, an empty line, the body.
	r := bufio.NewReader(bytes.NewReader(text))
	line := func() string {
		l, err := r.ReadString('\n')
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		return strings.TrimRight(l, "\r\n")
	}
	method, target, _ := strings.Cut(line(), " ")
	line()
	header := http.Header{}
	for l := line(); l != ""; l = line() {
		name, value, _ := strings.Cut(l, ": ")
		header.Set(name, value)
	}
	payload, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	sigv4.Signer{AccessKeyID: "dev", Secret: "dev", Region: "us-east-1", Service: service}.Sign(req, payload, time.Now())
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
	var said struct {
		Type string `json:"__type"`
	}
	if code == "" && json.Unmarshal(answer, &said) == nil {
		code = said.Type
	}
	return resp.StatusCode, code, string(answer)
}
