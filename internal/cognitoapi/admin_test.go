package cognitoapi_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
)

func TestUserPoolClientGolden(t *testing.T) {
	b := newBench(t)
	pool := b.pool(object{})
	out := b.raw("CreateUserPoolClient", object{"UserPoolId": pool, "ClientName": "plain"})
	plain := id(out, b, "UserPoolClient", "ClientId")
	b.golden("CreateUserPoolClient.plain", out, pool, plain)

	full := object{
		"UserPoolId": pool, "ClientName": "full", "ClientSecret": "abcdefghijklmnopqrstuvwxyz",
		"RefreshTokenValidity": 10, "AccessTokenValidity": 20, "IdTokenValidity": 1200,
		"TokenValidityUnits": object{"AccessToken": "minutes", "IdToken": "seconds", "RefreshToken": "hours"},
		"ReadAttributes":     []string{"email", "name"}, "WriteAttributes": []string{"name"},
		"ExplicitAuthFlows":          []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"},
		"SupportedIdentityProviders": []string{"COGNITO"}, "CallbackURLs": []string{"https://example.com/cb"},
		"LogoutURLs": []string{"https://example.com/out"}, "DefaultRedirectURI": "https://example.com/cb",
		"AllowedOAuthFlows": []string{"code"}, "AllowedOAuthScopes": []string{"openid", "email"}, "AllowedOAuthFlowsUserPoolClient": true,
		"PreventUserExistenceErrors": "ENABLED", "EnableTokenRevocation": false,
		"EnablePropagateAdditionalUserContextData": false, "AuthSessionValidity": 5,
		"RefreshTokenRotation": object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 30},
	}
	out = b.raw("CreateUserPoolClient", full)
	client := id(out, b, "UserPoolClient", "ClientId")
	b.golden("CreateUserPoolClient.full", out, pool, client)
	got := b.raw("DescribeUserPoolClient", object{"UserPoolId": pool, "ClientId": client})
	if diff := cmp.Diff(string(out), string(got)); diff != "" {
		t.Errorf("described otherwise than created:\n%s", diff)
	}
	b.golden("UpdateUserPoolClient.empty", b.raw("UpdateUserPoolClient", object{"UserPoolId": pool, "ClientId": client}), pool, client)

	list := b.call("ListUserPoolClients", object{"UserPoolId": pool})["UserPoolClients"].([]any)
	if len(list) != 2 || len(list[0].(object)) != 3 {
		t.Errorf("list %v", list)
	}
	b.call("DeleteUserPoolClient", object{"UserPoolId": pool, "ClientId": client})
	b.fails("DescribeUserPoolClient", object{"UserPoolId": pool, "ClientId": client}, apierr.ResourceNotFound,
		"User pool client "+client+" does not exist.")
	made := b.call("CreateUserPoolClient", object{"UserPoolId": pool, "ClientName": "random", "GenerateSecret": true})
	if s, _ := made["UserPoolClient"].(object)["ClientSecret"].(string); len(s) != 52 {
		t.Errorf("generated secret has %d characters", len(s))
	}
}

func TestUserGolden(t *testing.T) {
	b := newBench(t)
	pool := b.pool(object{"Schema": []object{{"Name": "tenantId", "AttributeDataType": "String", "Mutable": true}}})
	out := b.raw("AdminCreateUser", object{
		"UserPoolId": pool, "Username": "ann", "MessageAction": "SUPPRESS", "TemporaryPassword": "Temp0rary!",
		"UserAttributes": []object{{"Name": "email", "Value": "ann@example.com"}, {"Name": "custom:tenantId", "Value": "acme"}},
	})
	sub := b.decode(out)["User"].(object)["Attributes"].([]any)[0].(object)["Value"].(string)
	b.golden("AdminCreateUser", out, sub)
	b.golden("AdminGetUser", b.raw("AdminGetUser", object{"UserPoolId": pool, "Username": "ann"}), sub)
	b.golden("ListUsers", b.raw("ListUsers", object{"UserPoolId": pool, "Filter": `email ^= "ANN"`}), sub)
	b.golden("ListUsers.some", b.raw("ListUsers", object{"UserPoolId": pool, "AttributesToGet": []string{"email"}}), sub)

	b.clock.Advance(time.Minute)
	b.call("AdminSetUserPassword", object{"UserPoolId": pool, "Username": "ann", "Password": "Passw0rd!", "Permanent": true})
	b.call("AdminDeleteUserAttributes", object{"UserPoolId": pool, "Username": sub, "UserAttributeNames": []string{"email"}})
	b.call("AdminDisableUser", object{"UserPoolId": pool, "Username": "ann"})
	b.golden("AdminGetUser.changed", b.raw("AdminGetUser", object{"UserPoolId": pool, "Username": "ann"}), sub)
	b.call("AdminEnableUser", object{"UserPoolId": pool, "Username": "ann"})
	if u := b.call("AdminGetUser", object{"UserPoolId": pool, "Username": "ann"}); u["Enabled"] != true {
		t.Errorf("enabled user %v", u)
	}
	b.call("AdminDeleteUser", object{"UserPoolId": pool, "Username": "ann"})
	b.fails("AdminGetUser", object{"UserPoolId": pool, "Username": "ann"}, apierr.UserNotFound, "User does not exist.")
}

func TestAdminCreateUserRefusals(t *testing.T) {
	b := newBench(t)
	pool := b.pool(object{})
	user := func(more object) object {
		in := object{"UserPoolId": pool, "Username": "ann", "MessageAction": "SUPPRESS"}
		maps.Copy(in, more)
		return in
	}
	attributes := func(pairs ...string) object {
		var list []object
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, object{"Name": pairs[i], "Value": pairs[i+1]})
		}
		return object{"UserAttributes": list}
	}
	b.fails("AdminCreateUser", user(attributes("custom:x", "y")), apierr.InvalidParameter, "Type for attribute {custom:x} could not be determined")
	b.fails("AdminCreateUser", user(attributes("email", "nonsense")), apierr.InvalidParameter, "Invalid email address format.")
	b.fails("AdminCreateUser", user(attributes("name", "a", "name", "b")), apierr.InvalidParameter, "Attribute name is given more than once.")
	b.fails("AdminCreateUser", user(attributes("sub", "x")), apierr.InvalidParameter, "Attributes did not conform to the schema: sub: Attribute cannot be updated.\n")
	b.fails("AdminCreateUser", user(object{"TemporaryPassword": "weakweak"}), apierr.InvalidPassword,
		"Password did not conform with policy: Password must have uppercase characters")
	b.fails("AdminCreateUser", user(object{"Username": "a b"}), apierr.InvalidParameter,
		`1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
	b.fails("AdminCreateUser", user(object{"MessageAction": "RESEND"}), apierr.UserNotFound, "User does not exist.")
	b.call("AdminCreateUser", user(nil))
	b.fails("AdminCreateUser", user(nil), apierr.UsernameExists, "User account already exists")
	b.call("AdminCreateUser", user(object{"MessageAction": "RESEND"}))
	b.fails("AdminCreateUser", user(object{"UserPoolId": "us-east-1_nowhere"}), apierr.ResourceNotFound, "User pool us-east-1_nowhere does not exist.")
}

func TestGroupGolden(t *testing.T) {
	b := newBench(t)
	pool := b.pool(object{})
	b.call("AdminCreateUser", object{"UserPoolId": pool, "Username": "ann", "MessageAction": "SUPPRESS"})
	in := object{
		"UserPoolId": pool, "GroupName": "admins", "Description": "who may", "Precedence": 0,
		"RoleArn": "arn:aws:iam::000000000000:role/admin",
	}
	b.golden("CreateGroup", b.raw("CreateGroup", in), pool)
	b.fails("CreateGroup", in, apierr.GroupExists, "A group with the name already exists.")
	b.clock.Advance(time.Minute)
	b.golden("UpdateGroup", b.raw("UpdateGroup", object{"UserPoolId": pool, "GroupName": "admins", "Description": "who may not"}), pool)
	b.golden("CreateGroup.plain", b.raw("CreateGroup", object{"UserPoolId": pool, "GroupName": "users"}), pool)
	member := object{"UserPoolId": pool, "GroupName": "admins", "Username": "ann"}
	b.call("AdminAddUserToGroup", member)
	b.golden("AdminListGroupsForUser", b.raw("AdminListGroupsForUser", object{"UserPoolId": pool, "Username": "ann"}), pool)
	if users := b.call("ListUsersInGroup", object{"UserPoolId": pool, "GroupName": "admins"})["Users"].([]any); len(users) != 1 {
		t.Errorf("members %v", users)
	}
	b.call("AdminRemoveUserFromGroup", member)
	if users := b.call("ListUsersInGroup", object{"UserPoolId": pool, "GroupName": "admins"})["Users"].([]any); len(users) != 0 {
		t.Errorf("members after leaving %v", users)
	}
	first := b.call("ListGroups", object{"UserPoolId": pool, "Limit": 1})
	second := b.call("ListGroups", object{"UserPoolId": pool, "Limit": 1, "NextToken": first["NextToken"]})
	if second["Groups"].([]any)[0].(object)["GroupName"] != "users" || second["NextToken"] != nil {
		t.Errorf("second page %v", second)
	}
	b.call("DeleteGroup", object{"UserPoolId": pool, "GroupName": "admins"})
	b.fails("GetGroup", object{"UserPoolId": pool, "GroupName": "admins"}, apierr.ResourceNotFound, "Group not found.")
}

// world is a pool with one of everything in it.
type world struct{ pool, client, user, group string }

func (b *bench) world(name string) world {
	w := world{pool: b.pool(object{}), user: name, group: name}
	c := b.call("CreateUserPoolClient", object{"UserPoolId": w.pool, "ClientName": name})
	w.client = c["UserPoolClient"].(object)["ClientId"].(string)
	b.call("AdminCreateUser", object{"UserPoolId": w.pool, "Username": name, "MessageAction": "SUPPRESS"})
	b.call("CreateGroup", object{"UserPoolId": w.pool, "GroupName": name})
	return w
}

// noOtherIDs are the operations that name a pool and nothing in it.
var noOtherIDs = []string{
	"DescribeUserPool", "UpdateUserPool", "DeleteUserPool", "AddCustomAttributes", "CreateUserPoolClient", "ListUserPoolClients",
	"AdminCreateUser", "ListUsers", "CreateGroup", "ListGroups",
}

func TestSec_DB_3_IdsOfOnePoolAreUnknownInAnother(t *testing.T) {
	b := newBench(t)
	ours, theirs := b.world("ours"), b.world("theirs")
	// What else an operation must be given to get as far as the ids.
	more := map[string]object{
		"AdminSetUserPassword":        {"Password": "Passw0rd!"},
		"AdminDeleteUserAttributes":   {"UserAttributeNames": []string{"name"}},
		"AdminUpdateUserAttributes":   {"UserAttributes": []object{{"Name": "name", "Value": "x"}}},
		"AdminInitiateAuth":           {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": object{"USERNAME": "theirs", "SRP_A": "ab"}},
		"AdminRespondToAuthChallenge": {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": object{"USERNAME": "theirs"}},
	}
	tried := 0
	for _, c := range b.Coverage() {
		if !c.Built || c.Auth != awsapi.AuthIAM || slices.Contains(noOtherIDs, c.Operation) || c.Operation == "CreateUserPool" || c.Operation == "ListUserPools" {
			continue
		}
		t.Run(c.Operation, func(t *testing.T) {
			// Each id in turn is the other pool's, and the rest our own.
			for _, foreign := range []string{"Username", "ClientId", "GroupName"} {
				in := object{"UserPoolId": ours.pool, "Username": ours.user, "ClientId": ours.client, "GroupName": ours.group}
				in[foreign] = map[string]string{"Username": theirs.user, "ClientId": theirs.client, "GroupName": theirs.group}[foreign]
				maps.Copy(in, more[c.Operation])
				if !names(c.Operation, foreign) {
					continue
				}
				tried++
				_, err := b.try(c.Operation, in)
				if code := apierr.CodeOf(err); code != apierr.ResourceNotFound && code != apierr.UserNotFound {
					t.Errorf("with the other pool's %s: %v", foreign, err)
				}
			}
			// A pool that does not exist.
			in := object{"UserPoolId": "us-east-1_nowhere", "Username": ours.user, "ClientId": ours.client, "GroupName": ours.group}
			maps.Copy(in, more[c.Operation])
			if _, err := b.try(c.Operation, in); apierr.CodeOf(err) != apierr.ResourceNotFound {
				t.Errorf("with a pool that does not exist: %v", err)
			}
		})
	}
	if tried < 20 {
		t.Errorf("only %d pairs were tried", tried)
	}
	for _, op := range noOtherIDs {
		in := object{
			"UserPoolId": "us-east-1_nowhere", "ClientName": "x", "Username": "x", "GroupName": "x",
			"CustomAttributes": []object{{"Name": "x", "AttributeDataType": "String"}},
		}
		b.fails(op, in, apierr.ResourceNotFound, "User pool us-east-1_nowhere does not exist.")
	}
	// Nothing of theirs was touched.
	for _, get := range []struct {
		op string
		in object
	}{
		{"AdminGetUser", object{"UserPoolId": theirs.pool, "Username": theirs.user}},
		{"DescribeUserPoolClient", object{"UserPoolId": theirs.pool, "ClientId": theirs.client}},
		{"GetGroup", object{"UserPoolId": theirs.pool, "GroupName": theirs.group}},
	} {
		b.call(get.op, get.in)
	}
}

// names reports whether the operation's request has the member, and looks it
// up. The sign-in operations name their user among the parameters.
func names(operation, member string) bool {
	switch member {
	case "Username":
		return strings.HasPrefix(operation, "Admin") && (strings.Contains(operation, "User") || operation == "AdminConfirmSignUp")
	case "ClientId":
		return strings.Contains(operation, "UserPoolClient") || strings.HasSuffix(operation, "Auth") || strings.HasSuffix(operation, "AuthChallenge")
	}
	return strings.HasSuffix(operation, "Group") && operation != "CreateGroup"
}

func TestSec_ATTR_8_GroupsAreForAdministrators(t *testing.T) {
	b := newBench(t)
	w := b.world("ann")
	groups := 0
	for _, c := range b.Coverage() {
		if !strings.Contains(c.Operation, "Group") || !c.Built {
			continue
		}
		groups++
		// Without a signature, and with what a user or a client has instead.
		for _, authorization := range []string{"", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.e30", "Basic YTpi"} {
			body := `{"UserPoolId":"` + w.pool + `","Username":"ann","GroupName":"ann","AccessToken":"eyJhbGciOiJSUzI1NiJ9.e30.e30"}`
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", cognitoapi.Model().TargetPrefix+"."+c.Operation)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			rec := httptest.NewRecorder()
			b.ServeHTTP(rec, r)
			if rec.Code < 400 || strings.Contains(rec.Body.String(), "GroupName") {
				t.Errorf("%s with %q: %d %s", c.Operation, authorization, rec.Code, rec.Body)
			}
		}
	}
	if groups != 9 {
		t.Errorf("%d group operations, want 9", groups)
	}
	if g := b.call("AdminListGroupsForUser", object{"UserPoolId": w.pool, "Username": "ann"})["Groups"].([]any); len(g) != 0 {
		t.Errorf("the user is in %v", g)
	}
}
