package cfn

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

const masked = "****"

// minFragment is how long a part of a secret is that is hidden by itself:
// shorter ones are found in any text.
const minFragment = 4

// hide keeps in mind what NoEcho hides: values, what lists have in them, and
// what they look like in JSON.
func (d *definition) hide(names []string, values map[string]string) {
	for _, name := range names {
		v := values[name]
		if v == "" {
			continue
		}
		d.secrets = append(d.secrets, v)
		for e := range strings.SplitSeq(v, ",") {
			if e = strings.TrimSpace(e); len(e) >= minFragment {
				d.secrets = append(d.secrets, e)
			}
		}
		if quoted, err := json.Marshal(v); err == nil {
			d.secrets = append(d.secrets, strings.Trim(string(quoted), `"`))
		}
	}
	// The longest first: of two of which one begins like the other, the rest of
	// the longer would be left.
	slices.SortFunc(d.secrets, func(a, b string) int { return len(b) - len(a) })
}

// secrets hides what NoEcho does in a stack, of what is and of what is to be.
func (st *Stack) secrets() *definition {
	d := &definition{}
	d.hide(st.Hidden, st.Resolved)
	if op := st.Operation; op != nil {
		d.hide(op.Hidden, op.Resolved)
	}
	return d
}

// mask hides secrets in a text, also those that functions have taken apart or
// encoded.
func (d *definition) mask(s string) string {
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil && d.tells(string(raw)) {
		return masked
	}
	for _, secret := range d.secrets {
		if len(s) >= minFragment && strings.Contains(secret, s) {
			return masked
		}
		s = strings.ReplaceAll(s, secret, masked)
	}
	return s
}

// tells reports whether a text has a secret in it.
func (d *definition) tells(s string) bool {
	return slices.ContainsFunc(d.secrets, func(secret string) bool { return strings.Contains(s, secret) })
}

// maskScalar is mask for what is neither text nor made of parts.
func (d *definition) maskScalar(v any) any {
	switch v.(type) {
	case nil, bool:
		return v
	}
	if slices.Contains(d.secrets, fmt.Sprint(v)) {
		return masked
	}
	return v
}
