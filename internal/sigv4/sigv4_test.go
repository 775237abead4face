package sigv4_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type vector struct {
	Name    string            `json:"name"`
	Method  string            `json:"method"`
	Host    string            `json:"host"`
	Target  string            `json:"target"`
	Header  map[string]string `json:"header"`
	Body    string            `json:"body"`
	Service string            `json:"service"`
	Region  string            `json:"region"`
}

// raw returns the vector as it goes over the wire.
func (v vector) raw() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", v.Method, v.Target, v.Host)
	for _, name := range slices.Sorted(maps.Keys(v.Header)) {
		if name != "Content-Length" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v.Header[name])
		}
	}
	if v.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(v.Body))
	}
	return append(b.Bytes(), "\r\n"+v.Body...)
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 13 {
		t.Fatalf("%d vectors, want at least 13", len(all))
	}
	return all
}

// read parses raw bytes as a server would.
func read(raw []byte) (*http.Request, []byte, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(r.Body)
	return r, body, err
}

func verify(r *http.Request, body []byte, key string, check sigv4.Check) error {
	c, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	return c.Verify(r, body, key, check)
}

func TestSec_SIG_1_knownAnswers(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			r, body, err := read(v.raw())
			if err != nil {
				t.Fatal(err)
			}
			check := sigv4.Check{Now: noon, Service: v.Service, Region: v.Region}
			if err := verify(r, body, secret, check); err != nil {
				t.Errorf("good signature: %v", err)
			}
			if err := verify(r, body, secret+"x", check); !errors.Is(err, sigv4.ErrMismatch) {
				t.Errorf("other secret: %v, want ErrMismatch", err)
			}
		})
	}
}

func TestDocumentedExamples(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for _, tt := range []struct{ name, raw, service string }{
		{"IAM user guide", "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\r\nHost: iam.amazonaws.com\r\n" +
			"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nX-Amz-Date: 20150830T123600Z\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\r\n", "iam"},
		{"get-vanilla", "GET / HTTP/1.1\r\nHost: example.amazonaws.com\r\nX-Amz-Date: 20150830T123600Z\r\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31\r\n\r\n", "service"},
	} {
		r, body, err := read([]byte(tt.raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(r, body, secret, sigv4.Check{Now: at, Service: tt.service, Region: "us-east-1"}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// meaning is what a request says to a server, for what the signature covers.
func meaning(r *http.Request, body []byte, signed []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %v %s", r.Method, r.Host, r.URL.Path, r.URL.Query(), body)
	for _, h := range signed {
		fmt.Fprintf(&b, "|%s=", h)
		for _, v := range r.Header.Values(h) {
			b.WriteString(strings.Join(strings.Fields(v), " ") + ",")
		}
	}
	return b.String()
}

// Every byte of a request is changed in several ways; what still verifies must
// still mean the same (a header that is not signed, the case of a header's
// name, white space).
func TestSec_SIG_1_everyByteCounts(t *testing.T) {
	for _, v := range vectors(t) {
		raw := v.raw()
		r, body, err := read(raw)
		if err != nil {
			t.Fatal(err)
		}
		signed := []string{"X-Amz-Date", "X-Amz-Target", "X-Amz-Log-Type", "X-Amz-Content-Sha256", "Content-Type", "X-Amz-Security-Token"}
		want := meaning(r, body, signed)
		check := sigv4.Check{Now: noon, Service: v.Service}
		refused := 0
		for i := range raw {
			for _, flip := range []byte{0x01, 0x02, 0x10, 0x20, 0x80} {
				changed := bytes.Clone(raw)
				changed[i] ^= flip
				r, body, err := read(changed)
				if err != nil {
					continue
				}
				if verify(r, body, secret, check) != nil {
					refused++
					continue
				}
				if got := meaning(r, body, signed); got != want {
					t.Fatalf("%s: byte %d ^ %#x verifies:\n%s\nis now\n%s", v.Name, i, flip, want, got)
				}
			}
		}
		if refused < 2*len("AWS4-HMAC-SHA256")+64 {
			t.Errorf("%s: only %d changes reached the check", v.Name, refused)
		}
	}
}

func signed(t testing.TB, edit func(*http.Request)) (*http.Request, []byte) {
	t.Helper()
	body := []byte(`{"PoolName":"pool"}`)
	r := httptest.NewRequest("POST", "http://localhost:7665/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.CreateUserPool")
	sigv4.Signer{AccessKeyID: "AKID", Secret: secret, Region: "eu-west-1", Service: "cognito-idp"}.Sign(r, body, noon)
	if edit != nil {
		edit(r)
	}
	return r, body
}

func TestSec_SIG_1_rules(t *testing.T) {
	auth := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			a := r.Header.Get("Authorization")
			if !strings.Contains(a, old) {
				t.Fatalf("no %q in %q", old, a)
			}
			r.Header.Set("Authorization", strings.Replace(a, old, new, 1))
		}
	}
	for _, tt := range []struct {
		name  string
		edit  func(*http.Request)
		check sigv4.Check
		want  error
	}{
		{"good", nil, sigv4.Check{}, nil},
		{"five minutes late", nil, sigv4.Check{Now: noon.Add(5 * time.Minute)}, nil},
		{"five minutes early", nil, sigv4.Check{Now: noon.Add(-5 * time.Minute)}, nil},
		{"more than five minutes late", nil, sigv4.Check{Now: noon.Add(5*time.Minute + time.Second)}, sigv4.ErrTime},
		{"more than five minutes early", nil, sigv4.Check{Now: noon.Add(-5*time.Minute - time.Second)}, sigv4.ErrTime},
		{"other service", nil, sigv4.Check{Service: "lambda"}, sigv4.ErrScope},
		{"other region", nil, sigv4.Check{Region: "us-east-1"}, sigv4.ErrScope},
		{"the server's region", nil, sigv4.Check{Region: "eu-west-1"}, nil},
		{"no header", func(r *http.Request) { r.Header.Del("Authorization") }, sigv4.Check{}, sigv4.ErrMissing},
		{"two headers", func(r *http.Request) { r.Header.Add("Authorization", "x") }, sigv4.Check{}, sigv4.ErrIncomplete},
		{"other scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, sigv4.Check{}, sigv4.ErrIncomplete},
		{"asymmetric algorithm", auth("AWS4-HMAC", "AWS4-ECDSA-P256"), sigv4.Check{}, sigv4.ErrIncomplete},
		{"host not signed", auth("host;", ""), sigv4.Check{}, sigv4.ErrIncomplete},
		{"date not signed", auth("x-amz-date;", ""), sigv4.Check{}, sigv4.ErrIncomplete},
		{"target not signed", auth(";x-amz-target", ""), sigv4.Check{}, sigv4.ErrIncomplete},
		{"signed headers out of order", auth("host;x-amz-date", "x-amz-date;host"), sigv4.Check{}, sigv4.ErrIncomplete},
		{"signed header twice", auth("host;", "host;host;"), sigv4.Check{}, sigv4.ErrIncomplete},
		{"signed header taken away", func(r *http.Request) { r.Header.Del("Content-Type") }, sigv4.Check{}, sigv4.ErrMismatch},
		{"signed header doubled", func(r *http.Request) { r.Header.Add("Content-Type", "x") }, sigv4.Check{}, sigv4.ErrMismatch},
		{"target changed", func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.DeleteUserPool")
		}, sigv4.Check{}, sigv4.ErrMismatch},
		{"host changed", func(r *http.Request) { r.Host = "example.com" }, sigv4.Check{}, sigv4.ErrMismatch},
		{"scope of another day", auth("20261122", "20261121"), sigv4.Check{}, sigv4.ErrIncomplete},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, sigv4.Check{}, sigv4.ErrIncomplete},
		{"two dates", func(r *http.Request) { r.Header.Add("X-Amz-Date", "20261122T120000Z") }, sigv4.Check{}, sigv4.ErrIncomplete},
		{"date of another form", func(r *http.Request) { r.Header.Set("X-Amz-Date", "2026-11-22T12:00:00Z") }, sigv4.Check{}, sigv4.ErrIncomplete},
		{"signature in capitals", func(r *http.Request) {
			head, sig, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", head+"Signature="+strings.ToUpper(sig))
		}, sigv4.Check{}, sigv4.ErrIncomplete},
		{"short signature", auth("Signature=", "Signature=00 "), sigv4.Check{}, sigv4.ErrIncomplete},
		{"field twice", auth("SignedHeaders=", "Credential=x, SignedHeaders="), sigv4.Check{}, sigv4.ErrIncomplete},
		{"unsigned payload", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, sigv4.Check{}, sigv4.ErrIncomplete},
		{"security token added", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, sigv4.Check{}, sigv4.ErrIncomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.check.Now.IsZero() {
				tt.check.Now = noon
			}
			if tt.check.Service == "" {
				tt.check.Service = "cognito-idp"
			}
			r, body := signed(t, tt.edit)
			if err := verify(r, body, secret, tt.check); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestSec_SIG_1_payloadHash(t *testing.T) {
	check := sigv4.Check{Now: noon, Service: "lambda"}
	body := []byte("payload")
	for _, tt := range []struct {
		name, declared string
		want           error
	}{
		{"right", "239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5", nil},
		{"of something else", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sigv4.ErrMismatch},
		{"unsigned", "UNSIGNED-PAYLOAD", sigv4.ErrMismatch},
		{"streamed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sigv4.ErrMismatch},
	} {
		r := httptest.NewRequest("POST", "http://localhost/2015-03-31/functions/f/invocations", bytes.NewReader(body))
		r.Header.Set("X-Amz-Content-Sha256", tt.declared)
		sigv4.Signer{AccessKeyID: "AKID", Secret: secret, Region: "eu-west-1", Service: "lambda"}.Sign(r, body, noon)
		if err := verify(r, body, secret, check); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestSec_SIG_1_presigned(t *testing.T) {
	var v vector
	for _, v = range vectors(t) {
		if v.Name == "presigned" {
			break
		}
	}
	for _, tt := range []struct {
		name     string
		old, new string
		now      time.Duration
		want     error
	}{
		{"now", "", "", 0, nil},
		{"in its last second", "", "", 900 * time.Second, nil},
		{"expired", "", "", 901 * time.Second, sigv4.ErrTime},
		{"from the future", "", "", -301 * time.Second, sigv4.ErrTime},
		{"longer life", "X-Amz-Expires=900", "X-Amz-Expires=901", 0, sigv4.ErrMismatch},
		{"no life", "X-Amz-Expires=900", "X-Amz-Expires=0", 0, sigv4.ErrIncomplete},
		{"life of eight days", "X-Amz-Expires=900", "X-Amz-Expires=691200", 0, sigv4.ErrIncomplete},
		{"other parameter", "Qualifier=1", "Qualifier=2", 0, sigv4.ErrMismatch},
		{"parameter added", "Qualifier=1", "Qualifier=1&Qualifier=2", 0, sigv4.ErrMismatch},
		{"signature twice", "X-Amz-Signature=", "X-Amz-Signature=x&X-Amz-Signature=", 0, sigv4.ErrIncomplete},
		{"to change something", "GET", "POST", 0, sigv4.ErrIncomplete},
	} {
		raw := strings.Replace(string(v.raw()), tt.old, tt.new, 1)
		r, body, err := read([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		err = verify(r, body, secret, sigv4.Check{Now: noon.Add(tt.now), Service: "lambda"})
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.raw())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, body, err := read(raw)
		if err != nil {
			return
		}
		c, err := sigv4.Parse(r)
		if err != nil {
			if c != nil {
				t.Error("a claim with an error")
			}
			return
		}
		if err := c.Verify(r, body, "not the secret of any vector", sigv4.Check{Now: c.Time, Service: c.Service}); err == nil {
			t.Error("verifies under a secret that nobody signed with")
		}
	})
}

func FuzzSignThenVerify(f *testing.F) {
	f.Add("/2015-03-31/functions/a%2Fb/../c//", "a=1&b=%20&a=", "x  y", "body")
	f.Add("/", "", "", "")
	f.Add("/%F0%9F%98%80", "%zz&=&&a=b=c", "é", "\x00")
	f.Fuzz(func(t *testing.T, path, query, header, body string) {
		raw := fmt.Sprintf("POST %s?%s HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta: %s\r\nContent-Length: %d\r\n\r\n%s", path, query, header, len(body), body)
		r, b, err := read([]byte(raw))
		if err != nil || string(b) != body {
			return
		}
		s := sigv4.Signer{AccessKeyID: "AKID", Secret: secret, Region: "eu-west-1", Service: "lambda"}
		r.Header.Del("Authorization")
		r.Header.Del("X-Amz-Content-Sha256")
		s.Sign(r, b, noon)
		check := sigv4.Check{Now: noon, Service: "lambda"}
		if err := verify(r, b, secret, check); err != nil {
			t.Errorf("%q: own signature: %v", raw, err)
		}
		if err := verify(r, append(b, 'x'), secret, check); err == nil {
			t.Errorf("%q: another body verifies", raw)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r, body := signed(b, nil)
	check := sigv4.Check{Now: noon, Service: "cognito-idp"}
	for b.Loop() {
		if err := verify(r, body, secret, check); err != nil {
			b.Fatal(err)
		}
	}
}
