package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
	"unicode/utf8"
)

// Event is what is known of one request. The goroutine that serves the request
// fills it in; it is not for use after the request.
type Event struct {
	ID        string // UUID, also in the answer
	Method    string
	Path      string // without the query, which can hold a signature
	SourceIP  string
	UserAgent string

	Service     string // "cognito-idp", when the request is for an operation
	Operation   string
	AccessKeyID string // that signed the request; empty if none did

	Status   int           // of the answer
	Code     string        // AWS exception or OAuth error, if the request failed
	Err      error         // its cause; logged, never shown
	BytesIn  int64         // of the body that was read
	BytesOut int64         // of the body that was written
	Duration time.Duration // by the machine's clock
	attrs    []slog.Attr
}

// Bounds of the texts in an event that callers choose.
const (
	maxPath      = 512
	maxUserAgent = 256
)

type eventKey struct{}

// EventFrom returns the event of the request that ctx belongs to. Outside a
// request it returns an event that nobody reads, never nil.
func EventFrom(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return new(Event)
}

// Add adds attributes to the event's log line. Never add a token, a code or
// anything else that is secret.
func (e *Event) Add(attrs ...slog.Attr) { e.attrs = append(e.attrs, attrs...) }

func newEvent(r *http.Request, id string) *Event {
	return &Event{
		ID:        id,
		Method:    clip(r.Method, 16),
		Path:      clip(r.URL.Path, maxPath),
		SourceIP:  SourceIP(r),
		UserAgent: clip(r.UserAgent(), maxUserAgent),
	}
}

// log writes the event: at error when the server is at fault, else at info.
func (e *Event) log(ctx context.Context, l *slog.Logger) {
	level := slog.LevelInfo
	if e.Status >= 500 && e.Status != http.StatusNotImplemented {
		level = slog.LevelError
	}
	if !l.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 14+len(e.attrs))
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	text("id", e.ID)
	text("method", e.Method)
	text("path", e.Path)
	text("service", e.Service)
	text("operation", e.Operation)
	attrs = append(attrs, slog.Int("status", e.Status))
	text("code", e.Code)
	text("key", e.AccessKeyID)
	text("source", e.SourceIP)
	text("agent", e.UserAgent)
	attrs = append(attrs,
		slog.Int64("in", e.BytesIn), slog.Int64("out", e.BytesOut),
		slog.Duration("took", e.Duration))
	if e.Err != nil {
		text("cause", clip(e.Err.Error(), 4096))
	}
	l.LogAttrs(ctx, level, "request", append(attrs, e.attrs...)...)
}

// SourceIP returns the address at the other end of the connection. Forwarded
// headers are not believed here.
func SourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
