package rockpool_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool"
)

// stack validates the template at an address.
func (s *server) validate(address string) (status int, body string) {
	form := url.Values{"Action": {"ValidateTemplate"}, "Version": {"2010-05-15"}, "TemplateURL": {address}}
	w := s.do(request{method: http.MethodPost, path: "/", body: form.Encode(), service: "cloudformation",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	return w.Code, w.Body.String()
}

func (s *server) putObject(path, body string) {
	s.t.Helper()
	if w := s.do(request{method: http.MethodPut, path: path, body: body, service: "s3"}); w.Code != http.StatusOK {
		s.t.Fatalf("PUT %s: %d %s", path, w.Code, w.Body)
	}
}

// A template is read from the server's own buckets, whatever host its address
// names, and nothing is asked of any other host.
func TestSec_NET_1_TemplatesComeFromOwnBuckets(t *testing.T) {
	s := start(t, rockpool.Options{})
	s.putObject("/my-bucket", "")
	s.putObject("/my-bucket/a/t.json", `{"Description":"from the bucket","Resources":{"R":{"Type":"AWS::CDK::Metadata"}}}`)
	for _, address := range []string{
		"http://127.0.0.1:7665/my-bucket/a/t.json",
		"http://localhost:7665/my-bucket/a/t.json",
		"http://my-bucket.localhost:7665/a/t.json",
		"http://my-bucket.s3.localhost:7665/a/t.json",
		"https://s3.amazonaws.com/my-bucket/a/t.json",
		"https://s3.us-east-1.amazonaws.com/my-bucket/a/t.json",
		"https://my-bucket.s3.amazonaws.com/a/t.json",
		"https://my-bucket.s3.eu-west-1.amazonaws.com/a/t.json",
	} {
		if status, body := s.validate(address); status != 200 || !strings.Contains(body, "from the bucket") {
			t.Errorf("%s: %d %s", address, status, body)
		}
	}
	for _, address := range []string{
		"http://169.254.169.254/my-bucket/a/t.json2", "https://example.com/my-bucket/a/t.json", "file:///etc/passwd",
		"https://s3.amazonaws.com.example.com/my-bucket/a/t.json", "https://my-bucket.s3.amazonaws.com/none", "http://user@localhost/my-bucket/a/t.json",
	} {
		if status, body := s.validate(address); status != 400 || !strings.Contains(body, "ValidationError") {
			t.Errorf("%s: %d %s", address, status, body)
		}
	}
}

func TestFunctionCodeFromABucket(t *testing.T) {
	s := start(t, rockpool.Options{})
	var pack bytes.Buffer
	z := zip.NewWriter(&pack)
	f, err := z.Create("index.mjs")
	if err == nil {
		_, err = f.Write([]byte("export const handler = async () => 1"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	s.putObject("/my-bucket", "")
	s.putObject("/my-bucket/code.zip", pack.String())
	create := func(code string) (int, string) {
		w := s.do(request{method: http.MethodPost, path: "/2015-03-31/functions", service: "lambda", header: map[string]string{"Content-Type": "application/json"},
			body: `{"FunctionName":"f","Runtime":"nodejs20.x","Handler":"index.handler","Role":"arn:aws:iam::000000000000:role/r","Code":` + code + `}`})
		return w.Code, w.Body.String()
	}
	for code, want := range map[string]string{
		`{"S3Bucket":"my-bucket","S3Key":"none"}`:                          "NoSuchKey",
		`{"S3Bucket":"other-bucket","S3Key":"none"}`:                       "NoSuchBucket",
		`{"S3Bucket":"my-bucket"}`:                                         "S3Key",
		`{"S3Bucket":"my-bucket","S3Key":"code.zip","ZipFile":"UEsFBgAA"}`: "ZipFile",
	} {
		if status, body := create(code); status != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", code, status, body)
		}
	}
	status, body := create(`{"S3Bucket":"my-bucket","S3Key":"code.zip"}`)
	var made struct{ CodeSize int }
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 201 || made.CodeSize != pack.Len() {
		t.Errorf("create: %d %s", status, body)
	}
	w := s.do(request{method: http.MethodPut, path: "/2015-03-31/functions/f/code", service: "lambda", header: map[string]string{"Content-Type": "application/json"},
		body: `{"S3Bucket":"my-bucket","S3Key":"code.zip"}`})
	if w.Code != 200 {
		t.Errorf("update: %d %s", w.Code, w.Body)
	}
}

// A production server takes objects from who has a key, signed as they are.
func TestSec_SIG_1_ObjectsAreSigned(t *testing.T) {
	s := start(t, rockpool.Options{Profile: rockpool.Production, DataDir: t.TempDir(), PublicURL: "https://rockpool.example.com"})
	id, secret := rootKey(t, s)
	s.signer.AccessKeyID, s.signer.Secret = id, secret
	s.putObject("/my-bucket", "")
	s.putObject("/my-bucket/k", "hello")
	bad := s.signer
	for name, q := range map[string]struct {
		id, secret string
		header     map[string]string
		want       string
	}{
		"another secret": {id, "x", nil, "SignatureDoesNotMatch"},
		"unknown key":    {"AKIAAAAAAAAAAAAAAAAA", "x", nil, "InvalidAccessKeyId"},
	} {
		bad.AccessKeyID, bad.Secret = q.id, q.secret
		o := *s
		o.signer = bad
		if w := o.do(request{path: "/my-bucket/k", service: "s3"}); w.Code != 403 || !strings.Contains(w.Body.String(), q.want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := s.do(request{path: "/k", host: "my-bucket.s3.localhost:7665"}); w.Code != 403 || !strings.Contains(w.Body.String(), "AccessDenied") {
		t.Errorf("unsigned: %d %s", w.Code, w.Body)
	}
	if w := s.do(request{path: "/my-bucket/k", service: "lambda"}); strings.Contains(w.Body.String(), "hello") {
		t.Errorf("signed for another service: %d %s", w.Code, w.Body)
	}
}

// A page of another site cannot drive the buckets of a development server.
func TestSec_WEB_5_PagesCannotReachBuckets(t *testing.T) {
	s := start(t, rockpool.Options{})
	w := s.do(request{method: http.MethodPut, path: "/my-bucket", service: "s3", header: map[string]string{"Origin": "https://evil.example"}})
	if w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("from another site: %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := s.do(request{path: "/my-bucket", service: "s3", host: "evil.example"}); w.Code != 400 && w.Code != 403 {
		t.Errorf("by another host: %d %s", w.Code, w.Body)
	}
}
