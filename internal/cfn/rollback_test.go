package cfn_test

import (
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

const two = `
Resources:
  Pool: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: one}}
  Group: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: g, Description: one}}
`

// stuck is a stack whose update has failed, and whose rollback too.
func stuck(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.want(w.create("s", two, nil), "CREATE_COMPLETE")
	w.failing(func(operation string) error {
		if operation == "UpdateGroup" {
			return apierr.New("Injected", "no")
		}
		return nil
	})
	w.want(w.update("s", strings.ReplaceAll(two, "one", "two"), nil), "UPDATE_ROLLBACK_FAILED")
	return w
}

func TestARollbackThatFailsIsContinued(t *testing.T) {
	w := stuck(t)
	wantError(t, w.do("cloudformation", "UpdateStack", object{"StackName": "s", "TemplateBody": two}, nil), "ValidationError", "UPDATE_ROLLBACK_FAILED state and can not be updated")
	w.must("cloudformation", "ContinueUpdateRollback", object{"StackName": "s"}, nil)
	w.want(w.describe("s"), "UPDATE_ROLLBACK_FAILED")
	w.failing(nil)
	in := object{"StackName": "s", "ClientRequestToken": "once"}
	w.must("cloudformation", "ContinueUpdateRollback", in, nil)
	w.want(w.describe("s"), "UPDATE_ROLLBACK_COMPLETE")
	w.must("cloudformation", "ContinueUpdateRollback", in, nil)
	in["ClientRequestToken"] = "twice"
	wantError(t, w.do("cloudformation", "ContinueUpdateRollback", in, nil), "ValidationError", "can not continue an update rollback")
	if got := w.inventory(); strings.Contains(got, `"two"`) {
		t.Errorf("not what it was: %s", got)
	}
}

func TestARollbackSkipsResources(t *testing.T) {
	w := stuck(t)
	for _, name := range []string{"Pool", "Nobody"} {
		err := w.do("cloudformation", "ContinueUpdateRollback", object{"StackName": "s", "ResourcesToSkip": []string{name}}, nil)
		wantError(t, err, "ValidationError", "ResourcesToSkip: "+name)
	}
	w.must("cloudformation", "ContinueUpdateRollback", object{"StackName": "s", "ResourcesToSkip": []string{"Group"}}, nil)
	w.want(w.describe("s"), "UPDATE_ROLLBACK_COMPLETE")
	w.failing(nil)
	w.want(w.update("s", strings.ReplaceAll(two, "one", "three"), nil), "UPDATE_COMPLETE")
}

// Retain holds when a creation is rolled back; RetainExceptOnCreate does not.
func TestDeletionPolicyInARollback(t *testing.T) {
	for policy, left := range map[string]int{"Retain": 1, "RetainExceptOnCreate": 0, "Delete": 0} {
		w := newWorld(t)
		text := "Resources: {Kept: {Type: AWS::Cognito::UserPool, DeletionPolicy: " + policy + "}, " +
			"Bad: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Kept, ExplicitAuthFlows: [NO_SUCH_FLOW]}}}"
		w.want(w.create("s", text, nil), "ROLLBACK_COMPLETE")
		if got := w.inventory(); strings.Count(got, `"pool `) != left {
			t.Errorf("%s: %s, want %d pools", policy, got, left)
		}
	}
}

// An operation names in its error what it was given.
func TestSec_LOG_1_EventsHideNoEcho(t *testing.T) {
	w := newWorld(t)
	text := "Parameters: {P: {Type: String, NoEcho: true}}\nResources: {Pool: {Type: AWS::Cognito::UserPool}, " +
		"Bad: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Pool, ExplicitAuthFlows: [!Ref P]}}}"
	d := w.create("s", text, object{"Parameters": []object{{"ParameterKey": "P", "ParameterValue": "CANARY_FLOW"}}})
	w.want(d, "ROLLBACK_COMPLETE")
	all := strings.Join(w.events(d.StackId), "\n")
	if !strings.Contains(all, "Bad CREATE_FAILED") || !strings.Contains(all, "****") || strings.Contains(all, "CANARY") || strings.Contains(d.StackStatusReason, "CANARY") {
		t.Errorf("events:\n%s", all)
	}
}

// The next operation begins as soon as the status allows it, while the last one
// is still being put away.
func TestOneOperationAfterTheOther(t *testing.T) {
	w := newWorld(t)
	w.want(w.create("s", two, nil), "CREATE_COMPLETE")
	for i := range 20 {
		text := two
		if i%2 == 0 {
			text = strings.Replace(two, "Description: one", "Description: two", 1)
		}
		w.want(w.update("s", text, nil), "UPDATE_COMPLETE")
	}
}
