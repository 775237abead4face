package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// TestGoSDK is the story with the AWS SDK for Go.
func TestGoSDK(t *testing.T) {
	p := newPool(t, startServer(t))
	p.addUser(t, "jane", map[string]string{"email": "jane@example.com", "custom:tenantId": "acme", "custom:department": "42"})
	if before := p.claims(t, *p.mustSignIn(t, "jane").IdToken, token.ID); before.Has("tenantId") {
		t.Fatal("there is a tenantId before the trigger")
	}
	source, err := os.ReadFile("../examples/article/pretoken/index.mjs")
	if err != nil {
		t.Fatal(err)
	}
	arn := p.deploy(t, "pretoken", lambdatypes.RuntimeNodejs20x, "index.handler", map[string][]byte{"index.mjs": source})
	p.attach(t, arn, types.PreTokenGenerationLambdaVersionTypeV10)
	after := p.claims(t, *p.mustSignIn(t, "jane").IdToken, token.ID)
	if after.String("tenantId") != "acme" || after.String("departmentId") != "42" {
		t.Errorf("tenantId %q, departmentId %q", after.String("tenantId"), after.String("departmentId"))
	}
	described, err := p.idp.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &p.id})
	if err != nil {
		t.Fatal(err)
	}
	if got := described.UserPool.LambdaConfig; got == nil || aws.ToString(got.PreTokenGeneration) != arn {
		t.Errorf("LambdaConfig is %+v, want the function %s", got, arn)
	}
}

// TestGoSDKErrors requires that errors have the types that the SDK has for
// them.
func TestGoSDKErrors(t *testing.T) {
	p := newPool(t, startServer(t))
	p.addUser(t, "jane", nil)
	ctx := t.Context()
	signIn := func(in map[string]string) error {
		_, err := p.idp.InitiateAuth(ctx, &cip.InitiateAuthInput{ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: in})
		return err
	}
	signUp := func(name, secret string) error {
		_, err := p.idp.SignUp(ctx, &cip.SignUpInput{ClientId: &p.clientID, Username: &name, Password: &secret,
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("x@example.com")}}})
		return err
	}
	if err := signUp("pending", password); err != nil {
		t.Fatal(err)
	}
	_, noPool := p.idp.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: aws.String("us-east-1_nowhere00")})
	_, badPool := p.idp.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: aws.String("no pool")})
	_, noUser := p.idp.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &p.id, Username: aws.String("nobody")})
	_, badCode := p.idp.ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: &p.clientID, Username: aws.String("pending"), ConfirmationCode: aws.String("000000")})
	_, badToken := p.idp.GetUser(ctx, &cip.GetUserInput{AccessToken: aws.String("a.b.c")})
	_, noFunction := p.lambda().GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("none")})

	checks := 0
	check := func(what string, err error, matches bool) {
		t.Helper()
		checks++
		if !matches {
			t.Errorf("%s: got %T: %v", what, err, err)
		}
	}
	err := signIn(map[string]string{"USERNAME": "jane", "PASSWORD": "Wrong-Horse-9"})
	check("wrong password", err, is[*types.NotAuthorizedException](err))
	err = signIn(map[string]string{"USERNAME": "pending", "PASSWORD": password})
	check("not confirmed", err, is[*types.UserNotConfirmedException](err))
	err = signUp("jane", password)
	check("sign-up of a known user", err, is[*types.UsernameExistsException](err))
	err = signUp("weak", "weakling")
	check("weak password", err, is[*types.InvalidPasswordException](err))
	check("unknown pool", noPool, is[*types.ResourceNotFoundException](noPool))
	check("pool id with a blank", badPool, is[*types.InvalidParameterException](badPool))
	check("unknown user", noUser, is[*types.UserNotFoundException](noUser))
	check("wrong code", badCode, is[*types.CodeMismatchException](badCode))
	check("rubbish for a token", badToken, is[*types.NotAuthorizedException](badToken))
	check("unknown function", noFunction, is[*lambdatypes.ResourceNotFoundException](noFunction))
	if checks != 10 {
		t.Errorf("%d errors were looked at, want 10", checks)
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TestGoSDKPages walks lists with the SDK's paginators.
func TestGoSDKPages(t *testing.T) {
	p := newPool(t, startServer(t))
	const users = 7
	var want []string
	for i := range users {
		name := string(rune('a'+i)) + "-user"
		want = append(want, name)
		_, err := p.idp.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &p.id, Username: &name, MessageAction: types.MessageActionTypeSuppress})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.idp.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &p.id, GroupName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	pages := 0
	for list := cip.NewListUsersPaginator(p.idp, &cip.ListUsersInput{UserPoolId: &p.id, Limit: aws.Int32(3)}); list.HasMorePages(); pages++ {
		page, err := list.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			got = append(got, *u.Username)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("ListUsers in %d pages: %v, want 3 of %v", pages, got, want)
	}
	got, pages = nil, 0
	for list := cip.NewListGroupsPaginator(p.idp, &cip.ListGroupsInput{UserPoolId: &p.id, Limit: aws.Int32(2)}); list.HasMorePages(); pages++ {
		page, err := list.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Groups {
			got = append(got, *g.GroupName)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || pages != 4 {
		t.Errorf("ListGroups in %d pages: %v, want 4 of %v", pages, got, want)
	}
}

// TestInvoke calls functions directly: logs, errors, events and dry runs.
func TestInvoke(t *testing.T) {
	p := newPool(t, startServer(t))
	const source = `export const handler = async (event) => {
  console.log('got', event.n);
  if (event.n < 0) throw new RangeError('negative');
  return { twice: event.n * 2 };
};`
	p.deploy(t, "double", lambdatypes.RuntimeNodejs22x, "index.handler", map[string][]byte{"index.mjs": []byte(source)})
	functions := p.lambda()
	invoke := func(in lambda.InvokeInput) *lambda.InvokeOutput {
		t.Helper()
		in.FunctionName = aws.String("double")
		out, err := functions.Invoke(t.Context(), &in)
		if err != nil {
			t.Fatalf("Invoke: %v", err)
		}
		return out
	}
	out := invoke(lambda.InvokeInput{Payload: []byte(`{"n":21}`), LogType: lambdatypes.LogTypeTail})
	if string(out.Payload) != `{"twice":42}` || out.StatusCode != 200 || out.FunctionError != nil {
		t.Errorf("Invoke: %d %s %s", out.StatusCode, out.Payload, aws.ToString(out.FunctionError))
	}
	if text := decode64(t, aws.ToString(out.LogResult)); !strings.Contains(text, "got 21") || !strings.Contains(text, "REPORT RequestId") {
		t.Errorf("the log is %q", text)
	}
	out = invoke(lambda.InvokeInput{Payload: []byte(`{"n":-1}`)})
	var failure struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(out.Payload, &failure); err != nil || failure.ErrorType != "RangeError" || failure.ErrorMessage != "negative" {
		t.Errorf("the function threw %s (%v)", out.Payload, err)
	}
	if aws.ToString(out.FunctionError) != "Unhandled" || out.StatusCode != 200 {
		t.Errorf("FunctionError is %q, status %d", aws.ToString(out.FunctionError), out.StatusCode)
	}
	if out = invoke(lambda.InvokeInput{InvocationType: lambdatypes.InvocationTypeDryRun}); out.StatusCode != 204 {
		t.Errorf("a dry run answered %d, want 204", out.StatusCode)
	}
	if out = invoke(lambda.InvokeInput{InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(`{"n":5}`)}); out.StatusCode != 202 {
		t.Errorf("an event answered %d, want 202", out.StatusCode)
	}
	list, err := functions.ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil || len(list.Functions) != 1 || *list.Functions[0].FunctionName != "double" {
		t.Errorf("ListFunctions: %+v, %v", list, err)
	}
}

// TestPythonFunction runs a pre token generation function in Python.
func TestPythonFunction(t *testing.T) {
	p := newPool(t, startServer(t))
	p.addUser(t, "jane", map[string]string{"custom:tenantId": "acme"})
	const source = `
import json

def lambda_handler(event, context):
    attributes = event["request"]["userAttributes"]
    print(json.dumps({"user": event["userName"], "left": context.get_remaining_time_in_millis() > 0}))
    event["response"]["claimsOverrideDetails"] = {
        "claimsToAddOrOverride": {"tenantId": attributes["custom:tenantId"], "by": context.function_name},
    }
    return event
`
	arn := p.deploy(t, "snake", lambdatypes.RuntimePython312, "lambda_function.lambda_handler", map[string][]byte{"lambda_function.py": []byte(source)})
	p.attach(t, arn, types.PreTokenGenerationLambdaVersionTypeV10)
	got := p.claims(t, *p.mustSignIn(t, "jane").IdToken, token.ID)
	if got.String("tenantId") != "acme" || got.String("by") != "snake" {
		t.Errorf("tenantId %q, by %q", got.String("tenantId"), got.String("by"))
	}
}
