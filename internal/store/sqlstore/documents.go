package sqlstore

import "github.com/rockpoolhq/rockpool/internal/store"

const documentColumns = `kind, scope, name, version, content, updated_at, expires_at`

var (
	qCreateDocument = write("CreateDocument", `INSERT INTO documents (`+documentColumns+`)
		VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT DO NOTHING`)
	qDocument = read("Document", `SELECT `+documentColumns+` FROM documents
		WHERE kind = $1 AND scope = $2 AND name = $3`)
	qDocumentVersion = read("Document version", `SELECT version FROM documents
		WHERE kind = $1 AND scope = $2 AND name = $3`)
	qUpdateDocument = write("UpdateDocument", `UPDATE documents
		SET content = $5, updated_at = $6, expires_at = $7, version = version + 1
		WHERE kind = $1 AND scope = $2 AND name = $3 AND version = $4`)
	qDeleteDocument = write("DeleteDocument", `DELETE FROM documents
		WHERE kind = $1 AND scope = $2 AND name = $3`)
	qListDocuments = read("ListDocuments", `SELECT `+documentColumns+` FROM documents
		WHERE kind = $1 AND scope = $2 AND name > $3 ORDER BY name LIMIT $4`)
)

func scanDocument(r row) (store.Document, error) {
	return store.Document{
		Kind: r.text(0), Scope: r.text(1), Name: r.text(2), Version: r.int(3), Data: r.bytes(4),
		UpdatedAt: at(r.int(5)), ExpiresAt: at(r.int(6)),
	}, nil
}

func (t *tx) CreateDocument(d store.Document) error {
	if !storable(d.Scope) || !storable(d.Name) {
		return store.ErrText
	}
	return t.execOne(store.ErrExists, qCreateDocument, d.Kind, d.Scope, d.Name, bytesArg(d.Data), ms(d.UpdatedAt), ms(d.ExpiresAt))
}

func (t *tx) Document(kind, scope, name string) (store.Document, error) {
	var d store.Document
	err := t.one(qDocument, func(r row) (err error) {
		d, err = scanDocument(r)
		return err
	}, kind, scope, name)
	return d, err
}

func (t *tx) UpdateDocument(d store.Document) error {
	return t.changed(qUpdateDocument, qDocumentVersion, []any{d.Kind, d.Scope, d.Name},
		d.Kind, d.Scope, d.Name, d.Version, bytesArg(d.Data), ms(d.UpdatedAt), ms(d.ExpiresAt))
}

func (t *tx) DeleteDocument(kind, scope, name string) error {
	return t.execOne(store.ErrNotFound, qDeleteDocument, kind, scope, name)
}

func (t *tx) ListDocuments(kind, scope string, p store.Page) ([]store.Document, string, error) {
	return page(t, qListDocuments, p, scanDocument, func(d store.Document) string { return d.Name }, kind, scope, p.After)
}
