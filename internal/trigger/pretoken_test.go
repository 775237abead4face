package trigger_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/trigger/triggertest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// invokerFunc is a function of the test's own in place of a process.
type invokerFunc func(context.Context, trigger.Call) (trigger.Result, error)

func (f invokerFunc) Invoke(ctx context.Context, c trigger.Call) (trigger.Result, error) {
	return f(ctx, c)
}

// answers returns an invoker that answers every call with payload.
func answers(payload string) invokerFunc {
	return func(context.Context, trigger.Call) (trigger.Result, error) {
		return trigger.Result{Payload: []byte(payload)}, nil
	}
}

// payloadOf returns the event that in becomes.
func payloadOf(t *testing.T, in trigger.PreTokenInput) jsontext.Value {
	t.Helper()
	invoker := &triggertest.Invoker{}
	client := &trigger.Client{Invoker: invoker}
	if _, err := client.PreToken(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return invoker.Calls[0].Payload
}

// The events are those of the developer guide's "Pre token generation Lambda
// trigger", with what real payloads have where the guide's samples differ
// (null containers, preferredRole a string or null, no clientMetadata).
func TestPreTokenEvent(t *testing.T) {
	noGroups := triggertest.Case{Version: token.V2}.Input()
	noGroups.Groups = trigger.Groups{}
	full := triggertest.Case{Version: token.V1}.Input()
	full.Event.SDKVersion = "aws-sdk-java-2.20.43"
	full.ClientMetadata = map[string]string{"b": "2", "a": "<1>"}
	for _, tt := range []struct {
		name string
		in   trigger.PreTokenInput
	}{
		{"v1", triggertest.Case{Version: token.V1}.Input()},
		{"v1_metadata", full},
		{"v2", triggertest.Case{Version: token.V2}.Input()},
		{"v2_no_groups", noGroups},
		{"v3", triggertest.Case{Version: token.V3, Source: trigger.TokenNewPasswordChallenge}.Input()},
		{"v3_machine", triggertest.Case{Version: token.V3, Source: trigger.TokenClientCredentials, Scope: "rs/read"}.Input()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := payloadOf(t, tt.in)
			if err := got.Indent(jsontext.WithIndent("  ")); err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join("testdata", "pretoken_"+tt.name+".golden")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("event differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestPreTokenRefusesUnknownVersion(t *testing.T) {
	invoker := &triggertest.Invoker{}
	client := &trigger.Client{Invoker: invoker}
	for _, v := range []token.Version{0, 4, -1} {
		if _, err := client.PreToken(t.Context(), triggertest.Case{Version: v}.Input()); err == nil {
			t.Errorf("version %d: no error", v)
		}
	}
	if len(invoker.Calls) != 0 {
		t.Errorf("%d calls, want none", len(invoker.Calls))
	}
}

func TestSDKVersion(t *testing.T) {
	for userAgent, want := range map[string]string{
		"aws-sdk-java/2.20.43 Linux/5.10 OpenJDK/17":  "aws-sdk-java-2.20.43",
		"aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js": "aws-sdk-js-3.1169.0",
		"aws-sdk-go-v2/1.41.0 ua/2.1 os/linux":        "aws-sdk-go-v2-1.41.0",
		"aws-sdk-go-v2/1.41.0":                        "aws-sdk-go-v2-1.41.0",
		"aws-cli/2.31.0 md/awscrt#0.28":               trigger.UnknownSDK,
		"Boto3/1.40.0 md/Botocore#1.40.0":             trigger.UnknownSDK,
		"Mozilla/5.0 aws-sdk-js/3.1":                  trigger.UnknownSDK,
		"aws-sdk-js/":                                 trigger.UnknownSDK,
		"aws-sdk-/1.0":                                trigger.UnknownSDK,
		"aws-sdk-js/1.0\"}":                           trigger.UnknownSDK,
		"aws-sdk-js/" + strings.Repeat("1", 33):       trigger.UnknownSDK,
		"":                                            trigger.UnknownSDK,
	} {
		if got := trigger.SDKVersion(userAgent); got != want {
			t.Errorf("SDKVersion(%q) = %q, want %q", userAgent, got, want)
		}
	}
}

// What the invoker says when the function could not be asked, and the error
// that the API's caller sees.
func TestInvocationErrors(t *testing.T) {
	const failed = "PreTokenGeneration invocation failed due to error "
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"no permission", apierr.New(apierr.AccessDenied, "not yours"), failed + "AccessDeniedException."},
		{"function deleted", apierr.New(apierr.ResourceNotFound, "gone"), failed + "AccessDeniedException."},
		{"function being updated", apierr.New(apierr.ResourceConflict, "pending"), failed + "ResourceConflictException."},
		{"throttled", apierr.New(apierr.TooManyRequests, "slow down"), failed + "TooManyRequestsException."},
		{"unknown failure", errors.New("disk on fire at /secret/path"), failed + "ServiceException."},
		{"wrapped time-out", fmt.Errorf("wait: %w", context.DeadlineExceeded), failed + "Socket timeout while invoking Lambda function."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := &trigger.Client{Invoker: invokerFunc(func(context.Context, trigger.Call) (trigger.Result, error) {
				return trigger.Result{}, tt.err
			})}
			_, err := client.PreToken(t.Context(), triggertest.Case{Version: token.V1}.Input())
			got := apierr.Public(err)
			if got.Code != apierr.UnexpectedLambda || got.Message != tt.want {
				t.Errorf("caller sees %s %q, want %q", got.Code, got.Message, tt.want)
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("%v has lost its cause", err)
			}
		})
	}
}

func TestFunctionErrorText(t *testing.T) {
	long, longer := strings.Repeat("é", 3000), strings.Repeat("€", 3000)
	for _, tt := range []struct{ name, payload, kind, want string }{
		{"message", `{"errorMessage":"no","errorType":"Error","trace":["secret.js:1"]}`, "Unhandled", "no"},
		{"message with a line break", `{"errorMessage":"a\nb"}`, "Unhandled", "a\nb"},
		{"no message", `{"errorType":"Error"}`, "Unhandled", "Unhandled"},
		{"message is a number", `{"errorMessage":5}`, "Handled", "Handled"},
		{"message is an object", `{"errorMessage":{"trace":"x"}}`, "Unhandled", "Unhandled"},
		{"payload is text", `"boom"`, "Unhandled", "Unhandled"},
		{"payload is not JSON", `boom`, "Unhandled", "Unhandled"},
		{"no payload", ``, "Unhandled", "Unhandled"},
		{"endless message", `{"errorMessage":"` + long + `"}`, "Unhandled", long[:2048]},
		{"endless message of longer characters", `{"errorMessage":"` + longer + `"}`, "Unhandled", longer[:2046]},
		{"endless message, cut in a character", `{"errorMessage":"x` + long + `"}`, "Unhandled", "x" + long[:2046]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := &trigger.Client{Invoker: invokerFunc(func(context.Context, trigger.Call) (trigger.Result, error) {
				return trigger.Result{Payload: []byte(tt.payload), FunctionError: tt.kind}, nil
			})}
			_, err := client.PreToken(t.Context(), triggertest.Case{Version: token.V2}.Input())
			want := "PreTokenGeneration failed with error " + tt.want + "."
			if got := apierr.Public(err); got.Code != apierr.UserLambdaValidation || got.Message != want {
				t.Errorf("caller sees %s %q, want %q", got.Code, got.Message, want)
			}
		})
	}
}

// unusable is output that no token may come of: the negative corpus of JWT-6
// and FN-8.
func unusable() map[string]string {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"c%d":"1"`, i)
		}
		return b.String()[1:]
	}
	v2 := func(details string) string {
		return `{"response":{"claimsAndScopeOverrideDetails":` + details + `}}`
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	return map[string]string{
		"nothing":              "",
		"blank":                "  \n",
		"not JSON":             "tenantId=acme",
		"cut off":              `{"response":{"claimsAndScopeOverride`,
		"two values":           `{"response":{}}{"response":{}}`,
		"null":                 "null",
		"true":                 "true",
		"text":                 `"response"`,
		"array":                "[]",
		"no response":          "{}",
		"null response":        `{"response":null}`,
		"response is an array": `{"response":[]}`,
		"response named twice": `{"response":{},"response":{}}`,
		"member named twice":   v2(`{"idTokenGeneration":{"claimsToAddOrOverride":{"a":"1","a":"2"}}}`),
		"member named twice, spelled differently":  v2(`{"idTokenGeneration":{"claimsToAddOrOverride":{"a":"1","\u0061":"2"}}}`),
		"member named twice in the echoed request": `{"request":{"a":1,"a":2},"response":{}}`,
		"invalid UTF-8":              "{\"response\":{\"x\":\"\xff\"}}",
		"lone surrogate":             `{"response":{"x":"\ud800"}}`,
		"container is text":          v2(`"x"`),
		"container is an array":      v2(`[]`),
		"generation is text":         v2(`{"idTokenGeneration":"x"}`),
		"access generation is text":  v2(`{"accessTokenGeneration":"x"}`),
		"claims are an array":        v2(`{"accessTokenGeneration":{"claimsToAddOrOverride":[{"a":1}]}}`),
		"names are an object":        v2(`{"accessTokenGeneration":{"claimsToSuppress":{"a":1}}}`),
		"name is a number":           v2(`{"idTokenGeneration":{"claimsToSuppress":[1]}}`),
		"name is null":               v2(`{"idTokenGeneration":{"claimsToSuppress":[null]}}`),
		"scopes are text":            v2(`{"accessTokenGeneration":{"scopesToAdd":"openid"}}`),
		"scope is a number":          v2(`{"accessTokenGeneration":{"scopesToSuppress":[1]}}`),
		"groups are text":            v2(`{"groupOverrideDetails":"admin"}`),
		"group list is text":         v2(`{"groupOverrideDetails":{"groupsToOverride":"admin"}}`),
		"group is an object":         v2(`{"groupOverrideDetails":{"groupsToOverride":[{}]}}`),
		"roles are a number":         v2(`{"groupOverrideDetails":{"iamRolesToOverride":1}}`),
		"preferred role is an array": v2(`{"groupOverrideDetails":{"preferredRole":["r"]}}`),
		"too deep":                   v2(`{"idTokenGeneration":{"claimsToAddOrOverride":{"a":` + deep + `}}}`),
		"too deep in the request":    `{"request":` + deep + `,"response":{}}`,
		"too many claims":            v2(`{"idTokenGeneration":{"claimsToAddOrOverride":{` + many(5001) + `}}}`),
		"too many in both":           v2(`{"idTokenGeneration":{"claimsToAddOrOverride":{` + many(2500) + `}},"accessTokenGeneration":{"claimsToAddOrOverride":{` + many(2500) + `},"scopesToAdd":["x"]}}`),
		"too many names":             v2(`{"idTokenGeneration":{"claimsToSuppress":["a"` + strings.Repeat(`,"a"`, 5000) + `]}}`),
		"too large":                  `{"x":"` + strings.Repeat("x", trigger.MaxPayload) + `","response":{}}`,
	}
}

func TestSec_FN_8_output_is_validated_before_use(t *testing.T) {
	corpus := unusable()
	for name, payload := range corpus {
		t.Run(name, func(t *testing.T) {
			client := &trigger.Client{Invoker: answers(payload)}
			o, err := client.PreToken(t.Context(), triggertest.Case{Version: token.V2}.Input())
			if code := apierr.CodeOf(err); code != apierr.InvalidLambdaResponse {
				t.Fatalf("error %v, want %s", err, apierr.InvalidLambdaResponse)
			}
			if diff := cmp.Diff(token.Overrides{}, o); diff != "" {
				t.Errorf("overrides beside the error: %s", diff)
			}
			switch message := apierr.Public(err).Message; message {
			case "Unrecognizable lambda output", "Invalid lambda function output : Invalid JSON":
			default:
				t.Errorf("message %q shows more than Cognito's", message)
			}
		})
	}
	if len(corpus) < 30 {
		t.Errorf("corpus of %d", len(corpus))
	}
}

func TestSec_JWT_6_output_is_limited(t *testing.T) {
	// The most that is allowed is allowed: 5,000 entries, depth 64, 6 MB.
	var claims strings.Builder
	for i := range 4999 {
		fmt.Fprintf(&claims, `"c%d":1,`, i)
	}
	// response, container, generation and claims are four levels with the event.
	depth := token.MaxDepth - 5
	claims.WriteString(`"deep":` + strings.Repeat("[", depth) + strings.Repeat("]", depth))
	body := `{"response":{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":{` + claims.String() + `}}}}`
	payload := body + `,"pad":"` + strings.Repeat("x", trigger.MaxPayload-len(body)-len(`,"pad":""}`)) + `"}`
	if len(payload) != trigger.MaxPayload {
		t.Fatalf("payload of %d bytes", len(payload))
	}
	in := triggertest.Case{Version: token.V2}.Input()
	o, err := (&trigger.Client{Invoker: answers(payload)}).PreToken(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.ID.Add) != 5000 {
		t.Errorf("%d claims, want 5000", len(o.ID.Add))
	}
	for _, tooMuch := range []string{
		strings.Replace(payload, `"c0":1,`, `"c0":1,"more":1,`, 1),
		strings.Replace(payload, `"deep":[`, `"deep":[[`, 1),
		payload + " ",
	} {
		if _, err := (&trigger.Client{Invoker: answers(tooMuch)}).PreToken(t.Context(), in); apierr.CodeOf(err) != apierr.InvalidLambdaResponse {
			t.Errorf("one more than the limit: %v", err)
		}
	}
}

func TestSec_FN_8_input_holds_what_the_caller_gave_and_no_more(t *testing.T) {
	in := triggertest.Case{Version: token.V3, ClientMetadata: map[string]string{"a": "1"}}.Input()
	event, err := token.ParseClaims(payloadOf(t, in))
	if err != nil {
		t.Fatal(err)
	}
	members := func(c token.Claims, name string) []string {
		raw, _ := c.Get(name)
		m, err := token.ParseClaims(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return m.Names()
	}
	for _, tt := range []struct {
		what      string
		got, want []string
	}{
		{"event", event.Names(), []string{"version", "triggerSource", "region", "userPoolId", "userName", "callerContext", "request", "response"}},
		{"callerContext", members(event, "callerContext"), []string{"awsSdkVersion", "clientId"}},
		{"request", members(event, "request"), []string{"userAttributes", "groupConfiguration", "scopes", "clientMetadata"}},
		{"response", members(event, "response"), []string{"claimsAndScopeOverrideDetails"}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
}

// A client's metadata reaches the function, and no claim comes of it unless the
// function makes one.
func TestSec_ATTR_6_metadata_becomes_no_claim(t *testing.T) {
	for _, v := range []token.Version{token.V1, token.V2, token.V3} {
		c := triggertest.Case{Version: v, ClientMetadata: map[string]string{
			"tenantId": "evil", "claimsOverrideDetails": `{"claimsToAddOrOverride":{"tenantId":"evil"}}`,
		}}
		invoker := &triggertest.Invoker{Case: c}
		o, err := (&trigger.Client{Invoker: invoker}).PreToken(t.Context(), c.Input())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(invoker.Calls[0].Payload, []byte("evil")) {
			t.Errorf("%s: the function was not told", v)
		}
		for _, use := range []token.Use{token.ID, token.Access} {
			before := c.Claims(use)
			if changes := token.Diff(before, before.Apply(use, o), use); len(changes) != 0 {
				t.Errorf("%s: %s token changed: %v", v, use, changes)
			}
		}
	}
}

func TestSec_FN_6_time_limit_and_attempts(t *testing.T) {
	hang := func(ctx context.Context) (trigger.Result, error) {
		<-ctx.Done()
		return trigger.Result{}, ctx.Err()
	}
	busy := apierr.New(apierr.TooManyRequests, "busy")
	fine := trigger.Result{Payload: []byte(`{"response":{}}`)}
	for _, tt := range []struct {
		name         string
		timeout      time.Duration
		attempts     int
		invoke       func(ctx context.Context, call int) (trigger.Result, error)
		wantCalls    int
		wantDuration time.Duration
		wantErr      bool
	}{
		{"hangs, by default once", 0, 0, func(ctx context.Context, _ int) (trigger.Result, error) { return hang(ctx) }, 1, 5 * time.Second, true},
		{"hangs, three times", 0, 3, func(ctx context.Context, _ int) (trigger.Result, error) { return hang(ctx) }, 3, 15 * time.Second, true},
		{"never more than three times", time.Second, 99, func(ctx context.Context, _ int) (trigger.Result, error) { return hang(ctx) }, 3, 3 * time.Second, true},
		{"hangs once, then answers", 0, 3, func(ctx context.Context, n int) (trigger.Result, error) {
			if n == 1 {
				return hang(ctx)
			}
			return fine, nil
		}, 2, 5 * time.Second, false},
		{"throttled once", 0, 2, func(_ context.Context, n int) (trigger.Result, error) {
			if n == 1 {
				return trigger.Result{}, busy
			}
			return fine, nil
		}, 2, 0, false},
		{"a function that throws is not asked again", 0, 3, func(context.Context, int) (trigger.Result, error) {
			return trigger.Result{FunctionError: "Unhandled"}, nil
		}, 1, 0, true},
		{"nor one that may not be called", 0, 3, func(context.Context, int) (trigger.Result, error) {
			return trigger.Result{}, apierr.New(apierr.AccessDenied, "no")
		}, 1, 0, true},
		{"nor one that answers rubbish", 0, 3, func(context.Context, int) (trigger.Result, error) {
			return trigger.Result{Payload: []byte("rubbish")}, nil
		}, 1, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				var record trigger.Invocation
				client := &trigger.Client{
					Timeout: tt.timeout, Attempts: tt.attempts,
					Invoker: invokerFunc(func(ctx context.Context, _ trigger.Call) (trigger.Result, error) {
						calls++
						return tt.invoke(ctx, calls)
					}),
					Record: func(r trigger.Invocation) { record = r },
				}
				start := time.Now()
				o, err := client.PreToken(t.Context(), triggertest.Case{Version: token.V1}.Input())
				if (err != nil) != tt.wantErr {
					t.Errorf("error %v", err)
				}
				if err != nil && o.Version != 0 {
					t.Errorf("overrides %+v beside an error", o)
				}
				if calls != tt.wantCalls || record.Attempts != tt.wantCalls {
					t.Errorf("%d calls, %d recorded, want %d", calls, record.Attempts, tt.wantCalls)
				}
				if took := time.Since(start); took != tt.wantDuration {
					t.Errorf("took %s, want %s", took, tt.wantDuration)
				}
			})
		})
	}
}

// A caller that goes away ends the call, and is not answered as if the function
// were to blame.
func TestSec_FN_6_caller_goes_away(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("connection closed")
	calls := 0
	client := &trigger.Client{Attempts: 3, Invoker: invokerFunc(func(ctx context.Context, _ trigger.Call) (trigger.Result, error) {
		calls++
		cancel(gone)
		<-ctx.Done()
		return trigger.Result{}, ctx.Err()
	})}
	_, err := client.PreToken(ctx, triggertest.Case{Version: token.V1}.Input())
	if !errors.Is(err, gone) || apierr.CodeOf(err) != "" || calls != 1 {
		t.Errorf("%d calls, error %v, want one call and the cause", calls, err)
	}
}

func TestRecordHasNamesAndNoValues(t *testing.T) {
	c := triggertest.Case{Version: token.V2, ClientMetadata: map[string]string{"m": "CANARY-metadata"},
		Response: `{"groupOverrideDetails":{"groupsToOverride":["CANARY-group"]},
			"idTokenGeneration":{"claimsToAddOrOverride":{"tenantId":"CANARY-claim"},"claimsToSuppress":["email"]},
			"accessTokenGeneration":{"claimsToAddOrOverride":{"o":{"k":"CANARY-object"}},"claimsToSuppress":["cognito:groups"],
				"scopesToAdd":["rs/read"],"scopesToSuppress":["openid"]}}`}
	in := c.Input()
	in.UserAttributes["email"] = "CANARY-email"
	var records []trigger.Invocation
	var log bytes.Buffer
	started := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	client := &trigger.Client{
		Invoker: &triggertest.Invoker{Case: c},
		Logger:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:     func() time.Time { return started },
		Record:  func(r trigger.Invocation) { records = append(records, r) },
	}
	if _, err := client.PreToken(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	want := []trigger.Invocation{{
		Trigger: trigger.PreTokenGeneration, Source: trigger.TokenAuthentication,
		PoolID: triggertest.PoolID, ClientID: triggertest.ClientID, UserName: triggertest.UserName,
		FunctionARN: triggertest.Function, Started: started, Attempts: 1,
		Asked: []string{"groups", "id +tenantId", "id -email", "access +o", "access -cognito:groups", "scope +rs/read", "scope -openid"},
	}}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
	if text := fmt.Sprintf("%+v", records) + log.String(); strings.Contains(text, "CANARY") {
		t.Errorf("a value was recorded: %s", text)
	}
}

func TestRecordIsBounded(t *testing.T) {
	var claims strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&claims, `"%d%s":"1",`, i, strings.Repeat("x", 1000))
	}
	payload := `{"response":{"claimsOverrideDetails":{"claimsToAddOrOverride":{` + claims.String() + `"z":"1"}}}}`
	var record trigger.Invocation
	client := &trigger.Client{Invoker: answers(payload), Record: func(r trigger.Invocation) { record = r }}
	if _, err := client.PreToken(t.Context(), triggertest.Case{Version: token.V1}.Input()); err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Join(record.Asked, "")); len(record.Asked) == 0 || n > 10_000 {
		t.Errorf("record of %d names, %d bytes", len(record.Asked), n)
	}
}

// FuzzPreTokenOutput: whatever a function returns, the answer is overrides that
// apply cleanly or Cognito's error, and never a reserved claim changed.
func FuzzPreTokenOutput(f *testing.F) {
	seeds := 0
	for _, c := range triggertest.Cases() {
		if c.Response != "" {
			f.Add(fmt.Appendf(nil, `{"response":{%q:%s}}`, triggertest.Container(c.Version), c.Response), int(c.Version))
			seeds++
		}
	}
	for _, payload := range unusable() {
		if len(payload) < 10_000 {
			f.Add([]byte(payload), 2)
			seeds++
		}
	}
	if seeds < 60 {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, payload []byte, version int) {
		v := token.Version(min(max(version, 1), 3))
		o, err := (&trigger.Client{Invoker: answers(string(payload))}).PreToken(t.Context(), triggertest.Case{Version: v}.Input())
		if err != nil {
			if code := apierr.CodeOf(err); code != apierr.InvalidLambdaResponse {
				t.Fatalf("error %v", err)
			}
			if o.Groups != nil || o.ID.Add != nil || o.Access.Add != nil {
				t.Fatalf("overrides %+v beside error %v", o, err)
			}
			return
		}
		for _, use := range []token.Use{token.ID, token.Access} {
			before := triggertest.Case{Version: v}.Claims(use)
			after := before.Apply(use, o)
			if _, err := token.ParseClaims(after.AppendJSON(nil)); err != nil {
				t.Fatalf("%s token is not JSON: %v", use, err)
			}
			for _, name := range []string{"sub", "iss", "exp", "iat", "auth_time", "token_use", "jti", "origin_jti", "event_id", "cognito:username"} {
				was, _ := before.Get(name)
				is, _ := after.Get(name)
				if !bytes.Equal(was, is) {
					t.Fatalf("%s token: %s became %s", use, name, is)
				}
			}
		}
	})
}

func BenchmarkPreToken(b *testing.B) {
	for _, c := range triggertest.Cases() {
		if c.Number != 2 && c.Number != 48 {
			continue
		}
		b.Run(fmt.Sprintf("case %d", c.Number), func(b *testing.B) {
			invoker := &triggertest.Invoker{Case: c}
			if _, err := (&trigger.Client{Invoker: invoker}).PreToken(b.Context(), c.Input()); err != nil {
				b.Fatal(err)
			}
			result, err := invoker.Invoke(b.Context(), invoker.Calls[0])
			if err != nil {
				b.Fatal(err)
			}
			client, in := &trigger.Client{Invoker: answers(string(result.Payload))}, c.Input()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.PreToken(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
