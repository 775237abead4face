package resource_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/bucket"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/lambdaapi"
	"github.com/rockpoolhq/rockpool/internal/parameter"
	"github.com/rockpoolhq/rockpool/internal/s3api"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/ssmapi"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const (
	region  = "eu-central-1"
	account = "000000000000"
)

func TestMain(m *testing.M) {
	sandbox.Reexec()
	m.Run()
}

type object = map[string]any

// world is the operations that resources act by, called as root.
type world struct {
	t   testing.TB
	api *awsapi.Server
	ctx context.Context
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.Open(sandbox.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	kek := secret.NewKEK([32]byte(secret.Bytes(32)))
	functions := &function.Service{Store: db, KEK: kek, Host: host, CodeDir: t.TempDir(), Account: account}
	pools := &userpool.Service{Store: db, KEK: kek, Account: account}
	w := &world{t: t, api: awsapi.New(awsapi.Options{Profile: awsapi.Dev})}
	w.api.Register(cognitoapi.Model(), cognitoapi.Operations(cognitoapi.Deps{Pools: pools, SignIn: &signin.Service{Pools: pools, Store: db, KEK: kek}})...)
	w.api.Register(lambdaapi.Model(), lambdaapi.Operations(lambdaapi.Deps{Functions: functions, Engine: host.Engine,
		CodeURL: func(arn.Function) string { return "" }})...)
	w.api.Register(ssmapi.Model(), ssmapi.Operations(&parameter.Service{Store: db, KEK: kek, Account: account})...)
	s3api.New(w.api, &bucket.Service{Store: db, KEK: kek})
	root := awsapi.Principal{ARN: "arn:aws:iam::" + account + ":root", Account: account, Root: true}
	w.ctx = awsapi.ContextFor(t.Context(), root, region)
	t.Cleanup(func() {
		for _, f := range []func() error{func() error { return functions.Close(context.Background()) }, host.Close, db.Close} {
			if err := f(); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

// describe calls an operation and returns its answer.
func (w *world) describe(service, operation string, in object) (object, error) {
	answer, err := w.api.Call(w.ctx, service, operation, in)
	if err != nil {
		return nil, err
	}
	var out object
	return out, json.Unmarshal(answer, &out)
}

func (w *world) must(service, operation string, in object) object {
	w.t.Helper()
	out, err := w.describe(service, operation, in)
	if err != nil {
		w.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

func (w *world) request(logicalID string) resource.Request {
	return resource.Request{
		Caller: w.api, Region: region, Account: account, LogicalID: logicalID, StackName: "shop",
		StackID: "arn:aws:cloudformation:" + region + ":" + account + ":stack/shop/1",
	}
}

// check evaluates properties that are written as a template has them.
func check(t testing.TB, typ *resource.Type, yaml string) map[string]any {
	t.Helper()
	text := "Resources:\n  X:\n    Type: " + typ.Name + "\n    Properties:\n"
	for line := range strings.Lines(yaml) {
		text += "      " + line
	}
	tmpl, err := template.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	r, _ := tmpl.Resource("X")
	p, err := typ.Check(r.Properties)
	if err != nil {
		t.Fatalf("%s: %v", yaml, err)
	}
	return p
}

func lookup(t testing.TB, name string) *resource.Type {
	t.Helper()
	typ, ok := resource.Lookup(name)
	if !ok {
		t.Fatalf("there is no type %s", name)
	}
	return typ
}
