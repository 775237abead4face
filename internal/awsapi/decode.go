package awsapi

import (
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// maxDepth bounds how deep JSON may be nested. No shape comes near it.
const maxDepth = 64

// decode fills in from the body and, for REST, from path, query and headers.
func decode(in Input, o *operation, body []byte, rt *route, r *http.Request) error {
	if rt.style == styleQuery {
		return decodeForm(rt.form, in)
	}
	rest := rt.style == styleREST
	if !o.Payload && !(rest && len(body) == 0) {
		if rest && !jsonType(r) {
			return apierr.New(apierr.Serialization, "The Content-Type must be application/json.")
		}
		if err := decodeJSON(body, in); err != nil {
			return err
		}
	}
	if b, ok := in.(binder); ok && rest {
		binding := &Binding{labels: rt.labels, query: r.URL.Query(), header: r.Header, payload: body}
		b.Bind(binding)
		return binding.err
	}
	return nil
}

var errNullElement = errors.New("null in a list or map")

// decodeOptions refuse null where an element is due: it would become an empty
// string that nobody sent. (Absent members may be null; those are pointers.)
var decodeOptions = json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ *string) error {
	if dec.PeekKind() == 'n' {
		return errNullElement
	}
	return errors.ErrUnsupported
}))

// decodeJSON decodes one JSON object strictly: duplicate members, anything
// after the object, invalid UTF-8, lone surrogates and deep nesting are
// refused. Unknown members are ignored, as AWS does.
func decodeJSON(body []byte, v any) error {
	if err := checkNesting(body); err != nil {
		return err
	}
	err := json.Unmarshal(body, v, decodeOptions)
	if err == nil {
		return nil
	}
	if errors.Is(err, errNullElement) {
		return apierr.New(apierr.Serialization, "An element of a list or map can not be null")
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.Err != nil {
		if s, ok := errors.AsType[*jsontext.SyntacticError](e.Err); ok {
			return malformed(s.ByteOffset)
		}
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return apierr.New(apierr.Serialization, mismatch(e))
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return malformed(e.ByteOffset)
	}
	return malformed(int64(len(body)))
}

// malformed says where the text is not JSON, and nothing of the text.
func malformed(at int64) error {
	return apierr.Newf(apierr.Serialization, "The request body is not valid JSON at byte %d", at)
}

// checkNesting makes sure that body is an object and not nested too deep,
// before anything is allocated for it.
func checkNesting(body []byte) error {
	depth, inString, started := 0, false, false
	for i := 0; i < len(body); i++ {
		c := body[i]
		if inString {
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
			continue
		}
		switch c {
		case '"':
			inString = true
		case '{', '[':
			if depth++; depth > maxDepth {
				return apierr.Newf(apierr.Serialization, "The request body is nested deeper than %d levels", maxDepth)
			}
		case '}', ']':
			depth--
		}
		if !started && c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			if c != '{' {
				return apierr.New(apierr.Serialization, "The request body must be a JSON object")
			}
			started = true
		}
	}
	if !started {
		return apierr.New(apierr.Serialization, "The request body must be a JSON object")
	}
	return nil
}

// mismatch words a value of the wrong type as the services do.
func mismatch(e *json.SemanticError) string {
	want := "value"
	if t := e.GoType; t != nil {
		switch t.Kind().String() {
		case "string":
			want = "String"
		case "bool":
			want = "Boolean"
		case "int32":
			want = "Integer"
		case "int64":
			want = "Long"
		case "float64":
			want = "Double"
		case "slice":
			want = "List"
			if t.Elem().Kind().String() == "uint8" {
				want = "Blob"
			}
		case "map":
			want = "Map"
		case "struct":
			want = "Structure"
		}
	}
	got := map[jsontext.Kind]string{
		'"': "STRING_VALUE", '0': "NUMBER_VALUE", 't': "TRUE_VALUE", 'f': "FALSE_VALUE",
		'n': "NULL_VALUE", '{': "START_OBJECT", '[': "START_ARRAY",
	}[e.JSONKind]
	if got == "" {
		got = "The value"
	}
	article := "a "
	if want == "Integer" {
		article = "an "
	}
	return got + " can not be converted to " + article + want
}
