package sqlstore

import (
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const familyColumns = `pool_id, origin_jti, generation, rotated_at, expires_at`

var (
	// Of two expiries the later one stays, and none (0) is later than any.
	qRevoke = write("Revoke", `INSERT INTO revocations (pool_id, origin_jti, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (pool_id, origin_jti) DO UPDATE SET expires_at = CASE
			WHEN revocations.expires_at = 0 OR excluded.expires_at = 0 THEN 0
			WHEN revocations.expires_at > excluded.expires_at THEN revocations.expires_at
			ELSE excluded.expires_at END`)
	qRevoked = read("Revoked", `SELECT expires_at FROM revocations WHERE pool_id = $1 AND origin_jti = $2`)
	qUseOnce = write("UseOnce", `INSERT INTO used_ids (pool_id, used_id, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`)

	qRefreshFamily = read("RefreshFamily", `SELECT `+familyColumns+` FROM refresh_families
		WHERE pool_id = $1 AND origin_jti = $2`)
	qCreateRefreshFamily = write("CreateRefreshFamily", `INSERT INTO refresh_families (`+familyColumns+`)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`)
	qAdvanceRefreshFamily = write("AdvanceRefreshFamily", `UPDATE refresh_families
		SET generation = generation + 1, rotated_at = $4
		WHERE pool_id = $1 AND origin_jti = $2 AND generation = $3`)
)

func (t *tx) Revoke(poolID, originJTI string, expires time.Time) error {
	_, err := t.exec(qRevoke, poolID, originJTI, ms(expires))
	return err
}

func (t *tx) Revoked(poolID, originJTI string) (bool, error) {
	return t.exists(qRevoked, poolID, originJTI)
}

func (t *tx) UseOnce(poolID, id string, expires time.Time) error {
	return t.execOne(store.ErrExists, qUseOnce, poolID, id, ms(expires))
}

func (t *tx) RefreshFamily(poolID, originJTI string) (store.RefreshFamily, error) {
	var f store.RefreshFamily
	err := t.one(qRefreshFamily, func(r row) error {
		f = store.RefreshFamily{
			PoolID: r.text(0), OriginJTI: r.text(1), Generation: r.int(2),
			RotatedAt: at(r.int(3)), ExpiresAt: at(r.int(4)),
		}
		return nil
	}, poolID, originJTI)
	return f, err
}

func (t *tx) CreateRefreshFamily(f store.RefreshFamily) error {
	return t.execOne(store.ErrExists, qCreateRefreshFamily,
		f.PoolID, f.OriginJTI, f.Generation, ms(f.RotatedAt), ms(f.ExpiresAt))
}

func (t *tx) AdvanceRefreshFamily(poolID, originJTI string, from int64, now time.Time) error {
	return t.execOne(store.ErrConflict, qAdvanceRefreshFamily, poolID, originJTI, from, ms(now))
}
