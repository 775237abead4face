package cfn

// In the package: a thousand stacks would take too long to make from outside.

import (
	"fmt"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// Lists used to end at the store's largest page, and said nothing of the rest.
func TestEachGoesPastAPage(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	const all = store.MaxPage + 5
	err = db.Update(t.Context(), func(tx store.Tx) error {
		for i := range all {
			if err := tx.CreateDocument(store.Document{Kind: kindExport, Scope: "here", Name: fmt.Sprintf("%04d", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = db.Update(t.Context(), func(tx store.Tx) error {
		seen = 0
		return each(tx, kindExport, "here", func(d store.Document) error {
			if d.Name != fmt.Sprintf("%04d", seen) {
				t.Errorf("document %d is %s", seen, d.Name)
			}
			seen++
			return tx.DeleteDocument(d.Kind, d.Scope, d.Name)
		})
	})
	if err != nil || seen != all {
		t.Errorf("each saw %d documents (%v), want %d", seen, err, all)
	}
}
