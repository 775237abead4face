// Package parameter is the parameter store: named, versioned pieces of text,
// each in a region, as deployment tools keep them in Systems Manager.
//
// A parameter is one document, sealed with the key-encryption key whatever its
// type: what people put into a String is not always public. Only the newest
// version is kept. The package knows no wire shapes (ssmapi).
package parameter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/pattern"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// The types of a parameter.
const (
	String       = "String"
	StringList   = "StringList"
	SecureString = "SecureString"
)

// Limits (Systems Manager's quotas of standard parameters).
const (
	maxValue     = 4096
	maxName      = 1011
	maxHierarchy = 15
	maxTags      = 50
	maxPattern   = 10_000 // instructions; a value runs through them in a transaction
)

// Parameter is a parameter as it is now.
type Parameter struct {
	Region         string `json:"-"`
	Name           string
	Type           string
	Value          string
	Description    string            `json:",omitempty"`
	AllowedPattern string            `json:",omitempty"`
	Tags           map[string]string `json:",omitempty"`
	Version        int64
	Modified       time.Time
	ModifiedBy     string // ARN
}

// Errors of the API.
const (
	codeValidation apierr.Code = "ValidationException"
	codeNotFound   apierr.Code = "ParameterNotFound"
	codeNoVersion  apierr.Code = "ParameterVersionNotFound"
	codeExists     apierr.Code = "ParameterAlreadyExists"
	codePattern    apierr.Code = "ParameterPatternMismatchException"
	codeBadPattern apierr.Code = "InvalidAllowedPatternException"
	codeHierarchy  apierr.Code = "HierarchyLevelLimitExceededException"
	codeType       apierr.Code = "UnsupportedParameterType"
	codeTooMany    apierr.Code = "TooManyUpdates"
	codeNoResource apierr.Code = "InvalidResourceId"
	codeTags       apierr.Code = "TooManyTagsError"
)

func invalid(format string, args ...any) error { return apierr.Newf(codeValidation, format, args...) }

// Service is everything that is done to parameters. Store and KEK are needed.
type Service struct {
	Store   store.Store
	KEK     *secret.KEK
	Account string
	Now     func() time.Time
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}

const kind = "ssm parameter"

// seal makes the document of a parameter.
func (s *Service) seal(p Parameter) (store.Document, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return store.Document{}, err
	}
	return store.Document{
		Kind: kind, Scope: p.Region, Name: p.Name, UpdatedAt: p.Modified,
		Data: s.KEK.Seal(place(p.Region, p.Name), plain),
	}, nil
}

func place(region, name string) secret.Place {
	return secret.Place{Table: "documents", Row: kind + "/" + region + "/" + name, Column: "content"}
}

func (s *Service) open(d store.Document) (p Parameter, err error) {
	plain, err := s.KEK.Open(place(d.Scope, d.Name), d.Data)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	if err != nil {
		return Parameter{}, fmt.Errorf("parameter %s: %w", d.Name, err)
	}
	p.Region = d.Scope
	return p, nil
}

// ARN is the parameter's name for the whole world.
func (s *Service) ARN(p Parameter) string {
	return arn.ARN{Service: "ssm", Region: p.Region, Account: s.Account, Resource: "parameter/" + strings.TrimPrefix(p.Name, "/")}.String()
}

// Put is a parameter to be written.
type Put struct {
	Region, Name, Value, By string
	Type                    string  // "" keeps the type that is there
	Description             *string // nil keeps what is there
	AllowedPattern          *string // nil keeps what is there
	Tags                    map[string]string
	Overwrite               bool
}

// Put creates a parameter or, with Overwrite, its next version.
func (s *Service) Put(ctx context.Context, in Put) (version int64, err error) {
	name, err := s.local(in.Region, in.Name)
	if err == nil {
		err = checkName(name)
	}
	if err == nil {
		err = checkValue(in.Value)
	}
	if err == nil && in.Overwrite && len(in.Tags) > 0 {
		err = invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	if err == nil {
		err = checkTags(in.Tags)
	}
	if err != nil {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		d, err := tx.Document(kind, in.Region, name)
		exists := err == nil
		switch {
		case exists && !in.Overwrite:
			return apierr.New(codeExists, "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		}
		p := Parameter{Region: in.Region, Name: name, Tags: in.Tags}
		if exists {
			if p, err = s.open(d); err != nil {
				return err
			}
		}
		if err := p.change(in, s.now()); err != nil {
			return err
		}
		version = p.Version
		next, err := s.seal(p)
		if err != nil {
			return err
		}
		next.Version = d.Version
		if !exists {
			return tx.CreateDocument(next)
		}
		return tx.UpdateDocument(next)
	})
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) {
		return 0, apierr.New(codeTooMany, "The parameter is being written by somebody else; try again.")
	}
	return version, err
}

// change makes p the next version of itself.
func (p *Parameter) change(in Put, now time.Time) error {
	switch {
	case in.Type == "" && p.Type == "":
		return invalid("A parameter type is required when you create a parameter.")
	case p.Type != "" && in.Type != "" && in.Type != p.Type:
		return apierr.Newf(codeType, "The parameter is of type %s; delete it to make one of type %s.", p.Type, in.Type)
	case in.Type != "":
		p.Type = in.Type
	}
	if in.Description != nil {
		p.Description = *in.Description
	}
	if in.AllowedPattern != nil {
		p.AllowedPattern = *in.AllowedPattern
	}
	if p.AllowedPattern != "" {
		re, _, err := pattern.Compile(p.AllowedPattern, false, maxPattern)
		if err != nil {
			return apierr.New(codeBadPattern, "AllowedPattern is not a regular expression that this server can check.")
		}
		if !re.MatchString(in.Value) {
			return apierr.New(codePattern, "Parameter value, cannot be validated against allowedPattern: "+p.AllowedPattern)
		}
	}
	p.Value, p.Version, p.Modified, p.ModifiedBy = in.Value, p.Version+1, now, in.By
	return nil
}

var nameChars = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

func checkName(name string) error {
	first := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case !nameChars.MatchString(name) || strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return invalid("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case len(name) > maxName:
		return invalid("Parameter name must not be longer than %d characters.", maxName)
	case strings.Contains(name, "/") && name[0] != '/':
		return invalid("Parameter name must be a fully qualified name: a name with a hierarchy begins with \"/\".")
	case strings.HasPrefix(first, "ssm"), strings.HasPrefix(first, "aws"):
		return invalid("Parameter name: can't be prefixed with \"ssm\" or \"aws\" (case-insensitive).")
	case strings.Count(name, "/") > maxHierarchy:
		return apierr.Newf(codeHierarchy, "Parameter name can have at most %d levels.", maxHierarchy)
	}
	return nil
}

func checkValue(v string) error {
	switch {
	case v == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case len(v) > maxValue:
		return invalid("Standard tier parameters support a maximum parameter value of %d characters. Rockpool has no advanced parameters.", maxValue)
	case !utf8.ValidString(v):
		return invalid("Parameter value must be UTF-8 text.")
	case strings.Contains(v, "{{"):
		return invalid("Parameter value can't nest another parameter: do not use \"{{}}\" in the value.")
	}
	return nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return apierr.Newf(codeTags, "A parameter can have at most %d tags.", maxTags)
	}
	return nil
}

// local returns the name in what may be an ARN of this account and region.
func (s *Service) local(region, name string) (string, error) {
	if !strings.HasPrefix(name, "arn:") {
		return name, nil
	}
	a, err := arn.Parse(name)
	rest, ok := strings.CutPrefix(a.Resource, "parameter/")
	if err != nil || a.Service != "ssm" || a.Region != region || a.Account != s.Account || !ok {
		return "", invalid("%.200s is not the ARN of a parameter of this account and region.", name)
	}
	if strings.Contains(rest, "/") {
		rest = "/" + rest
	}
	return rest, nil
}

// Get returns a parameter by its name or ARN, with a version after a colon or
// without. Labels are not known here.
func (s *Service) Get(ctx context.Context, region, name string) (p Parameter, selector string, err error) {
	base := name
	if !strings.HasPrefix(name, "arn:") || strings.Count(name, ":") > 5 {
		if i := strings.LastIndexByte(name, ':'); i >= 0 {
			base, selector = name[:i], name[i:]
		}
	}
	local, err := s.local(region, base)
	if err != nil {
		return Parameter{}, "", err
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		d, err := tx.Document(kind, region, local)
		if err == nil {
			p, err = s.open(d)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Parameter{}, "", notFound(base)
	case err == nil && selector != "" && selector != fmt.Sprintf(":%d", p.Version):
		return Parameter{}, "", apierr.Newf(codeNoVersion, "Systems Manager could not find version %.100s of %.200s. Rockpool keeps the newest version only.", selector[1:], base)
	}
	return p, selector, err
}

func notFound(name string) error {
	return apierr.Newf(codeNotFound, "Parameter %.200s not found.", name)
}

// Delete deletes a parameter.
func (s *Service) Delete(ctx context.Context, region, name string) error {
	local, err := s.local(region, name)
	if err != nil {
		return err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error { return tx.DeleteDocument(kind, region, local) })
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrText) { // no parameter has a name that is no text
		return notFound(name)
	}
	return err
}

// List returns up to limit parameters that keep accepts, in order of name,
// and the name to go on after; "" at the end.
func (s *Service) List(ctx context.Context, region, after string, limit int, keep func(Parameter) bool) (list []Parameter, next string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list, next = nil, ""
		page := store.Page{After: after, Limit: 100}
		for {
			docs, more, err := tx.ListDocuments(kind, region, page)
			if err != nil {
				return err
			}
			for _, d := range docs {
				p, err := s.open(d)
				if err != nil {
					return err
				}
				if !keep(p) {
					continue
				}
				if len(list) == limit {
					next = list[limit-1].Name
					return nil
				}
				list = append(list, p)
			}
			if more == "" {
				return nil
			}
			page.After = more
		}
	})
	return list, next, err
}

// Tag sets tags and removes those named.
func (s *Service) Tag(ctx context.Context, region, name string, set map[string]string, remove []string) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		d, err := tx.Document(kind, region, name)
		if err != nil {
			return err
		}
		p, err := s.open(d)
		if err != nil {
			return err
		}
		tags := map[string]string{}
		maps.Copy(tags, p.Tags)
		maps.Copy(tags, set)
		for _, k := range remove {
			delete(tags, k)
		}
		if err := checkTags(tags); err != nil {
			return err
		}
		p.Tags = tags
		next, err := s.seal(p)
		if err != nil {
			return err
		}
		next.Version = d.Version
		return tx.UpdateDocument(next)
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return apierr.Newf(codeNoResource, "There is no parameter %.200s.", name)
	case errors.Is(err, store.ErrConflict):
		return apierr.New(codeTooMany, "The parameter is being written by somebody else; try again.")
	}
	return err
}

// Ciphertext is what is shown of a SecureString to who does not ask for its
// value: nothing that this server opens again.
func (s *Service) Ciphertext(p Parameter) []byte {
	return s.KEK.Box("ssm ciphertext").Seal([]byte(p.Value), []byte(s.ARN(p)))
}
