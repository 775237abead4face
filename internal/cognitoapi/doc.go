// Package cognitoapi is the operations of cognito-idp: it maps between the
// shapes of the wire and the types of the domains, and decides nothing. It is
// not the protocol (package awsapi), which has decoded a request and checked
// the constraints of its shape before an operation runs, and it never touches
// the store.
//
// The flow of an operation: awsapi → a method here → one method of userpool or
// signin → the answer's shape, with every member that Cognito always sends.
//
// The one thing that is refused here is what the domains do not have: a member
// that asks for a feature which is not built. unbuilt.go is the table of those,
// so that no setting is ever stored that does nothing.
//
// Shapes, their constraints and the table of operations are generated from
// model/cognito-idp.json.
package cognitoapi
