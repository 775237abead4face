package s3api

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// statuses are those of S3's errors; what is not in it is 400.
var statuses = map[apierr.Code]int{
	"AccessDenied": 403, "InvalidAccessKeyId": 403, "SignatureDoesNotMatch": 403, "ExpiredToken": 400, "InvalidToken": 400, "RequestTimeTooSkewed": 403,
	"NoSuchBucket": 404, "NoSuchKey": 404, "NoSuchVersion": 404, "NoSuchUpload": 404, "NoSuchBucketPolicy": 404,
	"NoSuchLifecycleConfiguration": 404, "NoSuchPublicAccessBlockConfiguration": 404, "NoSuchTagSet": 404, "NoSuchCORSConfiguration": 404,
	"OwnershipControlsNotFoundError": 404, "ServerSideEncryptionConfigurationNotFoundError": 404,
	"BucketAlreadyOwnedByYou": 409, "BucketNotEmpty": 409, "OperationAborted": 409,
	"PreconditionFailed": 412, "MissingContentLength": 411, "MethodNotAllowed": 405, "InvalidRange": 416,
	"NotImplemented": 501, "InternalError": 500,
}

// names are what S3 calls errors that other services have another name for.
var names = map[apierr.Code]apierr.Code{
	apierr.AccessDenied: "AccessDenied", apierr.MissingAuthenticationToken: "AccessDenied",
	apierr.InvalidSignature: "SignatureDoesNotMatch", apierr.UnrecognizedClient: "InvalidAccessKeyId",
	apierr.IncompleteSignature: "AuthorizationHeaderMalformed", apierr.NotImplemented: "NotImplemented",
	apierr.InternalError: "InternalError", "InvalidClientTokenId": "InvalidAccessKeyId", "ExpiredTokenException": "ExpiredToken",
}

func notImplemented(format string, args ...any) error {
	return apierr.Newf("NotImplemented", format+" is not supported by this server; see docs/differences.md.", args...)
}

// errorBody is S3's form of an error.
type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

// notModified is an answer without a body rather than an error.
var notModified = apierr.New("NotModified", "Not Modified")

// fail answers with an error, if the answer has not begun.
func (c *call) fail(err error) {
	pub := apierr.Public(err)
	code := pub.Code
	if other := names[code]; other != "" {
		code = other
	}
	message := pub.Message
	if errors.Is(err, sigv4.ErrTime) {
		code = "RequestTimeTooSkewed"
		if c.r.Header.Get("Authorization") == "" {
			code, message = "AccessDenied", "Request has expired. "+message
		}
	}
	ev := web.EventFrom(c.r.Context())
	ev.Code, ev.Err = string(code), pub.Err
	if ev.Status != 0 {
		return // the length that was promised is missing, which the caller sees
	}
	status := statuses[code]
	switch {
	case code == notModified.Code:
		status = http.StatusNotModified
	case status == 0:
		status = http.StatusBadRequest
	}
	h := c.w.Header()
	h.Set("X-Amz-Request-Id", ev.ID)
	web.SecurityHeaders(h)
	if c.r.Method == http.MethodHead || status == http.StatusNotModified {
		web.Write(c.w, status, nil)
		return
	}
	body, err := xml.Marshal(errorBody{Code: string(code), Message: message, Resource: c.r.URL.Path, RequestID: ev.ID, HostID: "rockpool"})
	if err != nil {
		body = nil // a path that is not text: the status has to do
	}
	h.Set("Content-Type", "application/xml")
	web.Write(c.w, status, append([]byte(xml.Header), body...))
}
