//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const peerPackage = "cognito-local@5.3.0"

// benchPeer measures npm cognito-local on the flows that it has. It checks
// passwords by comparing text and keeps its data in one JSON file. What it
// cannot do is said and costs no row of ours.
func benchPeer(ctx context.Context, c config, r *report) error {
	if !c.peer {
		return nil
	}
	if err := measurePeer(ctx, c, r); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v\n", peerPackage, err)
	}
	return nil
}

func measurePeer(ctx context.Context, c config, r *report) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: no npm, so no cognito-local")
		return nil
	}
	dir := filepath.Join(c.dir, "peer")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	install := exec.CommandContext(ctx, npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, peerPackage)
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s cannot be installed (%v), so it is not measured\n", peerPackage, err)
		return nil
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	cmd := onServerCore(ctx, "node", filepath.Join(dir, "node_modules", "cognito-local", "lib", "bin", "start.js"))
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "PORT="+port, "HOST=127.0.0.1")
	p, err := start(cmd, "http://127.0.0.1:"+port, "/health")
	if err != nil {
		return err
	}
	defer p.stop()
	w := &world{process: p, users: worldUsers}
	if err := w.fill(ctx); err != nil {
		return err
	}
	for _, m := range []struct {
		what string
		work func(context.Context) (work, error)
	}{
		{"password sign-in, no trigger", func(context.Context) (work, error) { return w.passwordWork(), nil }},
		{"refresh, two signatures", w.refreshWork},
		{"GetUser", func(ctx context.Context) (work, error) {
			t, err := w.signIn(ctx, userName(0))
			body := fmt.Appendf(nil, `{"AccessToken":"%s"}`, t.AuthenticationResult.AccessToken)
			return func(c *conn, _, _ int) error { return w.expect(c, "GetUser", body, `"Username"`) }, err
		}},
	} {
		do, err := m.work(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
		got, err := load(p.base, 8, c.seconds, p, do)
		if err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
		r.peer(m.what, got)
	}
	return nil
}
