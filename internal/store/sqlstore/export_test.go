package sqlstore

import (
	"strings"
	"time"
)

func testNow() time.Time { return time.UnixMilli(1_790_000_000_000) }

// EmptyAll deletes every row of every table.
var EmptyAll = func() string {
	var b strings.Builder
	for _, table := range schemaTables() {
		b.WriteString("DELETE FROM " + table + ";")
	}
	return b.String()
}()

// schemaTables lists the tables that the migrations make.
func schemaTables() (tables []string) {
	files, err := migrationFiles(migrations, "postgres")
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		for _, line := range strings.Split(f.text, "\n") {
			if rest, ok := strings.CutPrefix(line, "CREATE TABLE "); ok {
				name, _, _ := strings.Cut(rest, " ")
				tables = append(tables, name)
			}
		}
	}
	return tables
}
