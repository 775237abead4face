//go:build !linux

package signin

import "time"

// sleepExactly sleeps for d: here the runtime's timers are the kernel's.
func sleepExactly(d time.Duration) { time.Sleep(d) }
