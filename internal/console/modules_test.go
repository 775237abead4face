package console_test

import (
	"os"
	"os/exec"
	"testing"
)

// missing skips a test for want of a tool and says how to run it. In CI, which
// has to run all of them, it fails.
func missing(t testing.TB, how string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// The ES modules have tests of their own, which need Node.js.
func TestModules(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "install Node.js 20.12 or newer to test the console's modules")
	}
	// What browsers have had for years, Node.js has since 20.12.
	if err := exec.CommandContext(t.Context(), node, "-e", "new DecompressionStream('deflate-raw')").Run(); err != nil {
		missing(t, "install Node.js 20.12 or newer to test the console's modules: "+err.Error())
	}
	out, err := exec.CommandContext(t.Context(), node, "--test", "static_test/").CombinedOutput()
	if err != nil {
		t.Errorf("node --test static_test/: %v\n%s", err, out)
	}
}
