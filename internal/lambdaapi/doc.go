// Package lambdaapi holds the operations of the Lambda API: it decodes, calls
// function.Service and encodes. It decides nothing about functions; what the
// server cannot honour it refuses by name.
//
// Wire types, constraints and the operation table are generated from the
// service's model; see generate.go.
package lambdaapi
