package awsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Profile says how strictly callers are identified.
type Profile uint8

// The profiles. The zero value is the strict one.
const (
	Serve Profile = iota // signatures are verified
	Dev                  // an operation of class IAM needs a signature, of any key
)

const (
	// DefaultMaxBody bounds the body of operations without a limit of their own.
	DefaultMaxBody = 1 << 20
	// DefaultAccount owns everything when nothing else is configured.
	DefaultAccount = "000000000000"
	// maxLargeBodies bounds how many bodies over the default limit are in
	// memory at once; further uploads wait.
	maxLargeBodies = 4
)

// Options are the settings of a Server. The zero value serves strictly and
// knows no key, so that every operation of class IAM is refused.
type Options struct {
	Profile Profile
	// Credentials looks up access keys; not used in the Dev profile.
	Credentials Credentials
	// Sessions opens the tokens of temporary credentials; nil knows none.
	Sessions Sessions
	// Authorize decides what a principal may do; nil lets a root principal do
	// everything and others nothing.
	Authorize Authorizer
	// AllowPage decides in the Dev profile whether the page for which a browser
	// sends a request may use operations of class IAM. Nil allows pages of
	// loopback addresses. Requests of programs are not asked about: they name
	// neither an origin nor a site.
	AllowPage func(r *http.Request) bool
	// Account is the account of requests that no key assigns to one; ""
	// is DefaultAccount.
	Account string
	// Region is the region of requests that are not signed; "" is
	// arn.DefaultRegion.
	Region string
	// MaxBody bounds request bodies in bytes; 0 is DefaultMaxBody.
	// Operations that carry code or events have their own limits.
	MaxBody int64
	// Now is the clock that signatures are checked against; nil is time.Now.
	Now func() time.Time
	// Logger gets one line a request; nil discards it.
	Logger *slog.Logger
	// Observe is called with the event of each request when it is complete.
	Observe func(*web.Event)
	// NewID makes request ids; nil is a random UUID.
	NewID func() string
}

// Credentials are the access keys that a server knows.
type Credentials interface {
	// SecretKey returns the secret of an access key and who it stands for.
	// For a key that is unknown or switched off it returns an error that wraps
	// ErrUnknownKey.
	SecretKey(ctx context.Context, accessKeyID string) (secret string, principal Principal, err error)
}

// Sessions are the temporary credentials that a server knows.
type Sessions interface {
	// Session is SecretKey for a temporary key, which comes with a token. One
	// that is over is ErrExpiredToken; one that does not belong to the key is
	// ErrUnknownKey.
	Session(ctx context.Context, accessKeyID, token string, now time.Time) (secret string, principal Principal, err error)
}

// ErrExpiredToken is what Sessions return for a token whose time is over.
var ErrExpiredToken = errors.New("expired session token")

// ErrUnknownKey is what Credentials return for a key that is not theirs.
var ErrUnknownKey = errors.New("unknown access key")

// Principal is who makes a request.
type Principal struct {
	ARN     string // arn:aws:iam::<account>:root or …:user/<name>
	Account string
	Root    bool // may do everything
}

// Authorizer decides whether a principal may do action, such as
// cognito-idp:CreateUserPool, to the resource with that ARN ("*" if the
// request names none). It returns ErrDenied, or an error of its own.
type Authorizer func(ctx context.Context, p Principal, action, resource string) error

// ErrDenied makes the caller an AccessDeniedException.
var ErrDenied = errors.New("not authorized")

// rootOnly is the Authorizer of servers without policies.
func rootOnly(_ context.Context, p Principal, _, _ string) error {
	if p.Root {
		return nil
	}
	return ErrDenied
}

// Server serves the operations that are registered with it. Register all of
// them before the first request; after that it is safe for concurrent use.
type Server struct {
	opts     Options
	handler  *web.Handler
	services map[string]*service
	targets  map[string]*service // by TargetPrefix
	large    chan struct{}
	dummy    string // the secret that an unknown key is verified against
}

type service struct {
	Service
	operations map[string]*operation
	routes     []*operation // of REST services
}

type operation struct {
	OperationModel
	service  *service
	segments []string // of Path
	built    bool
	op       Operation
}

// New returns a server without services.
func New(opts Options) *Server {
	if opts.Authorize == nil {
		opts.Authorize = rootOnly
	}
	if opts.AllowPage == nil {
		opts.AllowPage = loopbackPage
	}
	if opts.Account == "" {
		opts.Account = DefaultAccount
	}
	if opts.Region == "" {
		opts.Region = arn.DefaultRegion
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = DefaultMaxBody
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{
		opts:     opts,
		services: map[string]*service{},
		targets:  map[string]*service{},
		large:    make(chan struct{}, maxLargeBodies),
		dummy:    "no key has this secret",
	}
	s.handler = &web.Handler{Next: http.HandlerFunc(s.serve), Logger: opts.Logger, Observe: opts.Observe, NewID: opts.NewID}
	return s
}

// Account is the account that owns everything here.
func (s *Server) Account() string { return s.opts.Account }

// Register adds a service and the operations of it that are built. It panics
// if the service is there already, if an operation is unknown or built twice,
// or if any operation of the service, built or not, has no authorization
// class: a server must not start with a door of unknown kind.
func (s *Server) Register(svc Service, ops ...Operation) {
	if _, twice := s.services[svc.ID]; twice {
		panic("awsapi: service " + svc.ID + " registered twice")
	}
	sv := &service{Service: svc, operations: map[string]*operation{}}
	for _, m := range svc.Operations {
		if m.Auth < AuthPublic || m.Auth > AuthIAM {
			panic("awsapi: " + svc.ID + " " + m.Name + " has no authorization class")
		}
		if _, twice := sv.operations[m.Name]; twice {
			panic("awsapi: " + svc.ID + " " + m.Name + " is in the table twice")
		}
		o := &operation{OperationModel: m, service: sv}
		if o.MaxBody == 0 {
			o.MaxBody = s.opts.MaxBody
		}
		sv.operations[m.Name] = o
		if svc.Protocol == RESTJSON {
			o.segments = strings.Split(strings.Trim(m.Path, "/"), "/")
			sv.routes = append(sv.routes, o)
		}
	}
	for _, op := range ops {
		o := sv.operations[op.name]
		if o == nil {
			panic("awsapi: " + svc.ID + " has no operation " + op.name)
		}
		if o.built {
			panic("awsapi: " + svc.ID + " " + op.name + " registered twice")
		}
		o.built, o.op = true, op
	}
	// A route that asks for something in the query is tried before the same
	// route without.
	slices.SortStableFunc(sv.routes, func(a, b *operation) int { return len(b.Query) - len(a.Query) })
	if svc.TargetPrefix != "" {
		if _, twice := s.targets[svc.TargetPrefix]; twice {
			panic("awsapi: target prefix " + svc.TargetPrefix + " registered twice")
		}
		s.targets[svc.TargetPrefix] = sv
	}
	s.services[svc.ID] = sv
}

// Coverage says of one operation whether the server does it.
type Coverage struct {
	Service, Operation, Group string
	Auth                      Auth
	Built                     bool
}

// Coverage returns every operation of the registered services, by service and
// name: the parity page is made of it.
func (s *Server) Coverage() []Coverage {
	var all []Coverage
	for _, sv := range s.services {
		for _, o := range sv.operations {
			all = append(all, Coverage{sv.ID, o.Name, o.Group, o.Auth, o.built})
		}
	}
	slices.SortFunc(all, func(a, b Coverage) int {
		return strings.Compare(a.Service+" "+a.Operation, b.Service+" "+b.Operation)
	})
	return all
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// statusClientClosed is logged for callers that hung up; nobody receives it.
const statusClientClosed = 499

// serve answers one request: every path through it ends in one respond.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	ev := web.EventFrom(r.Context())
	rt := s.route(w, r)
	if rt.op != nil {
		ev.Service, ev.Operation = rt.op.service.ID, rt.op.Name
	}
	var resp *response
	err := rt.err
	if err == nil && rt.preflight {
		resp = preflight(r)
	} else if err == nil {
		if panicked := web.Recover(func() { resp, err = s.perform(w, r, rt) }); panicked != nil {
			resp, err = nil, panicked
		}
	}
	if err != nil {
		resp = errorResponse(rt, err, ev)
		if resp.status >= 500 && r.Context().Err() != nil {
			// The caller hung up and what served it gave up: nobody's fault.
			resp.status = statusClientClosed
		}
	}
	respond(w, rt, resp)
}

// perform does the work of one request for a known operation.
func (s *Server) perform(w http.ResponseWriter, r *http.Request, rt *route) (*response, error) {
	ctx := r.Context()
	o := rt.op
	ev := web.EventFrom(ctx)
	req := &Request{
		ID: ev.ID, Service: o.service.ID, Operation: o.Name,
		Region: s.opts.Region, Account: s.opts.Account,
		SourceIP: ev.SourceIP, UserAgent: ev.UserAgent,
	}
	claim, err := s.claim(r, o, req)
	if err != nil {
		return nil, err
	}
	body, done, err := s.readBody(w, r, o)
	if err != nil {
		return nil, err
	}
	defer done()
	err = s.authenticate(ctx, claim, sessionToken(r), req, func(keySecret string) error {
		return claim.Verify(r, body, keySecret, sigv4.Check{Now: s.opts.Now(), Service: o.service.SigningName})
	})
	if err != nil {
		return nil, err
	}
	ev.AccessKeyID = req.AccessKeyID
	if !o.built {
		return nil, notBuilt(o)
	}
	in := o.op.newInput()
	if err := decode(in, o, body, rt, r); err != nil {
		return nil, err
	}
	out, err := s.run(withRequest(ctx, req), o, in, req)
	if err != nil {
		return nil, err
	}
	return encode(o, out, req.ID)
}

// readBody reads the body within the operation's limit. Bodies over the
// server's common limit queue for one of a few places, so that a crowd of
// uploads cannot take all memory; done gives the place back.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, o *operation) (body []byte, done func(), err error) {
	done = func() {}
	if o.MaxBody > s.opts.MaxBody && (r.ContentLength < 0 || r.ContentLength > s.opts.MaxBody) {
		select {
		case s.large <- struct{}{}:
			done = func() { <-s.large }
		case <-r.Context().Done():
			return nil, nil, r.Context().Err()
		}
	}
	body, err = web.ReadBody(w, r, o.MaxBody)
	if err == nil {
		return body, done, nil
	}
	done()
	if errors.Is(err, web.ErrTooLarge) {
		return nil, nil, apierr.Newf(o.service.TooLargeCode, "Request must be smaller than %d bytes for the %s operation", o.MaxBody, o.action())
	}
	return nil, nil, apierr.New(apierr.Serialization, "The request body could not be read.").Because(err)
}

// ReadFor reads the body of a request for an operation that is to be performed
// by Call: within the operation's limit, and with others in the queue for
// large bodies. Call done when the body is no longer needed.
func (s *Server) ReadFor(w http.ResponseWriter, r *http.Request, serviceID, operationName string) (body []byte, done func(), err error) {
	o, err := s.find(serviceID, operationName)
	if err != nil {
		return nil, nil, err
	}
	return s.readBody(w, r, o)
}

// action returns what policies call the operation, without the service.
func (o *operation) action() string {
	if o.Action != "" {
		return o.Action
	}
	return o.Name
}

func notBuilt(o *operation) error {
	return apierr.Newf(apierr.NotImplemented, "Rockpool does not implement %s %s yet. docs/parity.md lists what it implements.", o.service.ID, o.Name)
}

// claim reads who a request says that it is from. For operations outside the
// IAM class a signature is not needed and a bad one does not matter, but the
// region in a good one tells where the caller thinks that it is.
func (s *Server) claim(r *http.Request, o *operation, req *Request) (*sigv4.Claim, error) {
	claim, err := sigv4.Parse(r)
	if err == nil {
		req.Region = claim.Region
	}
	if o.Auth != AuthIAM {
		return nil, nil
	}
	if err != nil {
		return nil, signatureError(err)
	}
	if s.opts.Profile != Dev {
		return claim, nil
	}
	// Nothing proves that the caller has made this signature. A page can put one
	// into the address of a picture, and into nothing else without asking first;
	// of the other protocols, what a GET does is to read.
	if claim.Presigned && o.service.Protocol == Query {
		return nil, apierr.New(apierr.IncompleteSignature, "The dev profile takes the signature of this request in the Authorization header only.")
	}
	if fromPage(r) && !s.opts.AllowPage(r) {
		return nil, apierr.Newf(apierr.AccessDenied, "The dev profile accepts any access key, so it answers %s:%s only to programs and pages of this machine, not to a page of %s.", o.service.ID, o.action(), clipOrigin(r))
	}
	return claim, nil
}

// authenticate finds out who signed the request; verify checks the signature
// against a secret.
func (s *Server) authenticate(ctx context.Context, claim *sigv4.Claim, token string, req *Request, verify func(keySecret string) error) error {
	if claim == nil {
		return nil
	}
	if s.opts.Profile == Dev {
		req.AccessKeyID = claim.AccessKeyID
		req.Principal = s.root()
		return nil
	}
	keySecret, principal, err := s.dummy, Principal{}, error(ErrUnknownKey)
	found := ""
	switch {
	case token == "" && s.opts.Credentials != nil:
		found, principal, err = s.opts.Credentials.SecretKey(ctx, claim.AccessKeyID)
	case token != "" && s.opts.Sessions != nil:
		found, principal, err = s.opts.Sessions.Session(ctx, claim.AccessKeyID, token, s.opts.Now())
	}
	if err == nil {
		keySecret = found
	}
	// An unknown key is verified too: it takes as long as a known one.
	bad := verify(keySecret)
	switch {
	case errors.Is(err, ErrExpiredToken):
		return apierr.New("ExpiredTokenException", "The security token included in the request is expired")
	case errors.Is(err, ErrUnknownKey):
		return apierr.New(apierr.UnrecognizedClient, "The security token included in the request is invalid.")
	case err != nil:
		return fmt.Errorf("look up access key: %w", err)
	case bad != nil:
		return signatureError(bad)
	}
	req.AccessKeyID, req.Principal = claim.AccessKeyID, principal
	if principal.Account != "" {
		req.Account = principal.Account
	}
	return nil
}

// root is the principal of the server's own account.
func (s *Server) root() Principal {
	return Principal{ARN: "arn:aws:iam::" + s.opts.Account + ":root", Account: s.opts.Account, Root: true}
}

func signatureError(err error) error {
	code := apierr.InvalidSignature
	switch {
	case errors.Is(err, sigv4.ErrMissing):
		code = apierr.MissingAuthenticationToken
	case errors.Is(err, sigv4.ErrIncomplete):
		code = apierr.IncompleteSignature
	}
	return apierr.New(code, err.Error()).Because(err) // a front end may have a name of its own for the kind
}

// run authorizes, validates and calls: what HTTP requests and Call share.
func (s *Server) run(ctx context.Context, o *operation, in Input, req *Request) (any, error) {
	if o.Auth == AuthIAM {
		resource := "*"
		if named, ok := in.(resourceful); ok {
			resource = named.ActsOn(req.Region, req.Account)
		}
		if err := s.authorize(ctx, o, req, resource); err != nil {
			return nil, err
		}
	}
	var v Validation
	in.Validate(&v)
	if m := v.Message(); m != "" {
		return nil, apierr.New(o.service.ValidationCode, m)
	}
	return o.op.call(ctx, in)
}

// authorize asks whether who makes a request may do this to that.
func (s *Server) authorize(ctx context.Context, o *operation, req *Request, resource string) error {
	action := o.service.ID + ":" + o.action()
	err := s.opts.Authorize(ctx, req.Principal, action, resource)
	if errors.Is(err, ErrDenied) {
		return apierr.Newf(apierr.AccessDenied, "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action", req.Principal.ARN, action, resource, action)
	}
	if err != nil {
		return fmt.Errorf("authorize: %w", err)
	}
	return nil
}

// sessionToken is the token that comes with temporary credentials, or "". Where
// there is one the signature covers it.
func sessionToken(r *http.Request) string {
	if values := r.Header["X-Amz-Security-Token"]; len(values) > 0 {
		return strings.Join(values, ",")
	}
	return r.URL.Query().Get("X-Amz-Security-Token")
}
