package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Latest is the qualifier of the unpublished version.
const Latest = "$LATEST"

// Service manages and invokes functions. Its fields are set before first use.
type Service struct {
	Store   store.Store
	KEK     *secret.KEK   // seals environment variables
	Host    *sandbox.Host // runs the code
	CodeDir string        // where packages are extracted; private to the server
	Account string        // twelve digits, in every ARN
	Now     func() time.Time
	Logger  *slog.Logger

	// BackgroundLimit is how many asynchronous invocations may wait at once;
	// 0 means 1000.
	BackgroundLimit int

	environments environments
	background   background
	recent       recent
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

func (s *Service) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// Close ends asynchronous invocations, those that run included, and stops all
// environments.
func (s *Service) Close(ctx context.Context) error {
	s.background.close()
	return s.environments.close(ctx)
}

// Settings is what one version of a function runs with.
type Settings struct {
	Runtime        string   `json:"runtime"`
	Handler        string   `json:"handler,omitempty"`
	Role           string   `json:"role"`
	Description    string   `json:"description,omitempty"`
	TimeoutSeconds int      `json:"timeout"`
	MemoryMB       int      `json:"memory"`
	TmpMB          int      `json:"tmp"`
	Architectures  []string `json:"architectures"`

	SealedEnv    []byte    `json:"env,omitempty"` // JSON object of variables
	CodeSHA256   string    `json:"code"`          // base64, as the API shows it
	CodeSize     int64     `json:"codeSize"`      // bytes of the package
	LastModified time.Time `json:"modified"`
	RevisionID   string    `json:"revision"`
}

// document is what a function's record keeps.
type document struct {
	Settings
	Tags        map[string]string      `json:"tags,omitempty"`
	Policies    map[string][]Statement `json:"policies,omitempty"` // by qualifier; "" is the unqualified function
	LastVersion int64                  `json:"lastVersion,omitempty"`
}

// policy is who may invoke what a qualifier names. Naming $LATEST is naming the
// function itself.
func (d document) policy(qualifier string) []Statement {
	if qualifier == Latest {
		qualifier = ""
	}
	return d.Policies[qualifier]
}

// Function is one version of a function as callers see it.
type Function struct {
	arn.Function // Qualifier is empty unless the caller named a version or alias
	Settings
	Version string // "$LATEST" or a number
	Env     map[string]string
	Tags    map[string]string
}

func (s *Service) function(record store.Function, doc document, qualifier string) (Function, error) {
	env, err := s.openEnv(record.Region, record.Name, doc.SealedEnv)
	if err != nil {
		return Function{}, err
	}
	return Function{
		Function: arn.Function{Region: record.Region, Account: s.Account, Name: record.Name, Qualifier: qualifier},
		Settings: doc.Settings, Version: Latest, Env: env, Tags: maps.Clone(doc.Tags),
	}, nil
}

func (s *Service) envPlace(region, name string) secret.Place {
	return secret.Place{Table: "functions", Pool: region, Row: name, Column: "environment"}
}

func (s *Service) sealEnv(region, name string, env map[string]string) ([]byte, error) {
	if len(env) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(env)
	if err != nil {
		return nil, err
	}
	return s.KEK.Seal(s.envPlace(region, name), plain), nil
}

func (s *Service) openEnv(region, name string, sealed []byte) (map[string]string, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := s.KEK.Open(s.envPlace(region, name), sealed)
	if err != nil {
		return nil, fmt.Errorf("environment of function %s: %w", name, err)
	}
	var env map[string]string
	if err := json.Unmarshal(plain, &env); err != nil {
		return nil, fmt.Errorf("environment of function %s: %w", name, err)
	}
	return env, nil
}

// notFound is Lambda's answer for a function, version or alias that is not
// there.
func (s *Service) notFound(f arn.Function) error {
	f.Account = s.Account
	return apierr.Newf(apierr.ResourceNotFound, "Function not found: %s", f)
}

// load reads a function's record and document within tx.
func (s *Service) load(tx store.Tx, f arn.Function) (store.Function, document, error) {
	if f.Account != "" && f.Account != s.Account {
		return store.Function{}, document{}, s.notFound(f)
	}
	record, err := tx.Function(f.Region, f.Name)
	if errors.Is(err, store.ErrNotFound) {
		return store.Function{}, document{}, s.notFound(f)
	}
	if err != nil {
		return store.Function{}, document{}, err
	}
	var doc document
	if err := json.Unmarshal(record.Doc, &doc); err != nil {
		return store.Function{}, document{}, fmt.Errorf("function %s: %w", f.Name, err)
	}
	return record, doc, nil
}

// errDryRun undoes a change that was only to be tried.
var errDryRun = errors.New("dry run")

// change loads a function, lets edit alter its document and stores it with a
// new revision. If revision is not empty it must be the current one. If edit
// returns errDryRun nothing is stored, and the answer is what it would be.
func (s *Service) change(ctx context.Context, f arn.Function, revision string, edit func(store.Tx, *document) error) (Function, error) {
	var changed Function
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		record, doc, err := s.load(tx, f)
		if err != nil {
			return err
		}
		if revision != "" && revision != doc.RevisionID {
			return errRevision
		}
		switch err := edit(tx, &doc); {
		case errors.Is(err, errDryRun):
			if changed, err = s.function(record, doc, f.Qualifier); err != nil {
				return err
			}
			return errDryRun
		case err != nil:
			return err
		}
		doc.RevisionID = secret.UUID()
		record.UpdatedAt = s.now()
		if record.Doc, err = json.Marshal(doc); err != nil {
			return err
		}
		if err := tx.UpdateFunction(record); err != nil {
			return err
		}
		changed, err = s.function(record, doc, f.Qualifier)
		return err
	})
	if errors.Is(err, errDryRun) {
		return changed, nil
	}
	if errors.Is(err, store.ErrConflict) {
		return Function{}, apierr.New(apierr.ResourceConflict, "The operation cannot be performed at this time. An update is in progress for resource: "+f.String()).Because(err)
	}
	return changed, err
}

var errRevision = apierr.New(apierr.PreconditionFailed, "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

// Get returns the version of a function that its qualifier names: "$LATEST"
// when it has none, the version behind an alias.
func (s *Service) Get(ctx context.Context, f arn.Function) (Function, error) {
	var got Function
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		got, _, err = s.resolve(tx, f, aliasDoc.main)
		return err
	})
	return got, err
}

// resolve finds the version that f's qualifier names, and the document of the
// function as a whole, which has its policy. If the qualifier is an alias,
// choose says which of its versions is meant.
func (s *Service) resolve(tx store.Tx, f arn.Function, choose func(aliasDoc) string) (Function, document, error) {
	record, doc, err := s.load(tx, f)
	if err != nil {
		return Function{}, document{}, err
	}
	number, isNumber := versionNumber(f.Qualifier)
	switch {
	case f.Qualifier == "" || f.Qualifier == Latest:
		got, err := s.function(record, doc, f.Qualifier)
		return got, doc, err
	case isNumber:
		got, err := s.published(tx, record, doc, f, number)
		return got, doc, err
	default:
		a, err := loadAlias(tx, f.Region, f.Name, f.Qualifier)
		if errors.Is(err, store.ErrNotFound) {
			return Function{}, document{}, s.notFound(f)
		}
		if err != nil {
			return Function{}, document{}, err
		}
		version := choose(a)
		if version == Latest {
			got, err := s.function(record, doc, f.Qualifier)
			return got, doc, err
		}
		number, _ := versionNumber(version)
		got, err := s.published(tx, record, doc, f, number)
		return got, doc, err
	}
}

func versionNumber(qualifier string) (int64, bool) {
	n, err := strconv.ParseInt(qualifier, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == qualifier
}

func (s *Service) published(tx store.Tx, record store.Function, doc document, f arn.Function, number int64) (Function, error) {
	v, err := tx.FunctionVersion(f.Region, f.Name, number)
	if errors.Is(err, store.ErrNotFound) {
		return Function{}, s.notFound(f)
	}
	if err != nil {
		return Function{}, err
	}
	return s.publishedFunction(v, doc.Tags, f.Qualifier)
}

func (s *Service) publishedFunction(v store.FunctionVersion, tags map[string]string, qualifier string) (Function, error) {
	var settings Settings
	if err := json.Unmarshal(v.Doc, &settings); err != nil {
		return Function{}, fmt.Errorf("function %s version %d: %w", v.Name, v.Number, err)
	}
	env, err := s.openEnv(v.Region, v.Name, settings.SealedEnv)
	if err != nil {
		return Function{}, err
	}
	return Function{
		Function: arn.Function{Region: v.Region, Account: s.Account, Name: v.Name, Qualifier: qualifier},
		Settings: settings, Version: strconv.FormatInt(v.Number, 10), Env: env, Tags: maps.Clone(tags),
	}, nil
}

// List lists a region's functions in order of name, each as its unpublished
// version.
func (s *Service) List(ctx context.Context, region string, p store.Page) (list []Function, next string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		var records []store.Function
		records, next, err = tx.ListFunctions(region, p)
		if err != nil {
			return err
		}
		for _, record := range records {
			var doc document
			if err := json.Unmarshal(record.Doc, &doc); err != nil {
				return fmt.Errorf("function %s: %w", record.Name, err)
			}
			f, err := s.function(record, doc, "")
			if err != nil {
				return err
			}
			list = append(list, f)
		}
		return nil
	})
	return list, next, err
}

// Delete deletes a function with its versions and aliases, or, if f names a
// version by number, that version alone. What runs is stopped.
func (s *Service) Delete(ctx context.Context, f arn.Function) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		record, doc, err := s.load(tx, f)
		if err != nil {
			return err
		}
		if f.Qualifier == "" {
			if err := s.deletePackages(tx, f, doc); err != nil {
				return err
			}
			return tx.DeleteFunction(f.Region, f.Name)
		}
		number, ok := versionNumber(f.Qualifier)
		if !ok {
			return apierr.New(apierr.InvalidParameterValue, "$LATEST version cannot be deleted without deleting the function.")
		}
		return s.deleteVersion(tx, f, record, doc, number)
	})
	if err != nil {
		return err
	}
	s.environments.forget(f.Region, f.Name)
	return nil
}

// deleteVersion deletes a published version with its policy, and its package
// if nothing else has the same. A version that is not there is no error, as in
// Lambda.
func (s *Service) deleteVersion(tx store.Tx, f arn.Function, record store.Function, doc document, number int64) error {
	v, err := tx.FunctionVersion(f.Region, f.Name, number)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var settings Settings
	if err := json.Unmarshal(v.Doc, &settings); err != nil {
		return fmt.Errorf("function %s version %d: %w", f.Name, number, err)
	}
	if err := s.versionInUse(tx, f, number); err != nil {
		return err
	}
	if err := tx.DeleteFunctionVersion(f.Region, f.Name, number); err != nil {
		return err
	}
	if err := s.dropPackage(tx, f, settings.CodeSHA256, doc.CodeSHA256); err != nil {
		return err
	}
	return dropPolicy(tx, record, doc, f.Qualifier)
}

// dropPolicy takes away the policy of a version or alias that is deleted. A
// later alias of the same name must not inherit who may invoke it.
func dropPolicy(tx store.Tx, record store.Function, doc document, qualifier string) (err error) {
	if _, has := doc.Policies[qualifier]; !has {
		return nil
	}
	delete(doc.Policies, qualifier)
	if record.Doc, err = json.Marshal(doc); err != nil {
		return err
	}
	return tx.UpdateFunction(record)
}

// versionInUse refuses to delete a version that an alias points at.
func (s *Service) versionInUse(tx store.Tx, f arn.Function, number int64) error {
	version := strconv.FormatInt(number, 10)
	for page := (store.Page{Limit: store.MaxPage}); ; {
		aliases, next, err := tx.ListFunctionAliases(f.Region, f.Name, page)
		if err != nil {
			return err
		}
		for _, a := range aliases {
			doc, err := decodeAlias(a)
			if err != nil {
				return err
			}
			if doc.uses(version) {
				return apierr.Newf(apierr.ResourceConflict, "Version %s is being used by alias %s and cannot be deleted.", version, a.Alias)
			}
		}
		if next == "" {
			return nil
		}
		page.After = next
	}
}

// Page asks for a part of a list; see store.Page.
type Page = store.Page
