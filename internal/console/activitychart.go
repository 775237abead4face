package console

import (
	"fmt"
	"time"
)

// span is a part of a sign-in's time, as a piece of a bar 1000 wide.
type span struct {
	Name, Label, Took string
	X, Width          string
	ns                int64
}

// phaseLabels say what the phases of a sign-in are.
var phaseLabels = map[string]string{
	"user":     "Find pool, client and user",
	"password": "Check the password",
	"claims":   "Collect the claims",
	"trigger":  "Trigger: the function answers",
	"signing":  "Sign the tokens",
	"wait":     "Hold the refusal back, so that its time tells nothing",
	"rest":     "Finish and write down",
}

// spansOf lays the phases of a sign-in one after the other.
func spansOf(e signInEvent) []span {
	if e.Duration <= 0 {
		return nil
	}
	var spans []span
	var at int64
	for _, p := range e.Phases {
		label := phaseLabels[p.Name]
		if label == "" {
			label = p.Name
		}
		spans = append(spans, span{
			Name: p.Name, Label: label, Took: took(p.Duration), ns: p.Duration,
			X: thousandths(at, e.Duration), Width: thousandths(p.Duration, e.Duration),
		})
		at += p.Duration
	}
	return spans
}

func thousandths(part, whole int64) string {
	return fmt.Sprintf("%.1f", 1000*float64(part)/float64(whole))
}

// took is a duration for reading: "1.2 ms".
func took(ns int64) string {
	switch d := time.Duration(ns); {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(ns)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// Took is how long the whole sign-in took.
func (e signInEvent) Took() string { return took(e.Duration) }

// TriggerTook is how long its function ran.
func (e signInEvent) TriggerTook() string { return took(e.Trigger.Duration) }

// activityChart counts sign-ins over time: what went well above a line, what
// was refused below it.
type activityChart struct {
	Bars       []activityBar
	Each       string // how long a bar is
	Most       int    // the tallest of either side
	From, To   time.Time
	BarWidth   int
	Good, Bad  int
	Challenged int
}

type activityBar struct {
	From                 time.Time
	Good, Asked, Bad     int
	X                    int
	GoodY, GoodH         int
	AskedY, AskedH, BadH int
	Label                string
}

const (
	chartBars   = 24
	chartWidth  = 720 // of all bars
	chartHeight = 80  // of either side
	chartLine   = 90  // where the line is
)

// chartSteps are the lengths that a bar can have.
var chartSteps = []struct {
	d    time.Duration
	name string
}{
	{10 * time.Second, "10 seconds"}, {time.Minute, "1 minute"}, {5 * time.Minute, "5 minutes"}, {15 * time.Minute, "15 minutes"},
	{time.Hour, "1 hour"}, {6 * time.Hour, "6 hours"}, {24 * time.Hour, "1 day"}, {7 * 24 * time.Hour, "1 week"},
	{30 * 24 * time.Hour, "30 days"}, {365 * 24 * time.Hour, "1 year"},
}

// chartOf counts events, newest first, in bars that reach from the oldest to
// now; nil if there are none.
func chartOf(events []signInEvent, now time.Time) *activityChart {
	if len(events) == 0 {
		return nil
	}
	oldest := events[len(events)-1].Time
	for _, e := range events {
		if e.Time.Before(oldest) {
			oldest = e.Time
		}
	}
	step := chartSteps[len(chartSteps)-1]
	for _, s := range chartSteps {
		if now.Sub(oldest) < s.d*(chartBars-1) {
			step = s
			break
		}
	}
	end := now.Truncate(step.d).Add(step.d)
	c := &activityChart{Each: step.name, From: end.Add(-step.d * chartBars), To: end, BarWidth: chartWidth/chartBars - 4}
	c.Bars = make([]activityBar, chartBars)
	for i := range c.Bars {
		c.Bars[i].From = c.From.Add(step.d * time.Duration(i))
		c.Bars[i].X = i * (chartWidth / chartBars)
	}
	for _, e := range events {
		i := int(e.Time.Sub(c.From) / step.d)
		if e.Time.Before(c.From) || i >= chartBars { // a clock that went back, or decades
			continue
		}
		switch kindOf(e.Outcome) {
		case "tokens":
			c.Bars[i].Good++
			c.Good++
		case "challenge":
			c.Bars[i].Asked++
			c.Challenged++
		default:
			c.Bars[i].Bad++
			c.Bad++
		}
	}
	for _, b := range c.Bars {
		c.Most = max(c.Most, b.Good+b.Asked, b.Bad)
	}
	for i := range c.Bars {
		b := &c.Bars[i]
		height := func(n int) int { return n * chartHeight / max(c.Most, 1) }
		b.GoodH, b.AskedH, b.BadH = height(b.Good), height(b.Asked), height(b.Bad)
		b.GoodY = chartLine - b.GoodH
		b.AskedY = b.GoodY - b.AskedH
		b.Label = fmt.Sprintf("%s: %d with tokens, %d asked for more, %d refused", b.From.UTC().Format("2 Jan 15:04:05"), b.Good, b.Asked, b.Bad)
	}
	return c
}
