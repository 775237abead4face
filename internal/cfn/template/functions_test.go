package template_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// Arguments that hardly an author means, and those of a hostile one: what comes
// of them, as JSON, or E and the error.
func TestArgumentsOfFunctions(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`!Select [-1, !Ref List]`, `E Template error: Fn::Select cannot select nonexistent value at index -1`},
		{`!Select [1.5, !Ref List]`, `E Template error: Fn::Select cannot select nonexistent value at index 1.5`},
		{`!Select [99999999999999999999, !Ref List]`, `E Template error: Fn::Select cannot select nonexistent value at index 99999999999999999999`},
		{`!Select [x, !Ref List]`, `E Template error: Fn::Select cannot select nonexistent value at index x`},
		{`!Select [0, []]`, `E Template error: Fn::Select cannot select nonexistent value at index 0`},
		{`!Select [0]`, `E Template error: Fn::Select must be given a list of 2 to 2 values`},
		{`!Select [0, text]`, `E Template error: every Fn::Select object must be given a list`},
		{`!Select [0, [!Ref AWS::NoValue, b]]`, `"b"`},
		{`!Cidr ["10.0.0.0/8", 257, 8]`, `E Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has`},
		{`!Cidr ["10.0.0.0/24", 0, 5]`, `E Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has`},
		{`!Cidr ["10.0.0.0/24", -1, 5]`, `E Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has`},
		{`!Cidr ["10.0.0.0/24", 1, 33]`, `E Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has`},
		{`!Cidr ["10.0.0.0/24", 1, 0]`, `E Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has`},
		{`!Cidr ["10.0.0.5/24", 1, 8]`, `["10.0.0.0/24"]`},
		{`!Cidr ["no", 1, 8]`, `E Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has`},
		{`!Cidr ["2001:db8::/56", 2, 64]`, `["2001:db8::/64","2001:db8:0:1::/64"]`},
		{`!Cidr ["10.0.0.0/24", 2]`, `E Template error: the block of Fn::Cidr has no room for 2`},
		{`!If [IsProd, 1]`, `E Template error: Fn::If must be given a list of 3 to 3 values`},
		{`!If [[IsProd], 1, 2]`, `E Template error: Fn::If requires a list argument with the first element being a condition`},
		{`!If [IsProd, a, !If [Both, b, !If [Either, c, !Ref AWS::NoValue]]]`, `"c"`},
		{`!If [IsProd, a, !If [Both, b, !Ref AWS::NoValue]]`, `null`},
		{`{a: [!If [IsProd, 1, !Ref AWS::NoValue]], b: !If [IsProd, 1, !If [Both, 1, !Ref "AWS::NoValue"]]}`, `{"a":[]}`},
		{`!Sub "${!Env}${Env}$${Env}{}$"`, `"${Env}dev$dev{}$"`},
		{`!Sub "${}"`, `E Template format error: Unresolved resource dependencies [] in the Resources block of the template`},
		{`!Sub "${ Env }"`, `"dev"`},
		{`!Sub "${Env"`, `"${Env"`},
		{`!Sub "${Nobody}"`, `E Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template`},
		{`!Sub ["${A}", {A: "${Env}"}]`, `"${Env}"`},
		{`!Sub ["${A}", {B: x}]`, `E Template format error: Unresolved resource dependencies [A] in the Resources block of the template`},
		{`!Sub ["${A}", {A: [1]}]`, `E Template error: every Fn::Sub object must be given texts`},
		{`!Sub [!Ref Env, {}]`, `E Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string`},
		{`!Sub ["a"]`, `E Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string`},
		{`!Sub "${AWS::NoValue}"`, `E Template error: every Fn::Sub object must be given texts`},
		{`!Sub "${Pool.Arn.}"`, `"Pool/Arn."`},
		{`!FindInMap [Sizes, dev, gone]`, `E Template error: Unable to get mapping for Sizes::dev::gone`},
		{`!FindInMap [Gone, dev, memory]`, `E Template error: Unable to get mapping for Gone::dev::memory`},
		{`!FindInMap [Sizes, dev]`, `E Template error: Fn::FindInMap must be given a list of 3 to 4 values`},
		{`!FindInMap [Sizes, [dev], memory]`, `E Template error: every Fn::FindInMap object must be given texts`},
		{`!Ref Nobody`, `E Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template`},
		{`!Ref [Env]`, `E Template error: every Ref object must have a single String value.`},
		{`!Ref AWS::Nothing`, `E Template format error: Unresolved resource dependencies [AWS::Nothing] in the Resources block of the template`},
		{`!Ref IsProd`, `E Template format error: Unresolved resource dependencies [IsProd] in the Resources block of the template`},
		{`!GetAtt Pool`, `E Template format error: line 19: !GetAtt needs a resource and an attribute, as Pool.Arn`},
		{`!GetAtt Env.Arn`, `E Template error: instance of Fn::GetAtt references undefined resource Env`},
		{`!GetAtt [Pool]`, `E Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute`},
		{`!Join ["-"]`, `E Template error: Fn::Join must be given a list of 2 to 2 values`},
		{`!Join [[1], [a]]`, `E Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.`},
		{`!Join ["-", text]`, `E Template error: every Fn::Join object must be given a list`},
		{`!Join ["-", [a, !Ref AWS::NoValue, b]]`, `"a-b"`},
		{`!Join ["-", [{a: 1}]]`, `E Template error: Fn::Join joins texts only`},
		{`!Split ["", "a"]`, `E Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.`},
		{`!Split ["-", [a]]`, `E Template error: every Fn::Split object must be given texts`},
		{`!Split ["-"]`, `E Template error: Fn::Split must be given a list of 2 to 2 values`},
		{`!Base64 [a]`, `E Template error: every Fn::Base64 object must be given texts`},
		{`!GetAZs [a]`, `E Template error: every Fn::GetAZs object must be given texts`},
		{`!ImportValue !Ref Later`, `E Template format error: line 18: did not find expected key`},
		{`!ImportValue [a]`, `E Template error: every Fn::ImportValue object must be given texts`},
		{`!Length text`, `E Template error: every Fn::Length object must be given a list`},
		{`!ToJsonString text`, `"\"text\""`},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := evaluated(head + tt.in)
			if err != nil {
				got = "E " + strings.TrimPrefix(err.Error(), "resource X: ")
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// evaluated is the property V of the resource X as JSON.
func evaluated(text string) (string, error) {
	tpl, err := template.Parse(text)
	if err != nil {
		return "", err
	}
	x, _ := tpl.Resource("X")
	m, err := environment(tpl, nil).Properties(x)
	if err != nil {
		return "", err
	}
	v, _ := m.Get("V")
	b, err := json.Marshal(v)
	return string(b), err
}

// Sections that refer to what they may not, or to each other in a circle.
func TestSectionsThatRefer(t *testing.T) {
	for _, tt := range []struct{ in, want string }{ // "": it is right
		{"Conditions: {A: !Condition B, B: !Condition A}\nResources: {X: {Type: T, Condition: A}}", "Template error: found circular condition dependency at A"},
		{"Conditions: {A: !Not [!Condition A]}\nResources: {X: {Type: T, Condition: A}}", "Template error: found circular condition dependency at A"},
		{"Conditions: {A: !Equals [!Ref X, a]}\nResources: {X: {Type: T}}", "Template format error: Unresolved dependencies [X]. Cannot reference resources in the Conditions block of the template"},
		{"Conditions: {A: yes}\nResources: {X: {Type: T, Condition: A}}", "Template error: every condition must be made of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition"},
		{"Conditions: {A: !Or [!Equals [a, a]]}\nResources: {X: {Type: T, Condition: A}}", "Template error: Fn::Or must be given a list of 2 to 10 values"},
		{"Resources: {X: {Type: T, Condition: Gone}}", "Template format error: Unresolved condition Gone of resource X"},
		{"Conditions: {No: !Equals [a, b]}\nResources: {X: {Type: T, Condition: No}, Y: {Type: T, DependsOn: X}}", ""},
		{"Conditions: {No: !Equals [a, b]}\nResources: {X: {Type: T, Condition: No}, Y: {Type: T, Properties: {v: !Ref X}}}", ""},
		{"Conditions: {No: !Equals [a, b]}\nResources: {X: {Type: T, Condition: No}, Y: {Type: T, Properties: {v: !If [No, !Ref X, none]}}}", ""},
		{"Conditions: {No: !Equals [a, b]}\nResources: {X: {Type: T, Condition: No}, Y: {Type: T}}\nOutputs: {O: {Condition: No, Value: !Ref X}}", ""},
	} {
		tpl, err := template.Parse(tt.in)
		if err == nil {
			_, err = tpl.Order(nil)
		}
		if err == nil {
			if x, _ := tpl.Resource("X"); x.Condition != "" {
				_, err = (&template.Environment{Template: tpl}).Condition(x.Condition)
			}
		}
		if got := fmt.Sprint(err); tt.want == "" && err != nil || tt.want != "" && got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}
