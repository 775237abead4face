package trigger

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// The sources of pre token generation events.
const (
	TokenHostedAuth           Source = "TokenGeneration_HostedAuth"
	TokenAuthentication       Source = "TokenGeneration_Authentication"
	TokenNewPasswordChallenge Source = "TokenGeneration_NewPasswordChallenge"
	TokenRefreshTokens        Source = "TokenGeneration_RefreshTokens"
	TokenClientCredentials    Source = "TokenGeneration_ClientCredentials" // V3 only
)

// PreTokenInput is what a pre token generation function is told.
type PreTokenInput struct {
	FunctionARN string
	Version     token.Version
	Event       Event
	// UserAttributes is the whole profile, whatever the client may read, as
	// strings, with sub and cognito:user_status. Empty for a machine.
	UserAttributes map[string]string
	Groups         Groups
	Scopes         []string // of the access token, as granted; not sent under V1
	// ClientMetadata is untrusted input of the caller. nil: it sent none, or
	// by an operation that does not pass it on (InitiateAuth).
	ClientMetadata map[string]string
	// Observe, if given, is shown the call, also one that failed, before
	// PreToken returns. What it is shown must not be changed.
	Observe func(Exchange)
}

// Groups is what the user's groups say before the function has its say.
type Groups struct {
	GroupsToOverride   []string
	IAMRolesToOverride []string
	PreferredRole      string
}

type preTokenRequest struct {
	UserAttributes     map[string]string  `json:"userAttributes"`
	GroupConfiguration groupConfiguration `json:"groupConfiguration"`
	Scopes             *[]string          `json:"scopes,omitzero"`
	ClientMetadata     map[string]string  `json:"clientMetadata,omitzero"`
}

type groupConfiguration struct {
	GroupsToOverride   []string `json:"groupsToOverride"`
	IAMRolesToOverride []string `json:"iamRolesToOverride"`
	PreferredRole      *string  `json:"preferredRole"`
}

// The container of a response is null on the way in, so a function has to
// create it, as with Cognito.
type preTokenResponseV1 struct {
	Details *struct{} `json:"claimsOverrideDetails"`
}

type preTokenResponseV2 struct {
	Details *struct{} `json:"claimsAndScopeOverrideDetails"`
}

// maxEntries is how many claims and scopes together a function may add, and
// how long each list of names may be.
const maxEntries = 5000

// PreToken calls a pre token generation function and returns what it asked
// for, type-checked; what of it is allowed is up to token.Claims.Apply. On an
// error no token may be issued.
//
// A machine has no user: its event exists from V3 on, so that an older
// configuration is not called for it and asks for nothing, and what a function
// says of its ID token and groups is ignored.
func (c *Client) PreToken(ctx context.Context, in PreTokenInput) (token.Overrides, error) {
	machine := in.Event.Source == TokenClientCredentials
	if machine && in.Version != token.V3 {
		return token.Overrides{}, nil
	}
	payload, err := in.encode()
	if err != nil {
		return token.Overrides{}, err
	}
	var o token.Overrides
	err = c.call(ctx, PreTokenGeneration, in.FunctionARN, in.Event, payload, in.Observe, func(response jsontext.Value) ([]string, error) {
		var err error
		if o, err = decodePreToken(in.Version, response); err != nil {
			return nil, err
		}
		if machine {
			o.ID, o.Groups = token.ClaimOverrides{}, nil
		}
		return asked(o), nil
	})
	if err != nil {
		return token.Overrides{}, err
	}
	return o, nil
}

func (in PreTokenInput) encode() ([]byte, error) {
	request := preTokenRequest{
		UserAttributes: in.UserAttributes,
		GroupConfiguration: groupConfiguration{
			GroupsToOverride:   in.Groups.GroupsToOverride,
			IAMRolesToOverride: in.Groups.IAMRolesToOverride,
		},
		ClientMetadata: in.ClientMetadata,
	}
	if in.Groups.PreferredRole != "" {
		request.GroupConfiguration.PreferredRole = &in.Groups.PreferredRole
	}
	event := in.Event
	var response any
	switch in.Version {
	case token.V1:
		event.Version, response = "1", preTokenResponseV1{}
	case token.V2, token.V3:
		event.Version, response = fmt.Sprint(int(in.Version)), preTokenResponseV2{}
		request.Scopes = &in.Scopes
	default:
		return nil, fmt.Errorf("pre token generation version %d does not exist", int(in.Version))
	}
	return event.encode(request, response)
}

// decodePreToken reads the container of the version; that of another version
// has no effect and is not looked at.
func decodePreToken(v token.Version, response jsontext.Value) (token.Overrides, error) {
	o := token.Overrides{Version: v}
	r, err := readObject(response, "response")
	if err != nil {
		return token.Overrides{}, err
	}
	container := "claimsAndScopeOverrideDetails"
	if v == token.V1 {
		container = "claimsOverrideDetails"
	}
	if !r.has(container) {
		return o, nil
	}
	details, err := readObject(r.get(container), container)
	if err != nil {
		return token.Overrides{}, err
	}
	if o.Groups, err = readGroups(details); err != nil {
		return token.Overrides{}, err
	}
	if v == token.V1 {
		o.ID, err = readClaims(details, true)
	} else {
		o.ID, err = readGeneration(details, "idTokenGeneration")
		if err == nil {
			o.Access, err = readGeneration(details, "accessTokenGeneration")
		}
	}
	if err != nil {
		return token.Overrides{}, err
	}
	if n := len(o.ID.Add) + len(o.Access.Add) + len(o.Access.ScopesToAdd); n > maxEntries {
		return token.Overrides{}, unrecognizable(fmt.Sprintf("%d claims and scopes: at most %d are allowed", n, maxEntries))
	}
	return o, nil
}

// readGroups tells a group override that is absent (nil: keep) from one that
// is null or empty (drop every group).
func readGroups(details members) (*token.GroupOverrides, error) {
	const name = "groupOverrideDetails"
	v := details.get(name)
	if v == nil {
		return nil, nil
	}
	var (
		g   token.GroupOverrides
		m   members
		err error
	)
	if !absent(v) {
		if m, err = readObject(v, name); err != nil {
			return nil, err
		}
	}
	if g.Groups, err = readStrings(m.get("groupsToOverride"), "groupsToOverride"); err != nil {
		return nil, err
	}
	if g.Roles, err = readStrings(m.get("iamRolesToOverride"), "iamRolesToOverride"); err != nil {
		return nil, err
	}
	if g.PreferredRole, err = readString(m.get("preferredRole"), "preferredRole"); err != nil {
		return nil, err
	}
	return &g, nil
}

// readGeneration reads what V2 and V3 ask of one token.
func readGeneration(details members, name string) (token.ClaimOverrides, error) {
	if !details.has(name) {
		return token.ClaimOverrides{}, nil
	}
	m, err := readObject(details.get(name), name)
	if err != nil {
		return token.ClaimOverrides{}, err
	}
	o, err := readClaims(m, false)
	if err != nil || name != "accessTokenGeneration" {
		return o, err
	}
	if o.ScopesToAdd, err = readStrings(m.get("scopesToAdd"), "scopesToAdd"); err != nil {
		return token.ClaimOverrides{}, err
	}
	if o.ScopesToSuppress, err = readStrings(m.get("scopesToSuppress"), "scopesToSuppress"); err != nil {
		return token.ClaimOverrides{}, err
	}
	return o, nil
}

// readClaims reads claimsToAddOrOverride and claimsToSuppress. stringsOnly is
// V1, where every claim is a string: numbers and booleans become their text,
// and arrays and objects cannot be used.
func readClaims(m members, stringsOnly bool) (token.ClaimOverrides, error) {
	var o token.ClaimOverrides
	if m.has("claimsToAddOrOverride") {
		add, err := readObject(m.get("claimsToAddOrOverride"), "claimsToAddOrOverride")
		if err != nil {
			return o, err
		}
		if len(add) > maxEntries {
			return o, unrecognizable(fmt.Sprintf("more than %d claims", maxEntries))
		}
		o.Add = make([]token.Claim, 0, len(add))
		for _, a := range add {
			value := a.value.Clone() // not to keep the whole output in memory
			switch value.Kind() {
			case jsontext.KindBeginArray, jsontext.KindBeginObject:
				if stringsOnly {
					return token.ClaimOverrides{}, unrecognizable("a claim is not a string")
				}
				if err := value.Compact(); err != nil {
					return token.ClaimOverrides{}, syntax(err)
				}
			case jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
				if stringsOnly {
					value = jsontext.Value(`"` + string(value) + `"`)
				}
			}
			o.Add = append(o.Add, token.Claim{Name: a.name, Value: value})
		}
	}
	var err error
	if o.Suppress, err = readStrings(m.get("claimsToSuppress"), "claimsToSuppress"); err != nil {
		return token.ClaimOverrides{}, err
	}
	return o, nil
}

// Bounds of Invocation.Asked.
const (
	maxAsked     = 100
	maxAskedName = 64
)

// asked names what o asks for, without a single value.
func asked(o token.Overrides) []string {
	var list []string
	note := func(what, name string) {
		if len(list) < maxAsked {
			list = append(list, what+fmt.Sprintf("%.*s", maxAskedName, name))
		}
	}
	if o.Groups != nil {
		note("groups", "")
	}
	for _, t := range []struct {
		use token.Use
		o   token.ClaimOverrides
	}{{token.ID, o.ID}, {token.Access, o.Access}} {
		for _, a := range t.o.Add {
			note(string(t.use)+" +", a.Name)
		}
		for _, name := range t.o.Suppress {
			note(string(t.use)+" -", name)
		}
	}
	for _, s := range o.Access.ScopesToAdd {
		note("scope +", s)
	}
	for _, s := range o.Access.ScopesToSuppress {
		note("scope -", s)
	}
	return list
}
