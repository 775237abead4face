package resource

// In the package: schemas are not exported.

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

func TestParseSchema(t *testing.T) {
	s := parseSchema(`A!^ B:int C-:[] D:[]{ E! F{ G:bool } } H:map I:any J^-:num`)
	if got := strings.Join(s.order, " "); got != "A B C D H I J" {
		t.Fatalf("order = %s", got)
	}
	m := s.members
	for name, want := range map[string]bool{
		"A is required": m["A"].required, "A replaces": m["A"].replaces, "B is an integer": m["B"].kind == kindInteger && !m["B"].required,
		"C is refused": m["C"].refused && m["C"].kind == kindList, "E is required": m["D"].element.members["E"].required,
		"G is a boolean": m["D"].element.members["F"].members["G"].kind == kindBoolean, "H is a map": m["H"].kind == kindMap,
		"I is anything": m["I"].kind == kindAny, "J is refused and replaces": m["J"].refused && m["J"].replaces,
	} {
		if !want {
			t.Errorf("not so: %s", name)
		}
	}
	for _, bad := range []string{"A }", "A:float", "A } B"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("schema %q was read", bad)
				}
			}()
			parseSchema(bad)
		}()
	}
}

// properties evaluates those of the one resource of a template.
func properties(t testing.TB, yaml string) *template.Map {
	t.Helper()
	text := "Resources:\n  X:\n    Type: AWS::X::Y\n    Properties:\n"
	for line := range strings.Lines(yaml) {
		text += "      " + line
	}
	tmpl, err := template.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	r, _ := tmpl.Resource("X")
	return r.Properties
}

func TestConvert(t *testing.T) {
	typ := &Type{schema: parseSchema(`Text N:int F:num Yes:bool List:[] Ints:[]int Map:map Any:any O{ P! Q:int } L:[]{ R } No-:[] Must!`)}
	good := map[string]map[string]any{
		"Text: a":                         {"Text": "a"},
		"Text: 12":                        {"Text": "12"},
		"Text: true":                      {"Text": "true"},
		"N: '8'":                          {"N": int64(8)},
		"N: 8.0":                          {"N": int64(8)},
		"F: 0.5":                          {"F": 0.5},
		"'Yes': 'TRUE'":                   {"Yes": true},
		"'Yes': false":                    {"Yes": false},
		"List: [a, 1]":                    {"List": []any{"a", "1"}},
		"Ints: ['1', 2]":                  {"Ints": []any{int64(1), int64(2)}},
		"Map: {a: 1, b: x}":               {"Map": map[string]any{"a": "1", "b": "x"}},
		"Any: {a: [1, 2.5, x, true]}":     {"Any": map[string]any{"a": []any{int64(1), 2.5, "x", true}}},
		"O: {P: a, Q: '3'}":               {"O": map[string]any{"P": "a", "Q": int64(3)}},
		"L: [{R: a}, {}]":                 {"L": []any{map[string]any{"R": "a"}, map[string]any{}}},
		"'No': []":                        {},
		"Any: {a: 123456789012345678901}": {"Any": map[string]any{"a": 123456789012345678901.0}},
	}
	for in, want := range good {
		want["Must"] = "m"
		got, err := typ.Check(properties(t, in+"\nMust: m\n"))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", in, err, diff)
		}
	}
	bad := map[string]string{
		"Must: m\nOther: 1":             "Encountered unsupported property Other",
		"Must: m\nO: {P: a, Z: 1}":      "Encountered unsupported property Z in O",
		"Must: m\nO: {Q: 1}":            "Property O.P cannot be empty.",
		"Text: a":                       "Property Must cannot be empty.",
		"Must: m\nN: eight":             "Value of property N must be of type Integer",
		"Must: m\nN: 8.5":               "Value of property N must be of type Integer",
		"Must: m\nN: [1]":               "Value of property N must be of type Integer",
		"Must: m\nF: '1e999'":           "Value of property F must be of type Number",
		"Must: m\nF: NaN":               "Value of property F must be of type Number",
		"Must: m\n'Yes': maybe":         "Value of property Yes must be of type Boolean",
		"Must: m\nText: {a: b}":         "Value of property Text must be of type String",
		"Must: m\nList: a":              "Value of property List must be of type List of String",
		"Must: m\nInts: [x]":            "Value of property Ints.0 must be of type Integer",
		"Must: m\nMap: [a]":             "Value of property Map must be of type Map of String",
		"Must: m\nMap: {a: [b]}":        "Value of property Map.a must be of type String",
		"Must: m\nL: [a]":               "Value of property L.0 must be of type an object",
		"Must: m\n'No': [a]":            "Property No is not supported by this version of Rockpool",
		"Must: m\nO: {P: a, Q: {b: c}}": "Value of property O.Q must be of type Integer",
	}
	for in, want := range bad {
		got, err := typ.Check(properties(t, in+"\n"))
		if err == nil || err.Error() != want || got != nil {
			t.Errorf("%q: %v, %v; want %s", in, got, err, want)
		}
	}
}

func TestChange(t *testing.T) {
	typ := &Type{schema: parseSchema(`Fixed^ Free L:[]int`), update: (&Type{}).update}
	for name, c := range map[string]struct {
		old, new map[string]any
		want     Change
	}{
		"nothing":            {map[string]any{"L": []any{float64(1)}}, map[string]any{"L": []any{int64(1)}}, Change{}},
		"what cannot update": {map[string]any{"Free": "a"}, map[string]any{"Free": "b"}, Change{Properties: []string{"Free"}, Replaces: true, ReplacedBy: []string{"Free"}}},
		"what replaces":      {map[string]any{"Fixed": "a", "Free": "a"}, map[string]any{"Fixed": "b"}, Change{Properties: []string{"Fixed", "Free"}, Replaces: true, ReplacedBy: []string{"Fixed"}}},
		"not known yet":      {map[string]any{"Fixed": "a"}, map[string]any{"Fixed": template.Unknown{}}, Change{Properties: []string{"Fixed"}, Replaces: true, ReplacedBy: []string{"Fixed"}, Unsure: true}},
	} {
		if diff := cmp.Diff(c.want, typ.Change(c.old, c.new)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// The tables have what the reference has: each property, whether it is required,
// whether a change is a replacement.
func TestPropertiesAreThoseOfTheReference(t *testing.T) {
	b, err := os.ReadFile("testdata/properties.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	name := ""
	for line := range strings.Lines(string(b)) {
		if p, isProperty := strings.CutPrefix(line, "\t"); isProperty {
			want[name] = append(want[name], strings.TrimSpace(p))
		} else {
			name = strings.TrimSpace(line)
		}
	}
	for _, name := range Names() {
		if name == "AWS::CDK::Metadata" || name == "AWS::CloudFormation::WaitConditionHandle" {
			continue // is in no reference, has no properties
		}
		if len(want[name]) == 0 {
			t.Errorf("%s is not in properties.txt", name)
			continue
		}
		got := flat(types[name].schema, "", name != "AWS::S3::Bucket")
		slices.Sort(got)
		slices.Sort(want[name])
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Errorf("%s (-reference +ours):\n%s", name, diff)
		}
	}
}

// flat lists the properties of a schema as properties.txt has them.
func flat(s *shape, path string, deep bool) (list []string) {
	for _, name := range s.order {
		m := s.members[name]
		line := path + name
		if m.required {
			line += "!"
		}
		if m.replaces && path == "" {
			line += "^"
		}
		list = append(list, line)
		if m.element != nil {
			m = m.element
		}
		if deep && m.members != nil && name != "Tags" { // of a type of its own there
			list = append(list, flat(m, path+name+".", deep)...)
		}
	}
	return list
}

// Whatever a template says, Check answers.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"UserPoolName: a\nSchema: [{Name: x, AttributeDataType: String}]\n", "Code: {ZipFile: x}\nRole: {a: b}\n", "[]", "null", "{}", "Tags: [{Key: 1, Value: [2]}]\n",
		"Policies: {PasswordPolicy: {MinimumLength: 1e9}}\n", "{\"A\": {\"B\": [null, {}, 1e999, \"\\u0000\"]}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = "Resources:\n  X:\n    Type: AWS::X::Y\n    Properties:\n      " + strings.ReplaceAll(text, "\n", "\n      ")
		tmpl, err := template.Parse(text)
		if err != nil {
			return
		}
		r, ok := tmpl.Resource("X")
		if !ok {
			return
		}
		m := r.Properties
		if m == nil {
			m = template.NewMap()
		}
		for _, name := range Names() {
			typ := types[name]
			p, err := typ.Check(m)
			if err != nil {
				if p != nil || err.Error() == "" {
					t.Errorf("%s: %v with %q", name, p, err)
				}
				continue
			}
			if c := typ.Change(p, p); len(c.Properties) > 0 {
				t.Errorf("%s: %v is not itself: %v", name, p, c.Properties)
			}
		}
	})
}
