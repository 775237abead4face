//go:build unix

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a started program. The goroutine that started it owns it until
// Wait has returned; others use the methods.
type process struct {
	cancel context.CancelFunc
	end    chan struct{} // closed when it has been waited for and its pipes are closed

	out, err *pump

	mu     sync.Mutex
	pid    int // 0 once it has been waited for
	status string
}

const waitDelay = 2 * time.Second

// launch starts prog with channel as descriptor 3, if there is one. It returns
// when the program itself, not just the shim, is running. cleanup runs when
// the process is gone.
func launch(h *Host, prog program, channel *os.File, log *envLog, cleanup func()) (*process, error) {
	p := &process{end: make(chan struct{})}
	started := make(chan error, 1)
	go p.own(h, prog, channel, log, started, cleanup)
	if err := <-started; err != nil {
		<-p.end
		return nil, err
	}
	return p, nil
}

func (p *process) own(h *Host, prog program, channel *os.File, log *envLog, started chan<- error, cleanup func()) {
	// The kernel ends the child when the thread that made it ends (Pdeathsig);
	// the thread is this goroutine's for as long as the child lives.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.end)
	defer cleanup()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.cancel = cancel

	cmd := exec.CommandContext(ctx, prog.Path)
	cmd.Args, cmd.Env, cmd.Dir = prog.Args, prog.Env, prog.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.ExtraFiles = []*os.File{channel}
	if channel == nil {
		cmd.ExtraFiles = nil
	}
	hand, err := h.wrap(cmd, prog, channel)
	if err != nil {
		started <- err
		return
	}
	cmd.Cancel = func() error { return p.killAll(h) }
	cmd.WaitDelay = waitDelay

	outR, outW, err := os.Pipe()
	if err != nil {
		hand.close()
		started <- err
		return
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		hand.close()
		_, _ = outR.Close(), outW.Close() // unused pipes
		started <- err
		return
	}
	cmd.Stdout, cmd.Stderr = outW, errW
	err = cmd.Start()
	_, _ = outW.Close(), errW.Close() // the child has its own
	hand.closeChild()
	if err == nil {
		p.mu.Lock()
		p.pid = cmd.Process.Pid
		p.mu.Unlock()
		if p.out, err = startPump(outR, log, "stdout"); err == nil {
			p.err, err = startPump(errR, log, "stderr")
		}
		if err == nil {
			err = hand.over()
		}
		if err != nil {
			cancel()
		}
	}
	hand.close()
	if cmd.Process == nil {
		_, _ = outR.Close(), errR.Close() // unused pipes
		if errors.Is(err, syscall.ENOEXEC) || errors.Is(err, syscall.ENOENT) {
			err = fmt.Errorf("%w: %w", errExec, err)
		}
		started <- fmt.Errorf("start %s: %w", prog.Path, err)
		return
	}
	if err == nil {
		started <- nil
	}

	// What the process leaves behind is killed while its number is still
	// taken: after Wait the number may be another's.
	waited := awaitExit(cmd.Process.Pid)
	if waited {
		_ = p.killAll(h) // usually there is nobody left
	}
	werr := cmd.Wait()
	if !waited {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // the next best moment
	}
	p.mu.Lock()
	p.pid = 0
	p.status = exitStatus(cmd, werr)
	p.mu.Unlock()
	for _, pump := range []*pump{p.out, p.err} {
		if pump != nil {
			pump.close()
		}
	}
	if err != nil {
		if p.out == nil {
			_ = outR.Close() // never had a pump
		}
		if p.err == nil {
			_ = errR.Close() // never had a pump
		}
		started <- fmt.Errorf("start %s: %w", prog.Path, err)
	}
}

// exitStatus is "" for exit code 0, else os's words: "exit status 1",
// "signal: killed".
func exitStatus(cmd *exec.Cmd, err error) string {
	if cmd.ProcessState != nil && cmd.ProcessState.Success() {
		return ""
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ProcessState.String()
	}
	if cmd.ProcessState != nil {
		return cmd.ProcessState.String()
	}
	return "unknown"
}

// kill ends the process and all it started. It returns at once.
func (p *process) kill() { p.cancel() }

// killAll sends SIGKILL to the group and, where a process could have left the
// group without dying with its first ancestor, to every descendant.
func (p *process) killAll(h *Host) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == 0 {
		return os.ErrProcessDone
	}
	if !h.dieTogether() {
		for _, child := range descendants(p.pid) {
			_ = unix.Kill(child, unix.SIGKILL) // it may be gone by now
		}
	}
	if err := unix.Kill(-p.pid, unix.SIGKILL); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// exit returns how the process ended; it must have ended.
func (p *process) exit() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// id returns the pid, or 0 when there is none any more.
func (p *process) id() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// drain files everything the process has written so far.
func (p *process) drain() {
	p.out.drain()
	p.err.drain()
}

// socketpair returns the two ends of descriptor 3.
func socketpair() (host net.Conn, child *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	mine := os.NewFile(uintptr(fds[0]), "host")
	child = os.NewFile(uintptr(fds[1]), "function")
	host, err = net.FileConn(mine)
	_ = mine.Close() // FileConn has made its own
	if err != nil {
		_ = child.Close() // unused
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return host, child, nil
}

// peakKB is the most resident memory this process has had.
func peakKB() uint32 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return uint32(u.Maxrss >> 10) // bytes there
	}
	return uint32(u.Maxrss)
}
