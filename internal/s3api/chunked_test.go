package s3api

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
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
