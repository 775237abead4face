package s3api

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/bucket"
)

// bucketInput is the input of every operation on a bucket, as stacks give it;
// each operation looks at its own members.
type bucketInput struct {
	Bucket                            *string
	CreateBucketConfiguration         *createConfiguration
	Policy                            *string
	VersioningConfiguration           *versioning
	ServerSideEncryptionConfiguration *encryption
	PublicAccessBlockConfiguration    *publicAccess
	LifecycleConfiguration            *lifecycle
	Tagging                           *tagging
	OwnershipControls                 *ownership
}

type createConfiguration struct {
	LocationConstraint *string
}

// Validate checks that a bucket is named; all else is checked where it is used.
func (in *bucketInput) Validate(v *awsapi.Validation) { v.Required("bucket", in.Bucket == nil, false) }

// Resource names what the operation acts on.
func (in *bucketInput) Resource(_, _ string) string { return resource(awsapi.Value(in.Bucket), "") }

// anyInput is the input of operations that only HTTP reaches, because they
// carry objects, or answer with lists that nothing here asks for.
type anyInput struct{}

// Validate has nothing to check.
func (*anyInput) Validate(*awsapi.Validation) {}

type output map[string]any

// region is that of a bucket which a request does not put elsewhere.
func region(ctx context.Context) string { return awsapi.RequestFrom(ctx).Region }

type api struct{ buckets *bucket.Service }

// Operations returns what is built. Those on buckets can be called by name.
func Operations(buckets *bucket.Service) []awsapi.Operation {
	a := &api{buckets}
	ops := []awsapi.Operation{
		awsapi.Op("CreateBucket", a.createBucket),
		awsapi.Op("HeadBucket", a.headBucket),
		awsapi.Op("DeleteBucket", a.deleteBucket),
		awsapi.Op("PutBucketPolicy", a.putPolicy),
		awsapi.Op("GetBucketPolicy", a.getPolicy),
		awsapi.Op("DeleteBucketPolicy", a.deletePolicy),
	}
	for _, s := range settings {
		ops = append(ops, awsapi.Op(s.put, a.put(s)), awsapi.Op(s.get, a.get(s)))
		if s.remove != "" {
			ops = append(ops, awsapi.Op(s.remove, a.removeSetting(s.name)))
		}
	}
	for _, name := range overHTTP {
		ops = append(ops, awsapi.Op(name, func(context.Context, *anyInput) (*output, error) {
			return nil, apierr.Newf(apierr.NotImplemented, "%s cannot be called by name.", name)
		}))
	}
	return ops
}

func (a *api) createBucket(ctx context.Context, in *bucketInput) (*output, error) {
	where := region(ctx)
	if c := in.CreateBucketConfiguration; c != nil && awsapi.Value(c.LocationConstraint) != "" {
		if where = *c.LocationConstraint; where == "EU" {
			where = "eu-west-1"
		}
	}
	if len(where) > 40 || strings.ContainsFunc(where, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') }) {
		return nil, apierr.New("InvalidLocationConstraint", "The specified location-constraint is not valid")
	}
	if err := a.buckets.Create(ctx, awsapi.Value(in.Bucket), where); err != nil {
		return nil, err
	}
	return &output{"Location": "/" + awsapi.Value(in.Bucket)}, nil
}

func (a *api) headBucket(ctx context.Context, in *bucketInput) (*output, error) {
	b, err := a.buckets.Get(ctx, awsapi.Value(in.Bucket))
	if err != nil {
		return nil, err
	}
	return &output{"BucketRegion": b.Region, "BucketArn": resource(b.Name, ""), "CreationDate": float64(b.Created.UnixMilli()) / 1000}, nil
}

func (a *api) deleteBucket(ctx context.Context, in *bucketInput) (*output, error) {
	return nil, a.buckets.Delete(ctx, awsapi.Value(in.Bucket))
}

func (a *api) putPolicy(ctx context.Context, in *bucketInput) (*output, error) {
	if err := checkPolicy(awsapi.Value(in.Policy)); err != nil {
		return nil, err
	}
	return nil, a.buckets.Set(ctx, awsapi.Value(in.Bucket), "policy", json.RawMessage(*in.Policy))
}

func (a *api) getPolicy(ctx context.Context, in *bucketInput) (*output, error) {
	b, err := a.buckets.Get(ctx, awsapi.Value(in.Bucket))
	if err != nil {
		return nil, err
	}
	if b.Settings["policy"] == nil {
		return nil, apierr.New("NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	return &output{"Policy": string(b.Settings["policy"])}, nil
}

func (a *api) deletePolicy(ctx context.Context, in *bucketInput) (*output, error) {
	return nil, a.buckets.Set(ctx, awsapi.Value(in.Bucket), "policy", nil)
}

func (a *api) removeSetting(name string) func(context.Context, *bucketInput) (*output, error) {
	return func(ctx context.Context, in *bucketInput) (*output, error) {
		return nil, a.buckets.Set(ctx, awsapi.Value(in.Bucket), name, nil)
	}
}

func (a *api) put(s setting) func(context.Context, *bucketInput) (*output, error) {
	return func(ctx context.Context, in *bucketInput) (*output, error) {
		v := s.member(in)
		if v == nil {
			return nil, errMalformed
		}
		return nil, a.store(ctx, awsapi.Value(in.Bucket), s, v)
	}
}

func (a *api) store(ctx context.Context, name string, s setting, v configuration) error {
	if err := v.check(); err != nil {
		return err
	}
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.buckets.Set(ctx, name, s.name, doc)
}

func (a *api) get(s setting) func(context.Context, *bucketInput) (*output, error) {
	return func(ctx context.Context, in *bucketInput) (*output, error) {
		v, err := a.load(ctx, awsapi.Value(in.Bucket), s)
		if err != nil {
			return nil, err
		}
		return &output{s.root: v}, nil
	}
}

func (a *api) load(ctx context.Context, name string, s setting) (configuration, error) {
	b, err := a.buckets.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	doc := b.Settings[s.name]
	switch {
	case doc == nil && s.initial != nil:
		return s.initial, nil
	case doc == nil:
		return nil, s.missing
	}
	v := s.make()
	return v, json.Unmarshal(doc, v)
}

// handlers are the operations over HTTP, by name.
var handlers = map[string]func(*call) error{
	"ListBuckets": listBuckets, "GetBucketLocation": getBucketLocation,
	"CreateBucket": createBucket, "HeadBucket": headBucket, "DeleteBucket": deleteBucket,
	"PutBucketPolicy": putPolicy, "GetBucketPolicy": getPolicy, "DeleteBucketPolicy": removal("policy"), "GetBucketPolicyStatus": getPolicyStatus,
	"ListObjectsV2": listObjectsV2, "ListObjects": listObjects, "ListObjectVersions": listObjectVersions,
	"PutObject": putObject, "GetObject": getObject, "HeadObject": headObject, "DeleteObject": deleteObject, "DeleteObjects": deleteObjects,
	"CreateMultipartUpload": createUpload, "UploadPart": uploadPart, "ListParts": listParts,
	"CompleteMultipartUpload": completeUpload, "AbortMultipartUpload": abortUpload,
	"CopyObject": copyObject, "UploadPartCopy": uploadPartCopy, "GetObjectTagging": getObjectTagging,
}

// overHTTP are the operations that cannot be called by name.
var overHTTP = []string{
	"ListBuckets", "GetBucketLocation", "GetBucketPolicyStatus", "ListObjectsV2", "ListObjects", "ListObjectVersions",
	"PutObject", "GetObject", "HeadObject", "DeleteObject", "DeleteObjects",
	"CreateMultipartUpload", "UploadPart", "ListParts", "CompleteMultipartUpload", "AbortMultipartUpload",
	"CopyObject", "UploadPartCopy", "GetObjectTagging",
}

func init() {
	for _, s := range settings {
		handlers[s.put] = func(c *call) error {
			body, err := c.small()
			if err != nil {
				return err
			}
			v := s.make()
			if err := decodeXML(body, s.root, v); err != nil {
				return err
			}
			if err := strictly(body, v); err != nil {
				return err
			}
			if err := (&api{c.buckets}).store(c.ctx, c.route.bucket, s, v); err != nil {
				return err
			}
			return c.done(http.StatusOK, nil)
		}
		handlers[s.get] = func(c *call) error {
			v, err := (&api{c.buckets}).load(c.ctx, c.route.bucket, s)
			if err != nil {
				return err
			}
			return c.answer(v)
		}
		if s.remove != "" {
			handlers[s.remove] = removal(s.name)
		}
	}
}

// removal serves the deletion of a setting.
func removal(name string) func(*call) error {
	return func(c *call) error {
		if err := c.buckets.Set(c.ctx, c.route.bucket, name, nil); err != nil {
			return err
		}
		return c.done(http.StatusNoContent, nil)
	}
}

func createBucket(c *call) error {
	in := &bucketInput{Bucket: &c.route.bucket}
	body, err := c.small()
	if err != nil {
		return err
	}
	if len(body) > 0 {
		in.CreateBucketConfiguration = new(createConfiguration)
		if err := decodeXML(body, "CreateBucketConfiguration", in.CreateBucketConfiguration); err != nil {
			return err
		}
	}
	if _, err := (&api{c.buckets}).createBucket(c.ctx, in); err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.route.bucket)
	return c.done(http.StatusOK, nil)
}

func headBucket(c *call) error {
	b, err := c.buckets.Get(c.ctx, c.route.bucket)
	if err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", b.Region)
	return c.done(http.StatusOK, nil)
}

func deleteBucket(c *call) error {
	if err := c.buckets.Delete(c.ctx, c.route.bucket); err != nil {
		return err
	}
	return c.done(http.StatusNoContent, nil)
}

func putPolicy(c *call) error {
	body, err := c.small()
	if err != nil {
		return err
	}
	if _, err := (&api{c.buckets}).putPolicy(c.ctx, &bucketInput{Bucket: &c.route.bucket, Policy: ptr(string(body))}); err != nil {
		return err
	}
	return c.done(http.StatusNoContent, nil)
}

func getPolicy(c *call) error {
	out, err := (&api{c.buckets}).getPolicy(c.ctx, &bucketInput{Bucket: &c.route.bucket})
	if err != nil {
		return err
	}
	text, _ := (*out)["Policy"].(string)
	c.w.Header().Set("Content-Type", "application/json")
	return c.done(http.StatusOK, []byte(text))
}

// getPolicyStatus says what is true here of every bucket: nobody gets at it
// without a signature.
func getPolicyStatus(c *call) error {
	if _, err := (&api{c.buckets}).getPolicy(c.ctx, &bucketInput{Bucket: &c.route.bucket}); err != nil {
		return err
	}
	return c.answer(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PolicyStatus"`
		IsPublic bool
	}{})
}

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type owner struct{ ID string }

func listBuckets(c *call) error {
	list, err := c.buckets.List(c.ctx)
	if err != nil {
		return err
	}
	out := struct {
		XMLName xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Owner   owner          `xml:"Owner"`
		Buckets []listedBucket `xml:"Buckets>Bucket"`
	}{Owner: owner{awsapi.RequestFrom(c.ctx).Account}}
	for _, b := range list {
		out.Buckets = append(out.Buckets, listedBucket{b.Name, b.Created.UTC().Format(timeFormat), b.Region})
	}
	return c.answer(out)
}

func getBucketLocation(c *call) error {
	b, err := c.buckets.Get(c.ctx, c.route.bucket)
	if err != nil {
		return err
	}
	where := b.Region
	if where == "us-east-1" {
		where = "" // as S3 has it
	}
	return c.answer(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: where})
}
