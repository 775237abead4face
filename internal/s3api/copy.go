package s3api

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/bucket"
)

// source finds the object that a request copies. The caller must be allowed to
// read it.
func (c *call) source() (o bucket.Object, name string, err error) {
	const ifMatch = "X-Amz-Copy-Source-If-Match"
	for header := range c.r.Header {
		if strings.HasPrefix(header, "X-Amz-Copy-Source-") && header != "X-Amz-Copy-Source-Range" && header != ifMatch {
			return o, "", notImplemented("The header %s", strings.ToLower(header))
		}
	}
	path, query, _ := strings.Cut(c.r.Header.Get("X-Amz-Copy-Source"), "?")
	path, err = url.PathUnescape(path)
	q, bad := url.ParseQuery(query)
	name, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || bad != nil || !ok || name == "" || key == "" {
		return o, "", apierr.New("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if err := c.api.Allowed(c.ctx, "s3", "GetObject", resource(name, key)); err != nil {
		return o, "", err
	}
	o, err = c.buckets.Stat(c.ctx, name, key, q.Get("versionId"))
	if v := strings.Trim(c.r.Header.Get(ifMatch), `"`); err == nil && v != "" && v != o.ETag {
		// Of a copy in parts, all are of one object.
		err = apierr.New("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return o, name, err
}

// slow gives each piece of a body that comes from a bucket the time of one.
func (c *call) slow(b bucket.Body) bucket.Body {
	b.Reader = &checked{r: b.Reader, hashes: io.Discard, finish: func() error { return nil }, step: c.longer}
	return b
}

type copyResult struct {
	XMLName      xml.Name
	ETag         string
	LastModified string
}

func (c *call) copied(root string, etag, modified string) error {
	return c.answer(copyResult{xml.Name{Space: namespace, Local: root}, quoted(etag), modified})
}

func copyObject(c *call) error {
	when, err := c.condition()
	if err != nil {
		return err
	}
	from, fromBucket, err := c.source()
	if err != nil {
		return err
	}
	headers := from.Headers
	switch v := c.r.Header.Get("X-Amz-Metadata-Directive"); v {
	case "", "COPY":
		if fromBucket == c.route.bucket && from.Key == c.route.key {
			return apierr.New("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
		}
	case "REPLACE":
		headers = c.details()
	default:
		return apierr.Newf("InvalidArgument", "Unknown metadata directive: %.100s", v)
	}
	o, err := c.buckets.Put(c.ctx, bucket.Put{Bucket: c.route.bucket, Key: c.route.key, Headers: headers, Condition: when}, c.slow(c.buckets.Part(c.ctx, from, 0, from.Size)))
	if err != nil {
		return err
	}
	c.version(o)
	return c.copied("CopyObjectResult", o.ETag, o.Modified.UTC().Format(timeFormat))
}

func uploadPartCopy(c *call) error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	from, _, err := c.source()
	if err != nil {
		return err
	}
	at, size := int64(0), from.Size
	if v := c.r.Header.Get("X-Amz-Copy-Source-Range"); v != "" {
		var part bool
		if at, size, part, err = byteRange(v, from.Size); err != nil || !part {
			return apierr.New("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
	}
	etag, err := c.buckets.PutPart(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("uploadId"), n, c.slow(c.buckets.Part(c.ctx, from, at, size)))
	if err != nil {
		return err
	}
	return c.copied("CopyPartResult", etag, from.Modified.UTC().Format(timeFormat))
}

// getObjectTagging tells that an object has no tags: it can have none.
func getObjectTagging(c *call) error {
	if _, err := c.buckets.Stat(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("versionId")); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/xml")
	return c.done(http.StatusOK, []byte(xml.Header+`<Tagging xmlns="`+namespace+`"><TagSet></TagSet></Tagging>`))
}
