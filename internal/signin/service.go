package signin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Service is everything that a user does. Pools, Store, KEK and Issuer are
// needed; the zero value of every other field works. It is safe for concurrent
// use and must not be copied after first use.
type Service struct {
	Pools *userpool.Service
	Store store.Store
	KEK   *secret.KEK
	// Issuer returns the iss of a pool's tokens. It must be the same on every
	// node.
	Issuer func(*userpool.Pool) string

	// Triggers calls functions. nil: a pool that has a function gives no tokens.
	Triggers *trigger.Client
	Messages message.Sender   // nil: nothing can be sent, and who asks for it is told
	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: discard

	// Timeline, if given, is told of every attempt to get tokens, before the
	// caller is answered. It should not block.
	Timeline func(Event)
	// ShowClaims keeps the values of changed claims in the timeline. They are
	// personal data, so it is for development only.
	ShowClaims bool

	gate   gate
	events timeline
	used   usedBlocks

	verified token.Verified // access tokens seen lately

	deliveries deliveries
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// stamp is the time that is stored: whole milliseconds, as the store keeps it.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func (s *Service) log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// RecentSignIns returns the latest attempts to get tokens on this node, newest
// first: of one pool, or with an empty poolID of all.
func (s *Service) RecentSignIns(poolID string, limit int) []Event {
	return s.events.recent(func(e *Event) bool { return poolID == "" || e.PoolID == poolID }, limit)
}

// SignInOf returns what is known of the issue of a token, by its event_id and
// origin_jti claims: the latest issue of that sign-in on this node.
func (s *Service) SignInOf(eventID string) (Event, bool) {
	if eventID == "" {
		return Event{}, false
	}
	found := s.events.recent(func(e *Event) bool { return e.EventID == eventID }, 1)
	if len(found) == 0 {
		return Event{}, false
	}
	return found[0], true
}

// Caller is what the protocol knows of who sent a request.
type Caller struct {
	SourceIP  string // of the client, behind trusted proxies
	UserAgent string
	RequestID string
}

// maxUpdateTries bounds how often a change of a user starts over because
// another one came between.
const maxUpdateTries = 8

// updateUser changes a user as it is now. change may run more than once and
// must touch nothing but its arguments; an error of it is returned as it is.
// A user that is gone is store.ErrNotFound.
func (s *Service) updateUser(ctx context.Context, p *userpool.Pool, sub string, change func(store.Tx, *store.User) error) (store.User, error) {
	var u store.User
	for range maxUpdateTries {
		err := s.Store.Update(ctx, func(tx store.Tx) (err error) {
			if u, err = tx.User(p.ID, sub); err != nil {
				return err
			}
			if err = change(tx, &u); err != nil {
				return err
			}
			return tx.UpdateUser(p.Row(u))
		})
		if !errors.Is(err, store.ErrConflict) {
			return u, err
		}
	}
	return u, fmt.Errorf("change user: %w", store.ErrConflict)
}
