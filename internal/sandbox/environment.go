package sandbox

import (
	"context"

	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
)

// environment is one process of a function with what leads to it. It handles
// one event at a time.
type environment struct {
	f      *Function
	log    *envLog
	proc   *process
	tr     transport
	engine string
	init   time.Duration
	peak   atomic.Int64 // resident bytes, the whole group
	served int
	since  atomic.Int64 // start of the current event, for the watchdog; 0 when idle

	mu     sync.Mutex
	st     state
	reason string // why we killed it; empty if we did not
}

// Reasons for killing an environment.
const (
	killedTime      = "time"
	killedMemory    = "memory"
	killedProcesses = "processes"
	killedStop      = "stop"
)

func (e *environment) move(next state) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.st.to(next); err != nil {
		return err
	}
	e.st = next
	return nil
}

func (e *environment) usable() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.st == stateIdle
}

func (e *environment) done() <-chan struct{} { return e.proc.end }

func (e *environment) kill() { e.killFor(killedStop) }

// killFor ends the environment; the first reason stands.
func (e *environment) killFor(reason string) {
	e.mu.Lock()
	if e.st.to(stateStopping) == nil {
		e.st = stateStopping
		e.reason = reason
	}
	e.mu.Unlock()
	e.proc.kill()
}

// watch marks the environment dead when its process is.
func (e *environment) watch() {
	<-e.proc.end
	e.mu.Lock()
	e.st = stateDead
	e.mu.Unlock()
	e.tr.close()
}

func (e *environment) killedFor() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reason
}

// errNotDelivered is an environment that ended while it was idle: the event
// has not begun and another environment may have it.
var errNotDelivered = errors.New("the environment had ended")

// serve runs one event within limit. When ctx ends first it returns ctx's
// error and a function that waits for the rest, as Lambda finishes an event
// whose caller has gone; it must be called.
func (e *environment) serve(ctx context.Context, inv *Invocation, limit time.Duration) (res Result, rest func(), err error) {
	if err := e.move(stateBusy); err != nil {
		return Result{}, nil, err
	}
	begin := time.Now()
	e.since.Store(begin.UnixNano())
	c := &exchange{e: e, inv: inv, begin: begin, limit: limit, end: begin.Add(limit)}
	e.log.begin(inv.RequestID, inv.Logs)
	e.log.add("platform", "START RequestId: "+inv.RequestID+" Version: "+e.f.cfg.Version)
	if err := e.tr.send(inv, c.end); err != nil && !isDeadline(err) {
		e.killFor(killedStop)
		return Result{}, nil, errNotDelivered
	}
	r, err := e.tr.receive(ctx, inv, c.end)
	if cerr := ctx.Err(); cerr != nil && errors.Is(err, cerr) {
		return Result{}, func() {
			r, err := e.tr.receive(context.Background(), inv, c.end)
			c.finish(r, err)
		}, cerr
	}
	return c.finish(r, err), nil, nil
}

// exchange is one event on its way.
type exchange struct {
	e     *environment
	inv   *Invocation
	begin time.Time
	end   time.Time
	limit time.Duration
}

// finish turns what came back, or did not, into a Result.
func (c *exchange) finish(r reply, err error) Result {
	e := c.e
	res := Result{Payload: r.payload, Engine: e.engine, Cold: e.served == 0, Duration: time.Since(c.begin)}
	e.served++
	e.since.Store(0)
	if r.failed {
		res.FunctionError = Unhandled
	}
	switch {
	case err != nil:
		res.FunctionError = Unhandled
		res.Payload = c.failure(err)
	case r.dying:
		e.killFor(killedStop)
	default:
		e.proc.drain()
		_ = e.move(stateIdle) // refused when it has died since: then it is not usable
	}
	rss := int64(r.rssKB) << 10
	if rss == 0 { // its runtime does not say
		rss = resident(e.proc.id())
	}
	if rss > e.peak.Load() {
		e.peak.Store(rss)
	}
	e.log.flushLost()
	res.MaxMemoryMB = int((e.peak.Load() + 1<<20 - 1) >> 20)
	if killed := e.killedFor(); killed == killedMemory {
		res.MaxMemoryMB = e.f.cfg.MemoryMB
	}
	if res.Cold {
		res.InitDuration = e.init
	}
	res.BilledDuration = (res.Duration + res.InitDuration + time.Millisecond - 1).Truncate(time.Millisecond)
	e.log.add("platform", "END RequestId: "+c.inv.RequestID)
	e.log.add("platform", c.report(res))
	res.LogTail = e.log.end()
	return res
}

// report is the line that Lambda ends the log of an event with. It is on the
// way of every sign-in with a function, so it is put together by hand.
func (c *exchange) report(res Result) string {
	b := make([]byte, 0, 256)
	b = append(append(b, "REPORT RequestId: "...), c.inv.RequestID...)
	b = strconv.AppendFloat(append(b, "\tDuration: "...), ms(res.Duration), 'f', 2, 64)
	b = strconv.AppendInt(append(b, " ms\tBilled Duration: "...), res.BilledDuration.Milliseconds(), 10)
	b = strconv.AppendInt(append(b, " ms\tMemory Size: "...), int64(c.e.f.cfg.MemoryMB), 10)
	b = strconv.AppendInt(append(b, " MB\tMax Memory Used: "...), int64(res.MaxMemoryMB), 10)
	b = append(b, " MB"...)
	if res.Cold {
		b = strconv.AppendFloat(append(b, "\tInit Duration: "...), ms(res.InitDuration), 'f', 2, 64)
		b = append(b, " ms"...)
	}
	return string(b)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// failure ends the environment and says, in Lambda's words, what became of the
// event.
func (c *exchange) failure(err error) []byte {
	e, id := c.e, c.inv.RequestID
	late := errors.Is(err, os.ErrDeadlineExceeded)
	tooLarge := errors.Is(err, errFrameTooLarge)
	broken := errors.Is(err, errProtocol) || errors.Is(err, errFrame)
	switch {
	case late:
		e.killFor(killedTime)
	case tooLarge || broken:
		e.killFor(killedStop)
	default:
		// The connection ended: either the process has too, or it closed its
		// end and is of no more use. A moment tells its exit status.
		select {
		case <-e.proc.end:
		case <-time.After(waitForExit):
			e.killFor(killedStop)
		}
	}
	<-e.proc.end // killed or dead; its pipes are closed and drained

	switch reason := e.killedFor(); {
	case late:
		e.f.timeouts.Add(1)
		text := fmt.Sprintf("%s %s Task timed out after %.2f seconds",
			e.f.host.now().UTC().Format("2006-01-02T15:04:05.000Z"), id, c.limit.Seconds())
		e.log.add("platform", text)
		return errorPayload("Sandbox.Timedout", text)
	case tooLarge:
		return errorPayload("Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
	case broken:
		e.f.host.log.Debug("function broke the protocol", "function", e.f.cfg.Name, "err", err)
		return errorPayload("Runtime.InvalidResponse", "RequestId: "+id+" Error: Runtime gave an invalid response")
	default:
		exit := e.proc.exit()
		if reason == killedMemory || reason == killedProcesses {
			e.f.killed.Add(1)
			exit = "signal: killed"
			e.log.add("platform", e.f.limitText(reason))
		}
		return exitPayload(id, exit)
	}
}

// waitForExit is how long a process that closed its connection gets to exit.
const waitForExit = time.Second

func exitPayload(id, exit string) []byte {
	text := "RequestId: " + id + " Error: Runtime exited without providing a reason"
	if exit != "" {
		text = "RequestId: " + id + " Error: Runtime exited with error: " + exit
	}
	return errorPayload("Runtime.ExitError", text)
}

func errorPayload(typ, message string) []byte {
	b, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{typ, strings.ToValidUTF8(message, "\uFFFD")})
	if err != nil { // two strings always marshal
		return []byte(`{"errorType":"Runtime.Unknown","errorMessage":""}`)
	}
	return b
}
