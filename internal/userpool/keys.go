package userpool

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
)

// keyOverlap is how long a key stays published after it stopped signing: the
// longest life of a token, and a little for nodes that learn of the rotation
// late and for clocks that differ.
const keyOverlap = 24*time.Hour + 10*time.Minute

// Keyring is a pool's signing keys: one of each use signs, and all that may
// still have live tokens are published. It is shared and never changed.
type Keyring struct {
	ID     *token.Key   // signs ID tokens
	Access *token.Key   // signs access tokens
	Set    token.KeySet // every published key, for verification
	JWKS   []byte       // the published document

	version int64     // of the pool when the keys were read
	until   time.Time // when a retired key is to be dropped; zero: never
}

func keyPlace(poolID, kid string) secret.Place {
	return secret.Place{Table: "signing_key", Pool: poolID, Row: kid, Column: "private"}
}

// newKeys makes a key of each use. Making one takes a tenth of a second and
// more, so it happens outside transactions.
func (s *Service) newKeys(poolID string, now time.Time) ([]store.SigningKey, error) {
	uses := []token.Use{token.ID, token.Access}
	keys := make([]store.SigningKey, len(uses))
	errs := make([]error, len(uses))
	done := make(chan struct{})
	make1 := func(i int) { keys[i], errs[i] = s.newKey(poolID, uses[i], now) }
	go func() { defer close(done); make1(1) }()
	make1(0)
	<-done
	return keys, errors.Join(errs...)
}

func (s *Service) newKey(poolID string, use token.Use, now time.Time) (store.SigningKey, error) {
	k, der, err := token.GenerateKey(use)
	if err != nil {
		return store.SigningKey{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(k.Public)
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("encode public key: %w", err)
	}
	sealed := s.KEK.Seal(keyPlace(poolID, k.ID), der)
	clear(der)
	return store.SigningKey{
		PoolID: poolID, ID: k.ID, Use: string(use), Sealed: sealed, Public: public, Active: true, CreatedAt: now,
	}, nil
}

// Keys returns a pool's signing keys. A rotation on this node is seen at once,
// one on another node within two seconds; see KeysWith for what happens to a
// token that was signed in between.
func (s *Service) Keys(ctx context.Context, poolID string) (*Keyring, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, err
	}
	c, now := &s.pools, s.now()
	c.mu.RLock()
	entry, ok := c.keys[poolID]
	epoch := c.epoch
	c.mu.RUnlock()
	// A rotation raises the pool's version, so there is nothing to ask.
	if k := entry.value; ok && k.version == p.Version && (k.until.IsZero() || now.Before(k.until)) {
		return k, nil
	}
	var old *Keyring
	if ok {
		old = entry.value
	}
	k, err := s.loadKeys(ctx, p, now, old)
	if err != nil {
		return nil, err
	}
	put(c, epoch, &c.keys, poolID, cached[*Keyring]{k, now})
	return k, nil
}

// KeysWith is Keys for verifying a token that names kid: if the ring does not
// have that key, and was not read just now, it is read again. Without it a
// token that another node signed with a new key could be refused for a second.
func (s *Service) KeysWith(ctx context.Context, poolID, kid string) (*Keyring, error) {
	k, err := s.Keys(ctx, poolID)
	if err != nil {
		return nil, err
	}
	if _, ok := k.Set[kid]; ok {
		return k, nil
	}
	c, now := &s.pools, s.now()
	c.mu.RLock()
	entry := c.keys[poolID]
	c.mu.RUnlock()
	// One read in 100 ms bounds what made-up key ids cost the database.
	if age := now.Sub(entry.checked); age >= 0 && age < recheck/10 {
		return k, nil
	}
	c.changedPool(poolID)
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	epoch := c.epoch
	c.mu.RUnlock()
	if k, err = s.loadKeys(ctx, p, now, k); err != nil {
		return nil, err
	}
	put(c, epoch, &c.keys, poolID, cached[*Keyring]{k, now})
	return k, nil
}

func (s *Service) loadKeys(ctx context.Context, p *Pool, now time.Time, old *Keyring) (*Keyring, error) {
	var rows []store.SigningKey
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.SigningKeys(p.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load signing keys of pool %s: %w", p.ID, err)
	}
	ring := &Keyring{version: p.Version}
	var published []token.PublicKey
	for _, row := range rows {
		if !row.Active {
			end := row.RetiredAt.Add(keyOverlap)
			if !now.Before(end) {
				continue
			}
			if ring.until.IsZero() || end.Before(ring.until) {
				ring.until = end
			}
		}
		public, err := x509.ParsePKIXPublicKey(row.Public)
		rsaKey, ok := public.(*rsa.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("signing key %s: stored public key is not RSA", row.ID)
		}
		published = append(published, token.PublicKey{ID: row.ID, Use: token.Use(row.Use), RSA: rsaKey})
		if !row.Active {
			continue
		}
		k, err := s.openKey(row, old)
		if err != nil {
			return nil, err
		}
		if !k.Public.Equal(rsaKey) {
			// A row that was swapped: what it publishes would verify tokens of
			// whoever has the other half.
			return nil, fmt.Errorf("signing key %s: the stored public key is not its own", row.ID)
		}
		switch k.Use {
		case token.ID:
			ring.ID = k
		case token.Access:
			ring.Access = k
		}
	}
	if ring.ID == nil || ring.Access == nil {
		return nil, fmt.Errorf("pool %s has no signing key", p.ID)
	}
	ring.Set, ring.JWKS = token.NewKeySet(published...), token.JWKS(published)
	return ring, nil
}

// openKey opens a stored key, or takes it from the ring that is replaced:
// preparing an RSA key takes milliseconds.
func (s *Service) openKey(row store.SigningKey, old *Keyring) (*token.Key, error) {
	if old != nil {
		for _, k := range []*token.Key{old.ID, old.Access} {
			if k.ID == row.ID {
				return k, nil
			}
		}
	}
	der, err := s.KEK.Open(keyPlace(row.PoolID, row.ID), row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open signing key %s: %w", row.ID, err)
	}
	defer clear(der)
	k, err := token.ParseKey(token.Use(row.Use), row.ID, der, s.NewSigner)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	return k, nil
}

// RotateKeys gives the pool new signing keys. The old ones no longer sign but
// stay published as long as a token of theirs can be alive; keys whose time is
// over are deleted. Of racing rotations one wins, and the others return its
// keys.
func (s *Service) RotateKeys(ctx context.Context, poolID string) (*Keyring, error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return nil, err
	}
	now := s.stamp()
	fresh, err := s.newKeys(poolID, now)
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		row, err := tx.Pool(poolID)
		if err != nil {
			return err
		}
		rows, err := tx.SigningKeys(poolID)
		if err != nil {
			return err
		}
		for _, k := range rows {
			switch {
			case k.Active:
				if err := tx.RetireSigningKey(poolID, k.ID, now); err != nil {
					return err
				}
			case !now.Before(k.RetiredAt.Add(keyOverlap)):
				if err := tx.DeleteSigningKey(poolID, k.ID); err != nil {
					return err
				}
			}
		}
		for _, k := range fresh {
			if err := tx.CreateSigningKey(k); err != nil {
				return err
			}
		}
		// The pool's version is what tells other nodes to read the keys again.
		return tx.UpdatePool(row)
	})
	s.pools.changedPool(poolID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errPoolNotFound(poolID)
	case errors.Is(err, store.ErrConflict):
		// Another rotation was faster; its keys are as new as ours.
	case err != nil:
		return nil, fmt.Errorf("rotate keys of pool %s: %w", poolID, err)
	}
	k, err := s.Keys(ctx, poolID)
	if err == nil {
		s.log().InfoContext(ctx, "signing keys rotated", "pool", poolID, "id key", k.ID.ID, "access key", k.Access.ID)
	}
	return k, err
}
