package userpool

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// filter is one condition of ListUsers: an attribute that equals a value, or
// begins with it.
type filter struct {
	Attribute string
	Value     string
	Prefix    bool
}

// maxFilter is the longest filter, in characters, as in Cognito.
const maxFilter = 256

// parseFilter reads `attribute = "value"` or `attribute ^= "prefix"`, with any
// white space between the three; in the value, \" is a quotation mark and \\ a
// backslash. An empty text is no condition.
func parseFilter(text string) (f filter, given bool, err error) {
	bad := apierr.New(apierr.InvalidParameter, "Error while parsing filter")
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxFilter {
		return filter{}, false, bad
	}
	rest := strings.TrimFunc(text, unicode.IsSpace)
	if rest == "" {
		return filter{}, false, nil
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != ':' && r != '-'
	})
	if end <= 0 {
		return filter{}, false, bad
	}
	f.Attribute, rest = rest[:end], strings.TrimLeftFunc(rest[end:], unicode.IsSpace)
	if after, ok := strings.CutPrefix(rest, "^="); ok {
		f.Prefix, rest = true, after
	} else if rest, ok = strings.CutPrefix(rest, "="); !ok {
		return filter{}, false, bad
	}
	if f.Value, err = parseQuoted(strings.TrimLeftFunc(rest, unicode.IsSpace)); err != nil {
		return filter{}, false, bad.Because(err)
	}
	if !filterable(f.Attribute) {
		return filter{}, false, apierr.Newf(apierr.InvalidParameter, "Invalid search attribute: %s", f.Attribute)
	}
	return f, true, nil
}

// parseQuoted reads a quoted value that takes up the whole text.
func parseQuoted(s string) (string, error) {
	s, ok := strings.CutPrefix(s, `"`)
	if !ok {
		return "", errFilterValue
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if i != len(s)-1 {
				return "", errFilterValue
			}
			return b.String(), nil
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errFilterValue
}

var errFilterValue = apierr.New(apierr.InvalidParameter, "the value of a filter must be quoted")

func filterable(attribute string) bool {
	switch attribute {
	case indexUsername, indexStatus, indexEnabled, indexSub:
		return true
	}
	return slices.Contains(searchable, attribute)
}

// indexed returns the value in the form in which index wrote it. Usernames,
// subs and the enabled state are searched as they are spelt, everything else
// without regard to case.
func (f filter) indexed(p *Pool) string {
	switch f.Attribute {
	case indexSub, indexEnabled:
		return f.Value
	case indexUsername:
		if !p.CaseSensitive {
			return fold(f.Value) // the username was folded when it was stored
		}
		return f.Value
	}
	return fold(f.Value)
}
