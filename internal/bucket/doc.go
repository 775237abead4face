// Package bucket is the storage of S3: buckets of objects, only as far as
// deployment tools put templates and packages there. It knows no HTTP and no
// XML (s3api).
//
// # What is stored
//
// Everything is a document of package store, so that it is in the database that
// all nodes share:
//
//	s3 bucket   name                → settings
//	s3 object   bucket, key         → what is told of an object, and its contents
//	s3 chunk    content, number     → a piece of a content, sealed
//	s3 upload   bucket, upload id   → an upload in parts
//	s3 part     upload id, number   → a content
//	s3 garbage  content             → a content that nobody has, and since when
//
// A content is written before anything names it, listed as garbage from its
// first piece on. The transaction that gives it to an object takes it off that
// list and puts the object's old content there, so that readers see the whole
// of the old or the whole of the new, and a process that dies leaves nothing
// that Collect would not find.
//
// Only the newest version of an object is kept, also in a bucket with
// versioning; a deleted object is gone.
package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// MaxObject is how large an object can be.
const MaxObject = 250 << 20

const (
	maxBuckets  = 100
	maxSettings = 64 << 10
	maxKey      = 1024
	maxDetails  = 8 << 10 // of headers and metadata of an object
)

// Kinds of documents.
const (
	kindBucket  = "s3 bucket"
	kindObject  = "s3 object"
	kindChunk   = "s3 chunk"
	kindUpload  = "s3 upload"
	kindPart    = "s3 part"
	kindGarbage = "s3 garbage"
)

// Errors of the API.
const (
	codeNoBucket     apierr.Code = "NoSuchBucket"
	codeNoKey        apierr.Code = "NoSuchKey"
	codeNoVersion    apierr.Code = "NoSuchVersion"
	codeNoUpload     apierr.Code = "NoSuchUpload"
	codeOwned        apierr.Code = "BucketAlreadyOwnedByYou"
	codeNotEmpty     apierr.Code = "BucketNotEmpty"
	codeBadName      apierr.Code = "InvalidBucketName"
	codeTooMany      apierr.Code = "TooManyBuckets"
	codeTooLarge     apierr.Code = "EntityTooLarge"
	codeTooSmall     apierr.Code = "EntityTooSmall"
	codeKeyLength    apierr.Code = "KeyTooLongError"
	codeArgument     apierr.Code = "InvalidArgument"
	codeBadPart      apierr.Code = "InvalidPart"
	codePartOrder    apierr.Code = "InvalidPartOrder"
	codePrecondition apierr.Code = "PreconditionFailed"
	codeConflict     apierr.Code = "OperationAborted"
	codeMetadata     apierr.Code = "MetadataTooLarge"
	codeIncomplete   apierr.Code = "IncompleteBody"
)

// Service is everything that is done to buckets. Store and KEK are needed.
type Service struct {
	Store store.Store
	KEK   *secret.KEK
	Now   func() time.Time
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}

// Bucket is a bucket. Settings are what was put and is shown again, by name, in
// the form of whoever puts them.
type Bucket struct {
	Name     string `json:"-"`
	Region   string
	Created  time.Time
	Settings map[string]json.RawMessage `json:",omitempty"`

	version int64
}

// Versioning is the name of the setting that this package looks at itself.
const Versioning = "versioning"

// Versioned reports whether objects get version ids.
func (b Bucket) Versioned() bool {
	var v struct{ Status string }
	return json.Unmarshal(b.Settings[Versioning], &v) == nil && v.Status == "Enabled"
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ValidName reports whether a bucket can have that name.
func ValidName(name string) bool {
	_, err := netip.ParseAddr(name)
	return bucketName.MatchString(name) && err != nil && !strings.Contains(name, "..") &&
		!strings.HasPrefix(name, "xn--") && !strings.HasSuffix(name, "-s3alias") && !strings.HasSuffix(name, "--ol-s3")
}

func noBucket() error { return apierr.New(codeNoBucket, "The specified bucket does not exist") }

func encodeDoc(kind, scope, name string, v any) (store.Document, error) {
	data, err := json.Marshal(v)
	return store.Document{Kind: kind, Scope: scope, Name: name, Data: data}, err
}

// translate makes of what the store says what a caller may know.
func translate(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrExists):
		return apierr.New(codeConflict, "A conflicting conditional operation is currently in progress against this resource. Please try again.")
	case errors.Is(err, store.ErrText):
		return apierr.New(codeArgument, "A name must be UTF-8 text without NUL.")
	}
	return err
}

func bucketIn(tx store.Tx, name string) (b Bucket, err error) {
	d, err := tx.Document(kindBucket, "", name)
	if errors.Is(err, store.ErrNotFound) {
		return Bucket{}, noBucket()
	}
	if err == nil {
		err = json.Unmarshal(d.Data, &b)
	}
	if err != nil {
		return Bucket{}, fmt.Errorf("bucket %s: %w", name, err)
	}
	b.Name, b.version = name, d.Version
	return b, nil
}

// Create makes a bucket.
func (s *Service) Create(ctx context.Context, name, region string) error {
	if !ValidName(name) {
		return apierr.New(codeBadName, "The specified bucket is not valid.")
	}
	return translate(s.Store.Update(ctx, func(tx store.Tx) error {
		all, _, err := tx.ListDocuments(kindBucket, "", store.Page{Limit: maxBuckets + 1})
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Name == name {
				return apierr.New(codeOwned, "Your previous request to create the named bucket succeeded and you already own it.")
			}
		}
		if len(all) >= maxBuckets {
			return apierr.Newf(codeTooMany, "You have attempted to create more than the %d buckets that this server keeps.", maxBuckets)
		}
		d, err := encodeDoc(kindBucket, "", name, Bucket{Region: region, Created: s.now()})
		if err != nil {
			return err
		}
		d.UpdatedAt = s.now()
		return tx.CreateDocument(d)
	}))
}

// Get returns a bucket.
func (s *Service) Get(ctx context.Context, name string) (b Bucket, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		b, err = bucketIn(tx, name)
		return err
	})
	return b, err
}

// List returns all buckets in order of name.
func (s *Service) List(ctx context.Context) (list []Bucket, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		docs, _, err := tx.ListDocuments(kindBucket, "", store.Page{Limit: maxBuckets})
		list = nil
		for _, d := range docs {
			b := Bucket{Name: d.Name}
			if err := json.Unmarshal(d.Data, &b); err != nil {
				return fmt.Errorf("bucket %s: %w", d.Name, err)
			}
			list = append(list, b)
		}
		return err
	})
	return list, err
}

// Set puts a setting of a bucket; nil takes it away.
func (s *Service) Set(ctx context.Context, name, setting string, v json.RawMessage) error {
	if len(v) > maxSettings {
		return apierr.Newf(codeTooLarge, "A setting of a bucket must not be larger than %d bytes.", maxSettings)
	}
	return translate(s.update(ctx, func(tx store.Tx) error {
		b, err := bucketIn(tx, name)
		if err != nil {
			return err
		}
		if b.Settings == nil {
			b.Settings = map[string]json.RawMessage{}
		}
		b.Settings[setting] = v
		if v == nil {
			delete(b.Settings, setting)
		}
		d, err := encodeDoc(kindBucket, "", name, b)
		if err != nil {
			return err
		}
		d.Version, d.UpdatedAt = b.version, s.now()
		return tx.UpdateDocument(d)
	}))
}

// Delete deletes a bucket that is empty. Uploads that are not complete go with
// it.
func (s *Service) Delete(ctx context.Context, name string) error {
	for {
		left := false
		err := s.update(ctx, func(tx store.Tx) error {
			b, err := bucketIn(tx, name)
			if err != nil {
				return err
			}
			objects, _, err := tx.ListDocuments(kindObject, name, store.Page{Limit: 1})
			if err != nil {
				return err
			}
			if len(objects) > 0 {
				return apierr.New(codeNotEmpty, "The bucket you tried to delete is not empty")
			}
			if err := s.touch(tx, b); err != nil {
				return err
			}
			// One upload in each transaction: it can have many parts.
			uploads, _, err := tx.ListDocuments(kindUpload, name, store.Page{Limit: 1})
			if err != nil {
				return err
			}
			if left = len(uploads) > 0; !left {
				return tx.DeleteDocument(kindBucket, "", name)
			}
			all, err := parts(tx, uploads[0].Name)
			if err != nil {
				return err
			}
			return endUpload(tx, uploads[0], all)
		})
		if err != nil || !left {
			return translate(err)
		}
	}
}

// touch changes nothing but the version of a bucket's document: of who puts an
// object or begins an upload and who deletes the bucket at that moment, one fails.
func (s *Service) touch(tx store.Tx, b Bucket) error {
	d, err := encodeDoc(kindBucket, "", b.Name, b)
	if err != nil {
		return err
	}
	d.Version, d.UpdatedAt = b.version, s.now()
	return tx.UpdateDocument(d)
}

// update runs fn again while somebody else was faster.
func (s *Service) update(ctx context.Context, fn func(store.Tx) error) (err error) {
	for range 50 {
		err = s.Store.Update(ctx, fn)
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrExists) || ctx.Err() != nil {
			return err
		}
	}
	return translate(err)
}

func checkKey(key string) error {
	switch {
	case key == "":
		return apierr.New(codeArgument, "An object needs a key.")
	case len(key) > maxKey:
		return apierr.New(codeKeyLength, "Your key is too long")
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return apierr.New(codeArgument, "A key must be UTF-8 text without NUL.")
	}
	return nil
}
