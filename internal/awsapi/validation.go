package awsapi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxViolations bounds the error message of a request that is wrong many
	// times over: a body of a megabyte can hold a hundred thousand mistakes.
	maxViolations = 100
	// maxEcho bounds how much of a wrong value is repeated in the message.
	maxEcho = 4096
)

// StringRule is the constraint of a string shape. Lengths are in UTF-16 code
// units, as the services count; zero is no bound.
type StringRule struct {
	Min, Max  int
	Pattern   *Pattern
	Enum      []string
	Sensitive bool // the value is never repeated in a message
}

// NumberRule is the constraint of a numeric shape.
type NumberRule struct {
	Min, Max       float64
	HasMin, HasMax bool
	Double         bool // bounds are printed as 1.0
}

// SizeRule is the constraint of a list or map shape; zero is no bound.
type SizeRule struct {
	Min, Max  int
	Sensitive bool
}

// Validation collects the constraints that a request violates, in the words of
// the services. The zero value is ready. The path of a nested member is kept
// as steps and put together only for a message, so that a request without
// mistakes costs no allocation.
type Validation struct {
	steps      []step
	violations []string
}

type step struct {
	name string
	item int // one-based position in a list, or 0
	key  string
}

// Message returns the violations as the services write them, or "" if there
// are none.
func (v *Validation) Message() string {
	switch n := len(v.violations); n {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + v.violations[0]
	default:
		return strconv.Itoa(n) + " validation errors detected: " + strings.Join(v.violations, "; ")
	}
}

// Enter steps into the structure member name.
func (v *Validation) Enter(name string) { v.steps = append(v.steps, step{name: name}) }

// EnterItem steps into the structure at index i, from zero, of the list name.
func (v *Validation) EnterItem(name string, i int) {
	v.steps = append(v.steps, step{name: name, item: i + 1})
}

// EnterEntry steps into the structure under key of the map name.
func (v *Validation) EnterEntry(name, key string) {
	v.steps = append(v.steps, step{name: name, key: key})
}

// Leave undoes the last Enter.
func (v *Validation) Leave() { v.steps = v.steps[:len(v.steps)-1] }

// Full reports whether enough violations are known: lists stop there.
func (v *Validation) Full() bool { return len(v.violations) >= maxViolations }

func (v *Validation) path(name string) string {
	var b strings.Builder
	for _, s := range v.steps {
		b.WriteString(s.name)
		switch {
		case s.item > 0:
			b.WriteString("." + strconv.Itoa(s.item) + ".member")
		case s.key != "":
			b.WriteString("." + s.key + ".member")
		}
		b.WriteByte('.')
	}
	b.WriteString(name)
	return b.String()
}

// add records a violation. value is "" for a value that is not to be shown.
func (v *Validation) add(value, name, constraint string) {
	if v.Full() {
		return
	}
	if value != "" {
		value += " "
	}
	v.violations = append(v.violations, "Value "+value+"at '"+v.path(name)+"' failed to satisfy constraint: "+constraint)
}

// Required records a violation if a required member is missing.
func (v *Validation) Required(name string, missing, sensitive bool) {
	if !missing {
		return
	}
	value := "null"
	if sensitive {
		value = ""
	}
	v.add(value, name, "Member must not be null")
}

// String checks a string; nil is absent.
func (v *Validation) String(name string, s *string, r *StringRule) {
	if s == nil {
		return
	}
	broken := r.check(*s)
	if broken == nil {
		return
	}
	value := ""
	if !r.Sensitive {
		value = quote(*s)
	}
	for _, c := range broken {
		v.add(value, name, c)
	}
}

// check returns the constraints that s breaks: length before pattern.
func (r *StringRule) check(s string) (broken []string) {
	tooLong := r.Max > 0 && len(s) > r.Max && utf16Len(s) > r.Max
	if tooLong {
		broken = append(broken, "Member must have length less than or equal to "+strconv.Itoa(r.Max))
	}
	if r.Min > 0 && len(s) < 3*r.Min && utf16Len(s) < r.Min {
		broken = append(broken, "Member must have length greater than or equal to "+strconv.Itoa(r.Min))
	}
	// A string that is refused for its length is not searched at length.
	if r.Pattern != nil && !(tooLong && len(s) > 4*r.Max+maxEcho) && !r.Pattern.Match(s) {
		broken = append(broken, "Member must satisfy regular expression pattern: "+r.Pattern.Text)
	}
	if r.Enum != nil && !slices.Contains(r.Enum, s) {
		broken = append(broken, "Member must satisfy enum value set: ["+strings.Join(r.Enum, ", ")+"]")
	}
	return broken
}

// all returns every constraint of the rule: how the services report a list or
// map one of whose elements breaks any of them.
func (r *StringRule) all() []string {
	var c []string
	if r.Max > 0 {
		c = append(c,
			"Member must have length less than or equal to "+strconv.Itoa(r.Max),
			"Member must have length greater than or equal to "+strconv.Itoa(r.Min))
	} else if r.Min > 0 {
		c = append(c, "Member must have length greater than or equal to "+strconv.Itoa(r.Min))
	}
	if r.Pattern != nil {
		c = append(c, "Member must satisfy regular expression pattern: "+r.Pattern.Text)
	}
	if r.Enum != nil {
		c = append(c, "Member must satisfy enum value set: ["+strings.Join(r.Enum, ", ")+"]")
	}
	return append(c, "Member must not be null")
}

// utf16Len returns the length of s in UTF-16 code units.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// quote shows a value, cut when it is very long.
func quote(s string) string {
	if len(s) > maxEcho {
		cut := maxEcho
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return "'" + s + "'"
}

// Number checks an integer or a double; nil is absent.
func Number[T int32 | int64 | float64](v *Validation, name string, n *T, r *NumberRule) {
	if n == nil {
		return
	}
	f := float64(*n)
	value := "'" + r.format(f) + "'"
	if r.HasMax && !(f <= r.Max) {
		v.add(value, name, "Member must have value less than or equal to "+r.format(r.Max))
	}
	if r.HasMin && !(f >= r.Min) {
		v.add(value, name, "Member must have value greater than or equal to "+r.format(r.Min))
	}
}

func (r *NumberRule) format(f float64) string {
	if r.Double && f == float64(int64(f)) {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// Size checks the number of elements of a list or map of structures, whose
// elements are not repeated in the message.
func (v *Validation) Size(name string, n int, present bool, r *SizeRule) {
	if !present {
		return
	}
	value := ""
	if n == 0 && !r.Sensitive {
		value = "'[]'"
	}
	v.size(name, value, n, r)
}

func (v *Validation) size(name, value string, n int, r *SizeRule) {
	if r.Max > 0 && n > r.Max {
		v.add(value, name, "Member must have length less than or equal to "+strconv.Itoa(r.Max))
	}
	if n < r.Min {
		v.add(value, name, "Member must have length greater than or equal to "+strconv.Itoa(r.Min))
	}
}

// Strings checks a list of strings; nil is absent.
func (v *Validation) Strings(name string, list []string, size *SizeRule, r *StringRule) {
	if list == nil {
		return
	}
	wrong := slices.ContainsFunc(list, r.broken)
	if !wrong && len(list) >= size.Min && (size.Max == 0 || len(list) <= size.Max) {
		return
	}
	value := ""
	if !size.Sensitive && !r.Sensitive {
		value = quote("[" + strings.Join(list, ", ") + "]")
	}
	v.size(name, value, len(list), size)
	if wrong {
		v.add(value, name, "Member must satisfy constraint: ["+strings.Join(r.all(), ", ")+"]")
	}
}

// StringMap checks a map of strings to strings; nil is absent. A nil rule
// holds for everything.
func (v *Validation) StringMap(name string, m map[string]string, size *SizeRule, key, value *StringRule) {
	badKey, badValue := false, false
	for k, s := range m {
		badKey = badKey || key.broken(k)
		badValue = badValue || value.broken(s)
	}
	hide := size.Sensitive || key != nil && key.Sensitive || value != nil && value.Sensitive
	mapped(v, name, m, size, key, badKey, badValue, hide, value.list, func(s string) string { return s })
}

func (r *StringRule) broken(s string) bool {
	return r != nil && r.check(s) != nil
}

func (r *StringRule) list() string { return strings.Join(r.all(), ", ") }

// Float64Map checks a map of strings to numbers; nil is absent.
func (v *Validation) Float64Map(name string, m map[string]float64, size *SizeRule, key *StringRule, value *NumberRule) {
	badKey, badValue := false, false
	for k, f := range m {
		badKey = badKey || key.broken(k)
		badValue = badValue || value.HasMax && !(f <= value.Max) || value.HasMin && !(f >= value.Min)
	}
	constraints := func() string {
		var c []string
		if value.HasMax {
			c = append(c, "Member must have value less than or equal to "+value.format(value.Max))
		}
		if value.HasMin {
			c = append(c, "Member must have value greater than or equal to "+value.format(value.Min))
		}
		return strings.Join(append(c, "Member must not be null"), ", ")
	}
	mapped(v, name, m, size, key, badKey, badValue, size.Sensitive, constraints, value.format)
}

// Keys checks the keys of a map of structures; nil is absent.
func Keys[T any](v *Validation, name string, m map[string]T, size *SizeRule, key *StringRule) {
	bad := false
	for k := range m {
		bad = bad || key.broken(k)
	}
	mapped(v, name, m, size, key, bad, false, true, nil, nil)
}

func mapped[T any](v *Validation, name string, m map[string]T, size *SizeRule, key *StringRule, badKey, badValue, hide bool, constraints func() string, format func(T) string) {
	if m == nil || !badKey && !badValue && len(m) >= size.Min && (size.Max == 0 || len(m) <= size.Max) {
		return
	}
	shown := ""
	if !hide {
		entries := make([]string, 0, len(m))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			entries = append(entries, fmt.Sprintf("%s=%s", k, format(m[k])))
		}
		shown = quote("{" + strings.Join(entries, ", ") + "}")
	}
	v.size(name, shown, len(m), size)
	if badKey {
		v.add(shown, name, "Map keys must satisfy constraint: ["+key.list()+"]")
	}
	if badValue {
		v.add(shown, name, "Map value must satisfy constraint: ["+constraints()+"]")
	}
}
