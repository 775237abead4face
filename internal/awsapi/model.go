package awsapi

import (
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
)

// Protocol is the way in which a service puts operations on HTTP.
type Protocol uint8

// The protocols that the server speaks.
const (
	JSON11   Protocol = iota + 1 // POST /, operation in X-Amz-Target
	RESTJSON                     // operation in method and path
	Query                        // POST /, operation in the form field Action
	Own                          // a front end of its own, which asks Admit
)

// Auth is the authorization class of an operation: what a caller must show
// before the operation runs. There is no default; a registered operation
// without a class stops the server from starting.
type Auth uint8

// The authorization classes.
const (
	AuthPublic  Auth = iota + 1 // nothing but a client id, and its secret if it has one
	AuthToken                   // an access token in the body: the operation checks it
	AuthSession                 // an access token or a challenge session in the body
	AuthIAM                     // an AWS signature
)

// String returns the name of the class for logs and the parity table.
func (a Auth) String() string {
	switch a {
	case AuthPublic:
		return "public"
	case AuthToken:
		return "token"
	case AuthSession:
		return "session"
	case AuthIAM:
		return "iam"
	}
	return "none"
}

// Service describes an AWS service: what the generator took from its model.
// It lists every operation of the service; those that are built are known by
// Register.
type Service struct {
	ID           string // "cognito-idp"; also the action prefix in policies
	SigningName  string // the service in a signature's scope
	TargetPrefix string // what stands before the dot in X-Amz-Target; empty for REST
	Protocol     Protocol
	APIVersion   string // the Version of requests of the Query protocol
	Namespace    string // of XML answers
	Operations   []OperationModel
	Skew         time.Duration // how far clocks may be apart, of a front end of its own; 0 is the signature's default

	// ValidationCode is the error that violated constraints are reported with.
	ValidationCode apierr.Code
	// InternalCode is what the service calls an internal error.
	InternalCode apierr.Code
	// TooLargeCode is the error for a body over the operation's limit.
	TooLargeCode apierr.Code
	// ErrorStatus has the HTTP status of each error. A code that is not in
	// it has the status of protocolStatus, or 400.
	ErrorStatus map[apierr.Code]int
}

// OperationModel describes one operation of a service.
type OperationModel struct {
	Name          string
	Group         string // the part of the service that it belongs to
	Input, Output string // shape names; Output is empty when there is none
	Auth          Auth
	Action        string // in policies, where it is not Name
	MaxBody       int64  // bytes; 0 is the server's default
	Errors        []apierr.Code

	// The HTTP binding of REST services; Method is empty for others.
	Method  string
	Path    string // template: /2015-03-31/functions/{FunctionName}
	Query   string // what the query must contain: "List=ALL"
	Status  int    // of success
	Payload bool   // the body is one member as it is, not JSON of all
}

// Input is a generated request type: it checks the constraints of its shape.
type Input interface{ Validate(*Validation) }

// binder is an Input with members outside the body.
type binder interface{ Bind(*Binding) }

// replier is an output with members outside the body.
type replier interface{ Reply(*Reply) }

// resourceful is an Input that names the resource that it acts on.
type resourceful interface {
	ActsOn(region, account string) string
}

// PoolResource returns the ARN of the pool that id names, or "*", which only a
// rule for everything matches, when it names none.
func PoolResource(_, account string, id *string) string {
	if id == nil || !arn.ValidPoolID(*id) {
		return "*"
	}
	return arn.UserPool(account, *id)
}

// FunctionResource returns the ARN of the function that name names in any
// spelling, or "*" when it names none.
func FunctionResource(region, account string, name *string) string {
	if name == nil {
		return "*"
	}
	f, err := arn.ParseFunction(*name, region, account)
	if err != nil {
		return "*"
	}
	return f.String()
}
