package cfn_test

import (
	"context"
	"strings"
	"testing"
	"time"
)

const waiting = `
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Ready:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Handle, Timeout: 600, Count: 2}
  Pool: {Type: AWS::Cognito::UserPool, DependsOn: Ready}
Outputs:
  Data: {Value: !GetAtt Ready.Data}
`

// begin creates a stack and returns the token of its handle, once there is one.
func (w *world) begin(name, template string) (token string) {
	w.t.Helper()
	w.must("cloudformation", "CreateStack", object{"StackName": name, "TemplateBody": template}, nil)
	return w.token(name, "Handle")
}

func (w *world) token(name, id string) string {
	w.t.Helper()
	var out struct {
		StackResourceDetail struct{ PhysicalResourceId string }
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		err := w.do("cloudformation", "DescribeStackResource", object{"StackName": name, "LogicalResourceId": id}, &out)
		if _, token, ok := strings.Cut(out.StackResourceDetail.PhysicalResourceId, "/_rockpool/signal?token="); ok && err == nil {
			return token
		}
	}
	w.t.Fatalf("the handle %s of %s has no address", id, name)
	return ""
}

func (w *world) signal(token, body string) {
	w.t.Helper()
	if err := w.stacks.Signal(context.Background(), token, []byte(body)); err != nil {
		w.t.Fatalf("signal %s: %v", body, err)
	}
}

func TestWaitCondition(t *testing.T) {
	w := newWorld(t)
	token := w.begin("s", waiting)
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"b","Data":"first","Reason":"done"}`)
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"b","Data":"again"}`)
	if got := w.review("s"); got != "CREATE_IN_PROGRESS" {
		t.Fatalf("one id of two has signalled, and the stack is %s", got)
	}
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"a"}`)
	got := w.want(w.describe("s"), "CREATE_COMPLETE")
	if data := got.output("Data"); data != `{"a":"","b":"first"}` {
		t.Errorf("Data is %s", data)
	}
	w.want(w.update("s", strings.Replace(waiting, "Count: 2", "Count: 1", 1), nil), "UPDATE_ROLLBACK_COMPLETE")
	if e := strings.Join(w.events("s"), "\n"); !strings.Contains(e, "Update to resource type AWS::CloudFormation::WaitCondition is not supported.") {
		t.Errorf("events are\n%s", e)
	}
}

// What fails is not waited for any longer, nor is what waits beside it.
func TestWaitConditionsThatFail(t *testing.T) {
	for _, c := range []struct{ name, template, signal, reason string }{
		{"a failure is signalled", waiting, `{"Status":"FAILURE","UniqueId":"i","Reason":"no disk"}`, "Ready CREATE_FAILED WaitCondition received failed message: 'no disk' for uniqueId: i"},
		{"the time is over", strings.Replace(waiting, "600", "1", 1), `{"Status":"SUCCESS","UniqueId":"i"}`, "Ready CREATE_FAILED WaitCondition timed out. Received 1 conditions when expecting 2"},
		{"another one fails", strings.Replace(waiting, "Outputs:", "  Other: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 1}}\nOutputs:", 1), "", "Ready CREATE_FAILED Resource creation cancelled"},
		{"no handle", strings.Replace(waiting, "Handle: !Ref Handle", "Handle: 'http://localhost/?token=x'", 1), "", "Ready CREATE_FAILED Property Handle must be the reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must("cloudformation", "CreateStack", object{"StackName": "s", "TemplateBody": c.template, "OnFailure": "DO_NOTHING"}, nil)
			if c.signal != "" {
				// The time may be over by now; then the signal changes nothing.
				token := w.token("s", "Handle")
				if err := w.stacks.Signal(context.Background(), token, []byte(c.signal)); err != nil {
					t.Fatal(err)
				}
			}
			w.want(w.describe("s"), "CREATE_FAILED")
			e := strings.Join(w.events("s"), "\n")
			if want := c.reason; !strings.Contains(e, want) && !(strings.Contains(want, "timed out") && strings.Contains(e, "WaitCondition timed out. Received 0 conditions when expecting 2")) {
				t.Errorf("want %s in\n%s", want, e)
			}
			if strings.Contains(e, "Pool CREATE_IN_PROGRESS") {
				t.Errorf("what depends on the condition was made:\n%s", e)
			}
		})
	}
}

// More conditions than resources are worked on at once leave room for those
// that they wait for.
func TestWaitConditionsLeaveRoom(t *testing.T) {
	w := newWorld(t)
	text := "Resources:\n  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
	for _, n := range strings.Split("ABCDEFGHIJ", "") {
		text += "  C" + n + ": {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: '600'}}\n"
	}
	text += "  Z1: {Type: AWS::Logs::LogGroup, DependsOn: Handle}\n  Z2: {Type: AWS::Logs::LogGroup, DependsOn: Z1}\n"
	token := w.begin("s", text)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(strings.Join(w.events("s"), "\n"), "Z2 CREATE_COMPLETE"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is made beside the waiting: %v", w.events("s"))
		}
	}
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"x"}`)
	w.want(w.describe("s"), "CREATE_COMPLETE")
}

// A restart goes on waiting, for what is left of the time, and signals that
// came meanwhile count. What is resumed beside it is not held up.
func TestWaitConditionsSurviveARestart(t *testing.T) {
	w := newWorld(t)
	token := w.begin("s", waiting)
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"a"}`)
	if err := w.stacks.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := w.review("s"); got != "CREATE_IN_PROGRESS" {
		t.Fatalf("the stop of the server ended the wait: %s", got)
	}
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"b"}`)
	w.join(time.Second) // takes the stack over
	w.want(w.describe("s"), "CREATE_COMPLETE")
	began := 0
	for _, e := range w.events("s") {
		if strings.HasPrefix(e, "Ready CREATE_IN_PROGRESS") {
			began++
		}
	}
	if began != 1 {
		t.Errorf("the wait began %d times: %v", began, w.events("s"))
	}
}

func TestWaitConditionOfACancelledUpdate(t *testing.T) {
	w := newWorld(t)
	w.want(w.create("s", "Resources: {L: {Type: AWS::Logs::LogGroup}}", nil), "CREATE_COMPLETE")
	w.must("cloudformation", "UpdateStack", object{"StackName": "s", "TemplateBody": waiting}, nil)
	w.token("s", "Handle")
	w.must("cloudformation", "CancelUpdateStack", object{"StackName": "s"}, nil)
	w.want(w.describe("s"), "UPDATE_ROLLBACK_COMPLETE")
}

// Only who was given a handle's address can signal it, while it is the stack's.
func TestSec_SIG_1_HandlesCannotBeForged(t *testing.T) {
	w := newWorld(t)
	token := w.begin("s", waiting)
	refused := func(why, token string) {
		t.Helper()
		if err := w.stacks.Signal(context.Background(), token, []byte(`{"Status":"SUCCESS","UniqueId":"x"}`)); err == nil || !strings.Contains(err.Error(), "takes no signals") {
			t.Errorf("%s: %v", why, err)
		}
	}
	refused("no token", "")
	refused("no base64", "%%%")
	refused("shortened", token[:len(token)-4])
	refused("extended", token+"AAAA")
	changed := []byte(token)
	changed[len(changed)/2] ^= 1
	refused("altered", string(changed))
	other := newWorld(t) // has a key of its own
	refused("of another server", other.begin("s", waiting))

	// A condition hears no handle of another stack.
	theft := strings.Replace(waiting, "Handle: !Ref Handle", "Handle: 'http://localhost/_rockpool/signal?token="+token+"'", 1)
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"a","Data":"private"}`)
	w.want(w.create("thief", theft, nil), "ROLLBACK_COMPLETE")
	if e := strings.Join(w.events("thief"), "\n"); strings.Contains(e, "private") || !strings.Contains(e, "of the same stack") {
		t.Errorf("events are\n%s", e)
	}

	w.signal(token, `{"Status":"FAILURE","UniqueId":"b"}`)
	w.want(w.describe("s"), "ROLLBACK_COMPLETE")
	refused("of a resource that is gone", token)
}

func TestSec_PARSE_1_Signals(t *testing.T) {
	w := newWorld(t)
	token := w.begin("s", waiting)
	for _, body := range []string{
		"", "null", "[]", "{", `{}`, `{"Status":"success","UniqueId":"a"}`, `{"Status":"SUCCESS"}`, `{"Status":"SUCCESS","UniqueId":""}`,
		`{"Status":"SUCCESS","UniqueId":1}`, `{"Status":"SUCCESS","UniqueId":"a","UniqueId":"b"}`, `{"Status":"SUCCESS","UniqueId":"a"} {}`,
		`{"Status":"SUCCESS","UniqueId":"a","Data":{"k":"v"}}`, "{\"Status\":\"SUCCESS\",\"UniqueId\":\"\xff\"}",
		`{"Status":"SUCCESS","UniqueId":"a","Data":"` + strings.Repeat("x", 4096) + `"}`,
	} {
		if err := w.stacks.Signal(context.Background(), token, []byte(body)); err == nil {
			t.Errorf("%.80q is taken", body)
		}
	}
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"a\u0000","Data":"`+strings.Repeat("x", 4000)+`"}`)
	w.signal(token, `{"Status":"SUCCESS","UniqueId":"`+strings.Repeat("i", 2000)+`","More":1}`)
	w.want(w.describe("s"), "CREATE_COMPLETE")
}
