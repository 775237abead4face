package cfn_test

import (
	"strings"
	"testing"
)

// The same request again, by its token, is done once, at any time; a token of
// another request is refused.
func TestATokenMakesARequestOnce(t *testing.T) {
	w := newWorld(t)
	changed := strings.ReplaceAll(two, "Description: one", "Description: two")
	call := func(operation string, in object) string {
		t.Helper()
		var out struct{ StackId, Id string }
		w.must("cloudformation", operation, in, &out)
		return out.StackId + out.Id
	}
	create := object{"StackName": "s", "TemplateBody": two, "ClientRequestToken": "create"}
	update := object{"StackName": "s", "TemplateBody": changed, "ClientRequestToken": "update"}
	plan := object{"StackName": "s", "ChangeSetName": "c", "TemplateBody": two, "ClientToken": "plan"}
	execute := object{"StackName": "s", "ChangeSetName": "c", "ClientRequestToken": "execute"}
	requests := []struct {
		operation string
		in        object
	}{{"CreateStack", create}, {"UpdateStack", update}, {"CreateChangeSet", plan}, {"ExecuteChangeSet", execute}}
	first := map[string]string{}
	for _, r := range requests {
		first[r.operation] = call(r.operation, r.in)
		w.describe("s")
	}
	events := len(w.events("s"))
	for _, r := range requests {
		if again := call(r.operation, r.in); again != first[r.operation] {
			t.Errorf("%s again answered %s, not %s", r.operation, again, first[r.operation])
		}
	}
	if got := len(w.events("s")); got != events {
		t.Errorf("the same requests again made %d events", got-events)
	}

	create["ClientRequestToken"] = "other"
	wantError(t, w.do("cloudformation", "CreateStack", create, nil), "AlreadyExistsException", "Stack [s] already exists")
	for operation, in := range map[string]object{
		"CreateStack":       {"StackName": "s", "TemplateBody": two},
		"UpdateStack":       {"StackName": "s", "TemplateBody": changed},
		"DeleteStack":       {"StackName": "s"},
		"CancelUpdateStack": {"StackName": "s"},
		"ExecuteChangeSet":  {"StackName": "s", "ChangeSetName": "c"},
		"CreateChangeSet":   {"StackName": "s", "ChangeSetName": "other", "TemplateBody": changed},
	} {
		name := "ClientRequestToken"
		if operation == "CreateChangeSet" {
			name = "ClientToken"
		}
		in[name] = "plan"
		if operation == "ExecuteChangeSet" {
			in[name] = "update"
		}
		wantError(t, w.do("cloudformation", operation, in, nil), "TokenAlreadyExistsException", in[name].(string))
	}
	var out struct {
		StackEvents []struct{ LogicalResourceId, ClientRequestToken string }
	}
	w.must("cloudformation", "DescribeStackEvents", object{"StackName": "s"}, &out)
	if len(out.StackEvents) == 0 {
		t.Error("there are no events")
	}
	for _, e := range out.StackEvents {
		if e.ClientRequestToken == "" {
			t.Errorf("an event of %s does not say which request it belongs to", e.LogicalResourceId)
		}
	}
}

// A cancellation that was sent twice does not end the next update.
func TestACancellationAgainCancelsNothingElse(t *testing.T) {
	w := newWorld(t, patient)
	w.want(w.create("s", two, nil), "CREATE_COMPLETE")
	cancel := object{"StackName": "s", "ClientRequestToken": "stop"}
	w.mu.Lock()
	w.after = func(operation string) {
		if operation == "UpdateGroup" {
			w.must("cloudformation", "CancelUpdateStack", cancel, nil)
		}
	}
	w.mu.Unlock()
	changed := strings.ReplaceAll(two, "Description: one", "Description: two")
	w.want(w.update("s", changed, nil), "UPDATE_ROLLBACK_COMPLETE")
	w.want(w.update("s", changed, nil), "UPDATE_COMPLETE")
}
