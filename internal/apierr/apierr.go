// Package apierr is the one error type that crosses layers: what a caller did,
// or can mend, named the way AWS names it.
//
// Domains return *Error for everything that is the caller's to know. Any other
// error is a bug or an outage: Public turns it into the fixed internal message,
// so forgetting to translate an error never leaks one.
//
// The package knows no HTTP. Each protocol keeps its own table from Code to
// status.
package apierr

import (
	"errors"
	"fmt"
)

// Code is an AWS exception name as it stands on the wire, for example
// "NotAuthorizedException".
type Code string

// Error is a failure that the caller may see.
type Error struct {
	Code    Code   // AWS exception name, as on the wire
	Message string // shown to the caller, so it never names internals
	Err     error  // the cause: logged, never shown
}

// New returns an Error with a fixed message.
func New(code Code, message string) *Error {
	return &Error{Code: code, Message: message}
}

// Newf returns an Error whose message is formatted. The message is shown to
// the caller: format no internals and no secrets into it.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e that carries cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// Error implements error. It includes the cause and is meant for logs; what a
// caller may see is Message.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error with the same code and message, so
// that a domain's error variables can be compared with errors.Is even after
// Because gave them a cause.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == e.Message
}

// CodeOf returns the code of the first *Error in err's chain, or "" if there
// is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// Public returns the error that a caller may see: the *Error in err's chain,
// or InternalError with nothing of err's text in it.
func Public(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: InternalError, Message: "An internal error occurred. The request id identifies it in the server's log.", Err: err}
}
