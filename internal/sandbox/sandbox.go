package sandbox

import (
	"errors"
	"log/slog"
	"time"
)

// Limits that hold for every function. They are Lambda's unless a comment says
// otherwise.
const (
	// MaxPayload is the largest event, in bytes. A response may be 100 bytes
	// longer, as Lambda's may.
	MaxPayload  = 6 << 20
	maxResponse = MaxPayload + 100
	// MaxLogTail is the size of Result.LogTail.
	MaxLogTail = 4 << 10
	// DefaultTimeout and DefaultMemoryMB stand where a Config has zero.
	DefaultTimeout  = 3 * time.Second
	DefaultMemoryMB = 128
	// DefaultTmpMB is the size of /tmp where it can be capped.
	DefaultTmpMB = 512
	// DefaultMaxConcurrency is how many environments one function may have.
	DefaultMaxConcurrency = 8
	// MaxInit is how long an environment may take to come up.
	MaxInit = 10 * time.Second

	maxLine          = 256 << 10 // one log line, then truncated
	maxInvocationLog = 1 << 20   // log text kept of one invocation; ours, Lambda has no such limit
	waitersPerSlot   = 64        // callers that may queue for each environment of the cap; ours
)

var (
	// ErrStopped is returned once the Function or the Host has been stopped.
	ErrStopped = errors.New("function is stopped")
	// ErrTooManyConcurrent is returned when every environment is busy and the
	// queue for them is full.
	ErrTooManyConcurrent = errors.New("too many concurrent invocations")
	// ErrRuntime is returned when the machine lacks what the runtime needs, or
	// the runtime is not one we run.
	ErrRuntime = errors.New("runtime not available")
	// ErrIsolation is returned by Open when LevelStrict cannot be had.
	ErrIsolation = errors.New("isolation not available")
	// ErrPayloadTooLarge is returned for an event above MaxPayload.
	ErrPayloadTooLarge = errors.New("event is larger than 6 MB")
)

// Options configure a Host. The zero value works.
type Options struct {
	// NodePath and PythonPath are executables; empty looks them up in PATH.
	// The value "none" means there is none (for NodePath: use QuickJS).
	NodePath, PythonPath string
	// Isolation is how much of it is wanted; the zero value takes what there is.
	Isolation Level
	// IdleTimeout stops an environment that had no event for so long; 0 means
	// 10 minutes.
	IdleTimeout time.Duration
	// StateDir holds bootstrap files and scratch directories, of this Host and no
	// other. Empty: a fresh temporary directory, removed by Close.
	StateDir string
	// SelfExe is the binary that calls Reexec; empty means this one.
	SelfExe string
	// Logger gets what the operator should know; nil discards.
	Logger *slog.Logger
	// Now dates log lines; nil means time.Now.
	Now func() time.Time
	// Logs, if set, gets every log line as it is made, besides the ring that
	// Function.Logs keeps. It must not block.
	Logs LogSink
}

// None as Options.NodePath or PythonPath says that there is none.
const None = noInterpreter

// Config is one version of one function.
type Config struct {
	// Name, Version, ARN, Region and Account are told to the function and
	// decide nothing here.
	Name, Version, ARN, Region, Account string
	// Runtime is Lambda's identifier: nodejs*, python3.*, provided.*.
	Runtime string
	// Handler is "file.export"; provided.* ignores it.
	Handler string
	// CodeDir is an absolute path to the unpacked code. It is never written.
	CodeDir string
	// Env are the configured variables. Reserved names lose to ours.
	Env map[string]string
	// MemoryMB is the limit of resident memory of the whole process group.
	MemoryMB int
	// Timeout is the limit of one event.
	Timeout time.Duration
	// TmpMB is the size of /tmp.
	TmpMB int
	// MaxConcurrency is how many environments may exist at once.
	MaxConcurrency int
}

// Invocation is one event.
type Invocation struct {
	// RequestID names the event in logs and context; the caller makes it.
	RequestID string
	// Payload is JSON of at most MaxPayload bytes; empty stands for {}.
	Payload []byte
	// Deadline, if set, is an earlier limit than the function's own, on the
	// clock of Options.Now. The environment is killed when it passes.
	Deadline time.Time
	// ClientContext is the decoded X-Amz-Client-Context JSON, or empty.
	ClientContext []byte
	// TraceID is the X-Amzn-Trace-Id value, or empty.
	TraceID string
	// Logs asks for Result.LogTail.
	Logs bool
}

// Values of Result.FunctionError. Lambda's current runtimes report every
// failure as unhandled, also an error that a handler returned, and so do we;
// Handled is kept for callers that must know the word.
const (
	Handled   = "Handled"
	Unhandled = "Unhandled"
)

// Result is what came of one event.
type Result struct {
	// Payload is the response, or {"errorType","errorMessage","trace"} when
	// FunctionError is set.
	Payload []byte
	// FunctionError is empty when the function answered.
	FunctionError string
	// LogTail is the end of the event's log, if asked for.
	LogTail []byte
	// Duration is how long the event took; BilledDuration is that (and the
	// initialisation, if this was a cold start) in whole milliseconds;
	// InitDuration is zero on a warm start.
	Duration, BilledDuration, InitDuration time.Duration
	// MaxMemoryMB is the most resident memory the environment has used.
	MaxMemoryMB int
	// Cold reports that the environment was started for this event.
	Cold bool
	// Engine says what ran the code: "node v20.20.2", "quickjs 2026-06-04",
	// "python 3.11.2", "bootstrap".
	Engine string
}

// Stats counts what a Function has done.
type Stats struct {
	Environments, Idle, Busy, Waiting int
	// Invocations, Errors, Timeouts, ColdStarts and Killed count since the
	// Function was made; Killed are environments ended by force for a reason
	// other than a time limit (memory, process count).
	Invocations, Errors, Timeouts, ColdStarts, Killed int64
	// DroppedLogs counts bytes of log text thrown away for their amount.
	DroppedLogs int64
}
