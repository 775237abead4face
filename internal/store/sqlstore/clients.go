package sqlstore

import "github.com/rockpoolhq/rockpool/internal/store"

const clientColumns = `pool_id, client_id, name, doc, version, created_at, updated_at`

var (
	qCreateClient = write("CreateClient", `INSERT INTO clients (`+clientColumns+`)
		SELECT pool_id, $2, $3, $4, 1, $5, $6 FROM pools WHERE pool_id = $1 `+parentMark+`
		ON CONFLICT DO NOTHING`)
	qClient     = read("Client", `SELECT `+clientColumns+` FROM clients WHERE pool_id = $1 AND client_id = $2`)
	qClientPool = read("ClientPool", `SELECT pool_id FROM clients WHERE client_id = $1`)

	qClientVersion = read("ClientVersion", `SELECT version FROM clients WHERE pool_id = $1 AND client_id = $2`)
	qUpdateClient  = write("UpdateClient", `UPDATE clients
		SET name = $4, doc = $5, updated_at = $6, version = version + 1
		WHERE pool_id = $1 AND client_id = $2 AND version = $3`)
	qDeleteClient = write("DeleteClient", `DELETE FROM clients WHERE pool_id = $1 AND client_id = $2`)
	qListClients  = read("ListClients", `SELECT `+clientColumns+` FROM clients
		WHERE pool_id = $1 AND client_id > $2 ORDER BY client_id LIMIT $3`)
)

func scanClient(r row) (store.Client, error) {
	return store.Client{
		PoolID: r.text(0), ID: r.text(1), Name: r.text(2), Doc: r.doc(3), Version: r.int(4),
		CreatedAt: at(r.int(5)), UpdatedAt: at(r.int(6)),
	}, nil
}

func (t *tx) CreateClient(c store.Client) error {
	return t.created(qCreateClient, qPoolVersion, []any{c.PoolID},
		c.PoolID, c.ID, c.Name, docArg(c.Doc), ms(c.CreatedAt), ms(c.UpdatedAt))
}

func (t *tx) Client(poolID, id string) (store.Client, error) {
	var c store.Client
	err := t.one(qClient, func(r row) (err error) {
		c, err = scanClient(r)
		return err
	}, poolID, id)
	return c, err
}

func (t *tx) ClientPool(id string) (string, error) {
	var poolID string
	err := t.one(qClientPool, func(r row) error {
		poolID = r.text(0)
		return nil
	}, id)
	return poolID, err
}

func (t *tx) ClientVersion(poolID, id string) (int64, error) {
	return t.number(qClientVersion, poolID, id)
}

func (t *tx) UpdateClient(c store.Client) error {
	return t.changed(qUpdateClient, qClientVersion, []any{c.PoolID, c.ID},
		c.PoolID, c.ID, c.Version, c.Name, docArg(c.Doc), ms(c.UpdatedAt))
}

func (t *tx) DeleteClient(poolID, id string) error {
	return t.execOne(store.ErrNotFound, qDeleteClient, poolID, id)
}

func (t *tx) ListClients(poolID string, p store.Page) ([]store.Client, string, error) {
	return page(t, qListClients, p, scanClient, func(c store.Client) string { return c.ID }, poolID, p.After)
}
