package sandbox

import (
	"errors"
	"fmt"
	"os"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// isJSON reports whether b is one JSON value. Repeated names pass: which of
// them counts is for whoever reads the answer to decide. So do halves of
// surrogate pairs, which JavaScript's strings may hold.
func isJSON(b []byte) bool {
	return jsontext.Value(b).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func isJSONObject(b []byte) bool {
	return jsontext.Value(b).Kind() == '{' && isJSON(b)
}

// plainHeader reports whether s can be sent as a header value.
func plainHeader(s string) bool {
	if len(s) > 1024 {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isDeadline(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// compactASCII returns JSON on one line in printable ASCII: everything else is
// escaped, DEL too, which JSON allows in a string and HTTP forbids in a header.
func compactASCII(b []byte) (string, error) {
	v := jsontext.Value(append([]byte(nil), b...))
	if err := v.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return "", err
	}
	out := make([]byte, 0, len(v))
	for _, r := range string(v) { // what is escaped here is only inside strings
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return string(out), nil
}
