// Package sandbox runs one function's code in processes of its own and carries
// events to it and answers back.
//
// It is not a Lambda service: it knows no triggers, pools, users, versions or
// storage, and never unpacks an archive. It is given a directory of code and a
// Config, and answers an Invocation with a Result.
//
// # The flow
//
//	Host.Function(Config)         a Function: cheap, nothing runs yet
//	Function.Invoke               an idle environment, or a new one, or a place in a bounded queue
//	  environment                 one process, one event at a time
//	    shim                      our own binary re-executed: namespaces, limits, Landlock, then exec
//	    framed  (nodejs*)         length-prefixed frames on descriptor 3: node, or QuickJS when there is no node
//	    runtime (everything else) the Lambda Runtime API on a loopback port of its own
//	  Result                      the payload, or the function's failure as a payload
//
// A function that throws, exits, hangs, floods its log or answers rubbish is a
// Result with FunctionError set. An error from Invoke means that the host
// could not do its part: ErrStopped, ErrTooManyConcurrent, ErrRuntime, or the
// caller's context.
//
// The process side of this package lives in the same binary: a program that
// opens a Host must call Reexec first thing in main (tests: in TestMain).
//
// # Time
//
// Limits are durations on the monotonic clock and the remaining time a
// function sees is real; Options.Now only dates log lines and converts
// Invocation.Deadline, so a clock moved by a developer never kills a function.
//
// # What is enforced where
//
// Linux: see Isolation. macOS and others: a process group, an environment
// built from nothing, time limits and bounded output; file system, memory and
// process limits are not enforced, and Host.Isolation says so. On Windows the
// package compiles but cannot start a function.
package sandbox
