package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// progress shows what happens to the resources of a stack: on a terminal a line
// for each, drawn again as it changes, otherwise a line whenever one is done.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	order    []string
	rows     map[string]*progressRow
	drawn    int // lines on the terminal
	failure  string
}

type progressRow struct {
	event stackEvent
	began time.Time
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w), began: time.Now(), rows: map[string]*progressRow{}}
}

// follow shows the events after one until nothing goes on in the stack any more,
// and returns what it is then.
func (p *progress) follow(ctx context.Context, c *client, stackID, after string) (*stackInfo, error) {
	for {
		// First the state and then the events, so that none is left out.
		st, err := c.mustStack(ctx, stackID)
		if err != nil {
			return nil, err
		}
		list, err := c.events(ctx, stackID, after)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			after = e.ID
			p.note(e)
		}
		p.draw()
		if !strings.HasSuffix(st.Status, "_IN_PROGRESS") {
			return st, nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return nil, &hintError{err, "the server goes on with it; `rockpool stack events " + st.Name + "` shows what happens"}
		}
	}
}

func (p *progress) note(e stackEvent) {
	if strings.HasSuffix(e.Status, "_FAILED") && p.failure == "" && !strings.HasSuffix(e.Reason, "cancelled") && e.Type != "AWS::CloudFormation::Stack" {
		p.failure = printable(fmt.Sprintf("%s (%s): %s", e.LogicalID, e.Type, e.Reason))
	}
	row := p.rows[e.LogicalID]
	if row == nil {
		row = &progressRow{began: e.Time}
		p.rows[e.LogicalID] = row
		p.order = append(p.order, e.LogicalID)
	}
	going := strings.HasSuffix(e.Status, "_IN_PROGRESS")
	if going && !strings.HasSuffix(row.event.Status, "_IN_PROGRESS") {
		row.began = e.Time
	}
	row.event = e
	if !p.terminal && !going {
		fmt.Fprintln(p.w, row.line(e.Time))
	}
}

func (r *progressRow) line(now time.Time) string {
	s := fmt.Sprintf("%-24s %-36s %s  %.1fs", r.event.Status, r.event.Type, r.event.LogicalID, max(0, now.Sub(r.began).Seconds()))
	if strings.HasSuffix(r.event.Status, "_FAILED") && r.event.Reason != "" {
		s += "  " + r.event.Reason
	}
	return printable(s)
}

// draw draws all lines again, over the ones from before.
func (p *progress) draw() {
	if !p.terminal {
		return
	}
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn)
	}
	for _, id := range p.order {
		row := p.rows[id]
		now := row.event.Time
		if strings.HasSuffix(row.event.Status, "_IN_PROGRESS") {
			now = time.Now()
		}
		// A line that wraps would be two, and the next drawing too high.
		const width = 100
		line := []rune(row.line(now))
		b.WriteString("\r\x1b[K" + string(line[:min(len(line), width)]) + "\n")
	}
	p.drawn = len(p.order)
	_, _ = io.WriteString(p.w, b.String()) // a terminal that is gone shows nothing
}
