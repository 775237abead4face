package s3api

import (
	"encoding/xml"
	"maps"
	"net/http"
	"strconv"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/bucket"
)

func createUpload(c *call) error {
	id, err := c.buckets.Begin(c.ctx, bucket.Put{Bucket: c.route.bucket, Key: c.route.key, Headers: c.details()})
	if err != nil {
		return err
	}
	if v := c.r.Header.Get("X-Amz-Checksum-Algorithm"); v != "" {
		c.w.Header().Set("X-Amz-Checksum-Algorithm", headerSafe(v))
	}
	return c.answer(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: c.route.bucket, Key: c.route.key, UploadID: id})
}

func uploadPart(c *call) error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	etag, err := c.buckets.PutPart(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("uploadId"), n, body)
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", quoted(etag))
	for name, v := range body.Checksums() {
		c.w.Header().Set(checksumPrefix+name, v)
	}
	return c.done(http.StatusOK, nil)
}

// partNumber is the number of the part that a request brings.
func (c *call) partNumber() (int, error) {
	n, err := strconv.ParseUint(c.route.query.Get("partNumber"), 10, 16)
	if err != nil {
		return 0, apierr.Newf("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", bucket.MaxParts)
	}
	return int(n), nil
}

type completedPart struct {
	PartNumber                                                                     int
	ETag                                                                           string
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
}

// checksums are those of the part that the caller gives, by name.
func (p completedPart) checksums() map[string]string {
	all := map[string]string{
		"crc32": p.ChecksumCRC32, "crc32c": p.ChecksumCRC32C, "crc64nvme": p.ChecksumCRC64NVME, "sha1": p.ChecksumSHA1, "sha256": p.ChecksumSHA256,
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}

type completeRequest struct {
	Part []completedPart
}

func completeUpload(c *call) error {
	when, err := c.condition()
	if err != nil {
		return err
	}
	for name := range checksums {
		if c.r.Header.Get(checksumPrefix+name) != "" {
			return notImplemented("The header %s%s, of an object in parts,", checksumPrefix, name)
		}
	}
	var in completeRequest
	if err := c.in("CompleteMultipartUpload", &in); err != nil {
		return err
	}
	var parts []bucket.Part
	for _, p := range in.Part {
		parts = append(parts, bucket.Part{Number: p.PartNumber, ETag: p.ETag, Checksums: p.checksums()})
	}
	o, err := c.buckets.Complete(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("uploadId"), parts, when)
	if err != nil {
		return err
	}
	c.version(o)
	return c.answer(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location string
		Bucket   string
		Key      string
		ETag     string
	}{Location: "/" + c.route.bucket + "/" + c.route.key, Bucket: c.route.bucket, Key: c.route.key, ETag: quoted(o.ETag)})
}

func abortUpload(c *call) error {
	if err := c.buckets.Abort(c.ctx, c.route.bucket, c.route.key, c.route.query.Get("uploadId")); err != nil {
		return err
	}
	return c.done(http.StatusNoContent, nil)
}

type listedPart struct {
	PartNumber int
	ETag       string
	Size       int64
}

func listParts(c *call) error {
	id := c.route.query.Get("uploadId")
	list, err := c.buckets.Parts(c.ctx, c.route.bucket, c.route.key, id)
	if err != nil {
		return err
	}
	out := struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket      string
		Key         string
		UploadID    string `xml:"UploadId"`
		IsTruncated bool
		Part        []listedPart `xml:"Part"`
	}{Bucket: c.route.bucket, Key: c.route.key, UploadID: id}
	for _, p := range list {
		out.Part = append(out.Part, listedPart{p.Number, quoted(p.ETag), p.Size})
	}
	return c.answer(out)
}
