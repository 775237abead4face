package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

// open returns a Host that the test closes.
func open(t testing.TB, opts sandbox.Options) *sandbox.Host {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	h, err := sandbox.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func needNode(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs node in PATH")
	}
}

// code writes files given as name, text, name, text.
func code(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func node(dir string) sandbox.Config {
	return sandbox.Config{
		Name: "fn", Version: "$LATEST", Region: "us-east-1", Account: "000000000000",
		ARN:     "arn:aws:lambda:us-east-1:000000000000:function:fn",
		Runtime: "nodejs20.x", Handler: "index.handler", CodeDir: dir, MemoryMB: 256, Timeout: time.Minute,
	}
}

var serial atomic.Int64

func event(payload string) sandbox.Invocation {
	return sandbox.Invocation{RequestID: fmt.Sprintf("8cd5d5a1-0000-4000-8000-%012d", serial.Add(1)), Payload: []byte(payload), Logs: true}
}

func invoke(t testing.TB, f *sandbox.Function, payload string) sandbox.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	res, err := f.Invoke(ctx, event(payload))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// failure decodes an error payload.
type failure struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	Trace   []string `json:"trace"`
}

func failed(t testing.TB, res sandbox.Result) failure {
	t.Helper()
	if res.FunctionError == "" {
		t.Fatalf("function answered %.200s, want an error", res.Payload)
	}
	var f failure
	if err := json.Unmarshal(res.Payload, &f); err != nil {
		t.Fatalf("error payload %.200s: %v", res.Payload, err)
	}
	return f
}

func answered(t testing.TB, res sandbox.Result, want string) {
	t.Helper()
	if res.FunctionError != "" {
		t.Fatalf("function failed: %.500s\nlog: %s", res.Payload, res.LogTail)
	}
	if want != "" && string(res.Payload) != want {
		t.Errorf("answer %.500s, want %s", res.Payload, want)
	}
}

func logText(f *sandbox.Function) string {
	var b strings.Builder
	for _, l := range f.Logs().Tail(0) {
		fmt.Fprintf(&b, "%s: %s\n", l.Stream, l.Text)
	}
	return b.String()
}
