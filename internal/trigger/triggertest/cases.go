package triggertest

import (
	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
)

const (
	unrecognizable = "Unrecognizable lambda output"
	role           = `"arn:aws:iam::000000000000:role/RA"`
	gone           = ""
)

// unchanged says to a reader that a case expects every claim as it was.
var unchanged map[string]string

// noGroups is what is left when groups are dropped: of the ID token, and of
// the access token.
var (
	noGroupsID     = map[string]string{"cognito:groups": gone, "cognito:roles": gone, "cognito:preferred_role": gone}
	noGroupsAccess = map[string]string{"cognito:groups": gone}
)

// Cases returns all cases, in the order of their numbers. A number stands more
// than once where its case has variants, or is the same for every version.
func Cases() []Case {
	list := append(idCases(), accessCases()...)
	list = append(list, machineCases()...)
	for _, v := range []token.Version{token.V1, token.V2, token.V3} {
		list = append(list, anyVersion(v)...)
	}
	return list
}

func idCases() []Case {
	const v = token.V1
	return []Case{
		{Number: 1, Version: v, Name: "event unmodified", WantID: unchanged, WantAccess: unchanged},
		{Number: 2, Version: v, Name: "the article: tenant and department",
			Response: `{"claimsToAddOrOverride":{"tenantId":"acme","departmentId":"42"}}`,
			WantID:   map[string]string{"tenantId": `"acme"`, "departmentId": `"42"`}},
		{Number: 3, Version: v, Name: "attribute overridden",
			Response: `{"claimsToAddOrOverride":{"family_name":"Doe"}}`,
			WantID:   map[string]string{"family_name": `"Doe"`}},
		{Number: 4, Version: v, Name: "attribute suppressed, its verified flag kept",
			Response: `{"claimsToSuppress":["email"]}`,
			WantID:   map[string]string{"email": gone, "email_verified": "true"}},
		{Number: 5, Version: v, Name: "added and suppressed",
			Response: `{"claimsToAddOrOverride":{"x":"1"},"claimsToSuppress":["x"]}`,
			WantID:   map[string]string{"x": gone}},
		{Number: 6, Version: v, Name: "overridden and suppressed",
			Response: `{"claimsToAddOrOverride":{"email":"n@x.io"},"claimsToSuppress":["email"]}`,
			WantID:   map[string]string{"email": gone}},
		{Number: 7, Version: v, Name: "reserved claims cannot be set",
			Response: `{"claimsToAddOrOverride":{"sub":"Z","aud":"Z","iss":"Z","token_use":"Z","exp":"1"}}`},
		{Number: 8, Version: v, Name: "no claim of cognito's can be set",
			Response: `{"claimsToAddOrOverride":{"cognito:username":"Z","cognito:foo":"1"}}`},
		{Number: 9, Version: v, Name: "groups are not a claim to set",
			Response: `{"claimsToAddOrOverride":{"cognito:groups":"admin"}}`,
			WantID:   map[string]string{"cognito:groups": `["g1","g2"]`}},
		{Number: 10, Version: v, Name: "reserved claims cannot be suppressed",
			Response: `{"claimsToSuppress":["sub","aud","iat","identities"]}`},
		{Number: 11, Version: v, Name: "suppressing what is not there",
			Response: `{"claimsToSuppress":["nope"]}`},
		{Number: 12, Version: v, Name: "groups, roles and preferred role replaced",
			Response:   `{"groupOverrideDetails":{"groupsToOverride":["A","B"],"iamRolesToOverride":[` + role + `],"preferredRole":` + role + `}}`,
			WantID:     map[string]string{"cognito:groups": `["A","B"]`, "cognito:roles": "[" + role + "]", "cognito:preferred_role": role},
			WantAccess: map[string]string{"cognito:groups": `["A","B"]`}},
		{Number: 13, Version: v, Name: "groups replaced, roles left out",
			Response:   `{"groupOverrideDetails":{"groupsToOverride":["A"]}}`,
			WantID:     map[string]string{"cognito:groups": `["A"]`, "cognito:roles": gone, "cognito:preferred_role": gone},
			WantAccess: map[string]string{"cognito:groups": `["A"]`}},
		{Number: 14, Version: v, Name: "empty group override",
			Response: `{"groupOverrideDetails":{}}`, WantID: noGroupsID, WantAccess: noGroupsAccess},
		{Number: 15, Version: v, Name: "null group override",
			Response: `{"groupOverrideDetails":null}`, WantID: noGroupsID, WantAccess: noGroupsAccess},
		{Number: 16, Version: v, Name: "group configuration handed back", EchoGroups: true},
		{Number: 17, Version: v, Name: "group override with empty members",
			Response: `{"groupOverrideDetails":{"groupsToOverride":[],"iamRolesToOverride":[],"preferredRole":null}}`,
			WantID:   noGroupsID, WantAccess: noGroupsAccess},
		{Number: 18, Version: v, Name: "groups suppressed in the ID token",
			Response: `{"claimsToSuppress":["cognito:groups"]}`, WantID: noGroupsID},
		{Number: 19, Version: v, Name: "groups replaced and suppressed",
			Response: `{"groupOverrideDetails":{"groupsToOverride":["A","B"],"iamRolesToOverride":[` + role + `],"preferredRole":` + role +
				`},"claimsToSuppress":["cognito:groups"]}`,
			WantID: noGroupsID, WantAccess: map[string]string{"cognito:groups": `["A","B"]`}},
		{Number: 20, Version: v, Name: "numbers and booleans become strings",
			Response: `{"claimsToAddOrOverride":{"n":5,"b":true}}`,
			WantID:   map[string]string{"n": `"5"`, "b": `"true"`}},
		{Number: 21, Version: v, Name: "arrays and objects cannot be used",
			Response: `{"claimsToAddOrOverride":{"a":["x"],"o":{"k":1}}}`,
			WantCode: apierr.InvalidLambdaResponse, WantMessage: unrecognizable},
		{Number: 22, Version: v, Name: "null sets nothing",
			Response: `{"claimsToAddOrOverride":{"a":null}}`, WantID: map[string]string{"a": gone}},
		{Number: 23, Version: v, Name: "empty string is a value",
			Response: `{"claimsToAddOrOverride":{"a":""}}`, WantID: map[string]string{"a": `""`}},
		{Number: 24, Version: v, Name: "verified flag stays a boolean",
			Response: `{"claimsToAddOrOverride":{"email_verified":"false"}}`, WantID: map[string]string{"email_verified": "false"}},
		{Number: 25, Version: v, Name: "custom attributes",
			Response: `{"claimsToAddOrOverride":{"custom:tier":"silver","custom:new":"1"}}`,
			WantID:   map[string]string{"custom:tier": `"silver"`, "custom:new": `"1"`}},
		{Number: 26, Version: v, Name: "container of V2", Container: Container(token.V2),
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"t":"1"}}}`},
	}
}

func accessCases() []Case {
	const v = token.V2
	return []Case{
		{Number: 27, Version: v, Name: "number in the ID token",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"t":1}}}`,
			WantID:   map[string]string{"t": "1"}},
		{Number: 28, Version: v, Name: "claim in the access token",
			Response:   `{"accessTokenGeneration":{"claimsToAddOrOverride":{"tenant":"acme"}}}`,
			WantAccess: map[string]string{"tenant": `"acme"`}},
		{Number: 29, Version: v, Name: "values keep type and digits",
			Response: `{"accessTokenGeneration":{"claimsToAddOrOverride":{"arr":["a",1,true],"obj":{"k":{"j":[1]}},"big":9223372036854775807}}}`,
			WantAccess: map[string]string{
				"arr": `["a",1,true]`, "obj": `{"k":{"j":[1]}}`, "big": "9223372036854775807"}},
		{Number: 30, Version: v, Name: "reserved claims of the access token",
			Response: `{"accessTokenGeneration":{"claimsToAddOrOverride":{"client_id":"Z","username":"Z","scope":"Z","version":9,"event_id":"Z","device_key":"Z","sub":"Z"}}}`},
		{Number: 31, Version: v, Name: "aud of the access token is the client",
			Response:   `{"accessTokenGeneration":{"claimsToAddOrOverride":{"aud":"{client}"}}}`,
			WantAccess: map[string]string{"aud": `"{client}"`}},
		{Number: 32, Version: v, Name: "aud of the access token is another",
			Response:   `{"accessTokenGeneration":{"claimsToAddOrOverride":{"aud":"other"}}}`,
			WantAccess: map[string]string{"aud": gone}},
		{Number: 33, Version: v, Name: "aud of the ID token",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"aud":"other"}}}`,
			WantID:   map[string]string{"aud": `"{client}"`}},
		{Number: 34, Version: v, Name: "scopes added",
			Response:   `{"accessTokenGeneration":{"scopesToAdd":["rs/read","openid"]}}`,
			WantAccess: map[string]string{"scope": `"aws.cognito.signin.user.admin rs/read openid"`}},
		{Number: 35, Version: v, Name: "scope exchanged",
			Response:   `{"accessTokenGeneration":{"scopesToSuppress":["aws.cognito.signin.user.admin"],"scopesToAdd":["rs/read"]}}`,
			WantAccess: map[string]string{"scope": `"rs/read"`}},
		{Number: 36, Version: v, Name: "scope added and suppressed",
			Response: `{"accessTokenGeneration":{"scopesToAdd":["rs/read"],"scopesToSuppress":["rs/read"]}}`},
		{Number: 37, Version: v, Name: "scope that is granted already",
			Response: `{"accessTokenGeneration":{"scopesToAdd":["aws.cognito.signin.user.admin"]}}`},
		{Number: 38, Version: v, Name: "scope with a blank",
			Response: `{"accessTokenGeneration":{"scopesToAdd":["a b"]}}`},
		{Number: 39, Version: v, Name: "scope of the user pool's own API", Source: trigger.TokenHostedAuth, Scope: "openid",
			Response:   `{"accessTokenGeneration":{"scopesToAdd":["aws.cognito.signin.user.admin"]}}`,
			WantAccess: map[string]string{"scope": `"openid"`}},
		{Number: 40, Version: v, Name: "groups replaced, suppressed in the access token",
			Response:   `{"groupOverrideDetails":{"groupsToOverride":["A"]},"accessTokenGeneration":{"claimsToSuppress":["cognito:groups"]}}`,
			WantID:     map[string]string{"cognito:groups": `["A"]`, "cognito:roles": gone, "cognito:preferred_role": gone},
			WantAccess: noGroupsAccess},
		{Number: 41, Version: v, Name: "suppressing in the access token what only the ID token has",
			Response: `{"accessTokenGeneration":{"claimsToSuppress":["email"]}}`},
		{Number: 42, Version: v, Name: "object for address",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"address":{"formatted":"x"}}}}`},
		{Number: 42, Version: v, Name: "object for email_verified",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"email_verified":{"a":1}}}}`},
		{Number: 43, Version: v, Name: "acr and amr",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"acr":"x","amr":["y"]}}}`},
		{Number: 44, Version: v, Name: "container of V1", Container: Container(token.V1),
			Response: `{"claimsToAddOrOverride":{"t":"1"}}`},
	}
}

func machineCases() []Case {
	const source = trigger.TokenClientCredentials
	return []Case{
		{Number: 45, Version: token.V1, Source: source, Scope: "rs/read", Name: "client credentials under V1", NotCalled: true,
			Response: `{"claimsToAddOrOverride":{"tenant":"acme"}}`},
		{Number: 45, Version: token.V2, Source: source, Scope: "rs/read", Name: "client credentials under V2", NotCalled: true,
			Response: `{"accessTokenGeneration":{"claimsToAddOrOverride":{"tenant":"acme"}}}`},
		{Number: 46, Version: token.V3, Source: source, Scope: "rs/read", Name: "client credentials",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"x":"1"}},"groupOverrideDetails":{"groupsToOverride":["A"]},` +
				`"accessTokenGeneration":{"claimsToAddOrOverride":{"tenant":"acme"},"scopesToAdd":["rs/x"]}}`,
			WantAccess: map[string]string{"tenant": `"acme"`, "scope": `"rs/read rs/x"`}},
		{Number: 47, Version: token.V3, Source: source, Scope: "rs/read", Name: "reserved claims of a machine",
			Response: `{"accessTokenGeneration":{"claimsToAddOrOverride":{"sub":"Z","client_id":"Z"}}}`},
		{Number: 48, Version: token.V3, Name: "user sign-in under V3",
			Response: `{"idTokenGeneration":{"claimsToAddOrOverride":{"t":[1]}},"accessTokenGeneration":{"claimsToAddOrOverride":{"tenant":"acme"},"scopesToAdd":["rs/read"]}}`,
			WantID:   map[string]string{"t": "[1]"}, WantAccess: map[string]string{"tenant": `"acme"`, "scope": `"aws.cognito.signin.user.admin rs/read"`}},
	}
}

// anyVersion is the cases that are the same for every version.
func anyVersion(v token.Version) []Case {
	// wrap makes what V1 writes directly into what later versions write for
	// the ID token.
	wrap := func(response string) string {
		if v == token.V1 {
			return response
		}
		return `{"idTokenGeneration":` + response + `}`
	}
	return []Case{
		{Number: 49, Version: v, Name: "refresh: the function now adds a claim", Source: trigger.TokenRefreshTokens,
			Response: wrap(`{"claimsToAddOrOverride":{"x":"1"}}`), WantID: map[string]string{"x": `"1"`}},
		{Number: 50, Version: v, Name: "function throws", Throws: "No access",
			WantCode: apierr.UserLambdaValidation, WantMessage: "PreTokenGeneration failed with error No access."},
		{Number: 51, Version: v, Name: "function throws a sentence", Throws: "Nope.",
			WantCode: apierr.UserLambdaValidation, WantMessage: "PreTokenGeneration failed with error Nope.."},
		{Number: 52, Version: v, Name: "function returns nothing", Null: true,
			WantCode: apierr.InvalidLambdaResponse, WantMessage: unrecognizable},
		{Number: 53, Version: v, Name: "response deleted", NoResponse: true,
			WantCode: apierr.InvalidLambdaResponse, WantMessage: unrecognizable},
		{Number: 54, Version: v, Name: "function hangs", Hangs: true, WantCode: apierr.UnexpectedLambda,
			WantMessage: "PreTokenGeneration invocation failed due to error Socket timeout while invoking Lambda function."},
		{Number: 55, Version: v, Name: "array for claims", Response: wrap(`{"claimsToAddOrOverride":[]}`),
			WantCode: apierr.InvalidLambdaResponse, WantMessage: unrecognizable},
		{Number: 55, Version: v, Name: "string for names", Response: wrap(`{"claimsToSuppress":"email"}`),
			WantCode: apierr.InvalidLambdaResponse, WantMessage: unrecognizable},
		{Number: 56, Version: v, Name: "operation passes no metadata on"},
		{Number: 57, Version: v, Name: "operation passes metadata on",
			ClientMetadata: map[string]string{"a": "1"}, WantMetadata: `{"a":"1"}`},
	}
}
