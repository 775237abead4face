package sandbox

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// envLog takes what one environment writes, cuts it to size, and dates it and
// files it under the current event.
type envLog struct {
	function string
	ring     *Logs
	sink     LogSink
	now      func() time.Time

	mu       sync.Mutex
	request  string
	left     int // bytes this event may still log
	dropped  int
	wantTail bool
	tail     []byte
}

// begin opens the log of an event; an empty id stands for initialisation.
func (l *envLog) begin(request string, wantTail bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped > 0 { // between events
		l.ring.drop(l.dropped)
	}
	l.request, l.wantTail = request, wantTail
	l.left, l.dropped = maxInvocationLog, 0
	l.tail = l.tail[:0]
}

// add files one line. Text of the function counts against its allowance, the
// platform's does not.
func (l *envLog) add(stream, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = strings.TrimRight(text, "\r\n")
	if stream != "platform" {
		if len(text) > maxLine {
			l.dropped += len(text) - maxLine
			text = text[:maxLine]
		}
		if len(text)+1 > l.left {
			l.dropped += len(text)
			return
		}
		l.left -= len(text) + 1
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
	}
	l.file(stream, text)
}

// file keeps a line. l.mu is held.
func (l *envLog) file(stream, text string) {
	line := Line{Time: l.now(), RequestID: l.request, Stream: stream, Text: text}
	l.ring.Add(line)
	if l.sink != nil {
		l.sink.Log(l.function, line)
	}
	if l.wantTail {
		l.tail = append(append(l.tail, text...), '\n')
		if len(l.tail) > 4*MaxLogTail {
			l.tail = append(l.tail[:0], l.tail[len(l.tail)-MaxLogTail:]...)
		}
	}
}

// lost counts bytes that never became lines.
func (l *envLog) lost(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped += n
}

// flushLost says what was thrown away, once for an event.
func (l *envLog) flushLost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped == 0 {
		return
	}
	l.ring.drop(l.dropped)
	l.file("platform", fmt.Sprintf("LOGS RequestId: %s\tDropped: %d bytes above the limit", l.request, l.dropped))
	l.dropped = 0
}

// end returns the tail of the event's log. What comes later is filed under no
// event, with an allowance of its own.
func (l *envLog) end() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.request, l.left = "", maxInvocationLog
	if !l.wantTail {
		return nil
	}
	l.wantTail = false
	tail := l.tail
	if len(tail) > MaxLogTail {
		tail = tail[len(tail)-MaxLogTail:]
	}
	return bytes.Clone(tail)
}

// lineCutter makes lines of a byte stream.
type lineCutter struct {
	log     *envLog
	stream  string
	part    []byte
	discard bool // the rest of a line that was too long
}

func (c *lineCutter) write(p []byte) {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		piece := p
		if i >= 0 {
			piece = p[:i]
			p = p[i+1:]
		} else {
			p = nil
		}
		if c.discard {
			c.log.lost(len(piece))
		} else {
			if room := maxLine - len(c.part); len(piece) > room {
				c.part = append(c.part, piece[:room]...)
				c.log.lost(len(piece) - room)
				c.emit()
				c.discard = true
			} else {
				c.part = append(c.part, piece...)
			}
		}
		if i >= 0 {
			if !c.discard {
				c.emit()
			}
			c.discard = false
		}
	}
}

// flush emits an unfinished line.
func (c *lineCutter) flush() {
	if len(c.part) > 0 {
		c.emit()
		c.discard = false
	}
}

func (c *lineCutter) emit() {
	c.log.add(c.stream, string(c.part))
	c.part = c.part[:0]
}
