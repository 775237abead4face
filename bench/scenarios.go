//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/srp"
)

// scenarios in the order of the table.
var scenarios = []struct {
	name string
	run  func(context.Context, config, *report) error
}{
	{"start", benchStart},
	{"refresh", benchRefresh},
	{"password", benchPasswordSignIn},
	{"srp", benchSRP},
	{"trigger", benchTrigger},
	{"getuser", benchGetUser},
	{"wire", benchWire},
	{"users", benchUsers},
	{"peer", benchPeer},
}

func scenarioNames() (names []string) {
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

var concurrencies = []int{1, 8, 64}

// world is a server with a pool, a client and users.
type world struct {
	*process
	pool, client string
	users        int
}

const worldUsers = 64

// userName has the form of an address: by default, pools of cognito-local take
// no other.
func userName(i int) string { return fmt.Sprintf("user%07d@example.com", i) }

// newWorld starts a server on an SQLite file and fills a pool through the API.
func newWorld(ctx context.Context, c config, name string) (*world, error) {
	p, err := startServer(ctx, c, filepath.Join(c.dir, name))
	if err != nil {
		return nil, err
	}
	w := &world{process: p, users: worldUsers}
	if err := w.fill(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return w, nil
}

func (w *world) fill(ctx context.Context) error {
	var pool struct{ UserPool struct{ Id string } }
	if err := call(ctx, w.process, "CreateUserPool", map[string]any{"PoolName": "bench"}, &pool); err != nil {
		return err
	}
	w.pool = pool.UserPool.Id
	var client struct{ UserPoolClient struct{ ClientId string } }
	if err := call(ctx, w.process, "CreateUserPoolClient", map[string]any{
		"UserPoolId": w.pool, "ClientName": "bench",
		"ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	}, &client); err != nil {
		return err
	}
	w.client = client.UserPoolClient.ClientId
	for i := range w.users {
		if err := w.addUser(ctx, userName(i)); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) addUser(ctx context.Context, name string) error {
	if err := call(ctx, w.process, "AdminCreateUser", map[string]any{
		"UserPoolId": w.pool, "Username": name, "MessageAction": "SUPPRESS",
		"UserAttributes": []map[string]string{{"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"}},
	}, nil); err != nil {
		return err
	}
	return call(ctx, w.process, "AdminSetUserPassword", map[string]any{
		"UserPoolId": w.pool, "Username": name, "Password": benchPassword, "Permanent": true,
	}, nil)
}

type tokens struct {
	AuthenticationResult struct{ AccessToken, IdToken, RefreshToken string }
}

func (w *world) signIn(ctx context.Context, name string) (t tokens, err error) {
	err = call(ctx, w.process, "InitiateAuth", map[string]any{
		"ClientId": w.client, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": benchPassword},
	}, &t)
	return t, err
}

func (w *world) passwordBody(i int) []byte {
	return fmt.Appendf(nil, `{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"%s","AuthParameters":{"USERNAME":"%s","PASSWORD":"%s"}}`, w.client, userName(i%w.users), benchPassword)
}

func (w *world) passwordWork() work {
	return func(c *conn, worker, i int) error {
		return w.expect(c, "InitiateAuth", w.passwordBody(worker*7+i), `"IdToken"`)
	}
}

// expect makes a call that must succeed with an answer that contains want.
func (w *world) expect(c *conn, operation string, body []byte, want string) error {
	status, answer, err := c.post(operation, "", body)
	if err == nil && (status != 200 || !bytes.Contains(answer, []byte(want))) {
		err = fmt.Errorf("%s: %d %s", operation, status, answer)
	}
	return err
}

// measure runs work at each concurrency and adds a row for each.
func (w *world) measure(c config, r *report, what string, each time.Duration, goal float64, n []int, do work) error {
	for _, n := range n {
		got, err := load(w.base, n, c.seconds, w.process, do)
		if err != nil {
			return err
		}
		r.add(row{what: what, concurrency: n, got: got, bound: each, goal: goal})
	}
	return nil
}

func benchRefresh(ctx context.Context, c config, r *report) error {
	each, err := bound(ctx, "sign2", c.seconds)
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, c, "refresh")
	if err != nil {
		return err
	}
	defer w.stop()
	do, err := w.refreshWork(ctx)
	if err != nil {
		return err
	}
	return w.measure(c, r, "refresh, two signatures", each, 0.90, concurrencies, do)
}

func (w *world) refreshWork(ctx context.Context) (work, error) {
	t, err := w.signIn(ctx, userName(0))
	if err != nil {
		return nil, err
	}
	body := fmt.Appendf(nil, `{"AuthFlow":"REFRESH_TOKEN_AUTH","ClientId":"%s","AuthParameters":{"REFRESH_TOKEN":"%s"}}`, w.client, t.AuthenticationResult.RefreshToken)
	return func(c *conn, _, _ int) error { return w.expect(c, "InitiateAuth", body, `"IdToken"`) }, nil
}

func benchPasswordSignIn(ctx context.Context, c config, r *report) error {
	each, err := bound(ctx, "password", c.seconds)
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, c, "password")
	if err != nil {
		return err
	}
	defer w.stop()
	return w.measure(c, r, "password sign-in, no trigger", each, 0.85, concurrencies, w.passwordWork())
}

func benchSRP(ctx context.Context, c config, r *report) error {
	each, err := bound(ctx, "srp", c.seconds)
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, c, "srp")
	if err != nil {
		return err
	}
	defer w.stop()
	return w.measure(c, r, "SRP sign-in, both steps", each, 0.85, []int{1, 8}, func(conn *conn, worker, i int) error {
		return w.signInBySRP(conn, userName((worker*7+i)%w.users))
	})
}

func (w *world) signInBySRP(c *conn, name string) error {
	poolName := arn.PoolName(w.pool)
	me := srp.NewClient(poolName, benchPassword)
	body := fmt.Appendf(nil, `{"AuthFlow":"USER_SRP_AUTH","ClientId":"%s","AuthParameters":{"USERNAME":"%s","SRP_A":"%s"}}`, w.client, name, me.A())
	status, answer, err := c.post("InitiateAuth", "", body)
	if err != nil {
		return err
	}
	var challenge struct{ ChallengeParameters map[string]string }
	if err := json.Unmarshal(answer, &challenge); err != nil || status != 200 {
		return fmt.Errorf("InitiateAuth: %d %s", status, answer)
	}
	q := challenge.ChallengeParameters
	block, err := base64.StdEncoding.DecodeString(q["SECRET_BLOCK"])
	if err != nil {
		return err
	}
	now := srp.FormatTimestamp(time.Now())
	proof, err := me.Proof(q["USER_ID_FOR_SRP"], q["SALT"], q["SRP_B"], block, now)
	if err != nil {
		return err
	}
	body, err = json.Marshal(map[string]any{"ClientId": w.client, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": map[string]string{
		"USERNAME": q["USER_ID_FOR_SRP"], "PASSWORD_CLAIM_SECRET_BLOCK": q["SECRET_BLOCK"],
		"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(proof), "TIMESTAMP": now,
	}})
	if err != nil {
		return err
	}
	return w.expect(c, "RespondToAuthChallenge", body, `"IdToken"`)
}

const benchHandler = `export const handler = async (event) => {
  event.response = { claimsOverrideDetails: { claimsToAddOrOverride: { tenantId: 'acme', departmentId: '42' } } };
  return event;
};
`

// attach deploys a function and makes it the pool's trigger.
func (w *world) attach(ctx context.Context) error {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	f, err := z.Create("index.mjs")
	if err == nil {
		_, err = f.Write([]byte(benchHandler))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return err
	}
	var made struct{ FunctionArn string }
	lambda := func(path string, in, out any) error {
		return signed(ctx, w.process, "lambda", http.MethodPost, "/2015-03-31/functions"+path, map[string]string{"Content-Type": "application/json"}, in, out)
	}
	if err := lambda("", map[string]any{
		"FunctionName": "pretoken", "Runtime": "nodejs20.x", "Handler": "index.handler", "MemorySize": 512,
		"Role": "arn:aws:iam::000000000000:role/bench", "Code": map[string]any{"ZipFile": packed.Bytes()},
	}, &made); err != nil {
		return err
	}
	if err := lambda("/pretoken/policy", map[string]any{
		"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "cognito-idp.amazonaws.com",
	}, nil); err != nil {
		return err
	}
	return call(ctx, w.process, "UpdateUserPool", map[string]any{
		"UserPoolId": w.pool, "LambdaConfig": map[string]any{"PreTokenGeneration": made.FunctionArn},
	}, nil)
}

// benchTrigger compares refreshes with and without a function, in turns, so
// that both meet the same machine.
func benchTrigger(ctx context.Context, c config, r *report) error {
	plain, err := newWorld(ctx, c, "plain")
	if err != nil {
		return err
	}
	defer plain.stop()
	triggered, err := newWorld(ctx, c, "triggered")
	if err != nil {
		return err
	}
	defer triggered.stop()
	if err := triggered.attach(ctx); err != nil {
		return err
	}
	var runs [2][]result
	for round := range 3 {
		for i, w := range []*world{plain, triggered} {
			do, err := w.refreshWork(ctx)
			if err != nil {
				return err
			}
			got, err := load(w.base, 1, c.seconds, w.process, do)
			if err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			runs[i] = append(runs[i], got)
		}
	}
	r.trigger(runs[0], runs[1])
	return triggered.measure(c, r, "password sign-in, Node.js trigger", 0, 0, concurrencies, triggered.passwordWork())
}

func benchGetUser(ctx context.Context, c config, r *report) error {
	w, err := newWorld(ctx, c, "getuser")
	if err != nil {
		return err
	}
	defer w.stop()
	t, err := w.signIn(ctx, userName(0))
	if err != nil {
		return err
	}
	body := fmt.Appendf(nil, `{"AccessToken":"%s"}`, t.AuthenticationResult.AccessToken)
	return w.measure(c, r, "GetUser", time.Second/8000, 1, concurrencies, func(c *conn, _, _ int) error {
		return w.expect(c, "GetUser", body, `"Username"`)
	})
}

func benchStart(ctx context.Context, c config, r *report) error {
	const tries = 9
	var fresh, existing []time.Duration
	dir := filepath.Join(c.dir, "start")
	w, err := newWorld(ctx, c, "start")
	if err != nil {
		return err
	}
	w.stop()
	var memory float64
	for range tries {
		for _, s := range []struct {
			dir  string
			into *[]time.Duration
		}{{"", &fresh}, {dir, &existing}} {
			p, err := startServer(ctx, c, s.dir)
			if err != nil {
				return err
			}
			*s.into = append(*s.into, p.started)
			memory = max(memory, p.memory())
			p.stop()
		}
	}
	r.start(fresh, existing, memory)
	return nil
}
