package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// articleHandler is what the article's reader pastes.
const articleHandler = `const handler = async (event) => {
event.response = {
claimsOverrideDetails: {
claimsToAddOrOverride: {
tenantId: event.request.userAttributes['custom:tenantId'],
departmentId: event.request.userAttributes['custom:department']
}
},
};

return event;
};

export { handler };
`

// TestConsoleTheArticle does the article by clicking, from nothing: pool,
// client and user; function, handler, Deploy; trigger; sign in; read the token.
func TestConsoleTheArticle(t *testing.T) {
	b := newBrowser(t, startServer(t))

	b.open("/console/create-pool")
	b.fill("#name", "tenants")
	b.unfold("Attributes")
	b.fill("#custom", "tenantId\ndepartment")
	b.submit("main button.primary")
	b.waitText(".flash", "The user pool is created")
	pool := strings.TrimPrefix(b.address(), b.base)
	b.open(pool + "/create-client")
	b.submit("main button.primary")
	b.waitText("main", "safe") // the tenant is not the user's to choose
	b.open(pool + "/create-user")
	b.fill("#attr-email", "jane@example.com")
	b.fill("#password", "Passw0rd!x")
	b.choose("input[name=permanent]")
	b.fill(`[name="attr-custom:tenantId"]`, "acme")
	b.fill(`[name="attr-custom:department"]`, "42")
	b.submit("main button.primary")
	b.waitText(".flash", "The user is created")

	// Create function → Author from scratch → paste → Deploy.
	b.createFunction("PreTokenGeneration", "blank")
	b.paste(articleHandler)
	b.waitText("#state", "Changes not deployed")
	b.run(chromedp.Click("#deploy", chromedp.ByQuery))
	b.waitText("#state", "Deployed at")

	// User pool properties → Add Lambda trigger.
	b.open(pool)
	b.submit(".tabs a[href$='/properties']")
	b.submit("a[href$='/add-trigger']")
	b.looks("pool-trigger")
	b.wait("document.querySelector('details.cli code').textContent.includes('V1_0')")
	b.submit("main button.primary")
	b.waitText(".flash", "a permission was added")
	b.waitText("main", "PreTokenGeneration")
	b.looks("pool-properties-trigger")

	// Sign in from the console and read the token.
	b.open("/console/try" + strings.Replace(pool, "/console/pools/", "?pool=", 1) + "&user=jane%40example.com")
	b.waitText("#flow", "PASSWORD_AUTH")
	b.fill("#password", "Passw0rd!x")
	b.run(chromedp.Click("#sign-in", chromedp.ByQuery))
	b.waitText("#signed-in-h", "Signed in")
	b.waitText("#in-short", "In the ID token the trigger added")
	for claim, want := range map[string]string{"tenantId": `"acme"`, "departmentId": `"42"`} {
		if got := b.row("#id-token", claim); !strings.Contains(got, want) {
			t.Errorf("%s of the ID token is shown as %q, want %s", claim, got, want)
		}
	}
	if text := b.text("#id-token"); !strings.Contains(text, "Verified: the signature") {
		t.Errorf("the ID token is not verified:\n%s", text)
	}
	b.looks("article-token")
	b.open("/console/")
	b.waitText("#recent-title + table", "tokens")
	b.looks("home-used")
}

// In production people sign in, with the key that the first start has made.
func TestConsoleSignInOfProduction(t *testing.T) {
	dir := t.TempDir()
	s := startServerIn(t, dir, "serve")
	f, err := os.Open(filepath.Join(dir, "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	key := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " = "); ok {
			key[name] = value
		}
	}
	b := newBrowser(t, s)
	b.open("/console/pools")
	b.waitText("h1", "Sign in")
	b.looks("sign-in")
	b.allow("status of 403")
	b.fill("#key", key["aws_access_key_id"])
	b.fill("#secret", "wrong")
	b.submit("main button.primary")
	b.waitText("[role=alert]", "not its secret")
	b.fill("#secret", key["aws_secret_access_key"])
	b.submit("main button.primary")
	b.waitText("h1", "User pools")
	b.open("/console/create-pool")
	b.submit("main button.primary")
	b.waitText(".flash", "The user pool is created")
	b.looks("production")
	b.submit("header form[action='/console/sign-out'] button")
	b.waitText("h1", "Sign in")
	b.open("/console/pools")
	b.waitText("h1", "Sign in")
	if log := s.log.String(); strings.Contains(log, key["aws_secret_access_key"]) || !strings.Contains(log, `"operation":"CreateUserPool"`) {
		t.Error("the log has the secret, or lacks what was done")
	}
}
