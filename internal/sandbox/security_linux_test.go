package sandbox_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

// levels runs f on a host with everything and, unless the machine has no
// Landlock, on one without namespaces.
func levels(t *testing.T, f func(t *testing.T, h *sandbox.Host, full bool)) {
	needNode(t)
	t.Run("all there is", func(t *testing.T) {
		h := open(t, sandbox.Options{})
		if i := h.Isolation(); len(i.Missing) > 0 {
			t.Skipf("needs a machine that has: %v", i.Missing)
		}
		f(t, h, true)
	})
	t.Run("without namespaces", func(t *testing.T) {
		h := open(t, sandbox.Options{})
		if !slices.Contains(h.Isolation().Have, sandbox.HaveScope) {
			t.Skip("needs a kernel with Landlock ABI 6")
		}
		h.WithLandlockOnly()
		f(t, h, false)
	})
}

// try is a function that evaluates expressions and says how each went:
// "ok: value" or "error: CODE".
const try = `
import fs from 'fs'; import net from 'net'; import os from 'os'; import cp from 'child_process'; import http from 'http';
const dial = (target) => new Promise((ok, no) => { const s = net.connect(target, () => { s.destroy(); ok('connected'); }); s.on('error', no); });
const listen = (target) => new Promise((ok, no) => { const s = net.createServer(); s.on('error', no); s.listen(target, () => { s.close(); ok('listening'); }); });
export const handler = async (list) => {
  const out = [];
  for (const source of list) {
    try { out.push('ok: ' + await eval(source)); } catch (e) { out.push('error: ' + (e.code || e.message)); }
  }
  return out;
};`

func attempt(t *testing.T, f *sandbox.Function, expressions ...string) []string {
	t.Helper()
	in, err := json.Marshal(expressions)
	if err != nil {
		t.Fatal(err)
	}
	res := invoke(t, f, string(in))
	answered(t, res, "")
	var out []string
	if err := json.Unmarshal(res.Payload, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != len(expressions) {
		t.Fatalf("%d answers to %d attempts", len(out), len(expressions))
	}
	return out
}

func TestSec_FN_2_CodeRunsInAProcessOfItsOwn(t *testing.T) {
	needNode(t)
	for _, path := range []string{"", sandbox.None} {
		h := open(t, sandbox.Options{NodePath: path})
		f := h.Function(node(code(t, "index.mjs", `let n = 0; export const handler = async (e) => { if (e.x) process.exit(5); return ++n; };`)))
		answered(t, invoke(t, f, `{}`), `1`)
		if got := failed(t, invoke(t, f, `{"x":1}`)); got.Type != "Runtime.ExitError" {
			t.Errorf("error %+v", got)
		}
		// We are still here, so the exit was another process's.
		answered(t, invoke(t, f, `{}`), `1`)
	}
}

func TestSec_FN_3_NothingIsInherited(t *testing.T) {
	t.Setenv("ROCKPOOL_DATABASE", "postgres://secret")
	// A descriptor that some library forgot to mark.
	leak, err := os.Create(filepath.Join(t.TempDir(), "leak"))
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	if _, err := unix.FcntlInt(leak.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	levels(t, func(t *testing.T, h *sandbox.Host, full bool) {
		cfg := node(code(t, "index.mjs", try))
		cfg.Env = map[string]string{"MINE": "x", "AWS_LAMBDA_FUNCTION_NAME": "forged", "BAD=NAME": "y"}
		f := h.Function(cfg)
		out := attempt(t, f,
			`Object.keys(process.env).sort().join(' ')`,
			`process.env.AWS_LAMBDA_FUNCTION_NAME`,
			`fs.readdirSync('/proc/self/fd').map((n) => { try { return fs.readlinkSync('/proc/self/fd/' + n); } catch { return 'gone'; } }).join(' ')`,
			fmt.Sprintf(`fs.readFileSync('/proc/%d/environ', 'utf8')`, os.Getpid()),
			`fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8')`,
		)
		want := "ok: AWS_DEFAULT_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION " +
			"AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_REGION LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT " +
			"LANG MINE NODE_PATH PATH TMPDIR TZ _HANDLER"
		if out[0] != want {
			t.Errorf("environment\n%s, want\n%s", out[0], want)
		}
		if out[1] != "ok: fn" {
			t.Errorf("function name %s", out[1])
		}
		sockets := 0
		for _, target := range strings.Fields(strings.TrimPrefix(out[2], "ok: ")) {
			switch {
			case strings.HasPrefix(target, "socket:"):
				sockets++
			case strings.HasPrefix(target, "/") && target != "/dev/null" && !strings.HasPrefix(target, "/proc/"):
				t.Errorf("inherited %s", target)
			}
		}
		if sockets != 1 {
			t.Errorf("%d sockets, want descriptor 3 alone: %s", sockets, out[2])
		}
		for _, o := range out[3:] {
			if !strings.HasPrefix(o, "error: ") {
				t.Errorf("read the host's environment: %.100s", o)
			}
		}
	})
}

func TestSec_FN_4_CodeCannotReachTheServer(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "rockpool.db")
	if err := os.WriteFile(secret, []byte("top secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	port := server.Addr().(*net.TCPAddr).Port
	abstract := fmt.Sprintf("rockpool-test-%d", os.Getpid())
	hidden, err := net.Listen("unix", "@"+abstract)
	if err != nil {
		t.Fatal(err)
	}
	defer hidden.Close()
	path := filepath.Join(t.TempDir(), "s")
	visible, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer visible.Close()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}

	levels(t, func(t *testing.T, h *sandbox.Host, full bool) {
		cfg := node(code(t, "index.mjs", try))
		cfg.TmpMB = 8
		f, other := h.Function(cfg), h.Function(node(code(t, "index.mjs", try)))
		q := func(s string) string { return strconv.Quote(s) }
		forbidden := []string{
			`fs.readFileSync(` + q(secret) + `, 'utf8')`,
			`fs.readdirSync(` + q(home) + `).join()`,
			`fs.readFileSync('/etc/shadow', 'utf8')`,
			`fs.readdirSync('/var/lib').join()`,
			`fs.writeFileSync(process.env.LAMBDA_TASK_ROOT + '/new.js', '')`,
			`fs.writeFileSync(process.env.LAMBDA_TASK_ROOT + '/index.mjs', '')`,
			`fs.chmodSync(process.env.LAMBDA_TASK_ROOT + '/index.mjs', 0o777) || fs.writeFileSync(process.env.LAMBDA_TASK_ROOT + '/index.mjs', '')`,
			`fs.writeFileSync('/usr/lib/rockpool-test', '')`,
			`fs.writeFileSync(process.env.LAMBDA_RUNTIME_DIR + '/node.cjs', '')`,
			`fs.symlinkSync(` + q(secret) + `, os.tmpdir() + '/link') || fs.readFileSync(os.tmpdir() + '/link', 'utf8')`,
			`cp.execFileSync('cat', [` + q(secret) + `], {stdio: ['ignore', 'pipe', 'ignore']})`,
			`fs.writeFileSync('/proc/sys/kernel/hostname', 'x')`,
			fmt.Sprintf(`fs.readFileSync('/proc/%d/mem')`, os.Getpid()),
			fmt.Sprintf(`process.kill(%d, 'SIGKILL')`, os.Getpid()),
			fmt.Sprintf(`process.kill(%d, 0)`, os.Getpid()),
			fmt.Sprintf(`listen({host: '127.0.0.1', port: %d})`, port),
			`dial({path: '\0` + abstract + `'})`,
			`fs.writeFileSync(os.tmpdir() + '/large', Buffer.alloc(20 << 20))`,
			`process.setuid(0) || fs.readFileSync('/etc/shadow', 'utf8')`,
		}
		if full { // file rules do not cover named sockets before ABI 9; an empty /tmp does
			forbidden = append(forbidden, `dial({path: `+q(path)+`})`)
		}
		for i, o := range attempt(t, f, forbidden...) {
			if !strings.HasPrefix(o, "error: ") {
				t.Errorf("%s: %.100s", forbidden[i], o)
			}
		}
		allowed := []string{
			`fs.rmSync(os.tmpdir() + '/large', {force: true}) || fs.writeFileSync(os.tmpdir() + '/mine', 'a') || fs.readFileSync(os.tmpdir() + '/mine', 'utf8')`,
			`fs.mkdirSync(os.tmpdir() + '/d') || fs.renameSync(os.tmpdir() + '/mine', os.tmpdir() + '/d/mine')`,
			`fs.readFileSync(process.env.LAMBDA_TASK_ROOT + '/index.mjs', 'utf8').length`,
			`cp.execFileSync('true')`,
			`fs.readFileSync('/etc/resolv.conf').length`,
			`new Promise((ok) => setTimeout(ok, 1))`,
			`/^NoNewPrivs:\s1$/m.test(fs.readFileSync('/proc/self/status', 'utf8'))`,
			`/^CapEff:\s0+$/m.test(fs.readFileSync('/proc/self/status', 'utf8')) && /^CapBnd:\s0+$/m.test(fs.readFileSync('/proc/self/status', 'utf8'))`,
		}
		for i, o := range attempt(t, f, allowed...) {
			if !strings.HasPrefix(o, "ok: ") || strings.HasSuffix(o, "false") {
				t.Errorf("%s: %.100s", allowed[i], o)
			}
		}
		// Another function sees nothing of it; nor does another environment.
		tmp := strings.TrimPrefix(attempt(t, f, `os.tmpdir()`)[0], "ok: ")
		if o := attempt(t, other, `fs.readFileSync(`+q(tmp+"/d/mine")+`, 'utf8')`)[0]; !strings.HasPrefix(o, "error: ") {
			t.Errorf("read another function's file: %s", o)
		}
		if full {
			seen := attempt(t, f, `fs.readdirSync('/proc').filter((n) => n > '0' && n < ':').length < 4`, `process.getuid() !== 0`)
			if seen[0] != "ok: true" || seen[1] != "ok: true" {
				t.Errorf("processes or user: %v", seen)
			}
		}
	})
	if b, err := os.ReadFile(secret); err != nil || string(b) != "top secret" {
		t.Errorf("the file: %q, %v", b, err)
	}
}

// marked counts processes of the machine that have mark in their command line.
func marked(t *testing.T, mark string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && strings.Contains(string(b), mark) {
			n++
		}
	}
	return n
}

func TestSec_FN_4_Exhaustion(t *testing.T) {
	levels(t, func(t *testing.T, h *sandbox.Host, full bool) {
		mark := fmt.Sprintf("98765%d", time.Now().UnixNano()%1e6)
		f := h.Function(node(code(t, "index.mjs", `
import { spawn } from 'child_process';
export const handler = async (e) => {
  if (e.do === 'memory') { const keep = []; for (;;) { keep.push(Buffer.alloc(16 << 20, 1)); await new Promise(setImmediate); } }
  if (e.do === 'processes') { const go = () => { for (let i = 0; i < 50; i++) spawn('sleep', ['`+mark+`'], {stdio: 'ignore'}).on('error', () => {}); setTimeout(go, 10); }; go(); return new Promise(() => {}); }
  if (e.do === 'leave') { spawn('sleep', ['`+mark+`'], {stdio: 'inherit', detached: true}).unref(); return 'left one behind'; }
  return 'fine';
};`)))
		if got := failed(t, invoke(t, f, `{"do":"memory"}`)); got.Type != "Runtime.ExitError" || !strings.HasSuffix(got.Message, "signal: killed") {
			t.Errorf("memory: %+v\n%s", got, logText(f))
		}
		if !strings.Contains(logText(f), "more than its 256 MB of memory") {
			t.Errorf("log: %s", logText(f))
		}
		answered(t, invoke(t, f, `{}`), `"fine"`)

		if got := failed(t, invoke(t, f, `{"do":"processes"}`)); got.Type != "Runtime.ExitError" {
			t.Errorf("processes: %+v\n%s", got, logText(f))
		}
		if n := marked(t, mark); n != 0 {
			t.Errorf("%d of the processes are left", n)
		}
		answered(t, invoke(t, f, `{}`), `"fine"`)
		if s := f.Stats(); s.Killed != 2 {
			t.Errorf("stats %+v", s)
		}

		// A child that left the group and holds the log's pipe.
		answered(t, invoke(t, f, `{"do":"leave"}`), `"left one behind"`)
		if n := marked(t, mark); n != 1 {
			t.Errorf("%d processes, want 1", n)
		}
		begin := time.Now()
		f.Stop(t.Context())
		if n := marked(t, mark); n != 0 {
			t.Errorf("%d processes outlived their function", n)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestSec_FN_5_OneAnswersOnlyItsOwnEvent(t *testing.T) {
	h := open(t, sandbox.Options{})
	a, b := h.Function(provided(t)), h.Function(provided(t))
	var address string
	res := invoke(t, b, `{"Do":"address"}`)
	answered(t, res, "")
	if err := json.Unmarshal(res.Payload, &address); err != nil {
		t.Fatal(err)
	}
	next := address + "/2018-06-01/runtime/invocation/next"
	// Another function, and the host itself, get no word out of it.
	answered(t, invoke(t, a, `{"Do":"get","Text":"`+next+`"}`), `"refused"`)
	if res, err := http.Get("http://" + next); err == nil {
		t.Errorf("a stranger was answered %s", res.Status)
		_ = res.Body.Close() // unread
	}
	// An answer to an event one does not hold.
	for _, id := range []string{"8cd5d5a1-0000-4000-8000-000000000000", "next", "..", "%2e%2e"} {
		res := invoke(t, a, `{"Do":"other id","Text":"`+id+`"}`)
		answered(t, res, "")
		if s := string(res.Payload); s != `"400 Bad Request"` && s != `"404 Not Found"` {
			t.Errorf("answering %q: %s", id, s)
		}
	}
	res = invoke(t, a, `{"Do":"twice"}`)
	answered(t, res, `"first"`)
	answered(t, invoke(t, a, `{"n":1}`), `{"n":1}`)
	if !strings.Contains(logText(a), "second: 400 Bad Request") {
		t.Errorf("log: %s", logText(a))
	}
	answered(t, invoke(t, b, `{"n":2}`), `{"n":2}`)
}

func TestSec_FN_5_Frames(t *testing.T) {
	needNode(t)
	for name, write := range map[string]string{
		"another event's answer":  `const id = Buffer.from('8cd5d5a1-0000-4000-8000-000000000000'); const p = Buffer.from('"stolen"'); const b = Buffer.concat([Buffer.from([0, 0, 0, 1 + id.length + 4 + p.length]), Buffer.from('S'), Buffer.from([id.length]), id, Buffer.alloc(4), p]); fs.writeSync(3, b)`,
		"rubbish":                 `fs.writeSync(3, Buffer.from('garbage garbage garbage'))`,
		"an endless frame":        `fs.writeSync(3, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x53]))`,
		"half a frame":            `(fs.writeSync(3, Buffer.from([0, 0, 1, 0, 0x53, 1])), process.exit(0))`,
		"answer that is not JSON": `const id = Buffer.from(c.awsRequestId); const p = Buffer.from('{]'); const b = Buffer.concat([Buffer.from([0, 0, 0, 1 + id.length + 4 + p.length]), Buffer.from('S'), Buffer.from([id.length]), id, Buffer.alloc(4), p]); fs.writeSync(3, b)`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, sandbox.Options{})
			f := h.Function(node(code(t, "index.mjs", `import fs from 'fs'; export const handler = async (e, c) => { if (e.bad) { `+write+` } return 'ok'; };`)))
			got := failed(t, invoke(t, f, `{"bad":true}`))
			switch got.Type {
			case "Runtime.InvalidResponse", "Function.ResponseSizeTooLarge", "Runtime.ExitError":
			default:
				t.Errorf("error %+v", got)
			}
			answered(t, invoke(t, f, `{}`), `"ok"`)
		})
	}
}

// Chaos in some functions must not reach another.
func TestSec_FN_6(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	good := h.Function(node(code(t, "index.mjs", echo)))
	answered(t, invoke(t, good, `{}`), `{}`)
	var wg sync.WaitGroup
	for _, body := range []string{
		`throw new Error('x')`, `process.exit(1)`, `for (;;) {}`, `for (;;) console.log('x'.repeat(1 << 16))`,
		`for (;;) process.stdout.write('x'.repeat(1 << 16))`, `return 'x'.repeat(10 << 20)`, `process.kill(process.pid, 'SIGKILL'); process.abort()`,
	} {
		cfg := node(code(t, "index.mjs", `export const handler = async () => { `+body+` };`))
		cfg.Timeout = 500 * time.Millisecond
		f := h.Function(cfg)
		for range 2 {
			inv := event(`{}`)
			wg.Go(func() {
				res, err := f.Invoke(t.Context(), inv)
				if err != nil || res.FunctionError == "" {
					t.Errorf("%s: %v, %.100s", body, err, res.Payload)
				}
			})
		}
	}
	for range 50 {
		answered(t, invoke(t, good, `{"n":1}`), `{"n":1}`)
	}
	wg.Wait()
	if s := good.Stats(); s.Errors != 0 || s.ColdStarts != 1 {
		t.Errorf("stats of the good one: %+v", s)
	}
}

func TestSec_FN_7(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	cfg := node(code(t, "index.mjs", `let n = 0; export const handler = async () => ++n;`))
	v1 := h.Function(cfg)
	answered(t, invoke(t, v1, `{}`), `1`)
	answered(t, invoke(t, v1, `{}`), `2`)
	cfg.Version = "2"
	v2 := h.Function(cfg)
	answered(t, invoke(t, v2, `{}`), `1`)
	answered(t, invoke(t, v1, `{}`), `3`)
}

func TestStrict(t *testing.T) {
	h := open(t, sandbox.Options{})
	missing := h.Isolation().Missing
	strict, err := sandbox.Open(sandbox.Options{Isolation: sandbox.LevelStrict})
	if (err == nil) != (len(missing) == 0) {
		t.Errorf("missing %v, strict says %v", missing, err)
	}
	if err == nil {
		if err := strict.Close(); err != nil {
			t.Error(err)
		}
	}
	none := open(t, sandbox.Options{Isolation: sandbox.LevelNone})
	if m := none.Isolation().Missing; !slices.Contains(m, sandbox.HaveLandlock) || !slices.Contains(m, sandbox.HaveNoNewPrivs) {
		t.Errorf("level none misses %v", m)
	}
}

// A server that is killed takes its functions along, also those in a loop.
func TestHostKilled(t *testing.T) {
	needNode(t)
	for _, landlockOnly := range []string{"", "1"} {
		mark := fmt.Sprintf("mark%d", time.Now().UnixNano())
		dir := code(t, "index.mjs", `process.title = '`+mark+`'; export const handler = async () => { setTimeout(() => { for (;;) {} }, 5); return 'up'; };`)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SANDBOX_TEST_HOST=" + t.TempDir(), "SANDBOX_TEST_CODE=" + dir, "SANDBOX_TEST_LANDLOCK=" + landlockOnly}
		cmd.WaitDelay = 2 * time.Second
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || line != "\"up\" <nil>\n" {
			t.Fatalf("host said %q, %v", line, err)
		}
		if n := marked(t, mark); n != 1 {
			t.Errorf("%d functions, want 1", n)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		deadline := time.Now().Add(20 * time.Second)
		for marked(t, mark) > 0 { // the kernel takes its time
			if time.Now().After(deadline) {
				t.Fatal("the function outlived its server")
			}
			<-time.After(time.Millisecond)
		}
	}
}

func TestEnvironmentFoundDead(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	f := h.Function(node(code(t, "index.mjs", `export const handler = async (e) => { setImmediate(() => process.exit(1)); return 'ok'; };`)))
	for range 20 { // the event must never be lost to the death of its predecessor's environment
		res := invoke(t, f, `{}`)
		if res.FunctionError != "" {
			// It was delivered just before the end: that is the function's doing.
			if got := failed(t, res); got.Type != "Runtime.ExitError" {
				t.Errorf("error %+v", got)
			}
			continue
		}
		answered(t, res, `"ok"`)
	}
}
