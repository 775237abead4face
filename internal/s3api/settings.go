package s3api

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/bucket"
)

// The settings of buckets, in XML on the wire and in JSON for stacks. Members
// are pointers, so that what was not said stays so.

type versioning struct {
	XMLName   xml.Name `xml:"VersioningConfiguration" json:"-"`
	Status    *string  `xml:",omitempty" json:",omitempty"`
	MFADelete *string  `xml:"MfaDelete,omitempty" json:",omitempty"`
}

func (v *versioning) check() error {
	switch s := awsapi.Value(v.Status); {
	case s != "Enabled" && s != "Suspended":
		return errMalformed
	case awsapi.Value(v.MFADelete) == "Enabled":
		return notImplemented("MfaDelete")
	}
	return nil
}

type encryptionDefault struct {
	SSEAlgorithm   *string `xml:",omitempty" json:",omitempty"`
	KMSMasterKeyID *string `xml:",omitempty" json:",omitempty"`
}

type encryptionRule struct {
	ApplyServerSideEncryptionByDefault *encryptionDefault `xml:",omitempty" json:",omitempty"`
	BucketKeyEnabled                   *bool              `xml:",omitempty" json:",omitempty"`
}

type encryption struct {
	XMLName xml.Name         `xml:"ServerSideEncryptionConfiguration" json:"-"`
	Rules   []encryptionRule `xml:"Rule"`
}

// check refuses keys that are not the server's own: everything here is sealed
// with that one, whatever the algorithm is called.
func (e *encryption) check() error {
	if len(e.Rules) != 1 || e.Rules[0].ApplyServerSideEncryptionByDefault == nil {
		return errMalformed
	}
	d := e.Rules[0].ApplyServerSideEncryptionByDefault
	switch {
	case awsapi.Value(d.KMSMasterKeyID) != "" && awsapi.Value(d.KMSMasterKeyID) != "alias/aws/s3":
		return notImplemented("KMSMasterKeyID: objects are sealed with the server's key, so another one")
	case awsapi.Value(d.SSEAlgorithm) != "AES256" && awsapi.Value(d.SSEAlgorithm) != "aws:kms":
		return notImplemented("SSEAlgorithm %.50s", awsapi.Value(d.SSEAlgorithm))
	}
	return nil
}

type publicAccess struct {
	XMLName               xml.Name `xml:"PublicAccessBlockConfiguration" json:"-"`
	BlockPublicAcls       *bool    `xml:",omitempty" json:",omitempty"`
	IgnorePublicAcls      *bool    `xml:",omitempty" json:",omitempty"`
	BlockPublicPolicy     *bool    `xml:",omitempty" json:",omitempty"`
	RestrictPublicBuckets *bool    `xml:",omitempty" json:",omitempty"`
}

func (*publicAccess) check() error { return nil }

type lifecycleFilter struct {
	Prefix *string `xml:",omitempty" json:",omitempty"`
}

type noncurrentExpiration struct {
	NoncurrentDays          *int `xml:",omitempty" json:",omitempty"`
	NewerNoncurrentVersions *int `xml:",omitempty" json:",omitempty"`
}

type abortUploads struct {
	DaysAfterInitiation *int `xml:",omitempty" json:",omitempty"`
}

type expiration struct {
	ExpiredObjectDeleteMarker *bool   `xml:",omitempty" json:",omitempty"`
	Days                      *int    `xml:",omitempty" json:",omitempty"`
	Date                      *string `xml:",omitempty" json:",omitempty"`
}

type lifecycleRule struct {
	ID                             *string               `xml:",omitempty" json:",omitempty"`
	Prefix                         *string               `xml:",omitempty" json:",omitempty"`
	Filter                         *lifecycleFilter      `xml:",omitempty" json:",omitempty"`
	Status                         *string               `xml:",omitempty" json:",omitempty"`
	Expiration                     *expiration           `xml:",omitempty" json:",omitempty"`
	NoncurrentVersionExpiration    *noncurrentExpiration `xml:",omitempty" json:",omitempty"`
	AbortIncompleteMultipartUpload *abortUploads         `xml:",omitempty" json:",omitempty"`
}

type lifecycle struct {
	XMLName xml.Name        `xml:"LifecycleConfiguration" json:"-"`
	Rules   []lifecycleRule `xml:"Rule"`
}

// check refuses rules that delete objects that are there: nothing here carries
// them out. Old versions and abandoned uploads go sooner than any rule says.
func (l *lifecycle) check() error {
	if len(l.Rules) == 0 || len(l.Rules) > 1000 {
		return errMalformed
	}
	for _, r := range l.Rules {
		if awsapi.Value(r.Status) != "Enabled" && awsapi.Value(r.Status) != "Disabled" {
			return errMalformed
		}
		if e := r.Expiration; e != nil && (e.Days != nil || e.Date != nil) && awsapi.Value(r.Status) == "Enabled" {
			return notImplemented("A lifecycle rule with Expiration")
		}
	}
	return nil
}

type bucketTag struct {
	Key   *string
	Value *string
}

type tagging struct {
	XMLName xml.Name    `xml:"Tagging" json:"-"`
	TagSet  []bucketTag `xml:"TagSet>Tag"`
}

func (t *tagging) check() error {
	seen := map[string]bool{}
	for _, tag := range t.TagSet {
		k := awsapi.Value(tag.Key)
		if k == "" || len(k) > 128 || len(awsapi.Value(tag.Value)) > 256 || seen[k] || len(t.TagSet) > 50 {
			return apierr.New("InvalidTag", "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation.")
		}
		seen[k] = true
	}
	return nil
}

type ownershipRule struct {
	ObjectOwnership *string `xml:",omitempty" json:",omitempty"`
}

type ownership struct {
	XMLName xml.Name        `xml:"OwnershipControls" json:"-"`
	Rules   []ownershipRule `xml:"Rule"`
}

func (o *ownership) check() error {
	if len(o.Rules) != 1 {
		return errMalformed
	}
	if v := awsapi.Value(o.Rules[0].ObjectOwnership); v != "BucketOwnerEnforced" && v != "BucketOwnerPreferred" {
		return notImplemented("ObjectOwnership %.50s", v)
	}
	return nil
}

// checkPolicy makes sure that a policy is one JSON object. What it says grants
// and denies nothing here.
func checkPolicy(text string) error {
	var doc struct {
		Statement json.RawMessage
	}
	if len(text) > 20<<10 || json.Unmarshal([]byte(text), &doc) != nil || doc.Statement == nil {
		return apierr.New("MalformedPolicy", "Policies must be valid JSON with a Statement, and not longer than 20 KB.")
	}
	return nil
}

// configuration is a setting of its own type.
type configuration interface{ check() error }

// setting describes one kind of configuration.
type setting struct {
	put, get, remove string // operations; remove may be ""
	name             string // under which it is stored
	root             string // of its XML
	make             func() configuration
	initial          configuration // of a bucket where it was not put; nil: missing
	missing          error
	member           func(*bucketInput) configuration // of the input by name
}

func ptr[T any](v T) *T { return &v }

var settings = []setting{
	{
		put: "PutBucketVersioning", get: "GetBucketVersioning", name: bucket.Versioning, root: "VersioningConfiguration",
		make: func() configuration { return &versioning{} }, initial: &versioning{},
		member: func(in *bucketInput) configuration { return orNil(in.VersioningConfiguration) },
	},
	{
		put: "PutBucketEncryption", get: "GetBucketEncryption", remove: "DeleteBucketEncryption", name: "encryption", root: "ServerSideEncryptionConfiguration",
		make: func() configuration { return &encryption{} },
		initial: &encryption{Rules: []encryptionRule{{
			ApplyServerSideEncryptionByDefault: &encryptionDefault{SSEAlgorithm: ptr("AES256")}, BucketKeyEnabled: ptr(false),
		}}},
		member: func(in *bucketInput) configuration { return orNil(in.ServerSideEncryptionConfiguration) },
	},
	{
		put: "PutPublicAccessBlock", get: "GetPublicAccessBlock", remove: "DeletePublicAccessBlock", name: "publicAccessBlock", root: "PublicAccessBlockConfiguration",
		make:    func() configuration { return &publicAccess{} },
		initial: &publicAccess{BlockPublicAcls: ptr(true), IgnorePublicAcls: ptr(true), BlockPublicPolicy: ptr(true), RestrictPublicBuckets: ptr(true)},
		member:  func(in *bucketInput) configuration { return orNil(in.PublicAccessBlockConfiguration) },
	},
	{
		put: "PutBucketLifecycleConfiguration", get: "GetBucketLifecycleConfiguration", remove: "DeleteBucketLifecycle", name: "lifecycle", root: "LifecycleConfiguration",
		make:    func() configuration { return &lifecycle{} },
		missing: apierr.New("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
		member:  func(in *bucketInput) configuration { return orNil(in.LifecycleConfiguration) },
	},
	{
		put: "PutBucketTagging", get: "GetBucketTagging", remove: "DeleteBucketTagging", name: "tagging", root: "Tagging",
		make:    func() configuration { return &tagging{} },
		missing: apierr.New("NoSuchTagSet", "The TagSet does not exist"),
		member:  func(in *bucketInput) configuration { return orNil(in.Tagging) },
	},
	{
		put: "PutBucketOwnershipControls", get: "GetBucketOwnershipControls", remove: "DeleteBucketOwnershipControls", name: "ownershipControls", root: "OwnershipControls",
		make:    func() configuration { return &ownership{} },
		initial: &ownership{Rules: []ownershipRule{{ObjectOwnership: ptr("BucketOwnerEnforced")}}},
		member:  func(in *bucketInput) configuration { return orNil(in.OwnershipControls) },
	},
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[T any, P interface {
	*T
	configuration
}](p P) configuration {
	if p == nil {
		return nil
	}
	return p
}

// strictly refuses a document that says more than the server understands: as
// many elements must come out again as went in.
func strictly(body []byte, v configuration) error {
	again, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	if elements(body) != elements(again) {
		return notImplemented("One of the settings in this document")
	}
	return nil
}

func elements(body []byte) (n int) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return n
		}
		if _, ok := tok.(xml.StartElement); ok {
			n++
		}
	}
}
