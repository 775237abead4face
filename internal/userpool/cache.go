package userpool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	// recheck is how long a cached record is believed before its version is
	// asked for again. With the time of one read it keeps a change on another
	// node visible within two seconds.
	recheck = time.Second
	// maxCached bounds each kind of cached record. It is far above the number
	// of pools and clients that a server works with at one time.
	maxCached = 10_000
)

// poolCache keeps pools, clients and key rings. Entries are values that nobody
// changes, replaced as a whole.
type poolCache struct {
	mu sync.RWMutex
	// epoch counts this node's own writes. A record that was read before a
	// write is not put into the cache after it, so that own writes are seen at
	// once.
	epoch   uint64
	pools   map[string]cached[*Pool]
	clients map[string]cached[*Client] // by client id; the pool is in the client
	keys    map[string]cached[*Keyring]
}

type cached[T any] struct {
	value   T
	checked time.Time
}

// fresh reports whether an entry can be used without asking the store. A clock
// that was set back makes every entry stale rather than immortal.
func (c cached[T]) fresh(now time.Time) bool {
	age := now.Sub(c.checked)
	return age >= 0 && age < recheck
}

// put stores an entry read at epoch, unless this node wrote since.
func put[T any](c *poolCache, epoch uint64, of *map[string]cached[T], key string, entry cached[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	if *of == nil {
		*of = make(map[string]cached[T])
	}
	if _, ok := (*of)[key]; !ok && len(*of) >= maxCached {
		for k := range *of { // any one will do
			delete(*of, k)
			break
		}
	}
	(*of)[key] = entry
}

// forgetPool drops a pool and all that belongs to it.
func (c *poolCache) forgetPool(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	delete(c.pools, id)
	delete(c.keys, id)
	for k, e := range c.clients {
		if e.value.PoolID == id {
			delete(c.clients, k)
		}
	}
}

// changedPool drops a pool's settings, and nothing else.
func (c *poolCache) changedPool(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	delete(c.pools, id)
}

func (c *poolCache) forgetClient(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	delete(c.clients, id)
}

// Pool returns a pool: from memory if its version was checked within the last
// second. The error is ResourceNotFoundException if there is none.
func (s *Service) Pool(ctx context.Context, id string) (*Pool, error) {
	c, now := &s.pools, s.now()
	c.mu.RLock()
	entry, ok := c.pools[id]
	epoch := c.epoch
	c.mu.RUnlock()
	if ok && entry.fresh(now) {
		return entry.value, nil
	}
	var p *Pool
	err := s.Store.View(ctx, func(tx store.Tx) error {
		p = nil
		if ok {
			v, err := tx.PoolVersion(id)
			if err != nil {
				return err
			}
			if v == entry.value.Version {
				p = entry.value
				return nil
			}
		}
		row, err := tx.Pool(id)
		if err != nil {
			return err
		}
		p, err = s.poolOf(row)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		if ok {
			c.forgetPool(id) // deleted on another node
		}
		return nil, errPoolNotFound(id)
	}
	if err != nil {
		return nil, fmt.Errorf("load pool %s: %w", id, err)
	}
	put(c, epoch, &c.pools, id, cached[*Pool]{p, now})
	return p, nil
}

// Client returns an app client of the pool. The error is
// ResourceNotFoundException if the pool has none of that id, even if another
// pool has.
func (s *Service) Client(ctx context.Context, poolID, clientID string) (*Client, error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return nil, err
	}
	return s.client(ctx, poolID, clientID)
}

// ClientByID returns an app client and its pool, for the public operations,
// which name no pool.
func (s *Service) ClientByID(ctx context.Context, clientID string) (*Pool, *Client, error) {
	s.pools.mu.RLock()
	entry, ok := s.pools.clients[clientID]
	s.pools.mu.RUnlock()
	var poolID string
	if ok {
		// A client never moves to another pool, so the entry says which pool
		// it is even when its settings are out of date.
		poolID = entry.value.PoolID
	} else {
		err := s.Store.View(ctx, func(tx store.Tx) (err error) {
			poolID, err = tx.ClientPool(clientID)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil, errClientNotFound(clientID)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("find client: %w", err)
		}
	}
	c, err := s.client(ctx, poolID, clientID)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, nil, err
	}
	return p, c, nil
}

func (s *Service) client(ctx context.Context, poolID, clientID string) (*Client, error) {
	cache, now := &s.pools, s.now()
	cache.mu.RLock()
	entry, ok := cache.clients[clientID]
	epoch := cache.epoch
	cache.mu.RUnlock()
	if ok && entry.value.PoolID != poolID {
		return nil, errClientNotFound(clientID)
	}
	if ok && entry.fresh(now) {
		return entry.value, nil
	}
	var c *Client
	err := s.Store.View(ctx, func(tx store.Tx) error {
		c = nil
		if ok {
			v, err := tx.ClientVersion(poolID, clientID)
			if err != nil {
				return err
			}
			if v == entry.value.Version {
				c = entry.value
				return nil
			}
		}
		row, err := tx.Client(poolID, clientID)
		if err != nil {
			return err
		}
		c, err = s.clientOf(row)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		if ok {
			cache.forgetClient(clientID) // deleted on another node
		}
		return nil, errClientNotFound(clientID)
	}
	if err != nil {
		return nil, fmt.Errorf("load client %s: %w", clientID, err)
	}
	put(cache, epoch, &cache.clients, clientID, cached[*Client]{c, now})
	return c, nil
}
