package awsapi

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Request is what the protocol knows of the request that an operation serves.
type Request struct {
	ID        string // UUID, as in the answer's x-amzn-RequestId
	Service   string // "cognito-idp"
	Operation string
	Region    string // of the signature's scope, or the server's
	Account   string
	SourceIP  string
	UserAgent string

	// AccessKeyID and Principal are who signed the request; empty for
	// operations that need no signature.
	AccessKeyID string
	Principal   Principal
}

type requestKey struct{}

func withRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestFrom returns the request that ctx belongs to. Outside a request it
// returns an empty one, never nil.
func RequestFrom(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return new(Request)
}

// ContextFor returns a context in which Call acts as principal, in a region:
// for work that goes on after the request that asked for it.
func ContextFor(ctx context.Context, principal Principal, region string) context.Context {
	return withRequest(ctx, &Request{ID: web.EventFrom(ctx).ID, Region: region, Account: principal.Account, Principal: principal})
}

// Call performs an operation without HTTP: the same authorization, validation
// and errors. input is a value that encodes to the JSON of the request, or
// such JSON. Within a request the caller of that request is who calls;
// elsewhere it is the server itself, as root. Errors are *apierr.Error.
func (s *Server) Call(ctx context.Context, serviceID, operationName string, input any) (output jsontext.Value, err error) {
	o, err := s.find(serviceID, operationName)
	if err != nil {
		return nil, err
	}
	if !o.built {
		return nil, apierr.Public(notBuilt(o))
	}
	panicked := web.Recover(func() { output, err = s.call(ctx, o, input) })
	if panicked != nil {
		output, err = nil, panicked
	}
	if err != nil {
		return nil, apierr.Public(err)
	}
	return output, nil
}

func (s *Server) find(serviceID, operationName string) (*operation, error) {
	sv := s.services[serviceID]
	if sv == nil || sv.operations[operationName] == nil {
		return nil, apierr.Newf(apierr.UnknownOperation, "There is no operation %.100s of %.100s.", operationName, serviceID)
	}
	return sv.operations[operationName], nil
}

func (s *Server) call(ctx context.Context, o *operation, input any) (jsontext.Value, error) {
	body, ok := input.(jsontext.Value)
	if !ok {
		var err error
		if body, err = json.Marshal(input); err != nil {
			return nil, apierr.New(apierr.Serialization, "The input cannot be encoded.").Because(err)
		}
	}
	if int64(len(body)) > o.MaxBody {
		return nil, apierr.Newf(o.service.TooLargeCode, "Request must be smaller than %d bytes for the %s operation", o.MaxBody, o.action())
	}
	var req Request
	if outer, ok := ctx.Value(requestKey{}).(*Request); ok {
		req = *outer
	} else {
		req = Request{ID: web.EventFrom(ctx).ID, Region: s.opts.Region, Account: s.opts.Account, Principal: s.root()}
	}
	req.Service, req.Operation = o.service.ID, o.Name
	in := o.op.newInput()
	if err := decodeJSON(body, in); err != nil {
		return nil, err
	}
	out, err := s.run(withRequest(ctx, &req), o, in, &req)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out, json.Deterministic(true))
}
