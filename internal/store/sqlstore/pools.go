package sqlstore

import "github.com/rockpoolhq/rockpool/internal/store"

const poolColumns = `pool_id, name, doc, version, created_at, updated_at`

var (
	qCreatePool = write("CreatePool", `INSERT INTO pools (`+poolColumns+`)
		VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT DO NOTHING`)
	qPool        = read("Pool", `SELECT `+poolColumns+` FROM pools WHERE pool_id = $1`)
	qPoolVersion = read("PoolVersion", `SELECT version FROM pools WHERE pool_id = $1`)
	qUpdatePool  = write("UpdatePool", `UPDATE pools
		SET name = $3, doc = $4, updated_at = $5, version = version + 1
		WHERE pool_id = $1 AND version = $2`)
	qDeletePool = write("DeletePool", `DELETE FROM pools WHERE pool_id = $1`)
	qListPools  = scanning(read("ListPools", `SELECT `+poolColumns+` FROM pools
		WHERE pool_id > $1 ORDER BY pool_id LIMIT $2`))

	// qEmptyPool deletes what belongs to a pool, table by table. A test compares
	// it with the schema: no table that has a pool_id may be missing.
	qEmptyPool = []*query{
		write("DeletePool clients", `DELETE FROM clients WHERE pool_id = $1`),
		write("DeletePool users", `DELETE FROM users WHERE pool_id = $1`),
		write("DeletePool user_names", `DELETE FROM user_names WHERE pool_id = $1`),
		write("DeletePool user_index", `DELETE FROM user_index WHERE pool_id = $1`),
		write("DeletePool user_groups", `DELETE FROM user_groups WHERE pool_id = $1`),
		write("DeletePool group_members", `DELETE FROM group_members WHERE pool_id = $1`),
		write("DeletePool codes", `DELETE FROM codes WHERE pool_id = $1`),
		write("DeletePool attempts", `DELETE FROM attempts WHERE pool_id = $1`),
		write("DeletePool revocations", `DELETE FROM revocations WHERE pool_id = $1`),
		write("DeletePool used_ids", `DELETE FROM used_ids WHERE pool_id = $1`),
		write("DeletePool refresh_families", `DELETE FROM refresh_families WHERE pool_id = $1`),
		write("DeletePool signing_keys", `DELETE FROM signing_keys WHERE pool_id = $1`),
	}
)

func scanPool(r row) (store.Pool, error) {
	return store.Pool{
		ID: r.text(0), Name: r.text(1), Doc: r.doc(2), Version: r.int(3),
		CreatedAt: at(r.int(4)), UpdatedAt: at(r.int(5)),
	}, nil
}

func (t *tx) CreatePool(p store.Pool) error {
	return t.execOne(store.ErrExists, qCreatePool, p.ID, p.Name, docArg(p.Doc), ms(p.CreatedAt), ms(p.UpdatedAt))
}

func (t *tx) Pool(id string) (store.Pool, error) {
	var p store.Pool
	err := t.one(qPool, func(r row) (err error) {
		p, err = scanPool(r)
		return err
	}, id)
	return p, err
}

func (t *tx) PoolVersion(id string) (int64, error) { return t.number(qPoolVersion, id) }

// number returns the only column of the only row.
func (t *tx) number(q *query, args ...any) (int64, error) {
	var n int64
	err := t.one(q, func(r row) error {
		n = r.int(0)
		return nil
	}, args...)
	return n, err
}

func (t *tx) UpdatePool(p store.Pool) error {
	return t.changed(qUpdatePool, qPoolVersion, []any{p.ID},
		p.ID, p.Version, p.Name, docArg(p.Doc), ms(p.UpdatedAt))
}

func (t *tx) DeletePool(id string) error {
	// The pool goes first: whoever adds to it meanwhile waits for this row and
	// then finds no pool, and what was added before is seen by what follows.
	if err := t.execOne(store.ErrNotFound, qDeletePool, id); err != nil {
		return err
	}
	for _, q := range qEmptyPool {
		if _, err := t.exec(q, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) ListPools(p store.Page) ([]store.Pool, string, error) {
	return page(t, qListPools, p, scanPool, func(p store.Pool) string { return p.ID }, p.After)
}
