package sigv4

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
)

// Bounds of what is read from a request before anything is known of its maker.
const (
	maxKeyID         = 128
	maxScopePart     = 64
	maxSignedHeaders = 100
	maxExpires       = 7 * 24 * time.Hour
)

// The ways in which a signature fails. Errors of this package wrap one of
// them; their text is meant for the caller of the API and holds no secret.
var (
	ErrMissing    = errors.New("the request is not signed")
	ErrIncomplete = errors.New("the signature is malformed")
	ErrMismatch   = errors.New("the signature does not match")
	ErrTime       = errors.New("the signature is not valid now")
	ErrScope      = errors.New("the signature is for something else")
)

// Error is a failure of one of the kinds above with the text that AWS gives.
type Error struct {
	Kind error
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

func incomplete(format string, args ...any) error {
	return &Error{ErrIncomplete, fmt.Sprintf(format, args...)}
}

// Claim is what a request says of its signature. Nothing in it is proved
// before Verify.
type Claim struct {
	AccessKeyID string
	Region      string
	Service     string
	Time        time.Time     // when it was made, to the second
	Presigned   bool          // the signature is in the query
	Expires     time.Duration // how long a presigned URL is valid

	date          string // of the scope, YYYYMMDD
	signedHeaders []string
	signature     [32]byte
}

// Parse reads the signature of r. It returns an error that wraps ErrMissing
// if there is none and ErrIncomplete if there is one that cannot be read.
func Parse(r *http.Request) (*Claim, error) {
	if values := r.Header["Authorization"]; len(values) > 0 {
		if len(values) > 1 {
			return nil, incomplete("The request has more than one Authorization header.")
		}
		return parseHeader(r, values[0])
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") {
		return parseQuery(r)
	}
	return nil, &Error{ErrMissing, "Missing Authentication Token"}
}

func parseHeader(r *http.Request, auth string) (*Claim, error) {
	rest, ok := strings.CutPrefix(auth, algorithm+" ")
	if !ok {
		return nil, incomplete("The Authorization header is not of the form %s.", algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[name]; !ok || twice || len(fields) == 3 {
			return nil, incomplete("The Authorization header is malformed.")
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return nil, incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	dates := r.Header["X-Amz-Date"]
	if len(dates) != 1 {
		return nil, incomplete("Authorization header requires existence of one 'X-Amz-Date' header.")
	}
	c := new(Claim)
	return c.fill(fields["Credential"], fields["SignedHeaders"], fields["Signature"], dates[0])
}

func parseQuery(r *http.Request) (*Claim, error) {
	// A presigned URL is a right to fetch something. A request that changes
	// something comes from a program, which can send a header; a page of
	// another site cannot.
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, incomplete("A signature in the query is accepted for GET only.")
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, incomplete("The query is malformed.")
	}
	one := func(name string) string {
		if v := q[name]; len(v) == 1 {
			return v[0]
		}
		return ""
	}
	if one("X-Amz-Algorithm") != algorithm {
		return nil, incomplete("X-Amz-Algorithm must be %s.", algorithm)
	}
	for _, name := range []string{"X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date", "X-Amz-Expires"} {
		if one(name) == "" {
			return nil, incomplete("The query requires one '%s' parameter.", name)
		}
	}
	seconds, err := strconv.ParseUint(one("X-Amz-Expires"), 10, 32)
	expires := time.Duration(seconds) * time.Second
	if err != nil || expires < time.Second || expires > maxExpires {
		return nil, incomplete("X-Amz-Expires must be from 1 to %d seconds.", int(maxExpires.Seconds()))
	}
	c := &Claim{Presigned: true, Expires: expires}
	return c.fill(one("X-Amz-Credential"), one("X-Amz-SignedHeaders"), one("X-Amz-Signature"), one("X-Amz-Date"))
}

func (c *Claim) fill(credential, signedHeaders, signature, date string) (*Claim, error) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != terminator {
		return nil, incomplete("Credential must be of the form <key>/<date>/<region>/<service>/%s.", terminator)
	}
	c.AccessKeyID, c.date, c.Region, c.Service = parts[0], parts[1], parts[2], parts[3]
	if !graphic(c.AccessKeyID, maxKeyID) || !label(c.Region) || !label(c.Service) {
		return nil, incomplete("Credential has an invalid part.")
	}
	t, err := time.Parse(timeFormat, date)
	if err != nil || t.Format(timeFormat) != date {
		return nil, incomplete("X-Amz-Date must be of the form %s.", "YYYYMMDD'T'HHMMSS'Z'")
	}
	if c.date != date[:8] {
		return nil, incomplete("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", clip(c.date), date[:8])
	}
	c.Time = t
	c.signedHeaders = strings.Split(signedHeaders, ";")
	if len(c.signedHeaders) > maxSignedHeaders {
		return nil, incomplete("SignedHeaders has too many names.")
	}
	for i, h := range c.signedHeaders {
		if h == "" || h != strings.ToLower(h) || i > 0 && c.signedHeaders[i-1] >= h {
			return nil, incomplete("SignedHeaders must be names in lower case, sorted.")
		}
	}
	// Only one spelling of a signature is good: hex.Decode would take both cases.
	if n, err := hex.Decode(c.signature[:], []byte(clip(signature))); err != nil || n != 32 || len(signature) != 64 || signature != strings.ToLower(signature) {
		return nil, incomplete("Signature must be 64 hexadecimal digits.")
	}
	return c, nil
}

// clip shortens s to what a date or a signature can be long.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}

func graphic(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func label(s string) bool {
	if s == "" || len(s) > maxScopePart {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
	})
}

func (c *Claim) signs(header string) bool {
	_, ok := slices.BinarySearch(c.signedHeaders, header)
	return ok
}
