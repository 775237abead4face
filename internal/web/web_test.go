package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rockpoolhq/rockpool/internal/web"
)

// pipeListener hands out connections of net.Pipe, on which time can be
// simulated.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// serve runs h with the project's limits and returns a connection to it.
func serve(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	srv := web.NewServer(&web.Handler{Next: h})
	srv.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(l) // ends with the listener
	}()
	client, server := net.Pipe()
	l.conns <- server
	t.Cleanup(func() {
		_ = client.Close()
		_ = srv.Close()
		<-ended
	})
	return client
}

// closedAfter returns how long it takes until the server ends the connection.
func closedAfter(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

func TestSec_NET_1_slowCallers(t *testing.T) {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := web.ReadBody(w, r, 1<<20); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		web.Write(w, 200, []byte("ok"))
	})
	for _, tt := range []struct {
		name, send string
		want       time.Duration
	}{
		{"headers that never end", "POST / HTTP/1.1\r\nHost: a\r\nX-A: ", web.ReadHeaderTimeout},
		{"a body that never ends", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc", web.ReadTimeout},
		{"no further request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", web.IdleTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serve(t, read)
				if _, err := c.Write([]byte(tt.send)); err != nil {
					t.Fatal(err)
				}
				if got := closedAfter(t, c); got < tt.want || got > tt.want+time.Second {
					t.Errorf("closed after %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// A caller that does not read its answer is dropped, and the one after on the
// same connection is not punished for a pause.
func TestSec_NET_1_slowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Duration, 1)
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			start := time.Now()
			web.Write(w, 200, make([]byte, 1<<20))
			ended <- time.Since(start)
		}))
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if got := <-ended; got != web.WriteTimeout {
			t.Errorf("the answer blocked for %v, want %v", got, web.WriteTimeout)
		}
	})
}

func TestPauseBetweenRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := web.ReadBody(w, r, 100)
			if err != nil {
				t.Error(err)
			}
			web.Write(w, 200, body)
		}))
		br := bufio.NewReader(c)
		for i := range 3 {
			// With the deadline of the answer before, "100 Continue" would fail.
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(br, nil)
			if err != nil || resp.StatusCode != 100 {
				t.Fatalf("request %d: %v, %v", i, resp, err)
			}
			if _, err := io.WriteString(c, "hi"); err != nil {
				t.Fatal(err)
			}
			if resp, err = http.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
				t.Fatalf("request %d: %v, %v", i, resp, err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
			time.Sleep(web.WriteTimeout + 10*time.Second) // simulated
		}
	})
}

// An answer may take longer than a request may: the context stays alive.
func TestLongAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := web.ReadBody(w, r, 100); err != nil {
				t.Error(err)
			}
			select {
			case <-r.Context().Done():
				t.Error("the request was cancelled while its answer was made")
			case <-time.After(15 * time.Minute):
			}
			web.Write(w, 200, []byte("done"))
		}))
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "done" {
			t.Errorf("%q, %v", body, err)
		}
	})
}

func TestSec_NET_1_headerLimit(t *testing.T) {
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = web.NewServer(&web.Handler{Next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })})
	srv.Start()
	defer srv.Close()
	for size, want := range map[int]int{web.MaxHeader - 5000: 204, web.MaxHeader + 1: 431, 1 << 20: 431} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			// The server hangs up before it has all of a header that is too big.
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-A: "+strings.Repeat("a", size)+"\r\n\r\n")
		}()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%d bytes: %v, %v; want %d", size, resp, err, want)
		}
		_ = c.Close()
	}
}

func TestSec_NET_1_connectionsPerSource(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := web.Limit(inner, 10, 2)
	defer l.Close()
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, two := dial(), dial()
	defer one.Close()
	defer two.Close()
	first := <-accepted
	<-accepted
	three := dial()
	if n, err := three.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the third connection read %d bytes, %v; want it closed", n, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_ = first.Close() // a second close must not free a second place
	four := dial()
	defer four.Close()
	if c := <-accepted; c == nil {
		t.Fatal("not accepted after another left")
	}
	five := dial()
	if n, err := five.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection over the limit read %d bytes, %v; want it closed", n, err)
	}
}

// Many callers send all of a request before they look at the answer. A refused
// body used to meet a closed connection: its caller saw a reset and no reason.
func TestRefusedBodyIsAnswered(t *testing.T) {
	const size = 24 << 20 // more than the buffers between the two hold
	for name, handler := range map[string]http.HandlerFunc{
		"too large": func(w http.ResponseWriter, r *http.Request) {
			if _, err := web.ReadBody(w, r, 1<<20); !errors.Is(err, web.ErrTooLarge) {
				t.Errorf("ReadBody: %v, want ErrTooLarge", err)
			}
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		},
		"not looked at": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) },
	} {
		for _, header := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n", size), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", size)} {
			c := dialServer(t, handler)
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+header); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(make([]byte, size)); err != nil {
				t.Fatalf("%s, %.10s: write: %v", name, header, err)
			}
			if strings.HasPrefix(header, "Transfer") {
				if _, err := io.WriteString(c, "\r\n0\r\n\r\n"); err != nil {
					t.Fatalf("%s, %.10s: write: %v", name, header, err)
				}
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
				t.Fatalf("%s, %.10s: %v, %v; want 413", name, header, resp, err)
			}
		}
	}
}

// A caller that never sends the rest of a refused body is not waited for long.
func TestSec_NET_1_restOfARefusedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc"); err != nil {
			t.Fatal(err)
		}
		if got := closedAfter(t, c); got > web.DiscardTimeout+time.Second {
			t.Errorf("closed after %v, want %v", got, web.DiscardTimeout)
		}
	})
}

// dialServer connects to a server for h on loopback.
func dialServer(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(h)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close() // it may be closed already
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	return c
}

func TestReadBody(t *testing.T) {
	for _, tt := range []struct {
		name   string
		body   string
		length int64
		want   error
	}{
		{"nothing", "", 0, nil},
		{"on the limit", "0123456789", 10, nil},
		{"over the limit", "0123456789x", 11, web.ErrTooLarge},
		{"over the limit without saying so", "0123456789x", -1, web.ErrTooLarge},
		{"on the limit without saying so", "0123456789", -1, nil},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
		r.ContentLength = tt.length
		got, err := web.ReadBody(httptest.NewRecorder(), r, 10)
		if !errors.Is(err, tt.want) || tt.want == nil && (err != nil || string(got) != tt.body) || tt.want != nil && got != nil {
			t.Errorf("%s: %q, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestEventIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	var seen []*web.Event
	leaf := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ev := web.EventFrom(r.Context())
		ev.Operation = "Op"
		ev.Add(slog.String("pool", "p"))
		if _, err := web.ReadBody(w, r, 100); err != nil {
			t.Error(err)
		}
		web.Write(w, 201, []byte("hello"))
	})
	observe := func(e *web.Event) { seen = append(seen, e) }
	inner := &web.Handler{Next: leaf, Observe: observe, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	outer := &web.Handler{Next: inner, Observe: observe, Logger: inner.Logger, NewID: func() string { return "the-id" }}
	r := httptest.NewRequest("PUT", "/path?secret=canary", strings.NewReader("abc"))
	r.Header.Set("User-Agent", "agent\nforged=line "+strings.Repeat("x", 1000))
	outer.ServeHTTP(httptest.NewRecorder(), r)
	if len(seen) != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Fatalf("%d events and log %q, want one of each", len(seen), log.String())
	}
	e := seen[0]
	if e.ID != "the-id" || e.Status != 201 || e.BytesIn != 3 || e.BytesOut != 5 || e.Operation != "Op" || e.SourceIP != "192.0.2.1" || len(e.UserAgent) > 256 {
		t.Errorf("event %+v", e)
	}
	for _, want := range []string{"id=the-id", "status=201", "pool=p", "level=INFO"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the query is logged: %s", log.String())
	}
}

func TestSec_ERR_1_panic(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    http.HandlerFunc
		want int
	}{
		{"before the answer", func(http.ResponseWriter, *http.Request) { panic("hunter2") }, 500},
		{"out of range", func(_ http.ResponseWriter, r *http.Request) { _ = strings.Split(r.URL.Path, "/")[7] }, 500},
		{"after the answer", func(w http.ResponseWriter, _ *http.Request) { web.Write(w, 200, nil); panic("hunter2") }, 200},
	} {
		var ev *web.Event
		h := &web.Handler{Next: tt.h, Observe: func(e *web.Event) { ev = e }}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != tt.want || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
		}
		if ev == nil || !errors.Is(ev.Err, web.ErrPanic) || !strings.Contains(ev.Err.Error(), "web_test.go") {
			t.Errorf("%s: the event has no stack: %+v", tt.name, ev)
		}
	}
	// A handler that asks for the connection to be dropped gets it.
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("ErrAbortHandler did not pass")
		}
	}()
	(&web.Handler{Next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// countingConn counts the writes of a server.
type countingConn struct {
	net.Conn
	writes *int
}

func (c countingConn) Write(p []byte) (int, error) { *c.writes++; return c.Conn.Write(p) }

// Headers and body leave in one write: in two, the second would wait for the
// caller's delayed acknowledgement.
func TestOneSegment(t *testing.T) {
	writes := 0
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(&web.Handler{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.WriteJSON(w, r, 200, map[string]string{"a": strings.Repeat("x", 2000)})
	})})
	conns := &pipeListener{make(chan net.Conn), make(chan struct{})}
	go func() {
		if c, err := l.Accept(); err == nil {
			conns.conns <- countingConn{c, &writes}
		}
	}()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(conns) }()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || strconv.FormatInt(n, 10) != resp.Header.Get("Content-Length") {
		t.Errorf("%d bytes, %v; Content-Length %s", n, err, resp.Header.Get("Content-Length"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), web.DiscardTimeout)
	defer cancel()
	http.DefaultClient.CloseIdleConnections()
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	<-ended
	if writes != 1 {
		t.Errorf("the answer took %d writes, want 1", writes)
	}
	_ = l.Close()
}

func TestWriteJSONThatCannotBe(t *testing.T) {
	w := httptest.NewRecorder()
	web.WriteJSON(w, httptest.NewRequest("GET", "/", nil), 200, func() {})
	if w.Code != 500 || !strings.Contains(w.Body.String(), "InternalErrorException") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWriteErrorKeepsTheCauseForTheLog(t *testing.T) {
	var seen *web.Event
	h := &web.Handler{
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			web.WriteError(w, r, http.StatusInternalServerError, errors.New("the disk is on fire"))
		}),
		Observe: func(e *web.Event) { seen = e },
		NewID:   func() string { return "id-1" },
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if seen.Code != "InternalErrorException" || seen.Err == nil || !strings.Contains(seen.Err.Error(), "on fire") {
		t.Errorf("the event has %q and %v", seen.Code, seen.Err)
	}
	if strings.Contains(w.Body.String(), "fire") || w.Header().Get("X-Amzn-Requestid") != "id-1" {
		t.Errorf("the answer: %v %s", w.Header(), w.Body)
	}
}
