package awsapi

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// The AWS Query protocol: an operation is the form field Action, its input the
// other fields, with a dot between levels (Tags.member.1.Key), and its output
// XML.

// Bounds of a form. The largest input that tools send, a change set with its
// parameters and tags, has a few hundred fields.
const (
	maxFields     = 10_000
	maxFieldNames = 20_000 // the parts of their names, those they share once
	maxFieldDepth = 32
	maxListIndex  = 10_000
)

var errMalformedQuery = apierr.New("MalformedQueryString", "The query string or the body of the request is not a valid form.")

// isQuery reports whether a request is of the Query protocol.
func isQuery(r *http.Request) bool {
	if r.URL.Query().Has("Action") {
		return true
	}
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && err == nil && t == "application/x-www-form-urlencoded"
}

// routeQuery finds the operation of a form. It reads the body, which is where
// the name is, and leaves it to be read again.
func (s *Server) routeQuery(w http.ResponseWriter, r *http.Request) *route {
	rt := &route{style: styleQuery}
	body, err := web.ReadBody(w, r, s.opts.MaxBody)
	if err != nil {
		rt.err = apierr.Newf(apierr.RequestEntityTooLarge, "The request must be smaller than %d bytes.", s.opts.MaxBody).Because(err)
		return rt
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if rt.form, err = parseForm(r, body); err != nil {
		rt.err = err
		return rt
	}
	action, version := rt.form.text("Action"), rt.form.text("Version")
	scope := ""
	if claim, err := sigv4.Parse(r); err == nil {
		scope = claim.Service
	}
	for _, sv := range s.services {
		o := sv.operations[action]
		if sv.Protocol != Query || o == nil || version != "" && version != sv.APIVersion {
			continue
		}
		// Two services may have an operation of one name: the signature says
		// which is meant.
		if rt.op == nil || sv.SigningName == scope {
			rt.op = o
		}
	}
	if rt.op == nil {
		rt.err = apierr.Newf(apierr.UnknownOperation, "Could not find operation %.100s for version %.100s", action, version)
	}
	return rt
}

// field is one name of a form, split at its dots: a value, or more fields.
type field struct {
	value *string
	under map[string]*field
}

func (f *field) text(name string) string {
	if c := f.under[name]; c != nil && c.value != nil {
		return *c.value
	}
	return ""
}

// parseForm reads the fields of the query string and of the body. A field that
// is there twice is refused: which of two values a signature or a check meant
// must never be a matter of taste.
func parseForm(r *http.Request, body []byte) (*field, error) {
	root := &field{}
	count, names := 0, maxFieldNames
	for _, text := range []string{r.URL.RawQuery, string(body)} {
		for text != "" {
			var pair string
			pair, text, _ = strings.Cut(text, "&")
			if pair == "" {
				continue
			}
			if count++; count > maxFields {
				return nil, errMalformedQuery
			}
			name, value, _ := strings.Cut(pair, "=")
			n, err1 := url.QueryUnescape(name)
			v, err2 := url.QueryUnescape(value)
			if err1 != nil || err2 != nil || !root.set(n, v, &names) {
				return nil, errMalformedQuery
			}
		}
	}
	return root, nil
}

// set puts a value at a name, of which it takes the new parts off left. It
// reports whether the name is good and new. Nobody has been asked yet who sends
// the form, and a part takes a hundred times the memory that it takes in it.
func (f *field) set(name, value string, left *int) bool {
	// X-Amz-… of a presigned URL are no input, and have no dots.
	for depth := 0; ; depth++ {
		part, rest, more := strings.Cut(name, ".")
		if part == "" || depth == maxFieldDepth {
			return false
		}
		if f.under == nil {
			f.under = map[string]*field{}
		}
		c := f.under[part]
		if c == nil {
			if *left--; *left < 0 {
				return false
			}
			c = &field{}
			f.under[part] = c
		}
		f = c
		if !more {
			break
		}
		name = rest
	}
	if f.value != nil {
		return false
	}
	f.value = &value
	return true
}

// decodeForm fills a generated input. Fields that it does not have are
// ignored, as AWS does.
func decodeForm(root *field, in any) error {
	return decodeField(root, reflect.ValueOf(in).Elem(), "")
}

// typeMismatch names the field and nothing of its value.
func typeMismatch(path, want string) error {
	return apierr.Newf("MalformedInput", "The value of %s is not %s", path, want)
}

func decodeField(f *field, v reflect.Value, path string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch target := v.Addr().Interface().(type) {
	case *Timestamp:
		return decodeScalar(f, path, "a timestamp", func(s string) (err error) {
			target.Time, err = time.Parse(time.RFC3339, s)
			return err
		})
	case *[]byte:
		return decodeScalar(f, path, "base64", func(s string) (err error) {
			*target, err = base64.StdEncoding.Strict().DecodeString(s)
			return err
		})
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeStruct(f, v, path)
	case reflect.Slice:
		return decodeList(f, v, path)
	case reflect.Map:
		return decodeMap(f, v, path)
	case reflect.String:
		return decodeScalar(f, path, "a text", func(s string) error { v.SetString(s); return nil })
	case reflect.Bool:
		return decodeScalar(f, path, "a boolean", func(s string) error {
			v.SetBool(s == "true")
			if s != "true" && s != "false" {
				return strconv.ErrSyntax
			}
			return nil
		})
	case reflect.Int32, reflect.Int64:
		return decodeScalar(f, path, "an integer", func(s string) error {
			n, err := strconv.ParseInt(s, 10, v.Type().Bits())
			v.SetInt(n)
			return err
		})
	case reflect.Float64:
		return decodeScalar(f, path, "a number", func(s string) error {
			n, err := strconv.ParseFloat(s, 64)
			v.SetFloat(n)
			return err
		})
	}
	return fmt.Errorf("awsapi: a form cannot have a %s", v.Type())
}

func decodeScalar(f *field, path, want string, parse func(string) error) error {
	if f.value == nil || len(f.under) > 0 || parse(*f.value) != nil {
		return typeMismatch(path, want)
	}
	return nil
}

func decodeStruct(f *field, v reflect.Value, path string) error {
	if f.value != nil {
		return typeMismatch(path, "a structure")
	}
	t := v.Type()
	for i := range t.NumField() {
		name := memberName(t.Field(i))
		c := f.under[name]
		if c == nil {
			continue
		}
		if err := decodeField(c, v.Field(i), strings.TrimPrefix(path+"."+name, ".")); err != nil {
			return err
		}
	}
	return nil
}

// decodeList reads Name.member.1, Name.member.2, …; a Name alone that is empty
// is the empty list.
func decodeList(f *field, v reflect.Value, path string) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, len(f.under)))
	if f.value != nil && *f.value == "" && len(f.under) == 0 {
		return nil
	}
	elements, order, err := f.numbered("member", path)
	if err != nil {
		return err
	}
	for _, n := range order {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := decodeField(elements[n], e, fmt.Sprintf("%s.member.%d", path, n)); err != nil {
			return err
		}
		v.Set(reflect.Append(v, e))
	}
	return nil
}

// decodeMap reads Name.entry.1.key and Name.entry.1.value, and so on.
func decodeMap(f *field, v reflect.Value, path string) error {
	v.Set(reflect.MakeMap(v.Type()))
	if f.value != nil && *f.value == "" && len(f.under) == 0 {
		return nil
	}
	entries, order, err := f.numbered("entry", path)
	if err != nil {
		return err
	}
	for _, n := range order {
		at := fmt.Sprintf("%s.entry.%d", path, n)
		k, e := entries[n].under["key"], entries[n].under["value"]
		if k == nil || k.value == nil || e == nil {
			return typeMismatch(at, "a key and a value")
		}
		key := reflect.ValueOf(*k.value)
		if v.MapIndex(key).IsValid() {
			return typeMismatch(at, "a new key")
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if err := decodeField(e, value, at+".value"); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	return nil
}

// numbered returns the fields f.<word>.<n> and the numbers in order.
func (f *field) numbered(word, path string) (map[int]*field, []int, error) {
	bad := typeMismatch(path, "a list")
	if f.value != nil || len(f.under) != 1 || f.under[word] == nil || f.under[word].value != nil {
		return nil, nil, bad
	}
	elements := map[int]*field{}
	var order []int
	for name, c := range f.under[word].under {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 || n > maxListIndex || strconv.Itoa(n) != name {
			return nil, nil, bad
		}
		elements[n] = c
		order = append(order, n)
	}
	slices.Sort(order)
	return elements, order, nil
}

// memberName is what a field of a generated type is called on the wire.
func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// encodeXML writes the answer of an operation.
func encodeXML(o *operation, out any, requestID string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, o.Name, o.service.Namespace)
	if o.Output != "" {
		fmt.Fprintf(&b, "<%sResult>", o.Name)
		writeMembers(&b, reflect.ValueOf(out).Elem())
		fmt.Fprintf(&b, "</%sResult>", o.Name)
	}
	b.WriteString("<ResponseMetadata><RequestId>")
	writeText(&b, requestID)
	fmt.Fprintf(&b, "</RequestId></ResponseMetadata></%sResponse>", o.Name)
	return b.Bytes()
}

func writeMembers(b *bytes.Buffer, v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		f := v.Field(i)
		if f.IsZero() { // nil: absent
			continue
		}
		writeElement(b, memberName(t.Field(i)), f)
	}
}

func writeElement(b *bytes.Buffer, name string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	b.WriteString("<" + name + ">")
	switch value := v.Interface().(type) {
	case Timestamp:
		b.WriteString(value.UTC().Format("2006-01-02T15:04:05.000Z"))
	case []byte:
		b.WriteString(base64.StdEncoding.EncodeToString(value))
	case string:
		writeText(b, value)
	default:
		switch v.Kind() {
		case reflect.Struct:
			writeMembers(b, v)
		case reflect.Slice:
			for i := range v.Len() {
				writeElement(b, "member", v.Index(i))
			}
		case reflect.Map:
			keys := v.MapKeys()
			slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
			for _, k := range keys {
				b.WriteString("<entry>")
				writeElement(b, "key", k)
				writeElement(b, "value", v.MapIndex(k))
				b.WriteString("</entry>")
			}
		default:
			fmt.Fprint(b, value)
		}
	}
	b.WriteString("</" + name + ">")
}

func writeText(b *bytes.Buffer, s string) {
	// A buffer takes everything; what XML cannot hold becomes U+FFFD.
	_ = xml.EscapeText(b, []byte(s))
}

// queryCodes are the names that the Query services have for what the protocol
// refuses.
var queryCodes = map[apierr.Code]struct {
	code   string
	status int
}{
	apierr.AccessDenied:               {"AccessDenied", http.StatusForbidden},
	apierr.InvalidSignature:           {"SignatureDoesNotMatch", http.StatusForbidden},
	apierr.MissingAuthenticationToken: {"MissingAuthenticationToken", http.StatusForbidden},
	apierr.UnrecognizedClient:         {"InvalidClientTokenId", http.StatusForbidden},
	"ExpiredTokenException":           {"ExpiredToken", http.StatusForbidden},
	apierr.IncompleteSignature:        {"IncompleteSignature", http.StatusBadRequest},
	apierr.UnknownOperation:           {"InvalidAction", http.StatusBadRequest},
	apierr.InternalError:              {"InternalFailure", http.StatusInternalServerError},
}

// queryErrorResponse is errorResponse for the Query protocol.
func queryErrorResponse(rt *route, pub *apierr.Error, requestID string) (*response, error) {
	e := queryError{NS: "http://webservices.amazon.com/AWSFault/2005-15-09", Type: "Sender", Code: string(pub.Code), Message: pub.Message, RequestID: requestID}
	resp := &response{status: rt.status(pub.Code), contentType: typeXML}
	if known, ok := queryCodes[pub.Code]; ok {
		e.Code, resp.status = known.code, known.status
	}
	if rt.op != nil {
		e.NS = rt.op.service.Namespace
	}
	if resp.status >= 500 {
		e.Type = "Receiver"
	}
	var err error
	resp.body, err = xml.Marshal(e)
	return resp, err
}

type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	NS        string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}
