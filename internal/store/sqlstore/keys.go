package sqlstore

import (
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	signingKeyColumns = `pool_id, key_id, key_use, sealed, public_key, active, created_at, retired_at`
	accessKeyColumns  = `key_id, sealed, doc, created_at`
)

var (
	qCreateSigningKey = write("CreateSigningKey", `INSERT INTO signing_keys (`+signingKeyColumns+`)
		SELECT pool_id, $2, $3, $4, $5, $6, $7, $8 FROM pools WHERE pool_id = $1 `+parentMark+`
		ON CONFLICT DO NOTHING`)
	qSigningKeys = read("SigningKeys", `SELECT `+signingKeyColumns+` FROM signing_keys
		WHERE pool_id = $1 ORDER BY created_at DESC, key_id`)
	qSigningKey       = read("SigningKey", `SELECT active FROM signing_keys WHERE pool_id = $1 AND key_id = $2`)
	qRetireSigningKey = write("RetireSigningKey", `UPDATE signing_keys SET active = $3, retired_at = $4
		WHERE pool_id = $1 AND key_id = $2 AND active = $5`)
	qDeleteSigningKey = write("DeleteSigningKey", `DELETE FROM signing_keys WHERE pool_id = $1 AND key_id = $2`)

	qCreateAccessKey = write("CreateAccessKey", `INSERT INTO access_keys (`+accessKeyColumns+`)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`)
	qAccessKey       = read("AccessKey", `SELECT `+accessKeyColumns+` FROM access_keys WHERE key_id = $1`)
	qDeleteAccessKey = write("DeleteAccessKey", `DELETE FROM access_keys WHERE key_id = $1`)
	qListAccessKeys  = scanning(read("ListAccessKeys", `SELECT `+accessKeyColumns+` FROM access_keys
		ORDER BY created_at, key_id`))
)

func (t *tx) CreateSigningKey(k store.SigningKey) error {
	return t.created(qCreateSigningKey, qPoolVersion, []any{k.PoolID},
		k.PoolID, k.ID, k.Use, bytesArg(k.Sealed), bytesArg(k.Public), k.Active, ms(k.CreatedAt), ms(k.RetiredAt))
}

func (t *tx) SigningKeys(poolID string) ([]store.SigningKey, error) {
	var keys []store.SigningKey
	err := t.each(qSigningKeys, func(r row) error {
		keys = append(keys, store.SigningKey{
			PoolID: r.text(0), ID: r.text(1), Use: r.text(2), Sealed: r.bytes(3), Public: r.bytes(4),
			Active: r.bool(5), CreatedAt: at(r.int(6)), RetiredAt: at(r.int(7)),
		})
		return nil
	}, poolID)
	return keys, err
}

func (t *tx) RetireSigningKey(poolID, id string, now time.Time) error {
	return t.changed(qRetireSigningKey, qSigningKey, []any{poolID, id}, poolID, id, false, ms(now), true)
}

func (t *tx) DeleteSigningKey(poolID, id string) error {
	return t.execOne(store.ErrNotFound, qDeleteSigningKey, poolID, id)
}

func scanAccessKey(r row) store.AccessKey {
	return store.AccessKey{ID: r.text(0), Sealed: r.bytes(1), Doc: r.doc(2), CreatedAt: at(r.int(3))}
}

func (t *tx) CreateAccessKey(k store.AccessKey) error {
	return t.execOne(store.ErrExists, qCreateAccessKey, k.ID, bytesArg(k.Sealed), docArg(k.Doc), ms(k.CreatedAt))
}

func (t *tx) AccessKey(id string) (store.AccessKey, error) {
	var k store.AccessKey
	err := t.one(qAccessKey, func(r row) error {
		k = scanAccessKey(r)
		return nil
	}, id)
	return k, err
}

func (t *tx) DeleteAccessKey(id string) error {
	return t.execOne(store.ErrNotFound, qDeleteAccessKey, id)
}

func (t *tx) ListAccessKeys() ([]store.AccessKey, error) {
	var keys []store.AccessKey
	err := t.each(qListAccessKeys, func(r row) error {
		keys = append(keys, scanAccessKey(r))
		return nil
	})
	return keys, err
}
