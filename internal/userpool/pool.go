package userpool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
// it. Changes that race on one pool follow each other.
func (s *Service) changePool(ctx context.Context, id string, change func(*Pool) error) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
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
	sp, err := s.storePage(page, "pools", "", "", 60)
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
		return nil, "", fmt.Errorf("list pools: %w", err)
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

// settle checks the settings and fills in defaults, all but the schema.
func (p *Pool) settle() error {
	set := &p.Settings
	for _, step := range []func() error{
		set.settlePasswords, set.settleTier, set.settlePreToken, set.settleNames,
		set.settleRecovery, set.settleMail, set.settleTags,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (set *Settings) settlePasswords() error {
	pp := &set.PasswordPolicy
	if !pp.Chosen && pp.MinimumLength == 0 {
		days := pp.TemporaryPasswordDays
		*pp = PasswordPolicy{MinimumLength: 8, Uppercase: true, Lowercase: true, Numbers: true, Symbols: true, TemporaryPasswordDays: days}
	}
	if pp.MinimumLength == 0 {
		pp.MinimumLength = 8
	}
	if pp.MinimumLength < 6 || pp.MinimumLength > 99 {
		return apierr.New(apierr.InvalidParameter, "MinimumLength must be between 6 and 99.")
	}
	// Two names for one setting: the old one counts if it stands alone.
	if old := set.UnusedAccountValidityDays; old != nil && *old != 0 {
		if pp.TemporaryPasswordDays != 0 && pp.TemporaryPasswordDays != *old {
			return apierr.New(apierr.InvalidParameter, "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays")
		}
		pp.TemporaryPasswordDays = *old
	}
	if pp.TemporaryPasswordDays == 0 {
		pp.TemporaryPasswordDays = 7
	}
	if set.PasswordStore != "" && set.PasswordStore != PasswordArgon2id {
		return apierr.Newf(apierr.InvalidParameter, "%q is not a way to store passwords.", set.PasswordStore)
	}
	return nil
}

func (set *Settings) settleTier() error {
	switch set.Tier {
	case "":
		set.Tier = TierEssentials
	case TierLite, TierEssentials, TierPlus:
	default:
		return apierr.Newf(apierr.InvalidParameter, "%q is not a user pool tier.", set.Tier)
	}
	return nil
}

func (set *Settings) settlePreToken() error {
	t := &set.PreToken
	if t.LegacyARN != "" {
		if t.ARN != "" && t.ARN != t.LegacyARN {
			return apierr.New(apierr.InvalidParameter, "PreTokenGeneration and PreTokenGenerationConfig must name the same Lambda function.")
		}
		t.ARN = t.LegacyARN
	}
	t.LegacyARN = ""
	if t.ARN == "" {
		if t.Version != "" {
			return apierr.New(apierr.InvalidParameter, "PreTokenGenerationConfig needs a LambdaArn.")
		}
		return nil
	}
	if t.Version == "" {
		t.Version = PreTokenV1
	}
	if a, err := arn.Parse(t.ARN); err != nil || a.Service != "lambda" {
		return apierr.Newf(apierr.InvalidParameter, "%s is not the ARN of a Lambda function.", t.ARN)
	}
	switch t.Version {
	case PreTokenV1:
	case PreTokenV2, PreTokenV3:
		if set.Tier == TierLite {
			return apierr.Newf(apierr.FeatureUnavailableInTier, "Pre token generation event version %s is not available in the %s tier.", t.Version, set.Tier)
		}
	default:
		return apierr.Newf(apierr.InvalidParameter, "%q is not a version of the pre token generation event.", t.Version)
	}
	return nil
}

func (set *Settings) settleNames() error {
	if len(set.AliasAttributes) > 0 && len(set.UsernameAttributes) > 0 {
		return apierr.New(apierr.InvalidParameter, "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	check := func(member string, names []string, allowed ...string) ([]string, error) {
		seen := make(map[string]bool)
		for _, n := range names {
			if !slices.Contains(allowed, n) || seen[n] {
				return nil, apierr.Newf(apierr.InvalidParameter, "Invalid value %q in %s.", n, member)
			}
			seen[n] = true
		}
		if len(names) == 0 {
			return nil, nil
		}
		return names, nil
	}
	var err error
	if set.AliasAttributes, err = check("AliasAttributes", set.AliasAttributes, "email", "phone_number", "preferred_username"); err != nil {
		return err
	}
	if set.UsernameAttributes, err = check("UsernameAttributes", set.UsernameAttributes, "email", "phone_number"); err != nil {
		return err
	}
	if set.AutoVerifiedAttributes, err = check("AutoVerifiedAttributes", set.AutoVerifiedAttributes, "email", "phone_number"); err != nil {
		return err
	}
	if set.RequireVerificationBeforeUpdate, err = check("AttributesRequireVerificationBeforeUpdate", set.RequireVerificationBeforeUpdate, "email", "phone_number"); err != nil {
		return err
	}
	if slices.Contains(set.AutoVerifiedAttributes, "phone_number") && set.SMS == nil {
		return apierr.New(apierr.InvalidParameter, "SmsConfiguration is required when phone_number is in AutoVerifiedAttributes.")
	}
	for _, n := range set.RequireVerificationBeforeUpdate {
		if !slices.Contains(set.AutoVerifiedAttributes, n) {
			return apierr.Newf(apierr.InvalidParameter, "AttributesRequireVerificationBeforeUpdate can only name attributes of AutoVerifiedAttributes: %s.", n)
		}
	}
	if !set.CaseChosen {
		set.CaseSensitive = true
	}
	return nil
}

func (set *Settings) settleRecovery() error {
	set.AccountRecovery = slices.Clone(set.AccountRecovery)
	priorities, names := make(map[int32]bool), make(map[string]bool)
	for _, o := range set.AccountRecovery {
		switch {
		case o.Name != RecoverByEmail && o.Name != RecoverByPhone && o.Name != RecoverByAdmin:
			return apierr.Newf(apierr.InvalidParameter, "Invalid account recovery option %q.", o.Name)
		case o.Name == RecoverByAdmin && len(set.AccountRecovery) > 1:
			return apierr.New(apierr.InvalidParameter, "The account recovery option admin_only cannot be combined with another one.")
		case priorities[o.Priority] || names[o.Name]:
			return apierr.New(apierr.InvalidParameter, "Account recovery options must differ in name and priority.")
		}
		priorities[o.Priority], names[o.Name] = true, true
	}
	slices.SortFunc(set.AccountRecovery, func(a, b RecoveryOption) int { return int(a.Priority) - int(b.Priority) })
	return nil
}

func (set *Settings) settleMail() error {
	e := &set.Email
	if e.Account == "" {
		e.Account = EmailCognitoDefault
	}
	if e.Account == EmailDeveloper && e.SourceARN == "" {
		return apierr.New(apierr.InvalidParameter, "SourceArn is required when EmailSendingAccount is DEVELOPER.")
	}
	if m := set.Invitation; m.Email != "" && !complete(m.Email) || m.SMS != "" && !complete(m.SMS) {
		return apierr.New(apierr.InvalidParameter, "Invitation messages must contain {username} and {####}.")
	}
	return nil
}

// complete reports whether an invitation tells the user both things that it
// cannot sign in without.
func complete(invitation string) bool {
	return strings.Contains(invitation, "{username}") && strings.Contains(invitation, "{####}")
}

func (set *Settings) settleTags() error {
	if len(set.Tags) > 50 {
		return apierr.New(apierr.UserPoolTagging, "A user pool cannot have more than 50 tags.")
	}
	for _, k := range slices.Sorted(maps.Keys(set.Tags)) {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return apierr.Newf(apierr.UserPoolTagging, "Tag keys cannot begin with aws: %s.", k)
		}
	}
	if len(set.Tags) == 0 {
		set.Tags = nil
	}
	return nil
}

// Page asks for a part of a list: Token is what the previous page returned as
// next, or empty; Limit 0 is the default.
type Page struct {
	Token string
	Limit int
}

// pageLife is how long a page token can be used.
const pageLife = time.Hour
