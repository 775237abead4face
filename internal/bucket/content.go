package bucket

import (
	"context"
	"crypto/md5" //nolint:gosec // what S3 calls an ETag
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	chunkSize = 1 << 20
	// How long a content stays that nobody has: while it is being uploaded, and
	// while somebody may still read what was replaced.
	uploadLife = 24 * time.Hour
	readLife   = 15 * time.Minute
)

// content is bytes that were written: of a whole object or of a part of one.
type content struct {
	ID   string
	Size int64
	MD5  string // hexadecimal
	// Checksums are those that the writer has given, by name.
	Checksums map[string]string `json:",omitempty"`
}

// garbage says since when a content belongs to nobody. Taken: it is being
// deleted, and nobody can have it any more.
type garbage struct {
	Due   time.Time
	Taken bool `json:",omitempty"`
}

func chunkName(n int64) string { return fmt.Sprintf("%08d", n) }

func chunkPlace(id string, n int64) secret.Place {
	return secret.Place{Table: "documents", Row: kindChunk + "/" + id + "/" + chunkName(n), Column: "content"}
}

// write stores body and its end. What it returns is garbage until
// a transaction claims it.
func (s *Service) write(ctx context.Context, body Body) (content, error) {
	if body.Size < 0 || body.Size > MaxObject {
		return content{}, apierr.Newf(codeTooLarge, "Your proposed upload exceeds the maximum allowed object size of %d bytes.", MaxObject)
	}
	c := content{ID: secret.UUID(), Size: body.Size}
	if err := s.discard(ctx, c.ID, uploadLife); err != nil {
		return content{}, err
	}
	sum, err := s.writeChunks(ctx, c, body)
	if err != nil {
		// If this fails as well, the content goes a day later.
		_ = s.discardNow(context.WithoutCancel(ctx), c.ID)
		return content{}, err
	}
	c.MD5 = sum
	if body.Checksums != nil {
		c.Checksums = body.Checksums()
	}
	return c, nil
}

func (s *Service) writeChunks(ctx context.Context, c content, body io.Reader) (string, error) {
	sum := md5.New() //nolint:gosec // as above
	buf := make([]byte, min(chunkSize, c.Size))
	for n, left := int64(0), c.Size; left > 0; n++ {
		piece := buf[:min(chunkSize, left)]
		if _, err := io.ReadFull(body, piece); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = apierr.New(codeIncomplete, "You did not provide the number of bytes specified by the Content-Length HTTP header").Because(err)
			}
			return "", err
		}
		sum.Write(piece)
		left -= int64(len(piece))
		sealed := s.KEK.Seal(chunkPlace(c.ID, n), piece)
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			return tx.CreateDocument(store.Document{Kind: kindChunk, Scope: c.ID, Name: chunkName(n), Data: sealed, UpdatedAt: s.now()})
		})
		if err != nil {
			return "", fmt.Errorf("store chunk: %w", err)
		}
	}
	// The end of the body is where its hashes and trailers are checked.
	switch n, err := io.ReadFull(body, make([]byte, 1)); {
	case n > 0:
		return "", apierr.New(codeIncomplete, "The body is longer than was declared.")
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// discard lists a content as garbage that is due after a while.
func (s *Service) discard(ctx context.Context, id string, after time.Duration) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return s.discardIn(tx, id, after) })
}

func (s *Service) discardIn(tx store.Tx, id string, after time.Duration) error {
	d, err := encodeDoc(kindGarbage, "", id, garbage{Due: s.now().Add(after)})
	if err != nil {
		return err
	}
	d.UpdatedAt = s.now()
	return tx.CreateDocument(d)
}

// discardNow makes garbage due.
func (s *Service) discardNow(ctx context.Context, id string) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		d, err := tx.Document(kindGarbage, "", id)
		if err != nil {
			return err
		}
		due, err := encodeDoc(kindGarbage, "", id, garbage{Due: s.now()})
		if err != nil {
			return err
		}
		due.Version, due.UpdatedAt = d.Version, s.now()
		return tx.UpdateDocument(due)
	})
}

// errTaken means that a content was left alone for so long that it is being
// deleted.
var errTaken = apierr.New(codeNoUpload, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")

// claim takes a content off the list of garbage. The update is there for the
// lock: of Collect and claim one comes first, and the other sees it.
func claim(tx store.Tx, id string) error {
	d, err := tx.Document(kindGarbage, "", id)
	if errors.Is(err, store.ErrNotFound) {
		return errTaken
	}
	var g garbage
	if err == nil {
		err = json.Unmarshal(d.Data, &g)
	}
	if err != nil {
		return err
	}
	if g.Taken {
		return errTaken
	}
	if err := tx.UpdateDocument(d); err != nil {
		return err
	}
	return tx.DeleteDocument(kindGarbage, "", id)
}

// chunk returns a piece of a content.
func (s *Service) chunk(ctx context.Context, id string, n int64) ([]byte, error) {
	var d store.Document
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		d, err = tx.Document(kindChunk, id, chunkName(n))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("chunk %d of content %s: %w", n, id, err)
	}
	return s.KEK.Open(chunkPlace(id, n), d.Data)
}

// Collect deletes contents that nobody has had for long enough, until ctx ends.
func (s *Service) Collect(ctx context.Context) error {
	after := ""
	for {
		var docs []store.Document
		err := s.Store.View(ctx, func(tx store.Tx) (err error) {
			docs, after, err = tx.ListDocuments(kindGarbage, "", store.Page{After: after, Limit: 100})
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range docs {
			var g garbage
			if err := json.Unmarshal(d.Data, &g); err != nil {
				return fmt.Errorf("garbage %s: %w", d.Name, err)
			}
			if g.Due.After(s.now()) {
				continue
			}
			if err := s.collect(ctx, d); err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if after == "" {
			return nil
		}
	}
}

// collect deletes one content: first nobody can claim it any more, then its
// pieces go, then the entry itself.
func (s *Service) collect(ctx context.Context, d store.Document) error {
	taken, err := encodeDoc(kindGarbage, "", d.Name, garbage{Due: s.now(), Taken: true})
	if err != nil {
		return err
	}
	taken.Version, taken.UpdatedAt = d.Version, s.now()
	if err := s.Store.Update(ctx, func(tx store.Tx) error { return tx.UpdateDocument(taken) }); err != nil {
		return err
	}
	for more := true; more; {
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			pieces, _, err := tx.ListDocuments(kindChunk, d.Name, store.Page{Limit: 4})
			if err != nil {
				return err
			}
			more = len(pieces) > 0
			for _, p := range pieces {
				if err := tx.DeleteDocument(kindChunk, d.Name, p.Name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, func(tx store.Tx) error { return tx.DeleteDocument(kindGarbage, "", d.Name) })
}
