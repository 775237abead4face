package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// ctrl presses a key with Ctrl.
func ctrl(key string) chromedp.Action {
	return chromedp.KeyEvent(key, chromedp.KeyModifiers(input.ModifierCtrl))
}

// createFunction makes a function by the console's form and waits for its
// editor.
func (b *browser) createFunction(name, template string) {
	b.t.Helper()
	b.open("/console/create-function")
	b.fill("#name", name)
	b.run(chromedp.Click(`input[value="`+template+`"]`, chromedp.ByQuery))
	b.submit("main form button.primary")
	b.run(chromedp.WaitVisible("#editor", chromedp.ByQuery))
	b.waitText("#state", "Deployed")
}

// paste replaces the text of the editor as a person does: select all, paste.
func (b *browser) paste(text string) {
	b.t.Helper()
	b.run(chromedp.Focus("#editor-area", chromedp.ByQuery), ctrl("a"), input.InsertText(text))
}

// eval returns the value of an expression of the page.
func eval[T any](b *browser, expression string) (value T) {
	b.t.Helper()
	b.run(chromedp.Evaluate(expression, &value))
	return value
}

const focused = "document.activeElement.id || document.activeElement.tagName"

func TestConsoleFunctionEditor(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.createFunction("pretoken", "pretoken-v1")

	// What was made runs as it is, and the page says what it would do.
	b.run(chromedp.Click("#run", chromedp.ByQuery))
	b.waitText("#result-status", "Succeeded")
	b.waitText("#claims-changed", "tenantId")
	b.waitText("#result-measures", "cold")
	if claims := b.text("#claims-changed"); !strings.Contains(claims, `"acme"`) || !strings.Contains(claims, "added") {
		t.Errorf("claims: %s", claims)
	}
	if same := eval[bool](b, "JSON.parse(document.getElementById('result-answer').textContent).response.claimsOverrideDetails.claimsToAddOrOverride.departmentId === '42'"); !same {
		t.Errorf("answer: %s", b.text("#result-answer"))
	}
	b.run(chromedp.Click("#run", chromedp.ByQuery))
	b.waitText("#result-measures", "warm")
	b.looks("function-code")

	// A handler is pasted, and runs only when it is deployed.
	b.paste("export const handler = async (event) => {\n  console.log('\\x1b[31mhello <b>');\n  return { answer: 9007199254740993n > 1, n: event.n };\n};\n")
	b.waitText("#state", "Changes not deployed")
	b.run(ctrl("s"))
	b.waitText("#state", "Deployed at")
	b.waitText("#state", "Deployed")
	b.run(chromedp.SetValue("#event-template", "empty", chromedp.ByQuery), chromedp.Evaluate("document.getElementById('event-template').dispatchEvent(new Event('change'))", nil))
	b.run(chromedp.Focus("#event-area", chromedp.ByQuery), ctrl("a"), input.InsertText(`{"n": 7}`), ctrl("\r"))
	b.waitText("#result-answer", `"n": 7`)
	b.waitText("#result-log", "␛[31mhello <b>")
	if eval[int](b, "document.querySelectorAll('#result-log *').length") != 0 {
		t.Error("Sec WEB-3: the log is markup")
	}

	// What is in the store is what was pasted.
	b.open("/console/functions/pretoken")
	b.run(chromedp.WaitVisible("#editor", chromedp.ByQuery))
	if code := eval[string](b, "document.getElementById('editor-area').value"); !strings.HasPrefix(code, "export const handler") {
		t.Errorf("code: %q", code)
	}
}

func TestConsoleFunctionErrors(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.createFunction("failing", "blank")
	mark := func(wantLine int, wantText string) {
		t.Helper()
		b.run(ctrl("s"))
		b.waitText("#state", "Deployed")
		b.run(ctrl("\r"))
		b.waitText(".line.marked", wantText)
		if line := b.text(".editor-gutter .marked"); !strings.Contains(line, strconv.Itoa(wantLine)) {
			t.Errorf("the mark is at line %q, want %d", line, wantLine)
		}
	}
	b.paste("const handler = async (event) => {\n  const user = undefined;\n  return user.name;\n};\n\nexport { handler };\n")
	mark(3, "Cannot read properties of undefined")
	b.run(chromedp.Click("#result-places button", chromedp.ByQuery))
	if at := eval[int](b, "document.getElementById('editor-area').value.slice(0, document.getElementById('editor-area').selectionStart).split('\\n').length"); at != 3 {
		t.Errorf("the caret is in line %d, want 3", at)
	}
	b.looks("function-error")
	// The mark goes with the line that it is about.
	b.run(chromedp.Focus("#editor-area", chromedp.ByQuery), chromedp.KeyEvent("x"), chromedp.WaitNotPresent(".line.marked", chromedp.ByQuery))

	b.paste("const handler = async () => 1;\nconst x = ;\nexport { handler };\n")
	mark(2, "SyntaxError")
	b.paste("export const handler = async () => ({ response: 1 });\n")
	b.run(ctrl("s"))
	b.waitText("#state", "Deployed")
	b.run(ctrl("\r"))
	b.waitText("#result-status", "Succeeded")
	b.run(chromedp.WaitNotPresent(".line.marked", chromedp.ByQuery))
}

func TestConsoleFunctionKeyboard(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.createFunction("keys", "blank")
	b.paste("a")
	b.run(chromedp.KeyEvent("\r"), chromedp.KeyEvent("if (b) {"), chromedp.KeyEvent("\r"), chromedp.KeyEvent("c"), chromedp.KeyEvent("\t"), chromedp.KeyEvent("d"))
	if got, want := eval[string](b, "document.getElementById('editor-area').value"), "a\nif (b) {\n  c  d"; got != want {
		t.Errorf("typed %q, want %q", got, want)
	}
	b.run(ctrl("z"))
	if got := eval[string](b, "document.getElementById('editor-area').value"); strings.HasSuffix(got, "d") {
		t.Errorf("undo did nothing: %q", got)
	}
	// Escape, then Tab, leaves; Shift-Tab alone does not.
	b.run(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(input.ModifierShift)))
	if at := eval[string](b, focused); at != "editor-area" {
		t.Errorf("Shift-Tab left the editor for %s", at)
	}
	b.run(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Tab))
	if at := eval[string](b, focused); at == "editor-area" {
		t.Error("the editor is a trap")
	}
	// The two texts lie on each other.
	for _, property := range []string{"fontFamily", "fontSize", "lineHeight", "letterSpacing", "tabSize"} {
		script := "['.editor-code', '#editor-area'].map((s) => getComputedStyle(document.querySelector(s))." + property + ").join('|')"
		one, other, _ := strings.Cut(eval[string](b, script), "|")
		if one != other || one == "" {
			t.Errorf("%s: %q below and %q above", property, one, other)
		}
	}
	// A file is added, renamed and deleted without a mouse.
	b.run(chromedp.Focus("#file-new", chromedp.ByQuery), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#name-dialog", chromedp.ByQuery), chromedp.KeyEvent("../x"), chromedp.KeyEvent("\r"))
	b.waitText("#name-problem", "relative path")
	b.run(ctrl("a"), chromedp.KeyEvent("lib/more.mjs"), chromedp.KeyEvent("\r"))
	b.waitText("#files", "lib/more.mjs")
	b.run(chromedp.KeyEvent("1"), ctrl("s"))
	b.waitText("#state", "Deployed at")
	b.run(chromedp.Focus("#file-rename", chromedp.ByQuery), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#name-dialog", chromedp.ByQuery), chromedp.KeyEvent("other.mjs"), chromedp.KeyEvent("\r"))
	b.waitText("#files", "other.mjs")
	b.run(chromedp.Focus("#file-delete", chromedp.ByQuery), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#delete-dialog", chromedp.ByQuery), chromedp.KeyEvent("\r"))
	b.wait("!document.getElementById('files').innerText.includes('other.mjs')")
	b.run(ctrl("s"))
	b.waitText("#state", "Deployed")
}

func TestConsoleTestEvents(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.createFunction("events", "blank")
	sources := eval[[]string](b, "[...document.querySelectorAll('#event-template option')].map((o) => o.value)")
	if len(sources) < 50 || sources[0] != "TokenGeneration_Authentication V1_0" {
		t.Fatalf("%d templates: %q", len(sources), sources)
	}
	choose := func(key string) {
		t.Helper()
		b.run(chromedp.Evaluate("(() => { const s = document.getElementById('event-template'); s.value = '"+key+"'; s.dispatchEvent(new Event('change')); })()", nil))
	}
	choose("PreSignUp_SignUp")
	b.run(ctrl("\r"))
	b.waitText("#result-answer", `"autoConfirmUser": false`)
	if eval[bool](b, "!document.getElementById('result-claims').hidden") {
		t.Error("claims are compared for an event that makes no token")
	}
	// An event of one's own outlives the page.
	b.run(chromedp.Focus("#event-area", chromedp.ByQuery), ctrl("a"), input.InsertText(`{"mine": 1}`))
	b.fill("#event-name", "mine")
	b.run(chromedp.Click("#event-save", chromedp.ByQuery))
	b.waitText("#event-said", "Saved")
	b.open("/console/functions/events")
	b.waitText("#state", "Deployed")
	choose("saved mine")
	b.run(ctrl("\r"))
	b.waitText("#result-answer", `"mine": 1`)
	b.run(chromedp.Click("#event-delete", chromedp.ByQuery))
	b.waitText("#event-said", "Deleted")
	// What is not JSON is not sent.
	b.run(chromedp.Focus("#event-area", chromedp.ByQuery), ctrl("a"), input.InsertText(`{"n": }`), ctrl("\r"))
	b.waitText("#event-problem", "Not JSON")
}

// A long file must not make typing slow.
func TestConsoleEditorLongFile(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.createFunction("long", "blank")
	b.run(chromedp.Evaluate(`(() => {
		const area = document.getElementById('editor-area');
		area.value = 'const a = x / 2; // comment\n'.repeat(4000);
		area.dispatchEvent(new Event('input'));
	})()`, nil))
	took := eval[float64](b, `(() => {
		const area = document.getElementById('editor-area');
		const before = performance.now();
		area.setRangeText('x', 70000, 70000, 'end');
		area.dispatchEvent(new Event('input'));
		document.querySelector('.editor-code').getBoundingClientRect();
		return performance.now() - before;
	})()`)
	t.Logf("a key in a file of 4000 lines: %.0f ms", took)
	if lines := eval[int](b, "document.querySelectorAll('#editor .line').length"); lines != 4001 {
		t.Errorf("%d lines", lines)
	}
	b.run(ctrl("s"))
	b.waitText("#state", "Deployed")
}

func TestConsoleFunctionConflict(t *testing.T) {
	s := startServer(t)
	b := newBrowser(t, s)
	b.allow("status of 412")
	b.allow("status of 400") // the refusal that the page deals with
	b.createFunction("shared", "blank")
	b.paste("export const handler = async () => 'mine';\n")
	// A setting that somebody else changes is no conflict …
	if _, stderr, err := s.run(t, "aws", "lambda", "update-function-configuration", "--function-name", "shared", "--timeout", "9"); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	b.run(ctrl("s"))
	b.waitText("#state", "Deployed at")
	// … but other code is.
	b.paste("export const handler = async () => 'mine again';\n")
	theirs := filepath.Join(t.TempDir(), "theirs.zip")
	if err := os.WriteFile(theirs, zipped(t, map[string][]byte{"index.mjs": []byte("export const handler = async () => 'theirs';\n")}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := s.run(t, "aws", "lambda", "update-function-code", "--function-name", "shared", "--zip-file", "fileb://"+theirs); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	b.run(ctrl("s"))
	b.waitText("#problem", "Somebody else has deployed")
	b.run(chromedp.Click("#problem button:nth-of-type(2)", chromedp.ByQuery))
	b.wait("document.getElementById('editor-area').value.includes('theirs')")
}

func TestConsoleFunctionPages(t *testing.T) {
	b := newBrowser(t, startServer(t))
	b.open("/console/functions")
	b.looks("functions-none")
	b.open("/console/create-function")
	b.fill("#name", "typed")
	b.wait("document.querySelector('details.cli code').textContent.includes('--function-name typed')")
	b.looks("function-create")
	b.createFunction("pages", "pretoken-v2")
	b.run(chromedp.Click("#run", chromedp.ByQuery))
	b.waitText("#result-status", "Succeeded")

	b.open("/console/functions/pages/configuration")
	b.fill(`input[aria-label="Name of a new variable"]`, "API_KEY")
	b.fill(`input[aria-label="Value of a new variable"]`, "s3cret")
	b.submit(`form[action$="/environment"] button.primary`)
	b.waitText("main", "The environment variables are saved.")
	if strings.Contains(eval[string](b, "document.documentElement.outerHTML"), "s3cret") {
		t.Error("Sec FN-7: the page has the value")
	}
	b.looks("function-configuration")
	b.open("/console/functions/pages/versions")
	b.submit(`form[action$="/versions"] button.primary`)
	b.fill("#alias", "live")
	b.submit(`form[action$="/aliases"] button.primary`)
	b.waitText("main", "The alias live is created.")
	b.looks("function-versions")
	b.open("/console/functions/pages/permissions")
	b.run(chromedp.WaitVisible("#principal", chromedp.ByQuery))
	b.submit(`form[action$="/permissions"] button.primary`)
	b.waitText(".sentences", "Cognito user pools may invoke it, for any user pool.")
	b.looks("function-permissions")
	b.open("/console/functions/pages/monitor")
	b.waitText("#log", "REPORT RequestId")
	b.waitText("#runs", "Succeeded")
	b.looks("function-monitor")
	b.fill("#log-filter", "nothing has this")
	if shown := b.text("#log"); strings.TrimSpace(shown) != "" {
		t.Errorf("the filter left %q", shown)
	}
	b.open("/console/functions")
	b.looks("functions")
}

// Lines that a function logs are shown as they are and have no effect.
func TestSec_WEB_3_FunctionLogLines(t *testing.T) {
	s := startServer(t)
	b := newBrowser(t, s)
	b.createFunction("logs", "blank")
	lines := []string{"<script>document.title='owned'</script>", "<img src=x onerror=alert(1)>", "\x1b]0;owned\x07\x1b[2Jgone", "over\rwritten", "user\u202egnp.exe"}
	text, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	b.paste("export const handler = async () => {\n  for (const line of " + string(text) + ") console.log(line);\n  throw new Error('<b>' + String.fromCharCode(27) + '[31m');\n};\n")
	b.run(ctrl("s"))
	b.waitText("#state", "Deployed")
	b.run(ctrl("\r"))
	b.waitText("#result-status", "Failed: Error: <b>␛[31m")
	b.waitText("#result-log", "<script>document.title")
	b.open("/console/functions/logs/monitor")
	b.waitText("#log", "<script>document.title='owned'</script>")
	b.waitText("#log", "␛]0;owned␇␛[2Jgone")
	shown := eval[string](b, "document.getElementById('log').textContent")
	if strings.ContainsAny(shown, "\x1b\x07\r\u202e") {
		t.Errorf("control characters are in the page: %q", shown)
	}
	if title := eval[string](b, "document.title"); strings.Contains(title, "owned") {
		t.Error("a log line ran as a script")
	}
}
