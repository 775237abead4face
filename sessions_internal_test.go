package rockpool

import (
	"errors"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/stsapi"
)

// In the package, since the clock of a production server cannot be moved.
func TestSec_SIG_1_SessionsEndWithTimeAndKey(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is kept
	now := time.Now()
	a := &accessKeys{store: db, kek: secret.NewKEK([32]byte{1}), account: "000000000000"}
	parent, other := newAccessKey("parent", now), newAccessKey("other", now)
	for _, k := range []AccessKey{parent, other} {
		if err := a.create(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	c, err := a.issue(now, stsapi.Session{Parent: parent.ID, Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	try := func(at time.Time) error {
		_, _, err := a.Session(t.Context(), c.AccessKeyID, c.Token, at)
		return err
	}
	if err := try(now.Add(59 * time.Minute)); err != nil {
		t.Errorf("before its end: %v", err)
	}
	if err := try(now.Add(time.Hour)); !errors.Is(err, awsapi.ErrExpiredToken) {
		t.Errorf("after its end: %v", err)
	}
	if err := a.delete(t.Context(), parent.ID); err != nil {
		t.Fatal(err)
	}
	if err := try(now); !errors.Is(err, awsapi.ErrUnknownKey) {
		t.Errorf("after its key: %v", err)
	}
}
