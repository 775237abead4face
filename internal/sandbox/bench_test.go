package sandbox_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

const echo = `export const handler = async (event) => event;`

// BenchmarkNodeWarm measures one event to a warm environment and back.
func BenchmarkNodeWarm(b *testing.B) {
	needNode(b)
	h := open(b, sandbox.Options{})
	f := h.Function(node(code(b, "index.mjs", echo)))
	if err := f.Warm(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	inv := event(`{"version":"1","triggerSource":"TokenGeneration_Authentication","request":{"userAttributes":{"sub":"x","custom:tenantId":"t"}},"response":{}}`)
	inv.Logs = false
	for range 2000 { // let V8 compile
		invoke(b, f, `{}`)
	}
	took := make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		begin := time.Now()
		res, err := f.Invoke(b.Context(), inv)
		if err != nil || res.FunctionError != "" {
			b.Fatal(err, string(res.Payload))
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkNodeCold measures from nothing to the first answer, beside a bare
// start of the same node.
func BenchmarkNodeCold(b *testing.B) {
	needNode(b)
	h := open(b, sandbox.Options{})
	h.Isolation() // the probe is paid once for a host
	dir := code(b, "index.mjs", echo)
	var ours, bare []time.Duration
	for b.Loop() {
		f := h.Function(node(dir))
		begin := time.Now()
		invoke(b, f, `{}`)
		ours = append(ours, time.Since(begin))
		f.Stop(b.Context())
		cmd := exec.Command("node", "-e", "0")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		begin = time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(begin))
	}
	slices.Sort(ours)
	slices.Sort(bare)
	b.ReportMetric(float64(ours[len(ours)/2].Milliseconds()), "ours-ms")
	b.ReportMetric(float64(bare[len(bare)/2].Milliseconds()), "bare-ms")
}

// BenchmarkProvidedWarm measures the same over the Runtime API.
func BenchmarkProvidedWarm(b *testing.B) {
	h := open(b, sandbox.Options{})
	f := h.Function(provided(b))
	answered(b, invoke(b, f, `{}`), `{}`)
	inv := event(`{}`)
	inv.Logs = false
	took := make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		begin := time.Now()
		res, err := f.Invoke(b.Context(), inv)
		if err != nil || res.FunctionError != "" {
			b.Fatal(err, string(res.Payload))
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
