package trigger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// members is a JSON object with its members in order, so that one that is
// absent, null or empty can be told apart.
type members []member

type member struct {
	name  string
	value jsontext.Value
}

// get returns a member, or nil if it is absent.
func (m members) get(name string) jsontext.Value {
	for i := range m {
		if m[i].name == name {
			return m[i].value
		}
	}
	return nil
}

// has returns whether a member is there and is not null.
func (m members) has(name string) bool { return !absent(m.get(name)) }

func absent(v jsontext.Value) bool { return v == nil || v.Kind() == jsontext.KindNull }

// readResponse returns the "response" member of a function's whole output. It
// has gone through all of the output: what it returns is valid JSON of bounded
// depth with no member named twice.
func readResponse(payload []byte) (jsontext.Value, error) {
	if len(payload) > MaxPayload {
		return nil, unrecognizable("more than 6 MB")
	}
	if token.TooDeep(payload, token.MaxDepth) {
		return nil, unrecognizable("nested too deeply")
	}
	event := jsontext.Value(bytes.TrimSpace(payload))
	if kind := event.Kind(); kind != jsontext.KindBeginObject {
		if !event.IsValid() {
			return nil, errNotJSON.Because(errors.New("not JSON"))
		}
		return nil, unrecognizable("not an object")
	}
	m, err := readObject(event, "output")
	if err != nil {
		return nil, err
	}
	response := m.get("response")
	if response.Kind() != jsontext.KindBeginObject {
		return nil, unrecognizable("no response object")
	}
	return response, nil
}

// decoders are used again: one answer is read with four of them.
var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(nothing{}) }}

// nothing is an empty input.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// readObject reads the members of v, which must be an object; what names it in
// the cause of the error. The values are parts of v.
func readObject(v jsontext.Value, what string) (members, error) {
	d := decoders.Get().(*jsontext.Decoder)
	d.Reset(bytes.NewBuffer(v))
	defer func() {
		d.Reset(nothing{}) // not to keep v in memory
		decoders.Put(d)
	}()
	if open, err := d.ReadToken(); err != nil || open.Kind() != jsontext.KindBeginObject {
		return nil, unrecognizable(what, " is not an object")
	}
	var m members
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return nil, syntax(err)
		}
		n := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, syntax(err)
		}
		end := d.InputOffset()
		m = append(m, member{n, v[end-int64(len(value)) : end : end]})
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, syntax(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, syntax(errors.New("data after the object"))
	}
	return m, nil
}

// syntax is the error for text that is not the JSON it has to be. A member
// named twice is JSON, but says two things.
func syntax(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errUnrecognizable.Because(err)
	}
	return errNotJSON.Because(err)
}

// readStrings reads an array of strings; absent and null are an empty one.
func readStrings(v jsontext.Value, what string) ([]string, error) {
	if absent(v) {
		return nil, nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
	if open, err := d.ReadToken(); err != nil || open.Kind() != jsontext.KindBeginArray {
		return nil, unrecognizable(what, " is not an array")
	}
	list := []string{}
	for {
		t, err := d.ReadToken()
		switch {
		case err != nil:
			return nil, syntax(err)
		case t.Kind() == jsontext.KindEndArray:
			return list, nil
		case t.Kind() != jsontext.KindString:
			return nil, unrecognizable(what, " has an element that is not a string")
		case len(list) >= maxEntries:
			return nil, unrecognizable(fmt.Sprintf("%s has more than %d elements", what, maxEntries))
		}
		list = append(list, t.String())
	}
}

// readString reads a string; absent and null are "".
func readString(v jsontext.Value, what string) (string, error) {
	if absent(v) {
		return "", nil
	}
	if v.Kind() != jsontext.KindString {
		return "", unrecognizable(what, " is not a string")
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", syntax(err)
	}
	return string(b), nil
}
