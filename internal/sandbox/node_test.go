package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

// The article's function, as it is written there.
const article = `const handler = async (event) => {
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

export { handler };`

// javaScript are functions and what becomes of them: on node, and on QuickJS
// unless nodeOnly says what for.
var javaScript = []struct {
	name      string
	files     []string
	handler   string // "index.handler"
	event     string // "{}"
	want      string // payload
	wantXs    int    // payload is a string of so many x; the table is made at every start of a shim, so it stays small
	wantType  string // errorType
	wantText  string // part of errorMessage
	wantLog   string // part of the log
	wantTrace string // part of the answer's trace
	nodeOnly  string
}{
	{
		name: "the article", files: []string{"index.mjs", article},
		event: `{"request":{"userAttributes":{"custom:tenantId":"t1","custom:department":"d1"}}}`,
		want:  `{"request":{"userAttributes":{"custom:tenantId":"t1","custom:department":"d1"}},"response":{"claimsOverrideDetails":{"claimsToAddOrOverride":{"tenantId":"t1","departmentId":"d1"}}}}`,
	},
	{name: "exported const", files: []string{"index.mjs", `export const handler = async () => 1;`}, want: `1`},
	{name: "default export object", files: []string{"index.mjs", `export default { handler: async () => 2 };`}, want: `2`},
	{name: "js of type module", files: []string{"index.js", `export const handler = async () => 3;`, "package.json", `{"type":"module"}`}, want: `3`},
	{name: "CommonJS", files: []string{"index.js", `exports.handler = async (event) => ({ n: event.n + 1 });`}, event: `{"n":1}`, want: `{"n":2}`},
	{name: "cjs in a directory, nested name", files: []string{"src/app.cjs", `module.exports = { api: { go: async () => 'x' } };`}, handler: "src/app.api.go", want: `"x"`},
	{name: "top-level await", files: []string{"index.mjs", `const v = await new Promise((ok) => setTimeout(() => ok(5), 5)); export const handler = async () => v;`}, want: `5`},
	{name: "callback", files: []string{"index.js", `exports.handler = (event, context, callback) => { setTimeout(() => callback(null, 'called'), 5); };`}, want: `"called"`},
	{name: "callback waits for the event loop", files: []string{"index.js", `exports.handler = (event, context, callback) => { const v = {n: 1}; setTimeout(() => { v.n = 2; }, 30); callback(null, v); };`}, want: `{"n":2}`},
	{name: "callback need not wait", files: []string{"index.js", `exports.handler = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; const v = {n: 1}; setTimeout(() => { v.n = 2; }, 30); callback(null, v); };`}, want: `{"n":1}`},
	{name: "callback with an error", files: []string{"index.js", `exports.handler = (event, context, callback) => callback(new TypeError('no'));`}, wantType: "TypeError", wantText: "no"},
	{name: "callback never called", files: []string{"index.js", `exports.handler = (event, context, callback) => {};`}, want: `null`},
	{name: "context.succeed", files: []string{"index.js", `exports.handler = (event, context) => { context.succeed('s'); };`}, want: `"s"`},
	{name: "context.fail", files: []string{"index.js", `exports.handler = (event, context) => { context.fail('bad'); };`}, wantType: "string", wantText: "bad"},
	{name: "context.done", files: []string{"index.js", `exports.handler = (event, context) => { context.done(null, 'd'); };`}, want: `"d"`},
	{name: "plain return", files: []string{"index.js", `exports.handler = (event) => event.v;`}, event: `{"v":[1]}`, want: `[1]`},
	{name: "undefined is null", files: []string{"index.mjs", `export const handler = async () => {};`}, want: `null`},
	{name: "console", files: []string{"index.mjs", `console.info('loading'); export const handler = async () => { console.warn('w %s %d', 'x', 3, {a: 1}); console.error(new Error('logged')); };`}, want: `null`, wantLog: "\tWARN\tw x 3 { a: 1 }"},
	{name: "environment", files: []string{"index.mjs", `export const handler = async () => [process.env.MINE, process.env.AWS_REGION, process.env.HOME, process.env.AWS_LAMBDA_FUNCTION_NAME];`}, want: `["my value","us-east-1",null,"fn"]`},
	{name: "throws", files: []string{"index.mjs", `export const handler = async () => { throw new RangeError('Not for you'); };`}, wantType: "RangeError", wantText: "Not for you", wantLog: `ERROR	Invoke Error 	{"errorType":"RangeError"`},
	{name: "throws a string", files: []string{"index.mjs", `export const handler = async () => { throw 'plain'; };`}, wantType: "string", wantText: "plain"},
	{name: "throws before a promise", files: []string{"index.js", `exports.handler = () => { null.x; };`}, wantType: "TypeError"},
	{name: "circular result", files: []string{"index.mjs", `export const handler = async () => { const a = {}; a.a = a; return a; };`}, wantType: "Runtime.MarshalError", wantText: "Unable to stringify response body"},
	{name: "10 MB", files: []string{"index.mjs", `export const handler = async () => 'x'.repeat(10 << 20);`}, wantType: "Function.ResponseSizeTooLarge", wantText: "(10485762 bytes) exceeded"},
	{name: "5 MB", files: []string{"index.mjs", `export const handler = async () => 'x'.repeat(5 << 20);`}, wantXs: 5 << 20},
	{name: "exits", files: []string{"index.mjs", `export const handler = async () => { process.exit(3); };`}, wantType: "Runtime.ExitError", wantText: "Error: Runtime exited with error: exit status 3"},
	{name: "exits with 0", files: []string{"index.mjs", `export const handler = async () => { process.exit(0); };`}, wantType: "Runtime.ExitError", wantText: "Error: Runtime exited without providing a reason"},
	{name: "never settles", files: []string{"index.mjs", `export const handler = () => new Promise(() => {});`}, wantType: "Runtime.NodeJsExit"},
	{name: "uncaught exception", files: []string{"index.mjs", `export const handler = () => new Promise(() => { setTimeout(() => { throw new Error('later'); }, 5); });`}, wantType: "Error", wantText: "later", wantLog: "Uncaught Exception"},
	{name: "unhandled rejection", files: []string{"index.mjs", `export const handler = () => new Promise((ok) => { Promise.reject(new Error('lost')); setTimeout(ok, 1000); });`}, wantType: "Runtime.UnhandledPromiseRejection", wantText: "Error: lost", nodeOnly: "QuickJS does not notice"},
	{name: "no such module", files: []string{"other.mjs", ``}, wantType: "Runtime.ImportModuleError", wantText: "Error: Cannot find module 'index'"},
	{name: "no such import", files: []string{"index.mjs", `import x from 'nonesuch'; export const handler = async () => x;`}, wantType: "Runtime.ImportModuleError", wantText: "Cannot find"},
	{name: "no such require", files: []string{"index.js", `require('nonesuch');`}, wantType: "Runtime.ImportModuleError", wantText: "Error: Cannot find module 'nonesuch'"},
	{name: "no such export", files: []string{"index.mjs", `export const other = 1;`}, wantType: "Runtime.HandlerNotFound", wantText: "index.handler is undefined or not exported"},
	{name: "not a function", files: []string{"index.mjs", `export const handler = 1;`}, wantType: "Runtime.HandlerNotFound", wantText: "index.handler is not a function"},
	{name: "syntax error", files: []string{"index.mjs", `export const handler = async (event) => {`}, wantType: "Runtime.UserCodeSyntaxError", wantText: "SyntaxError: "},
	{name: "syntax error at its line", files: []string{"index.mjs", "import fs from 'node:fs';\nexport const a = import.meta.url;\nexport {\n  a as b,\n};\nexport default {\n  x: 1 y\n};"}, wantType: "Runtime.UserCodeSyntaxError", wantText: "SyntaxError: ", wantTrace: "/index.mjs:7", nodeOnly: "QuickJS says it in its own way"},
	{name: "syntax error at its line, with await", files: []string{"index.mjs", "const v = await import('node:fs');\nexport const handler = async (event) => {\n  return event event;\n};"}, wantType: "Runtime.UserCodeSyntaxError", wantText: "SyntaxError: ", wantTrace: "/index.mjs:3", nodeOnly: "QuickJS says it in its own way"},
	{name: "syntax error at the end", files: []string{"index.mjs", "export const handler = async (event) => {\n"}, wantType: "Runtime.UserCodeSyntaxError", wantText: "SyntaxError: ", wantTrace: "/index.mjs:2", nodeOnly: "QuickJS says it in its own way"},
	{name: "syntax error in CommonJS", files: []string{"index.js", `exports.handler = ( => 1`}, wantType: "Runtime.UserCodeSyntaxError", wantText: "SyntaxError: "},
	{name: "throws while loading", files: []string{"index.mjs", `throw new EvalError('at load'); export const handler = 1;`}, wantType: "EvalError", wantText: "at load"},
	{name: "exits while loading", files: []string{"index.mjs", `process.exit(4);`}, wantType: "Runtime.ExitError", wantText: "exit status 4"},
	{name: "handler without a dot", files: []string{"index.mjs", ``}, handler: "index", wantType: "Runtime.MalformedHandlerName", wantText: "Bad handler"},
	{name: "handler outside", files: []string{"index.mjs", ``}, handler: "../index.handler", wantType: "Runtime.MalformedHandlerName"},
	{
		name:  "a package of its own",
		files: []string{"index.mjs", `import { twice } from 'pkg'; import data from './data.cjs'; export const handler = async (e) => twice(e.n) + data.plus;`, "node_modules/pkg/package.json", `{"main":"lib/a.js"}`, "node_modules/pkg/lib/a.js", `const h = require('./b'); exports.twice = (n) => h(n) * 2;`, "node_modules/pkg/lib/b.js", `module.exports = (n) => n;`, "data.cjs", `module.exports = { plus: 100 };`},
		event: `{"n":4}`, want: `108`,
	},
	{
		name:  "a package with exports",
		files: []string{"index.mjs", `import who from '@org/pkg'; export const handler = async () => who;`, "node_modules/@org/pkg/package.json", `{"type":"module","exports":{".":{"import":"./m.js","require":"./c.cjs"}}}`, "node_modules/@org/pkg/m.js", `export default 'esm';`, "node_modules/@org/pkg/c.cjs", `module.exports = 'cjs';`},
		want:  `"esm"`,
	},
	{name: "builtin modules", files: []string{"index.mjs", `import { Buffer } from 'node:buffer'; import util from 'util'; export const handler = async () => [Buffer.from('aGk=', 'base64').toString(), util.format('%s!', 'a'), new TextDecoder().decode(new TextEncoder().encode('é€😀')), structuredClone({a: [1]}), btoa('hi')];`}, want: `["hi","a!","é€😀",{"a":[1]},"aGk="]`},
	{name: "unicode", files: []string{"index.mjs", `export const handler = async (e) => e.s + '\u00e9';`}, event: `{"s":"žluť 😀"}`, want: `"žluť 😀é"`},
}

func TestJavaScript(t *testing.T) {
	for _, engine := range []string{"node", "quickjs"} {
		t.Run(engine, func(t *testing.T) {
			opts := sandbox.Options{}
			if engine == "node" {
				needNode(t)
			} else {
				opts.NodePath = sandbox.None
			}
			h := open(t, opts)
			for _, tt := range javaScript {
				t.Run(tt.name, func(t *testing.T) {
					if engine != "node" && tt.nodeOnly != "" {
						t.Skip(tt.nodeOnly)
					}
					cfg := node(code(t, tt.files...))
					cfg.Env = map[string]string{"MINE": "my value", "AWS_REGION": "not this"}
					if tt.handler != "" {
						cfg.Handler = tt.handler
					}
					f := h.Function(cfg)
					defer f.Stop(t.Context())
					ev := tt.event
					if ev == "" {
						ev = "{}"
					}
					// An environment that answered is used again.
					for i := range 2 {
						if i > 0 && tt.wantType != "" {
							break
						}
						res := invoke(t, f, ev)
						if tt.wantType == "" {
							want := tt.want
							if tt.wantXs > 0 {
								want = `"` + strings.Repeat("x", tt.wantXs) + `"`
							}
							answered(t, res, want)
							if res.Cold != (i == 0) {
								t.Errorf("event %d: cold %v", i, res.Cold)
							}
							if !strings.HasPrefix(res.Engine, engine) {
								t.Errorf("engine %q", res.Engine)
							}
						} else {
							got := failed(t, res)
							if got.Type != tt.wantType || !strings.Contains(got.Message, tt.wantText) {
								t.Errorf("error %q: %q, want %q: %q", got.Type, got.Message, tt.wantType, tt.wantText)
							}
							if !strings.Contains(string(res.Payload), tt.wantTrace) {
								t.Errorf("answer %s lacks %q", res.Payload, tt.wantTrace)
							}
						}
						if tt.wantLog != "" && !strings.Contains(string(res.LogTail), tt.wantLog) {
							t.Errorf("log %q lacks %q", res.LogTail, tt.wantLog)
						}
					}
					if t.Failed() {
						t.Log(logText(f))
					}
				})
			}
		})
	}
	if len(javaScript) < 30 {
		t.Error("the table has lost its rows")
	}
}

func TestContext(t *testing.T) {
	needNode(t)
	src := `export const handler = async (event, context) => ({
  ...context, left: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID,
});`
	for _, path := range []string{"", sandbox.None} {
		h := open(t, sandbox.Options{NodePath: path})
		f := h.Function(node(code(t, "index.mjs", src)))
		inv := event(`{}`)
		inv.TraceID = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"
		inv.ClientContext = []byte(`{"custom":{"k":"v"}}`)
		res, err := f.Invoke(t.Context(), inv)
		if err != nil {
			t.Fatal(err)
		}
		answered(t, res, "")
		var got struct {
			FunctionName, FunctionVersion, InvokedFunctionArn, MemoryLimitInMB, AwsRequestID, LogGroupName, LogStreamName, Trace string

			ClientContext map[string]map[string]string
			Left          int
		}
		if err := json.Unmarshal(res.Payload, &got); err != nil {
			t.Fatal(err)
		}
		if got.FunctionName != "fn" || got.FunctionVersion != "$LATEST" || got.InvokedFunctionArn != f.Config().ARN ||
			got.MemoryLimitInMB != "256" || got.AwsRequestID != inv.RequestID || got.LogGroupName != "/aws/lambda/fn" ||
			!strings.Contains(got.LogStreamName, "[$LATEST]") || got.Trace != inv.TraceID ||
			got.ClientContext["custom"]["k"] != "v" {
			t.Errorf("context %+v", got)
		}
		if got.Left < 30_000 || got.Left > 60_000 {
			t.Errorf("%d ms left of a minute", got.Left)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	needNode(t)
	for name, body := range map[string]string{
		"hangs in a loop": `for (;;) {}`,
		"waits for ever":  `return new Promise((ok) => setTimeout(ok, 1 << 30))`,
	} {
		for _, path := range []string{"", sandbox.None} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				h := open(t, sandbox.Options{NodePath: path})
				cfg := node(code(t, "index.mjs", `export const handler = async (e) => { if (e.hang) {`+body+`} return 'ok'; };`))
				cfg.Timeout = 300 * time.Millisecond
				f := h.Function(cfg)
				begin := time.Now()
				inv := event(`{"hang":true}`)
				res, err := f.Invoke(t.Context(), inv)
				if err != nil {
					t.Fatal(err)
				}
				got := failed(t, res)
				if got.Type != "Sandbox.Timedout" || !strings.HasSuffix(got.Message, "Z "+inv.RequestID+" Task timed out after 0.30 seconds") {
					t.Errorf("error %q: %q", got.Type, got.Message)
				}
				if !strings.Contains(string(res.LogTail), "Task timed out after 0.30 seconds") {
					t.Errorf("log %s", res.LogTail)
				}
				if took := time.Since(begin); took > 20*time.Second {
					t.Errorf("took %v", took)
				}
				again := invoke(t, f, `{}`)
				answered(t, again, `"ok"`)
				if !again.Cold {
					t.Error("the environment that hung was used again")
				}
				if s := f.Stats(); s.Timeouts != 1 || s.Errors != 1 || s.ColdStarts != 2 {
					t.Errorf("stats %+v", s)
				}
			})
		}
	}
}

func TestNodeVersionIsSaid(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	cfg := node(code(t, "index.mjs", `export const handler = async () => process.version;`))
	cfg.Runtime = "nodejs6.x"
	f := h.Function(cfg)
	res := invoke(t, f, `{}`)
	answered(t, res, "")
	want := fmt.Sprintf("This function asks for nodejs6.x and runs on %s.", res.Engine)
	if !strings.Contains(logText(f), want) {
		t.Errorf("log %q lacks %q", logText(f), want)
	}
	if string(res.Payload) != `"`+strings.TrimPrefix(res.Engine, "node ")+`"` {
		t.Errorf("engine %q, node says %s", res.Engine, res.Payload)
	}
}
