package token

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// right is what a function may do to a claim of one token.
type right uint8

const (
	mayAdd      right = 1 << iota // add it, or change its value
	maySuppress                   // take it away

	none right = 0
	both       = mayAdd | maySuppress
)

// rule is one row of the table of reserved claims. A name that ends in "*"
// stands for every name with that beginning that has no row of its own.
type rule struct {
	name       string
	id, access right
	why        string // said of what is refused
}

const (
	whyReserved = "reserved: no function can change this claim"
	whyGroups   = "set by groupOverrideDetails, not as a claim"
	whyScope    = "set by scopesToAdd and scopesToSuppress, not as a claim"
	whyDev      = "a developer-only attribute can be suppressed, not set"
	whyAud      = "an access token's aud can only be the app client's own id"
)

// rules is the whole of what a function cannot do, for both tokens and every
// version (Cognito's guide, "Pre token generation Lambda trigger", table of
// claims and scopes). Any name without a row is the function's to set and to
// suppress: OIDC attributes, custom:*, and names of its own.
var rules = []rule{
	{"sub", none, none, whyReserved},
	{"iss", none, none, whyReserved},
	{"exp", none, none, whyReserved},
	{"iat", none, none, whyReserved},
	{"nbf", none, none, whyReserved},
	{"jti", none, none, whyReserved},
	{"origin_jti", none, none, whyReserved},
	{"event_id", none, none, whyReserved},
	{"auth_time", none, none, whyReserved},
	{"token_use", none, none, whyReserved},
	{"nonce", none, none, whyReserved},
	{"at_hash", none, none, whyReserved},
	{"azp", none, none, whyReserved},
	{"acr", none, none, whyReserved},
	{"amr", none, none, whyReserved},
	{"device_key", none, none, whyReserved},
	// Only the ID token has identities of its own; the 2023 list is of it alone.
	{"identities", none, both, whyReserved},
	// admit looks at the value as well.
	{"aud", none, mayAdd, whyReserved},
	// Names that mean something in the access token only.
	{"username", both, none, whyReserved},
	{"client_id", both, none, whyReserved},
	{"version", both, none, whyReserved},
	{claimScope, both, none, whyScope},
	{claimGroups, maySuppress, maySuppress, whyGroups},
	{claimRoles, none, none, whyGroups},
	{claimPreferredRole, none, none, whyGroups},
	{"cognito:*", none, none, whyReserved},
	{"dev:*", maySuppress, maySuppress, whyDev},
}

var rulesByName, rulesByPrefix = func() (map[string]*rule, []*rule) {
	named := make(map[string]*rule, len(rules))
	var prefixed []*rule
	for i := range rules {
		if strings.HasSuffix(rules[i].name, "*") {
			prefixed = append(prefixed, &rules[i])
			continue
		}
		named[rules[i].name] = &rules[i]
	}
	return named, prefixed
}()

// permitted returns "" if a function has the right r to the claim, and
// otherwise why not.
func permitted(use Use, name string, r right) (reason string) {
	found := rulesByName[name]
	if found == nil {
		for _, p := range rulesByPrefix {
			if strings.HasPrefix(name, strings.TrimSuffix(p.name, "*")) {
				found = p
				break
			}
		}
	}
	if found == nil {
		return ""
	}
	has := none
	switch use {
	case ID:
		has = found.id
	case Access:
		has = found.access
	}
	if has&r != 0 {
		return ""
	}
	return found.why
}

func suppressible(use Use, name string) (reason string) {
	return permitted(use, name, maySuppress)
}

// admit returns the value under which a becomes part of a token that so far
// has the claims of before, or why it does not.
func admit(use Use, before *Claims, a Claim) (value jsontext.Value, reason string) {
	if reason := permitted(use, a.Name, mayAdd); reason != "" {
		return nil, reason
	}
	if a.Value.Kind() == jsontext.KindNull {
		return nil, "null: nothing to set"
	}
	if use == Access && a.Name == "aud" {
		text, ok := unquote(a.Value)
		if !ok || text == "" || text != before.String("client_id") || before.Has("aud") {
			return nil, whyAud
		}
	}
	if use == ID {
		return typed(a)
	}
	return a.Value, ""
}

// typed gives the claims of an ID token that OpenID Connect wants to be other
// than strings their type, as the attributes of the same names get it. A value
// that cannot have the type is refused: an application that tests
// email_verified must not be handed a truthy "no" or an object.
func typed(a Claim) (value jsontext.Value, reason string) {
	kind := a.Value.Kind()
	text, isString := unquote(a.Value)
	switch a.Name {
	case "email_verified", "phone_number_verified":
		switch {
		case kind == jsontext.KindTrue, kind == jsontext.KindFalse:
			return a.Value, ""
		case text == "true", text == "false":
			return jsontext.Value(text), ""
		}
		return nil, "must be true or false"
	case "updated_at":
		if kind == jsontext.KindNumber {
			return a.Value, ""
		}
		if n, err := strconv.ParseInt(text, 10, 64); isString && err == nil {
			return strconv.AppendInt(nil, n, 10), ""
		}
		return nil, "must be a number of seconds"
	case "address":
		if !isString {
			return nil, "must be a string"
		}
		var formatted Claims
		formatted.Set("formatted", text)
		return formatted.AppendJSON(nil), ""
	}
	return a.Value, ""
}
