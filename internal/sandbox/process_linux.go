package sandbox

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// awaitExit returns when the process has ended, without reaping it; false says
// that it could not wait.
func awaitExit(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}

// procStat is what we read of /proc/PID/stat.
type procStat struct {
	pid, ppid int
	rss       int64 // bytes
}

var pageSize = int64(os.Getpagesize())

// parseStat reads a /proc/PID/stat line. The command name in it is any text,
// parentheses and spaces included; it ends at the last ')'.
func parseStat(b []byte) (procStat, bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 2 || end < open {
		return procStat{}, false
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(b[:open])))
	if err != nil {
		return procStat{}, false
	}
	// Fields from 3 (state): ppid is 4, rss is 24.
	fields := bytes.Fields(b[end+1:])
	if len(fields) < 22 {
		return procStat{}, false
	}
	ppid, err1 := strconv.Atoi(string(fields[1]))
	rss, err2 := strconv.ParseInt(string(fields[21]), 10, 64)
	if err1 != nil || err2 != nil {
		return procStat{}, false
	}
	return procStat{pid: pid, ppid: ppid, rss: rss * pageSize}, true
}

// processes lists every process of the machine that we can see.
func processes() []procStat {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read is used
	list := make([]procStat, 0, len(names))
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if s, ok := statOf(name); ok {
			list = append(list, s)
		}
	}
	return list
}

func statOf(pid string) (procStat, bool) {
	fd, err := unix.Open("/proc/"+pid+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return procStat{}, false
	}
	defer unix.Close(fd)
	var buf [1024]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil || n <= 0 {
		return procStat{}, false
	}
	return parseStat(buf[:n])
}

// family maps each process to its children.
func family(list []procStat) map[int][]procStat {
	children := make(map[int][]procStat, len(list))
	for _, s := range list {
		children[s.ppid] = append(children[s.ppid], s)
	}
	return children
}

// offspring returns everything below root.
func offspring(children map[int][]procStat, root int) []procStat {
	var all []procStat
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		all = append(all, children[queue[0]]...)
		for _, c := range children[queue[0]] {
			queue = append(queue, c.pid)
		}
	}
	return all
}

func descendants(root int) []int {
	var pids []int
	for _, s := range offspring(family(processes()), root) {
		pids = append(pids, s.pid)
	}
	return pids
}
