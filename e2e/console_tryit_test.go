package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const markup = `<img src=x onerror=console.error('markup')>`

// tryFunction adds claims, takes one away, changes the groups and asks for what
// it may not have.
const tryFunction = `export const handler = async (event) => {
  const { 'custom:tenantId': tenantId, 'custom:department': departmentId } = event.request.userAttributes;
  event.response.claimsAndScopeOverrideDetails = {
    idTokenGeneration: { claimsToAddOrOverride: { tenantId, departmentId, sub: 'Z', plan: { name: 'paid', seats: 3 }, note: "` + markup + `" }, claimsToSuppress: ['email'] },
    accessTokenGeneration: { claimsToAddOrOverride: { tenantId } },
    groupOverrideDetails: { groupsToOverride: ['staff', 'owners'] },
  };
  return event;
};`

// tryPool is a pool with the trigger, and jane in it.
func tryPool(t *testing.T, s *server) *pool {
	t.Helper()
	p := newPool(t, s)
	p.addUser(t, "jane", map[string]string{"email": "jane@example.com", "custom:tenantId": "acme", "custom:department": "42", "name": markup})
	if _, err := p.idp.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &p.id, GroupName: aws.String("staff")}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.idp.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &p.id, GroupName: aws.String("staff"), Username: aws.String("jane")}); err != nil {
		t.Fatal(err)
	}
	arn := p.deploy(t, "pretoken", lambdatypes.RuntimeNodejs20x, "index.handler", map[string][]byte{"index.mjs": []byte(tryFunction)})
	p.attach(t, arn, types.PreTokenGenerationLambdaVersionTypeV20)
	return p
}

// row is the text of a row of a table, by its heading.
func (b *browser) row(table, heading string) string {
	var text string
	script := `[...document.querySelectorAll('` + table + ` tr')].find((r) => r.querySelector('th')?.textContent === '` + heading + `')?.textContent ?? ''`
	b.run(chromedp.Evaluate(script, &text))
	return text
}

// TestConsoleTryIt signs in from the console, by keyboard alone, and reads
// what came of it. That the browser asks no other server is the harness's to
// see.
func TestConsoleTryIt(t *testing.T) {
	s := startServer(t)
	p := tryPool(t, s)
	b := newBrowser(t, s)
	b.open("/console/try?pool=" + p.id + "&client=" + p.clientID + "&user=jane")
	b.waitText("#flow", "PASSWORD_AUTH")
	b.run(chromedp.Focus("#password", chromedp.ByQuery), chromedp.KeyEvent(password), chromedp.KeyEvent(kb.Enter))
	b.waitText("#signed-in-h", "Signed in")
	b.wait("document.activeElement.id === 'signed-in-h'")

	for claim, want := range map[string]string{"tenantId": `"acme"`, "departmentId": `"42"`, "sub": "never changes", "exp": "(in ", "note": markup} {
		if got := b.row("#id-token", claim); !strings.Contains(got, want) {
			t.Errorf("the ID token's %s is shown as %q, without %q", claim, got, want)
		}
	}
	for claim, want := range map[string]string{
		"tenantId": "+ added", "departmentId": "+ added", "plan": `{ "name": "paid", "seats": 3 }`, "email": "− suppressed",
		"cognito:groups": `+ "owners"`, "sub": "✗ refused", "custom:tenantId": "same",
	} {
		if got := b.row("#trigger", claim); !strings.Contains(got, want) {
			t.Errorf("before and after of %s is %q, without %q", claim, got, want)
		}
	}
	for _, id := range []string{"#id-token", "#access-token"} {
		if text := b.text(id); !strings.Contains(text, "Verified: the signature") || strings.Contains(text, "failed") {
			t.Errorf("%s is not verified:\n%s", id, text)
		}
	}
	if text := b.text("#refresh-token"); !strings.Contains(text, "only the server has the key") {
		t.Errorf("the refresh token is said to be: %s", text)
	}
	trigger := b.text("#trigger")
	for _, want := range []string{`"triggerSource": "TokenGeneration_Authentication"`, `"claimsToSuppress"`, "was the start of a process"} {
		if !strings.Contains(trigger, want) {
			t.Errorf("the trigger's part lacks %q:\n%s", want, trigger)
		}
	}
	b.looks("try")

	// Refresh, revoke, refresh again.
	press := func(label string) {
		b.run(chromedp.Evaluate(`[...document.querySelectorAll('#result button')].find((x) => x.textContent === '`+label+`').click()`, nil))
	}
	press("Refresh")
	b.waitText("#trigger", "TokenGeneration_RefreshTokens")
	press("Revoke")
	b.waitText("#toasts", "Revoked")
	b.allow("400")
	press("Refresh")
	b.waitText("#problem", "Refresh Token has been revoked")
}

// A trigger that throws: what it was told and what it said is shown.
func TestConsoleTryItRefused(t *testing.T) {
	s := startServer(t)
	p := newPool(t, s)
	p.addUser(t, "jane", map[string]string{"custom:tenantId": "acme"})
	arn := p.deploy(t, "pretoken", lambdatypes.RuntimeNodejs20x, "index.handler", map[string][]byte{"index.mjs": []byte("export const handler = async () => { throw new Error('no such tenant') }")})
	p.attach(t, arn, types.PreTokenGenerationLambdaVersionTypeV10)
	b := newBrowser(t, s)
	b.allow("400")
	b.open("/console/try?pool=" + p.id + "&client=" + p.clientID + "&user=jane")
	b.waitText("#flow", "PASSWORD_AUTH")
	b.run(chromedp.Focus("#password", chromedp.ByQuery), chromedp.KeyEvent(password), chromedp.KeyEvent(kb.Enter))
	b.waitText("#problem", "PreTokenGeneration failed with error no such tenant.")
	b.waitText("#failed-trigger", `"custom:tenantId": "acme"`)
	b.waitText("#failed-trigger", `"errorMessage": "no such tenant"`)
	b.looks("try-refused")
	b.open("/console/activity")
	b.waitText(".signin.refused", "refused")
	b.run(chromedp.Click(".signin.refused summary", chromedp.ByQuery))
	b.waitText(".signin.refused", "The function has thrown this.")
}

// A client without a flow for passwords gets one with a click, and keeps all
// else; a described user is made and signs in; a temporary password is changed.
func TestConsoleTryItFromNothing(t *testing.T) {
	s := startServer(t)
	p := newPool(t, s)
	made, err := p.idp.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &p.id, ClientName: aws.String("web"), GenerateSecret: true, IdTokenValidity: aws.Int32(7),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	client := *made.UserPoolClient.ClientId
	b := newBrowser(t, s)
	b.open("/console/try?pool=" + p.id + "&client=" + client)
	b.waitText("#flow", "allows no sign-in")
	b.run(chromedp.Click("#flow button", chromedp.ByQuery))
	b.waitText("#flow", "SECRET_HASH is computed")
	got, err := p.idp.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &p.id, ClientId: &client})
	if err != nil {
		t.Fatal(err)
	}
	if c := got.UserPoolClient; aws.ToInt32(c.IdTokenValidity) != 7 || len(c.ExplicitAuthFlows) != 3 || aws.ToString(c.ClientSecret) != *made.UserPoolClient.ClientSecret {
		t.Errorf("after the click the client is %+v", c)
	}

	b.run(chromedp.Click("#describe > summary", chromedp.ByQuery))
	b.fill("#new-name", "joe")
	b.fill("#new-password", password)
	b.fill("#new-attributes", "email=joe@example.com")
	b.run(chromedp.Click("#new-user button", chromedp.ByQuery))
	b.waitText("#toasts", "joe can sign in")
	b.run(chromedp.Click("#sign-in", chromedp.ByQuery))
	b.waitText("#signed-in-h", "Signed in")
	b.waitText("#trigger", "no pre token generation trigger")
	if got := b.row("#id-token", "email"); !strings.Contains(got, "joe@example.com") {
		t.Errorf("email is %q", got)
	}

	if _, err := p.idp.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &p.id, Username: aws.String("new"), TemporaryPassword: aws.String("Temp0rary!x"), MessageAction: types.MessageActionTypeSuppress}); err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.SetValue("#user", "new", chromedp.ByQuery), chromedp.SetValue("#password", "Temp0rary!x", chromedp.ByQuery))
	b.run(chromedp.Click("#sign-in", chromedp.ByQuery))
	b.wait("document.activeElement.id === 'challenge-h'")
	b.looks("try-challenge")
	b.fill("#challenge-password", "An0ther!Passw0rd")
	b.run(chromedp.Click("#challenge-go", chromedp.ByQuery))
	b.waitText("#result", "new has tokens")
}

// TestSec_WEB_3_TokenBox pastes tokens: they are verified, markup stays text,
// and nothing of them is sent.
func TestSec_WEB_3_TokenBox(t *testing.T) {
	s := startServer(t)
	p := tryPool(t, s)
	tokens := p.mustSignIn(t, "jane")
	b := newBrowser(t, s)
	b.open("/console/token")
	paste := func(text string) {
		b.run(chromedp.SetValue("#token", text, chromedp.ByQuery), chromedp.Evaluate(`document.getElementById('token').dispatchEvent(new Event('input'))`, nil))
	}
	paste(*tokens.IdToken)
	b.waitText("#result", "Verified: the signature")
	if got := b.row("#looked", "note"); !strings.Contains(got, markup) {
		t.Errorf("markup is shown as %q", got)
	}
	b.looks("token")
	parts := strings.Split(*tokens.IdToken, ".")
	other := strings.Split(*tokens.AccessToken, ".")
	for text, want := range map[string]string{
		parts[0] + "." + other[1] + "." + parts[2]: "the token was changed",
		"eyJhbGciOiJub25lIn0." + parts[1] + ".":    "nobody has signed",
		parts[0] + "." + parts[1]:                  "this has 2",
		"<img src=x onerror=alert(1)>":             "three parts",
		*tokens.RefreshToken:                       "only the server has the key",
	} {
		paste(text)
		b.waitText("#result", want)
	}
	b.run(chromedp.Navigate("about:blank"))
	b.open("/console/token#token=" + *tokens.AccessToken)
	b.waitText("#result", "Access token")
	b.wait("location.hash === '' && document.getElementById('token').value.startsWith('eyJ')")
	for _, secret := range []string{parts[1], other[1], parts[2]} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("a part of a token is in the server's log")
		}
	}
}

func TestConsoleActivity(t *testing.T) {
	s := startServer(t)
	p := tryPool(t, s)
	b := newBrowser(t, s)
	p.mustSignIn(t, "jane")
	b.open("/console/activity")
	b.waitText("#live", "1 with tokens, 0 asked for more, 0 refused.")
	b.run(chromedp.Focus(".signin summary", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	b.waitText(".signin[open]", "Trigger: the function answers")
	b.waitText(".signin[open]", "cold: a process was started")
	b.looks("activity")
	// It takes itself over, and what is open stays open.
	_, _ = p.idp.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": markup, "PASSWORD": "wrong"}}) // it is refused
	b.waitText("#live", "1 with tokens, 0 asked for more, 1 refused.")
	b.waitText("#live", markup)
	b.wait("document.querySelectorAll('.signin[open]').length === 1 && document.activeElement.tagName === 'SUMMARY'")
	b.run(chromedp.Click("#pause", chromedp.ByQuery))
	b.wait("document.getElementById('pause').getAttribute('aria-pressed') === 'true'")
}
