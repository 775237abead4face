package token

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Version is the version of a pre token generation event, as a pool's
// configuration names it.
type Version int

// The versions that exist. V1 shapes the ID token; V2 adds the access token,
// its scopes and typed values; V3 adds machine-to-machine tokens.
const (
	V1 Version = 1
	V2 Version = 2
	V3 Version = 3
)

// ParseVersion reads a LambdaVersion: "V1_0", "V2_0" or "V3_0".
func ParseVersion(s string) (Version, error) {
	for _, v := range []Version{V1, V2, V3} {
		if s == v.String() {
			return v, nil
		}
	}
	return 0, fmt.Errorf("unknown pre token generation version %q", s)
}

// String returns the version as a pool's configuration spells it: "V2_0".
func (v Version) String() string { return fmt.Sprintf("V%d_0", int(v)) }

// Overrides is what a pre token generation function asked for, decoded and
// type-checked. It may ask for what is not allowed: Apply decides that. The
// zero value asks for nothing.
type Overrides struct {
	Version Version
	ID      ClaimOverrides
	Access  ClaimOverrides  // ignored under V1
	Groups  *GroupOverrides // nil: the groups stay as they are
}

// ClaimOverrides is what was asked for one token. Add holds valid JSON values,
// in the function's order; under V1 they are strings or null.
type ClaimOverrides struct {
	Add              []Claim
	Suppress         []string
	ScopesToAdd      []string // access token only
	ScopesToSuppress []string // access token only
}

// GroupOverrides replaces the groups of both tokens and the roles of the ID
// token. What is empty drops its claim.
type GroupOverrides struct {
	Groups, Roles []string
	PreferredRole string
}

// Claims that Apply treats in a way of their own.
const (
	claimGroups        = "cognito:groups"
	claimRoles         = "cognito:roles"
	claimPreferredRole = "cognito:preferred_role"
	claimScope         = "scope"
)

// Apply returns what becomes of c, the claims of a token of the given use,
// when o is applied to it; c stays as it is. Groups are replaced first, then
// claims are added or changed, then suppressed, so that suppression wins; last
// come the scopes of an access token. Whatever o may not do is left out.
func (c Claims) Apply(use Use, o Overrides) Claims { return c.apply(use, o, nil) }

// apply is Apply; it tells refused, if given, what it left out.
func (c Claims) apply(use Use, o Overrides, refused func(Change)) Claims {
	if refused == nil {
		refused = func(Change) {}
	}
	out := c.Clone()
	asked := o.asked(use)
	out.replaceGroups(use, o.Groups)
	for _, a := range asked.Add {
		value, reason := admit(use, &c, a)
		if reason != "" {
			before, _ := c.Get(a.Name)
			refused(Change{Token: use, Claim: a.Name, Before: before, After: a.Value, Reason: reason})
			continue
		}
		out.SetRaw(a.Name, value)
	}
	out.suppress(use, asked.Suppress, refused)
	if use == Access {
		out.rescope(asked, refused)
	}
	return out
}

// asked returns what o asks of one token.
func (o Overrides) asked(use Use) ClaimOverrides {
	switch {
	case use == ID:
		return ClaimOverrides{Add: o.ID.Add, Suppress: o.ID.Suppress}
	case use == Access && o.Version != V1:
		return o.Access
	}
	return ClaimOverrides{}
}

func (c *Claims) replaceGroups(use Use, g *GroupOverrides) {
	if g == nil {
		return
	}
	c.setOrDrop(claimGroups, g.Groups)
	if use != ID {
		return
	}
	c.setOrDrop(claimRoles, g.Roles)
	if g.PreferredRole == "" {
		c.Delete(claimPreferredRole)
	} else {
		c.Set(claimPreferredRole, g.PreferredRole)
	}
}

func (c *Claims) setOrDrop(name string, list []string) {
	if len(list) == 0 {
		c.Delete(name)
		return
	}
	raw := jsontext.Value{'['}
	for i, s := range list {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = appendQuote(raw, s)
	}
	c.SetRaw(name, append(raw, ']'))
}

func (c *Claims) suppress(use Use, names []string, refused func(Change)) {
	if len(names) == 0 {
		return
	}
	drop := make(map[string]bool, len(names)+2)
	for _, name := range names {
		if reason := suppressible(use, name); reason != "" {
			before, _ := c.Get(name)
			refused(Change{Token: use, Claim: name, Before: before, Reason: reason})
			continue
		}
		drop[name] = true
		if name == claimGroups {
			// Roles come from groups and go with them.
			drop[claimRoles], drop[claimPreferredRole] = true, true
		}
	}
	c.deleteFunc(func(name string) bool { return drop[name] })
}

// userAdminScopes is the prefix of the scopes that open this service's own
// API. A function may take them away, never give them.
const userAdminScopes = "aws.cognito"

func (c *Claims) rescope(o ClaimOverrides, refused func(Change)) {
	if len(o.ScopesToAdd) == 0 && len(o.ScopesToSuppress) == 0 {
		return
	}
	before, _ := c.Get(claimScope)
	granted := strings.Fields(c.String(claimScope))
	have := make(map[string]bool, len(granted)+len(o.ScopesToAdd))
	for _, s := range granted {
		have[s] = true
	}
	for _, s := range o.ScopesToAdd {
		if have[s] {
			continue
		}
		reason := ""
		switch {
		case !scopeToken(s):
			reason = "not a scope: it is empty, or has a blank or another character that no scope may have"
		case strings.HasPrefix(s, userAdminScopes):
			reason = "scopes of the user pool's own API cannot be added"
		}
		if reason != "" {
			refused(Change{Token: Access, Claim: claimScope, Before: before, After: quote(s), Reason: reason})
			continue
		}
		have[s] = true
		granted = append(granted, s)
	}
	suppressed := make(map[string]bool, len(o.ScopesToSuppress))
	for _, s := range o.ScopesToSuppress {
		suppressed[s] = true
	}
	granted = slices.DeleteFunc(granted, func(s string) bool { return suppressed[s] })
	if len(granted) == 0 {
		c.Delete(claimScope)
		return
	}
	c.Set(claimScope, strings.Join(granted, " "))
}

// scopeToken reports whether s is a scope-token of RFC 6749 section 3.3: what
// can stand in a space-separated list and be read back as it was.
func scopeToken(s string) bool {
	for i := range len(s) {
		if b := s[i]; b <= ' ' || b >= 0x7f || b == '"' || b == '\\' {
			return false
		}
	}
	return s != ""
}
