package s3api

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// route is where a request goes.
type route struct {
	operation, bucket, key string
	query                  url.Values
}

// resources are the parameters that make a request one for a part of a bucket
// or object, and what S3 calls that part: GET ?acl is GetBucketAcl.
var resources = map[string]string{
	"accelerate": "AccelerateConfiguration", "acl": "Acl", "analytics": "AnalyticsConfiguration", "cors": "Cors",
	"encryption": "Encryption", "intelligent-tiering": "IntelligentTieringConfiguration", "inventory": "InventoryConfiguration",
	"lifecycle": "LifecycleConfiguration", "location": "Location", "logging": "Logging", "metrics": "MetricsConfiguration",
	"notification": "NotificationConfiguration", "object-lock": "ObjectLockConfiguration", "ownershipControls": "OwnershipControls",
	"policy": "Policy", "policyStatus": "PolicyStatus", "publicAccessBlock": "PublicAccessBlock", "replication": "Replication",
	"requestPayment": "RequestPayment", "tagging": "Tagging", "versioning": "Versioning", "website": "Website",
	"attributes": "Attributes", "legal-hold": "LegalHold", "retention": "Retention", "torrent": "Torrent",
}

// misnamed are the few that break the rule.
var misnamed = map[string]string{
	"GetBucketPublicAccessBlock": "GetPublicAccessBlock", "PutBucketPublicAccessBlock": "PutPublicAccessBlock",
	"DeleteBucketPublicAccessBlock": "DeletePublicAccessBlock", "DeleteBucketLifecycleConfiguration": "DeleteBucketLifecycle",
	"GetBucketObjectLockConfiguration": "GetObjectLockConfiguration", "PutBucketObjectLockConfiguration": "PutObjectLockConfiguration",
}

// Mine reports whether a request is for S3: it is signed for it, or its host is
// one of S3's. A path alone never makes it so.
func (h *Handler) Mine(r *http.Request) bool {
	const scope = "/s3/aws4_request"
	if auth := r.Header.Get("Authorization"); auth != "" {
		credential, _, _ := strings.Cut(auth, ",")
		return strings.HasSuffix(strings.TrimSpace(credential), scope) || strings.Contains(auth, scope+",")
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") {
		return strings.HasSuffix(r.URL.Query().Get("X-Amz-Credential"), scope)
	}
	host := hostname(r.Host)
	_, ofS3 := h.ofHost(host)
	return ofS3 && (strings.HasPrefix(host, "s3.") || strings.Contains(host, ".s3."))
}

func hostname(hostport string) string {
	u := url.URL{Host: hostport}
	return strings.ToLower(u.Hostname())
}

// ofHost returns the bucket that a host names, "" if the path does, and whether
// the host is one that S3 has here at all.
func (h *Handler) ofHost(host string) (bucket string, ok bool) {
	if _, err := netip.ParseAddr(host); err == nil {
		return "", true
	}
	for _, base := range h.hosts {
		rest, ok := strings.CutSuffix("."+host, "."+base)
		if !ok || base == "" {
			continue
		}
		// rest is "", ".bucket", ".s3", ".bucket.s3", ".s3.region", ".bucket.s3.region".
		return withoutS3(strings.TrimPrefix(rest, ".")), true
	}
	return awsHost(host)
}

// withoutS3 takes "s3" or "s3.region" off the end of what stands before a host.
func withoutS3(s string) string {
	labels := strings.Split(s, ".")
	if n := len(labels); labels[n-1] == "s3" {
		return strings.Join(labels[:n-1], ".")
	} else if n >= 2 && labels[n-2] == "s3" {
		return strings.Join(labels[:n-2], ".")
	}
	return s
}

// awsHost understands the hosts of S3 itself, which tools put into the
// addresses of templates.
func awsHost(host string) (bucket string, ok bool) {
	rest, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return "", false
	}
	labels := strings.Split(rest, ".")
	i := slices.IndexFunc(labels, func(l string) bool { return l == "s3" || strings.HasPrefix(l, "s3-") })
	for j := i + 1; i >= 0 && j < len(labels); j++ { // a bucket may have a label s3 as well: the last counts
		if labels[j] == "s3" {
			i = j
		}
	}
	if i < 0 || len(labels)-i > 3 {
		return "", false
	}
	return strings.Join(labels[:i], "."), true
}

// Locate returns the bucket and key that a URL names in any of its forms, on
// this server's hosts or on S3's.
func (h *Handler) Locate(address string) (bucket, key, version string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return "", "", "", false
	}
	if u.Scheme == "s3" {
		return u.Host, strings.TrimPrefix(u.Path, "/"), "", u.Host != ""
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", "", "", false
	}
	bucket, ok = h.ofHost(strings.ToLower(u.Hostname()))
	if !ok {
		return "", "", "", false
	}
	key = strings.TrimPrefix(u.Path, "/")
	if bucket == "" {
		bucket, key, _ = strings.Cut(key, "/")
	}
	return bucket, key, u.Query().Get("versionId"), bucket != "" && key != ""
}

// find tells which operation a request is.
func (h *Handler) find(r *http.Request) (route, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return route{}, apierr.New("InvalidURI", "Couldn't parse the specified URI.")
	}
	rt := route{query: q}
	rt.bucket, _ = h.ofHost(hostname(r.Host))
	rt.key = strings.TrimPrefix(r.URL.Path, "/")
	if rt.bucket == "" {
		rt.bucket, rt.key, _ = strings.Cut(rt.key, "/")
	}
	if parts := rt.parts(); len(parts) > 1 {
		return rt, apierr.Newf("InvalidArgument", "Conflicting query string parameters: %s", strings.Join(parts, ", "))
	}
	if rt.operation = rt.name(r); rt.operation == "" || handlers[rt.operation] == nil && !known(rt.operation) {
		return rt, apierr.New("MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	return rt, nil
}

func known(operation string) bool {
	return slices.ContainsFunc(Model().Operations, func(m awsapi.OperationModel) bool { return m.Name == operation })
}

// parts are the parameters that make a request one for something else than the
// bucket or object itself, in order. More than one is no request that S3 has,
// and which of them counts must not be chance.
func (rt route) parts() (found []string) {
	for param := range rt.query {
		_, ok := resources[param]
		if ok || slices.Contains([]string{"delete", "restore", "select", "uploadId", "uploads", "versions"}, param) {
			found = append(found, param)
		}
	}
	slices.Sort(found)
	return found
}

func (rt route) has(name string) bool { _, ok := rt.query[name]; return ok }

func (rt route) name(r *http.Request) string {
	if rt.bucket == "" {
		if r.Method == http.MethodGet {
			return "ListBuckets"
		}
		return ""
	}
	verb := map[string]string{http.MethodGet: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete", http.MethodHead: "Head", http.MethodPost: "Post"}[r.Method]
	for param, part := range resources {
		if !rt.has(param) {
			continue
		}
		name := verb + "Object" + part
		if rt.key == "" {
			name = verb + "Bucket" + part
		}
		if other := misnamed[name]; other != "" {
			return other
		}
		return name
	}
	if rt.key == "" {
		return rt.bucketOperation(verb)
	}
	return rt.objectOperation(verb, r)
}

func (rt route) bucketOperation(verb string) string {
	switch verb {
	case "Get":
		switch {
		case rt.has("uploads"):
			return "ListMultipartUploads"
		case rt.has("versions"):
			return "ListObjectVersions"
		case rt.query.Get("list-type") == "2":
			return "ListObjectsV2"
		}
		return "ListObjects"
	case "Put":
		return "CreateBucket"
	case "Delete", "Head":
		return verb + "Bucket"
	case "Post":
		if rt.has("delete") {
			return "DeleteObjects"
		}
	}
	return ""
}

func (rt route) objectOperation(verb string, r *http.Request) string {
	part := rt.has("uploadId")
	switch verb {
	case "Get":
		if part {
			return "ListParts"
		}
		return "GetObject"
	case "Head":
		return "HeadObject"
	case "Delete":
		if part {
			return "AbortMultipartUpload"
		}
		return "DeleteObject"
	case "Put":
		_, copied := r.Header["X-Amz-Copy-Source"]
		switch {
		case part && copied:
			return "UploadPartCopy"
		case part:
			return "UploadPart"
		case copied:
			return "CopyObject"
		}
		return "PutObject"
	case "Post":
		switch {
		case rt.has("uploads"):
			return "CreateMultipartUpload"
		case part:
			return "CompleteMultipartUpload"
		case rt.has("restore"):
			return "RestoreObject"
		case rt.has("select"):
			return "SelectObjectContent"
		}
	}
	return ""
}
