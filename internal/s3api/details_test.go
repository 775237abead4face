package s3api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

// Two parts of a bucket in one request: which of them is meant is not chance.
func TestConflictingParts(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	for range 20 {
		s.want(400, "Conflicting query string parameters: acl, policy", "GET", "/my-bucket?policy&acl", "")
	}
	s.want(400, "Conflicting query string parameters: delete, versioning", "POST", "/my-bucket?delete&versioning", "<Delete/>")
	s.want(400, "Conflicting query string parameters: tagging, uploadId", "PUT", "/my-bucket/k?uploadId=a&partNumber=1&tagging", "")
	s.want(404, "NoSuchBucketPolicy", "GET", "/my-bucket?policy", "")
}

func TestChecksumsOfObjects(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(400, "BadDigest", "PUT", "/my-bucket/k", "hello", "X-Amz-Checksum-Crc32", "AAAAAA==")
	s.want(400, "InvalidRequest", "PUT", "/my-bucket/k", "hello", "X-Amz-Checksum-Crc32", "AAAA")
	s.want(404, "NoSuchKey", "GET", "/my-bucket/k", "")
	s.want(200, "", "PUT", "/my-bucket/k", "hello", "X-Amz-Checksum-Crc32", "NhCmhg==")
	for _, tt := range []struct {
		method, want string
		header       []string
	}{
		{"GET", "", nil},
		{"GET", "NhCmhg==", []string{"X-Amz-Checksum-Mode", "ENABLED"}},
		{"HEAD", "NhCmhg==", []string{"X-Amz-Checksum-Mode", "ENABLED"}},
		{"GET", "", []string{"X-Amz-Checksum-Mode", "ENABLED", "Range", "bytes=0-1"}}, // it is that of the whole
	} {
		if got := s.do(tt.method, "/my-bucket/k", "", tt.header...).Header().Get("X-Amz-Checksum-Crc32"); got != tt.want {
			t.Errorf("%s %v: checksum %q, want %q", tt.method, tt.header, got, tt.want)
		}
	}
}

func (s *s3) begin(path string) (uploadID string) {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.want(200, "<UploadId>", "POST", path+"?uploads", ""), "<UploadId>")
	uploadID, _, _ = strings.Cut(rest, "<")
	return uploadID
}

func complete(etag, more string) string {
	return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag + "</ETag>" + more + "</Part></CompleteMultipartUpload>"
}

func TestChecksumsOfParts(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	id := s.begin("/my-bucket/k")
	path := "/my-bucket/k?uploadId=" + id
	w := s.do("PUT", path+"&partNumber=1", "hello", "X-Amz-Checksum-Crc32", "NhCmhg==")
	if w.Code != 200 || w.Header().Get("X-Amz-Checksum-Crc32") != "NhCmhg==" {
		t.Fatalf("part: %d %v %s", w.Code, w.Header(), w.Body)
	}
	etag := w.Header().Get("ETag")
	s.want(400, "InvalidPart", "POST", path, complete(etag, "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>"))
	s.want(400, "InvalidPart", "POST", path, complete(etag, "<ChecksumCRC32>NhCmhg==</ChecksumCRC32><ChecksumSHA256>AAAA</ChecksumSHA256>"))
	s.want(501, "x-amz-checksum-crc32", "POST", path, complete(etag, ""), "X-Amz-Checksum-Crc32", "NhCmhg==")
	s.want(501, "x-amz-mp-object-size", "POST", path, complete(etag, ""), "X-Amz-Mp-Object-Size", "5")
	s.want(404, "NoSuchKey", "GET", "/my-bucket/k", "")
	s.want(200, "-1&#34;</ETag>", "POST", path, complete(etag, "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>"))
	s.want(200, "hello", "GET", "/my-bucket/k", "")
}

func TestCopies(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(200, "", "PUT", "/other-bucket", "")
	s.want(200, "", "PUT", "/my-bucket/a/b%20c+%C3%BC", "hello", "Content-Type", "text/plain", "X-Amz-Meta-Who", "me", "X-Amz-Checksum-Crc32", "NhCmhg==")
	const from = "/my-bucket/a/b%20c%2B%C3%BC"
	copied := func(path, typ, who string) {
		t.Helper()
		w := s.do("GET", path, "", "X-Amz-Checksum-Mode", "ENABLED")
		if h := w.Header(); w.Body.String() != "hello" || h.Get("Content-Type") != typ || h.Get("X-Amz-Meta-Who") != who || h.Get("X-Amz-Checksum-Crc32") != "NhCmhg==" {
			t.Errorf("%s: %d %s %v", path, w.Code, w.Body, h)
		}
	}
	s.want(200, "<CopyObjectResult", "PUT", "/other-bucket/k", "", "X-Amz-Copy-Source", from)
	copied("/other-bucket/k", "text/plain", "me")
	s.want(200, "<CopyObjectResult", "PUT", "/other-bucket/k", "", "X-Amz-Copy-Source", "other-bucket/k", "X-Amz-Metadata-Directive", "REPLACE", "Content-Type", "a/b")
	copied("/other-bucket/k", "a/b", "")
	for _, tt := range []struct {
		status int
		want   string
		header []string
	}{
		{400, "InvalidRequest", []string{"X-Amz-Copy-Source", "other-bucket/k"}},
		{404, "NoSuchKey", []string{"X-Amz-Copy-Source", "my-bucket/none"}},
		{404, "NoSuchBucket", []string{"X-Amz-Copy-Source", "no-bucket/k"}},
		{404, "NoSuchVersion", []string{"X-Amz-Copy-Source", from + "?versionId=1"}},
		{400, "InvalidArgument", []string{"X-Amz-Copy-Source", "my-bucket"}},
		{400, "InvalidArgument", []string{"X-Amz-Copy-Source", "my-bucket/%zz"}},
		{400, "InvalidArgument", []string{"X-Amz-Copy-Source", from, "X-Amz-Metadata-Directive", "MERGE"}},
		{412, "PreconditionFailed", []string{"X-Amz-Copy-Source", from, "X-Amz-Copy-Source-If-Match", "x"}},
		{501, "x-amz-copy-source-if-none-match", []string{"X-Amz-Copy-Source", from, "X-Amz-Copy-Source-If-None-Match", "x"}},
	} {
		s.want(tt.status, tt.want, "PUT", "/other-bucket/k", "", tt.header...)
	}
	copied("/other-bucket/k", "a/b", "")

	id := s.begin("/my-bucket/parts")
	path := "/my-bucket/parts?uploadId=" + id
	body := s.want(200, "<CopyPartResult", "PUT", path+"&partNumber=1", "", "X-Amz-Copy-Source", from, "X-Amz-Copy-Source-Range", "bytes=1-3", "X-Amz-Copy-Source-If-Match", `"5d41402abc4b2a76b9719d911017c592"`)
	s.want(400, "InvalidArgument", "PUT", path+"&partNumber=2", "", "X-Amz-Copy-Source", from, "X-Amz-Copy-Source-Range", "bytes=9-")
	_, etag, _ := strings.Cut(body, "<ETag>")
	etag, _, _ = strings.Cut(etag, "</ETag>")
	s.want(200, "", "POST", path, complete(etag, ""))
	if got := s.do("GET", "/my-bucket/parts", "").Body.String(); got != "ell" {
		t.Errorf("made of a range: %q", got)
	}
	s.want(200, "<TagSet></TagSet>", "GET", "/my-bucket/parts?tagging", "")
}

// What is copied is the copy's own: it stays when the source is gone.
func TestCopiesOutliveTheirSource(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(200, "", "PUT", "/my-bucket/a", strings.Repeat("x", 3<<20))
	s.want(200, "", "PUT", "/my-bucket/b", "", "X-Amz-Copy-Source", "my-bucket/a")
	s.want(204, "", "DELETE", "/my-bucket/a", "")
	s.now = s.now.Add(25 * time.Hour)
	if err := s.buckets.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.do("GET", "/my-bucket/b", "").Body.String(); got != strings.Repeat("x", 3<<20) {
		t.Errorf("the copy has %d bytes", len(got))
	}
}

// A bucket takes unfinished uploads with it, but not if it stays.
func TestDeletedBucketsTakeUploadsWithThem(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	ids := []string{s.begin("/my-bucket/k"), s.begin("/my-bucket/k")}
	put := func(id string) int {
		return s.do("PUT", "/my-bucket/k?partNumber=1&uploadId="+id, "x").Code
	}
	s.want(200, "", "PUT", "/my-bucket/other", "x")
	s.want(409, "BucketNotEmpty", "DELETE", "/my-bucket", "")
	s.want(204, "", "DELETE", "/my-bucket/other", "")
	for _, id := range ids {
		if code := put(id); code != 200 {
			t.Errorf("the bucket stayed, but its upload answers %d", code)
		}
	}
	s.want(204, "", "DELETE", "/my-bucket", "")
	s.want(200, "", "PUT", "/my-bucket", "")
	for _, id := range ids {
		if code := put(id); code != 404 {
			t.Errorf("a new bucket has an upload of the old one: %d", code)
		}
	}
}

// Whatever a key goes on with, its common prefix is listed once.
func TestCommonPrefixesAreListedOnce(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	for _, k := range []string{"a/1", "a/%F4%8F%BF%BF", "a/%F4%8F%BF%BFx", "a/%F4%8F%BF%BFy", "b"} {
		s.want(200, "", "PUT", "/my-bucket/"+k, "x")
	}
	for after, want := range map[string]string{"": "b | a/", "a/": "b |", "a/2": "b |", "a/%F4%8F%BF%BFx": "b |"} {
		if got := listed(s.want(200, "", "GET", "/my-bucket?list-type=2&delimiter=/&start-after="+after, "")); got != want {
			t.Errorf("after %s: %s, want %s", after, got, want)
		}
	}
}

type oneKey struct{}

func (oneKey) SecretKey(_ context.Context, id string) (string, awsapi.Principal, error) {
	if id != "k" {
		return "", awsapi.Principal{}, awsapi.ErrUnknownKey
	}
	return "s", awsapi.Principal{ARN: "arn:aws:iam::000000000000:root", Account: "000000000000", Root: true}, nil
}

// S3 lets clocks be a quarter of an hour apart, and has a name for more, by
// which clients set theirs.
func TestSec_SIG_1_WrongClocksAreToldSo(t *testing.T) {
	now := time.Now()
	s := newS3(t, awsapi.Options{Profile: awsapi.Serve, Credentials: oneKey{}, Now: func() time.Time { return now }})
	for _, tt := range []struct {
		apart  time.Duration
		status int
		want   string
	}{
		{0, 200, "ListAllMyBucketsResult"}, {14 * time.Minute, 200, ""}, {-14 * time.Minute, 200, ""},
		{16 * time.Minute, 403, "<Code>RequestTimeTooSkewed</Code>"}, {-16 * time.Minute, 403, "<Code>RequestTimeTooSkewed</Code>"},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:7665/", nil)
		sigv4.Signer{AccessKeyID: "k", Secret: "s", Region: "us-east-1", Service: "s3"}.Sign(r, nil, now.Add(tt.apart))
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s apart: %s", tt.apart, fmt.Sprint(w.Code, w.Body))
		}
	}
}
