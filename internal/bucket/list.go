package bucket

import (
	"context"
	"errors"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// Query selects objects of a bucket. After is a key or a common prefix; what
// comes after it is listed.
type Query struct {
	Bucket, Prefix, Delimiter, After string
	Limit                            int // of objects and common prefixes together
}

// Listing is an answer to a Query.
type Listing struct {
	Objects  []Object
	Prefixes []string
	Next     string // what to go on after; "" at the end
}

// lastRune sorts after almost everything that a key goes on with: what begins
// with it is skipped one by one.
const lastRune = "\U0010FFFF"

// Objects lists objects in order of their keys. Keys that share what comes up
// to the delimiter after the prefix are one entry.
func (s *Service) Objects(ctx context.Context, q Query) (out Listing, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		out = Listing{}
		if _, err := bucketIn(tx, q.Bucket); err != nil {
			return err
		}
		w := walk{tx: tx, q: q, out: &out}
		return w.all()
	})
	return out, translate(err)
}

type walk struct {
	tx   store.Tx
	q    Query
	out  *Listing
	last string
}

// all goes through the keys from the prefix on.
func (w *walk) all() error {
	q := w.q
	after, skip := q.After, "" // a common prefix that was listed
	if q.Delimiter != "" && strings.HasPrefix(after, q.Prefix) {
		if i := strings.Index(after[len(q.Prefix):], q.Delimiter); i >= 0 {
			skip = after[:len(q.Prefix)+i+len(q.Delimiter)]
			after = max(after, skip+lastRune)
		}
	}
	if after < q.Prefix {
		d, err := w.tx.Document(kindObject, q.Bucket, q.Prefix)
		if err == nil {
			if full, err := w.add(d); full || err != nil {
				return err
			}
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		after = q.Prefix
	}
	for {
		docs, more, err := w.tx.ListDocuments(kindObject, q.Bucket, store.Page{After: after, Limit: min(q.Limit+1, store.MaxPage)})
		if err != nil {
			return err
		}
		for _, d := range docs {
			if !strings.HasPrefix(d.Name, q.Prefix) {
				return nil
			}
			if skip != "" && strings.HasPrefix(d.Name, skip) {
				continue
			}
			if full, err := w.add(d); full || err != nil {
				return err
			}
			skip = w.prefix(d.Name)
		}
		if more == "" {
			return nil
		}
		after = docs[len(docs)-1].Name
		if skip != "" {
			after = max(after, skip+lastRune)
		}
	}
}

// prefix is the common prefix that a key is listed under, or "".
func (w *walk) prefix(key string) string {
	if w.q.Delimiter == "" {
		return ""
	}
	rest := key[len(w.q.Prefix):]
	i := strings.Index(rest, w.q.Delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(w.q.Prefix)+i+len(w.q.Delimiter)]
}

// add lists a key or its common prefix, or says that the answer is full.
func (w *walk) add(d store.Document) (full bool, err error) {
	if len(w.out.Objects)+len(w.out.Prefixes) >= w.q.Limit {
		w.out.Next = w.last
		return true, nil
	}
	if p := w.prefix(d.Name); p != "" {
		w.out.Prefixes = append(w.out.Prefixes, p)
		w.last = p
		return false, nil
	}
	o, err := decodeObject(d)
	w.out.Objects = append(w.out.Objects, o)
	w.last = o.Key
	return false, err
}
