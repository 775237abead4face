package token

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Use is the kind of a signed token: what its token_use claim says.
type Use string

// The two kinds of signed tokens.
const (
	ID     Use = "id"
	Access Use = "access"
)

// Claim is one member of a claim set. Value is one JSON value.
type Claim struct {
	Name  string
	Value jsontext.Value
}

// Claims is an ordered set of claims, each a name and a raw JSON value. The
// zero value is empty and ready for use. A copy made by assignment shares its
// members with the original: use Clone before changing either. It is not safe
// for concurrent use while it is being changed.
type Claims struct {
	list []Claim
	// index maps names to positions once the set is too large to be searched
	// from end to end: a function may add thousands of claims.
	index map[string]int
}

// indexFrom is the size from which a set keeps an index. Ordinary tokens have
// 10 to 25 claims, where a scan is faster and costs no memory.
const indexFrom = 48

// MaxDepth is how deeply the JSON of claims, headers and function output may
// nest.
const MaxDepth = 64

func (c *Claims) find(name string) int {
	if c.index != nil {
		if i, ok := c.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range c.list {
		if c.list[i].Name == name {
			return i
		}
	}
	return -1
}

// Set sets a claim to a Go value: a string, bool, integer, []string,
// jsontext.Value, or anything else that can be marshalled. A value that cannot
// be is a programming error and panics.
func (c *Claims) Set(name string, value any) {
	var raw jsontext.Value
	switch v := value.(type) {
	case string:
		raw = quote(v)
	case bool:
		raw = strconv.AppendBool(nil, v)
	case int:
		raw = strconv.AppendInt(nil, int64(v), 10)
	case int64:
		raw = strconv.AppendInt(nil, v, 10)
	case jsontext.Value:
		raw = v
	default:
		var err error
		if raw, err = json.Marshal(value, json.Deterministic(true)); err != nil {
			panic(fmt.Sprintf("token: claim %q: %v", name, err))
		}
	}
	c.SetRaw(name, raw)
}

// SetRaw sets a claim to value, which must be one valid JSON value and must not
// be changed afterwards. A claim that exists keeps its place.
func (c *Claims) SetRaw(name string, value jsontext.Value) {
	if i := c.find(name); i >= 0 {
		c.list[i].Value = value
		return
	}
	c.list = append(c.list, Claim{Name: name, Value: value})
	switch {
	case c.index != nil:
		c.index[name] = len(c.list) - 1
	case len(c.list) >= indexFrom:
		c.reindex()
	}
}

func (c *Claims) reindex() {
	c.index = nil
	if len(c.list) < indexFrom {
		return
	}
	c.index = make(map[string]int, len(c.list)+len(c.list)/2)
	for i := range c.list {
		c.index[c.list[i].Name] = i
	}
}

// Get returns the raw value of a claim. The caller must not change it.
func (c Claims) Get(name string) (jsontext.Value, bool) {
	if i := c.find(name); i >= 0 {
		return c.list[i].Value, true
	}
	return nil, false
}

// Has reports whether the set has a claim of that name.
func (c Claims) Has(name string) bool { return c.find(name) >= 0 }

// String returns the value of a claim that is a JSON string, and "" for one
// that is absent or of another type.
func (c Claims) String(name string) string {
	v, _ := c.Get(name)
	s, _ := unquote(v)
	return s
}

// Int returns the value of a claim that is an integer in plain decimal form,
// as every time claim of ours is.
func (c Claims) Int(name string) (int64, bool) {
	v, ok := c.Get(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// Strings returns the value of a claim that is an array of strings, and nil
// for one that is absent or of another type.
func (c Claims) Strings(name string) []string {
	v, ok := c.Get(name)
	if !ok || v.Kind() != jsontext.KindBeginArray {
		return nil
	}
	var list []jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := unquote(e)
		if !ok {
			return nil
		}
		out = append(out, s)
	}
	return out
}

// Delete removes a claim, if it is there.
func (c *Claims) Delete(name string) {
	if c.find(name) >= 0 {
		c.deleteFunc(func(n string) bool { return n == name })
	}
}

// deleteFunc removes every claim whose name drop accepts.
func (c *Claims) deleteFunc(drop func(name string) bool) {
	n := len(c.list)
	c.list = slices.DeleteFunc(c.list, func(m Claim) bool { return drop(m.Name) })
	if len(c.list) != n && c.index != nil {
		c.reindex()
	}
}

// Len returns the number of claims.
func (c Claims) Len() int { return len(c.list) }

// Names returns the names in order.
func (c Claims) Names() []string {
	names := make([]string, len(c.list))
	for i := range c.list {
		names[i] = c.list[i].Name
	}
	return names
}

// All iterates over the claims in order.
func (c Claims) All() iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		for _, m := range c.list {
			if !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// Clone returns a copy that can be changed without changing c. The values
// themselves are shared: nothing in this package writes to one.
func (c Claims) Clone() Claims {
	// Room for what a function usually adds, so that Apply allocates once.
	out := Claims{list: append(make([]Claim, 0, len(c.list)+8), c.list...)}
	out.reindex()
	return out
}

// AppendJSON appends the set as one JSON object, without white space between
// the members.
func (c Claims) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range c.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuote(dst, c.list[i].Name)
		dst = append(dst, ':')
		dst = append(dst, c.list[i].Value...)
	}
	return append(dst, '}')
}

// MarshalJSON implements json.Marshaler.
func (c Claims) MarshalJSON() ([]byte, error) { return c.AppendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler. It is as strict as ParseClaims.
func (c *Claims) UnmarshalJSON(b []byte) error {
	parsed, err := ParseClaims(b)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// ParseClaims reads one JSON object. It refuses, with ErrMalformed, anything
// else: other JSON, data after the object, a member named twice at any depth,
// invalid UTF-8, and nesting beyond MaxDepth.
func ParseClaims(b []byte) (Claims, error) {
	if TooDeep(b, MaxDepth) {
		return Claims{}, fmt.Errorf("%w: nested deeper than %d", ErrMalformed, MaxDepth)
	}
	b = bytes.Clone(b) // every value is a part of this copy
	d := jsontext.NewDecoder(bytes.NewBuffer(b))
	open, err := d.ReadToken()
	if err != nil {
		return Claims{}, malformed(err)
	}
	if open.Kind() != jsontext.KindBeginObject {
		return Claims{}, fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	c := Claims{list: make([]Claim, 0, 24)}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return Claims{}, malformed(err)
		}
		n := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return Claims{}, malformed(err)
		}
		// The decoder has refused duplicates, so there is nothing to search for.
		end := d.InputOffset()
		c.list = append(c.list, Claim{Name: n, Value: b[end-int64(len(value)) : end : end]})
	}
	if _, err := d.ReadToken(); err != nil {
		return Claims{}, malformed(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return Claims{}, fmt.Errorf("%w: data after the JSON object", ErrMalformed)
	}
	c.reindex()
	return c, nil
}

// TooDeep reports whether JSON text nests arrays and objects beyond max. It
// only counts brackets outside strings, so it is to be asked before the text
// is parsed, and says nothing about whether the text is valid.
func TooDeep(b []byte, max int) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			inString = !inString
		case '\\':
			if inString {
				i++
			}
		case '{', '[':
			if !inString {
				if depth++; depth > max {
					return true
				}
			}
		case '}', ']':
			if !inString {
				depth--
			}
		}
	}
	return false
}

// quote returns s as a JSON string.
func quote(s string) jsontext.Value {
	return appendQuote(make([]byte, 0, len(s)+2), s)
}

// appendQuote appends s as a JSON string. Almost every name and value is plain
// ASCII with nothing to escape.
func appendQuote(dst []byte, s string) []byte {
	for i := range len(s) {
		if b := s[i]; b < 0x20 || b >= 0x7f || b == '"' || b == '\\' {
			// The error only says that invalid UTF-8 became U+FFFD, which is
			// the best that JSON can do with it.
			out, _ := jsontext.AppendQuote(dst, s)
			return out
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// unquote returns the text of a JSON string.
func unquote(v jsontext.Value) (string, bool) {
	if v.Kind() != jsontext.KindString {
		return "", false
	}
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' && bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : n-1]), true
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}
