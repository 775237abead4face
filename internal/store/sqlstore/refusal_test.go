package sqlstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

// TestRefusalIsNoEarlierThanItsCause: who is refused because of what another
// caller wrote finds that written. Refusals used to come back while the batch
// with the other's write was still open.
func TestRefusalIsNoEarlierThanItsCause(t *testing.T) {
	db := open(t, sqlstore.Options{DSN: filepath.Join(t.TempDir(), "db")})
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for round := range 40 {
		f := store.RefreshFamily{PoolID: "p", OriginJTI: fmt.Sprint(round), Generation: 1, RotatedAt: now, ExpiresAt: now.Add(time.Hour)}
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				err := db.Update(t.Context(), func(tx store.Tx) error { return tx.CreateRefreshFamily(f) })
				if err == nil {
					return
				}
				if !errors.Is(err, store.ErrExists) {
					t.Error(err)
					return
				}
				err = db.View(t.Context(), func(tx store.Tx) error {
					_, err := tx.RefreshFamily(f.PoolID, f.OriginJTI)
					return err
				})
				if err != nil {
					t.Errorf("round %d: refused because it exists, and then: %v", round, err)
				}
			})
		}
		wg.Wait()
	}
}
