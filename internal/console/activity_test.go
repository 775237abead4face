package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// idp performs an operation of user pools on the wire and returns its answer,
// an error's too.
func (v *visitor) idp(operation string, in map[string]any) (out map[string]any) {
	v.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+"/", strings.NewReader(string(body)))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		v.t.Fatalf("%s: %s %s", operation, resp.Status, text)
	}
	return out
}

// people makes a pool with a client and a user jdoe, and returns their ids.
func (v *visitor) people() (pool, client string) {
	v.t.Helper()
	made := func(operation, member, name string, in map[string]any) string {
		v.t.Helper()
		out := v.idp(operation, in)
		thing, ok := out[member].(map[string]any)
		if !ok {
			v.t.Fatalf("%s: %v", operation, out)
		}
		return thing[name].(string)
	}
	pool = made("CreateUserPool", "UserPool", "Id", map[string]any{"PoolName": "people"})
	client = made("CreateUserPoolClient", "UserPoolClient", "ClientId", map[string]any{"UserPoolId": pool, "ClientName": "app", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})
	made("AdminCreateUser", "User", "Username", map[string]any{"UserPoolId": pool, "Username": "jdoe", "MessageAction": "SUPPRESS", "TemporaryPassword": "Temp0rary!"})
	return pool, client
}

func (v *visitor) signIn(client, name, password string) map[string]any {
	v.t.Helper()
	return v.idp("InitiateAuth", map[string]any{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password}})
}

func TestActivity(t *testing.T) {
	v := newVisitor(t)
	v.has(v.get("/console/activity"), "Nobody has signed in")
	pool, client := v.people()
	v.signIn(client, "jdoe", "Temp0rary!")
	v.idp("AdminSetUserPassword", map[string]any{"UserPoolId": pool, "Username": "jdoe", "Password": "Passw0rd!jdoe", "Permanent": true})
	v.signIn(client, "jdoe", "wrong")
	if got := v.signIn(client, "jdoe", "Passw0rd!jdoe"); got["AuthenticationResult"] == nil {
		t.Fatalf("%v", got)
	}
	page := v.get("/console/activity")
	v.has(page, "1 with tokens, 1 asked for more, 1 refused.", `role="img" aria-labelledby="chart-title chart-desc"`, "The same as a table",
		"Asked for more: NEW_PASSWORD_REQUIRED", "NotAuthorizedException: Incorrect username or password.", "set a new password",
		"Check the password", `class="span-signing"`, "/console/try?client="+client+"&amp;pool="+pool+"&amp;user=jdoe")
	v.lacks(page, "Passw0rd", "Temp0rary", "eyJ")
	v.has(v.get("/console/activity?pool="+pool), `value="`+pool+`" selected`, "jdoe")
	v.lacks(v.get("/console/activity?pool=us-east-1_AAAAAAAAA"), "<strong>jdoe")

	resp, err := v.client.Get(v.base + "/console/activity?pool=" + url.QueryEscape("<b>"))
	if err != nil {
		t.Fatal(err)
	}
	v.lacks(v.read(resp, http.StatusBadRequest), "<b>")
}

// What people type, and what an address says, is text on every page.
func TestSec_WEB_3_SignInsAreText(t *testing.T) {
	v := newVisitor(t)
	_, client := v.people()
	const markup = `"><img src=x onerror=alert(1)>`
	if got := v.signIn(client, markup, "wrong"); got["__type"] == nil {
		t.Fatalf("%v", got)
	}
	for _, path := range []string{"/console/activity", "/console/try?pool=" + url.QueryEscape(markup) + "&client=" + url.QueryEscape(markup) + "&user=" + url.QueryEscape(markup)} {
		page := v.get(path)
		v.has(page, "&lt;img src=x onerror=alert(1)&gt;")
		v.lacks(page, "<img")
	}
}

func TestTryItAndToken(t *testing.T) {
	v := newVisitor(t)
	pool, client := v.people()
	v.has(v.get("/console/try?pool="+pool+"&client="+client+"&user=jdoe"),
		`data-pool="`+pool+`" data-client="`+client+`" data-user="jdoe"`, "<noscript>", `aria-current="page">Try it`)
	page := mainOf.FindString(v.get("/console/token"))
	v.has(page, `id="token"`, "<noscript>")
	// No form and no name: the box has no way to be sent.
	v.lacks(page, "<form", `name="`)
}
