package sandbox

import (
	"context"
	"slices"
	"sync"
	"time"
)

// worker is an environment as the pool sees it: something that can die.
type worker interface {
	// usable reports whether it can take another event.
	usable() bool
	// kill ends it; it returns at once.
	kill()
	// done is closed when nothing of it is left.
	done() <-chan struct{}
}

// pool keeps the environments of one function. Callers queue in order; an
// environment that becomes free goes to the first of them, and to the top of
// the idle stack when there is none, so that the least used ones grow old.
type pool[W worker] struct {
	// start makes an environment. Its error goes to one caller.
	start       func(ctx context.Context) (W, error)
	max         int
	maxWaiting  int
	idleTimeout time.Duration

	mu       sync.Mutex
	idle     []*slot[W]
	all      map[*slot[W]]struct{}
	starting int
	waiting  []*waiter[W]
	stopped  bool
	ctx      context.Context // of starts; ended by stop
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

type slot[W worker] struct {
	w     W
	timer *time.Timer // running while idle
}

type grant[W worker] struct {
	slot *slot[W]
	err  error
}

type waiter[W worker] struct{ ch chan grant[W] }

func newPool[W worker](max, maxWaiting int, idle time.Duration, start func(context.Context) (W, error)) *pool[W] {
	ctx, cancel := context.WithCancel(context.Background())
	return &pool[W]{
		start: start, max: max, maxWaiting: maxWaiting, idleTimeout: idle,
		all: make(map[*slot[W]]struct{}), ctx: ctx, cancel: cancel,
	}
}

// acquire returns an environment for one event; it must be released. The error
// is ErrStopped, ErrTooManyConcurrent, ctx's, or that of a start.
func (p *pool[W]) acquire(ctx context.Context) (*slot[W], error) {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return nil, ErrStopped
	}
	for len(p.idle) > 0 {
		s := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		s.timer.Stop()
		if s.w.usable() {
			p.mu.Unlock()
			return s, nil
		}
		p.discard(s)
	}
	if len(p.waiting) >= p.maxWaiting {
		p.mu.Unlock()
		return nil, ErrTooManyConcurrent
	}
	w := &waiter[W]{ch: make(chan grant[W], 1)}
	p.waiting = append(p.waiting, w)
	p.grow()
	p.mu.Unlock()

	select {
	case g := <-w.ch:
		return g.slot, g.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, w)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 { // granted in the meantime
		if g := <-w.ch; g.slot != nil {
			p.release(g.slot)
		}
	}
	return nil, ctx.Err()
}

// release gives an environment back, dead or alive.
func (p *pool[W]) release(s *slot[W]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || !s.w.usable() {
		p.discard(s)
		p.grow()
		return
	}
	p.put(s)
}

// put hands a usable environment on. p.mu is held.
func (p *pool[W]) put(s *slot[W]) {
	if len(p.waiting) > 0 {
		w := p.waiting[0]
		p.waiting = slices.Delete(p.waiting, 0, 1)
		w.ch <- grant[W]{slot: s}
		return
	}
	p.idle = append(p.idle, s)
	if s.timer == nil {
		s.timer = time.AfterFunc(p.idleTimeout, func() { p.expire(s) })
	} else {
		s.timer.Reset(p.idleTimeout)
	}
}

// expire stops an environment that has been idle for too long.
func (p *pool[W]) expire(s *slot[W]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, s); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		p.discard(s)
	}
}

// discard ends an environment. It counts against the cap until nothing is left
// of it. p.mu is held.
func (p *pool[W]) discard(s *slot[W]) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.w.kill()
}

// grow starts as many environments as there are callers without one in sight
// and the cap allows. p.mu is held.
func (p *pool[W]) grow() {
	for !p.stopped && p.starting < len(p.waiting) && len(p.all)+p.starting < p.max {
		p.starting++
		p.wg.Go(func() { p.begin(nil) })
	}
}

// begin starts one environment and watches it to its end.
func (p *pool[W]) begin(started chan<- error) {
	w, err := p.start(p.ctx)
	p.mu.Lock()
	p.starting--
	if err != nil {
		if p.stopped {
			err = ErrStopped
		}
		if started == nil && len(p.waiting) > 0 {
			first := p.waiting[0]
			p.waiting = slices.Delete(p.waiting, 0, 1)
			first.ch <- grant[W]{err: err}
		}
		p.grow()
		p.mu.Unlock()
		if started != nil {
			started <- err
		}
		return
	}
	s := &slot[W]{w: w}
	p.all[s] = struct{}{}
	if p.stopped {
		p.discard(s)
	} else {
		p.put(s)
	}
	p.mu.Unlock()
	if started != nil {
		started <- nil
	}

	<-w.done()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, s)
	if i := slices.Index(p.idle, s); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		s.timer.Stop()
	}
	p.grow()
}

// warm brings the number of environments up to n (at most the cap).
func (p *pool[W]) warm(ctx context.Context, n int) error {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return ErrStopped
	}
	need := min(n, p.max) - len(p.all) - p.starting
	started := make(chan error, max(need, 0))
	for range need {
		p.starting++
		p.wg.Go(func() { p.begin(started) })
	}
	p.mu.Unlock()
	for range need {
		select {
		case err := <-started:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stop refuses new callers, ends idle environments at once and busy ones when
// they are done or ctx is, and returns when nothing is left.
func (p *pool[W]) stop(ctx context.Context) {
	p.mu.Lock()
	p.stopped = true
	p.cancel()
	for _, w := range p.waiting {
		w.ch <- grant[W]{err: ErrStopped}
	}
	p.waiting = nil
	for _, s := range p.idle {
		p.discard(s)
	}
	p.idle = nil
	p.mu.Unlock()

	over := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for s := range p.all {
			p.discard(s)
		}
	})
	p.wg.Wait()
	over()
}

func (p *pool[W]) stats() (all, idle, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all), len(p.idle), len(p.waiting)
}
