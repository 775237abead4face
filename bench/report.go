//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/libcrypto"
)

// row is one measurement. bound is the processor time that the work cannot do
// without, and goal the share of the server's processor time that it should
// be.
type row struct {
	what        string
	concurrency int
	got         result
	bound       time.Duration
	goal        float64
}

type report struct {
	rows  []row
	other []string // lines of the second table
	peers map[string]result
}

func newReport() *report { return &report{peers: map[string]result{}} }

func (r *report) add(x row) {
	r.rows = append(r.rows, x)
	if x.concurrency == 64 {
		ratio := float64(x.got.p99) / float64(x.got.p50)
		r.say(x.what+", 64 at once: p99 over p50, errors", fmt.Sprintf("%.1f×, %d", ratio, x.got.errors), "≤ 4×, 0", ratio <= 4 && x.got.errors == 0)
	}
}

func (r *report) peer(what string, got result) { r.peers[what] = got }

func (r *report) say(what, got, goal string, met bool) {
	mark := "yes"
	if !met {
		mark = "**no**"
	}
	r.other = append(r.other, fmt.Sprintf("| %s | %s | %s | %s |", what, got, goal, mark))
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

func (r *report) start(fresh, existing []time.Duration, memory float64) {
	m, e := median(fresh), median(existing)
	r.say("start to ready, in memory", ms(m), "≤ 50 ms", m <= 50*time.Millisecond)
	r.say("start to ready, existing SQLite file", ms(e), "≤ 75 ms", e <= 75*time.Millisecond)
	r.say("resident memory when ready", fmt.Sprintf("%.0f MiB", memory), "≤ 35 MiB", memory <= 35)
}

// trigger compares refreshes with a function to those without: the medians of
// the rounds.
func (r *report) trigger(plain, triggered []result) {
	at := func(runs []result, pick func(result) time.Duration) time.Duration {
		var all []time.Duration
		for _, run := range runs {
			all = append(all, pick(run))
		}
		return median(all)
	}
	p50 := at(triggered, func(x result) time.Duration { return x.p50 }) - at(plain, func(x result) time.Duration { return x.p50 })
	p99 := at(triggered, func(x result) time.Duration { return x.p99 }) - at(plain, func(x result) time.Duration { return x.p99 })
	r.say("pre token trigger, warm Node.js, adds (p50)", us(p50), "≤ 150 µs", p50 <= 150*time.Microsecond)
	r.say("pre token trigger, warm Node.js, adds (p99)", us(p99), "≤ 1 ms", p99 <= time.Millisecond)
}

func (r *report) users(few, many int, a, b result, perUser float64) {
	ratio := float64(b.cpuPerRequest) / float64(a.cpuPerRequest)
	r.say(fmt.Sprintf("sign-in among %d users, processor time over that among %d", many, few), fmt.Sprintf("%.2f×", ratio), "≤ 1.3×", ratio <= 1.3)
	r.say("bytes on disk for each user", fmt.Sprintf("%.0f", perUser), "≤ 3072", perUser <= 3072)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
func us(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3) }

func (r *report) markdown(c config) string {
	var b strings.Builder
	signer := "the system's libcrypto"
	if err := libcrypto.Available(); err != nil {
		signer = "crypto/rsa (" + err.Error() + ")"
	}
	fmt.Fprintf(&b, `# Performance

Made by %s, on %s: %s, %s. Signatures by %s.

The server runs on one core with one Go processor, the load on another. *Bound* is the processor time of the cryptography alone, measured on the server's core in the same run; *share* is the bound over the server's processor time for a request, network included: what is left for everything else is what we can improve. Goals of shares are for a server that is busy, so not for one connection. Rates are per second of wall time; on a shared machine read the shares.
`, "`go run ./bench -write docs/performance.md`", time.Now().UTC().Format(time.DateOnly), cpuModel(), runtime.Version(), signer)
	if len(r.rows) > 0 {
		b.WriteString("\n| work | at once | per second | p50 | p99 | errors | server CPU each | bound | share | goal | met | cognito-local, 8 at once |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|\n")
	}
	for _, x := range r.rows {
		share, goal, met, boundText := "–", "–", "–", "–"
		if x.bound > 0 && x.got.cpuPerRequest > 0 {
			s := float64(x.bound) / float64(x.got.cpuPerRequest)
			share, boundText = fmt.Sprintf("%.0f %%", 100*s), us(x.bound)
			// One connection leaves the server idle between requests, and
			// falling asleep and waking up count as its own work.
			if x.concurrency > 1 {
				goal = fmt.Sprintf("≥ %.0f %%", 100*x.goal)
				if met = "yes"; s < x.goal || x.got.errors > 0 {
					met = "**no**"
				}
			}
		}
		peer := "–"
		if p, ok := r.peers[x.what]; ok && x.concurrency == 8 {
			peer = fmt.Sprintf("%.0f (%.1f× ours)", p.perSecond, p.perSecond/x.got.perSecond)
		}
		fmt.Fprintf(&b, "| %s | %d | %.0f | %s | %s | %d | %s | %s | %s | %s | %s | %s |\n",
			x.what, x.concurrency, x.got.perSecond, ms(x.got.p50), ms(x.got.p99), x.got.errors, us(x.got.cpuPerRequest), boundText, share, goal, met, peer)
	}
	if len(r.other) > 0 {
		b.WriteString("\n| what | measured | goal | met |\n|---|--:|--:|---|\n" + strings.Join(r.other, "\n") + "\n")
	}
	return b.String()
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
