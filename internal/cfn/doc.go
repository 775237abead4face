// Package cfn is CloudFormation: stacks of resources that are described by a
// template, made, changed and deleted as one.
//
// It knows templates (package template) and resource types (package resource),
// and acts on resources by calling operations by name, with the rights of
// whoever asked. It knows no HTTP and no wire shapes (cfnapi).
//
// # A stack's life
//
//	plan.go       template + parameters + what is there → what has to change
//	mask.go       what NoEcho hides, in values that are shown
//	changes.go    … resource by resource, as change sets show it
//	requests.go   CreateStack, UpdateStack, DeleteStack: checks, then begin
//	changeset.go  a plan that is kept, to be looked at and executed
//	execute.go    the goroutine that carries an operation out
//	order.go      … resources beside and after each other
//	steps.go      … one step of it: a resource is created or changed
//	journal.go    what is written before and after every step
//	signals.go    what programs tell wait conditions
//	describe.go   what is told about stacks
//
// # What is written, and when
//
// A stack is one document, sealed with the key-encryption key, since properties
// may hold secrets. Before a resource is touched the document says so, and
// afterwards what came of it. A process that dies in between leaves a lease that
// runs out; another (or the next) one takes the stack over, and a creation whose
// end nobody has seen is looked for before it is repeated.
//
// An update is the creation of what is not there yet, so both are one piece of
// code: everything forward in dependency order, up to eight resources at once;
// then what is no longer wanted is deleted. If forward fails, what was changed
// is changed back and what was created is deleted.
package cfn

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Service is everything that is done to stacks. Store, KEK, Caller and As are
// needed. Start it before use and close it.
type Service struct {
	Store   store.Store
	KEK     *secret.KEK
	Caller  resource.Caller
	Account string
	// As returns a context in which Caller acts for an actor in a region.
	As func(ctx context.Context, a Actor, region string) context.Context
	// Fetch reads the template at a URL. Nil: there is no place for templates.
	Fetch func(ctx context.Context, url string) (string, error)
	// SignalURL is the address to which programs put signals for wait
	// conditions, without the token; see Signal.
	SignalURL string
	Now       func() time.Time
	Logger    *slog.Logger
	// Lease is how long a process that says nothing any more keeps a stack from
	// the others; 0 is ten seconds.
	Lease time.Duration
	// Alone says that no other process has the store: whoever had a stack
	// before this one has died.
	Alone bool

	node    string // names this process in leases
	cancel  context.CancelFunc
	ctx     context.Context
	running sync.WaitGroup
	mu      sync.Mutex
	driving map[string]*driver // by stack id
}

// Actor is who asked for an operation.
type Actor struct {
	ARN, Account string
	Root         bool
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}

func (s *Service) lease() time.Duration {
	if s.Lease == 0 {
		return 10 * time.Second
	}
	return s.Lease
}

func (s *Service) log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// Errors of the API.
const (
	codeValidation    apierr.Code = "ValidationError"
	codeExists        apierr.Code = "AlreadyExistsException"
	codeCapabilities  apierr.Code = "InsufficientCapabilitiesException"
	codeNoChangeSet   apierr.Code = "ChangeSetNotFound"
	codeChangeSet     apierr.Code = "InvalidChangeSetStatus"
	codeTokenConflict apierr.Code = "TokenAlreadyExistsException"
)

func invalid(format string, args ...any) error { return apierr.Newf(codeValidation, format, args...) }

// Start resumes what an earlier process left undone, now and whenever another
// node's lease runs out, until Close.
func (s *Service) Start() {
	s.node, s.driving = secret.UUID(), map[string]*driver{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(func() {
		tick := time.NewTicker(s.lease() / 2)
		defer tick.Stop()
		for {
			s.resume()
			select {
			case <-s.ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// Close stops at the next step; what is undone is resumed by the next Start.
func (s *Service) Close(context.Context) error {
	if s.cancel != nil {
		s.cancel()
		s.running.Wait()
	}
	return nil
}

// resume takes over the operations that nobody carries out.
func (s *Service) resume() {
	var ids []string
	err := s.Store.View(s.ctx, func(tx store.Tx) error {
		ids = nil
		return each(tx, kindRunning, "", func(d store.Document) error {
			ids = append(ids, d.Name)
			return nil
		})
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log().Warn("look for interrupted stack operations", "error", err)
	}
	for _, id := range ids {
		s.drive(id)
	}
}

// linger is how long a request that begins an operation waits for its end. Most
// operations are over by then, and a client that looks for the end at once sees
// it, where it would come back half a minute later.
const linger = 1500 * time.Millisecond

// driveAndLinger carries an operation out and waits a moment for its end.
func (s *Service) driveAndLinger(ctx context.Context, id string) {
	done := s.drive(id)
	if done == nil {
		return
	}
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	case <-ctx.Done():
	}
}

// regionOf is the region in a stack's ARN.
func regionOf(id string) string {
	if parts := strings.Split(id, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}
