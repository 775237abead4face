package cognitoapi_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// transcript calls operations and writes down, as a reader can check them,
// what went in and what came out. What is random is given a name.
type transcript struct {
	*bench
	text  bytes.Buffer
	names map[string]string // random value → name
}

func (s *transcript) name(value, name string) string {
	s.names[value] = "<" + name + ">"
	return value
}

func (s *transcript) hide(text string) string {
	for value, name := range maps.All(s.names) {
		text = strings.ReplaceAll(text, value, name)
	}
	return text
}

// do calls an operation and returns the answer, which is nil for an error.
func (s *transcript) do(operation string, in object) object {
	s.t.Helper()
	request, err := json.Marshal(in, json.Deterministic(true))
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.Call(s.t.Context(), "cognito-idp", operation, in)
	fmt.Fprintf(&s.text, "%s %s\n", operation, s.hide(string(request)))
	if err != nil {
		e := apierr.Public(err)
		fmt.Fprintf(&s.text, "  ! %s: %s\n", e.Code, s.hide(strings.TrimSuffix(e.Message, "\n")))
		return nil
	}
	o := s.decode(out)
	if sub, ok := o["UserSub"].(string); ok {
		s.name(sub, "sub")
	}
	fmt.Fprintf(&s.text, "  → %s\n", s.hide(string(out)))
	return o
}

// code is the newest code that was sent to an address.
func (s *transcript) code(to, name string) string {
	s.t.Helper()
	sent := s.outbox.List(to)
	if len(sent) == 0 {
		s.t.Fatalf("no message to %s after\n%s", to, s.text.String())
	}
	return s.name(sent[0].Code, name)
}

// access signs in, which is not this file's to show, and returns the token.
func (s *transcript) access(client, user, password string) string {
	s.t.Helper()
	out := s.call("InitiateAuth", object{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": object{"USERNAME": user, "PASSWORD": password}})
	return s.name(out["AuthenticationResult"].(object)["AccessToken"].(string), "access token")
}

func attribute(name, value string) object { return object{"Name": name, "Value": value} }

// TestPeopleTranscript is the life of an account on the wire, compared with
// testdata/people.golden. Run with -update to rewrite that, and read the
// difference.
func TestPeopleTranscript(t *testing.T) {
	s := &transcript{bench: newBench(t), names: make(map[string]string)}
	pool := s.name(s.pool(object{"AutoVerifiedAttributes": []string{"email"}}), "pool")
	client := s.name(s.call("CreateUserPoolClient", object{"UserPoolId": pool, "ClientName": "app",
		"ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})["UserPoolClient"].(object)["ClientId"].(string), "client")
	const email, first, second, third = "ada@example.com", "F1rst-password!", "S3cond-password!", "Th1rd-password!"
	user := func(more object) object {
		in := object{"ClientId": client, "Username": "ada"}
		maps.Copy(in, more)
		return in
	}
	// Sign-up.
	s.do("SignUp", user(object{"Password": "weak"}))
	s.do("SignUp", user(object{"Password": first, "UserAttributes": []object{attribute("email", email), attribute("email", "other@example.com")}}))
	s.do("SignUp", user(object{"Password": first, "UserAttributes": []object{attribute("email", email)}, "ClientMetadata": object{"k": "v"}}))
	s.do("SignUp", user(object{"Password": first}))
	s.do("ResendConfirmationCode", user(nil))
	s.do("ConfirmSignUp", user(object{"ConfirmationCode": "no"}))
	s.do("ConfirmSignUp", user(object{"ConfirmationCode": s.code(email, "code to confirm")}))
	s.do("ConfirmSignUp", user(object{"ConfirmationCode": s.code(email, "code to confirm")}))
	s.do("ResendConfirmationCode", user(nil))
	// The own profile.
	token := s.access(client, "ada", first)
	self := func(more object) object {
		in := object{"AccessToken": token}
		maps.Copy(in, more)
		return in
	}
	s.do("UpdateUserAttributes", self(object{"UserAttributes": []object{attribute("name", "Ada")}}))
	s.do("UpdateUserAttributes", self(object{"UserAttributes": []object{attribute("email", "new@example.com")}}))
	s.do("UpdateUserAttributes", self(object{"UserAttributes": []object{attribute("email_verified", "true")}}))
	s.do("GetUserAttributeVerificationCode", self(object{"AttributeName": "email"}))
	s.do("VerifyUserAttribute", self(object{"AttributeName": "email", "Code": s.code("new@example.com", "code to verify")}))
	s.do("DeleteUserAttributes", self(object{"UserAttributeNames": []string{"name"}}))
	s.do("DeleteUserAttributes", self(object{"UserAttributeNames": []string{"custom:none"}}))
	s.do("ChangePassword", self(object{"PreviousPassword": second, "ProposedPassword": third}))
	s.do("ChangePassword", self(object{"PreviousPassword": first, "ProposedPassword": second}))
	// Recovery.
	s.do("ForgotPassword", user(nil))
	s.do("ConfirmForgotPassword", user(object{"ConfirmationCode": s.code("new@example.com", "code to reset"), "Password": "weak-pass"}))
	s.do("ConfirmForgotPassword", user(object{"ConfirmationCode": s.code("new@example.com", "code to reset"), "Password": third}))
	s.do("UpdateUserAttributes", self(object{"UserAttributes": []object{attribute("name", "Ada")}}))
	s.do("ForgotPassword", object{"ClientId": client, "Username": "nobody"})
	// Administrators.
	admin := func(more object) object {
		in := object{"UserPoolId": pool, "Username": "ada"}
		maps.Copy(in, more)
		return in
	}
	s.do("AdminUpdateUserAttributes", admin(object{"UserAttributes": []object{attribute("email", "office@example.com"), attribute("email_verified", "true")}}))
	s.do("AdminConfirmSignUp", admin(nil))
	s.do("AdminResetUserPassword", admin(nil))
	s.do("AdminResetUserPassword", admin(nil))
	s.do("AdminConfirmSignUp", object{"UserPoolId": pool, "Username": "nobody"})
	s.do("ConfirmForgotPassword", user(object{"ConfirmationCode": s.code("office@example.com", "code of the administrator"), "Password": first}))
	// The end. Sign-ins of the second in which others were ended begin later.
	s.clock.Advance(2 * time.Second)
	token = s.access(client, "ada", first)
	s.do("DeleteUser", self(nil))
	s.do("DeleteUser", self(nil))

	path := filepath.Join("testdata", "people.golden")
	if *update {
		if err := os.WriteFile(path, s.text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.text.Bytes(), want) {
		t.Errorf("transcript differs from %s:\n%s", path, s.text.Bytes())
	}
}
