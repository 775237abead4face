package bucket

import (
	"context"
	"crypto/md5" //nolint:gosec // what S3 calls an ETag
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// MaxParts is how many parts an upload can have, and MinPart how small all but
// the last can be.
const (
	MaxParts = 10_000
	MinPart  = 5 << 20
)

// upload is an object that arrives in parts.
type upload struct {
	Key     string
	Headers map[string]string
	Started time.Time
}

// Part is a part that has arrived. Checksums are by name.
type Part struct {
	Number    int
	ETag      string
	Size      int64
	Checksums map[string]string
}

// is reports whether p names c, with every checksum that p has.
func (p Part) is(c content) bool {
	for name, want := range p.Checksums {
		if c.Checksums[name] != want {
			return false
		}
	}
	return strings.Trim(p.ETag, `"`) == c.MD5
}

// Begin begins an upload in parts and returns its id.
func (s *Service) Begin(ctx context.Context, in Put) (id string, err error) {
	if err := in.check(); err != nil {
		return "", err
	}
	id = secret.Text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 64)
	d, err := encodeDoc(kindUpload, in.Bucket, id, upload{Key: in.Key, Headers: in.Headers, Started: s.now()})
	if err != nil {
		return "", err
	}
	d.UpdatedAt, d.ExpiresAt = s.now(), s.now().Add(uploadLife)
	err = s.update(ctx, func(tx store.Tx) error {
		b, err := bucketIn(tx, in.Bucket)
		if err == nil {
			err = s.touch(tx, b) // a bucket that is being deleted takes no upload
		}
		if err != nil {
			return err
		}
		return tx.CreateDocument(d)
	})
	return id, translate(err)
}

// uploadIn returns an upload that is going on, and its document.
func (s *Service) uploadIn(tx store.Tx, bucket, key, id string) (u upload, d store.Document, err error) {
	if _, err := bucketIn(tx, bucket); err != nil {
		return upload{}, d, err
	}
	d, err = tx.Document(kindUpload, bucket, id)
	if err == nil {
		err = json.Unmarshal(d.Data, &u)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (u.Key != key || !d.ExpiresAt.After(s.now())):
		return upload{}, d, errTaken
	case err != nil:
		return upload{}, d, fmt.Errorf("upload %s: %w", id, err)
	}
	return u, d, nil
}

func partName(n int) string { return fmt.Sprintf("%05d", n) }

// PutPart stores a part of an upload in place of one with that number.
func (s *Service) PutPart(ctx context.Context, bucket, key, id string, number int, body Body) (etag string, err error) {
	if number < 1 || number > MaxParts {
		return "", apierr.Newf(codeArgument, "Part number must be an integer between 1 and %d, inclusive", MaxParts)
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		_, _, err := s.uploadIn(tx, bucket, key, id)
		return err
	})
	if err != nil {
		return "", err
	}
	c, err := s.write(ctx, body)
	if err != nil {
		return "", err
	}
	err = s.update(ctx, func(tx store.Tx) error {
		_, up, err := s.uploadIn(tx, bucket, key, id)
		if err != nil {
			return err
		}
		d, err := encodeDoc(kindPart, id, partName(number), c)
		if err != nil {
			return err
		}
		d.UpdatedAt, d.ExpiresAt = s.now(), up.ExpiresAt
		// The old part's content is on the list of garbage already.
		old, err := tx.Document(kindPart, id, partName(number))
		if errors.Is(err, store.ErrNotFound) {
			return tx.CreateDocument(d)
		}
		if err != nil {
			return err
		}
		d.Version = old.Version
		return tx.UpdateDocument(d)
	})
	return c.MD5, translate(err)
}

// parts returns the contents of an upload's parts by number.
func parts(tx store.Tx, id string) (map[int]content, error) {
	all := map[int]content{}
	for after := ""; ; {
		docs, more, err := tx.ListDocuments(kindPart, id, store.Page{After: after, Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			var c content
			var n int
			if _, err := fmt.Sscanf(d.Name, "%d", &n); err != nil {
				return nil, fmt.Errorf("part %q: %w", d.Name, err)
			}
			if err := json.Unmarshal(d.Data, &c); err != nil {
				return nil, fmt.Errorf("part %s: %w", d.Name, err)
			}
			all[n] = c
		}
		if after = more; more == "" {
			return all, nil
		}
	}
}

// Complete makes an object of the parts that are named, in that order.
func (s *Service) Complete(ctx context.Context, bucket, key, id string, list []Part, when Condition) (o Object, err error) {
	err = s.update(ctx, func(tx store.Tx) error {
		u, d, err := s.uploadIn(tx, bucket, key, id)
		if err != nil {
			return err
		}
		all, err := parts(tx, id)
		if err != nil {
			return err
		}
		o = Object{Key: key, Headers: u.Headers}
		if err := o.assemble(list, all); err != nil {
			return err
		}
		if err := s.commit(tx, bucket, &o, when); err != nil {
			return err
		}
		return endUpload(tx, d, all)
	})
	return o, translate(err)
}

// assemble puts the parts together. The ETag is S3's: the hash of the parts'
// hashes, and how many they are.
func (o *Object) assemble(list []Part, all map[int]content) error {
	sum := md5.New() //nolint:gosec // as above
	for i, p := range list {
		c, ok := all[p.Number]
		raw, err := hex.DecodeString(c.MD5)
		switch {
		case i > 0 && list[i-1].Number >= p.Number:
			return apierr.New(codePartOrder, "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
		case !ok || err != nil || !p.is(c):
			return apierr.New(codeBadPart, "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i < len(list)-1 && c.Size < MinPart:
			return apierr.New(codeTooSmall, "Your proposed upload is smaller than the minimum allowed size")
		}
		sum.Write(raw)
		o.Contents = append(o.Contents, c)
		o.Size += c.Size
	}
	if len(list) == 0 {
		return apierr.New(codeArgument, "You must specify at least one part")
	}
	if o.Size > MaxObject {
		return apierr.Newf(codeTooLarge, "Your proposed upload exceeds the maximum allowed object size of %d bytes.", MaxObject)
	}
	o.ETag = fmt.Sprintf("%x-%d", sum.Sum(nil), len(list))
	return nil
}

// endUpload forgets an upload and its parts. Contents that no object has are on
// the list of garbage. The update is there for the lock, so that of two callers
// one ends it.
func endUpload(tx store.Tx, d store.Document, all map[int]content) error {
	if err := tx.UpdateDocument(d); err != nil {
		return err
	}
	for n := range all {
		if err := tx.DeleteDocument(kindPart, d.Name, partName(n)); err != nil {
			return err
		}
	}
	return tx.DeleteDocument(kindUpload, d.Scope, d.Name)
}

// Abort ends an upload without an object.
func (s *Service) Abort(ctx context.Context, bucket, key, id string) error {
	return translate(s.Store.Update(ctx, func(tx store.Tx) error {
		_, d, err := s.uploadIn(tx, bucket, key, id)
		if err != nil {
			return err
		}
		all, err := parts(tx, id)
		if err != nil {
			return err
		}
		return endUpload(tx, d, all)
	}))
}

// Parts lists the parts of an upload that have arrived, by number.
func (s *Service) Parts(ctx context.Context, bucket, key, id string) (list []Part, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		if _, _, err := s.uploadIn(tx, bucket, key, id); err != nil {
			return err
		}
		all, err := parts(tx, id)
		for n := 1; n <= MaxParts && len(list) < len(all); n++ {
			if c, ok := all[n]; ok {
				list = append(list, Part{n, c.MD5, c.Size, c.Checksums})
			}
		}
		return err
	})
	return list, err
}
