package template_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// fake answers for resources: what exists has a name and an Arn.
type fake map[string]bool

func (f fake) Ref(id string) (any, error) {
	if !f[id] {
		return template.Unknown{}, nil
	}
	return "ref-" + id, nil
}

func (f fake) GetAtt(id, attribute string) (any, error) {
	if !f[id] {
		return template.Unknown{}, nil
	}
	return id + "/" + attribute, nil
}

func environment(t *template.Template, given map[string]string) *template.Environment {
	all, err := t.Given(given)
	if err != nil {
		panic(err)
	}
	return &template.Environment{
		Template: t, Parameters: all, Account: "000000000000", Region: "eu-central-1", StackName: "s", StackID: "arn:stack",
		Resources: fake{"Pool": true},
		Import: func(name string) (string, error) {
			if name == "shared" {
				return "imported", nil
			}
			return "", errors.New("No export named " + name + " found.")
		},
	}
}

const head = `
Parameters:
  Env: {Type: String, Default: dev}
  List: {Type: CommaDelimitedList, Default: "a, b,c"}
  Count: {Type: Number, Default: 3}
Mappings:
  Sizes: {dev: {memory: 128, zones: [x, y]}, prod: {memory: 512}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  Either: !Or [!Condition IsProd, !Not [!Equals ["1", "2"]]]
  Both: !And [!Condition IsProd, !Condition Either]
Transform: AWS::LanguageExtensions
Resources:
  Pool: {Type: T}
  Later: {Type: T}
  X:
    Type: T
    Properties:
      V: `

func TestEvaluate(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`plain`, `"plain"`}, {`12`, `12`}, {`1.50`, `1.50`}, {`0x1F`, `"0x1F"`}, {`true`, `true`}, {`yes`, `"yes"`}, {`"12"`, `"12"`}, {`null`, `null`},
		{`2012-10-17`, `"2012-10-17"`},
		{`!Ref Env`, `"dev"`}, {`{Ref: Env}`, `"dev"`}, {`!Ref List`, `["a","b","c"]`}, {`!Ref Count`, `"3"`}, {`!Ref Pool`, `"ref-Pool"`}, {`!Ref Later`, `"?"`},
		{`!Ref AWS::Region`, `"eu-central-1"`}, {`!Ref AWS::AccountId`, `"000000000000"`}, {`!Ref AWS::StackName`, `"s"`}, {`!Ref AWS::Partition`, `"aws"`}, {`!Ref AWS::URLSuffix`, `"amazonaws.com"`},
		{`[1, !Ref AWS::NoValue, 2]`, `[1,2]`}, {`{a: !Ref AWS::NoValue, b: 1}`, `{"b":1}`},
		{`!GetAtt Pool.Arn`, `"Pool/Arn"`}, {`!GetAtt [Pool, Arn]`, `"Pool/Arn"`}, {`{"Fn::GetAtt": "Pool.A.B"}`, `"Pool/A.B"`}, {`{"Fn::GetAtt": [Pool, !Ref Env]}`, `"Pool/dev"`}, {`!GetAtt Later.Arn`, `"?"`},
		{`!Sub "${Env}-${AWS::Region}-${Pool}-${Pool.Arn}-${!Literal}-$x"`, `"dev-eu-central-1-ref-Pool-Pool/Arn-${Literal}-$x"`},
		{`!Sub ["${A}${Env}", {A: !Ref Pool}]`, `"ref-Pooldev"`}, {`!Sub "${Later}"`, `"?"`},
		{`!Join ["-", [a, 1, true, !Ref Env]]`, `"a-1-true-dev"`}, {`!Join [",", !Ref List]`, `"a,b,c"`}, {`!Join ["", [!Ref Later]]`, `"?"`},
		{`!Split [":", "a:b"]`, `["a","b"]`}, {`!Select [1, !Ref List]`, `"b"`}, {`!Select ["0", !Split ["-", !Sub "${Env}-x"]]`, `"dev"`},
		{`!FindInMap [Sizes, !Ref Env, memory]`, `128`}, {`!FindInMap [Sizes, dev, zones]`, `["x","y"]`}, {`!FindInMap [Sizes, none, memory, {DefaultValue: 1}]`, `1`},
		{`!If [IsProd, a, b]`, `"b"`}, {`!If [Either, a, b]`, `"a"`}, {`!If [Both, a, !Ref AWS::NoValue]`, `null`},
		{`!Base64 abc`, `"YWJj"`}, {`!GetAZs ""`, `["eu-central-1a","eu-central-1b","eu-central-1c"]`}, {`!ImportValue shared`, `"imported"`},
		{`!Cidr ["10.0.0.0/24", 2, 5]`, `["10.0.0.0/27","10.0.0.32/27"]`}, {`!Length [1, 2]`, `2`}, {`!ToJsonString {a: [1, !Ref Env]}`, `"{\"a\":[1,\"dev\"]}"`},
	} {
		t.Run(tt.in, func(t *testing.T) {
			tpl, err := template.Parse(head + tt.in)
			if err != nil {
				t.Fatal(err)
			}
			x, _ := tpl.Resource("X")
			m, err := environment(tpl, nil).Properties(x)
			if err != nil {
				t.Fatal(err)
			}
			v, _ := m.Get("V")
			if !template.Known(v) {
				v = "?"
			}
			b, err := json.Marshal(v)
			if err != nil || string(b) != tt.want {
				t.Errorf("got %s, %v; want %s", b, err, tt.want)
			}
		})
	}
}

func TestEvaluateErrors(t *testing.T) {
	for in, want := range map[string]string{
		`!Select [3, !Ref List]`:           "nonexistent value at index 3",
		`!FindInMap [Sizes, none, memory]`: "Unable to get mapping for Sizes::none::memory",
		`!ImportValue gone`:                "No export named gone found.",
		`!If [Nothing, 1, 2]`:              "unresolved condition dependency Nothing",
		`!Join [",", [[1]]]`:               "joins texts only",
		`!Transform {Name: x}`:             "Fn::Transform is not a supported function",
		`{"Fn::Nothing": 1}`:               "Fn::Nothing is not a supported function",
		`!Cidr ["10.0.0.0/24", 9, 5]`:      "no room",
	} {
		tpl, err := template.Parse(head + in)
		if err == nil {
			x, _ := tpl.Resource("X")
			_, err = environment(tpl, nil).Properties(x)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "Template format error",
		"[1]":                               "unsupported structure",
		"{}":                                "At least one Resources member must be defined",
		"Resources: {}":                     "At least one Resources member must be defined",
		"Foo: 1\nResources: {A: {Type: T}}": "Invalid template property or properties [Foo]",
		"Resources: {A: {}}":                "[/Resources/A] Every Resources object must contain a Type member.",
		"Resources: {A-b: {Type: T}}":       "non alphanumeric",
		"Resources: {A: {Type: T, Foo: 1}}": "Invalid template resource property 'Foo'",
		"Resources: {A: {Type: T}, A: {Type: T}}":                         "duplicate key",
		"Resources: {A: {Type: T, Properties: {x: !Ref B}}}":              "Unresolved resource dependencies [B]",
		"Resources: {A: {Type: T, DependsOn: B}}":                         "Unresolved resource dependencies [B]",
		"Resources: {A: {Type: T, DeletionPolicy: Snapshot}}":             "Unrecognized DeletionPolicy",
		"AWSTemplateFormatVersion: 2011-01-01\nResources: {A: {Type: T}}": "must be 2010-09-09",
		"Parameters: {P: {Type: Foo}}\nResources: {A: {Type: T}}":         "Unrecognized parameter type: Foo",
		"Outputs: {O: {}}\nResources: {A: {Type: T}}":                     "must have a Value",
		"a: b\n---\nc: d": "more than one document",
	} {
		if _, err := template.Parse(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func TestParameters(t *testing.T) {
	tpl, err := template.Parse(`
Parameters:
  Name: {Type: String, MinLength: 2, MaxLength: 4, AllowedPattern: "[a-z]+"}
  Size: {Type: Number, MinValue: 1, MaxValue: 10, Default: 5}
  Env: {Type: String, AllowedValues: [dev, prod], Default: dev, ConstraintDescription: dev or prod}
  Numbers: {Type: List<Number>, Default: "1,2"}
Resources: {A: {Type: T}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		given map[string]string
		want  string
	}{
		{map[string]string{"Name": "abc"}, ""},
		{nil, "Parameters: [Name] must have values"},
		{map[string]string{"Name": "a"}, "Parameter 'Name' must contain at least 2 characters"},
		{map[string]string{"Name": "abcde"}, "at most 4"},
		{map[string]string{"Name": "AB"}, "must match pattern [a-z]+"},
		{map[string]string{"Name": "ab", "Size": "11"}, "not greater than 10"},
		{map[string]string{"Name": "ab", "Size": "x"}, "must be a number"},
		{map[string]string{"Name": "ab", "Env": "x"}, "Parameter Env failed to satisfy constraint: dev or prod"},
		{map[string]string{"Name": "ab", "Numbers": "1,b"}, "must be a number"},
		{map[string]string{"Name": "ab", "More": "1"}, "Parameters: [More] do not exist in the template"},
	} {
		_, err := tpl.Given(tt.given)
		if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%v: %v, want %q", tt.given, err, tt.want)
		}
	}
}

func TestRules(t *testing.T) {
	tpl, err := template.Parse(`
Parameters: {Env: {Type: String}, Size: {Type: String}}
Rules:
  Big:
    RuleCondition: !Equals [!Ref Env, prod]
    Assertions:
      - Assert: {"Fn::Contains": [[large, huge], !Ref Size]}
        AssertDescription: production is large
Resources: {A: {Type: T}}`)
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[[2]string]string{{"dev", "small"}: "", {"prod", "huge"}: "", {"prod", "small"}: "production is large"} {
		err := environment(tpl, map[string]string{"Env": given[0], "Size": given[1]}).CheckRules()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v, want %q", given, err, want)
		}
	}
}

func TestOrder(t *testing.T) {
	tpl, err := template.Parse(`
Resources:
  C: {Type: T, DependsOn: [B]}
  B: {Type: T, Properties: {x: !Sub ["${v}${D}", {v: !GetAtt A.Arn}]}}
  A: {Type: T}
  D: {Type: T, Properties: {y: !Join ["", [!Ref A]]}}`)
	if err != nil {
		t.Fatal(err)
	}
	order, err := tpl.Order(nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range order {
		ids = append(ids, r.ID)
	}
	if got := strings.Join(ids, ""); got != "ADBC" {
		t.Errorf("order = %s, want ADBC", got)
	}
}

// A circle is opened by what its type can be told later, and refused if nothing
// can.
func TestCircles(t *testing.T) {
	canWait := func(typ string) []string {
		if typ == "Pool" {
			return []string{"Triggers"}
		}
		return nil
	}
	const function = "F: {Type: F, Properties: {Env: {Pool: !Ref Client}}}, Client: {Type: C, Properties: {Pool: !GetAtt P.Arn}}"
	for name, tt := range map[string]struct{ resources, order, late, err string }{
		"trigger":           {"P: {Type: Pool, Properties: {Name: x, Triggers: {Pre: !GetAtt F.Arn}}}, " + function, "P Client F", "P", ""},
		"no circle":         {"P: {Type: Pool, Properties: {Triggers: {Pre: !GetAtt F.Arn}}}, F: {Type: F}", "F P", "", ""},
		"two circles":       {"P: {Type: Pool, Properties: {Triggers: !Ref F}}, Q: {Type: Pool, Properties: {Triggers: !Ref F}}, F: {Type: F, Properties: {x: [!Ref P, !Ref Q]}}", "P Q F", "PQ", ""},
		"another property":  {"P: {Type: Pool, Properties: {Name: !Ref F, Triggers: {Pre: !GetAtt F.Arn}}}, " + function, "", "", "Circular dependency between resources: [Client, F, P]"},
		"DependsOn as well": {"P: {Type: Pool, DependsOn: F, Properties: {Triggers: {Pre: !GetAtt F.Arn}}}, " + function, "", "", "Circular dependency between resources: [Client, F, P]"},
		"other types":       {"A: {Type: T, DependsOn: B}, B: {Type: T, Properties: {x: !Sub '${A.x}'}}", "", "", "Circular dependency between resources: [A, B]"},
		"itself":            {"A: {Type: T, Properties: {x: !Ref A}}", "", "", "Circular dependency between resources: [A]"},
	} {
		t.Run(name, func(t *testing.T) {
			tpl, err := template.Parse("Resources: {" + tt.resources + "}")
			if err != nil {
				t.Fatal(err)
			}
			order, err := tpl.Order(canWait)
			if got := fmt.Sprint(err); tt.err != "" && got != tt.err || tt.err == "" && err != nil {
				t.Fatalf("error = %s, want %s", got, tt.err)
			}
			var ids []string
			late := ""
			for _, r := range order {
				ids = append(ids, r.ID)
				if len(tpl.Late(r.ID)) > 0 {
					late += r.ID
				}
			}
			if got := strings.Join(ids, " "); got != tt.order || late != tt.late {
				t.Errorf("order = %s, late %s; want %s, late %s", got, late, tt.order, tt.late)
			}
		})
	}
}

// A template is what anybody sends. None of these may cost more than a bounded
// amount of work; each is refused, or small.
func TestSec_PARSE_3_TemplatesAreBounded(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("Metadata:\n  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	bomb.WriteString("Resources: {A: {Type: T}}")
	var many strings.Builder
	many.WriteString("Resources:\n")
	for i := range 501 {
		fmt.Fprintf(&many, "  R%d: {Type: T}\n", i)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"alias bomb":      {bomb.String(), "too many parts"},
		"alias of itself": {"Metadata: &a {b: *a}\nResources: {A: {Type: T}}", ""},
		"deep":            {"Resources: " + strings.Repeat("[", 5000), ""},
		"deep and closed": {`{"Metadata": {"a": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}, "Resources": {"A": {"Type": "T"}}}`, "nested too deep"},
		"large":           {strings.Repeat("#", template.MaxBody+1), "may not exceed"},
		"many resources":  {many.String(), "greater than maximum allowed, 500"},
		"unknown tag":     {"Resources: {A: {Type: !Evil x}}", "unknown tag !Evil"},
		"language tag":    {"Resources: {A: {Type: !!python/object x}}", "not supported"},
		"merge":           {"Metadata: {a: &a {x: 1}, b: {<<: *a}}\nResources: {A: {Type: T}}", "a key must be a plain text"},
	} {
		if _, err := template.Parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	// What is small as a text and large once it is evaluated.
	list := func(n int, v string) string { return "[" + strings.TrimSuffix(strings.Repeat(v+",", n), ",") + "]" }
	many9000 := func(id string) string {
		return id + ": {Type: String, AllowedPattern: '" + strings.Repeat("a{1000}", 9) + "'}"
	}
	for name, tt := range map[string]struct{ sections, value, want string }{
		// It looked itself up until the stack overflowed, which no recover stops.
		"a mapping that is its own value": {"Mappings: {M: {a: {b: !FindInMap [M, a, b]}}}", "!FindInMap [M, a, b]", "must be a String or a List"},
		"mappings of mappings":            {"Mappings: {M: {a: {b: [!FindInMap [M, a, c], !FindInMap [M, a, c]], c: [x]}}}", "x", "must be a String or a List"},
		"a long list, often":              {"Mappings: {M: {a: {b: " + list(50_000, "x") + "}}}", list(500, "!FindInMap [M, a, b]"), "too much of itself"},
		"a long text, often":              {"Mappings: {M: {a: {b: " + strings.Repeat("x", 500_000) + "}}}", list(500, "!FindInMap [M, a, b]"), "too much of itself"},
		"a text in many parts":            {"Mappings: {M: {a: {b: '" + strings.Repeat(",", 500_000) + "'}}}", list(50, "!Split [',', !FindInMap [M, a, b]]"), "too much of itself"},
		"a parameter, often":              {"Parameters: {P: {Type: CommaDelimitedList, Default: '" + strings.Repeat(",", 4000) + "'}}", list(2000, "!Ref P"), "too much of itself"},
		"a long text under many names":    {"Metadata: &s " + strings.Repeat("x", 100_000), list(1000, "*s"), "too many parts"},
		"a long parameter":                {"Parameters: {P: {Type: String, Default: " + strings.Repeat("x", 5000) + "}}", "!Ref P", "at most 4096 bytes"},
		"a large pattern":                 {"Parameters: {P: {Type: String, AllowedPattern: '" + strings.Repeat("a{1000}", 100) + "', Default: a}}", "!Ref P", "AllowedPattern of parameter P is not valid"},
		"a long pattern":                  {"Parameters: {P: {Type: String, AllowedPattern: '" + strings.Repeat("a", 5000) + "', Default: a}}", "!Ref P", "AllowedPattern of parameter P is not valid"},
		"many patterns":                   {"Parameters: {" + many9000("P") + ", " + many9000("Q") + ", " + many9000("R") + "}", "x", "patterns of the parameters are too large"},
	} {
		tpl, err := template.Parse(tt.sections + "\nResources: {Later: {Type: T}, X: {Type: T, Properties: {V: " + tt.value + "}}}")
		if err == nil {
			_, err = tpl.Given(nil)
		}
		if err == nil {
			x, _ := tpl.Resource("X")
			_, err = environment(tpl, nil).Properties(x)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %.200v, want %q", name, err, tt.want)
		}
	}
	// Text that doubles with every level of a chain of mappings and joins.
	var chain strings.Builder
	chain.WriteString(strings.Repeat("x", 100))
	text := `"` + chain.String() + `"`
	for range 20 {
		text = `!Join ["", [` + text + `, ` + text + `]]`
		if len(text) > 200_000 {
			break
		}
	}
	tpl, err := template.Parse(head + text)
	if err == nil {
		x, _ := tpl.Resource("X")
		_, err = environment(tpl, nil).Properties(x)
	}
	if err != nil && !strings.Contains(err.Error(), "too") {
		t.Errorf("chain: %v", err)
	}
}

// Resources are made side by side, and what one of them selects by another is
// evaluated only then, conditions included.
func TestEnvironmentsBesideEachOther(t *testing.T) {
	var conditions, list strings.Builder
	for i := range 100 {
		fmt.Fprintf(&conditions, "  C%d: !Equals [a, a]\n", i)
		fmt.Fprintf(&list, "!If [C%d, x, y], ", i)
	}
	tpl, err := template.Parse("Conditions:\n" + conditions.String() + "Resources: {Index: {Type: T}, X: {Type: T, Properties: {V: !Select [!Ref Index, [" + list.String() + "]]}}}")
	if err != nil {
		t.Fatal(err)
	}
	x, _ := tpl.Resource("X")
	env := environment(tpl, nil)
	if _, err := env.Condition("C0"); err != nil {
		t.Fatal(err)
	}
	if m, err := env.Properties(x); err != nil || template.Known(m) {
		t.Fatalf("%v %v, want what is not known yet", m, err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			m, err := env.With(number{}).Properties(x)
			if v, _ := m.Get("V"); err != nil || v != "x" {
				t.Errorf("%v %v", v, err)
			}
		})
	}
	group.Wait()
}

// number is a resource whose name is 99.
type number struct{}

func (number) Ref(string) (any, error)            { return "99", nil }
func (number) GetAtt(string, string) (any, error) { return "99", nil }

func FuzzParse(f *testing.F) {
	f.Add(head + `!Sub "${Env}"`)
	f.Add(`{"Resources":{"A":{"Type":"T","Properties":{"x":{"Fn::GetAtt":["A","b"]}}}}}`)
	f.Add("Resources: {A: {Type: T, Properties: {x: !Cidr [10.0.0.0/8, 256, 8]}}}\nRules: {R: {Assertions: [{Assert: !Not [true]}]}}")
	f.Add("Resources: {A: {Type: T, Properties: {x: !FindInMap [a, b, c, d]}}}\nMappings: {a: {b: {c: 1}}}")
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := template.Parse(text)
		if err != nil {
			var e *template.Error
			if !errors.As(err, &e) {
				t.Errorf("not for a caller: %v", err)
			}
			return
		}
		all, err := tpl.Given(nil)
		if err != nil {
			return
		}
		env := &template.Environment{Template: tpl, Parameters: all, Region: "r", Resources: fake{}}
		_ = env.CheckRules()
		for _, r := range tpl.Resources {
			m, err := env.Properties(r)
			if err == nil && template.Known(m) {
				if _, err := json.Marshal(m); err != nil && !strings.Contains(err.Error(), "UTF-8") {
					t.Errorf("properties do not encode: %v", err)
				}
			}
		}
	})
}
