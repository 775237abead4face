// Package pattern compiles regular expressions that callers send.
//
// They are RE2's, which take linear time whatever they are; but a{1000} is a
// thousand instructions, each of which takes its time with every letter and its
// place in memory. So they have a size, and it is bounded before the memory is
// taken (security PARSE-3).
package pattern

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// MaxLength is how many bytes an expression can have.
const MaxLength = 2048

// ErrSize is returned for an expression over a bound.
var ErrSize = errors.New("the pattern is too large")

// Compile compiles an expression that has at most so many instructions, and
// says how many it has. Whole says that it is for whole texts.
func Compile(expr string, whole bool, most int) (re *regexp.Regexp, size int, err error) {
	if len(expr) > MaxLength {
		return nil, 0, ErrSize
	}
	// By itself first: a parenthesis must not close the one that is put around.
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, 0, err
	}
	if size = len(program.Inst); size > most {
		return nil, 0, ErrSize
	}
	if whole {
		expr = `^(?:` + expr + `)$`
	}
	re, err = regexp.Compile(expr)
	return re, size, err
}
