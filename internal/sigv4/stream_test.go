package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

// The examples of the S3 API reference: "Transferring Payload in Multiple
// Chunks", "Signature calculations for trailing headers" and "Authenticating
// Requests: Using Query Parameters", with their key.
const documentedSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

var documentedTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

func documentedUpload(t testing.TB, trailer bool) (*http.Request, *sigv4.Chunks) {
	t.Helper()
	payload, signed, more, seed := "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		"Content-Length: 66824\r\n", "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	if trailer {
		payload, signed, more, seed = payload+"-TRAILER", "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
			"x-amz-trailer: x-amz-checksum-crc32c\r\n", "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
	}
	raw := "PUT /examplebucket/chunkObject.txt HTTP/1.1\r\nHost: s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\n" +
		"x-amz-storage-class: REDUCED_REDUNDANCY\r\nContent-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 66560\r\n" + more +
		"x-amz-content-sha256: " + payload + "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
		"SignedHeaders=" + signed + ",Signature=" + seed + "\r\n\r\n"
	r, _, err := read([]byte(raw + strings.Repeat("x", 66824)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	declared, err := c.VerifyDeclared(r, documentedSecret, sigv4.Check{Now: documentedTime, Service: "s3", Region: "us-east-1"})
	if err != nil || declared != payload {
		t.Fatalf("the request itself: %q, %v", declared, err)
	}
	return r, c.Chunks(documentedSecret)
}

type chunk struct {
	data      string
	signature string
}

var documentedChunks = []chunk{
	{strings.Repeat("a", 65536), "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
	{strings.Repeat("a", 1024), "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
	{"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
}

// refusedAt is the number of the first chunk that does not verify, -1 if all do.
func refusedAt(s *sigv4.Chunks, chunks []chunk) int {
	for i, c := range chunks {
		if err := s.Chunk(sha256.Sum256([]byte(c.data)), c.signature); err != nil {
			if !errors.Is(err, sigv4.ErrMismatch) {
				return -2
			}
			return i
		}
	}
	return -1
}

func TestSec_SIG_1_ChunksKnownAnswers(t *testing.T) {
	all := documentedChunks
	for name, tt := range map[string]struct {
		chunks  []chunk
		refused int
	}{
		"as documented":            {all, -1},
		"a byte changed":           {[]chunk{all[0], {strings.Repeat("a", 1023) + "b", all[1].signature}}, 1},
		"a byte missing":           {[]chunk{all[0], {strings.Repeat("a", 1023), all[1].signature}}, 1},
		"another order":            {[]chunk{all[1], all[0]}, 0},
		"one left out":             {[]chunk{all[0], all[2]}, 1},
		"one twice":                {[]chunk{all[0], all[0]}, 1},
		"cut short by an old end":  {[]chunk{all[2]}, 0},
		"signature in upper case":  {[]chunk{{all[0].data, strings.ToUpper(all[0].signature)}}, 0},
		"signature of other bytes": {[]chunk{{all[0].data, all[1].signature}}, 0},
		"no signature":             {[]chunk{{all[0].data, ""}}, 0},
		"half a signature":         {[]chunk{{all[0].data, all[0].signature[:32]}}, 0},
	} {
		_, s := documentedUpload(t, false)
		if got := refusedAt(s, tt.chunks); got != tt.refused {
			t.Errorf("%s: refused at %d, want %d", name, got, tt.refused)
		}
	}
}

func TestSec_SIG_1_TrailerKnownAnswers(t *testing.T) {
	chunks := []chunk{
		{documentedChunks[0].data, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"},
		{documentedChunks[1].data, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"},
		{"", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
	}
	const lines, signature = "x-amz-checksum-crc32c:sOO8/Q==\n", "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
	for name, tt := range map[string]struct {
		chunks           []chunk
		lines, signature string
		ok               bool
	}{
		"as documented":    {chunks, lines, signature, true},
		"another checksum": {chunks, strings.Replace(lines, "s", "S", 1), signature, false},
		"before the end":   {chunks[:2], lines, signature, false},
		"of the chunk":     {chunks, lines, chunks[2].signature, false},
	} {
		_, s := documentedUpload(t, true)
		if got := refusedAt(s, tt.chunks); got != -1 {
			t.Fatalf("%s: refused at %d", name, got)
		}
		if err := s.Trailer(tt.lines, tt.signature); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const documentedAddress = "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\r\n" +
	"Host: examplebucket.s3.amazonaws.com\r\n\r\n"

func verifyAddress(raw []byte, now time.Time) error {
	r, _, err := read(raw)
	if err != nil {
		return err
	}
	c, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	_, err = c.VerifyDeclared(r, documentedSecret, sigv4.Check{Now: now, Service: "s3"})
	return err
}

// The documented presigned address is good for its day, and no byte of it can
// be changed.
func TestSec_SIG_1_PresignedObjects(t *testing.T) {
	for after, want := range map[time.Duration]error{0: nil, 24 * time.Hour: nil, 24*time.Hour + time.Second: sigv4.ErrTime, -6 * time.Minute: sigv4.ErrTime} {
		if err := verifyAddress([]byte(documentedAddress), documentedTime.Add(after)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("after %s: %v, want %v", after, err, want)
		}
	}
	raw := []byte(documentedAddress)
	changed := 0
	for i := range bytes.Index(raw, []byte(" HTTP")) {
		for _, bit := range []byte{1, 2, 4} {
			other := bytes.Clone(raw)
			other[i] ^= bit
			if err := verifyAddress(other, documentedTime); err == nil {
				t.Errorf("byte %d as %q verifies", i, other[i])
			}
			changed++
		}
	}
	if changed < 500 {
		t.Errorf("%d changes, want more", changed)
	}
}

// What nobody signed does not verify, however it is cut.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("hello"), documentedChunks[0].signature)
	f.Add([]byte(documentedChunks[1].data), documentedChunks[1].signature)
	f.Add([]byte{}, strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, data []byte, signature string) {
		_, s := documentedUpload(t, false)
		if string(data) == documentedChunks[0].data {
			return
		}
		if s.Chunk(sha256.Sum256(data), signature) == nil || s.Trailer(string(data), signature) == nil {
			t.Errorf("%q verifies with %q", data, signature)
		}
		if got := refusedAt(s, documentedChunks); got != -1 {
			t.Errorf("a refused chunk has changed what comes after: refused at %d", got)
		}
	})
}
