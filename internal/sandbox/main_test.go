package sandbox_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

// TestMain makes the test binary what the server binary is: shim and QuickJS
// host when started as one. As a copy named bootstrap it is a function.
func TestMain(m *testing.M) {
	sandbox.Reexec()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		bootstrapMain()
		return
	}
	if os.Getenv("SANDBOX_TEST_HOST") != "" {
		hostMain()
		return
	}
	goleak.VerifyTestMain(m)
}
