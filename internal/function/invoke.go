package function

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Invocation asks for one run of a function.
type Invocation struct {
	Function      arn.Function
	Payload       []byte  // JSON; empty stands for {}
	Caller        *Caller // nil when the request itself was authorised
	ClientContext []byte  // JSON, or nil
	TraceID       string
	Logs          bool   // wants Result.LogTail
	RequestID     string // names the run in the log; "": a new one
}

func (in Invocation) requestID() string {
	if in.RequestID == "" {
		return secret.UUID()
	}
	return in.RequestID
}

// Result is what came of an invocation. A function that failed is a Result
// with FunctionError set, not an error.
type Result struct {
	sandbox.Result
	Version   string // that ran: "$LATEST" or a number
	RequestID string
}

// Invoke runs a function and waits for its answer. Its errors are those of the
// Lambda API, or the context's.
func (s *Service) Invoke(ctx context.Context, in Invocation) (Result, error) {
	target, err := s.target(ctx, in)
	if err != nil {
		return Result{}, err
	}
	return s.run(ctx, target, in, in.requestID())
}

// Check does everything that Invoke does but run the function: it is the
// DryRun of the Lambda API.
func (s *Service) Check(ctx context.Context, in Invocation) error {
	_, err := s.target(ctx, in)
	return err
}

// InvokeLater accepts an asynchronous invocation and returns its request id.
// The function runs in the background, up to three times until it succeeds.
// What waits is lost when the server stops.
func (s *Service) InvokeLater(ctx context.Context, in Invocation) (requestID string, err error) {
	target, err := s.target(ctx, in)
	if err != nil {
		return "", err
	}
	if len(in.Payload) > maxAsyncPayload {
		return "", apierr.Newf(apierr.RequestTooLarge, "%d byte payload is too large for the Event invocation type (limit %d bytes)", len(in.Payload), maxAsyncPayload)
	}
	requestID = in.requestID()
	if !s.background.start(s.BackgroundLimit, func(ctx context.Context) { s.runLater(ctx, target, in, requestID) }) {
		return "", errBusy
	}
	return requestID, nil
}

const maxAsyncPayload = 1 << 20

var errBusy = apierr.New(apierr.TooManyRequests, "Rate Exceeded.")

// target is the version that an invocation will run, once everything that can
// be refused beforehand was checked.
type target struct {
	function Function
	run      *sandbox.Function
}

func (s *Service) target(ctx context.Context, in Invocation) (target, error) {
	if len(in.Payload) > sandbox.MaxPayload {
		return target{}, apierr.Newf(apierr.RequestTooLarge, "%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", len(in.Payload), sandbox.MaxPayload)
	}
	for before := ""; ; {
		r, err := s.resolved(ctx, in.Function)
		if err != nil {
			return target{}, err
		}
		if in.Caller != nil && !permits(r.policy, *in.Caller) {
			return target{}, apierr.Newf(apierr.AccessDenied, "%s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %s action",
				in.Caller.Service, invokeAction, r.function.Function, invokeAction)
		}
		run, err := s.environment(ctx, r.function)
		revision := r.function.codeRevision()
		if errors.Is(err, store.ErrNotFound) && revision != before {
			// Deployed again since it was looked up: that package is gone.
			before = revision
			s.environments.unresolve(r.function.Region, r.function.Name)
			continue
		}
		if err != nil {
			return target{}, err
		}
		return target{function: r.function, run: run}, nil
	}
}

func permits(policy []Statement, c Caller) bool {
	for _, st := range policy {
		if st.allows(c) {
			return true
		}
	}
	return false
}

func (s *Service) run(ctx context.Context, t target, in Invocation, requestID string) (Result, error) {
	started := s.now()
	call := sandbox.Invocation{
		RequestID: requestID, Payload: in.Payload, ClientContext: in.ClientContext, TraceID: in.TraceID, Logs: in.Logs,
	}
	got, err := t.run.Invoke(ctx, call)
	for errors.Is(err, sandbox.ErrStopped) && ctx.Err() == nil {
		// Deployed again between looking it up and running it, maybe not for
		// the last time. With nothing newer to run it is the end of the server.
		old := t.run
		s.environments.unresolve(t.function.Region, t.function.Name)
		if t, err = s.target(ctx, in); err != nil {
			return Result{}, err
		}
		if t.run == old {
			err = sandbox.ErrStopped
			break
		}
		got, err = t.run.Invoke(ctx, call)
	}
	s.recent.add(newRecord(started, t.function, in, requestID, got, err))
	if err != nil {
		return Result{}, hostError(t.function, err)
	}
	return Result{Result: got, Version: t.function.Version, RequestID: requestID}, nil
}

// hostError is the Lambda API's word for what kept the host from running a
// function.
func hostError(f Function, err error) error {
	switch {
	case errors.Is(err, sandbox.ErrTooManyConcurrent):
		return errBusy.Because(err)
	case errors.Is(err, sandbox.ErrPayloadTooLarge):
		return apierr.New(apierr.RequestTooLarge, "The event is larger than 6 MB.").Because(err)
	case errors.Is(err, sandbox.ErrRuntime):
		return apierr.Newf(apierr.InvalidRuntime, "The runtime %s of function %s cannot run on this server: %v", f.Runtime, f.Name, err)
	case errors.Is(err, sandbox.ErrStopped):
		return apierr.Newf(apierr.ResourceNotReady, "The function %s is being stopped.", f.Name).Because(err)
	}
	return fmt.Errorf("invoke %s: %w", f.Name, err)
}

// retryDelays are the pauses before the second and third try of an
// asynchronous invocation (Lambda developer guide, "Asynchronous invocation").
var retryDelays = []time.Duration{time.Minute, 2 * time.Minute}

func (s *Service) runLater(ctx context.Context, t target, in Invocation, requestID string) {
	for try := 0; ; try++ {
		got, err := s.run(ctx, t, in, requestID)
		if err == nil && got.FunctionError == "" {
			return
		}
		if try == len(retryDelays) {
			s.logger().Warn("asynchronous invocation given up", "function", t.function.Name, "requestId", requestID, "tries", try+1, "error", err)
			return
		}
		select {
		case <-time.After(retryDelays[try]):
		case <-ctx.Done():
			return
		}
	}
}

// background runs asynchronous invocations.
type background struct {
	mu      sync.Mutex
	waiting int
	closed  bool
	wg      sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

const defaultBackgroundLimit = 1000

// start runs fn in a goroutine of its own unless limit of them exist or the
// service is closed.
func (b *background) start(limit int, fn func(context.Context)) bool {
	if limit == 0 {
		limit = defaultBackgroundLimit
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.waiting >= limit {
		return false
	}
	if b.ctx == nil {
		b.ctx, b.cancel = context.WithCancel(context.Background())
	}
	b.waiting++
	b.wg.Go(func() {
		fn(b.ctx)
		b.mu.Lock()
		b.waiting--
		b.mu.Unlock()
	})
	return true
}

func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	if b.cancel != nil {
		b.cancel()
	}
	b.mu.Unlock()
	b.wg.Wait()
}

// resolution is what an ARN leads to: a version and the policy that guards it.
type resolution struct {
	function Function
	policy   []Statement
	until    time.Time
}

// freshness is how long a resolution is believed without asking the store: the
// longest time until another node's deployment is noticed.
const freshness = time.Second

// resolved is resolve with a memory, since a sign-in should not read the store
// for a function that did not change.
func (s *Service) resolved(ctx context.Context, f arn.Function) (resolution, error) {
	if f.Account == "" {
		f.Account = s.Account
	}
	// Real time, not s.now: a clock moved by hand says nothing about staleness.
	now := time.Now()
	r, asOf, ok := s.environments.lookup(f)
	if ok && now.Before(r.until) {
		return r, nil
	}
	err := s.Store.View(ctx, func(tx store.Tx) error {
		version, doc, err := s.resolve(tx, f, aliasDoc.pick)
		r = resolution{function: version, policy: doc.policy(f.Qualifier), until: now.Add(freshness)}
		return err
	})
	if err != nil {
		return resolution{}, err
	}
	s.environments.remember(f, r, asOf)
	return r, nil
}
