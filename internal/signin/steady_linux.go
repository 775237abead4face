package signin

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepExactly sleeps for d with the precision of the kernel's timers, some
// 0.05 ms. It holds a thread for that long.
func sleepExactly(d time.Duration) {
	if d <= 0 {
		return
	}
	left := unix.NsecToTimespec(d.Nanoseconds())
	// A signal, which the runtime sends to preempt, leaves a rest.
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &left, &left) == unix.EINTR {
	}
}
