// Package rockpool is the server as a library: Amazon Cognito user pools, and
// the Lambda functions behind their triggers, on your own machines.
//
//	srv, err := rockpool.New(ctx, rockpool.Options{})
//	…
//	defer srv.Close(ctx)
//	err = srv.Serve(ctx, listener)
//
// New wires the parts together and holds no logic of its own. For a server
// inside a Go test see package rockpooltest.
//
// A program that serves functions must call Reexec first thing in main: the
// processes that functions run in begin as this same binary.
package rockpool
