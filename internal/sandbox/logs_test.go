package sandbox

// In the package: cutting and filing is tested without processes.

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestState(t *testing.T) {
	allowed := 0
	for from := stateStarting; from <= stateDead; from++ {
		for to := stateStarting; to <= stateDead; to++ {
			err := from.to(to)
			if err == nil {
				allowed++
				continue
			}
			if s := err.Error(); !strings.Contains(s, from.String()) || !strings.Contains(s, to.String()) {
				t.Errorf("%v to %v: %q names not both", from, to, s)
			}
		}
	}
	if allowed != 10 {
		t.Errorf("%d transitions allowed, want 10", allowed)
	}
	if stateDead.to(stateIdle) == nil || stateStopping.to(stateBusy) == nil || stateStarting.to(stateBusy) == nil {
		t.Error("a dead, stopping or starting environment took an event")
	}
}

func TestLogsAreBounded(t *testing.T) {
	var l Logs
	for i := range 3 * maxRingLines {
		l.Add(Line{Text: fmt.Sprint(i)})
	}
	if got := l.Tail(0); len(got) != maxRingLines || got[len(got)-1].Text != fmt.Sprint(3*maxRingLines-1) {
		t.Errorf("%d lines kept", len(got))
	}
	if got := l.Tail(2); len(got) != 2 || got[0].Text != fmt.Sprint(3*maxRingLines-2) {
		t.Errorf("tail %v", got)
	}
	for range 100 {
		l.Add(Line{Text: strings.Repeat("x", maxLine)})
	}
	if got := len(l.Tail(0)); got != maxRingBytes/maxLine {
		t.Errorf("%d long lines kept, want %d", got, maxRingBytes/maxLine)
	}
}

func TestFollower(t *testing.T) {
	var l Logs
	f := l.Follow()
	for i := range followBuffer + 10 {
		l.Add(Line{Text: fmt.Sprint(i)})
	}
	if f.Dropped() != 10 {
		t.Errorf("%d dropped, want 10", f.Dropped())
	}
	f.Close()
	f.Close()
	l.Add(Line{Text: "late"})
	n := 0
	for line := range f.Lines() {
		if line.Text != fmt.Sprint(n) {
			t.Errorf("line %d is %q", n, line.Text)
		}
		n++
	}
	if n != followBuffer {
		t.Errorf("%d lines, want %d", n, followBuffer)
	}
}

func testLog() (*envLog, *Logs) {
	ring := new(Logs)
	return &envLog{function: "f", ring: ring, now: func() time.Time { return time.Unix(0, 0) }}, ring
}

func TestLineCutter(t *testing.T) {
	for _, tt := range []struct {
		name   string
		writes []string
		want   []string
	}{
		{"lines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"pieces", []string{"a", "b\nc", "\n"}, []string{"ab", "c"}},
		{"unfinished", []string{"a\nb"}, []string{"a", "b"}},
		{"empty", []string{"\n\n"}, []string{"", ""}},
		{"carriage return", []string{"a\r\n"}, []string{"a"}},
		{"bad UTF-8", []string{"a\xff\n"}, []string{"a\uFFFD"}},
		{"long", []string{strings.Repeat("x", maxLine), strings.Repeat("y", maxLine), "\nz\n"}, []string{strings.Repeat("x", maxLine), "z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, ring := testLog()
			log.begin("r", false)
			c := lineCutter{log: log, stream: "stdout"}
			for _, w := range tt.writes {
				c.write([]byte(w))
			}
			c.flush()
			got := ring.Tail(0)
			if len(got) != len(tt.want) {
				t.Fatalf("%d lines, want %d", len(got), len(tt.want))
			}
			for i, l := range got {
				if l.Text != tt.want[i] || l.RequestID != "r" || l.Stream != "stdout" {
					t.Errorf("line %d: %.100q of %s", i, l.Text, l.RequestID)
				}
			}
		})
	}
}

func TestEventLogIsBounded(t *testing.T) {
	log, ring := testLog()
	log.begin("r", true)
	for range 2 * maxInvocationLog / 1000 {
		log.add("console", strings.Repeat("x", 999))
	}
	log.flushLost()
	tail := log.end()
	if n := len(ring.Tail(0)); n != maxInvocationLog/1000+1 {
		t.Errorf("%d lines kept", n)
	}
	if len(tail) != MaxLogTail || !strings.HasSuffix(string(tail), "bytes above the limit\n") {
		t.Errorf("tail of %d bytes: %.50q", len(tail), tail[len(tail)-50:])
	}
	if ring.Dropped() < maxInvocationLog/2 {
		t.Errorf("%d dropped", ring.Dropped())
	}
	log.begin("s", false)
	log.add("console", "again")
	if got := ring.Tail(1)[0]; got.Text != "again" || got.RequestID != "s" {
		t.Errorf("the next event: %+v", got)
	}
	if tail := log.end(); tail != nil {
		t.Errorf("tail %q, not asked for", tail)
	}
}
