package sandbox_test

import (
	"context"
	"fmt"
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

// hostMain is a server that starts a function and waits to be killed.
func hostMain() {
	h, err := sandbox.Open(sandbox.Options{StateDir: os.Getenv("SANDBOX_TEST_HOST")})
	if err != nil {
		panic(err)
	}
	if os.Getenv("SANDBOX_TEST_LANDLOCK") != "" {
		h.WithLandlockOnly()
	}
	cfg := sandbox.Config{Name: "f", Runtime: "nodejs20.x", Handler: "index.handler", CodeDir: os.Getenv("SANDBOX_TEST_CODE")}
	res, err := h.Function(cfg).Invoke(context.Background(), sandbox.Invocation{RequestID: "r"})
	fmt.Println(string(res.Payload), err)
	select {}
}
