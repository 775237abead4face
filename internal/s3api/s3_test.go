package s3api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/bucket"
	"github.com/rockpoolhq/rockpool/internal/s3api"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// s3 is the front end over a store in memory.
type s3 struct {
	t       *testing.T
	h       *s3api.Handler
	api     *awsapi.Server
	buckets *bucket.Service
	now     time.Time
}

func newS3(t *testing.T, o awsapi.Options) *s3 {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &s3{t: t, now: time.Now()}
	s.api = awsapi.New(o)
	s.buckets = &bucket.Service{Store: db, KEK: secret.NewKEK([32]byte{1}), Now: func() time.Time { return s.now }}
	s.h = s3api.New(s.api, s.buckets)
	return s
}

func dev(t *testing.T) *s3 { return newS3(t, awsapi.Options{Profile: awsapi.Dev}) }

// do signs and sends a request; header is pairs.
func (s *s3) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:7665"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	given := r.Header.Get("X-Amz-Content-Sha256")
	sigv4.Signer{AccessKeyID: "k", Secret: "s", Region: "us-east-1", Service: "s3"}.Sign(r, []byte(body), time.Now())
	if given != "" {
		r.Header.Set("X-Amz-Content-Sha256", given)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

// want does a request that must have that status, and text in its answer.
func (s *s3) want(status int, text, method, path, body string, header ...string) string {
	s.t.Helper()
	w := s.do(method, path, body, header...)
	if w.Code != status || !strings.Contains(w.Body.String(), text) {
		s.t.Errorf("%s %s: %d %s, want %d and %q", method, path, w.Code, w.Body, status, text)
	}
	return w.Body.String()
}

func TestObjects(t *testing.T) {
	s := dev(t)
	s.want(404, "<Code>NoSuchBucket</Code>", "GET", "/my-bucket?list-type=2", "")
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(409, "BucketAlreadyOwnedByYou", "PUT", "/my-bucket", "")
	s.want(400, "InvalidBucketName", "PUT", "/My_Bucket", "")
	w := s.do("PUT", "/my-bucket/a/b%20c", "hello", "Content-Type", "text/plain", "X-Amz-Meta-Who", "me")
	if got := w.Header().Get("ETag"); w.Code != 200 || got != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("put: %d, ETag %s", w.Code, got)
	}
	w = s.do("GET", "/a/b%20c", "", "Host", "my-bucket.localhost:7665")
	if w.Body.String() != "hello" || w.Header().Get("Content-Type") != "text/plain" || w.Header().Get("X-Amz-Meta-Who") != "me" {
		t.Errorf("get by host: %d %q %v", w.Code, w.Body, w.Header())
	}
	for spec, want := range map[string]string{"bytes=1-2": "el", "bytes=-3": "llo", "bytes=3-": "lo", "bytes=0-99": "hello"} {
		s.want(206, want, "GET", "/my-bucket/a/b%20c", "", "Range", spec)
	}
	s.want(416, "InvalidRange", "GET", "/my-bucket/a/b%20c", "", "Range", "bytes=5-")
	s.want(304, "", "GET", "/my-bucket/a/b%20c", "", "If-None-Match", `"5d41402abc4b2a76b9719d911017c592"`)
	s.want(412, "PreconditionFailed", "PUT", "/my-bucket/a/b%20c", "x", "If-None-Match", "*")
	s.want(404, "NoSuchKey", "GET", "/my-bucket/none", "")
	s.want(409, "BucketNotEmpty", "DELETE", "/my-bucket", "")
	s.want(200, "<Deleted><Key>a/b c</Key></Deleted>", "POST", "/my-bucket?delete", "<Delete><Object><Key>a/b c</Key></Object></Delete>")
	s.want(204, "", "DELETE", "/my-bucket", "")
	s.want(404, "NoSuchBucket", "GET", "/my-bucket?location", "")
}

func TestListings(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	for _, k := range []string{"a", "a/1", "a/2", "b", "b/x/1", "b/y/1", "c"} {
		s.want(200, "", "PUT", "/my-bucket/"+k, k)
	}
	for path, want := range map[string]string{
		"?list-type=2&delimiter=/":                        "a b c | a/ b/",
		"?list-type=2&prefix=a":                           "a a/1 a/2 |",
		"?list-type=2&prefix=b/&delimiter=/":              "| b/x/ b/y/",
		"?list-type=2&start-after=a/1":                    "a/2 b b/x/1 b/y/1 c |",
		"?prefix=b/&marker=b/x/&delimiter=/":              "| b/y/",
		"?list-type=2&delimiter=/&start-after=a&prefix=a": "| a/",
		"?versions&prefix=c":                              "c |",
	} {
		if got := listed(s.want(200, "<IsTruncated>false</IsTruncated>", "GET", "/my-bucket"+path, "")); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	var all []string
	for token, n := "", 0; n < 10; n++ {
		body := s.want(200, "", "GET", "/my-bucket?list-type=2&delimiter=/&max-keys=1"+token, "")
		all = append(all, listed(body))
		_, rest, more := strings.Cut(body, "<NextContinuationToken>")
		if !more {
			break
		}
		next, _, _ := strings.Cut(rest, "<")
		token = "&continuation-token=" + next
	}
	if got := strings.Join(all, ", "); got != "a |, | a/, b |, | b/, c |" {
		t.Errorf("pages of one: %s", got)
	}
}

// listed are the keys and the common prefixes of a listing.
func listed(body string) string {
	var keys, prefixes []string
	for _, part := range strings.Split(body, "<Key>")[1:] {
		k, _, _ := strings.Cut(part, "<")
		keys = append(keys, k)
	}
	for _, part := range strings.Split(body, "<CommonPrefixes><Prefix>")[1:] {
		p, _, _ := strings.Cut(part, "<")
		prefixes = append(prefixes, p)
	}
	return strings.TrimSpace(strings.Join(keys, " ") + " | " + strings.Join(prefixes, " "))
}

func TestParts(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	begin := func() string {
		_, rest, _ := strings.Cut(s.want(200, "<UploadId>", "POST", "/my-bucket/big?uploads", ""), "<UploadId>")
		id, _, _ := strings.Cut(rest, "<")
		return id
	}
	id := begin()
	first, second := strings.Repeat("a", 5<<20), "tail"
	e1 := s.do("PUT", "/my-bucket/big?partNumber=1&uploadId="+id, first).Header().Get("ETag")
	e2 := s.do("PUT", "/my-bucket/big?partNumber=2&uploadId="+id, second).Header().Get("ETag")
	s.want(404, "NoSuchKey", "GET", "/my-bucket/big", "")
	part := func(n int, etag string) string {
		return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, etag)
	}
	done := func(parts ...string) string {
		return "<CompleteMultipartUpload>" + strings.Join(parts, "") + "</CompleteMultipartUpload>"
	}
	s.want(400, "InvalidPartOrder", "POST", "/my-bucket/big?uploadId="+id, done(part(1, e1), part(1, e1)))
	s.want(400, "InvalidPart", "POST", "/my-bucket/big?uploadId="+id, done(part(1, e2)))
	s.want(200, "-2&#34;</ETag>", "POST", "/my-bucket/big?uploadId="+id, done(part(1, e1), part(2, e2)))
	if got := s.do("GET", "/my-bucket/big", "").Body.String(); got != first+second {
		t.Errorf("object has %d bytes, want %d", len(got), len(first)+len(second))
	}
	s.want(206, "aatail", "GET", "/my-bucket/big", "", "Range", "bytes=-6")
	s.want(404, "NoSuchUpload", "POST", "/my-bucket/big?uploadId="+id, done(part(1, e1)))
	id = begin()
	s.want(204, "", "DELETE", "/my-bucket/big?uploadId="+id, "")
	s.want(404, "NoSuchUpload", "PUT", "/my-bucket/big?partNumber=1&uploadId="+id, "x")
}

// What is overwritten, deleted or never completed is collected, and nothing
// else.
func TestCollect(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(200, "", "PUT", "/my-bucket/k", "one")
	old, err := s.buckets.Stat(t.Context(), "my-bucket", "k", "")
	if err != nil {
		t.Fatal(err)
	}
	s.want(200, "", "PUT", "/my-bucket/k", "two")
	if err := s.buckets.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := s.buckets.Read(t.Context(), old, 0, 3, &buf); err != nil || buf.String() != "one" {
		t.Errorf("a reader that was at it: %q, %v", &buf, err)
	}
	s.now = s.now.Add(25 * time.Hour)
	if err := s.buckets.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.buckets.Read(t.Context(), old, 0, 3, io.Discard); err == nil {
		t.Error("the old content is still there after a day")
	}
	now, err := s.buckets.Stat(t.Context(), "my-bucket", "k", "")
	buf.Reset()
	if err == nil {
		err = s.buckets.Read(t.Context(), now, 0, 3, &buf)
	}
	if err != nil || buf.String() != "two" {
		t.Errorf("what is there: %q, %v", &buf, err)
	}
}

// Readers see the whole of one content while others write.
func TestRacingWrites(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if w := s.do("PUT", "/my-bucket/k", strings.Repeat(string(rune('a'+i)), 3000)); w.Code != 200 {
				t.Errorf("put: %d %s", w.Code, w.Body)
			}
			got := s.do("GET", "/my-bucket/k", "").Body.String()
			if len(got) != 3000 || strings.Trim(got, got[:1]) != "" {
				t.Errorf("a mixed object of %d bytes", len(got))
			}
		})
	}
	wg.Wait()
}

func TestSettings(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>")
	s.want(200, ">eu-west-1</LocationConstraint>", "GET", "/my-bucket?location", "")
	s.want(200, "<SSEAlgorithm>AES256</SSEAlgorithm>", "GET", "/my-bucket?encryption", "")
	s.want(404, "NoSuchBucketPolicy", "GET", "/my-bucket?policy", "")
	s.want(400, "MalformedPolicy", "PUT", "/my-bucket?policy", "no")
	s.want(204, "", "PUT", "/my-bucket?policy", `{"Statement":[]}`)
	s.want(200, `{"Statement":[]}`, "GET", "/my-bucket?policy", "")
	s.want(404, "NoSuchLifecycleConfiguration", "GET", "/my-bucket?lifecycle", "")
	s.want(501, "Expiration", "PUT", "/my-bucket?lifecycle", "<LifecycleConfiguration><Rule><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>")
	s.want(501, "NotImplemented", "PUT", "/my-bucket?lifecycle", "<LifecycleConfiguration><Rule><Status>Enabled</Status><Transition><Days>1</Days></Transition></Rule></LifecycleConfiguration>")
	s.want(501, "GetBucketAcl", "GET", "/my-bucket?acl", "")
	s.want(501, "x-amz-tagging", "PUT", "/my-bucket/k", "", "X-Amz-Tagging", "a=b")
	s.want(200, "", "PUT", "/my-bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	version := s.do("PUT", "/my-bucket/k", "x").Header().Get("X-Amz-Version-Id")
	if version == "" {
		t.Error("no version id in a bucket with versioning")
	}
	s.want(200, "x", "GET", "/my-bucket/k?versionId="+version, "")
	s.want(404, "NoSuchVersion", "GET", "/my-bucket/k?versionId=other", "")
}

// Stacks call the operations on buckets by name.
func TestByName(t *testing.T) {
	s := dev(t)
	call := func(op string, in map[string]any) (string, apierr.Code) {
		out, err := s.api.Call(t.Context(), "s3", op, in)
		return string(out), apierr.CodeOf(err)
	}
	for _, step := range []struct {
		op   string
		in   map[string]any
		want string
		code apierr.Code
	}{
		{"CreateBucket", map[string]any{"Bucket": "b-1"}, "/b-1", ""},
		{"PutBucketVersioning", map[string]any{"Bucket": "b-1", "VersioningConfiguration": map[string]any{"Status": "Enabled"}}, "", ""},
		{"GetBucketVersioning", map[string]any{"Bucket": "b-1"}, `"Status":"Enabled"`, ""},
		{"PutBucketPolicy", map[string]any{"Bucket": "b-1", "Policy": `{"Statement":[]}`}, "", ""},
		{"PutBucketPolicy", map[string]any{"Bucket": "b-1"}, "", "MalformedPolicy"},
		{"PutBucketEncryption", map[string]any{"Bucket": "b-1"}, "", "MalformedXML"},
		{"CreateBucket", map[string]any{}, "", "InvalidRequest"},
		{"GetObject", map[string]any{"Bucket": "b-1"}, "", apierr.NotImplemented},
		{"DeleteBucket", map[string]any{"Bucket": "b-1"}, "", ""},
		{"DeleteBucket", map[string]any{"Bucket": "b-1"}, "", "NoSuchBucket"},
	} {
		if out, code := call(step.op, step.in); code != step.code || !strings.Contains(out, step.want) {
			t.Errorf("%s %v: %s %q, want %q %q", step.op, step.in, out, code, step.want, step.code)
		}
	}
}
