package function

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Defaults of CreateFunction (Lambda API reference).
const (
	defaultTimeoutSeconds = 3
	defaultMemoryMB       = 128
	defaultTmpMB          = 512
	maxEnvBytes           = 4 << 10
)

// Deployment is a new function.
type Deployment struct {
	Region, Name string
	Runtime      string
	Handler      string
	Role         string
	Description  string
	Timeout      *int // seconds; nil: 3
	MemoryMB     *int // nil: 128
	TmpMB        *int // nil: 512
	Architecture string
	Env          map[string]string
	Tags         map[string]string
	Package      []byte // zip
	Publish      bool
}

// Create deploys a new function.
func (s *Service) Create(ctx context.Context, d Deployment) (Function, error) {
	ref := arn.Function{Region: d.Region, Account: s.Account, Name: d.Name}
	doc := document{
		Settings: Settings{
			Runtime: d.Runtime, Handler: d.Handler, Role: d.Role, Description: d.Description,
			TimeoutSeconds: orDefault(d.Timeout, defaultTimeoutSeconds),
			MemoryMB:       orDefault(d.MemoryMB, defaultMemoryMB),
			TmpMB:          orDefault(d.TmpMB, defaultTmpMB),
			Architectures:  []string{d.Architecture},
			LastModified:   s.now(), RevisionID: secret.UUID(),
		},
		Tags: d.Tags,
	}
	if d.Architecture == "" {
		doc.Architectures = []string{"x86_64"}
	}
	if err := s.setEnv(&doc, ref, d.Env); err != nil {
		return Function{}, err
	}
	if err := checkSettings(doc.Settings); err != nil {
		return Function{}, err
	}
	if err := checkTags(d.Tags); err != nil {
		return Function{}, err
	}
	if err := checkPackage(d.Package); err != nil {
		return Function{}, err
	}
	doc.CodeSHA256, doc.CodeSize = digest(d.Package), int64(len(d.Package))

	var created Function
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutCodeBlob(codeKey(d.Region, d.Name, doc.CodeSHA256), d.Package); err != nil {
			return err
		}
		body, err := json.Marshal(doc)
		if err != nil {
			return err
		}
		now := s.now()
		record := store.Function{Region: d.Region, Name: d.Name, Doc: body, CreatedAt: now, UpdatedAt: now}
		if err := tx.CreateFunction(record); err != nil {
			return err
		}
		created, err = s.function(record, doc, "")
		return err
	})
	if errors.Is(err, store.ErrExists) {
		return Function{}, apierr.Newf(apierr.ResourceConflict, "Function already exist: %s", d.Name)
	}
	if err != nil {
		return Function{}, err
	}
	s.environments.forget(d.Region, d.Name) // a deleted namesake may still be warm
	if d.Publish {
		return s.Publish(ctx, ref, Publication{})
	}
	return created, nil
}

func orDefault(p *int, value int) int {
	if p == nil {
		return value
	}
	return *p
}

// codeKey is where a package is stored. Functions do not share packages, so
// that one function's versions alone decide when a package can go.
func codeKey(region, name, sha256 string) string { return region + "/" + name + "/" + sha256 }

// dropPackage deletes a package that a version no longer uses, unless $LATEST
// or another published version does.
func (s *Service) dropPackage(tx store.Tx, f arn.Function, old, latest string) error {
	if old == latest {
		return nil
	}
	used, err := s.packages(tx, f)
	if err != nil || used[old] {
		return err
	}
	return tx.DeleteCodeBlob(codeKey(f.Region, f.Name, old))
}

// deletePackages deletes all packages of a function.
func (s *Service) deletePackages(tx store.Tx, f arn.Function, doc document) error {
	used, err := s.packages(tx, f)
	if err != nil {
		return err
	}
	used[doc.CodeSHA256] = true
	for sha256 := range used {
		if err := tx.DeleteCodeBlob(codeKey(f.Region, f.Name, sha256)); err != nil {
			return err
		}
	}
	return nil
}

// packages returns the digests that a function's published versions use.
func (s *Service) packages(tx store.Tx, f arn.Function) (map[string]bool, error) {
	used := map[string]bool{}
	for page := (store.Page{Limit: 100}); ; {
		versions, next, err := tx.ListFunctionVersions(f.Region, f.Name, page)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			var settings Settings
			if err := json.Unmarshal(v.Doc, &settings); err != nil {
				return nil, err
			}
			used[settings.CodeSHA256] = true
		}
		if next == "" {
			return used, nil
		}
		page.After = next
	}
}

// digest is the SHA-256 of a package in base64, as the API shows it.
func digest(archive []byte) string {
	sum := sha256.Sum256(archive)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// CodeUpdate replaces the code of a function's unpublished version.
type CodeUpdate struct {
	Package      []byte
	Architecture string // "" keeps it
	Publish      bool
	DryRun       bool   // check and answer as if, but change nothing
	RevisionID   string // if not empty, the revision that the caller saw
}

// UpdateCode deploys new code. What was warm for the old code finishes what it
// does and stops.
func (s *Service) UpdateCode(ctx context.Context, f arn.Function, u CodeUpdate) (Function, error) {
	if err := checkPackage(u.Package); err != nil {
		return Function{}, err
	}
	edit := func(tx store.Tx, doc *document) error {
		old := doc.CodeSHA256
		doc.CodeSHA256, doc.CodeSize = digest(u.Package), int64(len(u.Package))
		doc.LastModified = s.now()
		if u.Architecture != "" {
			doc.Architectures = []string{u.Architecture}
		}
		if err := checkSettings(doc.Settings); err != nil {
			return err
		}
		if u.DryRun {
			return errDryRun
		}
		if err := s.dropPackage(tx, f, old, doc.CodeSHA256); err != nil {
			return err
		}
		return tx.PutCodeBlob(codeKey(f.Region, f.Name, doc.CodeSHA256), u.Package)
	}
	changed, err := s.change(ctx, f, u.RevisionID, edit)
	if err != nil || u.DryRun {
		return changed, err
	}
	s.environments.forget(f.Region, f.Name)
	if u.Publish {
		return s.Publish(ctx, f, Publication{})
	}
	return changed, nil
}

// ConfigurationUpdate changes the settings that are not nil.
type ConfigurationUpdate struct {
	Runtime, Handler, Role, Description *string
	Timeout, MemoryMB, TmpMB            *int
	Env                                 map[string]string // nil keeps it
	RevisionID                          string
}

// UpdateConfiguration changes the settings of a function's unpublished version.
func (s *Service) UpdateConfiguration(ctx context.Context, f arn.Function, u ConfigurationUpdate) (Function, error) {
	changed, err := s.change(ctx, f, u.RevisionID, func(_ store.Tx, doc *document) error {
		set(&doc.Runtime, u.Runtime)
		set(&doc.Handler, u.Handler)
		set(&doc.Role, u.Role)
		set(&doc.Description, u.Description)
		set(&doc.TimeoutSeconds, u.Timeout)
		set(&doc.MemoryMB, u.MemoryMB)
		set(&doc.TmpMB, u.TmpMB)
		if u.Env != nil {
			if err := s.setEnv(doc, f, u.Env); err != nil {
				return err
			}
		}
		doc.LastModified = s.now()
		return checkSettings(doc.Settings)
	})
	if err != nil {
		return Function{}, err
	}
	s.environments.forget(f.Region, f.Name)
	return changed, nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

var envName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)

// reservedEnv are the variables that the runtime sets (Lambda developer guide,
// "Defined runtime environment variables").
var reservedEnv = map[string]bool{
	"_HANDLER": true, "_X_AMZN_TRACE_ID": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true,
	"AWS_EXECUTION_ENV": true, "AWS_LAMBDA_FUNCTION_NAME": true, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true,
	"AWS_LAMBDA_FUNCTION_VERSION": true, "AWS_LAMBDA_INITIALIZATION_TYPE": true,
	"AWS_LAMBDA_LOG_GROUP_NAME": true, "AWS_LAMBDA_LOG_STREAM_NAME": true, "AWS_ACCESS_KEY": true,
	"AWS_ACCESS_KEY_ID": true, "AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true,
	"AWS_LAMBDA_RUNTIME_API": true, "LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true,
}

func (s *Service) setEnv(doc *document, f arn.Function, env map[string]string) (err error) {
	size := 0
	for name, value := range env {
		size += len(name) + len(value)
		if !envName.MatchString(name) || strings.ContainsRune(value, 0) {
			return apierr.Newf(apierr.InvalidParameterValue, "Environment variable names must match %s: %.100q does not.", envName, name)
		}
		if reservedEnv[name] {
			return apierr.Newf(apierr.InvalidParameterValue, "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", name)
		}
	}
	if size > maxEnvBytes {
		return apierr.Newf(apierr.InvalidParameterValue, "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %d bytes.", size)
	}
	doc.SealedEnv, err = s.sealEnv(f.Region, f.Name, env)
	return err
}

// checkSettings refuses what no host could run. The ranges of the model were
// checked before; callers of the library come straight here.
func checkSettings(c Settings) error {
	switch {
	case !runtimeSupported(c.Runtime):
		return apierr.Newf(apierr.InvalidParameterValue, "The runtime parameter of %s is not supported. Supported here: nodejs18.x to nodejs24.x, python3.x, provided.al2, provided.al2023.", c.Runtime)
	case c.Handler == "" && !strings.HasPrefix(c.Runtime, "provided"):
		return apierr.Newf(apierr.InvalidParameterValue, "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case c.TimeoutSeconds < 1 || c.TimeoutSeconds > 900:
		return apierr.New(apierr.InvalidParameterValue, "Timeout must be between 1 and 900 seconds.")
	case c.MemoryMB < 128 || c.MemoryMB > 10240:
		return apierr.New(apierr.InvalidParameterValue, "MemorySize must be between 128 and 10240 MB.")
	case c.TmpMB < 512 || c.TmpMB > 10240:
		return apierr.New(apierr.InvalidParameterValue, "EphemeralStorage.Size must be between 512 and 10240 MB.")
	}
	return nil
}

var supportedRuntime = regexp.MustCompile(`^(nodejs(18|20|22|24)\.x|python3\.[0-9]{1,2}|provided\.al2|provided\.al2023)$`)

func runtimeSupported(name string) bool { return supportedRuntime.MatchString(name) }

// Package returns the deployment package of the version that f names, as it
// was uploaded.
func (s *Service) Package(ctx context.Context, f arn.Function) (archive []byte, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		version, _, err := s.resolve(tx, f, aliasDoc.main)
		if err != nil {
			return err
		}
		archive, err = tx.CodeBlob(codeKey(f.Region, f.Name, version.CodeSHA256))
		return err
	})
	return archive, err
}
