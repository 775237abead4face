package cfn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/web"
)

const (
	stackType = "AWS::CloudFormation::Stack"
	maxEvents = 10_000 // kept of a stack
)

// Event is something that happened to a stack or to a resource of it.
type Event struct {
	ID, StackID, StackName            string
	LogicalID, PhysicalID, Type       string
	Status, Reason, Token, Properties string
	Time                              time.Time

	properties map[string]any // what Properties is made of
}

// event records an event. Names count down, so that a list begins with the
// newest.
func (s *Service) event(tx store.Tx, st *Stack, e Event) error {
	st.Events++
	e.ID, e.StackID, e.StackName, e.Time = secret.UUID(), st.ID, st.Name, s.now()
	d := store.Document{Kind: kindEvent, Scope: st.ID, Name: fmt.Sprintf("%012d", 1_000_000_000_000-st.Events), ExpiresAt: s.now().Add(keepGone)}
	d, err := s.seal(d, e)
	if err != nil {
		return err
	}
	if old := st.Events - maxEvents; old > 0 {
		if err := forget(tx, kindEvent, st.ID, fmt.Sprintf("%012d", 1_000_000_000_000-old)); err != nil {
			return err
		}
	}
	return tx.CreateDocument(d)
}

// run is one process carrying out a stack's operation. Its methods may be
// called by several goroutines: each works on resources of its own, and what
// they share is under mu.
type run struct {
	s   *Service
	ctx context.Context // ends when the lease is lost or the service closes

	// halted ends too when a resource has failed, so that none is waited for.
	halted context.Context

	mu sync.Mutex
	st *Stack

	// creating is held while a resource is made and noted, and alone by one
	// whose creation was interrupted: it looks around for what it has made,
	// and must not see what another is just making.
	creating sync.RWMutex
}

// errLost means that another process has the stack, or nobody is to have it any
// more. What is undone stays undone.
var errLost = errors.New("cfn: the lease was lost")

// note changes the stack by fn and writes it, with the events that belong to
// it: when it returns nil the change is there after a crash.
func (r *run) note(fn func(*Stack), events ...Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(r.st)
	return r.write(nil, events...)
}

// noteIf is note where check, in the same transaction, may refuse. If it does
// nothing has changed, and its error is the answer.
func (r *run) noteIf(check func(store.Tx) error, fn func(*Stack), events ...Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	stack, op := *r.st, *r.st.Operation
	stack.Operation, stack.Resources = &op, maps.Clone(r.st.Resources)
	fn(r.st)
	var refused error
	err := r.write(func(tx store.Tx) error {
		refused = check(tx)
		return refused
	}, events...)
	if _, byRule := errors.AsType[*apierr.Error](refused); byRule || errors.Is(refused, errCancelled) {
		*r.st = stack
		return refused
	}
	return err
}

// write writes the stack as it is in memory; r.mu is held. What cannot be
// written is as good as lost: the operation goes on from the journal.
func (r *run) write(check func(store.Tx) error, events ...Event) error {
	r.st.Lease = Lease{Node: r.s.node, Until: time.Now().Add(r.s.lease())}
	version, count := r.st.version, r.st.Events
	once := func(tx store.Tx) error {
		r.st.version, r.st.Events = version, count // it may run twice
		if check != nil {
			if err := check(tx); err != nil {
				return err
			}
		}
		for _, e := range events {
			e.Token = r.st.Operation.Token
			if e.properties != nil {
				e.Properties = *r.st.secrets().show(e.properties)
			}
			if err := r.s.event(tx, r.st, e); err != nil {
				return err
			}
		}
		return r.s.save(tx, r.st)
	}
	err := r.s.Store.Update(r.ctx, once)
	if errors.Is(err, store.ErrConflict) {
		err = r.s.Store.Update(r.ctx, func(tx store.Tx) error {
			now, err := r.s.load(tx, r.st.ID)
			if err != nil {
				return err
			}
			if now.Lease.Node != r.s.node {
				return errLost
			}
			// A request has set what is not the operation's.
			r.st.Protected = now.Protected
			version, count = now.version, now.Events
			return once(tx)
		})
	}
	if err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// look reads of the stack under the lock.
func (r *run) look(fn func(*Stack)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(r.st)
}

// resourceEvent is what happened to a resource.
func resourceEvent(res *Resource, status, reason string) Event {
	return Event{LogicalID: res.ID, PhysicalID: res.PhysicalID, Type: res.Type, Status: status, Reason: reason, properties: res.Properties}
}

// stackStatus moves the whole stack to a status.
func (r *run) stackStatus(status, reason string, change func(*Stack)) error {
	return r.stackStatusIf(func(store.Tx) error { return nil }, status, reason, change)
}

// stackStatusIf is stackStatus where check may refuse, as in noteIf.
func (r *run) stackStatusIf(check func(store.Tx) error, status, reason string, change func(*Stack)) error {
	return r.noteIf(check, func(st *Stack) {
		st.Status, st.Reason = status, reason
		if change != nil {
			change(st)
		}
	}, Event{LogicalID: r.st.Name, PhysicalID: r.st.ID, Type: stackType, Status: status, Reason: reason})
}

// driver is the goroutine that carries out what is to be done to one stack.
type driver struct {
	done  chan struct{} // closed when this process has let go of the stack
	again bool          // somebody asked since it began, under Service.mu
}

// drive takes a stack's operation over, unless another process has it. The
// channel is closed when this one has let go of it; it is nil if the service is
// closed.
func (s *Service) drive(id string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.driving == nil || s.ctx.Err() != nil {
		return nil
	}
	if d := s.driving[id]; d != nil {
		// It may have seen the end of one operation and not that the next has begun.
		d.again = true
		return d.done
	}
	d := &driver{done: make(chan struct{})}
	s.driving[id] = d
	s.running.Go(func() {
		defer close(d.done)
		for more := true; more; more = s.goesOn(id, d) {
			st, err := s.take(id)
			if err != nil && s.ctx.Err() == nil {
				s.log().Error("take over a stack operation", "stack", id, "error", err)
			}
			if err == nil && st != nil {
				s.carryOut(st)
			}
		}
	})
	return d.done
}

// goesOn reports whether a driver has to look again; if not it has let go.
func (s *Service) goesOn(id string, d *driver) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.again && s.ctx.Err() == nil {
		d.again = false
		return true
	}
	delete(s.driving, id)
	return false
}

// take takes the lease of a stack with an operation. It returns nil if another
// process has it, or there is nothing to do.
func (s *Service) take(id string) (*Stack, error) {
	var st *Stack
	err := s.Store.Update(s.ctx, func(tx store.Tx) error {
		st = nil
		got, err := s.load(tx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && (got.Operation == nil || terminal(got.Status)) {
			return forget(tx, kindRunning, "", id)
		}
		if err != nil {
			return err
		}
		if got.Lease.Node != s.node && time.Now().Before(got.Lease.Until) && !s.Alone {
			return nil
		}
		got.Lease = Lease{Node: s.node, Until: time.Now().Add(s.lease())}
		st = got
		return s.save(tx, got)
	})
	return st, err
}

// carryOut runs the operation while it renews the lease.
func (s *Service) carryOut(st *Stack) {
	ctx, cancel := context.WithCancel(s.As(s.ctx, st.Actor, st.Region))
	r := &run{s: s, ctx: ctx, st: st}
	var beat sync.WaitGroup
	beat.Go(func() {
		tick := time.NewTicker(s.lease() / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if r.note(func(*Stack) {}) != nil {
					cancel()
				}
			}
		}
	})
	var err error
	if panicked := web.Recover(func() { err = r.execute() }); panicked != nil {
		err = panicked
	}
	cancel()
	beat.Wait()
	if s.ctx.Err() != nil {
		r.release()
	}
	if err != nil && s.ctx.Err() == nil {
		s.log().Error("stack operation interrupted", "stack", st.ID, "error", err)
	}
}

// release lets the next process begin at once.
func (r *run) release() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), time.Second)
	defer cancel()
	err := r.s.Store.Update(ctx, func(tx store.Tx) error {
		st, err := r.s.load(tx, r.st.ID)
		if err != nil || st.Lease.Node != r.s.node {
			return err
		}
		st.Lease = Lease{}
		return r.s.save(tx, st)
	})
	if err != nil {
		r.s.log().Warn("let go of a stack", "stack", r.st.ID, "error", err)
	}
}
