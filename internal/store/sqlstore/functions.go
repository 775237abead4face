package sqlstore

import (
	"strconv"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	functionColumns = `region, name, doc, version, created_at, updated_at`
	versionColumns  = `region, name, version_number, doc, created_at`
	aliasColumns    = `region, name, alias, doc, version`
)

var (
	qCreateFunction = write("CreateFunction", `INSERT INTO functions (`+functionColumns+`)
		VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT DO NOTHING`)
	qFunction       = read("Function", `SELECT `+functionColumns+` FROM functions WHERE region = $1 AND name = $2`)
	qFunctionRecord = read("Function version", `SELECT version FROM functions WHERE region = $1 AND name = $2`)
	qUpdateFunction = write("UpdateFunction", `UPDATE functions
		SET doc = $4, updated_at = $5, version = version + 1
		WHERE region = $1 AND name = $2 AND version = $3`)
	qDeleteFunction         = write("DeleteFunction", `DELETE FROM functions WHERE region = $1 AND name = $2`)
	qDeleteFunctionVersions = write("DeleteFunction versions", `DELETE FROM function_versions WHERE region = $1 AND name = $2`)
	qDeleteFunctionAliases  = write("DeleteFunction aliases", `DELETE FROM function_aliases WHERE region = $1 AND name = $2`)
	qListFunctions          = read("ListFunctions", `SELECT `+functionColumns+` FROM functions
		WHERE region = $1 AND name > $2 ORDER BY name LIMIT $3`)

	qCreateFunctionVersion = write("CreateFunctionVersion", `INSERT INTO function_versions (`+versionColumns+`)
		SELECT region, name, $3, $4, $5 FROM functions WHERE region = $1 AND name = $2 `+parentMark+`
		ON CONFLICT DO NOTHING`)
	qFunctionVersion = read("FunctionVersion", `SELECT `+versionColumns+` FROM function_versions
		WHERE region = $1 AND name = $2 AND version_number = $3`)
	qDeleteFunctionVersion = write("DeleteFunctionVersion", `DELETE FROM function_versions
		WHERE region = $1 AND name = $2 AND version_number = $3`)
	qListFunctionVersions = read("ListFunctionVersions", `SELECT `+versionColumns+` FROM function_versions
		WHERE region = $1 AND name = $2 AND version_number > $3 ORDER BY version_number LIMIT $4`)

	qCreateFunctionAlias = write("CreateFunctionAlias", `INSERT INTO function_aliases (`+aliasColumns+`)
		SELECT region, name, $3, $4, 1 FROM functions WHERE region = $1 AND name = $2 `+parentMark+`
		ON CONFLICT DO NOTHING`)
	qFunctionAlias = read("FunctionAlias", `SELECT `+aliasColumns+` FROM function_aliases
		WHERE region = $1 AND name = $2 AND alias = $3`)
	qUpdateFunctionAlias = write("UpdateFunctionAlias", `UPDATE function_aliases
		SET doc = $5, version = version + 1
		WHERE region = $1 AND name = $2 AND alias = $3 AND version = $4`)
	qDeleteFunctionAlias = write("DeleteFunctionAlias", `DELETE FROM function_aliases
		WHERE region = $1 AND name = $2 AND alias = $3`)
	qListFunctionAliases = read("ListFunctionAliases", `SELECT `+aliasColumns+` FROM function_aliases
		WHERE region = $1 AND name = $2 AND alias > $3 ORDER BY alias LIMIT $4`)

	qPutCodeBlob    = write("PutCodeBlob", `INSERT INTO code_blobs (sha256, content) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	qCodeBlob       = read("CodeBlob", `SELECT content FROM code_blobs WHERE sha256 = $1`)
	qDeleteCodeBlob = write("DeleteCodeBlob", `DELETE FROM code_blobs WHERE sha256 = $1`)
)

func scanFunction(r row) (store.Function, error) {
	return store.Function{
		Region: r.text(0), Name: r.text(1), Doc: r.doc(2), Version: r.int(3),
		CreatedAt: at(r.int(4)), UpdatedAt: at(r.int(5)),
	}, nil
}

func scanFunctionVersion(r row) (store.FunctionVersion, error) {
	return store.FunctionVersion{
		Region: r.text(0), Name: r.text(1), Number: r.int(2), Doc: r.doc(3), CreatedAt: at(r.int(4)),
	}, nil
}

func scanFunctionAlias(r row) (store.FunctionAlias, error) {
	return store.FunctionAlias{
		Region: r.text(0), Name: r.text(1), Alias: r.text(2), Doc: r.doc(3), Version: r.int(4),
	}, nil
}

func (t *tx) CreateFunction(f store.Function) error {
	return t.execOne(store.ErrExists, qCreateFunction, f.Region, f.Name, docArg(f.Doc), ms(f.CreatedAt), ms(f.UpdatedAt))
}

func (t *tx) Function(region, name string) (store.Function, error) {
	var f store.Function
	err := t.one(qFunction, func(r row) (err error) {
		f, err = scanFunction(r)
		return err
	}, region, name)
	return f, err
}

func (t *tx) UpdateFunction(f store.Function) error {
	return t.changed(qUpdateFunction, qFunctionRecord, []any{f.Region, f.Name},
		f.Region, f.Name, f.Version, docArg(f.Doc), ms(f.UpdatedAt))
}

func (t *tx) DeleteFunction(region, name string) error {
	// The function first, for the reason that DeletePool gives.
	if err := t.execOne(store.ErrNotFound, qDeleteFunction, region, name); err != nil {
		return err
	}
	if _, err := t.exec(qDeleteFunctionVersions, region, name); err != nil {
		return err
	}
	_, err := t.exec(qDeleteFunctionAliases, region, name)
	return err
}

func (t *tx) ListFunctions(region string, p store.Page) ([]store.Function, string, error) {
	return page(t, qListFunctions, p, scanFunction, func(f store.Function) string { return f.Name }, region, p.After)
}

func (t *tx) CreateFunctionVersion(v store.FunctionVersion) error {
	return t.created(qCreateFunctionVersion, qFunctionRecord, []any{v.Region, v.Name},
		v.Region, v.Name, v.Number, docArg(v.Doc), ms(v.CreatedAt))
}

func (t *tx) FunctionVersion(region, name string, number int64) (store.FunctionVersion, error) {
	var v store.FunctionVersion
	err := t.one(qFunctionVersion, func(r row) (err error) {
		v, err = scanFunctionVersion(r)
		return err
	}, region, name, number)
	return v, err
}

func (t *tx) DeleteFunctionVersion(region, name string, number int64) error {
	return t.execOne(store.ErrNotFound, qDeleteFunctionVersion, region, name, number)
}

func (t *tx) ListFunctionVersions(region, name string, p store.Page) ([]store.FunctionVersion, string, error) {
	var after int64
	if p.After != "" {
		var err error
		if after, err = strconv.ParseInt(p.After, 10, 64); err != nil {
			return nil, "", store.ErrCursor
		}
	}
	return page(t, qListFunctionVersions, p, scanFunctionVersion,
		func(v store.FunctionVersion) string { return strconv.FormatInt(v.Number, 10) }, region, name, after)
}

func (t *tx) CreateFunctionAlias(a store.FunctionAlias) error {
	return t.created(qCreateFunctionAlias, qFunctionRecord, []any{a.Region, a.Name},
		a.Region, a.Name, a.Alias, docArg(a.Doc))
}

func (t *tx) FunctionAlias(region, name, alias string) (store.FunctionAlias, error) {
	var a store.FunctionAlias
	err := t.one(qFunctionAlias, func(r row) (err error) {
		a, err = scanFunctionAlias(r)
		return err
	}, region, name, alias)
	return a, err
}

func (t *tx) UpdateFunctionAlias(a store.FunctionAlias) error {
	return t.changed(qUpdateFunctionAlias, qFunctionAlias, []any{a.Region, a.Name, a.Alias},
		a.Region, a.Name, a.Alias, a.Version, docArg(a.Doc))
}

func (t *tx) DeleteFunctionAlias(region, name, alias string) error {
	return t.execOne(store.ErrNotFound, qDeleteFunctionAlias, region, name, alias)
}

func (t *tx) ListFunctionAliases(region, name string, p store.Page) ([]store.FunctionAlias, string, error) {
	return page(t, qListFunctionAliases, p, scanFunctionAlias,
		func(a store.FunctionAlias) string { return a.Alias }, region, name, p.After)
}

func (t *tx) PutCodeBlob(sha256 string, data []byte) error {
	_, err := t.exec(qPutCodeBlob, sha256, bytesArg(data))
	return err
}

func (t *tx) CodeBlob(sha256 string) ([]byte, error) {
	var data []byte
	err := t.one(qCodeBlob, func(r row) error {
		data = r.bytes(0)
		return nil
	}, sha256)
	return data, err
}

func (t *tx) DeleteCodeBlob(sha256 string) error {
	_, err := t.exec(qDeleteCodeBlob, sha256)
	return err
}
