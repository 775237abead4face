package awsapitest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// samples has a string for each pattern that a required member has, written by
// hand.
var samples = map[string]string{
	`[\w-]+_[0-9a-zA-Z]+`: "us-east-1_abc",
	`[\w-]+_[0-9a-f-]+`:   "us-east-1_0af",
	`arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?`: "arn:aws:lambda:us-east-1:000000000000:function:f",
	`arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`:                                     "arn:aws:iam::000000000000:role/r",
	`(lambda:[*]|lambda:[a-zA-Z]+|[*])`:                                                                 "lambda:InvokeFunction",
	`(\$LATEST(\.PUBLISHED)?|[0-9]+)`:                                                                   "1",
	`[0-9]+`:                                                                                            "1",
	`^[0-9a-fA-F]+$`:                                                                                    "0a",
	`[\p{L}\p{M}\p{S}\p{N}\p{P}]+@[\p{L}\p{M}\p{S}\p{N}\p{P}]+`:                                         "a@b",
	`/mnt/[a-zA-Z0-9-_.]+`:                                                                              "/mnt/a",
	`arn:aws[a-zA-Z-]*:elasticfilesystem:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}`:                                                                                                          "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
	`arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(capacity-provider|network-connector):[a-zA-Z0-9-_]{1,64})`: "arn:aws:lambda:us-east-1:000000000000:function:f",
	`arn:aws[a-zA-Z-]*:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+`:                                                                                                                                                                                                                         "arn:aws:lambda:us-east-1:000000000000:capacity-provider:c",
}

// misfits has a string that a pattern does not match, where "\x00" is one that
// it does.
var misfits = map[string]string{
	`[\S]+`:  " ",
	`[^\s]+`: "\v",
	`.*`:     "a\u2028b",
}

// valid returns the smallest value of a shape.
func (m *model) valid(name string) any {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		v := map[string]any{}
		for n, member := range s.Members {
			if member.Required {
				v[n] = m.valid(member.Shape)
			}
		}
		return v
	case "string":
		if s.Enum != nil {
			return s.Enum[0]
		}
		if sample, ok := samples[s.Pattern]; ok {
			return sample
		}
		return strings.Repeat("a", max(1, int(deref(s.Min, 0))))
	case "integer", "long", "double":
		return deref(s.Min, 1)
	case "boolean":
		return true
	case "list":
		v := []any{}
		for range int(deref(s.Min, 0)) {
			v = append(v, m.valid(s.Member))
		}
		return v
	case "map":
		return map[string]any{}
	}
	return "" // a blob
}

// full returns a value of a shape with all members, some levels deep.
func (m *model) full(name string, depth int) any {
	s := m.Shapes[name]
	switch {
	case s.Type == "structure" && !s.Document && depth < 6:
		v := map[string]any{}
		for n, member := range s.Members {
			v[n] = m.full(member.Shape, depth+1)
		}
		return v
	case s.Type == "list" && depth < 6:
		return []any{m.full(s.Member, depth+1)}
	case s.Type == "map":
		return map[string]any{fmt.Sprint(m.valid(s.Key)): m.full(s.Value, depth+1)}
	}
	return m.valid(name)
}

func deref(f *float64, otherwise float64) float64 {
	if f == nil {
		return otherwise
	}
	return *f
}

// Constraints sends, for every member of every built operation's input, a
// value on each bound and one past it (PARSE-2).
func (s Suite) Constraints(t *testing.T) {
	c := &checker{t: t, m: s.model(t), suite: s, srv: s.server(awsapi.Options{})}
	for _, o := range s.Operations {
		c.operation = o.Name()
		in := c.m.Operations[o.Name()].Input
		if err := c.call(c.m.valid(in)); err != nil {
			t.Errorf("%s: the smallest input is refused: %v", o.Name(), err)
		}
		c.structure(in, "", func(v any) any { return v }, 0)
	}
	t.Logf("%d values in bounds, %d out of bounds", c.good, c.bad)
	if c.bad < 300 || c.good < 100 {
		t.Errorf("only %d and %d values were tried", c.bad, c.good)
	}
}

type checker struct {
	t         *testing.T
	m         *model
	suite     Suite
	srv       *awsapi.Server
	operation string
	good, bad int
}

func (c *checker) call(input any) error {
	_, err := c.srv.Call(c.t.Context(), c.suite.Service.ID, c.operation, input)
	return err
}

// structure tries the members of a structure. wrap puts a value of the
// structure where it is in the operation's input.
func (c *checker) structure(name, path string, wrap func(any) any, depth int) {
	s := c.m.Shapes[name]
	if s.Document || depth > 6 {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(s.Members)) {
		member := s.Members[n]
		shape := c.m.Shapes[member.Shape]
		at := path + strings.ToLower(n[:1]) + n[1:]
		with := func(v any) any {
			base := c.m.valid(name).(map[string]any)
			base[n] = v
			return wrap(base)
		}
		if member.Required {
			base := c.m.valid(name).(map[string]any)
			delete(base, n)
			c.wrong(wrap(base), at, shape.Sensitive, "Member must not be null")
		}
		switch shape.Type {
		case "string":
			c.text(shape, at, with)
		case "integer", "long", "double":
			c.number(shape, at, with)
		case "structure":
			c.structure(member.Shape, at+".", with, depth+1)
		case "list":
			c.list(shape, at, with, depth)
		case "map":
			c.entries(shape, at, with, depth)
		}
	}
}

func (c *checker) text(s *shape, at string, with func(any) any) {
	long, short := "", ""
	if s.Max != nil {
		most := int(*s.Max)
		long = fmt.Sprintf("Member must have length less than or equal to %d", most)
		c.right(with(strings.Repeat("a", most)), at, long)
		c.wrong(with(strings.Repeat("a", most+1)), at, s.Sensitive, long)
		// Lengths are counted in UTF-16 units: this has two a character.
		c.right(with(strings.Repeat("😀", most/2)), at, long)
		c.wrong(with(strings.Repeat("😀", most/2+1)), at, s.Sensitive, long)
	}
	if least := int(deref(s.Min, 0)); least > 0 {
		short = fmt.Sprintf("Member must have length greater than or equal to %d", least)
		c.right(with(strings.Repeat("é", least)), at, short)
		c.wrong(with(strings.Repeat("é", least-1)), at, s.Sensitive, short)
	}
	if s.Pattern != "" && s.Pattern != "(?s).*" {
		constraint := "Member must satisfy regular expression pattern: " + s.Pattern
		c.right(with(c.sample(s)), at, constraint)
		misfit, ok := misfits[s.Pattern]
		if !ok {
			misfit = "\x00"
		}
		c.wrong(with(misfit), at, s.Sensitive, constraint)
	}
	if s.Enum != nil {
		constraint := "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
		for _, v := range s.Enum {
			c.right(with(v), at, constraint)
		}
		c.wrong(with("no-such-value"), at, s.Sensitive, constraint)
		c.wrong(with(""), at, s.Sensitive, constraint)
	}
}

// sample returns a string of the pattern: from the table, or a run of a's.
func (c *checker) sample(s *shape) string {
	if v, ok := samples[s.Pattern]; ok {
		return v
	}
	for _, v := range []string{"a", "arn:aws:lambda:us-east-1:000000000000:function:f", "", "a {####} b", "{##a##}", "o-0123456789", "sg-1", "subnet-1",
		"000000000000", "arn:aws:kms:us-east-1:000000000000:key/1", "arn:aws:lambda:us-east-1:000000000000:layer:l:1",
		"arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdefg", "us-east-1"} {
		if c.accepts(s, v) {
			return v
		}
	}
	c.t.Fatalf("no sample for pattern %s", s.Pattern)
	return ""
}

// accepts asks the hand-written table of families: which of the candidates a
// pattern of the models is meant for.
func (c *checker) accepts(s *shape, v string) bool {
	p := s.Pattern
	switch {
	case strings.Contains(p, `\{####\}`):
		return v == "a {####} b"
	case strings.Contains(p, `\{##`):
		return v == "{##a##}"
	case strings.Contains(p, "code-signing-config"):
		return strings.Contains(v, "code-signing")
	case strings.Contains(p, ":layer:"):
		return strings.Contains(v, ":layer:")
	case strings.HasPrefix(p, "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:"):
		return strings.Contains(v, ":kms:")
	case strings.HasPrefix(p, "o-"), strings.HasPrefix(p, "sg-"), strings.HasPrefix(p, "subnet-"):
		return strings.HasPrefix(v, p[:2])
	case p == `\d{12}`:
		return v == "000000000000"
	case strings.HasPrefix(p, "ALL|"):
		return v == "us-east-1"
	case strings.HasPrefix(p, "arn:"), strings.HasPrefix(p, "(arn:[\\w"):
		return strings.HasPrefix(v, "arn:aws:lambda:us-east-1:000000000000:function")
	}
	return v == "a"
}

func (c *checker) number(s *shape, at string, with func(any) any) {
	form := func(f float64) string {
		if s.Type == "double" {
			return fmt.Sprintf("%.1f", f)
		}
		return fmt.Sprintf("%.0f", f)
	}
	if s.Max != nil {
		constraint := "Member must have value less than or equal to " + form(*s.Max)
		c.right(with(*s.Max), at, constraint)
		c.wrong(with(*s.Max+1), at, s.Sensitive, constraint)
	}
	if s.Min != nil {
		constraint := "Member must have value greater than or equal to " + form(*s.Min)
		c.right(with(*s.Min), at, constraint)
		c.wrong(with(*s.Min-1), at, s.Sensitive, constraint)
	}
}

func (c *checker) size(s *shape, at string, with func(int) any) {
	if s.Max != nil {
		constraint := fmt.Sprintf("Member must have length less than or equal to %.0f", *s.Max)
		c.right(with(int(*s.Max)), at, constraint)
		c.wrong(with(int(*s.Max)+1), at, true, constraint)
	}
	if least := deref(s.Min, 0); least > 0 {
		constraint := fmt.Sprintf("Member must have length greater than or equal to %.0f", least)
		c.right(with(int(least)), at, constraint)
		c.wrong(with(int(least)-1), at, true, constraint)
	}
}

func (c *checker) list(s *shape, at string, with func(any) any, depth int) {
	e := c.m.Shapes[s.Member]
	c.size(s, at, func(n int) any {
		list := make([]any, n)
		for i := range list {
			list[i] = c.m.valid(s.Member)
		}
		return with(list)
	})
	if e.Type == "structure" {
		c.structure(s.Member, at+".2.member.", func(v any) any { return with([]any{c.m.valid(s.Member), v}) }, depth+1)
		return
	}
	for _, wrong := range outside(e) {
		c.wrong(with([]any{wrong}), at, true, "Member must satisfy constraint: ["+all(e)+"]")
	}
}

func (c *checker) entries(s *shape, at string, with func(any) any, depth int) {
	k, e := c.m.Shapes[s.Key], c.m.Shapes[s.Value]
	key := fmt.Sprint(c.m.valid(s.Key))
	for _, wrong := range outside(k) {
		c.wrong(with(map[string]any{fmt.Sprint(wrong): c.m.valid(s.Value)}), at, true, "Map keys must satisfy constraint: ["+all(k)+"]")
	}
	if e.Type == "structure" {
		c.structure(s.Value, at+"."+key+".member.", func(v any) any { return with(map[string]any{key: v}) }, depth+1)
		return
	}
	for _, wrong := range outside(e) {
		c.wrong(with(map[string]any{key: wrong}), at, true, "Map value must satisfy constraint: ["+all(e)+"]")
	}
}

// outside returns values just out of a scalar shape's bounds.
func outside(s *shape) []any {
	var v []any
	if s.Type != "string" {
		if s.Min != nil {
			v = append(v, *s.Min-0.5)
		}
		if s.Max != nil {
			v = append(v, *s.Max+0.5)
		}
		return v
	}
	if s.Max != nil {
		v = append(v, strings.Repeat("a", int(*s.Max)+1))
	}
	if least := int(deref(s.Min, 0)); least > 0 {
		v = append(v, strings.Repeat("a", least-1))
	}
	if s.Enum != nil {
		v = append(v, "no-such-value")
	}
	if s.Pattern != "" {
		v = append(v, "\x00")
	}
	return v
}

// all words every constraint of an element, as the services list them.
func all(s *shape) string {
	var c []string
	if s.Type != "string" {
		return fmt.Sprintf("Member must have value less than or equal to %.1f, Member must have value greater than or equal to %.1f, Member must not be null", *s.Max, *s.Min)
	}
	if s.Max != nil {
		c = append(c, fmt.Sprintf("Member must have length less than or equal to %.0f", *s.Max))
		c = append(c, fmt.Sprintf("Member must have length greater than or equal to %.0f", deref(s.Min, 0)))
	}
	if s.Pattern != "" {
		c = append(c, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
	if s.Enum != nil {
		c = append(c, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	return strings.Join(append(c, "Member must not be null"), ", ")
}

// wrong wants the input refused for constraint at a member.
func (c *checker) wrong(input any, at string, hidden bool, constraint string) {
	c.t.Helper()
	c.bad++
	err := c.call(input)
	want := "at '" + at + "' failed to satisfy constraint: " + constraint
	if apierr.CodeOf(err) != c.suite.Service.ValidationCode || !strings.Contains(err.Error(), want) {
		c.t.Errorf("%s %s: got %s, want %s", c.operation, at, brief(err), want)
		return
	}
	// Lists and maps pass hidden because their values may be shown or not;
	// for a member of its own the model decides.
	if sensitive := c.sensitive(at, err); hidden && sensitive {
		c.t.Errorf("%s %s: the value is shown: %s", c.operation, at, brief(err))
	}
}

// sensitive reports whether the message shows a value that the model marks so.
func (c *checker) sensitive(at string, err error) bool {
	name := at[strings.LastIndexByte(at, '.')+1:]
	shown := strings.Contains(err.Error(), "Value '") && strings.Contains(err.Error(), "' at '"+at+"'")
	if !shown {
		return false
	}
	for _, s := range c.m.Shapes {
		for n, member := range s.Members {
			if strings.ToLower(n[:1])+n[1:] == name && c.m.Shapes[member.Shape].Sensitive {
				return true
			}
		}
	}
	return false
}

// right wants the input not to be refused for constraint at a member.
func (c *checker) right(input any, at, constraint string) {
	c.t.Helper()
	c.good++
	err := c.call(input)
	if err != nil && apierr.CodeOf(err) != c.suite.Service.ValidationCode {
		c.t.Errorf("%s %s: %s", c.operation, at, brief(err))
	}
	if err != nil && strings.Contains(err.Error(), "at '"+at+"' failed to satisfy constraint: "+constraint) {
		c.t.Errorf("%s %s: refused on the bound: %s", c.operation, at, brief(err))
	}
}

func brief(err error) string {
	s := fmt.Sprint(err)
	return s[:min(len(s), 600)]
}
