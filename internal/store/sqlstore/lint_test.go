package sqlstore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// forbidden is what is outside the portable subset, with the reason.
var forbidden = map[string]*regexp.Regexp{
	"sequences":                      regexp.MustCompile(`(?i)\b(serial|bigserial|sequence|nextval|autoincrement|identity)\b`),
	"foreign keys":                   regexp.MustCompile(`(?i)\b(references|foreign)\b`),
	"triggers":                       regexp.MustCompile(`(?i)\btrigger\b`),
	"LISTEN and NOTIFY":              regexp.MustCompile(`(?i)\b(listen|notify)\b`),
	"advisory locks":                 regexp.MustCompile(`(?i)advisory`),
	"savepoints":                     regexp.MustCompile(`(?i)\b(savepoint|release|rollback\s+to)\b`),
	"OFFSET":                         regexp.MustCompile(`(?i)\boffset\b`),
	"the database's clock":           regexp.MustCompile(`(?i)\b(now\s*\(|current_(time|date|timestamp)|datetime\s*\(|strftime)`),
	"partial indexes":                regexp.MustCompile(`(?is)create\s+(unique\s+)?index[^;]*\bwhere\b`),
	"expression indexes":             regexp.MustCompile(`(?is)create\s+(unique\s+)?index[^;(]*\([^;)]*\(`),
	"looking into documents":         regexp.MustCompile(`(?i)->|json_|jsonb`),
	"patterns":                       regexp.MustCompile(`(?i)\b(like|ilike|glob|regexp|similar)\b`),
	"casts in one dialect's writing": regexp.MustCompile(`::`),
	"types that are not everywhere":  regexp.MustCompile(`(?i)\b(varchar|char|timestamp|timestamptz|uuid|numeric|real|double|float|integer|smallint|date|interval|array)\b`),
}

// ownDialect lists what one database alone is told, and what it may use.
var ownDialect = map[string]string{
	sqliteSavepoint: "savepoints", sqliteRelease: "savepoints", sqliteRollbackSavepoint: "savepoints",
	`SELECT current_setting('server_version_num')::int`: "casts in one dialect's writing",
}

func lint(t *testing.T, where, text string) {
	t.Helper()
	for what, re := range forbidden {
		if found := re.FindString(text); found != "" && ownDialect[text] != what {
			t.Errorf("%s uses %s (%q), which is not portable", where, what, found)
		}
	}
}

func TestPortableQueries(t *testing.T) {
	if len(queries) < 100 {
		t.Fatalf("the registry has %d queries, some are missing", len(queries))
	}
	names := map[string]bool{}
	placeholder := regexp.MustCompile(`\$(\d+)`)
	for _, q := range queries {
		if names[q.name] {
			t.Errorf("two queries are called %s", q.name)
		}
		names[q.name] = true
		lint(t, q.name, q.text)
		if strings.ContainsAny(q.text, `'";?`) || strings.Contains(q.text, "--") {
			t.Errorf("%s: a literal, a quoted name or a second statement: values are parameters", q.name)
		}
		// Parameters are numbered without gaps, or the drivers disagree.
		var numbers []int
		for _, m := range placeholder.FindAllStringSubmatch(q.text, -1) {
			n, _ := strconv.Atoi(m[1]) // digits, by the expression
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for i, n := range slices.Compact(numbers) {
			if n != i+1 {
				t.Errorf("%s: parameter $%d is missing", q.name, i+1)
				break
			}
		}
		writes := regexp.MustCompile(`(?i)^\s*(insert|update|delete)\b`).MatchString(q.text)
		if writes != (q.kind == KindWrite) {
			t.Errorf("%s is registered as a %s", q.name, q.kind)
		}
	}
}

// noPool are the tables whose rows belong to no pool.
var noPool = map[string]string{
	"meta": "meta_key", "functions": "region", "function_versions": "region", "function_aliases": "region",
	"documents": "kind", "code_blobs": "sha256", "access_keys": "key_id", "schema_migrations": "version",
}

func TestSec_DB_3_every_query_names_its_pool(t *testing.T) {
	// Lists over all pools, and the one way from a client to its pool.
	exempt := []string{"ListPools", "ClientPool", "ListAccessKeys"}
	table := regexp.MustCompile(`(?i)\b(?:from|into|update)\s+([a-z_0-9]+)`)
	checked := 0
	for _, q := range queries {
		if slices.Contains(exempt, q.name) || slices.Contains(qSweep, q) {
			continue
		}
		key := "pool_id"
		for _, m := range table.FindAllStringSubmatch(q.text, -1) {
			if k, ok := noPool[m[1]]; ok {
				key = k
			}
		}
		where := regexp.MustCompile(`(?is)\b` + key + `\s*=\s*\$1|values\s*\(\$1\b`)
		if !where.MatchString(q.text) || !strings.Contains(q.text, key) {
			t.Errorf("%s does not say %s = $1", q.name, key)
		}
		checked++
	}
	if checked < 100 {
		t.Errorf("only %d queries checked", checked)
	}
}

func TestPortableSchema(t *testing.T) {
	column := regexp.MustCompile(`^\t([a-z_0-9]+) (text|bigint|boolean|blob|bytea|text COLLATE "C")( NOT NULL)?,$`)
	primary := regexp.MustCompile(`^\tPRIMARY KEY \(([a-z_0-9]+)(, [a-z_0-9]+)*\)$`)
	shapes := map[string]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := migrationFiles(migrations, dialect)
		if err != nil {
			t.Fatal(err)
		}
		var shape strings.Builder
		for _, f := range files {
			lint(t, dialect+" "+f.name, f.text)
			table := ""
			for _, line := range strings.Split(f.text, "\n") {
				switch {
				case strings.HasPrefix(line, "CREATE TABLE "):
					table = strings.Fields(line)[2]
				case strings.HasPrefix(line, "\tPRIMARY KEY"):
					m := primary.FindStringSubmatch(line)
					if m == nil {
						t.Fatalf("%s: primary key of %s not understood: %s", dialect, table, line)
					}
					want := "pool_id"
					if k, ok := noPool[table]; ok {
						want = k
					}
					if m[1] != want {
						t.Errorf("%s: the primary key of %s begins with %s, want %s", dialect, table, m[1], want)
					}
				case strings.HasPrefix(line, "\t"):
					if !column.MatchString(line) {
						t.Errorf("%s: column of %s has a type that is not portable: %s", dialect, table, line)
					}
					if dialect == "postgres" && strings.Contains(line, " text") && !strings.Contains(line, `COLLATE "C"`) {
						t.Errorf("text without byte order in %s: %s", table, line)
					}
				}
				line = strings.NewReplacer(` COLLATE "C"`, "", "bytea", "blob", " WITHOUT ROWID", "").Replace(line)
				shape.WriteString(line + "\n")
			}
		}
		shapes[dialect] = shape.String()
	}
	if shapes["sqlite"] != shapes["postgres"] {
		t.Error("the two schemas have different tables, columns, keys or indexes")
	}
	if n := len(schemaTables()); n < 19 {
		t.Errorf("only %d tables found", n)
	}
}

func TestSec_DB_4_deleting_a_pool_misses_no_table(t *testing.T) {
	var want, got []string
	for _, table := range schemaTables() {
		if _, ok := noPool[table]; !ok && table != "pools" {
			want = append(want, `DELETE FROM `+table+` WHERE pool_id = $1`)
		}
	}
	for _, q := range qEmptyPool {
		got = append(got, q.text)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSec_PARSE_4_all_SQL_is_in_the_registry finds statements in the source
// that the tests above do not see.
func TestSec_PARSE_4_all_SQL_is_in_the_registry(t *testing.T) {
	statement := regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|WITH)\s?`)
	// Transaction control, pragmas, the record of migrations and questions that
	// an engine asks about itself: constants without parameters of users.
	engine := map[string]bool{"dialect.go": true, "migrate.go": true, "postgres.go": true, "sqlite.go": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !statement.MatchString(text) {
				return true
			}
			seen++
			lint(t, name, text)
			registered := slices.ContainsFunc(queries, func(q *query) bool { return strings.HasPrefix(q.text, text) })
			if !registered && !engine[name] {
				t.Errorf("%s: a statement outside the registry: %.60s", name, text)
			}
			return true
		})
	}
	if seen < 80 {
		t.Errorf("only %d statements found in the source", seen)
	}
}

// TestQueryPlans asks SQLite how it would run each query.
func TestQueryPlans(t *testing.T) {
	db, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.engine.(*sqliteEngine).group.conn
	searches := 0
	for _, q := range queries {
		args := make([]any, strings.Count(q.text, "$"))
		for i := range args {
			args[i] = "x"
		}
		err := c.query("EXPLAIN QUERY PLAN "+q.sqlite, args, func(r row) error {
			step := r.text(3)
			if strings.HasPrefix(step, "SEARCH ") {
				searches++
			}
			if q.scan {
				return nil
			}
			if strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "CONSTANT ROW") && !strings.HasSuffix(step, "-ROW VALUES CLAUSE") && step != "SCAN counted" && step != "SCAN (subquery-1)" {
				t.Errorf("%s walks a whole table: %s", q.name, step)
			}
			if strings.Contains(step, "TEMP B-TREE") && q != qSigningKeys {
				t.Errorf("%s sorts: %s", q.name, step)
			}
			if strings.HasPrefix(step, "SEARCH ") && !regexp.MustCompile(`\((\w+)=\? AND|\((pool_id|region|client_id|meta_key|sha256|key_id)[=>]\?`).MatchString(step) {
				t.Errorf("%s does not search by its key: %s", q.name, step)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
	}
	if searches < 60 {
		t.Errorf("only %d searches seen", searches)
	}
}
