package console_test

import (
	"os/exec"
	"testing"
)

// The ES modules have tests of their own, which need Node.js.
func TestModules(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("install Node.js 20.12 or newer to test the console's modules")
	}
	// What browsers have had for years, Node.js has since 20.12.
	if err := exec.CommandContext(t.Context(), node, "-e", "new DecompressionStream('deflate-raw')").Run(); err != nil {
		t.Skipf("install Node.js 20.12 or newer to test the console's modules: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), node, "--test", "static_test/").CombinedOutput()
	if err != nil {
		t.Errorf("node --test static_test/: %v\n%s", err, out)
	}
}
