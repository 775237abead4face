package cfn_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
	"github.com/rockpoolhq/rockpool/internal/cfnapi"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/lambdaapi"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	event "github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const region = "eu-central-1"

func TestMain(m *testing.M) {
	sandbox.Reexec()
	m.Run()
}

// world is a server without HTTP: the real services behind the real registry.
type world struct {
	t      testing.TB
	db     store.Store
	kek    *secret.KEK
	api    *awsapi.Server
	stacks *cfn.Service
	// calls counts what stacks have called; crash, at that number, stops the
	// service after the operation was performed and before anybody knows.
	calls, crash atomic.Int64
	mu           sync.Mutex
	fail         func(operation string, input any) error // under mu
	after        func(operation string)                  // under mu; called when one was performed
	denied       string                                  // under mu; an action that only root may do
	made         map[string]int                          // under mu: how often each operation was performed
}

func newWorld(t testing.TB, set ...func(*cfn.Service)) *world {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.Open(sandbox.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, kek: secret.NewKEK([32]byte(secret.Bytes(32)))}
	functions := &function.Service{Store: db, KEK: w.kek, Host: host, CodeDir: t.TempDir(), Account: "000000000000"}
	pools := &userpool.Service{Store: db, KEK: w.kek, Account: "000000000000"}
	w.api = awsapi.New(awsapi.Options{Profile: awsapi.Dev, Authorize: w.authorize})
	w.api.Register(cognitoapi.Model(), cognitoapi.Operations(cognitoapi.Deps{Pools: pools, SignIn: &signin.Service{
		Pools: pools, Store: db, KEK: w.kek, Issuer: func(p *userpool.Pool) string { return "http://localhost/" + p.ID },
		Triggers: &event.Client{Invoker: invoker{functions}},
	}})...)
	w.api.Register(lambdaapi.Model(), lambdaapi.Operations(lambdaapi.Deps{Functions: functions, Engine: host.Engine,
		CodeURL: func(arn.Function) string { return "" }})...)
	w.stacks = w.service()
	for _, f := range set {
		f(w.stacks)
	}
	w.api.Register(cfnapi.Model(), cfnapi.Operations(w.stacks)...)
	w.stacks.Start()
	t.Cleanup(func() {
		ctx := context.Background()
		for _, f := range []func() error{func() error { return w.stacks.Close(ctx) }, func() error { return functions.Close(ctx) }, host.Close, db.Close} {
			if err := f(); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

// authorize lets root do everything, and others what is not denied.
func (w *world) authorize(_ context.Context, p awsapi.Principal, action, _ string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !p.Root && action == w.denied {
		return awsapi.ErrDenied
	}
	return nil
}

// invoker lets the pools call the functions, under their resource policies.
type invoker struct{ functions *function.Service }

func (i invoker) Invoke(ctx context.Context, call event.Call) (event.Result, error) {
	f, err := arn.ParseFunction(call.FunctionARN, "", "")
	if err != nil {
		return event.Result{}, err
	}
	got, err := i.functions.Invoke(ctx, function.Invocation{
		Function: f, Payload: call.Payload,
		Caller: &function.Caller{Service: "cognito-idp.amazonaws.com", SourceARN: call.SourceARN, SourceAccount: call.SourceAccount},
	})
	return event.Result{Payload: got.Payload, FunctionError: got.FunctionError}, err
}

func (w *world) service() *cfn.Service {
	return &cfn.Service{
		Store: w.db, KEK: w.kek, Caller: w, Account: "000000000000", Lease: 100 * time.Millisecond, SignalURL: "http://localhost/_rockpool/signal",
		As: func(ctx context.Context, a cfn.Actor, region string) context.Context {
			return awsapi.ContextFor(ctx, awsapi.Principal{ARN: a.ARN, Account: a.Account, Root: a.Root}, region)
		},
	}
}

func (w *world) injected(operation string, input any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail == nil {
		return nil
	}
	return w.fail(operation, input)
}

// Call implements resource.Caller for the stacks.
func (w *world) Call(ctx context.Context, service, operation string, input any) (jsontext.Value, error) {
	n := w.calls.Add(1)
	if err := w.injected(operation, input); err != nil {
		return nil, err
	}
	out, err := w.api.Call(ctx, service, operation, input)
	w.mu.Lock()
	if w.made == nil {
		w.made = map[string]int{}
	}
	w.made[operation]++
	after := w.after
	w.mu.Unlock()
	if after != nil {
		after(operation)
	}
	if w.crash.Load() != 0 && n >= w.crash.Load() {
		go w.stacks.Close(context.Background())
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return out, err
}

var root = awsapi.Principal{ARN: "arn:aws:iam::000000000000:root", Account: "000000000000", Root: true}

// do calls an operation as root and decodes the answer.
func (w *world) do(service, operation string, in, out any) error {
	answer, err := w.api.Call(awsapi.ContextFor(context.Background(), root, region), service, operation, in)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (w *world) must(service, operation string, in, out any) {
	w.t.Helper()
	if err := w.do(service, operation, in, out); err != nil {
		w.t.Fatalf("%s: %v", operation, err)
	}
}

type object = map[string]any

type described struct {
	StackId, StackName, StackStatus, StackStatusReason string
	Outputs                                            []struct{ OutputKey, OutputValue string }
	Parameters                                         []struct{ ParameterKey, ParameterValue string }
}

func (d described) output(key string) string {
	for _, o := range d.Outputs {
		if o.OutputKey == key {
			return o.OutputValue
		}
	}
	return ""
}

// failing makes operations of stacks fail; nil: none.
func (w *world) failing(fail func(operation string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = nil
	if fail != nil {
		w.fail = func(operation string, _ any) error { return fail(operation) }
	}
}

// crashed waits until stacks have made their n-th call, at which the service
// stops, or have come to an end without it.
func (w *world) crashed(n int64) bool {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if w.calls.Load() >= n {
			return true
		}
		if !strings.HasSuffix(w.review("shop"), "_IN_PROGRESS") {
			return w.calls.Load() >= n
		}
	}
	w.t.Fatal("the operation neither ends nor crashes")
	return false
}

// describe waits until nothing goes on in a stack any more.
func (w *world) describe(name string) described {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		var out struct{ Stacks []described }
		w.must("cloudformation", "DescribeStacks", object{"StackName": name}, &out)
		d := out.Stacks[0]
		if n := len(d.StackStatus); n < 12 || d.StackStatus[n-12:] != "_IN_PROGRESS" {
			return d
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("stack %s is still %s", name, d.StackStatus)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) create(name, template string, more object) described {
	w.t.Helper()
	in := object{"StackName": name, "TemplateBody": template}
	for k, v := range more {
		in[k] = v
	}
	var out struct{ StackId string }
	w.must("cloudformation", "CreateStack", in, &out)
	return w.describe(out.StackId)
}

func (w *world) update(name, template string, more object) described {
	w.t.Helper()
	in := object{"StackName": name, "TemplateBody": template}
	for k, v := range more {
		in[k] = v
	}
	w.must("cloudformation", "UpdateStack", in, nil)
	return w.describe(name)
}

func (w *world) want(d described, status string) described {
	w.t.Helper()
	if d.StackStatus != status {
		w.t.Errorf("stack %s is %s (%s), want %s", d.StackName, d.StackStatus, d.StackStatusReason, status)
		for _, e := range w.events(d.StackId) {
			w.t.Logf("  %s", e)
		}
	}
	return d
}

// events lists what happened to a stack, the newest first.
func (w *world) events(name string) (list []string) {
	var out struct {
		StackEvents []struct{ LogicalResourceId, ResourceStatus, ResourceStatusReason string }
	}
	w.must("cloudformation", "DescribeStackEvents", object{"StackName": name}, &out)
	for _, e := range out.StackEvents {
		list = append(list, e.LogicalResourceId+" "+e.ResourceStatus+" "+e.ResourceStatusReason)
	}
	return list
}

// inventory is everything there is but stacks, as descriptions without what
// every change changes.
func (w *world) inventory() string {
	w.t.Helper()
	all := object{}
	var pools struct{ UserPools []struct{ Id string } }
	w.must("cognito-idp", "ListUserPools", object{"MaxResults": 60}, &pools)
	for _, p := range pools.UserPools {
		var pool struct{ UserPool object }
		w.must("cognito-idp", "DescribeUserPool", object{"UserPoolId": p.Id}, &pool)
		var clients struct{ UserPoolClients []struct{ ClientId string } }
		w.must("cognito-idp", "ListUserPoolClients", object{"UserPoolId": p.Id, "MaxResults": 60}, &clients)
		for _, c := range clients.UserPoolClients {
			var client struct{ UserPoolClient object }
			w.must("cognito-idp", "DescribeUserPoolClient", object{"UserPoolId": p.Id, "ClientId": c.ClientId}, &client)
			all["client "+c.ClientId] = scrub(client.UserPoolClient)
		}
		var groups object
		w.must("cognito-idp", "ListGroups", object{"UserPoolId": p.Id}, &groups)
		all["groups of "+p.Id] = scrub(groups)
		all["pool "+p.Id] = scrub(pool.UserPool)
	}
	var functions struct{ Functions []object }
	w.must("lambda", "ListFunctions", object{}, &functions)
	for _, f := range functions.Functions {
		var policy object
		if err := w.do("lambda", "GetPolicy", object{"FunctionName": f["FunctionName"]}, &policy); err == nil {
			f["Policy"] = policy["Policy"]
		}
		all["function "+f["FunctionName"].(string)] = scrub(f)
	}
	b, err := json.Marshal(all, json.Deterministic(true), jsontext.WithIndent(" "))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// scrub takes out what says when something was changed last.
func scrub(v any) any {
	switch v := v.(type) {
	case object:
		for _, k := range []string{"LastModifiedDate", "LastModified", "RevisionId"} {
			delete(v, k)
		}
		for k := range v {
			v[k] = scrub(v[k])
		}
	case []any:
		for i := range v {
			v[i] = scrub(v[i])
		}
	}
	return v
}
