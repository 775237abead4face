//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

// Cores: the server's and the load's.
const (
	serverCore = 0
	loadCore   = 1
)

// pinSelf puts the load on a core of its own.
func pinSelf() {
	if runtime.NumCPU() < 2 {
		fmt.Fprintln(os.Stderr, "bench: one core only: server and load share it, figures are low")
		return
	}
	runtime.GOMAXPROCS(1)
	var set unix.CPUSet
	set.Set(loadCore)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks { // threads that exist; new ones inherit
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetaffinity(id, &set) // not allowed in some containers: figures are noisier
		}
	}
}

// onServerCore makes a command run on the server's core with one processor.
func onServerCore(ctx context.Context, path string, args ...string) *exec.Cmd {
	full := append([]string{"-c", strconv.Itoa(serverCore), path}, args...)
	cmd := exec.CommandContext(ctx, "taskset", full...)
	if _, err := exec.LookPath("taskset"); err != nil || runtime.NumCPU() < 2 {
		cmd = exec.CommandContext(ctx, path, args...)
	}
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// process is a server under measurement.
type process struct {
	cmd     *exec.Cmd
	base    string // http://127.0.0.1:port
	started time.Duration
	stderr  *bytes.Buffer
	done    chan struct{}

	key, secret string // access key; any will do in development

	profiles string // the directory, if profiles are asked for
	profiled int
}

// startServer starts Rockpool for development and waits until it is ready.
func startServer(ctx context.Context, c config, dataDir string) (*process, error) {
	return startProfile(ctx, c, "dev", dataDir)
}

func startProfile(ctx context.Context, c config, profile, dataDir string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := []string{profile, "--listen", "127.0.0.1:" + port, "--log", "json"}
	if dataDir != "" {
		args = append(args, "--data-dir", dataDir)
	}
	cmd := onServerCore(ctx, c.binary, args...)
	cmd.Env = append(cmd.Env, "BENCH_PROFILES="+c.profiles)
	p, err := start(cmd, "http://127.0.0.1:"+port, "/_rockpool/health/ready")
	if err == nil {
		p.profiles = c.profiles
	}
	return p, err
}

// signer signs requests of the bench.
func (p *process) signer(service string) sigv4.Signer {
	return sigv4.Signer{AccessKeyID: p.key, Secret: p.secret, Region: "us-east-1", Service: service}
}

func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	return port, err
}

// start runs a server's process and waits until path answers.
func start(cmd *exec.Cmd, base, path string) (*process, error) {
	p := &process{cmd: cmd, base: base, stderr: &bytes.Buffer{}, done: make(chan struct{}), key: "bench", secret: "bench"}
	cmd.Stderr = p.stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // it is ended by a signal
	}()
	for deadline := began.Add(30 * time.Second); time.Now().Before(deadline); {
		resp, err := http.Get(base + path)
		if err == nil {
			_ = resp.Body.Close() // nothing was read
			if resp.StatusCode < 500 {
				p.started = time.Since(began)
				return p, nil
			}
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("the server ended: %s", p.stderr)
		case <-time.After(500 * time.Microsecond):
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s does not answer: %s", base, p.stderr)
}

func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// cpu is the processor time that the server has used.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / 100 // clock ticks are 10 ms on Linux
}

// memory is the server's resident memory in MiB.
func (p *process) memory() float64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
