package cfn_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A change set shows the values of properties if it is asked to, and none that
// NoEcho hides, of before or after.
func TestSec_LOG_1_ChangeSetsShowValuesButNoEcho(t *testing.T) {
	w := newWorld(t)
	text := `
Parameters: {P: {Type: String, NoEcho: true}}
Resources:
  Pool: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: !Sub "pool-${P}", MfaConfiguration: "OFF"}}
  Group: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: g, Description: one}}
`
	secret := func(value string) []object {
		return []object{{"ParameterKey": "P", "ParameterValue": value}}
	}
	w.want(w.create("s", text, object{"Parameters": secret("canary1")}), "CREATE_COMPLETE")
	changed := strings.NewReplacer("Description: one", "Description: two", "Resources:", "Resources:\n  Client: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Pool}}").Replace(text)
	w.must("cloudformation", "CreateChangeSet", object{"StackName": "s", "ChangeSetName": "c", "TemplateBody": changed, "Parameters": secret("canary2")}, nil)
	for _, values := range []bool{false, true} {
		var out struct {
			Changes []struct {
				ResourceChange struct {
					LogicalResourceId, BeforeContext, AfterContext string
					Details                                        []struct {
						Target struct{ Name, BeforeValue, AfterValue string }
					}
				}
			}
		}
		w.must("cloudformation", "DescribeChangeSet", object{"StackName": "s", "ChangeSetName": "c", "IncludePropertyValues": values}, &out)
		var got []string
		for _, c := range out.Changes {
			r := c.ResourceChange
			line := r.LogicalResourceId
			for _, d := range r.Details {
				line += " " + d.Target.Name + ":" + d.Target.BeforeValue + ":" + d.Target.AfterValue
			}
			if strings.Contains(r.BeforeContext+r.AfterContext, "canary") || values == (r.AfterContext == "") {
				t.Errorf("values %v: %s: before %s, after %s", values, r.LogicalResourceId, r.BeforeContext, r.AfterContext)
			}
			got = append(got, line)
		}
		slices.Sort(got)
		want := []string{"Client", "Group Description::", "Pool UserPoolName::"}
		if values {
			want = []string{"Client", "Group Description:one:two", "Pool UserPoolName:pool-****:pool-****"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
