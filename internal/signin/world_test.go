package signin_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/srp"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// counter counts the statements of a store.
type counter struct {
	mu            sync.Mutex
	reads, writes int
	names         []string
}

func (c *counter) observe(s sqlstore.Statement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s.Kind {
	case sqlstore.KindRead:
		c.reads++
		c.names = append(c.names, s.Name)
	case sqlstore.KindWrite:
		c.writes++
		c.names = append(c.names, s.Name)
	}
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads, c.writes, c.names = 0, 0, nil
}

// function is a trigger.Invoker whose answer tests choose.
type function struct {
	mu     sync.Mutex
	answer func(event token.Claims) (jsontext.Value, error) // nil: the event as it came
	events []token.Claims
}

func (f *function) Invoke(_ context.Context, call trigger.Call) (trigger.Result, error) {
	event, err := token.ParseClaims(call.Payload)
	if err != nil {
		return trigger.Result{}, err
	}
	f.mu.Lock()
	f.events = append(f.events, event)
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return trigger.Result{Payload: call.Payload}, nil
	}
	payload, err := answer(event)
	if e, ok := err.(thrown); ok {
		return trigger.Result{Payload: jsontext.Value(fmt.Sprintf(`{"errorMessage":%q,"errorType":"Error"}`, string(e))), FunctionError: "Unhandled"}, nil
	}
	return trigger.Result{Payload: payload}, err
}

// thrown is an error that the function throws, as opposed to one of the host.
type thrown string

func (e thrown) Error() string { return string(e) }

func (f *function) calls() []token.Claims {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]token.Claims(nil), f.events...)
}

// responds makes the function return response in the event that came.
func (f *function) responds(response string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = nil
	f.answer = func(event token.Claims) (jsontext.Value, error) {
		event = event.Clone()
		event.SetRaw("response", jsontext.Value(response))
		return event.AppendJSON(nil), nil
	}
}

// world is a server without a protocol: everything below it is real but the
// function.
type world struct {
	t     testing.TB
	clock *clock
	store store.Store
	stats *counter
	pools *userpool.Service
	s     *signin.Service
	fn    *function
	kek   *secret.KEK
}

func newWorld(t testing.TB) *world { return newWorldOn(t, "") }

// onDatabases runs a test on SQLite and on PostgreSQL.
func onDatabases(t *testing.T, run func(t *testing.T, open func(testing.TB) *world)) {
	t.Run("SQLite", func(t *testing.T) { run(t, newWorld) })
	t.Run("PostgreSQL", func(t *testing.T) {
		run(t, func(t testing.TB) *world { return newWorldOn(t, postgres(t)) })
	})
}

var schemas atomic.Int64

// postgres returns the address of an empty schema of the test's own.
func postgres(t testing.TB) string {
	t.Helper()
	const env = "ROCKPOOL_TEST_POSTGRES"
	if os.Getenv(env) == "" {
		const how = "set " + env + " to the postgres:// address of a server to test with (version 15 or newer)"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip("PostgreSQL IS NOT TESTED: " + how)
	}
	addr, err := url.Parse(os.Getenv(env))
	if err != nil {
		t.Fatalf("%s is not an address", env)
	}
	schema := fmt.Sprintf("rockpool_signin_%d_%d", os.Getpid(), schemas.Add(1))
	runSQL := func(text string) {
		// The context of the test has ended when a cleanup runs.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	runSQL(`CREATE SCHEMA ` + schema)
	t.Cleanup(func() { runSQL(`DROP SCHEMA ` + schema + ` CASCADE`) })
	own := *addr
	q := own.Query()
	q.Set("search_path", schema)
	own.RawQuery = q.Encode()
	return own.String()
}

func newWorldOn(t testing.TB, dsn string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: time.Date(2026, 11, 1, 5, 6, 7, 250e6, time.UTC)}, stats: &counter{}, fn: &function{}}
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: dsn, Observe: w.stats.observe})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store = db
	w.kek = secret.NewKEK([32]byte(secret.Bytes(32)))
	w.pools, w.s = w.node()
	return w
}

// node is one more server on the world's database.
func (w *world) node() (*userpool.Service, *signin.Service) {
	pools := &userpool.Service{Store: w.store, KEK: w.kek, Now: w.clock.now}
	return pools, &signin.Service{
		Pools: pools, Store: w.store, KEK: w.kek, Now: w.clock.now, ShowClaims: true,
		Issuer:   func(p *userpool.Pool) string { return "http://localhost:7665/" + p.ID },
		Triggers: &trigger.Client{Invoker: w.fn},
	}
}

const (
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:claims"
	password    = "P@ssw0rd! of jdoe"
	temporary   = "Temp0rary! pass"
)

var allFlows = []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}

// pool creates a pool with the settings that change makes, if given.
func (w *world) pool(change ...func(*userpool.Settings)) *userpool.Pool {
	w.t.Helper()
	in := userpool.NewPool{Name: "people", Settings: userpool.Settings{
		Schema: []userpool.Attribute{
			{Name: "tier", Type: userpool.TypeString, Mutable: true},
			{Name: "level", Type: userpool.TypeNumber, Mutable: true},
		},
	}}
	for _, c := range change {
		c(&in.Settings)
	}
	p, err := w.pools.CreatePool(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// client creates an app client with all flows, changed by change if given.
func (w *world) client(p *userpool.Pool, change ...func(*userpool.NewClient)) *userpool.Client {
	w.t.Helper()
	in := userpool.NewClient{Name: "app"}
	in.ExplicitAuthFlows = allFlows
	in.RevocationEnabled = true
	for _, c := range change {
		c(&in)
	}
	if in.Rotation.Enabled {
		in.ExplicitAuthFlows = allFlows[:3]
	}
	c, err := w.pools.CreateClient(w.t.Context(), p.ID, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func hides(in *userpool.NewClient) { in.PreventUserExistenceErrors = true }

func rotates(grace time.Duration) func(*userpool.NewClient) {
	return func(in *userpool.NewClient) { in.Rotation = userpool.Rotation{Enabled: true, Grace: grace} }
}

// user creates a user with a permanent password.
func (w *world) user(p *userpool.Pool, name string, attributes map[string]string) store.User {
	w.t.Helper()
	w.newcomer(p, name, attributes)
	if err := w.pools.AdminSetPassword(w.t.Context(), userpool.PasswordChange{
		PoolID: p.ID, Username: name, Password: password, Permanent: true,
	}); err != nil {
		w.t.Fatal(err)
	}
	return w.find(p, name)
}

// newcomer creates a user with a temporary password.
func (w *world) newcomer(p *userpool.Pool, name string, attributes map[string]string) store.User {
	w.t.Helper()
	u, err := w.pools.CreateUser(w.t.Context(), p.ID, userpool.NewUser{
		Username: name, Attributes: maps.Clone(attributes), TemporaryPassword: temporary, Suppress: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func (w *world) find(p *userpool.Pool, name string) store.User {
	w.t.Helper()
	_, u, err := w.pools.User(w.t.Context(), p.ID, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func (w *world) update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) group(p *userpool.Pool, name, role string, precedence int64, members ...store.User) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		g := store.Group{PoolID: p.ID, Name: name, RoleARN: role, CreatedAt: w.clock.now(), UpdatedAt: w.clock.now()}
		if precedence >= 0 {
			g.Precedence = &precedence
		}
		if err := tx.CreateGroup(g); err != nil {
			return err
		}
		for _, u := range members {
			if err := tx.AddMember(p.ID, name, u.Sub, w.clock.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) try(c *userpool.Client, name, pass string) (signin.AuthResult, error) {
	return w.s.InitiateAuth(w.t.Context(), signin.AuthInput{
		ClientID: c.ID, Flow: signin.FlowUserPassword,
		Parameters: map[string]string{"USERNAME": name, "PASSWORD": pass},
	})
}

func (w *world) signIn(c *userpool.Client, name string) signin.Tokens {
	w.t.Helper()
	return tokensOf(w.t)(w.try(c, name, password))
}

func tokensOf(t testing.TB) func(signin.AuthResult, error) signin.Tokens {
	return func(r signin.AuthResult, err error) signin.Tokens {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if r.Tokens == nil {
			t.Fatalf("challenge %s, want tokens", r.Challenge)
		}
		return *r.Tokens
	}
}

func (w *world) refresh(c *userpool.Client, t secret.String) (signin.AuthResult, error) {
	return w.s.InitiateAuth(w.t.Context(), signin.AuthInput{
		ClientID: c.ID, Flow: signin.FlowRefreshToken, Parameters: map[string]string{"REFRESH_TOKEN": t.Reveal()},
	})
}

func (w *world) getTokens(c *userpool.Client, t secret.String) (signin.Tokens, error) {
	return w.s.RefreshTokens(w.t.Context(), signin.RefreshInput{ClientID: c.ID, RefreshToken: t.Reveal()})
}

// srpFirst begins a sign-in by SRP and returns the other side of it.
func (w *world) srpFirst(c *userpool.Client, name, pass string) (*srp.Client, map[string]string) {
	w.t.Helper()
	k := srp.NewClient(arn.PoolName(c.PoolID), pass)
	r, err := w.s.InitiateAuth(w.t.Context(), signin.AuthInput{
		ClientID: c.ID, Flow: signin.FlowUserSRP, Parameters: map[string]string{"USERNAME": name, "SRP_A": k.A()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Challenge != signin.ChallengePasswordVerifier || r.Session != "" {
		w.t.Fatalf("challenge %q with session %q, want PASSWORD_VERIFIER without one", r.Challenge, r.Session)
	}
	return k, r.Parameters
}

// srpAnswer is the answer to PASSWORD_VERIFIER.
func (w *world) srpAnswer(c *userpool.Client, k *srp.Client, p map[string]string) signin.ChallengeInput {
	w.t.Helper()
	block, err := base64.StdEncoding.DecodeString(p["SECRET_BLOCK"])
	if err != nil {
		w.t.Fatal(err)
	}
	stamp := srp.FormatTimestamp(w.clock.now())
	proof, err := k.Proof(p["USER_ID_FOR_SRP"], p["SALT"], p["SRP_B"], block, stamp)
	if err != nil {
		w.t.Fatal(err)
	}
	return signin.ChallengeInput{ClientID: c.ID, Challenge: signin.ChallengePasswordVerifier, Responses: map[string]string{
		"USERNAME": p["USER_ID_FOR_SRP"], "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"],
		"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(proof), "TIMESTAMP": stamp,
	}}
}

func (w *world) srp(c *userpool.Client, name, pass string) (signin.AuthResult, error) {
	w.t.Helper()
	k, p := w.srpFirst(c, name, pass)
	return w.s.RespondToAuthChallenge(w.t.Context(), w.srpAnswer(c, k, p))
}

// claims returns a token's claims, having verified it.
func (w *world) claims(p *userpool.Pool, raw secret.String, use token.Use) token.Claims {
	w.t.Helper()
	keys, err := w.pools.Keys(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := keys.Set.Verify(raw.Reveal(), token.Expect{Issuer: "http://localhost:7665/" + p.ID, Use: use, Now: w.clock.now()})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// said returns what a caller is told of an error, as "Code: message".
func said(err error) string {
	if err == nil {
		return "no error"
	}
	e := apierr.Public(err)
	return string(e.Code) + ": " + e.Message
}

func wantSaid(t testing.TB, err error, want string) {
	t.Helper()
	if got := said(err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func compact(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// refreshCaches makes the caches of settings ask the store again, after the
// clock was moved.
func (w *world) refreshCaches() (n int, err error) {
	pools, _, err := w.pools.ListPools(w.t.Context(), userpool.Page{})
	for _, p := range pools {
		if _, err := w.pools.Keys(w.t.Context(), p.ID); err != nil {
			return n, err
		}
		clients, _, err := w.pools.ListClients(w.t.Context(), p.ID, userpool.Page{})
		if err != nil {
			return n, err
		}
		for _, c := range clients {
			if _, _, err := w.pools.ClientByID(w.t.Context(), c.ID); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, err
}
