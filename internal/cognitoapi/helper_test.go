package cognitoapi_test

import (
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// bench is the operations of cognito-idp on a store in memory, called as
// CloudFormation calls them: the same validation, no HTTP.
type bench struct {
	*awsapi.Server
	t      testing.TB
	pools  *userpool.Service
	outbox *message.Outbox
	clock  *clock
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newBench(t testing.TB) *bench {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	c := &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	kek := secret.NewKEK([32]byte(secret.Bytes(32)))
	box := &message.Outbox{Now: c.Now}
	pools := &userpool.Service{Store: db, KEK: kek, Now: c.Now, Messages: box}
	in := &signin.Service{
		Pools: pools, Store: db, KEK: kek, Now: c.Now, Messages: box,
		Issuer: func(p *userpool.Pool) string { return "http://localhost:7665/" + p.ID },
	}
	srv := awsapi.New(awsapi.Options{Now: c.Now})
	srv.Register(cognitoapi.Model(), cognitoapi.Operations(cognitoapi.Deps{Pools: pools, SignIn: in})...)
	return &bench{Server: srv, t: t, pools: pools, outbox: box, clock: c}
}

// object is a JSON object in a request or an answer.
type object = map[string]any

// try calls an operation.
func (b *bench) try(operation string, in object) (object, error) {
	b.t.Helper()
	out, err := b.Call(b.t.Context(), "cognito-idp", operation, in)
	if err != nil {
		return nil, err
	}
	return b.decode(out), nil
}

func (b *bench) decode(out jsontext.Value) object {
	b.t.Helper()
	var o object
	if err := json.Unmarshal(out, &o); err != nil {
		b.t.Fatalf("answer %s: %v", out, err)
	}
	return o
}

// call calls an operation that must succeed.
func (b *bench) call(operation string, in object) object {
	b.t.Helper()
	out, err := b.try(operation, in)
	if err != nil {
		b.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

// fails calls an operation that must be refused with that code, and with that
// message unless it is "".
func (b *bench) fails(operation string, in object, code apierr.Code, text string) {
	b.t.Helper()
	_, err := b.try(operation, in)
	if err == nil {
		b.t.Errorf("%s %v succeeded, want %s", operation, in, code)
		return
	}
	if e := apierr.Public(err); e.Code != code || text != "" && e.Message != text {
		b.t.Errorf("%s: %s %q, want %s %q", operation, e.Code, e.Message, code, text)
	}
}

// pool creates a pool and returns its id.
func (b *bench) pool(in object) string {
	b.t.Helper()
	in["PoolName"] = "test"
	return b.call("CreateUserPool", in)["UserPool"].(object)["Id"].(string)
}
