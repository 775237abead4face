package awsapi

import (
	"context"
	"net/http"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Admission is a request that may go on, of a service with a front end of its
// own.
type Admission struct {
	// Context is that of the request, for the operation.
	Context context.Context
	// Payload is what the signature says of the body: a hash in hexadecimal, or
	// one of the words that stand for a body without. Who reads the body makes
	// sure that it is so.
	Payload string
	// Chunks verifies the parts of a body that is signed in parts. It is nil
	// where signatures are not verified.
	Chunks *sigv4.Chunks
}

// Admit does for a front end of its own what every other request goes through
// before its body is understood: the operation is known and built, the caller
// has signed, is who the key stands for, and may do this to resource.
func (s *Server) Admit(r *http.Request, serviceID, operationName, resource string) (Admission, error) {
	ctx := r.Context()
	ev := web.EventFrom(ctx)
	o := s.services[serviceID].operations[operationName]
	if o == nil {
		return Admission{}, apierr.Newf(apierr.UnknownOperation, "There is no operation %s of %s.", operationName, serviceID)
	}
	ev.Service, ev.Operation = serviceID, operationName
	req := &Request{
		ID: ev.ID, Service: serviceID, Operation: operationName,
		Region: s.opts.Region, Account: s.opts.Account, SourceIP: ev.SourceIP, UserAgent: ev.UserAgent,
	}
	claim, err := s.claim(r, o, req)
	if err != nil {
		return Admission{}, err
	}
	a := Admission{Payload: r.Header.Get("X-Amz-Content-Sha256")}
	if a.Payload == "" {
		a.Payload = sigv4.UnsignedPayload // of a presigned URL, or in the dev profile
	}
	err = s.authenticate(ctx, claim, sessionToken(r), req, func(keySecret string) (err error) {
		a.Payload, err = claim.VerifyDeclared(r, keySecret, sigv4.Check{Now: s.opts.Now(), Service: o.service.SigningName, Skew: o.service.Skew})
		a.Chunks = claim.Chunks(keySecret)
		return err
	})
	if err != nil {
		return Admission{}, err
	}
	ev.AccessKeyID = req.AccessKeyID
	if !o.built {
		return Admission{}, notBuilt(o)
	}
	if err := s.authorize(ctx, o, req, resource); err != nil {
		return Admission{}, err
	}
	a.Context = withRequest(ctx, req)
	return a, nil
}

// Allowed reports whether the caller of the request that ctx belongs to may do
// an operation to a resource: for what an operation does besides its own.
func (s *Server) Allowed(ctx context.Context, serviceID, operationName, resource string) error {
	req, ok := ctx.Value(requestKey{}).(*Request)
	if !ok {
		req = &Request{Principal: s.root()}
	}
	return s.authorize(ctx, s.services[serviceID].operations[operationName], req, resource)
}
