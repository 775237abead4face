package cognitoapi_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
)

// authBench is a bench with a pool, and the user jdoe in it.
type authBench struct {
	*bench
	pool string
}

const goodPassword = "P@ssw0rd!-of-jdoe"

func newAuthBench(t *testing.T) *authBench {
	a := &authBench{bench: newBench(t)}
	a.pool = a.bench.pool(object{})
	a.user("jdoe")
	return a
}

// app creates a client with every flow, changed by in.
func (a *authBench) app(in object) (id, clientSecret string) {
	a.t.Helper()
	request := object{"UserPoolId": a.pool, "ClientName": "app", "ExplicitAuthFlows": []string{
		"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}}
	maps.Copy(request, in)
	c := a.call("CreateUserPoolClient", request)["UserPoolClient"].(object)
	clientSecret, _ = c["ClientSecret"].(string)
	return c["ClientId"].(string), clientSecret
}

func (a *authBench) user(name string) {
	a.t.Helper()
	a.call("AdminCreateUser", object{"UserPoolId": a.pool, "Username": name, "MessageAction": "SUPPRESS"})
	a.call("AdminSetUserPassword", object{"UserPoolId": a.pool, "Username": name, "Password": goodPassword, "Permanent": true})
}

func auth(flow, client string, parameters ...string) object {
	return object{"AuthFlow": flow, "ClientId": client, "AuthParameters": pairs(parameters)}
}

func answer(challenge, client string, responses ...string) object {
	return object{"ChallengeName": challenge, "ClientId": client, "ChallengeResponses": pairs(responses)}
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func (a *authBench) admin(in object) object {
	m := object{"UserPoolId": a.pool}
	maps.Copy(m, in)
	return m
}

// TestAuthAnswers is the exact members of the answers of api.md 3.1.
func TestAuthAnswers(t *testing.T) {
	a := newAuthBench(t)
	c, _ := a.app(nil)
	rotating, _ := a.app(object{"ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"},
		"RefreshTokenRotation": object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}})
	a.call("AdminCreateUser", object{"UserPoolId": a.pool, "Username": "newcomer", "MessageAction": "SUPPRESS", "TemporaryPassword": "Temp0rary!-pass"})

	const first = `{"AuthenticationResult":{"AccessToken","ExpiresIn","IdToken","RefreshToken","TokenType"},"ChallengeParameters":{}}`
	const later = `{"AuthenticationResult":{"AccessToken","ExpiresIn","IdToken","TokenType"},"ChallengeParameters":{}}`
	check := func(name string, got object, want string) {
		t.Helper()
		if s := members(got); s != want {
			t.Errorf("%s\ngot  %s\nwant %s", name, s, want)
		}
	}
	got := a.call("InitiateAuth", auth("USER_PASSWORD_AUTH", c, "USERNAME", "jdoe", "PASSWORD", goodPassword))
	check("InitiateAuth", got, first)
	result := got["AuthenticationResult"].(object)
	if result["TokenType"] != "Bearer" || result["ExpiresIn"] != 3600.0 {
		t.Errorf("TokenType %v, ExpiresIn %v", result["TokenType"], result["ExpiresIn"])
	}
	refresh := result["RefreshToken"].(string)
	check("refresh", a.call("InitiateAuth", auth("REFRESH_TOKEN_AUTH", c, "REFRESH_TOKEN", refresh)), later)
	check("refresh by admin", a.call("AdminInitiateAuth", a.admin(auth("REFRESH_TOKEN", c, "REFRESH_TOKEN", refresh))), later)
	check("AdminInitiateAuth", a.call("AdminInitiateAuth", a.admin(auth("ADMIN_USER_PASSWORD_AUTH", c, "USERNAME", "jdoe", "PASSWORD", goodPassword))), first)
	check("AdminInitiateAuth by the old name", a.call("AdminInitiateAuth", a.admin(auth("ADMIN_NO_SRP_AUTH", c, "USERNAME", "jdoe", "PASSWORD", goodPassword))), first)
	check("GetTokensFromRefreshToken", a.call("GetTokensFromRefreshToken", object{"ClientId": c, "RefreshToken": refresh}),
		`{"AuthenticationResult":{"AccessToken","ExpiresIn","IdToken","TokenType"}}`)
	turning := a.call("InitiateAuth", auth("USER_PASSWORD_AUTH", rotating, "USERNAME", "jdoe", "PASSWORD", goodPassword))["AuthenticationResult"].(object)["RefreshToken"]
	check("GetTokensFromRefreshToken with rotation", a.call("GetTokensFromRefreshToken", object{"ClientId": rotating, "RefreshToken": turning}),
		`{"AuthenticationResult":{"AccessToken","ExpiresIn","IdToken","RefreshToken","TokenType"}}`)
	challenge := a.call("InitiateAuth", auth("USER_PASSWORD_AUTH", c, "USERNAME", "newcomer", "PASSWORD", "Temp0rary!-pass"))
	check("NEW_PASSWORD_REQUIRED", challenge, `{"ChallengeName","ChallengeParameters":{"USER_ID_FOR_SRP","requiredAttributes","userAttributes"},"Session"}`)
	in := answer("NEW_PASSWORD_REQUIRED", c, "USERNAME", "newcomer", "NEW_PASSWORD", goodPassword)
	in["Session"] = challenge["Session"]
	check("AdminRespondToAuthChallenge", a.call("AdminRespondToAuthChallenge", a.admin(in)), first)
	check("USER_SRP_AUTH", a.call("InitiateAuth", auth("USER_SRP_AUTH", c, "USERNAME", "jdoe", "SRP_A", "2a")),
		`{"ChallengeName","ChallengeParameters":{"SALT","SECRET_BLOCK","SRP_B","USERNAME","USER_ID_FOR_SRP"}}`)

	access := result["AccessToken"].(string)
	user := a.call("GetUser", object{"AccessToken": access})
	check("GetUser", user, `{"UserAttributes","Username"}`)
	check("RevokeToken", a.call("RevokeToken", object{"ClientId": c, "Token": refresh}), `{}`)
	a.fails("GetUser", object{"AccessToken": access}, apierr.NotAuthorized, "Access Token has been revoked")
	access = a.call("InitiateAuth", auth("USER_PASSWORD_AUTH", c, "USERNAME", "jdoe", "PASSWORD", goodPassword))["AuthenticationResult"].(object)["AccessToken"].(string)
	check("GlobalSignOut", a.call("GlobalSignOut", object{"AccessToken": access}), `{}`)
	check("AdminUserGlobalSignOut", a.call("AdminUserGlobalSignOut", a.admin(object{"Username": "jdoe"})), `{}`)
}

// members writes the names of an answer's members, and of objects in it.
func members(o object) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(o)) {
		if inner, ok := o[k].(object); ok {
			list = append(list, fmt.Sprintf("%q:%s", k, members(inner)))
			continue
		}
		list = append(list, fmt.Sprintf("%q", k))
	}
	return "{" + strings.Join(list, ",") + "}"
}

// TestAuthRefusals is the texts of api.md 4 that clients compare.
func TestAuthRefusals(t *testing.T) {
	a := newAuthBench(t)
	legacy, _ := a.app(nil)
	hiding, _ := a.app(object{"PreventUserExistenceErrors": "ENABLED"})
	none, _ := a.app(object{"ExplicitAuthFlows": []string{"ALLOW_CUSTOM_AUTH"}})
	withSecret, clientSecret := a.app(object{"GenerateSecret": true})
	hash := secret.SecretHash(clientSecret, "jdoe", withSecret)
	a.user("disabled")
	a.call("AdminDisableUser", a.admin(object{"Username": "disabled"}))
	a.call("SignUp", object{"ClientId": legacy, "Username": "unconfirmed", "Password": goodPassword})
	const ip, na, rnf = "InvalidParameterException: ", "NotAuthorizedException: ", "ResourceNotFoundException: "
	jdoe := []string{"USERNAME", "jdoe", "PASSWORD", goodPassword}
	as := func(name, password string) []string { return []string{"USERNAME", name, "PASSWORD", password} }

	for _, x := range []struct {
		name, operation string
		in              object
		want            string
	}{
		{"unknown client", "InitiateAuth", auth("USER_PASSWORD_AUTH", "nobody", jdoe...), rnf + "User pool client nobody does not exist."},
		{"unknown pool", "AdminInitiateAuth", object{"UserPoolId": "us-east-1_none", "ClientId": legacy, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}, rnf + "User pool us-east-1_none does not exist."},
		{"admin flow on the public operation", "InitiateAuth", auth("ADMIN_USER_PASSWORD_AUTH", legacy, jdoe...), ip + "Initiate Auth method not supported"},
		{"its old name too", "InitiateAuth", auth("ADMIN_NO_SRP_AUTH", legacy, jdoe...), ip + "Initiate Auth method not supported"},
		{"public flow on the admin operation", "AdminInitiateAuth", a.admin(auth("USER_PASSWORD_AUTH", legacy, jdoe...)), ip + "Initiate Auth method not supported"},
		{"password flow not enabled", "InitiateAuth", auth("USER_PASSWORD_AUTH", none, jdoe...), ip + "USER_PASSWORD_AUTH flow not enabled for this client"},
		{"admin flow not enabled", "AdminInitiateAuth", a.admin(auth("ADMIN_USER_PASSWORD_AUTH", none, jdoe...)), ip + "Auth flow not enabled for this client"},
		{"SRP not enabled", "InitiateAuth", auth("USER_SRP_AUTH", none, "USERNAME", "jdoe", "SRP_A", "2a"), ip + "USER_SRP_AUTH is not enabled for the client."},
		{"custom flow without a function", "InitiateAuth", auth("CUSTOM_AUTH", none, "USERNAME", "jdoe"), ip + "Custom auth lambda trigger is not configured for the user pool."},
		{"custom flow not enabled", "InitiateAuth", auth("CUSTOM_AUTH", legacy, "USERNAME", "jdoe"), ip + "CUSTOM_AUTH is not enabled for the client."},
		{"choice-based flow not enabled", "InitiateAuth", auth("USER_AUTH", legacy, "USERNAME", "jdoe"), ip + "USER_AUTH is not enabled for the client."},
		{"no flow of that name", "InitiateAuth", auth("PASSWORD", legacy), ip + "1 validation error detected: Value 'PASSWORD' at 'authFlow' failed to satisfy constraint: Member must satisfy enum value set: [USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, ADMIN_NO_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH]"},
		{"no username", "InitiateAuth", auth("USER_PASSWORD_AUTH", legacy, "PASSWORD", "x"), ip + "Missing required parameter USERNAME"},
		{"no password", "InitiateAuth", auth("USER_PASSWORD_AUTH", legacy, "USERNAME", "jdoe"), ip + "Missing required parameter PASSWORD"},
		{"no parameters", "InitiateAuth", object{"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": legacy}, ip + "Missing required parameter USERNAME"},
		{"no SRP_A", "InitiateAuth", auth("USER_SRP_AUTH", legacy, "USERNAME", "jdoe"), ip + "Missing required parameter SRP_A"},
		{"no refresh token", "InitiateAuth", auth("REFRESH_TOKEN_AUTH", legacy), ip + "Missing required parameter REFRESH_TOKEN"},
		{"garbage for a refresh token", "InitiateAuth", auth("REFRESH_TOKEN_AUTH", legacy, "REFRESH_TOKEN", "x"), na + "Invalid Refresh Token"},
		{"wrong password", "InitiateAuth", auth("USER_PASSWORD_AUTH", legacy, as("jdoe", "wrong")...), na + "Incorrect username or password."},
		{"unknown user", "InitiateAuth", auth("USER_PASSWORD_AUTH", legacy, as("nobody", "wrong")...), "UserNotFoundException: User does not exist."},
		{"unknown user by SRP", "InitiateAuth", auth("USER_SRP_AUTH", legacy, "USERNAME", "nobody", "SRP_A", "2a"), "UserNotFoundException: User does not exist."},
		{"unknown user, hidden", "InitiateAuth", auth("USER_PASSWORD_AUTH", hiding, as("nobody", "wrong")...), na + "Incorrect username or password."},
		{"disabled", "InitiateAuth", auth("USER_PASSWORD_AUTH", hiding, as("disabled", goodPassword)...), na + "User is disabled."},
		{"disabled, wrong password", "InitiateAuth", auth("USER_PASSWORD_AUTH", hiding, as("disabled", "wrong")...), na + "Incorrect username or password."},
		{"unconfirmed", "InitiateAuth", auth("USER_PASSWORD_AUTH", hiding, as("unconfirmed", goodPassword)...), "UserNotConfirmedException: User is not confirmed."},
		{"unconfirmed, wrong password", "InitiateAuth", auth("USER_PASSWORD_AUTH", hiding, as("unconfirmed", "wrong")...), na + "Incorrect username or password."},
		{"secret hash missing", "InitiateAuth", auth("USER_PASSWORD_AUTH", withSecret, jdoe...), na + "Client " + withSecret + " is configured with secret but SECRET_HASH was not received"},
		{"secret hash wrong", "InitiateAuth", auth("USER_PASSWORD_AUTH", withSecret, append(jdoe, "SECRET_HASH", "x")...), na + "Unable to verify secret hash for client " + withSecret},
		{"secret hash right", "InitiateAuth", auth("USER_PASSWORD_AUTH", withSecret, append(jdoe, "SECRET_HASH", hash)...), ""},
		{"secret hash of a client without secret", "InitiateAuth", auth("USER_PASSWORD_AUTH", legacy, append(jdoe, "SECRET_HASH", hash)...), na + "Client " + legacy + " is configured without secret but secret was received"},
		{"client of another pool", "AdminInitiateAuth", object{"UserPoolId": a.bench.pool(object{}), "ClientId": legacy, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": pairs(jdoe)}, rnf + "User pool client " + legacy + " does not exist."},
		{"a session is needed", "RespondToAuthChallenge", answer("NEW_PASSWORD_REQUIRED", legacy, "USERNAME", "jdoe", "NEW_PASSWORD", "x"), ip + "Missing required parameter Session"},
		{"challenge not built", "RespondToAuthChallenge", answer("SOFTWARE_TOKEN_MFA", legacy, "USERNAME", "jdoe"), ip + "Challenge SOFTWARE_TOKEN_MFA is not implemented by this server: see docs/parity.md"},
		{"garbage for a secret block", "RespondToAuthChallenge", answer("PASSWORD_VERIFIER", legacy, "USERNAME", "jdoe", "PASSWORD_CLAIM_SECRET_BLOCK", "x", "PASSWORD_CLAIM_SIGNATURE", "x", "TIMESTAMP", "x"), na + "Invalid session for the user."},
		{"sign-out of an unknown user", "AdminUserGlobalSignOut", a.admin(object{"Username": "nobody"}), "UserNotFoundException: User does not exist."},
		{"garbage for an access token", "GetUser", object{"AccessToken": "x"}, na + "Invalid Access Token"},
	} {
		t.Run(x.name, func(t *testing.T) {
			a.clock.Advance(16 * 60e9) // no lock-out between the lines of the table
			_, err := a.try(x.operation, x.in)
			got := ""
			if err != nil {
				e := apierr.Public(err)
				got = string(e.Code) + ": " + e.Message
			}
			if got != x.want {
				t.Errorf("got  %s\nwant %s", got, x.want)
			}
		})
	}
}

// post sends an operation over HTTP and returns the answer as bytes, with
// what differs between any two answers taken out.
func (a *authBench) post(operation string, in object) string {
	a.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		a.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	w.Header().Set("X-Amzn-Requestid", "ID")
	w.Header().Del("Date")
	var out bytes.Buffer
	fmt.Fprintln(&out, w.Code)
	for _, k := range slices.Sorted(maps.Keys(w.Header())) {
		fmt.Fprintln(&out, k, w.Header()[k])
	}
	out.Write(w.Body.Bytes())
	return out.String()
}

var (
	blocks = regexp.MustCompile(`"SECRET_BLOCK":"([^"]*)"`)
	salts  = regexp.MustCompile(`"SALT":"[0-9a-f]{32}"`)
	bs     = regexp.MustCompile(`"SRP_B":"[0-9a-f]{760,768}"`)
	length = regexp.MustCompile(`Content-Length \[[0-9]+\]`)
)

// TestSec_ENUM_1_SignIn compares, byte for byte, what a client that hides its
// users hears of a user and of a name that nobody has. The names are equally
// long, since answers repeat them.
func TestSec_ENUM_1_SignIn(t *testing.T) {
	for _, pool := range []object{
		{},
		{"AliasAttributes": []string{"email"}},
		{"UsernameConfiguration": object{"CaseSensitive": false}},
	} {
		a := &authBench{bench: newBench(t)}
		a.pool = a.bench.pool(pool)
		a.user("jdoe")
		c, _ := a.app(object{"PreventUserExistenceErrors": "ENABLED"})
		type step func(name string) string
		block := func(name string) string {
			out := a.call("InitiateAuth", auth("USER_SRP_AUTH", c, "USERNAME", name, "SRP_A", "2a"))
			return out["ChallengeParameters"].(object)["SECRET_BLOCK"].(string)
		}
		proof := base64.StdEncoding.EncodeToString(make([]byte, 32))
		steps := map[string]step{
			"password": func(n string) string {
				return a.post("InitiateAuth", auth("USER_PASSWORD_AUTH", c, "USERNAME", n, "PASSWORD", "wrong"))
			},
			"SRP, first step": func(n string) string {
				return a.post("InitiateAuth", auth("USER_SRP_AUTH", c, "USERNAME", n, "SRP_A", "2a"))
			},
			"SRP, bad A": func(n string) string {
				return a.post("InitiateAuth", auth("USER_SRP_AUTH", c, "USERNAME", n, "SRP_A", "0"))
			},
			"custom":    func(n string) string { return a.post("InitiateAuth", auth("CUSTOM_AUTH", c, "USERNAME", n)) },
			"by choice": func(n string) string { return a.post("InitiateAuth", auth("USER_AUTH", c, "USERNAME", n)) },
			"SRP, wrong proof": func(n string) string {
				return a.post("RespondToAuthChallenge", answer("PASSWORD_VERIFIER", c, "USERNAME", n, "PASSWORD_CLAIM_SECRET_BLOCK", block(n), "PASSWORD_CLAIM_SIGNATURE", proof, "TIMESTAMP", "Sun Nov 1 05:06:07 UTC 2026"))
			},
			"SRP, bad time": func(n string) string {
				return a.post("RespondToAuthChallenge", answer("PASSWORD_VERIFIER", c, "USERNAME", n, "PASSWORD_CLAIM_SECRET_BLOCK", block(n), "PASSWORD_CLAIM_SIGNATURE", proof, "TIMESTAMP", "now"))
			},
			"SRP, another name": func(n string) string {
				return a.post("RespondToAuthChallenge", answer("PASSWORD_VERIFIER", c, "USERNAME", "else", "PASSWORD_CLAIM_SECRET_BLOCK", block(n), "PASSWORD_CLAIM_SIGNATURE", proof, "TIMESTAMP", "Sun Nov 1 05:06:07 UTC 2026"))
			},
			"new password": func(n string) string {
				return a.post("RespondToAuthChallenge", answer("NEW_PASSWORD_REQUIRED", c, "USERNAME", n, "NEW_PASSWORD", goodPassword))
			},
		}
		normal := func(s, name string) string {
			s = strings.ReplaceAll(s, `"`+name+`"`, `"NAME"`)
			s = salts.ReplaceAllString(bs.ReplaceAllString(s, `"SRP_B":"B"`), `"SALT":"S"`)
			if strings.Contains(s, `"B"`) {
				s = length.ReplaceAllString(s, "") // B may be a digit shorter
			}
			return blocks.ReplaceAllStringFunc(s, func(m string) string { return fmt.Sprintf("block of %d", len(m)) })
		}
		for name, do := range steps {
			t.Run(name, func(t *testing.T) {
				// Five rounds lead from the first failure into the lock.
				for i := range 7 {
					known, unknown := normal(do("jdoe"), "jdoe"), normal(do("nope"), "nope")
					if known != unknown {
						t.Fatalf("round %d\nknown   %s\nunknown %s", i, known, unknown)
					}
					if !strings.Contains(known, "NAME") && !strings.Contains(known, "Exception") {
						t.Fatalf("neither a challenge nor a refusal: %s", known)
					}
				}
				a.clock.Advance(16 * 60e9)
			})
		}
	}
}
