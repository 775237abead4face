package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

const slow = `export const handler = async (e) => { await new Promise((ok) => setTimeout(ok, e.ms)); console.log('done', e.n); return e.n; };`

func TestEnvironmentsGrowToTheCap(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	cfg := node(code(t, "index.mjs", slow))
	cfg.MaxConcurrency = 2
	f := h.Function(cfg)
	if err := f.Warm(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 6 {
		inv := event(fmt.Sprintf(`{"n":%d,"ms":20}`, n))
		wg.Go(func() {
			res, err := f.Invoke(t.Context(), inv)
			if err != nil || string(res.Payload) != fmt.Sprint(n) {
				t.Errorf("event %d: %s, %v", n, res.Payload, err)
			}
		})
	}
	wg.Wait()
	if s := f.Stats(); s.Environments != 2 || s.ColdStarts != 2 || s.Invocations != 6 || s.Busy != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestCallerGoneEventGoesOn(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	f := h.Function(node(code(t, "index.mjs", slow)))
	if err := f.Warm(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	follow := f.Logs().Follow()
	defer follow.Close()
	ctx, cancel := context.WithCancel(t.Context())
	inv := event(`{"n":7,"ms":300}`)
	go func() {
		for l := range follow.Lines() {
			if strings.HasPrefix(l.Text, "START ") {
				cancel()
				return
			}
		}
	}()
	if _, err := f.Invoke(ctx, inv); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want canceled", err)
	}
	answered(t, invoke(t, f, `{"n":8,"ms":0}`), `8`) // the same environment, after the other event
	if s := f.Stats(); s.ColdStarts > 2 {
		t.Errorf("stats %+v", s)
	}
	f.Stop(t.Context())
	text := logText(f)
	if !strings.Contains(text, inv.RequestID+"\tINFO\tdone 7") || !strings.Contains(text, "END RequestId: "+inv.RequestID) {
		t.Errorf("the event did not go on: %s", text)
	}
}

func TestDeadline(t *testing.T) {
	needNode(t)
	past := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	h := open(t, sandbox.Options{Now: func() time.Time { return past }})
	f := h.Function(node(code(t, "index.mjs", slow)))
	answered(t, invoke(t, f, `{"n":1,"ms":0}`), `1`)
	inv := event(`{"n":1,"ms":60000}`)
	inv.Deadline = past.Add(200 * time.Millisecond)
	begin := time.Now()
	res, err := f.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	if got := failed(t, res); got.Type != "Sandbox.Timedout" || !strings.HasPrefix(got.Message, "2001-01-01T00:00:00.000Z ") {
		t.Errorf("error %+v", got)
	}
	if took := time.Since(begin); took > 9*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestStop(t *testing.T) {
	needNode(t)
	state := t.TempDir()
	h := open(t, sandbox.Options{StateDir: state})
	f := h.Function(node(code(t, "index.mjs", slow)))
	if err := f.Warm(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	started := f.Logs().Follow()
	defer started.Close()
	inv := event(`{"n":3,"ms":100}`)
	done := make(chan string, 1)
	go func() {
		res, err := f.Invoke(t.Context(), inv)
		done <- fmt.Sprint(string(res.Payload), err)
	}()
	<-started.Lines() // START
	f.Stop(t.Context())
	if got := <-done; got != "3<nil>" {
		t.Errorf("the running event came to %s", got)
	}
	if _, err := f.Invoke(t.Context(), event(`{}`)); !errors.Is(err, sandbox.ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(state, "tmp")); err != nil || len(left) != 0 {
		t.Errorf("scratch directories left: %v, %v", left, err)
	}

	// With no time left, what runs is killed.
	g := h.Function(node(code(t, "index.mjs", slow)))
	if err := g.Warm(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	again := g.Logs().Follow()
	defer again.Close()
	inv = event(`{"n":4,"ms":60000}`)
	go func() {
		res, err := g.Invoke(context.Background(), inv)
		done <- fmt.Sprint(res.FunctionError, err)
	}()
	<-again.Lines()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "Unhandled<nil>" {
		t.Errorf("the killed event came to %s", got)
	}
	if _, err := h.Function(node("/nonesuch")).Invoke(t.Context(), event(`{}`)); !errors.Is(err, sandbox.ErrStopped) {
		t.Errorf("after Close: %v", err)
	}
}

func TestIdleEnvironmentStops(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{IdleTimeout: 20 * time.Millisecond})
	f := h.Function(node(code(t, "index.mjs", `let n = 0; export const handler = async () => ++n;`)))
	answered(t, invoke(t, f, `{}`), `1`)
	deadline := time.Now().Add(20 * time.Second)
	for f.Stats().Environments > 0 { // a process ends in its own time
		if time.Now().After(deadline) {
			t.Fatalf("stats %+v", f.Stats())
		}
		<-time.After(time.Millisecond)
	}
	answered(t, invoke(t, f, `{}`), `1`)
}

func TestRefusedInvocations(t *testing.T) {
	h := open(t, sandbox.Options{})
	f := h.Function(node(t.TempDir()))
	for name, change := range map[string]func(*sandbox.Invocation){
		"no request id":            func(i *sandbox.Invocation) { i.RequestID = "" },
		"request id with a slash":  func(i *sandbox.Invocation) { i.RequestID = "a/b" },
		"request id with a line":   func(i *sandbox.Invocation) { i.RequestID = "a\nEND" },
		"long request id":          func(i *sandbox.Invocation) { i.RequestID = strings.Repeat("x", 129) },
		"large event":              func(i *sandbox.Invocation) { i.Payload = make([]byte, sandbox.MaxPayload+1) },
		"trace id with a line":     func(i *sandbox.Invocation) { i.TraceID = "a\r\nX: y" },
		"context that is not JSON": func(i *sandbox.Invocation) { i.ClientContext = []byte(`{"a":1},"deadline":9`) },
	} {
		inv := event(`{}`)
		change(&inv)
		if _, err := f.Invoke(t.Context(), inv); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	cfg := node(t.TempDir())
	cfg.Runtime = "cobol85"
	if _, err := h.Function(cfg).Invoke(t.Context(), event(`{}`)); !errors.Is(err, sandbox.ErrRuntime) {
		t.Errorf("unknown runtime: %v", err)
	}
	h2 := open(t, sandbox.Options{NodePath: "/nonesuch/node"})
	if _, err := h2.Function(node(t.TempDir())).Invoke(t.Context(), event(`{}`)); !errors.Is(err, sandbox.ErrRuntime) {
		t.Errorf("missing node: %v", err)
	}
}

func TestLargeEvent(t *testing.T) {
	needNode(t)
	for _, path := range []string{"", sandbox.None} {
		h := open(t, sandbox.Options{NodePath: path})
		// It writes log at start and while the event is on its way.
		f := h.Function(node(code(t, "index.mjs", `for (let i = 0; i < 50; i++) console.log('x'.repeat(10000)); export const handler = async (e) => e.s.length;`)))
		for range 2 {
			answered(t, invoke(t, f, `{"s":"`+strings.Repeat("y", 5<<20)+`"}`), fmt.Sprint(5<<20))
		}
	}
}

func TestFlood(t *testing.T) {
	needNode(t)
	h := open(t, sandbox.Options{})
	f := h.Function(node(code(t, "index.mjs", `
export const handler = async (e) => {
  if (e.how === 'console') for (let i = 0; i < 3000; i++) console.log('x'.repeat(10000));
  const write = (to, s) => new Promise((ok) => to.write(s, ok));
  if (e.how === 'stdout') for (let i = 0; i < 3000; i++) await write(process.stdout, 'y'.repeat(10000) + '\n');
  if (e.how === 'line') await write(process.stderr, 'z'.repeat(1 << 20) + 'tail\nafter\n');
  return 'ok';
};`)))
	for _, how := range []string{"console", "stdout", "line"} {
		res := invoke(t, f, `{"how":"`+how+`"}`)
		answered(t, res, `"ok"`)
		if len(res.LogTail) > sandbox.MaxLogTail {
			t.Errorf("%s: tail of %d bytes", how, len(res.LogTail))
		}
		if !strings.Contains(string(res.LogTail), "\tDropped: ") || !strings.Contains(string(res.LogTail), "REPORT RequestId: ") {
			t.Errorf("%s: tail %.300q", how, res.LogTail)
		}
	}
	var bytes int
	lines := f.Logs().Tail(0)
	for _, l := range lines {
		bytes += len(l.Text)
		if len(l.Text) > 256<<10 {
			t.Errorf("line of %d bytes", len(l.Text))
		}
	}
	if bytes > 4<<20 || bytes < 1<<20 {
		t.Errorf("%d bytes of log kept", bytes)
	}
	if s := f.Stats(); s.DroppedLogs < 50<<20 {
		t.Errorf("stats %+v", s)
	}
	if !strings.Contains(logText(f), "stderr: after\n") {
		t.Error("the line after a long one is missing")
	}
}
