package sigv4

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest returns the text that is signed: method, path, query,
// headers and payload in the one form that caller and server agree on.
func canonicalRequest(r *http.Request, service string, signedHeaders []string, payloadHash string, presigned bool) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, r.Method...)
	b = append(b, '\n')
	if service == S3 {
		b = append(b, objectPath(r.URL.EscapedPath())...)
	} else {
		b = append(b, canonicalPath(r.URL.EscapedPath())...)
	}
	b = append(b, '\n')
	b = append(b, canonicalQuery(r.URL.RawQuery, presigned)...)
	b = append(b, '\n')
	for _, h := range signedHeaders {
		b = append(b, h...)
		b = append(b, ':')
		b = appendHeader(b, r, h)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, strings.Join(signedHeaders, ";")...)
	b = append(b, '\n')
	return append(b, payloadHash...)
}

// canonicalPath encodes the path as it is on the wire once more, as every
// service but S3 has it, after removing empty and dot segments.
func canonicalPath(escaped string) string {
	if escaped == "" || escaped == "/" {
		return "/"
	}
	var kept []string
	for s := range strings.SplitSeq(escaped, "/") {
		switch s {
		case "", ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, encode(s))
		}
	}
	if len(kept) == 0 {
		return "/"
	}
	path := "/" + strings.Join(kept, "/")
	if strings.HasSuffix(escaped, "/") {
		path += "/"
	}
	return path
}

// S3 is the service whose paths are signed as they are: a key may hold empty
// and dot segments.
const S3 = "s3"

// objectPath brings each segment of a path into the canonical encoding.
func objectPath(escaped string) string {
	if escaped == "" {
		return "/"
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			s = plain
		}
		segments[i] = encode(s)
	}
	return strings.Join(segments, "/")
}

// canonicalQuery sorts the parameters by their encoded names and values. The
// signature itself is not part of what it signs.
func canonicalQuery(raw string, presigned bool) string {
	if raw == "" {
		return ""
	}
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = recode(name), recode(value)
		if presigned && name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{name, value})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// recode brings a part of a query into the canonical encoding. What cannot be
// decoded is taken as it is: its signature then is what it is.
func recode(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	return encode(s)
}

const upperHex = "0123456789ABCDEF"

// encode is URI encoding as the signature defines it: everything but
// unreserved characters, with capital digits.
func encode(s string) string {
	n := 0
	for i := range len(s) {
		if !unreserved(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// present reports whether the request has the header. Host and the length are
// kept outside the header map.
func present(r *http.Request, name string) bool {
	if name == "host" {
		return r.Host != ""
	}
	if len(r.Header[textproto.CanonicalMIMEHeaderKey(name)]) > 0 {
		return true
	}
	return name == "content-length" && r.ContentLength >= 0 || name == "transfer-encoding" && len(r.TransferEncoding) > 0
}

// appendHeader appends the values of a header, joined by commas, each trimmed
// and with runs of spaces made one.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	values := r.Header[textproto.CanonicalMIMEHeaderKey(name)]
	switch {
	case name == "host":
		return appendTrimmed(b, r.Host)
	case len(values) == 0 && name == "content-length":
		return strconv.AppendInt(b, r.ContentLength, 10)
	case len(values) == 0 && name == "transfer-encoding":
		values = r.TransferEncoding
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	if !strings.Contains(v, "  ") {
		return append(b, v...)
	}
	space := false
	for i := range len(v) {
		if v[i] == ' ' && space {
			continue
		}
		space = v[i] == ' '
		b = append(b, v[i])
	}
	return b
}
