package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// runtimeAPI is the transport for every runtime that is not framed: Lambda's
// Runtime API, which the process polls over HTTP.
//
// Clients are given a host and port and put a fixed path behind it, so the
// address cannot carry a secret. Instead every environment has a listener of
// its own, a connection is served only if a process of that environment made
// it, and an answer is taken only for the event in hand: no function can fetch
// or answer what is another's.
type runtimeAPI struct {
	ln  net.Listener
	srv *http.Server
	arn string
	log *slog.Logger

	events  chan event    // to whoever polls
	replies chan reply    // one answer to the event in hand
	up      chan struct{} // closed at the first poll
	bad     chan []byte   // an initialisation error
	closed  chan struct{}
	end     <-chan struct{} // the process has ended
	serving sync.WaitGroup

	mu      sync.Mutex
	current string // the event in hand
	polled  bool
}

type event struct {
	inv      *Invocation
	deadline time.Time
}

const runtimeAPIPrefix = "/2018-06-01/runtime/"

func openRuntimeAPI(arn string, log *slog.Logger) (*runtimeAPI, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	a := &runtimeAPI{
		ln: ln, arn: arn, log: log,
		events: make(chan event), replies: make(chan reply, 1), up: make(chan struct{}),
		bad: make(chan []byte, 1), closed: make(chan struct{}),
	}
	a.srv = &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return a, nil
}

func (a *runtimeAPI) addr() string { return a.ln.Addr().String() }

// serve begins to answer proc, and nobody else.
func (a *runtimeAPI) serve(proc *process) {
	a.end = proc.end
	a.serving.Go(func() {
		_ = a.srv.Serve(peerListener{a.ln, proc, a.log}) // always ends in ErrServerClosed
	})
}

// peerListener drops connections of strangers.
type peerListener struct {
	net.Listener
	proc *process
	log  *slog.Logger
}

func (l peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ours, err := peerBelongs(l.proc.id(), c.RemoteAddr().String(), c.LocalAddr().String())
		if ours {
			return c, nil
		}
		l.log.Warn("connection to a runtime API from outside its function refused", "err", err)
		_ = c.Close() // nothing was said on it
	}
}

func (a *runtimeAPI) ready(limit time.Time) (string, error) {
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case <-a.up:
		return "", nil
	case payload := <-a.bad:
		return "", &initError{payload: payload}
	case <-a.end:
		select {
		case payload := <-a.bad: // it said why before it went
			return "", &initError{payload: payload}
		default:
		}
		return "", io.EOF
	case <-timer.C:
		return "", os.ErrDeadlineExceeded
	}
}

func (a *runtimeAPI) send(inv *Invocation, deadline time.Time) error {
	a.mu.Lock()
	a.current = inv.RequestID
	a.mu.Unlock()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case a.events <- event{inv, deadline}:
		return nil
	case <-a.end:
		return io.EOF
	case <-timer.C:
		return os.ErrDeadlineExceeded
	}
}

func (a *runtimeAPI) receive(ctx context.Context, _ *Invocation, limit time.Time) (reply, error) {
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case r := <-a.replies:
		return r, nil
	case <-ctx.Done():
		return reply{}, ctx.Err()
	case <-a.end:
		select {
		case r := <-a.replies: // it answered before it went
			r.dying = true
			return r, nil
		default:
		}
		return reply{}, io.EOF
	case <-timer.C:
		return reply{}, os.ErrDeadlineExceeded
	}
}

func (a *runtimeAPI) close() {
	select {
	case <-a.closed:
		return
	default:
		close(a.closed)
	}
	_ = a.srv.Close() // its clients are gone
	_ = a.ln.Close()  // when it never served
	a.serving.Wait()
}

// take claims the event in hand for its one answer.
func (a *runtimeAPI) take(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id == "" || a.current != id {
		return false
	}
	a.current = ""
	return true
}

func (a *runtimeAPI) holds(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return id != "" && a.current == id
}

// runtimeCall is what a request asks for.
type runtimeCall int

const (
	callUnknown runtimeCall = iota
	callNext
	callResponse
	callError
	callInitError
)

// parseRuntimePath reads the path of a request; id is set for callResponse and
// callError.
func parseRuntimePath(path string) (call runtimeCall, id string) {
	rest, ok := strings.CutPrefix(path, runtimeAPIPrefix)
	if !ok {
		return callUnknown, ""
	}
	switch rest {
	case "invocation/next":
		return callNext, ""
	case "init/error":
		return callInitError, ""
	}
	rest, ok = strings.CutPrefix(rest, "invocation/")
	if !ok {
		return callUnknown, ""
	}
	id, verb, ok := strings.Cut(rest, "/")
	if !ok || id == "" || id == "next" {
		return callUnknown, ""
	}
	switch verb {
	case "response":
		return callResponse, id
	case "error":
		return callError, id
	}
	return callUnknown, ""
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, id := parseRuntimePath(r.URL.Path)
	want := http.MethodPost
	if call == callNext {
		want = http.MethodGet
	}
	switch {
	case call == callUnknown:
		runtimeAnswer(w, http.StatusNotFound, "NotFound", "no such runtime API path")
	case r.Method != want:
		runtimeAnswer(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "use "+want)
	case call == callNext:
		a.next(w, r)
	case call == callInitError:
		a.initError(w, r)
	default:
		a.answer(w, r, id, call == callError)
	}
}

// next gives out one event.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	if !a.polled {
		a.polled = true
		close(a.up)
	}
	a.mu.Unlock()
	var ev event
	select {
	case ev = <-a.events:
	case <-r.Context().Done():
		return
	case <-a.closed:
		return
	}
	h := w.Header()
	// The header map is written directly: clients compare these names exactly.
	h["Lambda-Runtime-Aws-Request-Id"] = []string{ev.inv.RequestID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(ev.deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{a.arn}
	if ev.inv.TraceID != "" {
		h["Lambda-Runtime-Trace-Id"] = []string{ev.inv.TraceID}
	}
	if len(ev.inv.ClientContext) > 0 {
		if context := oneLine(ev.inv.ClientContext); context != "" {
			h["Lambda-Runtime-Client-Context"] = []string{context}
		}
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(ev.inv.Payload)))
	_, _ = w.Write(ev.inv.Payload) // a lost poller shows as a missing answer
}

// answer takes the response or the error of the event in hand.
func (a *runtimeAPI) answer(w http.ResponseWriter, r *http.Request, id string, failed bool) {
	if !a.holds(id) {
		runtimeAnswer(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		if a.take(id) {
			a.replies <- reply{failed: true, payload: errorPayload("Function.ResponseSizeTooLarge",
				fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))}
		}
		runtimeAnswer(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
		return
	}
	if err != nil {
		runtimeAnswer(w, http.StatusBadRequest, "InvalidBody", "the body could not be read")
		return
	}
	if t := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); t != "" { // a streamed response that broke off
		failed = true
		body = errorPayload(t, "the response stream ended in an error")
	}
	if failed {
		body = errorBody(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))
	} else if len(body) == 0 {
		body = []byte("null")
	}
	if !a.take(id) { // answered twice at once
		runtimeAnswer(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	a.replies <- reply{payload: body, failed: failed}
	accepted(w)
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	polled := a.polled
	a.mu.Unlock()
	if polled {
		runtimeAnswer(w, http.StatusForbidden, "InvalidStateTransition", "State transition from Ready to InitError is not allowed")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 256<<10))
	if err != nil {
		runtimeAnswer(w, http.StatusBadRequest, "InvalidBody", "the body could not be read")
		return
	}
	select {
	case a.bad <- errorBody(body, r.Header.Get("Lambda-Runtime-Function-Error-Type")):
	default: // one is enough
	}
	accepted(w)
}

// errorBody makes sure that an error is a JSON object.
func errorBody(body []byte, typ string) []byte {
	if isJSONObject(body) {
		return body
	}
	if typ == "" {
		typ = "Runtime.Unknown"
	}
	if len(body) > 1024 {
		body = body[:1024]
	}
	return errorPayload(typ, string(body))
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n") // the client's loss
}

func runtimeAnswer(w http.ResponseWriter, status int, typ, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(errorPayload(typ, message)) // the client's loss
}

// oneLine makes a header value of JSON: white space between tokens goes, and
// what a header cannot carry makes the whole unusable.
func oneLine(b []byte) string {
	s, err := compactASCII(b)
	if err != nil || len(s) > 16<<10 {
		return ""
	}
	return s
}
