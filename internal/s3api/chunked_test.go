package s3api

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

func decoder(body string, signed, trailer bool, expect string) *chunked {
	return &chunked{r: bufio.NewReaderSize(strings.NewReader(body), maxChunkLine), signed: signed, trailer: trailer, expect: expect, found: func(string) {}}
}

func TestSec_PARSE_1_ChunkedBodiesAreStrict(t *testing.T) {
	sig := ";chunk-signature=" + strings.Repeat("a", 64)
	for name, tt := range map[string]struct {
		body            string
		signed, trailer bool
		expect, want    string
	}{
		"plain":                {"5\r\nhello\r\n0\r\n\r\n", false, true, "", "hello"},
		"two chunks":           {"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", false, true, "", "hello"},
		"trailer":              {"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", false, true, "x-amz-checksum-crc32", "hello"},
		"signed":               {"5" + sig + "\r\nhello\r\n0" + sig + "\r\n\r\n", true, false, "", "hello"},
		"no end":               {"5\r\nhello\r\n", false, true, "", ""},
		"cut":                  {"5\r\nhel", false, true, "", ""},
		"trailer missing":      {"5\r\nhello\r\n0\r\n\r\n", false, true, "x-amz-checksum-crc32", ""},
		"trailer unannounced":  {"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", false, true, "", ""},
		"signature missing":    {"5\r\nhello\r\n0\r\n\r\n", true, false, "", ""},
		"signature too much":   {"5" + sig + "\r\nhello\r\n0" + sig + "\r\n\r\n", false, true, "", ""},
		"negative":             {"-5\r\nhello\r\n0\r\n\r\n", false, true, "", ""},
		"not hexadecimal":      {"0x5\r\nhello\r\n0\r\n\r\n", false, true, "", ""},
		"a bare newline":       {"5\nhello\r\n0\r\n\r\n", false, true, "", ""},
		"too large":            {"fffffffff\r\nhello\r\n0\r\n\r\n", false, true, "", ""},
		"something after":      {"5\r\nhello\r\n0\r\n\r\nx", false, true, "", ""},
		"chunk longer than it": {"4\r\nhello\r\n0\r\n\r\n", false, true, "", ""},
		"a line without end":   {strings.Repeat("0", 2*maxChunkLine), false, true, "", ""},
	} {
		got, err := io.ReadAll(decoder(tt.body, tt.signed, tt.trailer, tt.expect))
		if (err == nil) != (tt.want != "") || err == nil && string(got) != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// The check values of the checksums, of "123456789".
func TestChecksums(t *testing.T) {
	for name, want := range map[string]string{"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"} {
		h := checksums[name]()
		h.Write([]byte("123456789"))
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	s := &sums{want: map[string]string{}}
	if s.check() != nil {
		t.Error("nothing was announced, and it does not hold")
	}
}

func FuzzChunked(f *testing.F) {
	f.Add("5\r\nhello\r\n0\r\n\r\n", false, true)
	f.Add("5;chunk-signature="+strings.Repeat("a", 64)+"\r\nhello\r\n0;chunk-signature="+strings.Repeat("a", 64)+"\r\n\r\n", true, false)
	f.Add("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", false, true)
	f.Fuzz(func(t *testing.T, body string, signed, trailer bool) {
		got, err := io.ReadAll(decoder(body, signed, trailer, ""))
		if err == nil && len(got) > len(body) {
			t.Errorf("%d bytes out of %d", len(got), len(body))
		}
	})
}

func TestSec_PARSE_1_XMLIsStrict(t *testing.T) {
	for name, body := range map[string]string{
		"an entity":     `<!DOCTYPE a [<!ENTITY x "y">]><Delete><Quiet>&x;</Quiet></Delete>`,
		"another root":  `<Other/>`,
		"two documents": `<Delete/><Delete/>`,
		"cut":           `<Delete>`,
		"too deep":      "<Delete>" + strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20) + "</Delete>",
		"nothing":       "",
		"instruction":   `<?php x?><Delete/>`,
	} {
		if err := decodeXML([]byte(body), "Delete", &deleteRequest{}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>k</Key></Object></Delete>`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		_ = decodeXML(body, "Delete", &deleteRequest{}) // must not panic
		_ = decodeXML(body, "LifecycleConfiguration", &lifecycle{})
	})
}

// A body signed in parts, S3's documented example, is taken whole or not at all.
func TestSec_SIG_1_SignedBodiesAreWhole(t *testing.T) {
	const (
		s1 = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
		s2 = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
		s3 = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
	)
	chunk := func(data, signature string) string {
		return fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", len(data), signature, data)
	}
	data := strings.Repeat("a", 66560)
	first, second, last := chunk(data[:65536], s1), chunk(data[65536:], s2), chunk("", s3)
	for name, tt := range map[string]struct {
		body string
		ok   bool
	}{
		"as documented":        {first + second + last, true},
		"a byte changed":       {first + strings.Replace(second, "\r\na", "\r\nb", 1) + last, false},
		"another order":        {second + first + last, false},
		"one left out":         {first + last, false},
		"the last one missing": {first + second, false},
		"the last one forged":  {first + second + chunk("", s2), false},
		"unsigned at the end":  {first + second + "0\r\n\r\n", false},
		"something after":      {first + second + last + first, false},
		"cut in two":           {first[:1000], false},
	} {
		r := httptest.NewRequest("PUT", "/examplebucket/chunkObject.txt", nil)
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, "+
			"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
		claim, err := sigv4.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		d := decoder(tt.body, true, false, "")
		d.verify = claim.Chunks("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
		got, err := io.ReadAll(d)
		if (err == nil) != tt.ok || tt.ok && string(got) != data {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}
