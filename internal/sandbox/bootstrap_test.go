package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

// order is an event of bootstrapMain.
type order struct {
	Do   string
	Text string
	N    int
}

// bootstrapMain is a function on provided.al2023: this test binary, polling the
// Runtime API by hand.
func bootstrapMain() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"
	post := func(path, body string) string {
		res, err := http.Post(base+path, "application/json", strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body) // so that the connection is used again
		return res.Status
	}
	if os.Getenv("FAIL_INIT") != "" {
		fmt.Println(post("init/error", `{"errorType":"Init.Broken","errorMessage":"at start"}`))
		os.Exit(1)
	}
	for {
		res, err := http.Get(base + "invocation/next")
		if err != nil {
			os.Exit(9)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			os.Exit(9)
		}
		_ = res.Body.Close() // read to its end
		id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
		var o order
		_ = json.Unmarshal(body, &o) // what is not an order is echoed
		answer := string(body)
		switch o.Do {
		case "headers":
			b, _ := json.Marshal(res.Header) // a map of strings
			answer = string(b)
		case "error":
			post("invocation/"+id+"/error", `{"errorType":"My.Error","errorMessage":"`+o.Text+`"}`)
			continue
		case "nonsense error":
			post("invocation/"+id+"/error", `not json`)
			continue
		case "exit":
			os.Exit(o.N)
		case "hang":
			select {}
		case "large":
			answer = `"` + strings.Repeat("x", o.N) + `"`
		case "other id":
			answer = fmt.Sprintf("%q", post("invocation/"+o.Text+"/response", `"stolen"`))
		case "twice":
			post("invocation/"+id+"/response", `"first"`)
			fmt.Println("second:", post("invocation/"+id+"/response", `"second"`))
			continue
		case "get": // somebody else's address
			res, err := http.Get("http://" + o.Text)
			if err != nil {
				answer = fmt.Sprintf("%q", "refused")
			} else {
				b, _ := io.ReadAll(res.Body) // whatever came
				_ = res.Body.Close()         // read to its end
				answer = fmt.Sprintf("%q", res.Status+" "+string(b))
			}
		case "address":
			answer = fmt.Sprintf("%q", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
		case "print":
			for i := range o.N {
				fmt.Printf("line %d\n", i)
			}
			fmt.Fprint(os.Stderr, "no newline")
		}
		post("invocation/"+id+"/response", answer)
	}
}

// provided is a function whose bootstrap is this test binary.
func provided(t testing.TB) sandbox.Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	cfg := node(dir)
	cfg.Runtime, cfg.Handler = "provided.al2023", "ignored"
	return cfg
}

func TestProvided(t *testing.T) {
	h := open(t, sandbox.Options{})
	f := h.Function(provided(t))
	answered(t, invoke(t, f, `{"a":1}`), `{"a":1}`)
	res := invoke(t, f, `[2]`)
	answered(t, res, `[2]`)
	if res.Cold || res.Engine != "bootstrap" || res.MaxMemoryMB == 0 {
		t.Errorf("result %+v", res)
	}
	if got := failed(t, invoke(t, f, `{"Do":"error","Text":"sorry"}`)); got.Type != "My.Error" || got.Message != "sorry" {
		t.Errorf("error %+v", got)
	}
	if got := failed(t, invoke(t, f, `{"Do":"nonsense error"}`)); got.Type != "Runtime.Unknown" || got.Message != "not json" {
		t.Errorf("error %+v", got)
	}
	if got := failed(t, invoke(t, f, `{"Do":"large","N":10485760}`)); got.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("error %+v", got)
	}
	res = invoke(t, f, `{"Do":"print","N":3}`)
	if log := string(res.LogTail); !strings.Contains(log, "line 0\nline 1\nline 2\n") || !strings.Contains(log, "no newline\n") || !strings.HasPrefix(log, "START RequestId: ") {
		t.Errorf("log %q", log)
	}
	if s := f.Stats(); s.ColdStarts != 1 {
		t.Errorf("stats %+v: an error or a large answer ended the environment", s)
	}
	if got := failed(t, invoke(t, f, `{"Do":"exit","N":7}`)); got.Type != "Runtime.ExitError" || !strings.HasSuffix(got.Message, "exit status 7") {
		t.Errorf("error %+v", got)
	}
	answered(t, invoke(t, f, `{"Do":"echo"}`), `{"Do":"echo"}`)

	inv := event(`{"Do":"headers"}`)
	inv.TraceID, inv.ClientContext = "Root=1-2-3", []byte("{\n\"custom\": {\"k\": \"é😀\"}}")
	res, err := f.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	answered(t, res, "")
	var header http.Header
	if err := json.Unmarshal(res.Payload, &header); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       inv.RequestID,
		"Lambda-Runtime-Invoked-Function-Arn": f.Config().ARN,
		"Lambda-Runtime-Trace-Id":             inv.TraceID,
		"Lambda-Runtime-Client-Context":       `{"custom":{"k":"\u00e9\ud83d\ude00"}}`,
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if ms := header.Get("Lambda-Runtime-Deadline-Ms"); len(ms) != 13 {
		t.Errorf("deadline %q", ms)
	}
}

func TestProvidedFailures(t *testing.T) {
	h := open(t, sandbox.Options{})
	cfg := provided(t)
	cfg.Env = map[string]string{"FAIL_INIT": "1"}
	if got := failed(t, invoke(t, h.Function(cfg), `{}`)); got.Type != "Init.Broken" || got.Message != "at start" {
		t.Errorf("error %+v", got)
	}
	cfg = provided(t)
	cfg.Timeout = 300 * time.Millisecond
	f := h.Function(cfg)
	if got := failed(t, invoke(t, f, `{"Do":"hang"}`)); got.Type != "Sandbox.Timedout" {
		t.Errorf("error %+v", got)
	}
	answered(t, invoke(t, f, `1`), `1`)
	cfg.CodeDir = code(t, "bootstrap", "not a program")
	if err := os.Chmod(filepath.Join(cfg.CodeDir, "bootstrap"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := failed(t, invoke(t, h.Function(cfg), `{}`)); got.Type != "Runtime.InvalidEntrypoint" || !strings.Contains(got.Message, "exec format error") {
		t.Errorf("error %+v", got)
	}
	cfg.CodeDir = t.TempDir()
	if got := failed(t, invoke(t, h.Function(cfg), `{}`)); got.Type != "Runtime.InvalidEntrypoint" {
		t.Errorf("error %+v", got)
	}
}

func TestPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3 in PATH")
	}
	h := open(t, sandbox.Options{})
	python := func(src, handler string) *sandbox.Function {
		cfg := node(code(t, "app.py", src, "pkg/__init__.py", "", "pkg/mod.py", "def go(event, context):\n    return 'nested'\n"))
		cfg.Runtime, cfg.Handler = "python3.11", handler
		return h.Function(cfg)
	}
	f := python(`
import json, logging, os, sys, decimal
log = logging.getLogger()
log.setLevel("INFO")
def handler(event, context):
    if event.get("do") == "raise":
        raise ValueError("not für you")
    if event.get("do") == "exit":
        sys.exit(3)
    if event.get("do") == "bytes":
        return b"x"
    log.info("seen %s", event)
    print("printed")
    return {"got": event, "fn": context.function_name, "left": context.get_remaining_time_in_millis() > 5000,
            "id": context.aws_request_id, "d": decimal.Decimal("1.5"), "home": os.environ.get("HOME")}
`, "app.handler")
	inv := event(`{"s":"ž😀"}`)
	res, err := f.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	answered(t, res, `{"got": {"s": "ž😀"}, "fn": "fn", "left": true, "id": "`+inv.RequestID+`", "d": 1.5, "home": null}`)
	if log := string(res.LogTail); !strings.Contains(log, "printed\n") || !strings.Contains(log, "[INFO]\t") || !strings.Contains(log, inv.RequestID+"\tseen {") {
		t.Errorf("log %q", log)
	}
	if !strings.HasPrefix(res.Engine, "python3") {
		t.Errorf("engine %q", res.Engine)
	}
	for _, tt := range []struct{ name, src, handler, event, wantType, wantText string }{
		{"raises", "", "", `{"do":"raise"}`, "ValueError", "not für you"},
		{"exits", "", "", `{"do":"exit"}`, "Runtime.ExitError", "exit status 3"},
		{"returns bytes", "", "", `{"do":"bytes"}`, "Runtime.MarshalError", "Unable to marshal response: Object of type bytes is not JSON serializable"},
		{"no module", "x = 1", "nonesuch.handler", `{}`, "Runtime.ImportModuleError", "Unable to import module 'nonesuch': No module named 'nonesuch'"},
		{"no handler", "x = 1", "app.handler", `{}`, "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"},
		{"syntax", "def (", "app.handler", `{}`, "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"},
		{"bad name", "x = 1", "app", `{}`, "Runtime.MalformedHandlerName", "Bad handler 'app'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := f
			if tt.src != "" {
				g = python(tt.src, tt.handler)
			}
			if got := failed(t, invoke(t, g, tt.event)); got.Type != tt.wantType || !strings.Contains(got.Message, tt.wantText) {
				t.Errorf("error %q: %q, want %q: %q\n%s", got.Type, got.Message, tt.wantType, tt.wantText, logText(g))
			}
		})
	}
	answered(t, invoke(t, python("", "pkg/mod.go"), `{}`), `"nested"`)
	h2 := open(t, sandbox.Options{PythonPath: sandbox.None})
	cfg := node(t.TempDir())
	cfg.Runtime = "python3.12"
	if _, err := h2.Function(cfg).Invoke(t.Context(), event(`{}`)); err == nil || !bytes.Contains([]byte(err.Error()), []byte("no python3")) {
		t.Errorf("without python: %v", err)
	}
}
