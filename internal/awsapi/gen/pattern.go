package main

import (
	"fmt"
	"regexp"
	"strings"
)

// lookarounds are the patterns of the models that Go's regular expressions
// cannot say, each as one that must match and one that must not.
var lookarounds = map[string]struct{ expr, not string }{
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`: {`[a-zA-Z0-9-_]+`, `[0-9]+`},
	`[0-9A-Za-z\.\-_]*(?<!\.)`:     {`[0-9A-Za-z\.\-_]*`, `.*\.`},
	`^[0-9A-Za-z\.\-_]*(?<!\.)$`:   {`[0-9A-Za-z\.\-_]*`, `.*\.`},
}

var unicodeDigits = regexp.MustCompile(`^(?:10FFFF|10000|[0-9A-Fa-f]{4})`)

// convert returns the Go form of a Java pattern that is matched against a
// whole string. Java's \s has the vertical tab, and its dot stops at more line
// ends than Go's.
func convert(java string) (expr, not string, err error) {
	if l, ok := lookarounds[java]; ok {
		return l.expr, l.not, nil
	}
	if strings.Contains(java, "(?!") || strings.Contains(java, "(?=") || strings.Contains(java, "(?<") || strings.Contains(java, "&&") {
		return "", "", fmt.Errorf("pattern %s has no Go form: add it to lookarounds", java)
	}
	var b strings.Builder
	class := false
	dotAll := strings.HasPrefix(java, "(?s)")
	for i := 0; i < len(java); i++ {
		c := java[i]
		switch {
		case c == '\\' && i+1 < len(java):
			i++
			switch next := java[i]; {
			case next == 'u':
				// The models write code points beyond the first plane with
				// more digits than Java reads.
				digits := unicodeDigits.FindString(java[i+1:])
				i += len(digits)
				b.WriteString(`\x{` + digits + `}`)
			case next == 's' && class:
				b.WriteString(`\s\v`)
			case next == 's':
				b.WriteString(`[\s\v]`)
			case next == 'S' && class && java != `[\S]+`:
				return "", "", fmt.Errorf("pattern %s: \\S in a class with others has no Go form", java)
			case next == 'S' && class:
				b.WriteString(`^\s\v`)
			case next == 'S':
				b.WriteString(`[^\s\v]`)
			default:
				b.WriteByte(c)
				b.WriteByte(next)
			}
		case c == '[' && class:
			return "", "", fmt.Errorf("pattern %s: a class in a class has no Go form", java)
		case c == '[':
			class = true
			b.WriteByte(c)
		case c == ']' && class:
			class = false
			b.WriteByte(c)
		case c == '.' && !class && !dotAll:
			b.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
		default:
			b.WriteByte(c)
		}
	}
	if _, err := regexp.Compile(`\A(?:` + b.String() + `)\z`); err != nil {
		return "", "", fmt.Errorf("pattern %s: %w", java, err)
	}
	return b.String(), "", nil
}
