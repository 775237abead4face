package sandbox

import (
	"sync"
	"time"
)

// Line is one line of a function's log.
type Line struct {
	Time time.Time
	// RequestID is the event it belongs to; empty during initialisation.
	RequestID string
	// Stream is "stdout", "stderr", "console" or "platform" (START, END,
	// REPORT and what the host has to say).
	Stream string
	// Text has no line end; text above 256 KB was cut.
	Text string
}

// LogSink gets log lines. Implementations must not block.
type LogSink interface{ Log(function string, l Line) }

const (
	maxRingLines = 10_000
	maxRingBytes = 4 << 20
	followBuffer = 1024
)

// Logs keeps the newest lines of a function's log, bounded in lines and bytes.
// It is safe for concurrent use; the zero value is ready.
type Logs struct {
	mu        sync.Mutex
	lines     []Line
	head      int // index of the oldest line
	bytes     int
	dropped   int64
	followers map[*Follower]struct{}
}

// Add appends a line, forgetting the oldest when there are too many.
func (l *Logs) Add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	l.bytes += len(line.Text)
	for len(l.lines)-l.head > maxRingLines || (l.bytes > maxRingBytes && len(l.lines)-l.head > 1) {
		l.bytes -= len(l.lines[l.head].Text)
		l.lines[l.head] = Line{}
		l.head++
	}
	if l.head > maxRingLines {
		l.lines = append(make([]Line, 0, maxRingLines), l.lines[l.head:]...)
		l.head = 0
	}
	for f := range l.followers {
		select {
		case f.ch <- line:
		default:
			f.dropped++
		}
	}
}

// Tail returns the newest n lines, oldest first; n <= 0 means all that are
// kept.
func (l *Logs) Tail(n int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.lines[l.head:]
	if n > 0 && n < len(kept) {
		kept = kept[len(kept)-n:]
	}
	return append([]Line(nil), kept...)
}

// Dropped counts bytes that functions wrote and nobody kept, because one event
// wrote too much.
func (l *Logs) Dropped() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

func (l *Logs) drop(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped += int64(n)
}

// Follow returns lines from now on. The Follower must be closed. A follower
// that does not keep up misses lines; the log never waits for it.
func (l *Logs) Follow() *Follower {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &Follower{logs: l, ch: make(chan Line, followBuffer)}
	if l.followers == nil {
		l.followers = make(map[*Follower]struct{})
	}
	l.followers[f] = struct{}{}
	return f
}

// Follower is one reader of a log as it grows.
type Follower struct {
	logs    *Logs
	ch      chan Line
	dropped int64
}

// Lines delivers until Close.
func (f *Follower) Lines() <-chan Line { return f.ch }

// Close ends the following and closes the channel.
func (f *Follower) Close() {
	f.logs.mu.Lock()
	defer f.logs.mu.Unlock()
	if _, open := f.logs.followers[f]; open {
		delete(f.logs.followers, f)
		close(f.ch)
	}
}

// Dropped counts lines this follower missed.
func (f *Follower) Dropped() int64 {
	f.logs.mu.Lock()
	defer f.logs.mu.Unlock()
	return f.dropped
}
