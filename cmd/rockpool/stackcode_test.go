package main

import (
	"strings"
	"testing"
)

// Only the value is replaced, wherever it stands, and never half of one.
func TestReplaceLocalCode(t *testing.T) {
	const with = `{"S3Bucket":"b"}`
	head := "# é comes before\nResources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties: "
	for _, c := range []struct{ name, before, value, after string }{
		{"plain", "\n      Code: ", "./f", " # why\r\n"},
		{"quoted", "\n      Code:   ", `"a b"`, "\n"},
		{"single quotes", "\n      Code: ", `'a: b'`, "\n"},
		{"in a flow, after what is not ASCII", "{Description: 'é…', Code: ", "./f", ", Handler: x}\n"},
		{"JSON", `{"Description": "é", "Code": `, `"f/"`, "}"},
		{"an escape", `{"Code": `, `"a\u0062"`, "}"},
		{"two lines", "\n      Code: ", "./f\n        g", "\n"},
		{"an anchor", "\n      Code: ", "&a ./f", "\n"},
		{"an address", "\n      Code: ", "s3://b/k", "\n"},
		{"a function", "\n      Code: ", "!Ref X", "\n"},
	} {
		text := head + c.before + c.value + c.after
		list := findLocalCode([]byte(text))
		switch c.name {
		case "an address", "a function":
			if len(list) != 0 {
				t.Errorf("%s: taken for a path: %+v", c.name, list)
			}
			continue
		}
		if len(list) != 1 {
			t.Errorf("%s: found %d paths in\n%s", c.name, len(list), text)
			continue
		}
		got, err := replaceScalar([]byte(text), list[0].value, []byte(with))
		switch c.name {
		case "an escape", "two lines", "an anchor":
			if err == nil || !strings.Contains(err.Error(), "on one line and without escapes") {
				t.Errorf("%s: %v\n%s", c.name, err, got)
			}
		default:
			if want := head + c.before + with + c.after; err != nil || string(got) != want {
				t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, want)
			}
		}
	}
}
