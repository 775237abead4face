package userpool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// NewPool is a pool to be created.
type NewPool struct {
	Region string // "": arn.DefaultRegion
	Name   string
	Settings
	// ID is used as it is; "" makes a random one. Only a seed file sets it.
	ID string
}

func (s *Service) poolOf(row store.Pool) (*Pool, error) {
	p := &Pool{
		ID: row.ID, Name: row.Name, ARN: arn.UserPool(s.account(), row.ID),
		Version: row.Version, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
	if err := json.Unmarshal(row.Doc, &p.Settings); err != nil {
		return nil, fmt.Errorf("settings of pool %s: %w", row.ID, err)
	}
	return p, nil
}

func (p *Pool) row() (store.Pool, error) {
	doc, err := json.Marshal(p.Settings, json.Deterministic(true))
	if err != nil {
		return store.Pool{}, fmt.Errorf("settings of pool %s: %w", p.ID, err)
	}
	return store.Pool{ID: p.ID, Name: p.Name, Doc: doc, Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}, nil
}

// CreatePool creates a pool and its signing keys. Settings that are not given
// get Cognito's defaults.
func (s *Service) CreatePool(ctx context.Context, in NewPool) (*Pool, error) {
	p := &Pool{Name: in.Name, Settings: in.Settings, Version: 1}
	if err := p.settle(); err != nil {
		return nil, err
	}
	schema, err := newSchema(in.Schema)
	if err != nil {
		return nil, err
	}
	p.Schema = schema
	region := in.Region
	if region == "" {
		region = arn.DefaultRegion
	}
	p.ID = in.ID
	if p.ID == "" {
		p.ID = region + "_" + secret.PoolSuffix()
	} else if !arn.ValidPoolID(p.ID) {
		return nil, apierr.Newf(apierr.InvalidParameter, "%q is not a user pool id.", p.ID)
	}
	p.ARN = arn.UserPool(s.account(), p.ID)
	p.CreatedAt = s.stamp()
	p.UpdatedAt = p.CreatedAt
	row, err := p.row()
	if err != nil {
		return nil, err
	}
	keys, err := s.newKeys(p.ID, p.CreatedAt)
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.CreatePool(row); err != nil {
			return err
		}
		for _, k := range keys {
			if err := tx.CreateSigningKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrExists) {
		return nil, apierr.Newf(apierr.InvalidParameter, "User pool %s exists already.", p.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("create pool: %w", err)
	}
	s.pools.forgetPool(p.ID)
	return p, nil
}

// UpdatePool replaces the settings of a pool: what is left out falls back to
// its default. The name stays if name is empty. What cannot be changed after
// creation (schema, aliases, identifiers, case rule) is taken from the pool as
// it is.
func (s *Service) UpdatePool(ctx context.Context, id, name string, settings Settings) (*Pool, error) {
	var p *Pool
	err := s.changePool(ctx, id, func(old *Pool) error {
		next := *old
		next.Settings = settings
		next.Schema, next.AliasAttributes, next.UsernameAttributes = old.Schema, old.AliasAttributes, old.UsernameAttributes
		next.CaseSensitive, next.CaseChosen = old.CaseSensitive, old.CaseChosen
		if next.PasswordStore == "" {
			next.PasswordStore = old.PasswordStore // it has no member to be left out
		}
		if name != "" {
			next.Name = name
		}
		if err := next.settle(); err != nil {
			return err
		}
		*old = next
		p = old
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// AddAttributes adds custom attributes to a pool's schema.
func (s *Service) AddAttributes(ctx context.Context, id string, attributes []Attribute) error {
	return s.changePool(ctx, id, func(p *Pool) error {
		schema, err := addCustom(slices.Clone(p.Schema), attributes)
		p.Schema = schema
		return err
	})
}

// changePool applies change to a private copy of the pool's record and stores
// it. Changes that race on one pool follow each other; change may run more than
// once.
func (s *Service) changePool(ctx context.Context, id string, change func(*Pool) error) error {
	err := s.repeat(ctx, func(tx store.Tx) error {
		row, err := tx.Pool(id)
		if err != nil {
			return err
		}
		p, err := s.poolOf(row)
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		p.UpdatedAt = s.stamp()
		if row, err = p.row(); err != nil {
			return err
		}
		return tx.UpdatePool(row)
	})
	s.pools.changedPool(id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return errPoolNotFound(id)
	case errors.Is(err, store.ErrConflict):
		return apierr.New(apierr.ConcurrentModification, "The user pool was changed by another request. Try again.").Because(err)
	case apierr.CodeOf(err) != "":
		return err
	}
	return fmt.Errorf("update pool %s: %w", id, err)
}

// DeletePool deletes a pool with everything in it, unless it is protected.
func (s *Service) DeletePool(ctx context.Context, id string) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		row, err := tx.Pool(id)
		if err != nil {
			return err
		}
		p, err := s.poolOf(row)
		if err != nil {
			return err
		}
		if p.DeletionProtection {
			return apierr.New(apierr.InvalidParameter, "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
		}
		return tx.DeletePool(id)
	})
	s.pools.forgetPool(id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return errPoolNotFound(id)
	case apierr.CodeOf(err) != "":
		return err
	}
	return fmt.Errorf("delete pool %s: %w", id, err)
}

// ListPools lists pools in order of id. next is empty at the end.
func (s *Service) ListPools(ctx context.Context, page Page) (pools []*Pool, next string, err error) {
	sp, err := s.storePage(page, "pools", "", "")
	if err != nil {
		return nil, "", err
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		pools = nil
		rows, after, err := tx.ListPools(sp)
		if err != nil {
			return err
		}
		for _, row := range rows {
			p, err := s.poolOf(row)
			if err != nil {
				return err
			}
			pools = append(pools, p)
		}
		next = s.nextToken(after, "pools", "", "")
		return nil
	})
	if err != nil {
		return nil, "", listError(err, "pools")
	}
	return pools, next, nil
}

// maxEstimate is where the estimate of a pool's users ends: counting further
// would read a large pool to answer a request that only asks for its settings.
const maxEstimate = 10_000

// EstimateUsers returns the number of a pool's users, or 10,000 if it has more.
func (s *Service) EstimateUsers(ctx context.Context, poolID string) (n int, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		n, err = tx.CountUsers(poolID, maxEstimate)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}
