package s3api

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/bucket"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// kept are the headers of an object that are given back as they came, besides
// its metadata.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires", "X-Amz-Server-Side-Encryption"}

// chosen are the headers of an answer that an address may choose.
var chosen = []string{"Content-Type", "Content-Language", "Expires", "Cache-Control", "Content-Disposition", "Content-Encoding"}

const metadataPrefix = "X-Amz-Meta-"

// details are the headers that an object is stored with.
func (c *call) details() map[string]string {
	out := map[string]string{"Content-Type": "binary/octet-stream", "X-Amz-Server-Side-Encryption": "AES256"}
	for _, name := range kept {
		if v := c.r.Header.Get(name); v != "" {
			out[name] = v
		}
	}
	// "aws-chunked" is how the body travels, not what the object is.
	if enc, ok := out["Content-Encoding"]; ok {
		var left []string
		for part := range strings.SplitSeq(enc, ",") {
			if part = strings.TrimSpace(part); part != "aws-chunked" && part != "" {
				left = append(left, part)
			}
		}
		if out["Content-Encoding"] = strings.Join(left, ","); len(left) == 0 {
			delete(out, "Content-Encoding")
		}
	}
	for name, v := range c.r.Header {
		if strings.HasPrefix(name, metadataPrefix) {
			out[name] = strings.Join(v, ",")
		}
	}
	return out
}

func (c *call) condition() (bucket.Condition, error) {
	when := bucket.Condition{IfMatch: strings.Trim(c.r.Header.Get("If-Match"), `"`)}
	switch v := c.r.Header.Get("If-None-Match"); v {
	case "":
	case "*":
		when.IfAbsent = true
	default:
		return when, notImplemented("If-None-Match with an ETag, when writing,")
	}
	return when, nil
}

func quoted(etag string) string { return `"` + etag + `"` }

func putObject(c *call) error {
	when, err := c.condition()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	o, err := c.buckets.Put(c.ctx, bucket.Put{Bucket: c.route.bucket, Key: c.route.key, Headers: c.details(), Condition: when}, body)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("ETag", quoted(o.ETag))
	h.Set("X-Amz-Server-Side-Encryption", o.Headers["X-Amz-Server-Side-Encryption"])
	c.version(o)
	c.tellChecksums(o.Checksums)
	return c.done(http.StatusOK, nil)
}

// tellChecksums gives back the checksums that a body was checked against.
func (c *call) tellChecksums(sums map[string]string) {
	for name, v := range sums {
		c.w.Header().Set(checksumPrefix+name, v)
	}
	if len(sums) > 0 {
		c.w.Header().Set(checksumPrefix+"type", "FULL_OBJECT")
	}
}

func (c *call) version(o bucket.Object) {
	if o.Version != "" {
		c.w.Header().Set("X-Amz-Version-Id", o.Version)
	}
}

// stat finds the object of a request, and sets the headers that tell of it.
func (c *call) stat() (bucket.Object, error) {
	o, err := c.buckets.Stat(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("versionId"))
	if err != nil {
		return o, err
	}
	if c.route.has("partNumber") {
		return o, notImplemented("partNumber, when reading,")
	}
	h := c.w.Header()
	for name, v := range o.Headers {
		h.Set(name, v)
	}
	for param := range c.route.query {
		name, ok := strings.CutPrefix(param, "response-")
		switch name = http.CanonicalHeaderKey(name); {
		case !ok:
		case !slices.Contains(chosen, name):
			return o, apierr.Newf("InvalidArgument", "An address cannot choose the header %.100s of the answer.", name)
		default:
			h.Set(name, headerSafe(c.route.query.Get(param)))
		}
	}
	h.Set("ETag", quoted(o.ETag))
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	c.version(o)
	return o, c.unlessConditions(o)
}

func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// unlessConditions reports what a conditional request is answered with.
func (c *call) unlessConditions(o bucket.Object) error {
	h := c.r.Header
	if v := h.Get("If-Match"); v != "" && v != "*" && strings.Trim(v, `"`) != o.ETag {
		return apierr.New("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	if v := h.Get("If-None-Match"); v != "" {
		if v == "*" || strings.Trim(v, `"`) == o.ETag {
			return notModified
		}
		return nil
	}
	modified := o.Modified.Truncate(time.Second)
	if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !modified.After(t) {
		return notModified
	}
	if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && h.Get("If-Match") == "" && modified.After(t) {
		return apierr.New("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

func headObject(c *call) error { return c.send(false) }

func getObject(c *call) error { return c.send(true) }

// send answers with an object or a range of it, piece by piece.
func (c *call) send(body bool) error {
	o, err := c.stat()
	if err != nil {
		return err
	}
	from, n, part, err := byteRange(c.r.Header.Get("Range"), o.Size)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("X-Amz-Request-Id", web.EventFrom(c.r.Context()).ID)
	cache := h.Get("Cache-Control")
	web.SecurityHeaders(h)
	if cache != "" {
		h.Set("Cache-Control", cache)
	}
	// The console has the same address: an object opened in a browser is a page
	// of nobody, and no script or frame of one.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	status := http.StatusOK
	if !part && c.r.Header.Get(checksumPrefix+"mode") == "ENABLED" {
		c.tellChecksums(o.Checksums)
	}
	if part {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, o.Size))
	}
	c.w.WriteHeader(status)
	if !body {
		return nil
	}
	return c.buckets.Read(c.ctx, o, from, n, slowly{c})
}

// slowly is the answer, with time for each piece.
type slowly struct{ c *call }

func (s slowly) Write(p []byte) (int, error) {
	s.c.longer()
	return s.c.w.Write(p)
}

// byteRange reads a Range header of one range. One that cannot be understood is
// ignored, as HTTP has it.
func byteRange(text string, size int64) (from, n int64, part bool, err error) {
	spec, ok := strings.CutPrefix(text, "bytes=")
	first, last, two := strings.Cut(spec, "-")
	if !ok || !two || strings.Contains(spec, ",") {
		return 0, size, false, nil
	}
	unsatisfiable := apierr.New("InvalidRange", "The requested range is not satisfiable")
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		switch {
		case err != nil || n < 0:
			return 0, size, false, nil
		case n == 0 || size == 0:
			return 0, 0, false, unsatisfiable
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	from, err = strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 {
		return 0, size, false, nil
	}
	to := size - 1
	if last != "" {
		if to, err = strconv.ParseInt(last, 10, 64); err != nil || to < from {
			return 0, size, false, nil
		}
		to = min(to, size-1)
	}
	if from >= size {
		return 0, 0, false, unsatisfiable
	}
	return from, to - from + 1, true, nil
}

func deleteObject(c *call) error {
	o, err := c.buckets.Remove(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("versionId"))
	if err != nil {
		return err
	}
	c.version(o)
	return c.done(http.StatusNoContent, nil)
}

type deleteRequest struct {
	Quiet  bool
	Object []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	}
}

type deleted struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
}

type deleteFailure struct{ Key, Code, Message string }

type deleteResult struct {
	XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deleted       `xml:"Deleted"`
	Error   []deleteFailure `xml:"Error"`
}

const maxDelete = 1000

func deleteObjects(c *call) error {
	var in deleteRequest
	if err := c.in("Delete", &in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > maxDelete {
		return errMalformed
	}
	if _, err := c.buckets.Get(c.ctx, c.route.bucket); err != nil {
		return err
	}
	var out deleteResult
	for _, o := range in.Object {
		var err error
		if o.ETag != "" {
			err = notImplemented("ETag, in DeleteObjects,")
		} else {
			_, err = c.buckets.Remove(c.ctx, c.route.bucket, o.Key, o.VersionID)
		}
		if err != nil {
			p := apierr.Public(err)
			out.Error = append(out.Error, deleteFailure{o.Key, string(p.Code), p.Message})
		} else if !in.Quiet {
			out.Deleted = append(out.Deleted, deleted{o.Key, o.VersionID})
		}
	}
	return c.answer(out)
}
