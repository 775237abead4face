package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// The shim is our own binary between fork and exec: Go cannot run code of ours
// in a forked child, so the child becomes us, restricts itself and then
// becomes the program. The function's variables reach it in the message, not
// in its environment, so LD_PRELOAD or GODEBUG act only once the rules hold.

const (
	shimName = "rockpool-function-shim"
	shimFD   = 4
)

// shimOrder is the message to the shim.
type shimOrder struct {
	Program program
	Use     measures
	// Channel says that descriptor 3 is the program's.
	Channel bool
	// Probe asks for a dry run: everything but the program.
	Probe bool
}

// shimReport answers it. Nothing at all means that the program runs.
type shimReport struct {
	Error string
	Exec  bool // everything worked but the program itself
	Proc  bool
}

// isShim reports whether this process was started to be a shim.
func isShim() bool { return len(os.Args) > 0 && os.Args[0] == shimName }

// runShim never returns.
func runShim() {
	runtime.LockOSThread() // namespaces, limits and rules belong to threads
	// Whatever descriptor some library of the host forgot to mark ends here;
	// only 0 to 3 reach the program.
	if err := unix.CloseRange(shimFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		closeOnExec(shimFD) // kernels before 5.11
	}
	wire := os.NewFile(shimFD, "order")
	var order shimOrder
	if err := json.UnmarshalDecode(jsontext.NewDecoder(io.LimitReader(wire, 1<<20)), &order); err != nil {
		os.Exit(126)
	}
	if !order.Channel {
		unix.CloseOnExec(shimFD - 1)
	}
	report, err := obey(order)
	if err != nil {
		report.Error = err.Error()
	}
	_ = json.MarshalWrite(wire, report) // the host may have gone; we are ending either way
	if err != nil {
		os.Exit(126)
	}
	os.Exit(0)
}

// closeOnExec marks every descriptor from the first on.
func closeOnExec(first int) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		os.Exit(126)
	}
	for _, fd := range fds {
		if n, err := strconv.Atoi(fd.Name()); err == nil && n >= first {
			unix.CloseOnExec(n)
		}
	}
}

// obey restricts this process and executes the program; on success it returns
// only from a probe.
func obey(order shimOrder) (shimReport, error) {
	p, use := order.Program, order.Use
	var report shimReport
	if use.MountNS {
		private, err := furnish(p)
		if err != nil {
			return report, err
		}
		report.Proc = private
		use.Proc = private
		p.Tmp = "/tmp"
	}
	// Orphans come to the function's process, where they are counted and found.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return report, fmt.Errorf("subreaper: %w", err)
	}
	if err := limit(p, use); err != nil {
		return report, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return report, fmt.Errorf("no_new_privs: %w", err)
	}
	if use.UserNS || os.Geteuid() == 0 {
		if err := dropCapabilities(); err != nil {
			return report, err
		}
	}
	if use.Landlock > 0 {
		if err := confine(p, use); err != nil {
			return report, err
		}
	}
	if order.Probe {
		return report, nil
	}
	if err := os.Chdir(p.Dir); err != nil {
		return report, err
	}
	// The host going away must end us; a change of credentials clears this.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return report, fmt.Errorf("parent death signal: %w", err)
	}
	err := syscall.Exec(p.Path, p.Args, p.Env)
	report.Exec = true
	return report, fmt.Errorf("fork/exec %s: %w", p.Path, err)
}

// masked are directories that become empty in a mount namespace: scratch
// space of others, and sockets of the system's services, which file rules do
// not cover on most kernels.
var masked = []string{"/tmp", "/var/tmp", "/run", "/dev/shm"}

// furnish gives the process a file tree of its own: empty scratch directories
// of limited size with what the program reads put back in place. It reports
// whether /proc shows the process's own namespace only.
func furnish(p program) (ownProc bool, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return false, fmt.Errorf("private mounts: %w", err)
	}
	// Nothing that was here before is written any more, file rules or not: they
	// do not cover modes and times. Some mounts may refuse; the ones put back
	// below may not.
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	_ = unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &readOnly)
	type kept struct {
		path string
		fd   int
		dir  bool
	}
	var keep []kept
	for _, path := range slices.Concat(p.Read, []string{"/etc/resolv.conf"}) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue // what is missing cannot be read either
		}
		for _, path := range slices.Compact([]string{path, real}) {
			if !slices.ContainsFunc(masked, func(m string) bool { return strings.HasPrefix(path, m+"/") }) {
				continue
			}
			info, err := os.Stat(path)
			if err != nil {
				return false, err
			}
			fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
			if err != nil {
				return false, fmt.Errorf("keep %s: %w", path, err)
			}
			if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &readOnly); err != nil {
				return false, fmt.Errorf("keep %s: %w", path, err)
			}
			keep = append(keep, kept{path, fd, info.IsDir()})
		}
	}
	for _, dir := range masked {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		size := fmt.Sprintf("size=%dm,mode=1777", p.TmpMB)
		if dir != "/tmp" {
			size = "size=16m,mode=1777"
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, size); err != nil {
			return false, fmt.Errorf("private %s: %w", dir, err)
		}
	}
	for _, k := range keep {
		if err := os.MkdirAll(filepath.Dir(k.path), 0o755); err != nil {
			return false, err
		}
		if k.dir {
			err = os.MkdirAll(k.path, 0o755)
		} else {
			err = os.WriteFile(k.path, nil, 0o600)
		}
		if err != nil {
			return false, err
		}
		if err := unix.MoveMount(k.fd, "", unix.AT_FDCWD, k.path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return false, fmt.Errorf("put back %s: %w", k.path, err)
		}
		_ = unix.Close(k.fd) // the mount stays
	}
	// Containers often hide parts of /proc, and then the kernel refuses a new one.
	err = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	return err == nil, nil
}

const (
	maxProcesses = 1024 // processes and threads of one environment, as Lambda has it
	maxOpenFiles = 1024
)

func limit(p program, use measures) error {
	limits := []struct {
		name     string
		resource int
		value    uint64
	}{
		{"core", unix.RLIMIT_CORE, 0},
		{"open files", unix.RLIMIT_NOFILE, maxOpenFiles},
		{"file size", unix.RLIMIT_FSIZE, uint64(p.TmpMB) << 20},
	}
	if use.UserNS {
		// Counted per user namespace; without one, the count is the operator's
		// whole login, and the watchdog has to do.
		limits = append(limits, struct {
			name     string
			resource int
			value    uint64
		}{"processes", unix.RLIMIT_NPROC, maxProcesses})
	}
	for _, l := range limits {
		r := unix.Rlimit{Cur: l.value, Max: l.value}
		var old unix.Rlimit
		if err := unix.Getrlimit(l.resource, &old); err == nil && old.Max < l.value {
			r = unix.Rlimit{Cur: old.Max, Max: old.Max}
		}
		// syscall's and not unix's: it tells the runtime not to put the old
		// number of open files back at exec.
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: r.Cur, Max: r.Max}); err != nil {
			return fmt.Errorf("limit of %s: %w", l.name, err)
		}
	}
	return nil
}

// dropCapabilities gives up what the new user namespace granted: mounting was
// ours to do, not the function's.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("ambient capabilities: %w", err)
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("capability bounds: %w", err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}

// What every program may read: the system's libraries and the files that name
// resolution, TLS and time zones need. Not /etc, /home, /root, /var, /srv.
var (
	systemDirs = []string{
		"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ssl", "/etc/pki", "/etc/ca-certificates",
		"/etc/crypto-policies", "/etc/alternatives", "/etc/ld.so.conf.d", "/nix/store", "/sys/devices/system/cpu", "/sys/fs/cgroup",
	}
	systemFiles = []string{
		"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/timezone",
		"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/gai.conf", "/etc/host.conf", "/etc/services", "/etc/protocols",
		"/etc/mime.types", "/etc/os-release", "/dev/urandom", "/dev/random",
	}
	procFiles = []string{
		"/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/filesystems",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/cap_last_cap",
	}
	deviceFiles = []string{"/dev/null", "/dev/zero", "/dev/full"}
)

// confine applies the Landlock rules.
func confine(p program, use measures) error {
	dirs, files := slices.Clone(systemDirs), slices.Clone(systemFiles)
	for _, path := range p.Read {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.IsDir() {
			dirs = append(dirs, path)
		} else {
			files = append(files, path)
		}
	}
	if use.Proc {
		dirs = append(dirs, "/proc")
	} else {
		dirs = append(dirs, "/proc/self") // resolves to us, and exec keeps our number
		files = append(files, procFiles...)
	}
	writable := []string{p.Tmp}
	if use.MountNS {
		writable = append(writable, "/var/tmp", "/dev/shm")
	}
	scratch := landlock.RWDirs(writable...).IgnoreIfMissing()
	if use.Landlock >= 2 {
		scratch = scratch.WithRefer()
	}
	config, err := landlock.NewConfig(landlock.V7.HandledAccessFS, landlock.V7.Scoped)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	err = config.BestEffort().Restrict(
		landlock.RODirs(dirs...).IgnoreIfMissing(),
		landlock.ROFiles(files...).IgnoreIfMissing(),
		landlock.RWFiles(deviceFiles...).IgnoreIfMissing(),
		scratch,
	)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}

// handover passes a program to the shim that a command has been turned into.
type handover struct {
	host, child *os.File
	order       shimOrder
	report      *shimReport
}

// wrap turns cmd into a shim that will run prog.
func (h *Host) wrap(cmd *exec.Cmd, prog program, channel *os.File) (handover, error) {
	if h.opts.Isolation == LevelNone {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
		return handover{}, nil
	}
	return h.wrapWith(cmd, shimOrder{Program: prog, Use: h.measures(), Channel: channel != nil}, channel)
}

func (h *Host) wrapWith(cmd *exec.Cmd, order shimOrder, channel *os.File) (handover, error) {
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return handover{}, fmt.Errorf("socketpair: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil { // so that reading it has deadlines
		return handover{}, fmt.Errorf("socketpair: %w", err)
	}
	hand := handover{
		host: os.NewFile(uintptr(fds[0]), "shim"), child: os.NewFile(uintptr(fds[1]), "order"),
		order: order, report: &shimReport{},
	}
	cmd.Path, cmd.Args = h.opts.SelfExe, []string{shimName}
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{channel, hand.child}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if order.Use.UserNS {
		attr := cmd.SysProcAttr
		attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWIPC
		// Outside, it is us without our capabilities; inside, nobody special.
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: sandboxUser, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: sandboxUser, HostID: os.Getegid(), Size: 1}}
		if order.Use.MountNS {
			attr.Cloneflags |= unix.CLONE_NEWNS
			attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
		}
		attr.AmbientCaps = append(attr.AmbientCaps, unix.CAP_SETPCAP)
	}
	return hand, nil
}

const sandboxUser = 993

// over sends the order and waits until the program has replaced the shim.
func (d handover) over() error {
	if d.host == nil {
		return nil
	}
	message, err := json.Marshal(d.order)
	if err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	if err := d.host.SetDeadline(time.Now().Add(MaxInit)); err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	if _, err := d.host.Write(message); err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(d.host, 64<<10))
	if err != nil && !errors.Is(err, unix.ECONNRESET) {
		return fmt.Errorf("shim: %w", err)
	}
	if len(answer) == 0 {
		if d.order.Probe {
			return errors.New("shim: no answer")
		}
		return nil
	}
	if err := json.Unmarshal(answer, d.report); err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	if d.report.Exec {
		return fmt.Errorf("%w: %s", errExec, d.report.Error)
	}
	if d.report.Error != "" {
		return fmt.Errorf("shim: %s", d.report.Error)
	}
	return nil
}

// closeChild closes what the child has its own copy of.
func (d handover) closeChild() {
	if d.child != nil {
		_ = d.child.Close() // a copy
	}
}

func (d handover) close() {
	if d.host != nil {
		_ = d.host.Close() // nothing is written any more
	}
}

// probe finds out by trying what this machine lets a shim do.
func (h *Host) probe() measures {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		abi = 0
	}
	for _, use := range []measures{
		{UserNS: true, MountNS: true, Landlock: abi},
		{UserNS: true, Landlock: abi},
		{Landlock: abi},
		{},
	} {
		proc, err := h.try(use)
		if err == nil {
			use.Proc = proc
			return use
		}
		h.log.Debug("isolation measure not available", "measures", fmt.Sprintf("%+v", use), "err", err)
	}
	return measures{}
}

// try runs a shim that stops before its program.
func (h *Host) try(use measures) (ownProc bool, err error) {
	tmp := h.dir
	prog := program{Path: h.opts.SelfExe, Dir: "/", Tmp: tmp, TmpMB: 1, Read: []string{h.opts.SelfExe}}
	cmd := exec.Command(h.opts.SelfExe)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = waitDelay
	hand, err := h.wrapWith(cmd, shimOrder{Program: prog, Use: use, Probe: true}, nil)
	if err != nil {
		return false, err
	}
	defer hand.close()
	runtime.LockOSThread() // see process.own
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		hand.closeChild()
		return false, err
	}
	hand.closeChild()
	err = hand.over()
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended
	}
	if werr := cmd.Wait(); err == nil && werr != nil {
		err = werr
	}
	return hand.report.Proc, err
}

// dieTogether reports whether the end of an environment's first process ends
// all others of it.
func (h *Host) dieTogether() bool { return h.opts.Isolation != LevelNone && h.measures().UserNS }
