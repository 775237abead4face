package awsapi

import (
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// style is the form of an answer.
type style uint8

const (
	styleJSON11 style = iota
	styleREST
	styleQuery
	styleFront // of what no service is behind
)

// route is where a request goes, or why it goes nowhere.
type route struct {
	style     style
	op        *operation
	labels    map[string]string // the variable parts of a REST path
	form      *field            // of the Query protocol
	preflight bool
	err       error
}

// route finds the operation of r: by the target header, by a versioned path,
// or by the Action of the Query protocol.
func (s *Server) route(w http.ResponseWriter, r *http.Request) *route {
	path := r.URL.EscapedPath()
	if versioned(path) {
		return s.routeREST(r, path)
	}
	targets := r.Header["X-Amz-Target"]
	switch {
	case path != "/":
	case r.Method == http.MethodOptions:
		return &route{preflight: true}
	case r.Method == http.MethodPost && len(targets) > 0:
		return s.routeTarget(r, targets)
	case isQuery(r):
		return s.routeQuery(w, r)
	case r.Method == http.MethodPost:
		return &route{err: apierr.New(apierr.UnknownOperation, "The request has no X-Amz-Target header.")}
	}
	return &route{style: styleFront, err: apierr.New("BadRequest", "The server did not understand the operation that was requested.")}
}

// jsonType reports whether the body is declared to be JSON. No declaration
// will do: there is only one kind of body.
func jsonType(r *http.Request) bool {
	switch v := r.Header.Get("Content-Type"); v {
	case "", "application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/json":
		return true
	default:
		t, _, err := mime.ParseMediaType(v)
		return err == nil && (t == "application/x-amz-json-1.1" || t == "application/x-amz-json-1.0" || t == "application/json")
	}
}

func (s *Server) routeTarget(r *http.Request, targets []string) *route {
	target := targets[0]
	dot := strings.LastIndexByte(target, '.')
	if len(targets) == 1 && dot > 0 {
		if sv := s.targets[target[:dot]]; sv != nil {
			if o := sv.operations[target[dot+1:]]; o != nil {
				if !jsonType(r) {
					return &route{op: o, err: apierr.New(apierr.UnknownOperation, "The Content-Type must be application/x-amz-json-1.1.")}
				}
				return &route{op: o}
			}
		}
	}
	return &route{err: apierr.New(apierr.UnknownOperation, "X-Amz-Target names no operation of this server.")}
}

// versioned reports whether a path begins with a date, as the REST services
// have it: /2015-03-31/.
func versioned(path string) bool {
	if len(path) < 12 || path[0] != '/' || path[11] != '/' {
		return false
	}
	for i, c := range []byte(path[1:11]) {
		if dash := i == 4 || i == 7; dash && c != '-' || !dash && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func (s *Server) routeREST(r *http.Request, path string) *route {
	segments := strings.Split(strings.TrimSuffix(path, "/")[1:], "/")
	for _, sv := range s.services {
		for _, o := range sv.routes {
			if o.Method != r.Method || len(o.segments) != len(segments) || !hasQuery(r, o.Query) {
				continue
			}
			if labels, ok := match(o.segments, segments); ok {
				return &route{style: styleREST, op: o, labels: labels}
			}
		}
	}
	return &route{style: styleREST, err: apierr.Newf(apierr.UnknownOperation, "No operation of this server is %s at that path.", r.Method)}
}

func hasQuery(r *http.Request, want string) bool {
	if want == "" {
		return true
	}
	name, value, _ := strings.Cut(want, "=")
	return r.URL.Query().Get(name) == value
}

// match compares a path with a template and returns its variable parts.
func match(template, path []string) (map[string]string, bool) {
	for i, t := range template {
		if t[0] != '{' && t != path[i] {
			return nil, false
		}
	}
	labels := map[string]string{}
	for i, t := range template {
		if t[0] != '{' {
			continue
		}
		v, err := url.PathUnescape(path[i])
		if err != nil || v == "" {
			return nil, false
		}
		labels[t[1:len(t)-1]] = v
	}
	return labels, true
}

// fromPage reports whether a browser sends a request for a page.
func fromPage(r *http.Request) bool {
	return len(r.Header["Origin"]) > 0 || len(r.Header["Sec-Fetch-Site"]) > 0
}

// loopbackPage reports whether the page that a request comes from is one that
// this machine serves. Where any key is good, a page of the web must not be
// able to use the server behind its reader's back.
func loopbackPage(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 { // what its browser does not say the origin of
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "same-origin" || site == "none"
	}
	if len(origins) != 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	if err != nil {
		return false
	}
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func clipOrigin(r *http.Request) string {
	o := r.Header.Get("Origin")
	return o[:min(len(o), 100)]
}
