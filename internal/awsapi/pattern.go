package awsapi

import (
	"regexp"
	"regexp/syntax"
	"sort"
	"sync"
	"unicode/utf8"
)

// Pattern is a regular expression that a whole string must match. It is
// compiled when it is first needed: a server start does not wait for the many
// that its requests never meet.
type Pattern struct {
	Text string // as the model has it, for messages
	Expr string // the same for Go
	Not  string // what the string must not match, for a lookaround in Text

	once  sync.Once
	class *class // if the pattern is a run of one character class
	expr  *regexp.Regexp
	not   *regexp.Regexp
}

// Match reports whether all of s has the pattern.
func (p *Pattern) Match(s string) bool {
	p.once.Do(p.compile)
	if p.class != nil {
		if !p.class.match(s) {
			return false
		}
	} else if !p.expr.MatchString(s) {
		return false
	}
	return p.not == nil || !p.not.MatchString(s)
}

func (p *Pattern) compile() {
	if p.class = runOf(p.Expr); p.class == nil {
		p.expr = regexp.MustCompile(`\A(?:` + p.Expr + `)\z`)
	}
	if p.Not != "" {
		p.not = regexp.MustCompile(`\A(?:` + p.Not + `)\z`)
	}
}

// class is a set of characters. Most patterns of the models ask for nothing but
// characters of one set, access tokens of two kilobytes among them: to look
// them up in a table takes a small part of what the general machine takes.
type class struct {
	ascii  [utf8.RuneSelf]bool
	ranges []rune // pairs of first and last, sorted
	least  int    // 1 if an empty string does not match
}

// runOf returns the class of an expression of the form [class]+ or [class]*,
// also in a group or between anchors, and nil for any other.
func runOf(expr string) *class {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	for {
		switch {
		case re.Op == syntax.OpCapture:
			re = re.Sub[0]
			continue
		case re.Op == syntax.OpConcat && len(re.Sub) == 3 && re.Sub[0].Op == syntax.OpBeginText && re.Sub[2].Op == syntax.OpEndText:
			re = re.Sub[1]
			continue
		case re.Op != syntax.OpPlus && re.Op != syntax.OpStar:
			return nil
		}
		break
	}
	sub := re.Sub[0]
	if sub.Op != syntax.OpCharClass || sub.Flags&syntax.FoldCase != 0 {
		return nil
	}
	c := &class{ranges: sub.Rune}
	if re.Op == syntax.OpPlus {
		c.least = 1
	}
	for i := range c.ascii {
		c.ascii[i] = c.has(rune(i))
	}
	return c
}

func (c *class) has(r rune) bool {
	n := len(c.ranges) / 2
	i := sort.Search(n, func(i int) bool { return c.ranges[2*i+1] >= r })
	return i < n && c.ranges[2*i] <= r
}

func (c *class) match(s string) bool {
	if len(s) < c.least {
		return false
	}
	for i := 0; i < len(s); {
		if b := s[i]; b < utf8.RuneSelf {
			if !c.ascii[b] {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !c.has(r) {
			return false
		}
		i += size
	}
	return true
}
