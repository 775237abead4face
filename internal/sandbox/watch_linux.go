package sandbox

import "strconv"

// watchOnce measures every environment once, and ends those above their limit.
func (h *Host) watchOnce(all bool) {
	list, long := h.watchList()
	var children map[int][]procStat
	if all || long {
		children = family(processes())
	}
	for _, e := range list {
		pid := e.proc.id()
		if pid == 0 {
			continue
		}
		first, ok := statOf(strconv.Itoa(pid))
		if !ok {
			continue
		}
		group := offspring(children, pid)
		rss := first.rss
		for _, s := range group {
			rss += s.rss
		}
		if rss > e.peak.Load() {
			e.peak.Store(rss)
		}
		switch {
		case rss > int64(e.f.cfg.MemoryMB)<<20:
			e.killFor(killedMemory)
		case len(group)+1 > maxGroup:
			e.killFor(killedProcesses)
		}
	}
}

// resident returns the resident bytes of one process, or 0 if it is gone.
func resident(pid int) int64 {
	if pid == 0 {
		return 0
	}
	s, _ := statOf(strconv.Itoa(pid)) // the zero value says gone
	return s.rss
}
