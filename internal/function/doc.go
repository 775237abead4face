// Package function keeps Lambda functions: it deploys their code, publishes
// versions, holds their configuration and resource policy, and invokes them.
// It is not a sandbox (that is package sandbox, which runs the processes) and
// it knows nothing of Cognito or HTTP.
//
// # The flow
//
//	CreateFunction ─▶ Create ─▶ archive checked ─▶ store (package, record)
//	Invoke ─▶ resolve qualifier ─▶ permission ─▶ environment ─▶ sandbox ─▶ your code
//
// A deployment package lives in the store, so that every node of a cluster can
// run it; at its first invocation it is extracted to a read-only folder named
// by its digest. A version of a function never changes: what is warm for it is
// stopped when the unpublished version ("$LATEST") is deployed again.
package function
