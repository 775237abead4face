package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Object is what is told of an object.
type Object struct {
	Key      string `json:"-"`
	Size     int64
	ETag     string // without quotes
	Modified time.Time
	Version  string            `json:",omitempty"` // of a bucket with versioning
	Headers  map[string]string `json:",omitempty"` // as they are given back
	Contents []content         // one after the other
	// Checksums are those of the whole object that its writer has given, by name.
	Checksums map[string]string `json:",omitempty"`
}

// Put is an object to be written.
type Put struct {
	Bucket, Key string
	Headers     map[string]string
	Condition
}

// Body is the bytes of an object or part. Its end is an error unless they are
// what was announced.
type Body struct {
	io.Reader
	Size int64
	// Checksums are those that held, known at the end. It may be nil.
	Checksums func() map[string]string
}

// Condition says when an object may be written: IfAbsent, only if there is
// none; IfMatch, only if there is one with that ETag.
type Condition struct {
	IfAbsent bool
	IfMatch  string
}

func (p Put) check() error {
	if err := checkKey(p.Key); err != nil {
		return err
	}
	n := 0
	for k, v := range p.Headers {
		n += len(k) + len(v)
	}
	if n > maxDetails {
		return apierr.New(codeMetadata, "Your metadata headers exceed the maximum allowed metadata size")
	}
	return nil
}

// Put writes an object; nothing is seen of it before it is there whole.
func (s *Service) Put(ctx context.Context, in Put, body Body) (Object, error) {
	if err := in.check(); err != nil {
		return Object{}, err
	}
	if _, err := s.Get(ctx, in.Bucket); err != nil {
		return Object{}, err // before the body is read
	}
	c, err := s.write(ctx, body)
	if err != nil {
		return Object{}, err
	}
	o := Object{Key: in.Key, Size: c.Size, ETag: c.MD5, Headers: in.Headers, Contents: []content{c}, Checksums: c.Checksums}
	err = s.update(ctx, func(tx store.Tx) error { return s.commit(tx, in.Bucket, &o, in.Condition) })
	if err != nil {
		_ = s.discardNow(context.WithoutCancel(ctx), c.ID) // or a day later
	}
	return o, translate(err)
}

// commit makes o an object of the bucket in place of what is there. It touches
// the bucket's row, so that it and the bucket's deletion do not both succeed.
func (s *Service) commit(tx store.Tx, bucket string, o *Object, when Condition) error {
	b, err := bucketIn(tx, bucket)
	if err == nil {
		err = s.touch(tx, b)
	}
	if err != nil {
		return err
	}
	for _, c := range o.Contents {
		if err := claim(tx, c.ID); err != nil {
			return err
		}
	}
	o.Modified = s.now()
	if b.Versioned() {
		o.Version = secret.Text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 32)
	}
	old, there, err := objectIn(tx, bucket, o.Key)
	switch {
	case err != nil:
		return err
	case when.IfAbsent && there > 0, when.IfMatch != "" && there > 0 && when.IfMatch != old.ETag:
		return apierr.New(codePrecondition, "At least one of the pre-conditions you specified did not hold")
	case when.IfMatch != "" && there == 0:
		return noKey()
	}
	for _, c := range old.Contents {
		if err := s.discardIn(tx, c.ID, readLife); err != nil {
			return err
		}
	}
	d, err := encodeDoc(kindObject, bucket, o.Key, o)
	if err != nil {
		return err
	}
	d.Version, d.UpdatedAt = there, o.Modified
	if there > 0 {
		return tx.UpdateDocument(d)
	}
	return tx.CreateDocument(d)
}

func noKey() error { return apierr.New(codeNoKey, "The specified key does not exist.") }

// objectIn returns an object and the version of its document, 0 if there is
// none.
func objectIn(tx store.Tx, bucket, key string) (o Object, version int64, err error) {
	d, err := tx.Document(kindObject, bucket, key)
	if errors.Is(err, store.ErrNotFound) {
		return Object{}, 0, nil
	}
	if err == nil {
		o, err = decodeObject(d)
	}
	return o, d.Version, err
}

func decodeObject(d store.Document) (o Object, err error) {
	if err := json.Unmarshal(d.Data, &o); err != nil {
		return Object{}, fmt.Errorf("object %q of bucket %s: %w", d.Name, d.Scope, err)
	}
	o.Key = d.Name
	return o, nil
}

// NoVersion is the version of objects of buckets without versioning.
const NoVersion = "null"

func (o Object) isVersion(version string) bool {
	return version == "" || version == o.Version || version == NoVersion && o.Version == ""
}

// Stat returns what is told of an object. Version may be empty.
func (s *Service) Stat(ctx context.Context, bucket, key, version string) (o Object, err error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		if _, err := bucketIn(tx, bucket); err != nil {
			return err
		}
		var there int64
		o, there, err = objectIn(tx, bucket, key)
		switch {
		case err != nil:
			return err
		case there == 0:
			return noKey()
		case !o.isVersion(version):
			return apierr.New(codeNoVersion, "The specified version does not exist. Rockpool keeps the newest version only.")
		}
		return nil
	})
	return o, err
}

// Read writes n bytes of an object from an offset on to w.
func (s *Service) Read(ctx context.Context, o Object, from, n int64, w io.Writer) error {
	for _, c := range o.Contents {
		if from >= c.Size {
			from -= c.Size
			continue
		}
		for n > 0 && from < c.Size {
			piece, err := s.chunk(ctx, c.ID, from/chunkSize)
			if err != nil {
				return err
			}
			piece = piece[from%chunkSize:]
			piece = piece[:min(int64(len(piece)), n)]
			if _, err := w.Write(piece); err != nil {
				return err
			}
			from += int64(len(piece))
			n -= int64(len(piece))
		}
		from -= c.Size
	}
	return nil
}

// Part returns n bytes of an object from an offset on, to be put elsewhere.
// Checksums of the object go with the whole of it.
func (s *Service) Part(ctx context.Context, o Object, from, n int64) Body {
	b := Body{Reader: &reader{s: s, ctx: ctx, object: o, at: from, end: from + n}, Size: n}
	if from == 0 && n == o.Size {
		b.Checksums = func() map[string]string { return o.Checksums }
	}
	return b
}

// reader reads a part of an object piece by piece.
type reader struct {
	s       *Service
	ctx     context.Context //nolint:containedctx // of the request that reads
	object  Object
	at, end int64
	piece   bytes.Buffer
}

func (r *reader) Read(p []byte) (int, error) {
	if r.piece.Len() == 0 {
		n := min(chunkSize, r.end-r.at)
		if n == 0 {
			return 0, io.EOF
		}
		r.piece.Reset()
		if err := r.s.Read(r.ctx, r.object, r.at, n, &r.piece); err != nil {
			return 0, err
		}
		r.at += n
	}
	return r.piece.Read(p)
}

// Remove deletes an object. That it is not there is no error, as in S3.
func (s *Service) Remove(ctx context.Context, bucket, key, version string) (removed Object, err error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	err = s.update(ctx, func(tx store.Tx) error {
		removed = Object{}
		if _, err := bucketIn(tx, bucket); err != nil {
			return err
		}
		o, there, err := objectIn(tx, bucket, key)
		if err != nil || there == 0 || !o.isVersion(version) {
			return err
		}
		removed = o
		for _, c := range o.Contents {
			if err := s.discardIn(tx, c.ID, readLife); err != nil {
				return err
			}
		}
		return tx.DeleteDocument(kindObject, bucket, key)
	})
	if errors.Is(err, store.ErrNotFound) {
		return removed, nil // somebody else has deleted it
	}
	return removed, translate(err)
}
