package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a running server process.
type server struct {
	URL     string
	DataDir string

	cmd    *exec.Cmd
	log    *log
	exited chan struct{} // closed after Wait
}

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
)

// startServer runs "rockpool dev" with more arguments on a free port of
// loopback, its data in a folder of the test, and waits until it is ready.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	return startServerIn(t, t.TempDir(), append([]string{"dev"}, args...)...)
}

// startServerIn runs a verb of the server with its data in dir.
func startServerIn(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	s := &server{DataDir: dir, log: newLog(), exited: make(chan struct{})}
	s.cmd = exec.Command(binary, append(args, "--listen", "127.0.0.1:0", "--data-dir", dir, "--log", "json")...)
	s.cmd.Env = cleanEnv()
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start the server: %v", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in cmd.ProcessState
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("log of the server:\n%s", s.log.tail(8<<10))
		}
	})
	select {
	case s.URL = <-s.log.ready:
	case <-s.exited:
		t.Fatalf("the server ended at its start: %v\n%s", s.cmd.ProcessState, s.log.String())
	case <-time.After(startTimeout):
		t.Fatalf("the server was not ready in %s\n%s", startTimeout, s.log.String())
	}
	if !strings.HasPrefix(s.URL, "https:") { // the local authority is not known here
		if status := httpStatus(t, s.URL+"/_rockpool/health/ready"); status != http.StatusOK {
			t.Fatalf("the server says that it is not ready: %d", status)
		}
	}
	return s
}

// stop ends the server as an operator would and fails the test if it does not
// end, or does not end well.
func (s *server) stop(t *testing.T) {
	t.Helper()
	select {
	case <-s.exited:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may just have ended: Wait tells
	select {
	case <-s.exited:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the server ended with code %d, want 0", code)
		}
	case <-time.After(stopTimeout):
		s.kill()
		t.Errorf("the server did not end in %s", stopTimeout)
	}
}

// kill ends the server without warning, as kill -9 does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may just have ended: Wait tells
	<-s.exited
}

// env is the environment of a client of the server.
func (s *server) env(more ...string) []string {
	return append(cleanEnv(), append([]string{
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=dev", "AWS_SECRET_ACCESS_KEY=dev", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=",
	}, more...)...)
}

// cleanEnv is our environment without settings of AWS clients and of Rockpool.
func cleanEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "AWS_") && !strings.HasPrefix(entry, "ROCKPOOL_") {
			env = append(env, entry)
		}
	}
	return env
}

// code returns the code or temporary password of the newest message to an
// address, and fails the test if there is none.
func (s *server) code(t *testing.T, address string) string {
	t.Helper()
	var box struct {
		Messages []struct{ Code string }
	}
	getJSON(t, s.URL+"/_rockpool/inbox/"+url.PathEscape(address), &box)
	if len(box.Messages) == 0 || box.Messages[0].Code == "" {
		t.Fatalf("no code was sent to %s", address)
	}
	return box.Messages[0].Code
}

// advance moves the server's clock.
func (s *server) advance(t *testing.T, d time.Duration) {
	t.Helper()
	resp, err := http.Post(s.URL+"/_rockpool/clock", "application/json", strings.NewReader(fmt.Sprintf(`{"advance":%q}`, d)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("move the clock: %s", resp.Status)
	}
}

// run runs a command against the server and returns its output.
func (s *server) run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 2 * time.Second
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env(), &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func httpStatus(t *testing.T, address string) int {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func getJSON(t *testing.T, address string, out any) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", address, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatalf("GET %s: %v", address, err)
	}
}

// log collects what a server writes and finds the address in it.
type log struct {
	ready chan string // gets the URL once

	mu   sync.Mutex
	text []byte
	said bool
}

func newLog() *log { return &log{ready: make(chan string, 1)} }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if !l.said {
		for line := range bytes.Lines(l.text) {
			var entry struct{ Msg, URL string }
			if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" {
				l.said = true
				l.ready <- entry.URL
			}
		}
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func (l *log) tail(n int) string {
	text := l.String()
	return text[max(0, len(text)-n):]
}
