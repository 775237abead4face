package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Function is one version of a function. It is safe for concurrent use.
type Function struct {
	host *Host
	cfg  Config
	pool *pool[*environment]
	logs Logs

	invocations, failures, timeouts, cold, killed atomic.Int64
	mismatch                                      atomic.Bool // the version difference has been said
}

// Function returns a handle for cfg. Nothing runs until Invoke or Warm. Every
// call makes a Function of its own; state never crosses from one to another.
func (h *Host) Function(cfg Config) *Function {
	if cfg.MemoryMB <= 0 {
		cfg.MemoryMB = DefaultMemoryMB
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.TmpMB <= 0 {
		cfg.TmpMB = DefaultTmpMB
	}
	if cfg.MaxConcurrency <= 0 {
		cfg.MaxConcurrency = DefaultMaxConcurrency
	}
	if cfg.Version == "" {
		cfg.Version = "$LATEST"
	}
	f := &Function{host: h, cfg: cfg}
	f.pool = newPool(cfg.MaxConcurrency, cfg.MaxConcurrency*waitersPerSlot, h.opts.IdleTimeout, f.begin)
	if !h.add(f) {
		f.pool.stop(stopNow())
	}
	return f
}

// stopNow is a context that has ended.
func stopNow() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// Config returns the configuration with its defaults filled in.
func (f *Function) Config() Config { return f.cfg }

// Logs returns the function's log; it outlives Stop.
func (f *Function) Logs() *Logs { return &f.logs }

// Invoke hands the function one event and waits for its answer. What the
// function does wrong is in the Result; the error is ErrStopped,
// ErrTooManyConcurrent, ErrRuntime, ErrPayloadTooLarge, ctx's, or a fault of
// the machine.
//
// When ctx ends, Invoke returns at once and the event goes on until its own
// limit. When Invocation.Deadline passes, the function is stopped.
func (f *Function) Invoke(ctx context.Context, inv Invocation) (Result, error) {
	if err := checkInvocation(&inv); err != nil {
		return Result{}, err
	}
	f.invocations.Add(1)
	limit := f.cfg.Timeout
	if !inv.Deadline.IsZero() {
		until := inv.Deadline.Sub(f.host.now())
		if until < limit {
			limit = max(until, time.Millisecond)
		}
	}
	queue := ctx
	if !inv.Deadline.IsZero() {
		// Waiting for a place counts as well.
		var cancel context.CancelFunc
		queue, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	for range maxDeliveries {
		res, err := f.deliver(ctx, queue, &inv, limit)
		if !errors.Is(err, errNotDelivered) {
			return res, err
		}
	}
	f.failures.Add(1)
	return Result{Payload: exitPayload(inv.RequestID, ""), FunctionError: Unhandled}, nil
}

// maxDeliveries is how many environments may be found dead before an event is
// given up.
const maxDeliveries = 3

// deliver finds an environment for an event and has it handled there.
func (f *Function) deliver(ctx, queue context.Context, inv *Invocation, limit time.Duration) (Result, error) {
	asked := time.Now()
	s, err := f.pool.acquire(queue)
	if err != nil {
		if bad, ok := errors.AsType[*initError](err); ok {
			f.failures.Add(1)
			return Result{Payload: bad.payload, FunctionError: Unhandled, Cold: true}, nil
		}
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			f.failures.Add(1)
			f.timeouts.Add(1)
			text := fmt.Sprintf("%s %s Task timed out after %.2f seconds",
				f.host.now().UTC().Format("2006-01-02T15:04:05.000Z"), inv.RequestID, limit.Seconds())
			return Result{Payload: errorPayload("Sandbox.Timedout", text), FunctionError: Unhandled}, nil
		}
		return Result{}, err
	}
	if !inv.Deadline.IsZero() {
		if waited := time.Since(asked); waited > time.Millisecond {
			limit = max(min(f.cfg.Timeout, limit-waited), time.Millisecond)
		}
	}
	res, rest, err := s.w.serve(ctx, inv, limit)
	if rest != nil {
		f.host.background(func() {
			rest()
			f.pool.release(s)
		})
		return Result{}, err
	}
	f.pool.release(s)
	if err != nil {
		return Result{}, err
	}
	if res.FunctionError != "" {
		f.failures.Add(1)
	}
	return res, nil
}

// checkInvocation refuses what would not travel safely, and fills in an empty
// payload.
func checkInvocation(inv *Invocation) error {
	if len(inv.Payload) > MaxPayload {
		return ErrPayloadTooLarge
	}
	if len(inv.Payload) == 0 {
		inv.Payload = []byte("{}")
	}
	if n := len(inv.RequestID); n == 0 || n > 128 {
		return errors.New("sandbox: an invocation needs a request id of 1 to 128 characters")
	}
	for _, c := range []byte(inv.RequestID) {
		if c <= ' ' || c >= 0x7f || c == '/' {
			return fmt.Errorf("sandbox: character %q in a request id", c)
		}
	}
	if !plainHeader(inv.TraceID) {
		return errors.New("sandbox: trace id is not a header value")
	}
	if len(inv.ClientContext) > 0 && !isJSONObject(inv.ClientContext) {
		return errors.New("sandbox: client context is not a JSON object")
	}
	return nil
}

// Warm brings the number of environments up to n. A function that cannot be
// loaded is an error here.
func (f *Function) Warm(ctx context.Context, n int) error { return f.pool.warm(ctx, n) }

// Stop refuses new events, lets running ones finish until ctx ends, kills what
// is left, and returns when no process remains.
func (f *Function) Stop(ctx context.Context) {
	f.pool.stop(ctx)
	f.host.remove(f)
}

// Stats returns counts as they stand.
func (f *Function) Stats() Stats {
	all, idle, waiting := f.pool.stats()
	return Stats{
		Environments: all, Idle: idle, Busy: all - idle, Waiting: waiting,
		Invocations: f.invocations.Load(), Errors: f.failures.Load(), Timeouts: f.timeouts.Load(),
		ColdStarts: f.cold.Load(), Killed: f.killed.Load(), DroppedLogs: f.logs.Dropped(),
	}
}

func (f *Function) limitText(reason string) string {
	if reason == killedMemory {
		return fmt.Sprintf("The function used more than its %d MB of memory and was stopped.", f.cfg.MemoryMB)
	}
	return fmt.Sprintf("The function started more than %d processes and was stopped.", maxGroup)
}

// begin starts an environment and waits until it can take an event.
func (f *Function) begin(ctx context.Context) (*environment, error) {
	f.cold.Add(1)
	begin := time.Now()
	e := &environment{f: f, log: &envLog{
		function: f.cfg.Name, ring: &f.logs, sink: f.host.opts.Logs, now: f.host.now,
	}}
	e.log.begin("", false)
	if err := f.host.start(e); err != nil {
		return nil, err
	}
	e.since.Store(begin.UnixNano())
	f.host.watched(e)
	f.host.background(e.watch)
	stop := context.AfterFunc(ctx, e.kill)
	defer stop()

	engine, err := e.tr.ready(begin.Add(MaxInit))
	if err == nil {
		if engine != "" {
			e.engine = engine
		}
		e.init = time.Since(begin)
		e.since.Store(0)
		e.proc.drain()
		e.log.flushLost()
		if err = e.move(stateIdle); err == nil {
			f.noteEngine(e)
			return e, nil
		}
	}
	return nil, f.initFailure(ctx, e, err)
}

// initFailure ends an environment that did not come up and returns why.
func (f *Function) initFailure(ctx context.Context, e *environment, err error) error {
	late := isDeadline(err)
	if !late {
		select {
		case <-e.proc.end:
		case <-time.After(waitForExit):
		}
	}
	e.kill()
	<-e.proc.end
	e.log.flushLost()
	if ctx.Err() != nil {
		return ErrStopped
	}
	if _, ok := errors.AsType[*initError](err); ok {
		return err
	}
	reason := e.killedFor()
	switch {
	case late:
		text := fmt.Sprintf("Initialisation timed out after %.2f seconds", MaxInit.Seconds())
		e.log.add("platform", text)
		f.timeouts.Add(1)
		return &initError{payload: errorPayload("Sandbox.Timedout", text)}
	case reason == killedMemory || reason == killedProcesses:
		f.killed.Add(1)
		e.log.add("platform", f.limitText(reason))
		return &initError{payload: errorPayload("Runtime.ExitError", "Runtime exited with error: signal: killed")}
	case errors.Is(err, errProtocol) || errors.Is(err, errFrame) || errors.Is(err, errFrameTooLarge):
		return &initError{payload: errorPayload("Runtime.InvalidResponse", "Runtime gave an invalid response during initialisation")}
	}
	text := "Runtime exited without providing a reason"
	if exit := e.proc.exit(); exit != "" {
		text = "Runtime exited with error: " + exit
	}
	e.log.add("platform", text)
	return &initError{payload: errorPayload("Runtime.ExitError", text)}
}
