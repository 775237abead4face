package cfn_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// circle is a pool whose trigger needs the pool: CloudFormation refuses it.
const circle = `
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      LambdaConfig: {PreTokenGenerationConfig: {LambdaArn: !GetAtt Claims.Arn, LambdaVersion: V2_0}}
  Client: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Pool}}
  Claims:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: claims-one
      Runtime: nodejs22.x
      Handler: index.handler
      Role: arn:aws:iam::000000000000:role/r
      Environment: {Variables: {POOL: !Ref Pool, CLIENT: !Ref Client}}
      Code: {ZipFile: 'exports.handler = async e => e'}
  May:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Claims, Action: 'lambda:InvokeFunction', Principal: cognito-idp.amazonaws.com, SourceArn: !GetAtt Pool.Arn}
Outputs:
  Id: {Value: !Ref Pool}
`

// readOnly reports whether an operation changes nothing.
func readOnly(operation string) bool {
	return slices.ContainsFunc([]string{"Describe", "List", "Get"}, func(p string) bool { return strings.HasPrefix(operation, p) })
}

func TestAPoolAndItsTriggerMayNeedEachOther(t *testing.T) {
	w := newWorld(t)
	w.must("cloudformation", "ValidateTemplate", object{"TemplateBody": circle}, nil)
	d := w.want(w.create("s", circle, nil), "CREATE_COMPLETE")
	before := w.inventory()
	for _, want := range []string{`function:claims-one"`, `"POOL": "` + d.output("Id"), `"LambdaVersion": "V2_0"`} {
		if !strings.Contains(before, want) {
			t.Errorf("there is no %s in\n%s", want, before)
		}
	}
	wantError(t, w.do("cloudformation", "UpdateStack", object{"StackName": "s", "TemplateBody": circle}, nil), "ValidationError", "No updates are to be performed.")

	changed := strings.Replace(circle, "claims-one", "claims-two", 1)
	w.must("cloudformation", "CreateChangeSet", object{"StackName": "s", "ChangeSetName": "c", "TemplateBody": changed}, nil)
	var set struct {
		Changes []struct {
			ResourceChange struct{ LogicalResourceId, Replacement string }
		}
	}
	w.must("cloudformation", "DescribeChangeSet", object{"StackName": "s", "ChangeSetName": "c"}, &set)
	var lines []string
	for _, c := range set.Changes {
		lines = append(lines, c.ResourceChange.LogicalResourceId+" "+c.ResourceChange.Replacement)
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]string{"Claims True", "May Conditional", "Pool False"}, lines); diff != "" {
		t.Errorf("the change set:\n%s", diff)
	}

	// Whatever fails of the update, the circle is closed again as it was. That
	// something cannot be deleted does not fail it.
	for n := 1; ; n++ {
		seen := 0
		w.failing(func(operation string) error {
			if readOnly(operation) || strings.HasPrefix(operation, "Delete") || strings.HasPrefix(operation, "Remove") {
				return nil
			}
			if seen++; seen == n {
				return apierr.New("Injected", "this one fails")
			}
			return nil
		})
		got := w.update("s", changed, nil)
		w.failing(nil)
		if got.StackStatus == "UPDATE_COMPLETE" {
			break
		}
		if w.want(got, "UPDATE_ROLLBACK_COMPLETE"); n > 20 {
			t.Fatal("the update has no end")
		}
		if diff := cmp.Diff(before, w.inventory()); diff != "" {
			t.Fatalf("after operation %d failed:\n%s", n, diff)
		}
	}
	if after := w.inventory(); strings.Contains(after, "claims-one") || strings.Count(after, "function:claims-two") < 2 {
		t.Errorf("the pool does not call the new function:\n%s", after)
	}
	w.must("cloudformation", "DeleteStack", object{"StackName": "s"}, nil)
	w.want(w.describe(d.StackId), "DELETE_COMPLETE")
	if got := w.inventory(); got != "{}" {
		t.Errorf("the deletion left %s", got)
	}
}

// The crash may be between the pool without its trigger and the pool with it.
func TestACrashInACircleIsResumed(t *testing.T) {
	for n := int64(1); ; n++ {
		w := newWorld(t)
		w.crash.Store(n)
		w.must("cloudformation", "CreateStack", object{"StackName": "shop", "TemplateBody": circle}, nil)
		if !w.crashed(n) {
			if n < 5 {
				t.Errorf("the creation has only %d calls", n-1)
			}
			return
		}
		if err := w.stacks.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.crash.Store(0)
		next := w.service()
		next.Start()
		w.want(w.describe("shop"), "CREATE_COMPLETE")
		if err := next.Close(context.Background()); err != nil {
			t.Error(err)
		}
		got := w.inventory()
		if strings.Count(got, `"pool `) != 1 || strings.Count(got, `"function `) != 1 || !strings.Contains(got, "PreTokenGenerationConfig") {
			t.Fatalf("crash at call %d:\n%s", n, got)
		}
	}
}

func TestOtherCirclesAreRefused(t *testing.T) {
	w := newWorld(t)
	text := strings.Replace(circle, "Type: AWS::Cognito::UserPool\n", "Type: AWS::Cognito::UserPool\n    DependsOn: Claims\n", 1)
	for _, operation := range []string{"ValidateTemplate", "CreateStack"} {
		in := object{"TemplateBody": text}
		if operation == "CreateStack" {
			in["StackName"] = "s"
		}
		wantError(t, w.do("cloudformation", operation, in, nil), "ValidationError", "Circular dependency between resources: [Claims, Client, Pool]")
	}
}
