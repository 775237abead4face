package message

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	outboxTotal   = 1000 // messages kept in all
	outboxAddress = 50   // messages kept per address
)

// Outbox keeps messages in memory instead of sending them, for development
// and tests. It keeps the last 50 of each address and the last 1,000 in all.
// The zero value is ready and safe for concurrent use.
type Outbox struct {
	Now func() time.Time // nil: time.Now

	mu      sync.Mutex
	next    int64
	kept    []Sent // oldest first
	waiting []chan struct{}
}

// Sent is a message in the outbox.
type Sent struct {
	ID int64 // ascending, from 1
	At time.Time
	Message
}

// Send implements Sender. It never fails.
func (o *Outbox) Send(_ context.Context, m Message) error {
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next++
	o.kept = append(o.kept, Sent{ID: o.next, At: now().UTC(), Message: m})
	o.trim(m.To)
	for _, w := range o.waiting {
		close(w)
	}
	o.waiting = nil
	return nil
}

// Probe implements Prober: every medium, at once.
func (o *Outbox) Probe(string) (instant bool, err error) { return true, nil }

func (o *Outbox) trim(to string) {
	same := 0
	for i := len(o.kept) - 1; i >= 0; i-- {
		if !strings.EqualFold(o.kept[i].To, to) {
			continue
		}
		if same++; same > outboxAddress {
			o.kept = slices.Delete(o.kept, i, i+1)
			break // Send adds one at a time, so there is one too many at most
		}
	}
	if len(o.kept) > outboxTotal {
		o.kept = slices.Delete(o.kept, 0, len(o.kept)-outboxTotal)
	}
}

// List returns the messages to an address or number, the newest first; those
// to everybody if address is empty. Addresses match whatever their case.
func (o *Outbox) List(address string) []Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.list(address, 0)
}

func (o *Outbox) list(address string, after int64) []Sent {
	var found []Sent
	for _, s := range slices.Backward(o.kept) {
		if s.ID <= after {
			break
		}
		if address == "" || strings.EqualFold(s.To, address) {
			found = append(found, s)
		}
	}
	return found
}

// Wait returns the messages to an address that came after the one with the
// given id, newest first, and waits until there is one or ctx ends.
func (o *Outbox) Wait(ctx context.Context, address string, after int64) ([]Sent, error) {
	for {
		o.mu.Lock()
		if found := o.list(address, after); len(found) > 0 {
			o.mu.Unlock()
			return found, nil
		}
		came := make(chan struct{})
		o.waiting = append(o.waiting, came)
		o.mu.Unlock()
		select {
		case <-came:
		case <-ctx.Done():
			o.mu.Lock()
			o.waiting = slices.DeleteFunc(o.waiting, func(c chan struct{}) bool { return c == came })
			o.mu.Unlock()
			return nil, ctx.Err()
		}
	}
}
