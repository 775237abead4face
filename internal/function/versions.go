package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Publication makes a version of what $LATEST is now.
type Publication struct {
	CodeSHA256  string // if not empty, what the caller expects to publish
	Description string // "" keeps the function's
	RevisionID  string
}

// Publish makes a new version of a function, or returns the newest one if
// nothing changed since it was published.
func (s *Service) Publish(ctx context.Context, f arn.Function, p Publication) (Function, error) {
	var version Function
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		record, doc, err := s.load(tx, f)
		if err != nil {
			return err
		}
		if p.RevisionID != "" && p.RevisionID != doc.RevisionID {
			return errRevision
		}
		if p.CodeSHA256 != "" && p.CodeSHA256 != doc.CodeSHA256 {
			return apierr.Newf(apierr.InvalidParameterValue, "CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", p.CodeSHA256, doc.CodeSHA256)
		}
		settings := doc.Settings
		if p.Description != "" {
			settings.Description = p.Description
		}
		if version, err = s.newest(tx, f, doc); err != nil {
			return err
		}
		if version.Name != "" && sameVersion(version.Settings, settings) {
			return nil
		}
		return s.publish(tx, record, doc, settings, &version)
	})
	return version, err
}

// newest returns the last published version that still exists, or a zero
// Function.
func (s *Service) newest(tx store.Tx, f arn.Function, doc document) (Function, error) {
	if doc.LastVersion == 0 {
		return Function{}, nil
	}
	v, err := tx.FunctionVersion(f.Region, f.Name, doc.LastVersion)
	if errors.Is(err, store.ErrNotFound) {
		return Function{}, nil
	}
	if err != nil {
		return Function{}, err
	}
	return s.publishedFunction(v, doc.Tags, strconv.FormatInt(v.Number, 10))
}

// sameVersion reports whether publishing b would repeat a.
func sameVersion(a, b Settings) bool {
	a.RevisionID = b.RevisionID
	a.LastModified = b.LastModified
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (s *Service) publish(tx store.Tx, record store.Function, doc document, settings Settings, out *Function) error {
	settings.RevisionID = secret.UUID()
	body, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	doc.LastVersion++
	v := store.FunctionVersion{Region: record.Region, Name: record.Name, Number: doc.LastVersion, Doc: body, CreatedAt: s.now()}
	if err := tx.CreateFunctionVersion(v); err != nil {
		return err
	}
	if record.Doc, err = json.Marshal(doc); err != nil {
		return err
	}
	if err := tx.UpdateFunction(record); err != nil {
		return err
	}
	*out, err = s.publishedFunction(v, doc.Tags, strconv.FormatInt(v.Number, 10))
	return err
}

// Versions lists a function's versions: $LATEST first, then those published,
// oldest first.
func (s *Service) Versions(ctx context.Context, f arn.Function, p store.Page) (list []Function, next string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		record, doc, err := s.load(tx, f)
		if err != nil {
			return err
		}
		if p.After == "" {
			latest, err := s.function(record, doc, Latest)
			if err != nil {
				return err
			}
			list = append(list, latest)
			if p.Limit > 1 {
				p.Limit-- // it counts
			}
		}
		versions, after, err := tx.ListFunctionVersions(f.Region, f.Name, p)
		if err != nil {
			return err
		}
		next = after
		for _, v := range versions {
			published, err := s.publishedFunction(v, doc.Tags, strconv.FormatInt(v.Number, 10))
			if err != nil {
				return err
			}
			list = append(list, published)
		}
		return nil
	})
	return list, next, err
}

// Alias is a name for a version, or for two with a weight between them.
type Alias struct {
	Function    arn.Function // qualified with the alias
	Version     string
	Description string
	Weights     map[string]float64 // additional versions: share of invocations, 0 to 1
	RevisionID  string
}

type aliasDoc struct {
	Version     string             `json:"version"`
	Description string             `json:"description,omitempty"`
	Weights     map[string]float64 `json:"weights,omitempty"`
	RevisionID  string             `json:"revision"`
}

func decodeAlias(a store.FunctionAlias) (aliasDoc, error) {
	var doc aliasDoc
	if err := json.Unmarshal(a.Doc, &doc); err != nil {
		return aliasDoc{}, fmt.Errorf("alias %s of %s: %w", a.Alias, a.Name, err)
	}
	return doc, nil
}

func loadAlias(tx store.Tx, region, name, alias string) (aliasDoc, error) {
	a, err := tx.FunctionAlias(region, name, alias)
	if err != nil {
		return aliasDoc{}, err
	}
	return decodeAlias(a)
}

func (a aliasDoc) uses(version string) bool {
	_, weighted := a.Weights[version]
	return weighted || a.Version == version
}

// main is the version that the alias stands for when it is described.
func (a aliasDoc) main() string { return a.Version }

// pick chooses the version of one invocation by the alias's weights.
func (a aliasDoc) pick() string {
	if len(a.Weights) == 0 {
		return a.Version
	}
	// 53 random bits make a uniform number in [0, 1).
	var n uint64
	for _, b := range secret.Bytes(8) {
		n = n<<8 | uint64(b)
	}
	at := float64(n>>11) / (1 << 53)
	for version, weight := range a.Weights { // at most one entry
		if at < weight {
			return version
		}
	}
	return a.Version
}

// CreateAlias names a version.
func (s *Service) CreateAlias(ctx context.Context, a Alias) (Alias, error) {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		record, err := s.aliasRecord(tx, &a)
		if err != nil {
			return err
		}
		return tx.CreateFunctionAlias(record)
	})
	if errors.Is(err, store.ErrExists) {
		return Alias{}, apierr.Newf(apierr.ResourceConflict, "Alias already exists: %s", a.Function)
	}
	return a, err
}

// aliasRecord checks that an alias points at versions that exist, gives it a
// new revision and encodes it.
func (s *Service) aliasRecord(tx store.Tx, a *Alias) (store.FunctionAlias, error) {
	f := a.Function
	if _, isNumber := versionNumber(f.Qualifier); isNumber || f.Qualifier == Latest {
		return store.FunctionAlias{}, apierr.Newf(apierr.InvalidParameterValue, "The alias name %q is reserved: a name that is a number or $LATEST means a version.", f.Qualifier)
	}
	versions := []string{a.Version}
	if len(a.Weights) > 1 {
		return store.FunctionAlias{}, apierr.New(apierr.InvalidParameterValue, "Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version, weight := range a.Weights {
		if weight < 0 || weight > 1 {
			return store.FunctionAlias{}, apierr.New(apierr.InvalidParameterValue, "A weight in AdditionalVersionWeights must be between 0.0 and 1.0.")
		}
		if version == Latest || a.Version == Latest || version == a.Version {
			return store.FunctionAlias{}, apierr.New(apierr.InvalidParameterValue, "AdditionalVersionWeights needs two different published versions.")
		}
		versions = append(versions, version)
	}
	for _, version := range versions {
		f.Qualifier = version
		if _, isNumber := versionNumber(version); !isNumber && version != Latest {
			return store.FunctionAlias{}, s.notFound(f)
		}
		if _, _, err := s.resolve(tx, f, aliasDoc.main); err != nil {
			return store.FunctionAlias{}, err
		}
	}
	a.RevisionID = secret.UUID()
	body, err := json.Marshal(aliasDoc{Version: a.Version, Description: a.Description, Weights: a.Weights, RevisionID: a.RevisionID})
	if err != nil {
		return store.FunctionAlias{}, err
	}
	return store.FunctionAlias{Region: a.Function.Region, Name: a.Function.Name, Alias: a.Function.Qualifier, Doc: body}, nil
}

// AliasUpdate changes what is not nil.
type AliasUpdate struct {
	Version, Description *string
	Weights              map[string]float64 // nil keeps them; empty removes them
	RevisionID           string
}

// Alias returns an alias; f's qualifier names it.
func (s *Service) Alias(ctx context.Context, f arn.Function) (a Alias, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		a, _, err = s.alias(tx, f)
		return err
	})
	return a, err
}

func (s *Service) alias(tx store.Tx, f arn.Function) (Alias, store.FunctionAlias, error) {
	if _, _, err := s.load(tx, arn.Function{Region: f.Region, Account: f.Account, Name: f.Name}); err != nil {
		return Alias{}, store.FunctionAlias{}, err
	}
	record, err := tx.FunctionAlias(f.Region, f.Name, f.Qualifier)
	if errors.Is(err, store.ErrNotFound) {
		f.Account = s.Account
		return Alias{}, store.FunctionAlias{}, apierr.Newf(apierr.ResourceNotFound, "Cannot find alias arn: %s", f)
	}
	if err != nil {
		return Alias{}, store.FunctionAlias{}, err
	}
	doc, err := decodeAlias(record)
	return s.aliasOf(record, doc), record, err
}

func (s *Service) aliasOf(record store.FunctionAlias, doc aliasDoc) Alias {
	return Alias{
		Function: arn.Function{Region: record.Region, Account: s.Account, Name: record.Name, Qualifier: record.Alias},
		Version:  doc.Version, Description: doc.Description, Weights: doc.Weights, RevisionID: doc.RevisionID,
	}
}

// UpdateAlias points an alias elsewhere.
func (s *Service) UpdateAlias(ctx context.Context, f arn.Function, u AliasUpdate) (a Alias, err error) {
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		var old store.FunctionAlias
		if a, old, err = s.alias(tx, f); err != nil {
			return err
		}
		if u.RevisionID != "" && u.RevisionID != a.RevisionID {
			return errRevision
		}
		set(&a.Version, u.Version)
		set(&a.Description, u.Description)
		if u.Weights != nil {
			a.Weights = u.Weights
		}
		record, err := s.aliasRecord(tx, &a)
		if err != nil {
			return err
		}
		record.Version = old.Version
		return tx.UpdateFunctionAlias(record)
	})
	return a, err
}

// DeleteAlias deletes an alias and its policy. It is not an error if there is
// none.
func (s *Service) DeleteAlias(ctx context.Context, f arn.Function) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		record, doc, err := s.load(tx, f)
		if err != nil {
			return err
		}
		err = tx.DeleteFunctionAlias(f.Region, f.Name, f.Qualifier)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return dropPolicy(tx, record, doc, f.Qualifier)
	})
	if err == nil {
		s.environments.unresolve(f.Region, f.Name)
	}
	return err
}

// Aliases lists a function's aliases in order of name; with version not empty
// only those that use it.
func (s *Service) Aliases(ctx context.Context, f arn.Function, version string, p store.Page) (list []Alias, next string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		if _, _, err := s.load(tx, f); err != nil {
			return err
		}
		var records []store.FunctionAlias
		records, next, err = tx.ListFunctionAliases(f.Region, f.Name, p)
		if err != nil {
			return err
		}
		for _, record := range records {
			doc, err := decodeAlias(record)
			if err != nil {
				return err
			}
			if version == "" || doc.uses(version) {
				list = append(list, s.aliasOf(record, doc))
			}
		}
		return nil
	})
	return list, next, err
}
