package cfn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
)

func article(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../examples/cloudformation/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func trigger(v string) object {
	return object{"Parameters": []object{{"ParameterKey": "Trigger", "ParameterValue": v}}}
}

func wantError(t testing.TB, err error, code apierr.Code, says string) {
	t.Helper()
	e, ok := errors.AsType[*apierr.Error](err)
	if !ok || e.Code != code || !strings.Contains(e.Message, says) {
		t.Errorf("error = %v, want %s with %q", err, code, says)
	}
}

func TestTheArticlesStack(t *testing.T) {
	w := newWorld(t)
	d := w.want(w.create("shop", article(t), trigger("no")), "CREATE_COMPLETE")
	if d.output("UserPoolId") == "" || d.output("ClientSecret") == "" {
		t.Errorf("outputs = %v", d.Outputs)
	}
	before := w.inventory()
	if strings.Contains(before, "PreTokenGenerationConfig") {
		t.Errorf("the pool has a trigger before the update:\n%s", before)
	}
	d2 := w.want(w.update("shop", article(t), trigger("yes")), "UPDATE_COMPLETE")
	if d2.output("UserPoolId") != d.output("UserPoolId") || d2.output("ClientId") != d.output("ClientId") {
		t.Error("the update replaced the pool or the client")
	}
	if after := w.inventory(); !strings.Contains(after, `"LambdaVersion": "V2_0"`) || !strings.Contains(after, "cognito-idp.amazonaws.com") {
		t.Errorf("the pool has no trigger, or may not call it:\n%s", after)
	}
	err := w.do("cloudformation", "UpdateStack", object{"StackName": "shop", "TemplateBody": article(t), "Parameters": trigger("yes")["Parameters"]}, nil)
	wantError(t, err, "ValidationError", "No updates are to be performed.")
	w.want(w.update("shop", article(t), trigger("no")), "UPDATE_COMPLETE")
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Errorf("back and forth changed something:\n%s", diff)
	}
	w.must("cloudformation", "DeleteStack", object{"StackName": "shop"}, nil)
	w.want(w.describe(d.StackId), "DELETE_COMPLETE")
	if got := w.inventory(); got != "{}" {
		t.Errorf("the deletion left %s", got)
	}
	err = w.do("cloudformation", "DescribeStacks", object{"StackName": "shop"}, nil)
	wantError(t, err, "ValidationError", "Stack with id shop does not exist")
}

// broken fails once everything else is there.
const broken = `
  Broken:
    Type: AWS::Cognito::UserPoolClient
    DependsOn: [Pool, Client, Admins, Staff, Claims, PoolMayCall]
    Properties: {UserPoolId: !Ref Pool, RefreshTokenValidity: 0, AccessTokenValidity: 500, ExplicitAuthFlows: [NO_SUCH_FLOW]}
`

func withBroken(text string) string {
	return strings.Replace(text, "\nOutputs:", broken+"\nOutputs:", 1)
}

func TestACreationThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	d := w.want(w.create("shop", withBroken(article(t)), nil), "ROLLBACK_COMPLETE")
	if got := w.inventory(); got != "{}" {
		t.Errorf("the rollback left %s", got)
	}
	if events := w.events(d.StackId); !slices.ContainsFunc(events, func(e string) bool {
		return strings.HasPrefix(e, "Broken CREATE_FAILED") && strings.Contains(e, "NO_SUCH_FLOW")
	}) {
		t.Errorf("no event says why: %q", events)
	}
	w.must("cloudformation", "DeleteStack", object{"StackName": "shop"}, nil)
	w.want(w.describe(d.StackId), "DELETE_COMPLETE")
	w.want(w.create("shop", article(t), nil), "CREATE_COMPLETE")
}

// An update that fails, at whichever operation, leaves what was there before,
// to the byte.
func TestAnUpdateThatFailsRestores(t *testing.T) {
	changed := strings.NewReplacer(
		"MinimumLength: 10", "MinimumLength: 12",
		"GroupName: staff, Precedence: 10", "GroupName: crew, Precedence: 11", // a replacement
		"GroupName: admins, Precedence: 1", "GroupName: admins, Precedence: 2",
		"departmentId:", "dept:",
		"PreventUserExistenceErrors: ENABLED", "PreventUserExistenceErrors: LEGACY",
		"GenerateSecret: true", "GenerateSecret: false", // a replacement
		"  ClientSecret: {Value: !GetAtt Client.ClientSecret}\n", "", // which that does not have
	).Replace(article(t))
	w := newWorld(t)
	w.want(w.create("shop", article(t), nil), "CREATE_COMPLETE")
	before := w.inventory()
	d := w.want(w.update("shop", withBroken(changed), nil), "UPDATE_ROLLBACK_COMPLETE")
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Fatalf("not what it was:\n%s", diff)
	}
	// Every changing operation of the update fails once.
	for n := int64(1); ; n++ {
		seen := int64(0)
		w.fail = func(operation string, _ any) error {
			if strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Get") {
				return nil
			}
			if seen++; seen == n {
				return apierr.New("Injected", "this one fails")
			}
			return nil
		}
		w.calls.Store(0)
		got := w.update("shop", changed, nil)
		w.fail = nil
		if got.StackStatus == "UPDATE_COMPLETE" {
			if n < 6 {
				t.Errorf("the update has only %d operations", n-1)
			}
			break
		}
		if w.want(got, "UPDATE_ROLLBACK_COMPLETE"); seen < n {
			t.Fatalf("the update fails of itself: %s", got.StackStatusReason)
		}
		if diff := cmp.Diff(before, w.inventory()); diff != "" {
			t.Fatalf("after operation %d failed:\n%s", n, diff)
		}
	}
	if d.StackStatusReason != "" {
		t.Errorf("reason = %q", d.StackStatusReason)
	}
	if got := w.inventory(); !strings.Contains(got, "dept") && !strings.Contains(got, "crew") {
		t.Errorf("the last update did nothing: %s", got)
	}
}

// A process that dies in the middle is followed by one that goes on: nothing is
// made twice and nothing is left out, wherever it was.
func TestACrashIsResumed(t *testing.T) {
	for n := int64(1); ; n++ {
		w := newWorld(t)
		w.crash.Store(n)
		in := object{"StackName": "shop", "TemplateBody": article(t)}
		w.must("cloudformation", "CreateStack", in, nil)
		if !w.crashed(n) {
			break
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
		for what, want := range map[string]int{`"pool `: 1, `"client `: 1, `"function `: 1, `"GroupName"`: 2} {
			if have := strings.Count(got, what); have != want {
				t.Errorf("crash at call %d: %d of %s, want %d\n%s", n, have, what, want, got)
			}
		}
		if t.Failed() {
			return
		}
		if n > 50 {
			t.Fatal("a creation has no end")
		}
	}
}

func TestWhatIsRefusedBeforeAnythingIsMade(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		template string
		more     object
		code     apierr.Code
		says     string
	}{
		"unknown type":       {"Resources: {A: {Type: AWS::S3::Nothing}, B: {Type: AWS::EC2::Instance}}", nil, "ValidationError", "Unrecognized resource types: [AWS::EC2::Instance, AWS::S3::Nothing]"},
		"unknown property":   {"Resources: {A: {Type: AWS::Cognito::UserPool, Properties: {Foo: 1}}}", nil, "ValidationError", "Encountered unsupported property Foo"},
		"nested property":    {"Resources: {A: {Type: AWS::Cognito::UserPool, Properties: {Policies: {PasswordPolicy: {Foo: 1}}}}}", nil, "ValidationError", "unsupported property Foo in Policies.PasswordPolicy"},
		"wrong type":         {"Resources: {A: {Type: AWS::Cognito::UserPool, Properties: {Policies: {PasswordPolicy: {MinimumLength: eight}}}}}", nil, "ValidationError", "Policies.PasswordPolicy.MinimumLength must be of type Integer"},
		"list wanted":        {"Resources: {A: {Type: AWS::Cognito::UserPool, Properties: {AliasAttributes: email}}}", nil, "ValidationError", "AliasAttributes must be of type List of String"},
		"missing property":   {"Resources: {A: {Type: AWS::Cognito::UserPoolClient}}", nil, "ValidationError", "Property UserPoolId cannot be empty"},
		"unknown transform":  {"Transform: AWS::Include\nResources: {A: {Type: AWS::Cognito::UserPool}}", nil, "ValidationError", "AWS::Include is not supported"},
		"capability":         {"Transform: AWS::LanguageExtensions\nResources: {A: {Type: AWS::Cognito::UserPool}}", nil, "InsufficientCapabilitiesException", "CAPABILITY_AUTO_EXPAND"},
		"no template":        {"", nil, "ValidationError", "Exactly one of"},
		"template URL":       {"", object{"TemplateURL": "http://169.254.169.254/"}, "ValidationError", "TemplateURL must reference"},
		"stack policy":       {"Resources: {A: {Type: AWS::Cognito::UserPool}}", object{"StackPolicyBody": "{}"}, "ValidationError", "StackPolicyBody is not supported"},
		"notifications":      {"Resources: {A: {Type: AWS::Cognito::UserPool}}", object{"NotificationARNs": []string{"arn:aws:sns:eu-central-1:000000000000:t"}}, "ValidationError", "NotificationARNs is not supported"},
		"retained on create": {"Resources: {A: {Type: AWS::Cognito::UserPool}}", object{"RetainExceptOnCreate": true}, "ValidationError", "RetainExceptOnCreate is not supported"},
		"parameter":          {"Resources: {A: {Type: AWS::Cognito::UserPool}}", trigger("x"), "ValidationError", "Parameters: [Trigger] do not exist in the template"},
		"import":             {"Resources: {A: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: !ImportValue x}}}", nil, "ValidationError", "No export named x found."},
		"syntax":             {"Resources: [", nil, "ValidationError", "Template format error"},
	} {
		t.Run(name, func(t *testing.T) {
			in := object{"StackName": "s"}
			if tt.template != "" {
				in["TemplateBody"] = tt.template
			}
			for k, v := range tt.more {
				in[k] = v
			}
			wantError(t, w.do("cloudformation", "CreateStack", in, nil), tt.code, tt.says)
		})
	}
	if got := w.inventory(); got != "{}" {
		t.Errorf("something was made: %s", got)
	}
	wantError(t, w.do("cloudformation", "DescribeStacks", object{"StackName": "s"}, nil), "ValidationError", "does not exist")
}

func TestExportsBindStacks(t *testing.T) {
	w := newWorld(t)
	exporter := "Resources: {Pool: {Type: AWS::Cognito::UserPool}}\nOutputs: {Id: {Value: !Ref Pool, Export: {Name: pool}}}"
	importer := "Resources: {G: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !ImportValue pool, GroupName: g}}}"
	w.want(w.create("a", exporter, nil), "CREATE_COMPLETE")
	w.want(w.create("b", importer, nil), "CREATE_COMPLETE")
	wantError(t, w.do("cloudformation", "DeleteStack", object{"StackName": "a"}, nil), "ValidationError", "Export pool cannot be deleted as it is in use by b")
	d := w.update("a", "Resources: {Pool: {Type: AWS::Cognito::UserPool}}", nil)
	w.want(d, "UPDATE_ROLLBACK_COMPLETE")
	var list struct {
		Exports []struct{ Name, Value string }
	}
	w.must("cloudformation", "ListExports", object{}, &list)
	if len(list.Exports) != 1 || list.Exports[0].Name != "pool" {
		t.Errorf("exports = %v", list)
	}
	w.want(w.create("c", strings.Replace(exporter, "Pool:", "Other:", 1)[:0]+"Resources: {Other: {Type: AWS::Cognito::UserPool}}\nOutputs: {Id: {Value: !Ref Other, Export: {Name: pool}}}", nil), "ROLLBACK_COMPLETE")
	w.must("cloudformation", "DeleteStack", object{"StackName": "b"}, nil)
	w.describe2("b")
	w.must("cloudformation", "DeleteStack", object{"StackName": "a"}, nil)
}

// describe2 waits until a stack is gone.
func (w *world) describe2(name string) {
	w.t.Helper()
	for range 1000 {
		if err := w.do("cloudformation", "DescribeStacks", object{"StackName": name}, nil); err != nil {
			return
		}
		w.describe(name)
	}
	w.t.Fatalf("stack %s is still there", name)
}

func TestChangeSets(t *testing.T) {
	w := newWorld(t)
	in := object{"StackName": "s", "ChangeSetName": "first", "ChangeSetType": "CREATE", "TemplateBody": article(t)}
	w.must("cloudformation", "CreateChangeSet", in, nil)
	if d := w.review("s"); d != "REVIEW_IN_PROGRESS" {
		t.Errorf("status = %s", d)
	}
	w.must("cloudformation", "ExecuteChangeSet", object{"StackName": "s", "ChangeSetName": "first"}, nil)
	w.want(w.describe("s"), "CREATE_COMPLETE")
	changed := strings.NewReplacer("MinimumLength: 10", "MinimumLength: 12", "GenerateSecret: true", "GenerateSecret: false",
		"  Staff:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties: {UserPoolId: !Ref Pool, GroupName: staff, Precedence: 10}\n", "",
		"  Admins:", "  New: {Type: AWS::Cognito::UserPool}\n  Admins:").Replace(article(t))
	w.must("cloudformation", "CreateChangeSet", object{"StackName": "s", "ChangeSetName": "second", "TemplateBody": changed}, nil)
	var out struct {
		Status, ExecutionStatus string
		Changes                 []struct {
			ResourceChange struct{ Action, LogicalResourceId, Replacement string }
		}
	}
	w.must("cloudformation", "DescribeChangeSet", object{"StackName": "s", "ChangeSetName": "second"}, &out)
	var got []string
	for _, c := range out.Changes {
		got = append(got, strings.TrimSpace(c.ResourceChange.Action+" "+c.ResourceChange.LogicalResourceId+" "+c.ResourceChange.Replacement))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"Add New", "Modify Client True", "Modify Pool False", "Remove Staff"}, got); diff != "" {
		t.Error(diff)
	}
	w.must("cloudformation", "CreateChangeSet", object{"StackName": "s", "ChangeSetName": "none", "TemplateBody": article(t)}, nil)
	var none struct{ Status, StatusReason string }
	w.must("cloudformation", "DescribeChangeSet", object{"StackName": "s", "ChangeSetName": "none"}, &none)
	if none.Status != "FAILED" || !strings.Contains(none.StatusReason, "didn't contain changes") {
		t.Errorf("a change set without changes is %v", none)
	}
	wantError(t, w.do("cloudformation", "ExecuteChangeSet", object{"StackName": "s", "ChangeSetName": "none"}, nil), "InvalidChangeSetStatus", "UNAVAILABLE")
	w.want(w.update("s", strings.Replace(article(t), "MinimumLength: 10", "MinimumLength: 11", 1), nil), "UPDATE_COMPLETE")
	wantError(t, w.do("cloudformation", "ExecuteChangeSet", object{"StackName": "s", "ChangeSetName": "second"}, nil), "InvalidChangeSetStatus", "OBSOLETE")
	wantError(t, w.do("cloudformation", "DescribeChangeSet", object{"StackName": "s", "ChangeSetName": "gone"}, nil), "ChangeSetNotFound", "gone")
}

// A deleted stack is described for a while; its plans are of no use to anybody.
func TestChangeSetsGoWithTheirStack(t *testing.T) {
	w := newWorld(t)
	text := "Resources: {A: {Type: AWS::Cognito::UserPool}}"
	d := w.want(w.create("s", text, nil), "CREATE_COMPLETE")
	w.must("cloudformation", "CreateChangeSet", object{"StackName": "s", "ChangeSetName": "c", "TemplateBody": text + "\nDescription: other"}, nil)
	plans := func() int {
		var out struct {
			Summaries []struct{ ChangeSetName string }
		}
		w.must("cloudformation", "ListChangeSets", object{"StackName": d.StackId}, &out)
		return len(out.Summaries)
	}
	if n := plans(); n != 1 {
		t.Fatalf("the stack has %d change sets, want 1", n)
	}
	w.must("cloudformation", "DeleteStack", object{"StackName": "s"}, nil)
	w.want(w.describe(d.StackId), "DELETE_COMPLETE")
	if n := plans(); n != 0 {
		t.Errorf("the deleted stack still has %d change sets", n)
	}
}

func (w *world) review(name string) string {
	var out struct{ Stacks []described }
	w.must("cloudformation", "DescribeStacks", object{"StackName": name}, &out)
	return out.Stacks[0].StackStatus
}

func TestPoliciesAndProtection(t *testing.T) {
	w := newWorld(t)
	d := w.want(w.create("s", "Resources: {Kept: {Type: AWS::Cognito::UserPool, DeletionPolicy: Retain}, Gone: {Type: AWS::Cognito::UserPool}}",
		object{"EnableTerminationProtection": true}), "CREATE_COMPLETE")
	wantError(t, w.do("cloudformation", "DeleteStack", object{"StackName": "s"}, nil), "ValidationError", "TerminationProtection")
	w.must("cloudformation", "UpdateTerminationProtection", object{"StackName": "s", "EnableTerminationProtection": false}, nil)
	w.must("cloudformation", "DeleteStack", object{"StackName": "s"}, nil)
	w.want(w.describe(d.StackId), "DELETE_COMPLETE")
	if got := w.inventory(); strings.Count(got, `"pool `) != 1 {
		t.Errorf("kept: %s", got)
	}
}

func TestSec_LOG_1_NoEchoIsNotShown(t *testing.T) {
	w := newWorld(t)
	text := "Parameters: {P: {Type: String, NoEcho: true}}\nResources: {A: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: !Ref P}}}"
	d := w.create("s", text, object{"Parameters": []object{{"ParameterKey": "P", "ParameterValue": "canary-secret"}}})
	w.want(d, "CREATE_COMPLETE")
	if got := fmt.Sprint(d.Parameters); !strings.Contains(got, "****") || strings.Contains(got, "canary") {
		t.Errorf("parameters = %s", got)
	}
}

// BenchmarkStack is the deployment of a stack of so many resources; the document
// that is its journal is written about twice for each.
func BenchmarkStack(b *testing.B) {
	for _, n := range []int{50, 500} {
		var text strings.Builder
		text.WriteString("Resources:\n  Pool: {Type: AWS::Cognito::UserPool}\n")
		text.WriteString("  F: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs22.x, Handler: index.handler, Role: 'arn:aws:iam::000000000000:role/r', Code: {ZipFile: 'exports.handler = async e => e'}}}\n")
		for i := range n/2 - 1 {
			fmt.Fprintf(&text, "  C%d: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Pool}}\n", i)
			fmt.Fprintf(&text, "  G%d: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool}}\n", i)
		}
		b.Run(fmt.Sprintf("%d resources", n), func(b *testing.B) {
			w := newWorld(b)
			for i := 0; b.Loop(); i++ {
				w.want(w.create(fmt.Sprintf("s%d", i), text.String(), nil), "CREATE_COMPLETE")
			}
			err := w.db.View(b.Context(), func(tx store.Tx) error {
				docs, _, err := tx.ListDocuments("stack", region, store.Page{Limit: 1})
				b.ReportMetric(float64(len(docs[0].Data)), "document-B")
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
