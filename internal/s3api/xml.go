package s3api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/web"
)

const (
	maxXML      = 2 << 20 // a thousand keys to delete, or ten thousand parts
	maxXMLDepth = 16
	namespace   = "http://s3.amazonaws.com/doc/2006-03-01/"
)

var errMalformed = apierr.New("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")

// decodeXML decodes one document whose root has that name. No declarations, no
// instructions but the header, bounded depth, nothing after the end.
func decodeXML(body []byte, root string, v any) error {
	if len(body) > maxXML {
		return errMalformed
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	depth, seen := 0, false
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) && seen && depth == 0 {
			break
		}
		if err != nil {
			return errMalformed.Because(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth || depth == 1 && (seen || t.Name.Local != root) {
				return errMalformed
			}
			seen = true
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errMalformed
		case xml.ProcInst:
			if t.Target != "xml" || seen {
				return errMalformed
			}
		}
	}
	if err := xml.Unmarshal(body, v); err != nil {
		return errMalformed.Because(err)
	}
	return nil
}

// answer writes a document.
func (c *call) answer(v any) error {
	body, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	// Settings are read with the namespace and without, and written with it.
	if end := bytes.IndexByte(body, '>'); end > 0 && !bytes.Contains(body[:end], []byte("xmlns")) {
		body = slices.Insert(body, end, []byte(` xmlns="`+namespace+`"`)...)
	}
	c.w.Header().Set("Content-Type", "application/xml")
	return c.done(http.StatusOK, append([]byte(xml.Header), body...))
}

// done writes an answer with what all answers share.
func (c *call) done(status int, body []byte) error {
	h := c.w.Header()
	h.Set("X-Amz-Request-Id", web.EventFrom(c.r.Context()).ID)
	web.SecurityHeaders(h)
	web.Write(c.w, status, body)
	return nil
}

// in reads the body of a request whole and decodes it.
func (c *call) in(root string, v any) error {
	body, err := c.small()
	if err != nil {
		return err
	}
	return decodeXML(body, root, v)
}

// small reads the body of a request that carries no object.
func (c *call) small() ([]byte, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	if body.Size > maxXML {
		return nil, errMalformed
	}
	return io.ReadAll(io.LimitReader(body, maxXML+1))
}
