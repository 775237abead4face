package s3api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// presign makes the address of an object for a day, as the S3 API reference
// says. It shares nothing with what verifies it.
func presign(method, path string, at time.Time) string {
	const scope = "/us-east-1/s3/aws4_request"
	date := at.UTC().Format("20060102T150405Z")
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {"k/" + date[:8] + scope}, "X-Amz-Date": {date},
		"X-Amz-Expires": {"86400"}, "X-Amz-SignedHeaders": {"host"},
	}.Encode()
	hash := sha256.Sum256([]byte(method + "\n" + path + "\n" + q + "\nhost:127.0.0.1:7665\n\nhost\nUNSIGNED-PAYLOAD"))
	key := []byte("AWS4s")
	for _, part := range []string{date[:8], "us-east-1", "s3", "aws4_request", fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s%s\n%x", date, date[:8], scope, hash)} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return path + "?" + q + fmt.Sprintf("&X-Amz-Signature=%x", key)
}

// A presigned address is a right to read one object until its time is over.
func TestSec_SIG_1_PresignedAddresses(t *testing.T) {
	now := time.Now()
	s := newS3(t, awsapi.Options{Profile: awsapi.Serve, Credentials: oneKey{}, Now: func() time.Time { return now }})
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(200, "", "PUT", "/my-bucket/k", "hello")
	s.want(200, "", "PUT", "/my-bucket/l", "other")
	get, head := presign("GET", "/my-bucket/k", now), presign("HEAD", "/my-bucket/k", now)
	for name, tt := range map[string]struct {
		method, address string
		later           time.Duration
		status          int
		want            string
	}{
		"get":                   {"GET", get, 0, 200, "hello"},
		"get, a day later":      {"GET", get, 24*time.Hour - time.Second, 200, "hello"},
		"get, too late":         {"GET", get, 24*time.Hour + 2*time.Second, 403, "Request has expired"},
		"get, too early":        {"GET", get, -time.Hour, 403, "AccessDenied"},
		"head":                  {"HEAD", head, 0, 200, ""},
		"head with that of get": {"HEAD", get, 0, 403, ""},
		"get with that of head": {"GET", head, 0, 403, "SignatureDoesNotMatch"},
		"another object":        {"GET", strings.Replace(get, "/k?", "/l?", 1), 0, 403, "SignatureDoesNotMatch"},
		"a longer time":         {"GET", strings.Replace(get, "86400", "86401", 1), 0, 403, "SignatureDoesNotMatch"},
		"another parameter":     {"GET", get + "&response-content-type=text%2Fhtml", 0, 403, "SignatureDoesNotMatch"},
		"another key":           {"GET", strings.Replace(get, "=k%2F", "=j%2F", 1), 0, 403, "InvalidAccessKeyId"},
		"to write":              {"PUT", presign("PUT", "/my-bucket/k", now), 0, 400, "AuthorizationHeaderMalformed"},
		"to delete":             {"DELETE", presign("DELETE", "/my-bucket/k", now), 0, 400, "AuthorizationHeaderMalformed"},
	} {
		made := now
		now = now.Add(tt.later)
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, httptest.NewRequest(tt.method, "http://127.0.0.1:7665"+tt.address, nil))
		now = made
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d and %q", name, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// What is in a bucket is served from the address at which the console is, and
// whoever put it there may be somebody else than who follows a link to it.
func TestSec_WEB_3_AnObjectIsNoPageOfTheServer(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(200, "", "PUT", "/my-bucket/evil.html", "<script>alert(1)</script>", "Content-Type", "text/html")
	w := s.do("GET", "/my-bucket/evil.html", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff",
		"Cross-Origin-Resource-Policy": "same-site", "X-Frame-Options": "DENY",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// An address may choose six headers of the answer, as in S3. Others would set
// cookies of the server's own, or open the object to pages elsewhere.
func TestSec_WEB_1_AnAddressSetsNoCookie(t *testing.T) {
	s := dev(t)
	s.want(200, "", "PUT", "/my-bucket", "")
	s.want(200, "", "PUT", "/my-bucket/a", "hello")
	for _, tt := range []struct{ header, value string }{
		{"set-cookie", "rockpool-console=planted"}, {"access-control-allow-origin", "*"}, {"location", "https://evil.example"},
		{"content-security-policy", "default-src *"}, {"x-content-type-options", "sniff"}, {"x-amz-request-id", "1"},
	} {
		w := s.do("GET", "/my-bucket/a?response-"+tt.header+"="+strings.NewReplacer(" ", "%20", "*", "%2A").Replace(tt.value), "")
		if got := w.Header().Get(tt.header); got == tt.value {
			t.Errorf("%s is %q", tt.header, got)
		}
		if w.Code != 400 {
			t.Errorf("%s: %d, want a refusal", tt.header, w.Code)
		}
	}
	w := s.do("GET", "/my-bucket/a?response-content-disposition=attachment&response-cache-control=no-cache&response-expires=0&response-content-type=text%2Fplain&response-content-language=de&response-content-encoding=x", "")
	if w.Code != 200 || w.Header().Get("Content-Disposition") != "attachment" || w.Header().Get("Content-Type") != "text/plain" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
