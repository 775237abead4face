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
// Linux, where the kernel and the container allow it (Isolation tells, and
// LevelStrict insists): a user, process, IPC and mount namespace for each
// environment, so that it sees no other process and has an empty /tmp of
// limited size; a read-only file tree of which Landlock shows it its code and
// the system's libraries; no signals or abstract sockets to the outside; no
// capabilities, also when the server is root; limits of open files, file size,
// processes and core files; and a watchdog that measures the memory and counts
// the processes of everything it started. Without namespaces the rest still
// holds. Outside its namespace a function has the server's user id, not one of
// its own: it is the file rules that keep it from the server's files.
//
// Not enforced: the network is open, also to addresses that only this machine
// can reach (a function can connect to the server's own port as any local
// program can), and processor time is limited by the time limit alone.
//
// macOS and others: a process group, an environment built from nothing, time limits and bounded output; file system, memory and
// process limits are not enforced, and Host.Isolation says so. On Windows the
// package compiles but cannot start a function.
package sandbox
