package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ordered is a JSON object that keeps the order of its members: the order in
// which a response writes them.
type ordered[T any] struct {
	names  []string
	values map[string]T
}

func (o *ordered[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	o.values = map[string]T{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		var v T
		if err := json.UnmarshalDecode(dec, &v); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		o.names = append(o.names, key)
		o.values[key] = v
	}
	_, err := dec.ReadToken()
	return err
}

// model is a service model: what botocore publishes, in one compact file.
type model struct {
	Service      string              `json:"service"`
	APIVersion   string              `json:"apiVersion"`
	Protocol     string              `json:"protocol"`
	TargetPrefix string              `json:"targetPrefix"`
	SigningName  string              `json:"signingName"`
	Operations   ordered[*operation] `json:"operations"`
	Shapes       map[string]*shape   `json:"shapes"`
}

type operation struct {
	Input  string   `json:"input"`
	Output string   `json:"output"`
	Errors []string `json:"errors"`
	Auth   string   `json:"auth"`
	Group  string   `json:"group"`
	HTTP   struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
}

type shape struct {
	Type      string           `json:"type"`
	Members   ordered[*member] `json:"members"`
	Member    string           `json:"member"`
	Key       string           `json:"key"`
	Value     string           `json:"value"`
	Min       *float64         `json:"min"`
	Max       *float64         `json:"max"`
	Pattern   string           `json:"pattern"`
	Enum      []string         `json:"enum"`
	Sensitive bool             `json:"sensitive"`
	Document  bool             `json:"document"`
	Exception bool             `json:"exception"`
	Fault     bool             `json:"fault"`
	Payload   string           `json:"payload"`
	Error     struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

type member struct {
	Shape        string `json:"shape"`
	Required     bool   `json:"required"`
	Location     string `json:"location"`
	LocationName string `json:"locationName"`
}

func readModel(path string) (*model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := new(model)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// code returns what an exception is called on the wire.
func (m *model) code(name string) string {
	if c := m.Shapes[name].Error.Code; c != "" && m.Protocol == "query" {
		return c
	}
	return name
}

// readNames reads the names of the operations that are built, one a line.
func readNames(path string, m *model) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	names := strings.Fields(string(b))
	for _, n := range names {
		if m.Operations.values[n] == nil {
			return nil, fmt.Errorf("%s: the model has no operation %s", path, n)
		}
	}
	return names, nil
}

// reach returns the shapes that can be reached from roots, in the order in
// which they are met.
func (m *model) reach(roots []string) ([]string, error) {
	var order []string
	seen := map[string]bool{}
	var walk func(string) error
	walk = func(name string) error {
		if name == "" || seen[name] {
			return nil
		}
		s := m.Shapes[name]
		if s == nil {
			return fmt.Errorf("the model has no shape %s", name)
		}
		seen[name] = true
		order = append(order, name)
		for _, n := range s.Members.names {
			if err := walk(s.Members.values[n].Shape); err != nil {
				return err
			}
		}
		for _, n := range []string{s.Member, s.Key, s.Value} {
			if err := walk(n); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range roots {
		if err := walk(r); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// lower lowers the first letter: UserPoolId is userPoolId in paths, and a
// shape is the unexported type of the same name.
func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// upper exports a member's name; a few begin with a small letter.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
