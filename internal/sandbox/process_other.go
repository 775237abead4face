//go:build !unix

package sandbox

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

// process cannot be had on this system: launch always fails.
type process struct{ end chan struct{} }

func launch(_ *Host, _ program, _ *os.File, _ *envLog, cleanup func()) (*process, error) {
	cleanup()
	return nil, fmt.Errorf("%w: functions do not run on %s", ErrRuntime, runtime.GOOS)
}

func (p *process) kill()        {}
func (p *process) exit() string { return "" }
func (p *process) id() int      { return 0 }
func (p *process) drain()       {}

func socketpair() (net.Conn, *os.File, error) {
	return nil, nil, fmt.Errorf("%w: functions do not run on %s", ErrRuntime, runtime.GOOS)
}

func peakKB() uint32 { return 0 }
