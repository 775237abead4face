package s3api

import (
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/bucket"
)

type listedObject struct {
	Key          string
	VersionID    string `xml:"VersionId,omitempty"`
	IsLatest     *bool  `xml:",omitempty"`
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type prefix struct{ Prefix string }

type listing struct {
	XMLName               xml.Name
	Name                  string
	Prefix                string
	KeyMarker             *string `xml:",omitempty"`
	VersionIDMarker       *string `xml:"VersionIdMarker,omitempty"`
	Marker                *string `xml:",omitempty"`
	NextMarker            string  `xml:",omitempty"`
	NextKeyMarker         string  `xml:",omitempty"`
	NextVersionIDMarker   string  `xml:"NextVersionIdMarker,omitempty"`
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	KeyCount              *int    `xml:",omitempty"`
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []listedObject `xml:"Contents"`
	Version               []listedObject `xml:"Version"`
	CommonPrefixes        []prefix       `xml:"CommonPrefixes"`
}

const maxKeys = 1000

// timeFormat is that of times in XML.
const timeFormat = "2006-01-02T15:04:05.000Z"

// list answers a listing, which begins after a key; finish fills in what the
// three operations have of their own.
func (c *call) list(root, after string, finish func(out *listing, l bucket.Listing, encode func(string) string)) error {
	q := c.route.query
	limit := maxKeys
	if v := q.Get("max-keys"); v != "" {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return apierr.New("InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		limit = min(int(n), maxKeys)
	}
	encode := func(s string) string { return s }
	switch q.Get("encoding-type") {
	case "":
	case "url":
		encode = urlEncode
	default:
		return apierr.New("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	query := bucket.Query{Bucket: c.route.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), After: after, Limit: limit}
	l := bucket.Listing{}
	var err error
	if limit == 0 {
		_, err = c.buckets.Get(c.ctx, c.route.bucket)
	} else {
		l, err = c.buckets.Objects(c.ctx, query)
	}
	if err != nil {
		return err
	}
	out := listing{
		XMLName: xml.Name{Space: namespace, Local: root}, Name: c.route.bucket, Prefix: encode(query.Prefix), MaxKeys: limit,
		Delimiter: encode(query.Delimiter), EncodingType: q.Get("encoding-type"), IsTruncated: l.Next != "",
	}
	for _, p := range l.Prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, prefix{encode(p)})
	}
	for _, o := range l.Objects {
		out.Contents = append(out.Contents, listedObject{
			Key: encode(o.Key), LastModified: o.Modified.UTC().Format(timeFormat), ETag: quoted(o.ETag), Size: o.Size, StorageClass: "STANDARD",
		})
	}
	finish(&out, l, encode)
	return c.answer(out)
}

// urlEncode is the encoding of keys in listings: like a query, but for slashes.
func urlEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }

func listObjectsV2(c *call) error {
	q := c.route.query
	after := q.Get("start-after")
	token := q.Get("continuation-token")
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return apierr.New("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(raw)
	}
	return c.list("ListBucketResult", after, func(out *listing, l bucket.Listing, encode func(string) string) {
		out.KeyCount = new(len(l.Objects) + len(l.Prefixes))
		out.StartAfter, out.ContinuationToken = encode(q.Get("start-after")), token
		if l.Next != "" {
			out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(l.Next))
		}
	})
}

func listObjects(c *call) error {
	marker := c.route.query.Get("marker")
	return c.list("ListBucketResult", marker, func(out *listing, l bucket.Listing, encode func(string) string) {
		out.Marker = new(encode(marker))
		if out.Delimiter != "" {
			out.NextMarker = encode(l.Next)
		}
	})
}

// listObjectVersions lists the one version that every object has.
func listObjectVersions(c *call) error {
	marker := c.route.query.Get("key-marker")
	return c.list("ListVersionsResult", marker, func(out *listing, l bucket.Listing, encode func(string) string) {
		out.KeyMarker, out.VersionIDMarker = new(encode(marker)), new(c.route.query.Get("version-id-marker"))
		out.NextKeyMarker = encode(l.Next)
		if l.Next != "" {
			out.NextVersionIDMarker = bucket.NoVersion
		}
		out.Version, out.Contents = out.Contents, nil
		for i := range out.Version {
			out.Version[i].IsLatest = new(true)
			if out.Version[i].VersionID = l.Objects[i].Version; out.Version[i].VersionID == "" {
				out.Version[i].VersionID = bucket.NoVersion
			}
		}
	})
}
