package awsapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/web"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// keys is a small credential store: ROOT may do everything, USER nothing, and
// LOST cannot be looked up.
type keys struct{}

func (keys) SecretKey(_ context.Context, id string) (string, awsapi.Principal, error) {
	switch id {
	case "ROOT":
		return "root secret", awsapi.Principal{ARN: "arn:aws:iam::123456789012:root", Account: "123456789012", Root: true}, nil
	case "USER":
		return "user secret", awsapi.Principal{ARN: "arn:aws:iam::123456789012:user/eve", Account: "123456789012"}, nil
	case "LOST":
		return "", awsapi.Principal{}, fmt.Errorf("the database is away")
	}
	return "", awsapi.Principal{}, fmt.Errorf("key %s: %w", id, awsapi.ErrUnknownKey)
}

func jsonRequest(operation, body string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "GreeterService."+operation)
	return r
}

func sign(r *http.Request, body, key, secret, service string) *http.Request {
	sigv4.Signer{AccessKeyID: key, Secret: secret, Region: "eu-west-1", Service: service}.Sign(r, []byte(body), noon)
	return r
}

// answer is a response with its error code, wherever the protocol puts it.
type answer struct {
	status int
	code   string
	body   string
}

func do(t testing.TB, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	code, _, _ := strings.Cut(w.Header().Get("X-Amzn-Errortype"), ":")
	if w.Header().Get("X-Amzn-Requestid") == "" {
		t.Errorf("%s %s: no request id", r.Method, r.URL)
	}
	return answer{w.Code, code, w.Body.String()}
}

func TestSec_API_1_serve(t *testing.T) {
	s := newServer(awsapi.Options{Credentials: keys{}, Now: atNoon})
	const body = `{"Name":"ada"}`
	tampered := func(r *http.Request) *http.Request {
		r.Body = io.NopCloser(strings.NewReader(`{"Name":"eve"}`))
		return r
	}
	for _, tt := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"public without signature", jsonRequest("Greet", body), ""},
		{"public with the signature of an unknown key", sign(jsonRequest("Greet", body), body, "NOBODY", "x", "cognito-idp"), ""},
		{"unsigned", jsonRequest("Who", body), "MissingAuthenticationTokenException"},
		{"root", sign(jsonRequest("Who", body), body, "ROOT", "root secret", "cognito-idp"), ""},
		{"wrong secret", sign(jsonRequest("Who", body), body, "ROOT", "user secret", "cognito-idp"), "InvalidSignatureException"},
		{"unknown key", sign(jsonRequest("Who", body), body, "NOBODY", "root secret", "cognito-idp"), "UnrecognizedClientException"},
		{"unknown key that guesses the stand-in secret", sign(jsonRequest("Who", body), body, "NOBODY", "no key has this secret", "cognito-idp"), "UnrecognizedClientException"},
		{"other service", sign(jsonRequest("Who", body), body, "ROOT", "root secret", "lambda"), "InvalidSignatureException"},
		{"other body", tampered(sign(jsonRequest("Who", body), body, "ROOT", "root secret", "cognito-idp")), "InvalidSignatureException"},
		{"no permission", sign(jsonRequest("Who", body), body, "USER", "user secret", "cognito-idp"), "AccessDeniedException"},
		{"keys cannot be looked up", sign(jsonRequest("Who", body), body, "LOST", "root secret", "cognito-idp"), "InternalErrorException"},
		{"bad signature before a bad body", sign(jsonRequest("Who", "{{{"), "{{{", "ROOT", "x", "cognito-idp"), "InvalidSignatureException"},
	} {
		if got := do(t, s, tt.r); got.code != tt.want {
			t.Errorf("%s: %+v, want code %q", tt.name, got, tt.want)
		}
	}
	got := do(t, s, sign(jsonRequest("Who", body), body, "ROOT", "root secret", "cognito-idp"))
	if want := "arn:aws:iam::123456789012:root eu-west-1 123456789012 ROOT"; !strings.Contains(got.body, want) {
		t.Errorf("the operation saw %s, want %s", got.body, want)
	}
	denied := do(t, s, sign(jsonRequest("Who", body), body, "USER", "user secret", "cognito-idp"))
	if want := "User: arn:aws:iam::123456789012:user/eve is not authorized to perform: cognito-idp:Who on resource: * because no identity-based policy allows the cognito-idp:Who action"; !strings.Contains(denied.body, want) {
		t.Errorf("denied with %s, want %s", denied.body, want)
	}
}

func TestSec_API_1_zeroOptionsRefuse(t *testing.T) {
	s := newServer(awsapi.Options{})
	r := jsonRequest("Who", "{}")
	sigv4.Signer{AccessKeyID: "ROOT", Secret: "x", Region: "eu-west-1", Service: "cognito-idp"}.Sign(r, []byte("{}"), time.Now())
	if got := do(t, s, r); got.code != "UnrecognizedClientException" {
		t.Errorf("a server without credentials answered %+v", got)
	}
}

func TestSec_API_1_registrationIsStrict(t *testing.T) {
	op := awsapi.Op("Greet", greet)
	none := greeter()
	none.Operations[4].Auth = 0
	strange := greeter()
	strange.Operations[0].Auth = 200
	double := greeter()
	double.Operations = append(double.Operations, double.Operations[0])
	for _, tt := range []struct {
		name string
		do   func(*awsapi.Server)
		want string
	}{
		{"an operation that is not built has no class", func(s *awsapi.Server) { s.Register(none) }, "no authorization class"},
		{"a class that does not exist", func(s *awsapi.Server) { s.Register(strange) }, "no authorization class"},
		{"an operation is in the table twice", func(s *awsapi.Server) { s.Register(double) }, "twice"},
		{"unknown operation", func(s *awsapi.Server) { s.Register(greeter(), awsapi.Op("Nothing", greet)) }, "no operation Nothing"},
		{"operation built twice", func(s *awsapi.Server) { s.Register(greeter(), op, op) }, "twice"},
		{"service twice", func(s *awsapi.Server) { s.Register(greeter()); s.Register(greeter()) }, "twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, tt.want) {
					t.Errorf("panic %q, want %q", got, tt.want)
				}
			}()
			tt.do(awsapi.New(awsapi.Options{}))
		})
	}
}

func TestSec_PARSE_1(t *testing.T) {
	s := newServer(awsapi.Options{Profile: awsapi.Dev})
	nested := func(n int) string {
		return `{"Name":"ada","X":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for _, tt := range []struct{ name, body, want string }{
		{"good", `{"Name":"ada"}`, ""},
		{"white space around", " \r\n\t{\"Name\":\"ada\"}\n ", ""},
		{"null member is absent", `{"Name":"ada","Count":null,"Words":null,"Tags":null}`, ""},
		{"unknown member", `{"Name":"ada","Other":{"a":[1,2.5e300,null,true]}}`, ""},
		{"64 levels", nested(64), ""},
		{"brackets in a string are not levels", `{"Name":"ada","X":"` + strings.Repeat("[{", 100) + `\"["}`, ""},
		{"65 levels", nested(65), "SerializationException"},
		{"a hundred thousand levels", nested(100000), "SerializationException"},
		{"duplicate member", `{"Name":"ada","Name":"ada"}`, "SerializationException"},
		{"duplicate unknown member", `{"Name":"ada","X":1,"X":1}`, "SerializationException"},
		{"duplicate member spelled with an escape", `{"Name":"ada","N\u0061me":"eve"}`, "SerializationException"},
		{"duplicate key in a map", `{"Name":"ada","Tags":{"a":"1","a":"2"}}`, "SerializationException"},
		{"something after", `{"Name":"ada"}{}`, "SerializationException"},
		{"a letter after", `{"Name":"ada"} x`, "SerializationException"},
		{"invalid UTF-8", "{\"Name\":\"\xff\"}", "SerializationException"},
		{"invalid UTF-8 in an unknown member", "{\"Name\":\"ada\",\"X\":\"\xc3\"}", "SerializationException"},
		{"lone surrogate", `{"Name":"\ud800"}`, "SerializationException"},
		{"surrogates in the wrong order", `{"Name":"\udc00\ud800"}`, "SerializationException"},
		{"control character in a string", "{\"Name\":\"a\nb\"}", "SerializationException"},
		{"unfinished", `{"Name":"ada"`, "SerializationException"},
		{"empty", ``, "SerializationException"},
		{"only white space", `  `, "SerializationException"},
		{"null", `null`, "SerializationException"},
		{"array", `[]`, "SerializationException"},
		{"string", `"x"`, "SerializationException"},
		{"number", `7`, "SerializationException"},
		{"comment", `{"Name":"ada"/**/}`, "SerializationException"},
		{"single quotes", `{'Name':'ada'}`, "SerializationException"},
		{"byte order mark", "\ufeff{\"Name\":\"ada\"}", "SerializationException"},
		{"number for a string", `{"Name":5}`, "SerializationException"},
		{"string for a number", `{"Name":"ada","Count":"5"}`, "SerializationException"},
		{"fraction for an integer", `{"Name":"ada","Count":1.5}`, "SerializationException"},
		{"number out of range", `{"Name":"ada","Count":2147483648}`, "SerializationException"},
		{"number beyond all range", `{"Name":"ada","Count":1e999}`, "SerializationException"},
		{"string for a boolean", `{"Name":"ada","Flag":"true"}`, "SerializationException"},
		{"object for a list", `{"Name":"ada","Words":{}}`, "SerializationException"},
		{"list for a map", `{"Name":"ada","Tags":[]}`, "SerializationException"},
		{"null in a list", `{"Name":"ada","Words":[null]}`, "SerializationException"},
		{"null in a map", `{"Name":"ada","Tags":{"a":null}}`, "SerializationException"},
	} {
		got := do(t, s, jsonRequest("Greet", tt.body))
		if got.code != tt.want || (tt.want == "") != (got.status == 200) {
			t.Errorf("%s: %+v, want code %q", tt.name, got, tt.want)
		}
	}
}

func TestSec_PARSE_1_bodyLimit(t *testing.T) {
	s := newServer(awsapi.Options{Profile: awsapi.Dev})
	sized := func(n int) string {
		const frame = `{"Name":"ada","X":""}`
		return frame[:len(frame)-2] + strings.Repeat("x", n-len(frame)) + `"}`
	}
	chunked := func(r *http.Request) *http.Request {
		r.ContentLength = -1
		return r
	}
	rest := func(n int) *http.Request {
		r := httptest.NewRequest("POST", "http://localhost/2015-03-31/functions/f/invocations", strings.NewReader(strings.Repeat("x", n)))
		return sign(r, "", "any", "key", "lambda")
	}
	for _, tt := range []struct {
		name   string
		r      *http.Request
		status int
		code   string
	}{
		{"a mebibyte", jsonRequest("Greet", sized(1<<20)), 200, ""},
		{"one byte more", jsonRequest("Greet", sized(1<<20+1)), 413, "RequestEntityTooLargeException"},
		{"one byte more, length unknown", chunked(jsonRequest("Greet", sized(1<<20+1))), 413, "RequestEntityTooLargeException"},
		{"operation with a limit of its own", rest(2 << 20), 202, ""},
		{"over its own limit", rest(2<<20 + 1), 413, "RequestTooLargeException"},
		{"over its own limit, length unknown", chunked(rest(2<<20 + 1)), 413, "RequestTooLargeException"},
	} {
		if got := do(t, s, tt.r); got.status != tt.status || got.code != tt.code {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.status, got.code, tt.status, tt.code)
		}
	}
}

// Large bodies queue for a few places. The places come back, also after
// failures: more requests than places, one after the other, all end.
func TestLargeBodiesGiveTheirPlaceBack(t *testing.T) {
	s := newServer(awsapi.Options{Profile: awsapi.Dev})
	for i := range 12 {
		r := httptest.NewRequest("POST", "http://localhost/2015-03-31/functions/f/invocations", bytes.NewReader(make([]byte, 3<<19+i%2<<20)))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		got := do(t, s, sign(r.WithContext(ctx), "", "any", "key", "lambda"))
		cancel()
		if want := []int{202, 413}[i%2]; got.status != want {
			t.Fatalf("request %d: %+v, want %d", i, got, want)
		}
	}
}

func TestSec_ERR_1(t *testing.T) {
	var log bytes.Buffer
	var events []web.Event
	s := newServer(awsapi.Options{
		Profile: awsapi.Dev,
		Logger:  slog.New(slog.NewJSONHandler(&log, nil)),
		Observe: func(e *web.Event) { events = append(events, *e) },
	})
	for _, r := range []*http.Request{
		jsonRequest("Panic", `{"Name":"ada"}`),
		jsonRequest("Fail", `{"Name":"leak"}`),
		sign(func() *http.Request {
			r := httptest.NewRequest("POST", "http://localhost/2015-03-31/broken", strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
			return r
		}(), "{}", "any", "key", "lambda"),
	} {
		got := do(t, s, r)
		if got.status != 500 || got.code != "InternalErrorException" && got.code != "ServiceException" {
			t.Errorf("%s: %+v", r.Header.Get("X-Amz-Target"), got)
		}
		for _, inner := range []string{"hunter2", "disk full", "goroutine", "awsapi"} {
			if strings.Contains(got.body, inner) {
				t.Errorf("the answer tells %q: %s", inner, got.body)
			}
		}
	}
	if got := do(t, s, jsonRequest("Greet", `{"Name":"ada"}`)); got.status != 200 {
		t.Errorf("after the failures: %+v", got)
	}
	if len(events) != 4 {
		t.Fatalf("%d events, want 4", len(events))
	}
	for i, cause := range []string{"panic: hunter2", "database password is hunter2", "disk full"} {
		if events[i].Err == nil || !strings.Contains(events[i].Err.Error(), cause) || events[i].Status != 500 {
			t.Errorf("event %d has cause %v, want %s", i, events[i].Err, cause)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d log lines, want one a request:\n%s", len(lines), log.String())
	}
	var last struct {
		Level, ID, Service, Operation string
		Status                        int
	}
	if err := json.Unmarshal([]byte(lines[3]), &last, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if last.Level != "INFO" || last.ID == "" || last.Service != "cognito-idp" || last.Operation != "Greet" || last.Status != 200 {
		t.Errorf("logged %+v", last)
	}
}

// Nothing that a caller keeps secret is in the log, whatever becomes of the
// request.
func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	s := newServer(awsapi.Options{Credentials: keys{}, Now: atNoon, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	const body = `{"Name":"ada","Secret":"canary-password"}`
	for _, r := range []*http.Request{
		jsonRequest("Greet", body),
		jsonRequest("Greet", `{"Name":"canary-name-too-long","Secret":"canary-password"}`),
		jsonRequest("Greet", `{"Secret":"canary-password`),
		jsonRequest("Panic", body),
		sign(jsonRequest("Who", body), body, "ROOT", "root secret", "cognito-idp"),
		sign(jsonRequest("Who", body), body, "ROOT", "wrong", "cognito-idp"),
	} {
		signature := r.Header.Get("Authorization")
		do(t, s, r)
		_, signature, _ = strings.Cut(signature, "Signature=")
		if signature != "" && strings.Contains(log.String(), signature) {
			t.Errorf("the log has a signature")
		}
	}
	if strings.Count(log.String(), "\n") != 6 {
		t.Errorf("want six lines:\n%s", log.String())
	}
	for _, canary := range []string{"canary", "root secret"} {
		if strings.Contains(log.String(), canary) {
			t.Errorf("the log has %q:\n%s", canary, log.String())
		}
	}
}

func TestCall(t *testing.T) {
	s := newServer(awsapi.Options{})
	for _, tt := range []struct {
		name, service, operation string
		input                    any
		want                     string
		code                     apierr.Code
	}{
		{"value", "cognito-idp", "Greet", map[string]any{"Name": "ada"}, `"hello ada"`, ""},
		{"operation of class IAM, as root", "cognito-idp", "Who", map[string]any{"Name": "ada"}, "arn:aws:iam::000000000000:root", ""},
		{"member that HTTP has in the path", "lambda", "Get", map[string]any{"FunctionName": "ada"}, `{"Name":"ada"}`, ""},
		{"same validation", "cognito-idp", "Greet", map[string]any{}, "", apierr.InvalidParameter},
		{"same errors", "lambda", "Get", map[string]any{"FunctionName": "gone"}, "", apierr.ResourceNotFound},
		{"wrong type", "cognito-idp", "Greet", map[string]any{"Name": 1}, "", apierr.Serialization},
		{"not an object", "cognito-idp", "Greet", []string{}, "", apierr.Serialization},
		{"cannot be encoded", "cognito-idp", "Greet", func() {}, "", apierr.Serialization},
		{"not built", "cognito-idp", "Later", map[string]any{}, "", apierr.NotImplemented},
		{"unknown", "cognito-idp", "Nothing", map[string]any{}, "", apierr.UnknownOperation},
		{"unknown service", "s3", "Greet", map[string]any{}, "", apierr.UnknownOperation},
		{"panic", "cognito-idp", "Panic", map[string]any{"Name": "ada"}, "", apierr.InternalError},
		{"error of ours", "cognito-idp", "Fail", map[string]any{"Name": "leak"}, "", apierr.InternalError},
	} {
		out, err := s.Call(t.Context(), tt.service, tt.operation, tt.input)
		if apierr.CodeOf(err) != tt.code || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s: %s, %v; want %s, code %q", tt.name, out, err, tt.want, tt.code)
		}
	}
}

// An operation that calls another acts as its own caller: it cannot do through
// Call what its caller may not do.
func TestCallActsAsTheCaller(t *testing.T) {
	s := awsapi.New(awsapi.Options{Credentials: keys{}, Now: atNoon,
		Authorize: func(_ context.Context, p awsapi.Principal, action, _ string) error {
			if p.Root || action == "cognito-idp:Who" {
				return nil
			}
			return awsapi.ErrDenied
		}})
	s.Register(greeter(), awsapi.Op("Who", func(ctx context.Context, _ *greetInput) (*greetOutput, error) {
		out, err := s.Call(ctx, "lambda", "Get", map[string]any{"FunctionName": "f"})
		return &greetOutput{Greeting: ptr(string(out))}, err
	}))
	s.Register(functions(), awsapi.Op("Get", func(ctx context.Context, _ *nameInput) (*nameOutput, error) {
		return &nameOutput{Name: ptr(awsapi.RequestFrom(ctx).Principal.ARN)}, nil
	}))
	const body = `{"Name":"ada"}`
	if got := do(t, s, sign(jsonRequest("Who", body), body, "USER", "user secret", "cognito-idp")); got.code != "AccessDeniedException" {
		t.Errorf("a user got %+v", got)
	}
	if got := do(t, s, sign(jsonRequest("Who", body), body, "ROOT", "root secret", "cognito-idp")); !strings.Contains(got.body, "123456789012:root") {
		t.Errorf("root got %+v", got)
	}
}

func TestCoverage(t *testing.T) {
	var got []string
	for _, c := range newServer(awsapi.Options{}).Coverage() {
		got = append(got, fmt.Sprintf("%s %s %s %v", c.Service, c.Operation, c.Auth, c.Built))
	}
	want := []string{
		"cognito-idp Fail public true", "cognito-idp Greet public true", "cognito-idp Later public false",
		"cognito-idp Panic public true", "cognito-idp Who iam true",
		"lambda Broken iam true", "lambda Drop iam true", "lambda Get iam true", "lambda ListAll iam true",
		"lambda ListSome iam true", "lambda Put iam true", "lambda Rename iam true", "lambda Unbuilt iam false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The overhead of the wire: route, signature, decode, validate, encode.
func BenchmarkOverhead(b *testing.B) {
	s := newServer(awsapi.Options{Credentials: keys{}, Now: atNoon, NewID: func() string { return "id" },
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	const body = `{"Name":"ada","Count":5,"Tags":{"a":"b","c":"d"},"Words":["red","blue"],"Secret":"long enough"}`
	for b.Loop() {
		b.StopTimer()
		r := sign(jsonRequest("Who", body), body, "ROOT", "root secret", "cognito-idp")
		w := httptest.NewRecorder()
		b.StartTimer()
		s.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body.String())
		}
	}
}

// In the dev profile any key is good, so the origin is all that tells a page
// of the web from the developer's own.
func TestSec_API_1_devPages(t *testing.T) {
	const body = `{"Name":"ada"}`
	send := func(s *awsapi.Server, operation string, origins ...string) string {
		r := sign(jsonRequest(operation, body), body, "any", "key", "cognito-idp")
		r.Header["Origin"] = origins
		if origins == nil {
			r.Header.Del("Origin")
		}
		return do(t, s, r).code
	}
	s := newServer(awsapi.Options{Profile: awsapi.Dev})
	for _, good := range []string{"http://localhost:3000", "https://localhost", "http://app.localhost", "http://127.0.0.1:5173", "http://127.9.9.9", "http://[::1]:80"} {
		if code := send(s, "Who", good); code != "" {
			t.Errorf("%s: %s", good, code)
		}
	}
	for _, bad := range []string{"null", "", "https://example.com", "http://localhost.example.com", "http://127.0.0.1.example.com", "http://192.168.1.5", "http://notlocalhost", "file://", "http://%zz"} {
		if code := send(s, "Who", bad); code != "AccessDeniedException" {
			t.Errorf("%q: %q, want AccessDeniedException", bad, code)
		}
		if code := send(s, "Greet", bad); code != "" {
			t.Errorf("a public operation for %q: %s", bad, code)
		}
	}
	if code := send(s, "Who", "http://localhost", "https://example.com"); code != "AccessDeniedException" {
		t.Errorf("two origins: %q", code)
	}
	if code := send(s, "Who"); code != "" {
		t.Errorf("a program: %s", code)
	}
	open := newServer(awsapi.Options{Profile: awsapi.Dev, AllowPage: func(r *http.Request) bool { return r.Header.Get("Origin") == "https://dev.example.com" }})
	if code := send(open, "Who", "https://dev.example.com"); code != "" {
		t.Errorf("an allowed page: %s", code)
	}
	serve := newServer(awsapi.Options{Credentials: keys{}, Now: atNoon})
	if code := send(serve, "Who", "https://example.com"); code != "UnrecognizedClientException" {
		t.Errorf("where keys are checked a page is judged by its key: %q", code)
	}
}
