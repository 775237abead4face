package storetest

import (
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

var documents = []testCase{
	{"a document is created once, found by kind, scope and name, and updated at its version", func(t *testing.T, s store.Store) {
		d := store.Document{Kind: "k", Scope: "s", Name: "n", Data: []byte{0, 1, 255}, UpdatedAt: now, ExpiresAt: now.Add(time.Hour)}
		mustNot(t, "CreateDocument", do(t, s, func(tx store.Tx) error { return tx.CreateDocument(d) }))
		wantErr(t, "CreateDocument", do(t, s, func(tx store.Tx) error { return tx.CreateDocument(d) }), store.ErrExists)
		for _, other := range [][3]string{{"k2", "s", "n"}, {"k", "s2", "n"}, {"k", "s", "n2"}} {
			_, err := in(t, s, func(tx store.Tx) (store.Document, error) { return tx.Document(other[0], other[1], other[2]) })
			wantErr(t, "Document", err, store.ErrNotFound)
		}
		d.Version, d.Data, d.ExpiresAt = 1, []byte(`{"v":2}`), time.Time{}
		mustNot(t, "UpdateDocument", do(t, s, func(tx store.Tx) error { return tx.UpdateDocument(d) }))
		wantErr(t, "UpdateDocument again", do(t, s, func(tx store.Tx) error { return tx.UpdateDocument(d) }), store.ErrConflict)
		got, err := in(t, s, func(tx store.Tx) (store.Document, error) { return tx.Document("k", "s", "n") })
		mustNot(t, "Document", err)
		d.Version, d.UpdatedAt = 2, kept(now)
		same(t, "document", got, d)
		mustNot(t, "DeleteDocument", do(t, s, func(tx store.Tx) error { return tx.DeleteDocument("k", "s", "n") }))
		wantErr(t, "DeleteDocument", do(t, s, func(tx store.Tx) error { return tx.DeleteDocument("k", "s", "n") }), store.ErrNotFound)
		wantErr(t, "UpdateDocument", do(t, s, func(tx store.Tx) error { return tx.UpdateDocument(d) }), store.ErrNotFound)
	}},
	{"documents of one kind and scope are listed in order of name, page by page", func(t *testing.T, s store.Store) {
		for _, name := range []string{"c", "a", "B", "d/e", "d"} {
			for _, place := range [][2]string{{"k", "s"}, {"k", "t"}, {"l", "s"}} {
				mustNot(t, "CreateDocument", do(t, s, func(tx store.Tx) error {
					return tx.CreateDocument(store.Document{Kind: place[0], Scope: place[1], Name: name})
				}))
			}
		}
		for _, limit := range []int{1, 3, 50} {
			got := pageAll(t, s, limit, func(tx store.Tx, p store.Page) ([]store.Document, string, error) {
				return tx.ListDocuments("k", "s", p)
			})
			same(t, "names", keysOf(got, func(d store.Document) string { return d.Name }), []string{"B", "a", "c", "d", "d/e"})
		}
	}},
	{"the cursor of documents is the last name, and any text is one", func(t *testing.T, s store.Store) {
		names := []string{"B", "a", "a b", "a/", "a/1", "a/\U0010FFFF", "a/\U0010FFFFx", "a0", "é", "\uFFFD", "😀"} // in order of bytes
		for _, name := range names {
			mustNot(t, "CreateDocument", do(t, s, func(tx store.Tx) error { return tx.CreateDocument(store.Document{Kind: "k", Name: name}) }))
		}
		for _, after := range append([]string{"", "A", "a.", "a/0", "a/\U0010FFFFa", "z", "\U0010FFFF"}, names...) {
			want := []string{}
			for _, name := range names {
				if name > after {
					want = append(want, name)
				}
			}
			var got []store.Document
			var next string
			view(t, s, func(tx store.Tx) (err error) {
				got, next, err = tx.ListDocuments("k", "", store.Page{After: after, Limit: 3})
				return err
			})
			more := len(want) > 3
			want = want[:min(3, len(want))]
			same(t, "names after "+after, keysOf(got, func(d store.Document) string { return d.Name }), want)
			if more && next != want[2] || !more && next != "" {
				t.Errorf("after %q: cursor %q", after, next)
			}
		}
		for _, after := range []string{"a\x00", "a\xff"} {
			got, err := in(t, s, func(tx store.Tx) ([]store.Document, error) {
				list, _, err := tx.ListDocuments("k", "", store.Page{After: after, Limit: 3})
				return list, err
			})
			if err != nil || len(got) > 0 {
				t.Errorf("after %q: %d documents, %v; want none", after, len(got), err)
			}
		}
	}},
	{"a name that a database cannot keep is refused", func(t *testing.T, s store.Store) {
		for _, d := range []store.Document{{Kind: "k", Scope: "a\x00b"}, {Kind: "k", Name: "\xff"}} {
			wantErr(t, "CreateDocument", do(t, s, func(tx store.Tx) error { return tx.CreateDocument(d) }), store.ErrText)
		}
	}},
}
