package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rockpoolhq/rockpool"
)

func TestMain(m *testing.M) {
	rockpool.Reexec()
	testscript.Main(m, map[string]func(){"rockpool": main})
}

// TestScript runs the manual: a script for each verb in testdata/script. Beside
// the commands of testscript there are
//
//	start VERB [ARGS]     run a server on a free port until the script ends, its
//	                      log in server.log; $ROCKPOOL_ENDPOINT is its address
//	halt                  stop it before (stop is testscript's: it ends the script)
//	api OPERATION K=V…    call an operation of user pools (K:=JSON for what is
//	                      not a string) and keep the answer
//	keep VAR PATH [FILE]  set a variable to a member of the answer, or of what a
//	                      file of JSON or stdout says: a text, or JSON
func TestScript(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) < 14 {
		t.Fatalf("%d scripts, want 14: where is the manual?", len(scripts))
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: false,
		Setup: func(env *testscript.Env) error {
			env.Values[stateKey{}] = &state{}
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": cmdStart, "halt": cmdHalt, "api": cmdAPI, "keep": cmdKeep,
		},
	})
}

// state is what the commands of a script share.
type state struct {
	server *exec.Cmd
	exited chan struct{}
	answer map[string]any
}

type stateKey struct{}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

const serverTimeout = 30 * time.Second

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	if neg || len(args) == 0 || s.server != nil {
		ts.Fatalf("usage: start VERB [ARGS], once before halt")
	}
	// The dev server is this binary, under the name that main goes by.
	self := ""
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(filepath.Join(dir, "rockpool")); err == nil {
			self = filepath.Join(dir, "rockpool")
			break
		}
	}
	if self == "" {
		ts.Fatalf("no rockpool in the PATH of the script")
	}
	file, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	log := &readyLog{file: file, url: make(chan string, 1)}
	cmd := exec.Command(self, append(args, "--listen", "127.0.0.1:0", "--log", "json")...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), log
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "ROCKPOOL_KEK"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	ts.Check(cmd.Start())
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		_ = file.Close()
		close(exited)
	}()
	s.server, s.exited = cmd, exited
	ts.Defer(func() { s.stop(ts) })
	select {
	case url := <-log.url:
		ts.Setenv("ROCKPOOL_ENDPOINT", url)
	case <-exited:
		ts.Fatalf("the server ended at its start: %s\n%s", cmd.ProcessState, ts.ReadFile("server.log"))
	case <-time.After(serverTimeout):
		ts.Fatalf("the server was not ready in %s", serverTimeout)
	}
}

func cmdHalt(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	if neg || len(args) > 0 || s.server == nil {
		ts.Fatalf("usage: halt, after start")
	}
	s.stop(ts)
}

// stop ends the server as Ctrl-C does; that must succeed.
func (s *state) stop(ts *testscript.TestScript) {
	if s.server == nil {
		return
	}
	_ = s.server.Process.Signal(os.Interrupt) // it may have ended: Wait tells
	select {
	case <-s.exited:
	case <-time.After(serverTimeout):
		_ = s.server.Process.Kill()
		<-s.exited
		ts.Fatalf("the server did not stop in %s", serverTimeout)
	}
	code := s.server.ProcessState.ExitCode()
	s.server = nil
	if code != 0 {
		ts.Fatalf("the server ended with code %d", code)
	}
}

// readyLog writes a server's log to a file and finds its address in it.
type readyLog struct {
	file *os.File
	url  chan string

	mu   sync.Mutex
	text []byte
	said bool
}

func (l *readyLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text = append(l.text, p...); !l.said {
		for line := range bytes.Lines(l.text) {
			var entry struct{ Msg, URL string }
			if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" {
				l.said = true
				l.url <- entry.URL
			}
		}
	}
	return l.file.Write(p)
}

func cmdAPI(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: api OPERATION [NAME=VALUE | NAME:=JSON]…")
	}
	in := map[string]any{}
	for _, arg := range args[1:] {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q has no =", arg)
		}
		if name, isJSON := strings.CutSuffix(name, ":"); isJSON {
			var v any
			ts.Check(json.Unmarshal([]byte(value), &v))
			in[name] = v
			continue
		}
		in[name] = value
	}
	key, secret := "dev", "dev"
	if dir := ts.Getenv("CREDENTIALS"); dir != "" {
		var err error
		key, secret, err = readCredentials(ts.MkAbs(dir))
		ts.Check(err)
	}
	c := &client{endpoint: ts.Getenv("ROCKPOOL_ENDPOINT"), region: "us-east-1", key: key, secret: secret, http: &http.Client{Timeout: serverTimeout}}
	answer := map[string]any{}
	err := c.cognito(context.Background(), args[0], in, &answer)
	if neg {
		if err == nil {
			ts.Fatalf("%s succeeded", args[0])
		}
		fmt.Fprintln(ts.Stdout(), err)
		return
	}
	ts.Check(err)
	stateOf(ts).answer = answer
}

func cmdKeep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: keep VAR PATH [FILE]")
	}
	var value any = stateOf(ts).answer
	if len(args) == 3 {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &value))
	}
	for name := range strings.SplitSeq(args[1], ".") {
		if list, ok := value.([]any); ok {
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(list) {
				ts.Fatalf("there is no %s in %v", name, list)
			}
			value = list[i]
			continue
		}
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, ok := value.(string)
	if !ok && value != nil {
		b, err := json.Marshal(value)
		ts.Check(err)
		text, ok = string(b), true
	}
	if !ok {
		ts.Fatalf("the answer has nothing at %s: %v", args[1], stateOf(ts).answer)
	}
	ts.Setenv(args[0], text)
}
