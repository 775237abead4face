package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What a reader's first view weighs, all of it.
const maxFirstView = 60 << 10

func TestConsoleHome(t *testing.T) {
	s := startServer(t)
	b := newBrowser(t, s)
	b.received()
	b.open("/console/")
	b.waitText("main", s.URL)
	if n := b.received(); n == 0 || n > maxFirstView {
		t.Errorf("the first view is %d bytes, want up to %d", n, maxFirstView)
	} else {
		t.Logf("the first view is %d bytes", n)
	}
	b.looks("home-empty")
}

// choose ticks a box or a radio button.
func (b *browser) choose(selector string) {
	b.t.Helper()
	b.run(chromedp.ScrollIntoView(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery))
}

// unfold opens the details whose summary begins with text.
func (b *browser) unfold(text string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`[...document.querySelectorAll('details')].find((d) => d.querySelector('summary').innerText.startsWith(`+"`"+text+"`"+`)).open = true`, nil))
}

func TestConsolePools(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.open("/console/pools")
	b.looks("pools-empty")
	b.open("/console/create-pool")
	b.fill("#name", "people & co")
	b.fill("#name", "people")
	b.wait("document.querySelector('details.cli code').textContent.includes('--pool-name people ')")
	b.looks("pool-create")
	for _, section := range []string{"Sign-in", "Passwords", "Attributes", "Plan"} {
		b.unfold(section)
	}
	b.fill("#custom", "tenantId\ndepartmentId")
	b.looks("pool-create-open")
	b.submit("main button.primary")
	b.waitText(".flash", "The user pool is created")
	pool := strings.TrimPrefix(b.address(), b.base)
	b.looks("pool")

	b.open(pool + "/clients")
	b.looks("clients-empty")
	b.open(pool + "/create-client")
	b.looks("client-create")
	b.unfold("Attributes")
	b.choose("input[name=limit-write]") // takes the safe list away
	b.submit("main button.primary")
	b.waitText("main", "people can write 2")
	b.looks("clients")
	b.submit("td a")
	b.waitText(".warning", "custom:tenantId")
	b.looks("client")

	b.open(pool + "/groups")
	b.looks("groups-empty")
	b.open(pool + "/create-group")
	b.fill("#name", "staff")
	b.fill("#precedence", "1")
	b.looks("group-create")
	b.submit("main button.primary")
	b.looks("groups")
	b.open(pool + "/group?name=staff")
	b.looks("group")

	b.open(pool + "/create-user")
	b.fill("#attr-email", "ada@example.com")
	b.fill("#password", "Passw0rd!x")
	b.choose("input[name=permanent]")
	b.looks("user-create")
	b.submit("main button.primary")
	b.waitText(".flash", "The user is created")
	b.looks("user")
	b.open(pool + "/users")
	b.looks("users")
	b.fill("#text", "nobody")
	b.submit("main button:not(.copy-button)")
	b.waitText("main", "No user matches")
	b.open(pool + "/settings")
	b.looks("pool-settings")
	b.open(pool + "/properties")
	b.looks("pool-properties")
	b.open(pool + "/add-trigger")
	b.looks("pool-trigger-none")
	b.open("/console/stacks")
	b.looks("stacks")
	b.allow("status of 404")
	b.open("/console/nope")
	b.looks("error")
	b.open("/console/")
	b.looks("home")

	b.open(pool + "/properties")
	b.fill("#confirm", "something else")
	b.submit("button.danger:not(.small)")
	b.waitText("[role=alert]", "Nothing was deleted")
	b.fill("#confirm", "people")
	b.submit("button.danger:not(.small)")
	b.waitText(".flash", "is deleted")
}

// tab moves the focus on until an element has it, as a person without a mouse.
func (b *browser) tab(selector string) {
	b.t.Helper()
	for range 80 {
		b.run(chromedp.KeyEvent(kb.Tab))
		var there, seen bool
		b.run(chromedp.Evaluate("document.activeElement.matches("+"`"+selector+"`"+")", &there))
		if !there {
			continue
		}
		b.run(chromedp.Evaluate("document.activeElement.matches(':focus-visible')", &seen))
		if !seen {
			b.t.Errorf("%s has the focus and does not show it", selector)
		}
		return
	}
	b.t.Fatalf("the tab key does not reach %s on %s", selector, b.address())
}

// press presses Enter on what has the focus, and waits for the next page.
func (b *browser) press() {
	b.t.Helper()
	b.run(chromedp.Evaluate("window.before = true", nil), chromedp.KeyEvent(kb.Enter))
	b.wait("!window.before && document.readyState === 'complete'")
}

func TestConsoleByKeyboardAlone(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.open("/console/")
	b.tab("a.skip")
	b.tab("nav a[href='/console/pools']")
	b.press()
	b.tab("a[href='/console/create-pool']")
	b.press()
	b.tab("#name")
	b.run(chromedp.KeyEvent("a", chromedp.KeyModifiers(2)), chromedp.KeyEvent("by-keyboard"))
	b.press()
	b.waitText(".flash", "The user pool is created")
	b.tab("a[href$='/create-client']")
	b.press()
	b.tab("main button.primary")
	b.press()
	b.waitText(".flash", "The app client is created")
	b.tab("nav[aria-label='User pool'] a[href$='/users']")
	b.press()
	b.tab("a[href$='/create-user']")
	b.press()
	b.tab("#attr-email")
	b.run(chromedp.KeyEvent("ada@example.com"))
	b.tab("#password")
	b.run(chromedp.KeyEvent("Passw0rd!x"))
	b.press()
	b.waitText(".flash", "The user is created")
	b.waitText("main", "FORCE_CHANGE_PASSWORD")
}
