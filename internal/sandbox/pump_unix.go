//go:build unix

package sandbox

import (
	"errors"
	"os"
	"sync"
	"syscall"
)

// pump moves a process's output from a pipe to its log. It reads without
// blocking under a lock, so that drain can say "everything written so far has
// been filed" and mean it.
type pump struct {
	pipe *os.File
	raw  syscall.RawConn
	end  chan struct{}

	mu  sync.Mutex
	buf []byte
	out lineCutter
}

func startPump(pipe *os.File, log *envLog, stream string) (*pump, error) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &pump{
		pipe: pipe, raw: raw, end: make(chan struct{}),
		buf: make([]byte, 16<<10), out: lineCutter{log: log, stream: stream},
	}
	go p.run()
	return p, nil
}

func (p *pump) run() {
	defer close(p.end)
	for {
		over := false
		err := p.raw.Read(func(fd uintptr) bool {
			again, closed := p.once(fd)
			over = closed
			return again || closed
		})
		if err != nil || over {
			return
		}
	}
}

// once reads what one call gives. more is false when the pipe is empty for now.
func (p *pump) once(fd uintptr) (more, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		n, err := syscall.Read(int(fd), p.buf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return false, false
		case err != nil || n <= 0:
			return false, true
		}
		p.out.write(p.buf[:n])
		return true, false
	}
}

// drain files what the process has written so far, up to what one event may
// log: a process that writes for ever must not hold its caller.
func (p *pump) drain() {
	_ = p.raw.Control(func(fd uintptr) { // the error says that the pipe is closed: nothing to drain
		for got := 0; got <= maxInvocationLog; got += len(p.buf) {
			if more, _ := p.once(fd); !more {
				return
			}
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.flush()
}

// close ends the pump, also when a surviving process holds the pipe.
func (p *pump) close() {
	p.drain()
	_ = p.pipe.Close() // a pipe we only read from
	<-p.end
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.flush()
}
