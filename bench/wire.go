//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// benchWire measures what the AWS API costs around an operation, on a server
// for production, which verifies every signature. DescribeUserPoolClient has
// nothing behind the wire but two records in memory, so that it stands for
// routing, signature, decoding, validation and encoding; DescribeUserPool has
// an answer of 5 KB and a count of users besides.
func benchWire(ctx context.Context, c config, r *report) error {
	dir := filepath.Join(c.dir, "wire")
	p, err := startProfile(ctx, c, "serve", dir)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.readCredentials(filepath.Join(dir, "credentials")); err != nil {
		return err
	}
	w := &world{process: p}
	if err := w.fill(ctx); err != nil {
		return err
	}
	for _, m := range []struct {
		what, operation, body, want string
		limit                       time.Duration
	}{
		{"AWS API call (DescribeUserPoolClient)", "DescribeUserPoolClient", fmt.Sprintf(`{"UserPoolId":"%s","ClientId":"%s"}`, w.pool, w.client), `"ClientName"`, 100 * time.Microsecond},
		{"AWS API call (DescribeUserPool)", "DescribeUserPool", fmt.Sprintf(`{"UserPoolId":"%s"}`, w.pool), `"SchemaAttributes"`, 0},
	} {
		do, err := w.signedWork(ctx, m.operation, []byte(m.body), m.want)
		if err != nil {
			return err
		}
		if err := w.measure(c, r, m.what, m.limit, 1, []int{1, 8}, do); err != nil {
			return err
		}
	}
	return nil
}

// readCredentials takes the root access key from the file that the server
// wrote at its first start.
func (p *process) readCredentials(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, "="); ok {
			found[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	p.key, p.secret = found["aws_access_key_id"], found["aws_secret_access_key"]
	if p.key == "" || p.secret == "" {
		return fmt.Errorf("%s has no access key", path)
	}
	return nil
}

// signedWork makes the same signed request over and over.
func (w *world) signedWork(ctx context.Context, operation string, body []byte, want string) (work, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Amz-Target", target+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w.signer("cognito-idp").Sign(req, body, time.Now())
	var extra strings.Builder
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Content-Sha256"} {
		if v := req.Header.Get(name); v != "" {
			fmt.Fprintf(&extra, "%s: %s\r\n", name, v)
		}
	}
	return func(c *conn, _, _ int) error {
		status, answer, err := c.post(operation, extra.String(), body)
		if err == nil && (status != 200 || !bytes.Contains(answer, []byte(want))) {
			err = fmt.Errorf("%s: %d %s", operation, status, answer)
		}
		return err
	}, nil
}
