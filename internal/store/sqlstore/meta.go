package sqlstore

import "github.com/rockpoolhq/rockpool/internal/store"

var (
	qMeta     = read("Meta", `SELECT meta_value FROM meta WHERE meta_key = $1`)
	qInitMeta = write("InitMeta", `INSERT INTO meta (meta_key, meta_value) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	qPutMeta  = write("PutMeta", `INSERT INTO meta (meta_key, meta_value) VALUES ($1, $2)
		ON CONFLICT (meta_key) DO UPDATE SET meta_value = excluded.meta_value`)
)

func (t *tx) Meta(key string) (string, error) {
	var value string
	err := t.one(qMeta, func(r row) error {
		value = r.text(0)
		return nil
	}, key)
	return value, err
}

func (t *tx) InitMeta(key, value string) (string, error) {
	if _, err := t.exec(qInitMeta, key, value); err != nil {
		return "", err
	}
	return t.Meta(key)
}

func (t *tx) PutMeta(key, value string) error {
	_, err := t.exec(qPutMeta, key, value)
	return err
}

var _ store.Meta = (*tx)(nil)
