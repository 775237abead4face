package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Invoker runs functions. Invoke returns when the function has answered or ctx
// is done. A function that failed is a Result; an error says that the function
// could not be asked: an *apierr.Error with the code of Lambda's Invoke
// (apierr.AccessDenied, ResourceNotFound, ResourceConflict, TooManyRequests, …),
// or context.DeadlineExceeded. It is safe for concurrent use.
type Invoker interface {
	Invoke(ctx context.Context, call Call) (Result, error)
}

// Call is one invocation. The invoker checks that the function's resource
// policy lets cognito-idp.amazonaws.com invoke it on behalf of SourceARN, a
// user pool, and SourceAccount.
type Call struct {
	FunctionARN   string // possibly qualified
	SourceARN     string
	SourceAccount string
	Payload       []byte // JSON, not to be changed
	Async         bool   // do not wait for an answer
}

// Result is how a function answered.
type Result struct {
	Payload       []byte // JSON if all went well; at most MaxPayload; not to be used again by the invoker
	FunctionError string // "" | "Handled" | "Unhandled"
	Duration      time.Duration
	Cold          bool // a process was started for it
	RequestID     string
}

// Limits of a call.
const (
	// DefaultTimeout is how long Cognito waits for a function, whatever the
	// function's own limit.
	DefaultTimeout = 5 * time.Second
	// MaxAttempts is the most that Cognito tries.
	MaxAttempts = 3
	// MaxPayload is the most that a function can return.
	MaxPayload = 6 << 20
)

// Client calls triggers. Invoker is required; the zero value of everything
// else works. It is safe for concurrent use as long as its fields stay as they
// are.
type Client struct {
	Invoker Invoker
	// Timeout is the limit of one attempt. 0 is DefaultTimeout.
	Timeout time.Duration
	// Attempts is how often a call that timed out or was throttled is made in
	// all, 1 to MaxAttempts. 0 is 1: Cognito makes up to 3, which for a local
	// function that hangs is only three times the wait.
	Attempts int
	Logger   *slog.Logger     // nil discards
	Now      func() time.Time // nil is time.Now; only for Invocation.Started and Duration
	// Record, if given, is told of every invocation, also of those that
	// failed. It is called before the call returns and should not block.
	Record func(Invocation)
}

// Invocation is the record of one trigger call, for people to read. It holds
// no attribute, no claim value, no metadata and no payload.
type Invocation struct {
	Trigger     Name
	Source      Source
	PoolID      string
	ClientID    string
	UserName    string
	FunctionARN string
	Started     time.Time
	Duration    time.Duration // of the last attempt, as the invoker measured it
	Attempts    int
	Cold        bool
	RequestID   string
	Outcome     apierr.Code // "" if the trigger succeeded
	Message     string      // what the caller was told, if it failed
	// Asked says by name what the function asked to change, as "id +tenantId",
	// "access -email", "scope +rs/read", "groups". Whether it was allowed to
	// is for token.Diff and token.Refused to say.
	Asked []string
}

// Exchange is an invocation with what was said: personal data, for whoever
// asked for this one call and for no log.
type Exchange struct {
	Invocation
	Event  jsontext.Value // that the function was given
	Answer []byte         // what it returned, whatever that is; nil: nothing
}

// call makes one trigger call. decode is given the "response" member of what
// the function returned and says by name what it asks for; its error fails the
// call. observe, if given, is shown the call, also one that failed.
func (c *Client) call(ctx context.Context, name Name, functionARN string, e Event, payload []byte, observe func(Exchange),
	decode func(response jsontext.Value) (asked []string, err error)) error {
	record := Invocation{
		Trigger: name, Source: e.Source, PoolID: e.PoolID, ClientID: e.ClientID, UserName: e.UserName,
		FunctionARN: functionARN, Started: c.now(),
	}
	answer, err := c.invoke(ctx, Call{
		FunctionARN: functionARN, SourceARN: e.PoolARN, SourceAccount: e.Account, Payload: payload,
	}, &record, decode)
	if err != nil {
		public := apierr.Public(err)
		record.Outcome, record.Message = public.Code, public.Message
	}
	c.log(ctx, record)
	if c.Record != nil {
		c.Record(record)
	}
	if observe != nil {
		observe(Exchange{record, payload, answer})
	}
	return err
}

// invoke returns what the function returned, also if it failed.
func (c *Client) invoke(ctx context.Context, call Call, record *Invocation,
	decode func(jsontext.Value) ([]string, error)) ([]byte, error) {
	result, err := c.attempt(ctx, call, record)
	if err != nil {
		if ctx.Err() != nil {
			// The caller went away or ran out of time: nothing to tell it.
			return nil, fmt.Errorf("invoke %s function: %w", record.Trigger, context.Cause(ctx))
		}
		return nil, notInvoked(record.Trigger, err)
	}
	record.Duration, record.Cold, record.RequestID = result.Duration, result.Cold, result.RequestID
	if record.Duration <= 0 {
		record.Duration = max(0, c.now().Sub(record.Started))
	}
	if result.FunctionError != "" {
		return result.Payload, failed(record.Trigger, result)
	}
	response, err := readResponse(result.Payload)
	if err != nil {
		return result.Payload, err
	}
	record.Asked, err = decode(response)
	return result.Payload, err
}

// attempt invokes until there is a result, an error that another attempt
// cannot mend, or no attempt left.
func (c *Client) attempt(ctx context.Context, call Call, record *Invocation) (Result, error) {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	attempts := min(max(c.Attempts, 1), MaxAttempts)
	for {
		record.Attempts++
		one, cancel := context.WithTimeout(ctx, timeout)
		result, err := c.Invoker.Invoke(one, call)
		cancel()
		if err == nil || record.Attempts >= attempts || ctx.Err() != nil || !retryable(err) {
			return result, err
		}
	}
}

func retryable(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || apierr.CodeOf(err) == apierr.TooManyRequests
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Client) log(ctx context.Context, r Invocation) {
	if c.Logger == nil {
		return
	}
	c.Logger.LogAttrs(ctx, slog.LevelDebug, "trigger",
		slog.String("trigger", string(r.Trigger)), slog.String("source", string(r.Source)),
		slog.String("pool", r.PoolID), slog.String("function", r.FunctionARN),
		slog.String("function_request", r.RequestID), slog.Duration("duration", r.Duration),
		slog.Int("attempts", r.Attempts), slog.Bool("cold", r.Cold), slog.String("outcome", string(r.Outcome)))
}
