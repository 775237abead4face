package s3api_test

import (
	"strings"
	"testing"
)

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
