package web

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits of a connection.
const (
	MaxHeader         = 32 << 10 // bytes of request line and headers
	ReadHeaderTimeout = 5 * time.Second
	ReadTimeout       = 30 * time.Second // headers and body
	WriteTimeout      = 30 * time.Second // of an answer, from its first byte
	IdleTimeout       = 60 * time.Second
	DiscardTimeout    = 5 * time.Second // for the rest of a body that was refused
	MaxStreams        = 100             // of one HTTP/2 connection at a time
)

// NewServer returns a server for h with the limits above. The time to answer
// is not bounded here: a function may run for a quarter of an hour. The time to
// read an answer is, by Handler.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           fresh(discardRest(h)),
		ReadHeaderTimeout: ReadHeaderTimeout,
		ReadTimeout:       ReadTimeout,
		IdleTimeout:       IdleTimeout,
		// The server adds 4 KiB of slack to what it is told.
		MaxHeaderBytes: MaxHeader - 4096,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: MaxStreams, MaxReadFrameSize: 64 << 10},
	}
}

// fresh takes off the write deadline that Handler put on the connection for the
// answer before: it must not end this one, or the "100 Continue" before it.
func fresh(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not supported by recorders in tests, which have no deadlines.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		h.ServeHTTP(w, r)
	})
}

// maxDiscard bounds what is read of a body only to be thrown away.
const maxDiscard = 128 << 20

// discardRest reads what h has left of a body, within limits. Many callers send
// all of a request before they look at the answer: if the connection were closed
// in the middle of it they would see a reset and never the reason.
func discardRest(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.ProtoMajor != 1 { // HTTP/2 ends a stream without harm to the answer
			h.ServeHTTP(w, r)
			return
		}
		body := &watchedBody{ReadCloser: r.Body}
		watched := new(http.Request)
		*watched = *r
		watched.Body = body
		h.ServeHTTP(w, watched)
		switch {
		case body.err != nil: // it is at its end, or there is no more of it to be had
		case !body.begun && r.Header.Get("Expect") != "": // a caller that waits for the answer before it sends any
		default:
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(DiscardTimeout))
			_, _ = io.CopyN(io.Discard, r.Body, maxDiscard) // what goes wrong here ends the connection
		}
	})
}

// watchedBody remembers how far a body was read.
type watchedBody struct {
	io.ReadCloser
	begun bool
	err   error
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.err = err
	}
	return n, err
}

// ErrTooLarge is returned by ReadBody for a body over the limit.
var ErrTooLarge = errors.New("body too large")

// ReadBody reads the body of r, at most limit bytes of it, and counts them in
// the request's event. After it has succeeded the connection's read deadline is
// off, so that a long answer is not taken for a slow request; after it has
// failed the connection ends with the answer.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, n, err := readBody(w, r, limit)
	EventFrom(r.Context()).BytesIn += n
	if err != nil {
		// Else the server would read on for a rest that may never come.
		w.Header().Set("Connection", "close")
		return nil, err
	}
	// Not supported by recorders in tests, and not needed there.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, nil
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, int64, error) {
	if r.ContentLength > limit {
		return nil, 0, ErrTooLarge
	}
	// What is declared is taken at its word only while it is small.
	size := min(max(r.ContentLength, 0)+bytes.MinRead, 64<<10)
	buf := bytes.NewBuffer(make([]byte, 0, size))
	n, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = ErrTooLarge
	}
	return buf.Bytes(), n, err
}

// Limit bounds the connections of a listener, in all and from one address; a
// connection over a bound is closed at once. Zero is no bound.
func Limit(l net.Listener, all, perSource int) net.Listener {
	return &limiter{Listener: l, all: all, perSource: perSource, sources: map[string]int{}}
}

type limiter struct {
	net.Listener
	all, perSource int

	mu      sync.Mutex
	open    int
	sources map[string]int
}

func (l *limiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil {
			source = c.RemoteAddr().String()
		}
		if l.enter(source) {
			return &limited{Conn: c, leave: sync.OnceFunc(func() { l.leave(source) })}, nil
		}
		_ = c.Close() // refused: there is nobody to tell
	}
}

func (l *limiter) enter(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all > 0 && l.open >= l.all || l.perSource > 0 && l.sources[source] >= l.perSource {
		return false
	}
	l.open++
	l.sources[source]++
	return true
}

func (l *limiter) leave(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.sources[source]--; l.sources[source] == 0 {
		delete(l.sources, source)
	}
}

type limited struct {
	net.Conn
	leave func()
}

func (c *limited) Close() error {
	c.leave()
	return c.Conn.Close()
}
