package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a Chromium with a fresh profile. What goes wrong in its console, a
// violation of the content policy, and a request to another server each fail
// the test.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string // of the server

	mu       sync.Mutex
	problems []string
	allowed  []string
	bytes    int64 // of bodies received since the last reset
}

const browserTimeout = 90 * time.Second

// missing skips a test for want of a tool and says how to run it. In CI, which
// has to run all of them, it fails.
func missing(t testing.TB, how string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// newBrowser starts Chromium, or skips the test and says how to run it.
func newBrowser(t *testing.T, s *server) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		missing(t, "install chromium to test the console in a browser")
	}
	profile, err := os.MkdirTemp("", "rockpool-browser-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WSURLReadTimeout(60*time.Second),
	)
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...) // it ends in Cleanup
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {})) // events of a newer Chromium than it knows
	ctx, cancel := context.WithTimeout(tab, browserTimeout)
	b := &browser{t: t, ctx: ctx, base: s.URL}
	chromedp.ListenTarget(ctx, b.observe)
	if err := chromedp.Run(ctx, network.Enable(), cdplog.Enable(), emulation.SetDeviceMetricsOverride(1200, 900, 1, false)); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			b.screenshot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		_ = chromedp.Cancel(tab) // it ends with its allocator at the latest
		cancel()
		closeTab()
		_ = os.RemoveAll(profile) // Chromium may still be writing there
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Errorf("the browser reports: %s", p)
		}
	})
	return b
}

// observe collects what should not happen.
func (b *browser) observe(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problem(e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert {
			text := "console.error"
			for _, a := range e.Args {
				text += " " + string(a.Value) + a.Description
			}
			b.problem(text)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.LevelError {
			b.problem(e.Entry.Text + " " + e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme != "about" && !strings.HasPrefix(e.Request.URL, b.base+"/") {
			b.problem("a request to another server: " + e.Request.URL)
		}
	case *network.EventDataReceived:
		b.bytes += e.DataLength
	case *page.EventJavascriptDialogOpening:
		b.problem("a dialog: " + e.Message)
	}
}

func (b *browser) problem(text string) {
	for _, a := range b.allowed {
		if strings.Contains(text, a) {
			return
		}
	}
	b.problems = append(b.problems, text)
}

// allow lets problems with that text pass: what a test provokes.
func (b *browser) allow(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, text)
}

// received returns how many bytes of bodies came since it was last asked.
func (b *browser) received() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.bytes
	b.bytes = 0
	return n
}

// run does things in the page and fails the test where that is not possible.
func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	for i, a := range actions {
		ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
		err := chromedp.Run(ctx, a)
		cancel()
		if err != nil {
			b.t.Fatalf("action %d of %d: %v\non %s:\n%s", i+1, len(actions), err, b.address(), b.text("body"))
		}
	}
}

// open goes to a path of the server.
func (b *browser) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base + path))
}

func (b *browser) address() (at string) {
	_ = chromedp.Run(b.ctx, chromedp.Location(&at)) // shown in failures only
	return at
}

// text is what an element shows; empty if there is none.
func (b *browser) text(selector string) (text string) {
	b.t.Helper()
	script := fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector)
	if err := chromedp.Run(b.ctx, chromedp.Evaluate(script, &text)); err != nil {
		b.t.Errorf("text of %s: %v", selector, err)
	}
	return text
}

// waitText waits until an element shows a text.
func (b *browser) waitText(selector, want string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').includes(%q)", selector, want))
}

// wait waits until an expression is true in the page. It asks again and again
// from here: a page's content policy forbids what chromedp.Poll would do.
func (b *browser) wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var yes bool
		err := chromedp.Run(ctx, chromedp.Evaluate("Boolean("+expression+")", &yes))
		if yes {
			return
		}
		select { // an error is a page that is on its way
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("waited for %s on %s (%v):\n%s", expression, b.address(), err, b.text("body"))
		}
	}
}

// fill replaces what is in a field.
func (b *browser) fill(selector, value string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(selector, chromedp.ByQuery), chromedp.ScrollIntoView(selector, chromedp.ByQuery),
		chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).select()", selector), nil), chromedp.SendKeys(selector, value, chromedp.ByQuery))
}

// submit presses a button, and waits for the page that answers it.
func (b *browser) submit(selector string) {
	b.t.Helper()
	b.run(chromedp.ScrollIntoView(selector, chromedp.ByQuery), chromedp.Evaluate("window.before = true", nil), chromedp.Click(selector, chromedp.ByQuery))
	b.wait("!window.before && document.readyState === 'complete'")
}

// accessible fails the test for what axe-core finds in the page.
func (b *browser) accessible() {
	b.t.Helper()
	source, err := os.ReadFile(filepath.Join("js", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(b.t, "run npm ci in e2e/js to test accessibility with axe-core")
	}
	var raw string
	b.run(
		chromedp.Evaluate(string(source), nil),
		chromedp.Evaluate(`axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => JSON.stringify({ passes: r.passes.length, violations: r.violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 300) + ' ' + (n.failureSummary ?? '')) })) }))`,
			&raw, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	var got struct {
		Passes     int
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
	}
	if err := json.Unmarshal([]byte(raw), &got); err != nil || got.Passes == 0 {
		b.t.Fatalf("axe-core looked at nothing: %v %s", err, raw)
	}
	for _, v := range got.Violations {
		b.t.Errorf("%s: axe-core: %s: %s\n%s", b.address(), v.ID, v.Help, strings.Join(v.Nodes, "\n"))
	}
}

// screenshot writes a picture of the whole page to $ROCKPOOL_SCREENSHOTS.
func (b *browser) screenshot(name string) {
	dir := os.Getenv("ROCKPOOL_SCREENSHOTS")
	if dir == "" {
		return
	}
	var picture []byte
	if err := chromedp.Run(b.ctx, chromedp.FullScreenshot(&picture, 100)); err != nil {
		b.t.Logf("screenshot %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Errorf("screenshot: %v", err)
	}
}

// looks takes the page's pictures in light, dark and at 320 px, and fails the
// test if it has to be scrolled sideways there.
func (b *browser) looks(name string) {
	b.t.Helper()
	scheme := func(value string) chromedp.Action {
		return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}})
	}
	b.run(scheme("light"))
	b.screenshot(name + "-light")
	b.run(scheme("dark"))
	b.accessible()
	b.screenshot(name + "-dark")
	b.run(scheme("light"), emulation.SetDeviceMetricsOverride(320, 640, 1, false))
	var wide float64
	b.run(chromedp.Evaluate("document.documentElement.scrollWidth", &wide))
	if wide > 320 {
		b.t.Errorf("%s is %v px wide at 320", b.address(), wide)
	}
	b.screenshot(name + "-320")
	b.accessible()
	b.run(emulation.SetDeviceMetricsOverride(1200, 900, 1, false))
	b.accessible()
}
