//go:build linux

// Command bench measures Rockpool beside the bounds of its work: what the
// cryptography alone reaches on the same core in the same run, and npm
// cognito-local on what that can do.
//
//	go run ./bench                 everything, a table to standard output
//	go run ./bench -write docs/performance.md
//	go run ./bench -only refresh,getuser -seconds 1
//	go run ./bench -only refresh -profile /tmp/profiles
//
// The server runs on one core and the load on another, each with one Go
// processor. Machines differ and are shared: read the ratios.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// config is what a run measures.
type config struct {
	seconds time.Duration // of each measurement
	users   int           // of the large pool
	only    []string
	write   string
	peer    bool
	binary  string
	dir     string

	profiles string // where profiles of the server go; "" for none
}

func (c config) wants(name string) bool { return len(c.only) == 0 || slices.Contains(c.only, name) }

func main() {
	// A bound is measured in a process of its own, on the server's core.
	if len(os.Args) == 3 && os.Args[1] == boundVerb {
		measureBound(os.Args[2])
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var c config
	var seconds float64
	var only string
	flag.Float64Var(&seconds, "seconds", 3, "length of each measurement")
	flag.IntVar(&c.users, "users", 1_000_000, "users in the large pool")
	flag.StringVar(&only, "only", "", "scenarios, separated by commas: "+strings.Join(scenarioNames(), ", "))
	flag.StringVar(&c.write, "write", "", "write the table to this Markdown file")
	flag.StringVar(&c.profiles, "profile", "", "write CPU profiles of the server to this directory")
	flag.BoolVar(&c.peer, "peer", true, "measure npm cognito-local too, if npm is there")
	flag.Parse()
	if c.profiles != "" {
		if err := os.MkdirAll(c.profiles, 0o700); err != nil {
			return err
		}
		abs, err := filepath.Abs(c.profiles)
		if err != nil {
			return err
		}
		c.profiles = abs
	}
	c.seconds = time.Duration(seconds * float64(time.Second))
	if only != "" {
		c.only = strings.Split(only, ",")
		for _, name := range c.only {
			if !slices.Contains(scenarioNames(), name) {
				return fmt.Errorf("no scenario %q; there are: %s", name, strings.Join(scenarioNames(), ", "))
			}
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	dir, err := os.MkdirTemp("", "rockpool-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.dir, c.binary = dir, filepath.Join(dir, "rockpool")
	fmt.Fprintln(os.Stderr, "bench: building")
	if err := build(ctx, c); err != nil {
		return err
	}
	pinSelf()

	r := newReport()
	for _, s := range scenarios {
		if !c.wants(s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		if err := s.run(ctx, c, r); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	text := r.markdown(c)
	fmt.Print(text)
	if c.write != "" {
		return os.WriteFile(c.write, []byte(text), 0o644)
	}
	return nil
}
