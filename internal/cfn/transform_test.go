package cfn_test

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func serverless(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../examples/sam/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var capable = object{"Capabilities": []string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}}

// claims are those of the ID token that somebody new gets.
func (w *world) claims(d described) object {
	w.t.Helper()
	pool, client := d.output("UserPoolId"), d.output("ClientId")
	w.must("cognito-idp", "AdminCreateUser", object{"UserPoolId": pool, "Username": "jo@example.com", "MessageAction": "SUPPRESS",
		"UserAttributes": []object{{"Name": "email", "Value": "jo@example.com"}, {"Name": "custom:tenantId", "Value": "t-1"}}}, nil)
	w.must("cognito-idp", "AdminSetUserPassword", object{"UserPoolId": pool, "Username": "jo@example.com", "Password": "P@ssw0rd!ofJo", "Permanent": true}, nil)
	var out struct{ AuthenticationResult struct{ IdToken string } }
	w.must("cognito-idp", "AdminInitiateAuth", object{"UserPoolId": pool, "ClientId": client, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": object{"USERNAME": "jo@example.com", "PASSWORD": "P@ssw0rd!ofJo"}}, &out)
	parts := strings.Split(out.AuthenticationResult.IdToken, ".")
	if len(parts) != 3 {
		w.t.Fatalf("ID token %q", out.AuthenticationResult.IdToken)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		w.t.Fatal(err)
	}
	got := object{}
	if err := json.Unmarshal(payload, &got); err != nil {
		w.t.Fatal(err)
	}
	return got
}

// A function of a serverless template is called when somebody signs in, and what
// it adds is in the token; with an alias, it is the alias that is called.
func TestAServerlessStackChangesTokens(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		const how = "Node.js is needed: put node on the PATH"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	for name, template := range map[string]string{
		"function": serverless(t),
		"alias":    strings.Replace(serverless(t), "      InlineCode:", "      AutoPublishAlias: live\n      InlineCode:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := w.want(w.create("shop", template, capable), "CREATE_COMPLETE")
			if got := w.claims(d)["tenantId"]; got != "t-1" {
				t.Errorf("tenantId = %v, want t-1", got)
			}
			w.must("cloudformation", "DeleteStack", object{"StackName": "shop"}, nil)
			w.want(w.describe(d.StackId), "DELETE_COMPLETE")
		})
	}
}

func TestNewCodeIsANewVersionOfTheAlias(t *testing.T) {
	w := newWorld(t)
	template := strings.Replace(serverless(t), "      InlineCode:", "      AutoPublishAlias: live\n      InlineCode:", 1) + "  Version: {Value: !GetAtt Claims.Version.Version}\n"
	d := w.want(w.create("shop", template, capable), "CREATE_COMPLETE")
	if got := d.output("Version"); got != "1" {
		t.Errorf("version = %q, want 1", got)
	}
	d = w.want(w.update("shop", strings.Replace(template, "tenantId:", "tenant:", 1), capable), "UPDATE_COMPLETE")
	if got := d.output("Version"); got != "2" {
		t.Errorf("version = %q, want 2", got)
	}
	var alias struct{ FunctionVersion string }
	var resources struct {
		StackResourceSummaries []struct{ LogicalResourceId, PhysicalResourceId string }
	}
	w.must("cloudformation", "ListStackResources", object{"StackName": "shop"}, &resources)
	for _, r := range resources.StackResourceSummaries {
		if r.LogicalResourceId == "Claims" {
			w.must("lambda", "GetAlias", object{"FunctionName": r.PhysicalResourceId, "Name": "live"}, &alias)
		}
	}
	if alias.FunctionVersion != "2" {
		t.Errorf("the alias is of version %q, want 2", alias.FunctionVersion)
	}
}

const loop = `Transform: AWS::LanguageExtensions
Parameters: {Roles: {Type: CommaDelimitedList, Default: "admin,staff"}}
Resources:
  Pool: {Type: AWS::Cognito::UserPool}
  Fn::ForEach::Groups:
    - Role
    - !Ref Roles
    - ${Role}Group: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: !Ref Role}}
`

func TestLoopsAreExpandedWithTheParameters(t *testing.T) {
	w := newWorld(t)
	w.want(w.create("shop", loop, capable), "CREATE_COMPLETE")
	if got := strings.Count(w.inventory(), `"GroupName"`); got != 2 {
		t.Errorf("%d groups, want 2", got)
	}
	w.want(w.update("shop", loop, object{"Capabilities": capable["Capabilities"], "Parameters": []object{{"ParameterKey": "Roles", "ParameterValue": "admin,staff,guest"}}}), "UPDATE_COMPLETE")
	if got := strings.Count(w.inventory(), `"GroupName"`); got != 3 {
		t.Errorf("%d groups, want 3", got)
	}
	var out struct{ TemplateBody string }
	for stage, want := range map[string]string{"Original": loop, "Processed": `"guestGroup"`} {
		w.must("cloudformation", "GetTemplate", object{"StackName": "shop", "TemplateStage": stage}, &out)
		if !strings.Contains(out.TemplateBody, want) {
			t.Errorf("stage %s:\n%s", stage, out.TemplateBody)
		}
	}
}

// Who has a template transformed must say so, unless it is to be looked at
// before.
func TestTransformsNeedACapability(t *testing.T) {
	w := newWorld(t)
	for name, template := range map[string]string{"serverless": serverless(t), "language": loop} {
		in := object{"StackName": "shop", "TemplateBody": template, "Capabilities": []string{"CAPABILITY_IAM"}}
		wantError(t, w.do("cloudformation", "CreateStack", in, nil), "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
		in["ChangeSetName"], in["ChangeSetType"], in["StackName"] = "first", "CREATE", name
		w.must("cloudformation", "CreateChangeSet", in, nil)
		w.must("cloudformation", "ExecuteChangeSet", object{"StackName": name, "ChangeSetName": "first"}, nil)
		w.want(w.describe(name), "CREATE_COMPLETE")
		err := w.do("cloudformation", "UpdateStack", object{"StackName": name, "TemplateBody": template + "  More: {Value: x}\n", "Capabilities": []string{"CAPABILITY_IAM"}}, nil)
		if name == "serverless" {
			wantError(t, err, "InsufficientCapabilitiesException", "CAPABILITY_AUTO_EXPAND")
		}
	}
	// The role that a function without one gets is IAM's.
	err := w.do("cloudformation", "CreateStack", object{"StackName": "other", "TemplateBody": serverless(t), "Capabilities": []string{"CAPABILITY_AUTO_EXPAND"}}, nil)
	wantError(t, err, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
}

func TestSummaryOfATransformedTemplate(t *testing.T) {
	w := newWorld(t)
	var out struct {
		DeclaredTransforms, ResourceTypes, Capabilities []string
	}
	w.must("cloudformation", "GetTemplateSummary", object{"TemplateBody": serverless(t)}, &out)
	if got := strings.Join(out.DeclaredTransforms, " "); got != "AWS::Serverless-2016-10-31" {
		t.Errorf("transforms = %s", got)
	}
	if got := strings.Join(out.ResourceTypes, " "); got != "AWS::Cognito::UserPool AWS::Cognito::UserPoolClient AWS::Serverless::Function" {
		t.Errorf("types = %s", got)
	}
	if got := strings.Join(out.Capabilities, " "); got != "CAPABILITY_AUTO_EXPAND" {
		t.Errorf("capabilities = %s", got)
	}
}

// A stack whose template is transformed is resumed after a crash like any other.
func TestACrashOfATransformedStackIsResumed(t *testing.T) {
	w := newWorld(t)
	w.crash.Store(2)
	w.must("cloudformation", "CreateStack", object{"StackName": "shop", "TemplateBody": loop, "Capabilities": capable["Capabilities"]}, nil)
	if w.calls.Load() < 2 {
		t.Fatal("there was no crash")
	}
	if err := w.stacks.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.crash.Store(0)
	next := w.service()
	next.Start()
	w.want(w.describe("shop"), "CREATE_COMPLETE")
	if err := next.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if got := strings.Count(w.inventory(), `"GroupName"`); got != 2 {
		t.Errorf("%d groups, want 2", got)
	}
}
