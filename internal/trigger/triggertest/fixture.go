package triggertest

import (
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
)

// The user of the cases: attributes, groups and client.
const (
	Sub      = "58e18350-4001-704c-0029-30a8ec351fa0"
	UserName = "jdoe"
	ClientID = "1example23456789abcdefghij"
	PoolID   = "us-east-1_EXAMPLE12"
	PoolARN  = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/" + PoolID
	Account  = "000000000000"
	Issuer   = "http://localhost:7665/" + PoolID
	Function = "arn:aws:lambda:us-east-1:000000000000:function:claims"
	Role1    = "arn:aws:iam::000000000000:role/R1"
	Role2    = "arn:aws:iam::000000000000:role/R2"
)

// APIScope is the one scope of the access tokens of API flows.
const APIScope = "aws.cognito.signin.user.admin"

// Attributes returns the user's profile as a function sees it.
func Attributes() map[string]string {
	return map[string]string{
		"sub":                 Sub,
		"cognito:user_status": "CONFIRMED",
		"email":               "j@x.io",
		"email_verified":      "true",
		"family_name":         "Zoe",
		"custom:tier":         "gold",
	}
}

// IDClaims returns the user's ID token as it is without a function.
func IDClaims() token.Claims {
	var c token.Claims
	c.Set("sub", Sub)
	c.Set("cognito:groups", []string{"g1", "g2"})
	c.Set("email_verified", true)
	c.Set("cognito:preferred_role", Role1)
	c.Set("iss", Issuer)
	c.Set("cognito:username", UserName)
	c.Set("origin_jti", "39c5a9f4-7e1c-4a55-9d0e-1b6f3c2a1013")
	c.Set("cognito:roles", []string{Role1, Role2})
	c.Set("aud", ClientID)
	c.Set("event_id", "435a7a5e-90a1-4a0e-8a3c-5f1b2c3dd868")
	c.Set("token_use", string(token.ID))
	c.Set("auth_time", 1781499381)
	c.Set("exp", 1781502981)
	c.Set("custom:tier", "gold")
	c.Set("iat", 1781499381)
	c.Set("family_name", "Zoe")
	c.Set("jti", "e282c1de-11aa-4c7f-8f57-3d7a0e9c023b")
	c.Set("email", "j@x.io")
	return c
}

// AccessClaims returns the user's access token as it is without a function.
func AccessClaims(scope string) token.Claims {
	var c token.Claims
	c.Set("sub", Sub)
	c.Set("cognito:groups", []string{"g1", "g2"})
	c.Set("iss", Issuer)
	c.Set("client_id", ClientID)
	c.Set("origin_jti", "39c5a9f4-7e1c-4a55-9d0e-1b6f3c2a1013")
	c.Set("event_id", "435a7a5e-90a1-4a0e-8a3c-5f1b2c3dd868")
	c.Set("token_use", string(token.Access))
	c.Set("scope", scope)
	c.Set("auth_time", 1781499381)
	c.Set("exp", 1781502981)
	c.Set("iat", 1781499381)
	c.Set("jti", "7a90c7f2-5a07-4e5c-9d3b-6c1f2e8b9d10")
	c.Set("username", UserName)
	return c
}

// MachineClaims returns the access token of a client_credentials grant.
func MachineClaims(scope string) token.Claims {
	var c token.Claims
	c.Set("sub", ClientID)
	c.Set("token_use", string(token.Access))
	c.Set("scope", scope)
	c.Set("auth_time", 1781499381)
	c.Set("iss", Issuer)
	c.Set("exp", 1781502981)
	c.Set("iat", 1781499381)
	c.Set("version", 2)
	c.Set("jti", "7a90c7f2-5a07-4e5c-9d3b-6c1f2e8b9d10")
	c.Set("client_id", ClientID)
	return c
}

// Claims returns the claims that the case starts from.
func (c Case) Claims(use token.Use) token.Claims {
	switch {
	case c.Machine() && use == token.ID:
		return token.Claims{} // a machine has no ID token
	case c.Machine():
		return MachineClaims(c.scope())
	case use == token.ID:
		return IDClaims()
	}
	return AccessClaims(c.scope())
}

// Machine reports whether the case is about a client and not about a user.
func (c Case) Machine() bool { return c.Source == trigger.TokenClientCredentials }

func (c Case) scope() string {
	if c.Scope == "" {
		return APIScope
	}
	return c.Scope
}

// Input returns the input of the call for the case.
func (c Case) Input() trigger.PreTokenInput {
	in := trigger.PreTokenInput{
		FunctionARN: Function,
		Version:     c.Version,
		Event: trigger.Event{
			Source: c.Source, Region: "us-east-1", PoolID: PoolID, PoolARN: PoolARN, Account: Account,
			UserName: UserName, ClientID: ClientID,
		},
		UserAttributes: Attributes(),
		Groups: trigger.Groups{
			GroupsToOverride: []string{"g1", "g2"}, IAMRolesToOverride: []string{Role1, Role2}, PreferredRole: Role1,
		},
		Scopes:         []string{c.scope()},
		ClientMetadata: c.ClientMetadata,
	}
	if in.Event.Source == "" {
		in.Event.Source = trigger.TokenAuthentication
	}
	if c.Machine() {
		in.Event.UserName, in.UserAttributes, in.Groups = ClientID, nil, trigger.Groups{}
	}
	return in
}
