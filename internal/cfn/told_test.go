package cfn_test

import (
	"strings"
	"testing"
)

// Events tell with which properties a resource was made, and DescribeStackResource
// what the template says about it; NoEcho hides values in both.
func TestSec_LOG_1_WhatIsToldOfResourcesHidesNoEcho(t *testing.T) {
	w := newWorld(t)
	text := `
Parameters: {P: {Type: String, NoEcho: true}, Q: {Type: String}}
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Metadata: {aws:cdk:path: stack/pool, of: !Ref Q, secret: !Sub "x-${P}", id: 7}
    Properties: {UserPoolName: !Sub "${P}-${Q}", MfaConfiguration: "OFF"}
  Bare: {Type: AWS::Cognito::UserPool}
`
	d := w.want(w.create("s", text, object{"Parameters": []object{
		{"ParameterKey": "P", "ParameterValue": "canary-secret"}, {"ParameterKey": "Q", "ParameterValue": "shown"},
	}}), "CREATE_COMPLETE")
	var events struct {
		StackEvents []struct{ LogicalResourceId, ResourceStatus, ResourceProperties string }
	}
	w.must("cloudformation", "DescribeStackEvents", object{"StackName": "s"}, &events)
	told := 0
	for _, e := range events.StackEvents {
		switch {
		case strings.Contains(e.ResourceProperties, "canary"):
			t.Errorf("an event tells %s", e.ResourceProperties)
		case e.LogicalResourceId == "Pool":
			told++
			if want := `{"MfaConfiguration":"OFF","UserPoolName":"****-shown"}`; e.ResourceProperties != want {
				t.Errorf("%s %s has the properties %s, want %s", e.LogicalResourceId, e.ResourceStatus, e.ResourceProperties, want)
			}
		}
	}
	if told != 2 {
		t.Errorf("%d events of the pool", told)
	}
	for id, want := range map[string]string{"Pool": `{"aws:cdk:path":"stack/pool","of":"shown","secret":"x-****","id":7}`, "Bare": ""} {
		var out struct{ StackResourceDetail struct{ Metadata string } }
		w.must("cloudformation", "DescribeStackResource", object{"StackName": d.StackId, "LogicalResourceId": id}, &out)
		if got := out.StackResourceDetail.Metadata; got != want {
			t.Errorf("metadata of %s = %s, want %s", id, got, want)
		}
	}
}
