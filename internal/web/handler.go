package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

// Handler gives each request its event, recovers panics and logs.
// A Handler within another leaves all of that to the outer one, so that a
// surface is complete alone and as a part.
type Handler struct {
	// Next serves the request. Required.
	Next http.Handler
	// Logger gets one line a request; nil discards it.
	Logger *slog.Logger
	// Observe is called with each event when it is complete; nil does nothing.
	Observe func(*Event)
	// NewID makes request ids; nil is a random UUID.
	NewID func() string
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if _, inner := ctx.Value(eventKey{}).(*Event); inner {
		h.Next.ServeHTTP(w, r)
		return
	}
	newID := h.NewID
	if newID == nil {
		newID = secret.UUID
	}
	// The service's clock may be moved; how long a request took may not.
	start := time.Now()
	ev := newEvent(r, newID())
	ctx = context.WithValue(ctx, eventKey{}, ev)
	rec := &recorder{ResponseWriter: w, event: ev}
	rec.Header()["X-Amzn-Requestid"] = []string{ev.ID}
	if err := Recover(func() { h.Next.ServeHTTP(rec, r.WithContext(ctx)) }); err != nil {
		ev.Err = err
		if ev.Status == 0 {
			rec.Header().Set("Content-Type", "text/plain; charset=utf-8")
			Write(rec, http.StatusInternalServerError, []byte("internal error, request id "+ev.ID+"\n"))
		}
	}
	if ev.Status == 0 {
		ev.Status = http.StatusOK
	}
	ev.Duration = time.Since(start)
	if h.Logger != nil {
		ev.log(ctx, h.Logger)
	}
	if h.Observe != nil {
		h.Observe(ev)
	}
}

// ErrPanic is wrapped by the errors of Recover.
var ErrPanic = errors.New("panic")

// Recover runs f and returns a panic of it as an error with the stack. It lets
// http.ErrAbortHandler pass, which is a request to drop the connection.
func Recover(f func()) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			err = fmt.Errorf("%w: %s\n%s", ErrPanic, clip(fmt.Sprint(v), 512), clip(string(debug.Stack()), 3000))
		}
	}()
	f()
	return nil
}

// recorder notes what was answered, and bounds how long a caller may take to
// read it.
type recorder struct {
	http.ResponseWriter
	event *Event
}

// Unwrap serves http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.event.Status == 0 && status >= 200 {
		w.event.Status = status
		// Not supported by recorders in tests, and not needed there.
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(WriteTimeout))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.event.Status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.event.BytesOut += int64(n)
	return n, err
}
