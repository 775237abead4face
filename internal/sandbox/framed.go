package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// reply is a function's answer to one event.
type reply struct {
	payload []byte
	failed  bool
	dying   bool // the process said it will exit
	rssKB   uint32
}

// transport carries events to one process. One goroutine uses it at a time.
type transport interface {
	// ready waits for the process to have loaded its handler and returns the
	// name of its engine. *initError is the function's own failure.
	ready(limit time.Time) (engine string, err error)
	// send passes an event on.
	send(inv *Invocation, deadline time.Time) error
	// receive waits for the answer: os.ErrDeadlineExceeded at limit, ctx's
	// error when ctx ends (it can then be called again), anything else when the
	// process is gone or not worth keeping.
	receive(ctx context.Context, inv *Invocation, limit time.Time) (reply, error)
	close()
}

// initError is a function that could not be loaded; the payload is the error
// as Lambda reports it.
type initError struct{ payload []byte }

func (e *initError) Error() string { return "initialisation: " + string(e.payload) }

var errProtocol = errors.New("the function's process broke the protocol")

// framed is the transport over descriptor 3.
type framed struct {
	conn   net.Conn
	frames *frameReader
	log    *envLog
	arn    string
	spawn  func(func()) // runs a goroutine that somebody waits for
	buf    []byte

	mu   sync.Mutex
	due  bool // somebody reads, or will: what the process said last is still to come
	gone bool // close was called
}

func newFramed(conn net.Conn, log *envLog, arn string, spawn func(func())) *framed {
	return &framed{conn: conn, frames: newFrameReader(conn, maxFrameBody), log: log, arn: arn, spawn: spawn}
}

// expect says that ready will be called.
func (f *framed) expect() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.due = true
}

// settled is the end of what expect or send began.
func (f *framed) settled() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.due = false
	if f.gone {
		_ = f.conn.Close() // it carries nothing any more
	}
}

func (f *framed) ready(limit time.Time) (string, error) {
	defer f.settled()
	if err := f.conn.SetReadDeadline(limit); err != nil {
		return "", err
	}
	for {
		typ, body, err := f.frames.next()
		if err != nil {
			return "", err
		}
		switch typ {
		case frameLog:
			f.log.add("console", string(body))
		case frameReady:
			if len(body) > 100 {
				body = body[:100]
			}
			return string(body), nil
		case frameInitFailed:
			if !isJSON(body) {
				return "", fmt.Errorf("%w: initialisation error is not JSON", errProtocol)
			}
			return "", &initError{payload: append([]byte(nil), body...)}
		default:
			return "", fmt.Errorf("%w: frame %q before ready", errProtocol, typ)
		}
	}
}

// smallEvent fits into an empty socket buffer whatever the system's default,
// so writing it cannot wait for the reader.
const smallEvent = 32 << 10

func (f *framed) send(inv *Invocation, deadline time.Time) error {
	meta := make([]byte, 0, 256)
	meta = append(meta, `{"deadline":`...)
	meta = strconv.AppendInt(meta, deadline.UnixMilli(), 10)
	meta = append(meta, `,"arn":`...)
	meta = appendJSONString(meta, f.arn)
	if inv.TraceID != "" {
		meta = append(meta, `,"trace":`...)
		meta = appendJSONString(meta, inv.TraceID)
	}
	if len(inv.ClientContext) > 0 {
		meta = append(meta, `,"client":`...)
		meta = append(meta, inv.ClientContext...)
	}
	meta = append(meta, '}')
	f.buf = appendInvoke(f.buf[:0], inv.RequestID, meta, inv.Payload)
	f.expect()
	if len(f.buf) <= smallEvent {
		_, err := f.conn.Write(f.buf)
		if err != nil {
			f.settled()
		}
		return err
	}
	// The process may be writing log, and read only after: whoever waits for
	// its answer reads that log, so the event is written beside it.
	event := f.buf
	f.buf = nil
	f.spawn(func() {
		_, _ = f.conn.Write(event) // a failure shows in the reading
	})
	return nil
}

func (f *framed) receive(ctx context.Context, inv *Invocation, limit time.Time) (reply, error) {
	for {
		r, err := f.receiveOnce(ctx, inv, limit)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if ctx.Err() != nil {
				return reply{}, ctx.Err() // it will be called again
			}
			if time.Now().Before(limit) {
				continue // an earlier caller's cancellation came late
			}
		}
		f.settled()
		return r, err
	}
}

func (f *framed) receiveOnce(ctx context.Context, inv *Invocation, limit time.Time) (reply, error) {
	if err := f.conn.SetReadDeadline(limit); err != nil {
		return reply{}, err
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() {
			_ = f.conn.SetReadDeadline(time.Unix(1, 0)) // fails only once the connection is closed
		})()
	}
	for {
		typ, body, err := f.frames.next()
		if err != nil {
			return reply{}, err
		}
		switch typ {
		case frameLog:
			f.log.add("console", string(body))
		case frameResult, frameError, frameFatal:
			a, err := parseAnswer(body)
			if err != nil {
				return reply{}, err
			}
			if a.id != inv.RequestID {
				return reply{}, fmt.Errorf("%w: answer to another event", errProtocol)
			}
			if len(a.payload) > maxResponse {
				return reply{}, errFrameTooLarge
			}
			if !isJSON(a.payload) {
				return reply{}, fmt.Errorf("%w: answer is not JSON", errProtocol)
			}
			return reply{
				payload: append([]byte(nil), a.payload...), failed: typ != frameResult,
				dying: typ == frameFatal, rssKB: a.rssKB,
			}, nil
		default:
			return reply{}, fmt.Errorf("%w: frame %q", errProtocol, typ)
		}
	}
}

// close ends the connection, but not before what the process wrote last, such
// as why it went, has been read by whoever waits for it.
func (f *framed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = true
	if c, ok := f.conn.(*net.UnixConn); ok && f.due && c.CloseRead() == nil {
		return // the reader finds what is there, then the end, and settles
	}
	_ = f.conn.Close() // it carries nothing any more
}

// appendJSONString appends s as a JSON string.
func appendJSONString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			q, err := json.Marshal(s)
			if err != nil { // strings always marshal
				return append(b, `""`...)
			}
			return append(b, q...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
