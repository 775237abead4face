//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// profiler is added to the server's main package for -profile, and only there:
// a server that people run has no door for a profiler. SIGUSR1 starts a profile
// and ends it.
const profiler = `package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

func init() {
	dir := os.Getenv("BENCH_PROFILES")
	if dir == "" {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for n := 0; ; n++ {
			<-asked
			name := fmt.Sprintf("%s/%d-%d.prof", dir, os.Getpid(), n)
			f, err := os.Create(name + ".part")
			if err != nil {
				panic(err)
			}
			if err := pprof.StartCPUProfile(f); err != nil {
				panic(err)
			}
			<-asked
			pprof.StopCPUProfile()
			if err := errors.Join(f.Close(), os.Rename(f.Name(), name)); err != nil {
				panic(err)
			}
		}
	}()
}
`

// build compiles the server, with a profiler inside if c.profiles is set.
func build(ctx context.Context, c config) error {
	args := []string{"build", "-o", c.binary}
	if c.profiles != "" {
		overlay, err := profilerOverlay(c.dir)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/rockpool")...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func profilerOverlay(dir string) (string, error) {
	source, overlay := filepath.Join(dir, "profiler.go"), filepath.Join(dir, "overlay.json")
	added, err := filepath.Abs("cmd/rockpool/bench_profiler.go")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {added: source}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(source, []byte(profiler), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// profile starts a profile of the server and returns what ends it.
func (p *process) profile(what string) (end func()) {
	if p == nil || p.profiles == "" {
		return func() {}
	}
	signal := func() { _ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGUSR1) } // the load will show that it is gone
	signal()
	return func() {
		file := filepath.Join(p.profiles, fmt.Sprintf("%d-%d.prof", p.cmd.Process.Pid, p.profiled))
		p.profiled++
		signal()
		for range 500 {
			if _, err := os.Stat(file); err == nil {
				fmt.Fprintf(os.Stderr, "bench: profile of %s: %s\n", what, file)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Fprintf(os.Stderr, "bench: no profile of %s\n", what)
	}
}
