package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// logDelay is how long a line may wait for others to be written with. One
	// system call for each line is a twentieth of what a refresh costs.
	logDelay = 10 * time.Millisecond
	// maxLogWaiting bounds what waits; whoever fills it writes.
	maxLogWaiting = 64 << 10
)

// logWriter collects lines and writes them together. Lines are whole and in
// order. It must be closed, else the last ones are lost.
type logWriter struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
	timer   *time.Timer
	closed  bool
}

func newLogWriter(out io.Writer) *logWriter { return &logWriter{out: out} }

// Write implements io.Writer. An error of the output is nobody's to handle:
// there is no other place to log it.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := len(w.waiting) == 0
	w.waiting = append(w.waiting, line...)
	switch {
	case w.closed || len(w.waiting) >= maxLogWaiting:
		w.flush()
	case first && w.timer == nil:
		w.timer = time.AfterFunc(logDelay, w.Flush)
	case first:
		w.timer.Reset(logDelay)
	}
	return len(line), nil
}

// Flush writes what waits.
func (w *logWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
}

func (w *logWriter) flush() {
	if len(w.waiting) > 0 {
		_, _ = w.out.Write(w.waiting)
		w.waiting = w.waiting[:0]
	}
}

// Close writes what waits, and from now on every line at once.
func (w *logWriter) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.flush()
}

// promptly is a handler whose warnings and errors do not wait: the process may
// be about to end.
type promptly struct {
	slog.Handler
	w *logWriter
}

func (h promptly) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.w.Flush()
	}
	return err
}

func (h promptly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptly{h.Handler.WithAttrs(attrs), h.w}
}

func (h promptly) WithGroup(name string) slog.Handler {
	return promptly{h.Handler.WithGroup(name), h.w}
}
