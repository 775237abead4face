//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// call makes one request of the user pools API through net/http: for setting
// up, not for measuring.
func call(ctx context.Context, p *process, operation string, in, out any) error {
	return signed(ctx, p, "cognito-idp", http.MethodPost, "/", map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target + operation,
	}, in, out)
}

const target = "AWSCognitoIdentityProviderService."

func signed(ctx context.Context, p *process, service, method, path string, header map[string]string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	p.signer(service).Sign(req, body, time.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s: %d %s", path+header["X-Amz-Target"], resp.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// conn is one keep-alive connection that does as little as possible besides
// the exchange, so that the load does not bound the server.
type conn struct {
	c    net.Conn
	r    *bufio.Reader
	host string
	out  []byte
	body []byte
}

func dial(base string) (*conn, error) {
	host := strings.TrimPrefix(base, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, r: bufio.NewReaderSize(c, 64<<10), host: host}, nil
}

// post sends a JSON 1.1 request and returns status and body, which is valid
// until the next call.
func (c *conn) post(operation, extra string, body []byte) (int, []byte, error) {
	c.out = fmt.Appendf(c.out[:0], "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: %s%s\r\n%sContent-Length: %d\r\n\r\n", c.host, target, operation, extra, len(body))
	c.out = append(c.out, body...)
	if _, err := c.c.Write(c.out); err != nil {
		return 0, nil, err
	}
	status, length, chunked := 0, 0, false
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if first {
			if _, err := fmt.Sscanf(text, "HTTP/1.1 %d", &status); err != nil {
				return 0, nil, err
			}
			continue
		}
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ": ")
		switch strings.ToLower(name) {
		case "content-length":
			if _, err := fmt.Sscan(value, &length); err != nil {
				return 0, nil, err
			}
		case "transfer-encoding":
			chunked = true
		}
	}
	if chunked {
		return c.chunks(status)
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err := io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// chunks reads a chunked body; peers send them.
func (c *conn) chunks(status int) (int, []byte, error) {
	c.body = c.body[:0]
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return 0, nil, err
		}
		var n int
		if _, err := fmt.Sscanf(line, "%x", &n); err != nil {
			return 0, nil, err
		}
		at := len(c.body)
		c.body = slices.Grow(c.body, n)[:at+n]
		if _, err := io.ReadFull(c.r, c.body[at:]); err != nil {
			return 0, nil, err
		}
		if _, err := c.r.Discard(2); err != nil || n == 0 {
			return status, c.body, err
		}
	}
}

// work is one unit of load on one connection; i counts per connection.
type work func(c *conn, worker, i int) error

// result is what a measurement gave.
type result struct {
	perSecond     float64
	p50, p99      time.Duration
	n, errors     int
	cpuPerRequest time.Duration // of the server; 0 if unknown
	firstError    error
}

// warmUp does the work once on all connections at the same time: it starts as
// many processes of a function as the load will need, and shows a mistake at
// once.
func warmUp(conns []*conn, w work) error {
	errs := make([]error, len(conns))
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() { errs[i] = w(c, i, 0) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// load runs work on n connections for d.
func load(base string, n int, d time.Duration, p *process, w work) (result, error) {
	conns := make([]*conn, n)
	for i := range conns {
		c, err := dial(base)
		if err != nil {
			return result{}, err
		}
		defer c.c.Close()
		conns[i] = c
	}
	if err := warmUp(conns, w); err != nil {
		return result{}, err
	}
	var mu sync.Mutex
	var all []time.Duration
	var r result
	var before time.Duration
	profiled := p.profile(fmt.Sprintf("%d connections", n))
	if p != nil {
		before = p.cpu()
	}
	began := time.Now()
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			var mine []time.Duration
			failed := 0
			var first error
			for j := 1; time.Since(began) < d; j++ {
				at := time.Now()
				if err := w(c, i, j); err != nil {
					failed++
					if first == nil {
						first = err
					}
					if failed > 100 {
						break
					}
					continue
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			r.errors += failed
			if r.firstError == nil {
				r.firstError = first
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	profiled()
	r.n = len(all)
	if r.n == 0 {
		return r, fmt.Errorf("nothing succeeded: %w", r.firstError)
	}
	slices.Sort(all)
	r.perSecond = float64(r.n) / took.Seconds()
	r.p50, r.p99 = all[len(all)/2], all[len(all)*99/100]
	if p != nil {
		r.cpuPerRequest = (p.cpu() - before) / time.Duration(r.n)
	}
	return r, nil
}
