// Package s3api is S3's REST-XML, as far as deployment tools speak it: it tells
// which operation a request is, has it admitted by awsapi like every other, and
// turns XML, headers and streamed bodies into what package bucket takes.
//
//	route.go     method, path, query → operation, bucket, key
//	body.go      bodies: hashes, checksums, parts ("aws-chunked")
//	xml.go       XML in and out
//	errors.go    errors and their statuses
//	buckets.go   operations on buckets, which stacks call by name as well
//	objects.go   objects
//	list.go      listings of objects
//	multipart.go objects that arrive in parts
//	copy.go      objects made of others
//
// What a caller asks for and the server cannot honour is refused by name.
package s3api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/bucket"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// maxTransfers bounds how many requests hold a piece of an object at once.
const maxTransfers = 64

// Handler serves S3. Make it with New.
type Handler struct {
	api     *awsapi.Server
	buckets *bucket.Service
	hosts   []string
	busy    chan struct{}
}

// New registers S3 with api and returns its front end. hosts are the names that
// the server has besides localhost.
func New(api *awsapi.Server, buckets *bucket.Service, hosts ...string) *Handler {
	h := &Handler{api: api, buckets: buckets, hosts: append([]string{"localhost"}, hosts...), busy: make(chan struct{}, maxTransfers)}
	api.Register(Model(), Operations(buckets)...)
	return h
}

// call is one request on its way.
type call struct {
	*Handler
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context
	route route
	adm   awsapi.Admission
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Handler: h, w: w, r: r}
	var err error
	if panicked := web.Recover(func() { err = c.serve() }); panicked != nil {
		err = panicked
	}
	if err != nil {
		c.fail(err)
	}
}

func (c *call) serve() (err error) {
	if c.route, err = c.find(c.r); err != nil {
		return err
	}
	rt := c.route
	if c.adm, err = c.api.Admit(c.r, "s3", rt.operation, resource(rt.bucket, rt.key)); err != nil {
		return err
	}
	c.ctx = c.adm.Context
	if owner := c.r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != awsapi.RequestFrom(c.ctx).Account {
		return apierr.New("AccessDenied", "Access Denied")
	}
	if err := c.refuseHeaders(); err != nil {
		return err
	}
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-c.r.Context().Done():
		return c.r.Context().Err()
	}
	return handlers[rt.operation](c)
}

// refuseHeaders refuses what a request asks for in headers and the server does
// not do.
func (c *call) refuseHeaders() error {
	for name, values := range c.r.Header {
		v := strings.Join(values, ",")
		bad := false
		switch name {
		case "X-Amz-Acl":
			if v != "private" && v != "bucket-owner-full-control" {
				return apierr.New("AccessControlListNotSupported", "The bucket does not allow ACLs")
			}
		case "X-Amz-Storage-Class":
			bad = v != "STANDARD"
		case "X-Amz-Server-Side-Encryption":
			bad = v != "AES256" && v != "aws:kms"
		case "X-Amz-Tagging":
			bad = v != ""
		case "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Website-Redirect-Location", "X-Amz-Mfa",
			"X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Mp-Object-Size", "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm":
			bad = v != "" && v != "false"
		default:
			bad = strings.HasPrefix(name, "X-Amz-Grant-") || strings.HasPrefix(name, "X-Amz-Object-Lock-") || strings.HasPrefix(name, "X-Amz-Server-Side-Encryption-Customer-")
		}
		if bad {
			return notImplemented("The header %s: %.100s", strings.ToLower(name), v)
		}
	}
	return nil
}

// resource is the ARN of a bucket or object.
func resource(bucket, key string) string {
	switch {
	case bucket == "":
		return "*"
	case key == "":
		return "arn:aws:s3:::" + bucket
	}
	return "arn:aws:s3:::" + bucket + "/" + key
}

// longer gives a transfer more time than other requests have: half a minute for
// each piece, from now on.
func (c *call) longer() {
	rc := http.NewResponseController(c.w)
	until := time.Now().Add(web.ReadTimeout)
	_ = rc.SetReadDeadline(until) // not supported by recorders in tests, and not needed there
	_ = rc.SetWriteDeadline(until)
}
