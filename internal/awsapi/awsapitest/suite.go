// Package awsapitest tests the generated wire types of a front end against the
// service model that they were made from. It reads the model by itself, so
// that a mistake of the generator is not repeated here.
package awsapitest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

// Suite is a front end under test.
type Suite struct {
	Service    awsapi.Service
	Operations []awsapi.Operation // stubs are enough
	Model      string             // path of the model
}

type model struct {
	Operations map[string]struct {
		Input string `json:"input"`
	} `json:"operations"`
	Shapes map[string]*shape `json:"shapes"`
}

type shape struct {
	Type    string `json:"type"`
	Members map[string]struct {
		Shape    string `json:"shape"`
		Required bool   `json:"required"`
	} `json:"members"`
	Member    string   `json:"member"`
	Key       string   `json:"key"`
	Value     string   `json:"value"`
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Sensitive bool     `json:"sensitive"`
	Document  bool     `json:"document"`
}

func (s Suite) model(t testing.TB) *model {
	t.Helper()
	b, err := os.ReadFile(s.Model)
	if err != nil {
		t.Fatal(err)
	}
	m := new(model)
	if err := json.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
	return m
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// one is a credential store with a root key and a key without rights.
type one struct{}

func (one) SecretKey(_ context.Context, id string) (string, awsapi.Principal, error) {
	switch id {
	case "ROOT":
		return "secret", awsapi.Principal{ARN: "arn:aws:iam::000000000000:root", Account: "000000000000", Root: true}, nil
	case "OTHER":
		return "secret", awsapi.Principal{ARN: "arn:aws:iam::999999999999:user/other", Account: "999999999999"}, nil
	}
	return "", awsapi.Principal{}, awsapi.ErrUnknownKey
}

func (s Suite) server(opts awsapi.Options) *awsapi.Server {
	opts.Now = func() time.Time { return noon }
	opts.Credentials = one{}
	srv := awsapi.New(opts)
	srv.Register(s.Service, s.Operations...)
	return srv
}

// request makes a request for an operation with a body.
func (s Suite) request(o awsapi.OperationModel, body string) *http.Request {
	if s.Service.Protocol == awsapi.JSON11 {
		r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", s.Service.TargetPrefix+"."+o.Name)
		return r
	}
	parts := strings.Split(o.Path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "some-name"
		}
	}
	target := "http://localhost" + strings.Join(parts, "/")
	if o.Query != "" {
		target += "?" + o.Query
	}
	r := httptest.NewRequest(o.Method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (s Suite) send(h http.Handler, r *http.Request) (status int, code string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	code, _, _ = strings.Cut(w.Header().Get("X-Amzn-Errortype"), ":")
	return w.Code, code
}

// Authorization sends every operation of the service, built or not, with no
// signature, a bad one, one of a key without rights, and a good one (API-1).
func (s Suite) Authorization(t *testing.T) {
	srv := s.server(awsapi.Options{})
	built := map[string]bool{}
	for _, o := range s.Operations {
		built[o.Name()] = true
	}
	classes := map[awsapi.Auth]int{}
	for _, o := range s.Service.Operations {
		classes[o.Auth]++
		signed := func(key, secret string) string {
			r := s.request(o, "{}")
			sigv4.Signer{AccessKeyID: key, Secret: secret, Region: "us-east-1", Service: s.Service.SigningName}.Sign(r, []byte("{}"), noon)
			_, code := s.send(srv, r)
			return code
		}
		_, none := s.send(srv, s.request(o, "{}"))
		got := [4]string{none, signed("ROOT", "wrong"), signed("OTHER", "secret"), signed("ROOT", "secret")}
		refusals := map[string]bool{
			"MissingAuthenticationTokenException": true, "InvalidSignatureException": true, "IncompleteSignatureException": true,
			"UnrecognizedClientException": true, "AccessDeniedException": true,
		}
		if o.Auth != awsapi.AuthIAM {
			for i, code := range got {
				if refusals[code] {
					t.Errorf("%s is %s, but request %d was refused with %s", o.Name, o.Auth, i, code)
				}
			}
			continue
		}
		want := [4]string{"MissingAuthenticationTokenException", "InvalidSignatureException", "AccessDeniedException", got[3]}
		if !built[o.Name] {
			want[2] = string(apierr.NotImplemented)
		}
		if got != want || refusals[got[3]] {
			t.Errorf("%s: none, bad, other, right gave %q, want %q", o.Name, got, want)
		}
		if !built[o.Name] && got[3] != string(apierr.NotImplemented) {
			t.Errorf("%s is not built and answered %q", o.Name, got[3])
		}
	}
	if classes[awsapi.AuthIAM] == 0 || len(s.Service.Operations) < 50 {
		t.Errorf("only %d operations in classes %v", len(s.Service.Operations), classes)
	}
}

// Fuzz decodes and validates arbitrary bodies as the input of every built
// operation in turn: whatever comes, it is an answer and not a panic, and what
// is accepted is accepted again.
func (s Suite) Fuzz(f *testing.F) {
	m := s.model(f)
	srv := s.server(awsapi.Options{})
	for i, o := range s.Operations {
		in := m.Operations[o.Name()].Input
		good, err := json.Marshal(m.valid(in))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(i), good)
		full, err := json.Marshal(m.full(in, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(i), full)
	}
	f.Add(uint16(0), []byte(`{"a":{"a":{"a":[[[[]]]]}}}`))
	f.Add(uint16(1), []byte("{\"\xff\":1}"))
	f.Fuzz(func(t *testing.T, n uint16, body []byte) {
		o := s.Operations[int(n)%len(s.Operations)]
		_, err := srv.Call(t.Context(), s.Service.ID, o.Name(), jsontext.Value(body))
		switch code := apierr.CodeOf(err); code {
		case "", apierr.Serialization, s.Service.ValidationCode, s.Service.TooLargeCode:
		default:
			t.Fatalf("%s: %v", o.Name(), err)
		}
		_, again := srv.Call(t.Context(), s.Service.ID, o.Name(), jsontext.Value(body))
		if fmt.Sprint(err) != fmt.Sprint(again) {
			t.Errorf("%s: first %v, then %v", o.Name(), err, again)
		}
	})
}

// Benchmark measures the wire alone: a full input of an operation, signed,
// routed, verified, decoded, validated and answered, without a socket.
func (s Suite) Benchmark(b *testing.B, operation string) {
	m := s.model(b)
	var o awsapi.OperationModel
	for _, o = range s.Service.Operations {
		if o.Name == operation {
			break
		}
	}
	srv := s.server(awsapi.Options{Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	body, err := json.Marshal(m.full(m.Operations[operation].Input, 0))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		b.StopTimer()
		r := s.request(o, string(body))
		sigv4.Signer{AccessKeyID: "ROOT", Secret: "secret", Region: "us-east-1", Service: s.Service.SigningName}.Sign(r, body, noon)
		w := httptest.NewRecorder()
		b.StartTimer()
		srv.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == http.StatusForbidden {
			b.Fatal(w.Code, w.Body)
		}
	}
}
