package sqlstore

import "github.com/rockpoolhq/rockpool/internal/store"

// Kind says what a statement does, for those who observe it.
type Kind string

// Kinds of statement.
const (
	KindRead   = Kind("read")
	KindWrite  = Kind("write")
	KindBegin  = Kind("begin")
	KindCommit = Kind("commit")
)

// query is one statement. All queries are package variables made by read or
// write, so that the tests can walk the registry.
type query struct {
	name string
	text string
	kind Kind
	// scan marks what may walk a whole table, because it lists all there is or
	// works through what expired. Nothing on the way of a sign-in may.
	scan bool

	sqlite, postgres string // the text for each
}

// queries is the registry: every statement that a transaction can run.
var queries []*query

func register(q *query) *query {
	q.sqlite, q.postgres = dialectSQLite.sql(q), dialectPostgres.sql(q)
	queries = append(queries, q)
	return q
}

func read(name, text string) *query { return register(&query{name: name, text: text, kind: KindRead}) }
func write(name, text string) *query {
	return register(&query{name: name, text: text, kind: KindWrite})
}

// scanning marks q as one that may walk a table.
func scanning(q *query) *query {
	q.scan = true
	return q
}

// row is one result row: nil, int64, string, []byte or bool in each column.
type row []any

func (r row) text(i int) string {
	s, _ := r[i].(string)
	return s
}

func (r row) int(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

// bool reads a boolean, which SQLite keeps as 0 or 1.
func (r row) bool(i int) bool {
	switch v := r[i].(type) {
	case bool:
		return v
	case int64:
		return v != 0
	}
	return false
}

// bytes reads a binary column; NULL is nil, and empty is not NULL.
func (r row) bytes(i int) []byte {
	switch v := r[i].(type) {
	case []byte:
		if v == nil {
			return []byte{}
		}
		return v
	case string:
		return []byte(v) // SQLite, empty
	}
	return nil
}

// doc reads a document, which is kept as text so that people can read it with
// the database's own tools.
func (r row) doc(i int) []byte {
	s, ok := r[i].(string)
	if !ok {
		return nil
	}
	return []byte(s)
}

// docArg is the argument that doc reads back.
func docArg(doc []byte) any {
	if doc == nil {
		return nil
	}
	return string(doc)
}

// bytesArg is the argument that bytes reads back.
func bytesArg(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// limit bounds a page to what one statement may return.
func limit(p store.Page) int64 { return int64(min(max(p.Limit, 1), store.MaxPage)) }
