package cfn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// A panic while a stack is worked on happens outside any request: it would take
// the server down and, since the operation is resumed, every start after.
func TestSec_ERR_1_APanicFailsTheStackOnly(t *testing.T) {
	w := newWorld(t)
	w.fail = func(operation string, _ any) error {
		if operation == "CreateUserPool" {
			panic("a bug in a provider")
		}
		return nil
	}
	got := w.create("s", `{"Resources": {"P": {"Type": "AWS::Cognito::UserPool"}, "L": {"Type": "AWS::Logs::LogGroup", "DependsOn": "P"}}}`, nil)
	w.want(got, "ROLLBACK_COMPLETE")
	if strings.Contains(fmt.Sprint(w.events("s")), "a bug in a provider") {
		t.Errorf("the panic is shown: %v", w.events("s"))
	}
}

// What functions make of a value that NoEcho hides is hidden as well.
func TestSec_LOG_1_NoEchoInOtherForms(t *testing.T) {
	w := newWorld(t)
	const text = `
Transform: AWS::LanguageExtensions
Parameters:
  P: {Type: String, NoEcho: true}
  Q: {Type: String, NoEcho: true}
  L: {Type: CommaDelimitedList, NoEcho: true}
  N: {Type: Number, NoEcho: true}
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs22.x
      Role: arn:aws:iam::000000000000:role/r
      Timeout: !Ref N
      Code: {ZipFile: "exports.handler = 1"}
      Environment:
        Variables:
          A: !Base64 {"Fn::Sub": "user:${P}"}
          B: !Select [1, !Split ["/", !Ref P]]
          C: !Join [";", !Ref L]
          D: !ToJsonString {k: !Ref Q}
          E: !Ref Q
`
	in := object{"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": text, "Parameters": []object{
		{"ParameterKey": "P", "ParameterValue": "canary1/canary2"}, {"ParameterKey": "Q", "ParameterValue": `canary1/"canary2"canary3`},
		{"ParameterKey": "L", "ParameterValue": "canary4, canary5"}, {"ParameterKey": "N", "ParameterValue": "777"},
	}}
	w.must("cloudformation", "CreateChangeSet", in, nil)
	var out object
	w.must("cloudformation", "DescribeChangeSet", object{"StackName": "s", "ChangeSetName": "c", "IncludePropertyValues": true}, &out)
	shown := fmt.Sprint(out)
	for _, secret := range []string{"canary", "777", "dXNlcj", "Y2FuYXJ5"} {
		if at := strings.Index(shown, secret); at >= 0 {
			t.Errorf("%s is shown: %.80s", secret, shown[max(0, at-40):])
		}
	}
	if !strings.Contains(shown, "index.handler") {
		t.Errorf("nothing is shown: %s", shown)
	}
}

// An export of a name that the store does not take kept the stack in progress
// for ever.
func TestSec_ERR_1_NamesOfExportsThatAreNoText(t *testing.T) {
	w := newWorld(t)
	got := w.create("s", `{"Resources": {"M": {"Type": "AWS::CDK::Metadata"}}, "Outputs": {"O": {"Value": "v", "Export": {"Name": "a\u0000b"}}}}`, nil)
	if strings.Contains(fmt.Sprint(got, w.events(got.StackId)), "store:") {
		t.Errorf("%+v %v", got, w.events(got.StackId))
	}
	w.want(got, "ROLLBACK_COMPLETE")
	err := w.do("cloudformation", "CreateStack", object{"StackName": "t", "TemplateBody": `{"Resources": {"P": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": {"Fn::ImportValue": "a\u0000b"}}}}}`}, nil)
	if apierr.CodeOf(err) != "ValidationError" {
		t.Errorf("import: %v", err)
	}
}
