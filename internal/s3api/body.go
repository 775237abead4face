package s3api

import (
	"bufio"
	"crypto/md5"  //nolint:gosec // a checksum that S3 has
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/bucket"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5)
)

// checksums are those that a caller may send, by the end of their header.
var checksums = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(castagnoli) },
	"crc64nvme": func() hash.Hash { return crc64.New(nvme) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

const checksumPrefix = "x-amz-checksum-"

// checked is a body whose end is an error unless everything that was said of it
// holds.
type checked struct {
	r       io.Reader
	hashes  io.Writer
	finish  func() error
	step    func() // before each read
	failure error
}

func (c *checked) Read(p []byte) (int, error) {
	if c.failure != nil {
		return 0, c.failure
	}
	c.step()
	n, err := c.r.Read(p)
	_, _ = c.hashes.Write(p[:n]) // hashes never fail
	if errors.Is(err, io.EOF) {
		if failed := c.finish(); failed != nil {
			err = failed
		}
	}
	c.failure = err
	return n, err
}

// sums are the hashes of a body that somebody has announced.
type sums struct {
	want map[string]string // base64; "" comes in the trailer
	have map[string]hash.Hash
}

func (s *sums) Write(p []byte) (int, error) {
	for _, h := range s.have {
		h.Write(p)
	}
	return len(p), nil
}

func (s *sums) add(name, want string, h hash.Hash) { s.want[name], s.have[name] = want, h }

func (s *sums) check() error {
	for name, want := range s.want {
		got := s.have[name].Sum(nil)
		raw, err := base64.StdEncoding.DecodeString(want)
		if name == "payload" {
			raw, err = hex.DecodeString(want)
		}
		if err != nil || len(raw) != len(got) {
			return apierr.Newf("InvalidRequest", "Value for %s header is invalid.", name)
		}
		if subtle.ConstantTimeCompare(raw, got) != 1 {
			if name == "payload" {
				return apierr.New("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
			}
			return apierr.Newf("BadDigest", "The %s you specified did not match the calculated checksum.", name)
		}
	}
	return nil
}

// body returns the object in the request's body, and its length. It must be
// read to its end, where an error says that it is not what was announced.
func (c *call) body() (bucket.Body, error) {
	s := &sums{map[string]string{}, map[string]hash.Hash{}}
	h := c.r.Header
	if v := h.Get("Content-Md5"); v != "" {
		s.add("Content-MD5", v, md5.New()) //nolint:gosec // as above
	}
	for name, newHash := range checksums {
		if v := h.Get(checksumPrefix + name); v != "" {
			s.add(checksumPrefix+name, v, newHash())
		}
	}
	size := c.r.ContentLength
	fail := func(err error) (bucket.Body, error) { return bucket.Body{}, err }
	out := &checked{r: c.r.Body, hashes: s, finish: s.check, step: c.longer}
	payload := c.adm.Payload
	switch {
	case payload == sigv4.UnsignedPayload:
	case len(payload) == 64:
		s.add("payload", payload, sha256.New())
	case strings.HasPrefix(payload, "STREAMING-"):
		d := &chunked{r: bufio.NewReaderSize(c.r.Body, maxChunkLine), verify: c.adm.Chunks}
		switch payload {
		case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
			d.signed = true
		case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
			d.signed, d.trailer = true, true
		case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
			d.trailer = true
		default:
			return fail(notImplemented("The payload %.100s", payload))
		}
		if err := s.announce(d, h.Get("X-Amz-Trailer")); err != nil {
			return fail(err)
		}
		n, err := strconv.ParseUint(h.Get("X-Amz-Decoded-Content-Length"), 10, 40)
		if err != nil {
			return fail(apierr.New("MissingContentLength", "You must provide the Content-Length HTTP header."))
		}
		size, out.r = int64(n), d
	default:
		return fail(apierr.New("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."))
	}
	if size < 0 {
		return fail(apierr.New("MissingContentLength", "You must provide the Content-Length HTTP header."))
	}
	if size > bucket.MaxObject {
		return fail(apierr.Newf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size of %d bytes.", bucket.MaxObject))
	}
	return bucket.Body{Reader: out, Size: size, Checksums: s.checksums}, nil
}

// checksums are those of S3's own that held.
func (s *sums) checksums() map[string]string {
	out := map[string]string{}
	for name, v := range s.want {
		if short, ok := strings.CutPrefix(name, checksumPrefix); ok {
			out[short] = v
		}
	}
	return out
}

// announce notes which checksum a trailer will bring, and checks it then.
func (s *sums) announce(d *chunked, trailer string) error {
	trailer = strings.ToLower(strings.TrimSpace(trailer))
	if trailer == "" {
		return nil
	}
	newHash := checksums[strings.TrimPrefix(trailer, checksumPrefix)]
	if newHash == nil || !strings.HasPrefix(trailer, checksumPrefix) || !d.trailer {
		return apierr.New("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
	}
	s.add(trailer, "", newHash())
	d.expect = trailer
	d.found = func(value string) { s.want[trailer] = value }
	return nil
}

// Bounds of the parts of a streamed body that are not data.
const (
	maxChunkLine = 4 << 10
	maxChunk     = bucket.MaxObject
)

var errChunk = apierr.New("IncompleteBody", "The request body is not in the aws-chunked form that its headers announce.")

// chunked decodes a body in the form "aws-chunked": lines with a length in
// hexadecimal (and a signature), each followed by so many bytes; a length of
// zero, and, if announced, one header that could not be known before.
type chunked struct {
	r       *bufio.Reader
	signed  bool
	trailer bool
	verify  *sigv4.Chunks // nil: signatures are not verified
	expect  string        // the name of the trailing header, if any
	found   func(value string)

	left      int64 // of the current chunk
	started   bool
	signature string
	sum       hash.Hash
	end       error
}

func (d *chunked) Read(p []byte) (int, error) {
	if d.end != nil {
		return 0, d.end
	}
	if len(p) == 0 {
		return 0, nil
	}
	if d.left == 0 {
		if err := d.next(); err != nil {
			d.end = err
			return 0, err
		}
	}
	n, err := d.r.Read(p[:min(int64(len(p)), d.left)])
	d.left -= int64(n)
	if d.sum != nil {
		d.sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		err = errChunk.Because(io.ErrUnexpectedEOF)
	}
	d.end = err
	return n, err
}

// line reads up to the next CRLF.
func (d *chunked) line() (string, error) {
	b, err := d.r.ReadSlice('\n')
	if err != nil {
		return "", errChunk.Because(err)
	}
	text, ok := strings.CutSuffix(string(b), "\r\n")
	if !ok || strings.ContainsAny(text, "\r\x00") {
		return "", errChunk
	}
	return text, nil
}

// closeChunk ends the chunk that was read: a line end, and its signature.
func (d *chunked) closeChunk() error {
	if s, err := d.line(); err != nil || s != "" {
		return errChunk.Because(err)
	}
	return d.verifyChunk()
}

func (d *chunked) verifyChunk() error {
	if d.sum == nil || d.verify == nil {
		return nil
	}
	return signatureError(d.verify.Chunk([32]byte(d.sum.Sum(nil)), d.signature))
}

func signatureError(err error) error {
	if err == nil {
		return nil
	}
	return apierr.New(apierr.InvalidSignature, err.Error())
}

// next goes on to the next chunk, or to the end.
func (d *chunked) next() error {
	if d.started {
		if err := d.closeChunk(); err != nil {
			return err
		}
	}
	d.started = true
	head, err := d.line()
	if err != nil {
		return err
	}
	size, extension, has := strings.Cut(head, ";")
	n, err := strconv.ParseUint(size, 16, 40)
	if err != nil || n > maxChunk || strings.ContainsAny(size, "+_ ") || has != d.signed {
		return errChunk.Because(err)
	}
	if d.signed {
		var ok bool
		if d.signature, ok = strings.CutPrefix(extension, "chunk-signature="); !ok || len(d.signature) != 64 {
			return errChunk
		}
		d.sum = sha256.New()
	}
	d.left = int64(n)
	if n > 0 {
		return nil
	}
	if err := d.verifyChunk(); err != nil {
		return err
	}
	return d.finish()
}

// finish reads what comes after the last chunk. It returns io.EOF if all is
// well.
func (d *chunked) finish() error {
	lines := ""
	for {
		s, err := d.line()
		if err != nil {
			return err
		}
		if s == "" {
			break
		}
		name, value, ok := strings.Cut(s, ":")
		name, value = strings.ToLower(name), strings.TrimSpace(value)
		switch {
		case !ok || !d.trailer:
			return errChunk
		case name == "x-amz-trailer-signature" && d.signed && lines != "":
			if d.verify != nil {
				if err := d.verify.Trailer(lines, value); err != nil {
					return signatureError(err)
				}
			}
			lines, d.signature = "", "trailer"
		case name == d.expect && lines == "" && d.expect != "":
			lines = name + ":" + value + "\n"
			d.found(value)
			d.expect = ""
		default:
			return errChunk
		}
	}
	switch {
	case d.expect != "":
		return apierr.New("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
	case d.signed && lines != "":
		return errChunk // a trailer of a signed body is signed
	}
	if _, err := d.r.ReadByte(); !errors.Is(err, io.EOF) {
		return errChunk.Because(err)
	}
	return io.EOF
}
