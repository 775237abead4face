// Package trigger calls the functions that a user pool's events trigger: it
// encodes the event, has it invoked, and decodes what came back, for every
// version of every trigger. A trigger that failed, or whose answer cannot be
// used, becomes the error that Cognito's caller would see.
//
// It does not know how functions run (that is behind Invoker), reads and writes
// no storage, and decides nothing about users: which trigger fires when, with
// which attributes and which metadata, is for the domain that calls it.
//
// The flow of one call:
//
//	input (PreTokenInput, …)                        one file per trigger
//	 → wire event                                   envelope.go
//	 → Client.call: time limit, attempts, Invoker   client.go
//	 → failure → *apierr.Error                      failure.go
//	 → "response" of the payload, strictly read     payload.go
//	 → typed result (token.Overrides, …)            the trigger's file again
//
// Failure is closed: every path that does not end in a usable answer ends in an
// error, and whoever asked must then do nothing.
//
// # Function output is untrusted
//
// It is bounded in size, depth and number of claims, and JSON in which a member
// is named twice is refused. What it asks for is checked for its type here and
// for permission in token.Claims.Apply.
//
// # Client metadata is untrusted too
//
// ClientMetadata is what an anonymous caller sent. It reaches functions, as
// Cognito's documentation says, and nothing else: no claim is ever made of it
// here, and a function that copies a tenant id out of it lets every user choose
// a tenant.
//
// # Adding a trigger
//
// Give it a Name (they are all there), its sources, an input struct with an
// Event, a wire request, a wire response as it stands on the way in, and a
// method of Client that calls c.call and decodes the response. The cases of its
// specification go to a table in triggertest.
package trigger
