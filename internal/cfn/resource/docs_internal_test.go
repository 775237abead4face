package resource

// In the package: schemas are not exported.

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/cloudformation.md again")

const tablesBegin = "<!-- From here on made by: go test ./internal/cfn/resource -run TestTablesOfTheDocs -update -->\n"

// The tables of the document are made from what is registered, never typed.
func TestTablesOfTheDocs(t *testing.T) {
	const path = "../../../docs/cloudformation.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, tables, ok := strings.Cut(string(b), tablesBegin)
	if !ok {
		t.Fatalf("%s has no line %q", path, tablesBegin)
	}
	want := documentTables()
	if *update {
		if err := os.WriteFile(path, []byte(head+tablesBegin+want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if tables != want {
		t.Errorf("%s is not current: go test ./internal/cfn/resource -run TestTablesOfTheDocs -update", path)
	}
}

func documentTables() string {
	var b strings.Builder
	for _, name := range Names() {
		t := types[name]
		fmt.Fprintf(&b, "\n### %s\n\n", name)
		if t.Effect != "" {
			fmt.Fprintf(&b, "%s\n\n", t.Effect)
		}
		var plain, replaces, refuses []string
		for _, p := range t.schema.order {
			s := t.schema.members[p]
			label := "`" + p + "`"
			if s.required {
				label += " (required)"
			}
			switch {
			case s.refused:
			case s.replaces || t.update == nil:
				replaces = append(replaces, label)
			default:
				plain = append(plain, label)
			}
			refuses = append(refuses, refusedIn(s, p)...)
		}
		line := func(what string, list []string) {
			if len(list) > 0 {
				slices.Sort(list)
				fmt.Fprintf(&b, "- %s: %s\n", what, strings.Join(list, ", "))
			}
		}
		line("updated in place", plain)
		line("replaced when it changes", replaces)
		line("refused", refuses)
		attributes := []string{}
		for _, a := range t.Attributes {
			attributes = append(attributes, "`"+a+"`")
		}
		line("`Fn::GetAtt`", attributes)
	}
	b.WriteString("\n## Refused types\n\n| type | why, and what to do |\n|---|---|\n")
	var names []string
	for n := range refused {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(&b, "| %s | %s |\n", n, refused[n])
	}
	fmt.Fprintf(&b, "| Custom::… | %s |\n", customResource)
	return b.String()
}

func refusedIn(s *shape, path string) (list []string) {
	if s.refused {
		return []string{"`" + path + "`"}
	}
	if s.element != nil {
		s = s.element
	}
	for _, name := range s.order {
		list = append(list, refusedIn(s.members[name], path+"."+name)...)
	}
	return list
}
