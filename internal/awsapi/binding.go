package awsapi

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Binding gives a request's members that are not in its JSON body to the
// generated Bind methods. A member that the request lacks is nil.
type Binding struct {
	labels  map[string]string
	query   url.Values
	header  http.Header
	payload []byte
	err     error
}

// Label returns the part of the path that stands for name.
func (b *Binding) Label(name string) *string {
	if v, ok := b.labels[name]; ok {
		return &v
	}
	return nil
}

// Query returns the first value of a query parameter.
func (b *Binding) Query(name string) *string {
	if v, ok := b.query[name]; ok && len(v) > 0 {
		return &v[0]
	}
	return nil
}

// QueryList returns all values of a query parameter, which stands once for each.
func (b *Binding) QueryList(name string) []string { return b.query[name] }

// QueryInt32 returns a query parameter that is a number.
func (b *Binding) QueryInt32(name string) *int32 {
	s := b.Query(name)
	if s == nil {
		return nil
	}
	n, err := strconv.ParseInt(*s, 10, 32)
	if err != nil {
		b.err = apierr.Newf(apierr.Serialization, "The value of %s is not an integer", name)
		return nil
	}
	v := int32(n)
	return &v
}

// QueryBool returns a query parameter that is true or false.
func (b *Binding) QueryBool(name string) *bool {
	s := b.Query(name)
	if s == nil {
		return nil
	}
	v := *s == "true"
	if !v && *s != "false" {
		b.err = apierr.Newf(apierr.Serialization, "The value of %s is not a boolean", name)
		return nil
	}
	return &v
}

// Header returns a header.
func (b *Binding) Header(name string) *string {
	if v := b.header[name]; len(v) > 0 {
		return &v[0]
	}
	return nil
}

// Payload returns the body as it came.
func (b *Binding) Payload() []byte { return b.payload }

// Reply takes an output's members that do not belong in the JSON body. Each
// method clears the member, so that it is not in the body as well.
type Reply struct {
	status  int
	header  http.Header
	payload []byte
	raw     bool
}

// Status sets the HTTP status.
func (r *Reply) Status(v **int32) {
	if *v != nil {
		r.status = int(**v)
		*v = nil
	}
}

// Header sets a header.
func (r *Reply) Header(name string, v **string) {
	if *v != nil {
		r.header.Set(name, **v)
		*v = nil
	}
}

// Payload makes v the body.
func (r *Reply) Payload(v []byte) { r.payload, r.raw = v, true }
