package signin

import (
	"context"
	"sync"
	"sync/atomic"

	"hash/maphash"
)

// gateWidth is how many passwords of one subject are checked side by side
// while the subject has no failures to speak of.
const gateWidth = 4

// maxGateWaiters bounds the line in front of one subject's gate.
const maxGateWaiters = 512

// gate bounds how many passwords of one subject are being checked at once, so
// that parallel guesses cannot all read the failure counter before any of them
// has raised it. A pass is held from before the counter is read until the
// failure is committed. The zero value is ready. Its memory is one entry for
// each subject with a check under way, and a fixed table.
type gate struct {
	mu      sync.Mutex
	entries map[string]*gateEntry

	// failures numbers the committed failures of this process; marks keep the
	// number of the latest one by hash of its subject. A counter that was read
	// before a subject was known, and so before its pass was held, is good
	// unless the subject's mark is later than the reading.
	failures atomic.Uint64
	seed     maphash.Seed
	marks    [1024]atomic.Uint64
	once     sync.Once
}

type gateEntry struct {
	holders int           // passes held and waited for
	alone   chan struct{} // held by who wants all slots, so that two do not starve each other
	slots   chan struct{}
}

// pass is the right to check a password of one subject.
type pass struct {
	g       *gate
	subject string
	e       *gateEntry
	slots   int
	waited  bool
}

func (g *gate) init() {
	g.once.Do(func() {
		g.seed = maphash.MakeSeed()
		g.entries = make(map[string]*gateEntry)
	})
}

// now returns a mark to give to enter later: what was read after now is stale
// if a failure was committed since.
func (g *gate) now() uint64 { return g.failures.Load() }

// enter waits for one of the subject's slots. It errors with the context's
// error, or with errBusy if too many wait.
func (g *gate) enter(ctx context.Context, subject string) (*pass, error) {
	g.init()
	g.mu.Lock()
	e := g.entries[subject]
	if e == nil {
		e = &gateEntry{alone: make(chan struct{}, 1), slots: make(chan struct{}, gateWidth)}
		g.entries[subject] = e
	}
	if e.holders >= maxGateWaiters {
		g.mu.Unlock()
		return nil, errBusy
	}
	e.holders++
	g.mu.Unlock()

	p := &pass{g: g, subject: subject, e: e}
	select {
	case e.slots <- struct{}{}:
		p.slots = 1
		return p, nil
	default:
	}
	p.waited = true
	select {
	case e.slots <- struct{}{}:
		p.slots = 1
		return p, nil
	case <-ctx.Done():
		p.leave()
		return nil, ctx.Err()
	}
}

// stale reports whether what was read at mark may lack a failure of the
// subject that this process committed before the pass was held.
func (p *pass) stale(mark uint64) bool {
	return p.waited || p.g.mark(p.subject).Load() > mark
}

// alone waits until no other check of the subject is under way, and keeps it
// so. Whatever was read before is stale then.
func (p *pass) alone(ctx context.Context) error {
	// The slot goes back first: two callers that each kept one would wait for
	// each other for ever.
	<-p.e.slots
	p.slots = 0
	select {
	case p.e.alone <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.e.alone }()
	for p.slots < gateWidth {
		select {
		case p.e.slots <- struct{}{}:
			p.slots++
		case <-ctx.Done():
			return ctx.Err() // leave gives back what was taken
		}
	}
	return nil
}

// failed is called after a failure of the subject was committed, before leave.
func (p *pass) failed() {
	n := p.g.failures.Add(1)
	m := p.g.mark(p.subject)
	for {
		old := m.Load()
		if old >= n || m.CompareAndSwap(old, n) {
			return
		}
	}
}

// leave gives the pass back. It may be called once only.
func (p *pass) leave() {
	for ; p.slots > 0; p.slots-- {
		<-p.e.slots
	}
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if p.e.holders--; p.e.holders == 0 {
		delete(p.g.entries, p.subject)
	}
}

func (g *gate) mark(subject string) *atomic.Uint64 {
	return &g.marks[maphash.String(g.seed, subject)%uint64(len(g.marks))]
}
