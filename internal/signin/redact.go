package signin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxShownPayload is how many bytes of an event or an answer are kept.
const maxShownPayload = 16 << 10

// hidden stands for a value that is not shown.
var hidden = jsontext.Value(`"***"`)

// shownPayload is what is kept of an event, or of whatever a function has
// answered; nil stays nil.
func shownPayload(b []byte) jsontext.Value {
	switch {
	case b == nil:
		return nil
	case len(b) > maxShownPayload:
		return jsontext.Value(fmt.Sprintf(`"… %d bytes"`, len(b)))
	default:
		return redactJSON(b)
	}
}

// redactJSON copies JSON without the values that look like secrets: a caller's
// metadata and a function's claims can be anything.
func redactJSON(v jsontext.Value) jsontext.Value {
	var out bytes.Buffer
	if !v.IsValid() || copyRedacted(jsontext.NewEncoder(&out), jsontext.NewDecoder(bytes.NewReader(v))) != nil {
		return jsontext.Value(fmt.Sprintf(`"… %d bytes that are not JSON"`, len(v)))
	}
	return jsontext.Value(bytes.TrimSpace(out.Bytes()))
}

func copyRedacted(enc *jsontext.Encoder, in *jsontext.Decoder) error {
	for {
		container, n := in.StackIndex(in.StackDepth())
		isName := container == jsontext.KindBeginObject && n%2 == 0
		t, err := in.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		secretMember := isName && t.Kind() == jsontext.KindString && secretName(t.String())
		if t.Kind() == jsontext.KindString && tokenShape.MatchString(t.String()) {
			t = jsontext.String("***")
		}
		if err := enc.WriteToken(t); err != nil {
			return err
		}
		if !secretMember {
			continue
		}
		if err := in.SkipValue(); err != nil {
			return err
		}
		if err := enc.WriteValue(hidden); err != nil {
			return err
		}
	}
}

// tokenShape is a JSON Web Token, signed or encrypted, anywhere in a text.
var tokenShape = regexp.MustCompile(`\bey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*`)

var secretEndings = []string{
	"password", "passwd", "passphrase", "secret", "secrethash", "token", "apikey", "privatekey", "secretkey",
	"accesskey", "authorization", "credential", "credentials", "cookie", "otp",
}

// secretName reports whether what has this name is probably a secret.
func secretName(name string) bool {
	plain := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	for _, e := range secretEndings {
		if strings.HasSuffix(plain, e) {
			return true
		}
	}
	return false
}
