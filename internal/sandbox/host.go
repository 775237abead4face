package sandbox

import (
	_ "embed" // the bootstraps
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	//go:embed bootstrap/node.cjs
	nodeBootstrap []byte
	//go:embed bootstrap/python.py
	pythonBootstrap []byte
)

// Host starts processes for Functions. It is safe for concurrent use.
type Host struct {
	opts    Options
	log     *slog.Logger
	now     func() time.Time
	dir     string
	ownDir  bool
	serial  atomic.Int64
	probing func() measures

	node, python lookup

	mu        sync.Mutex
	functions map[*Function]struct{}
	closed    bool
	tasks     tasks

	watchMu  sync.Mutex
	watching map[*environment]struct{}
	wake     chan struct{} // the watchdog has something to watch
	quit     chan struct{}
}

// Open prepares a Host; it starts no process unless LevelStrict asks for proof.
func Open(opts Options) (*Host, error) {
	h := &Host{
		opts: opts, log: opts.Logger, now: opts.Now,
		functions: make(map[*Function]struct{}), watching: make(map[*environment]struct{}),
		wake: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.opts.IdleTimeout <= 0 {
		h.opts.IdleTimeout = 10 * time.Minute
	}
	if h.opts.SelfExe == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own binary: %w", err)
		}
		h.opts.SelfExe = self
	}
	h.probing = sync.OnceValue(func() measures {
		if h.opts.Isolation == LevelNone {
			return measures{}
		}
		return h.probe()
	})
	if err := h.openDir(); err != nil {
		return nil, err
	}
	if h.opts.Isolation == LevelStrict {
		if missing := h.Isolation().Missing; len(missing) > 0 {
			_ = h.removeDir() // the refusal matters more
			return nil, fmt.Errorf("%w: %s", ErrIsolation, strings.Join(missing, ", "))
		}
	}
	h.background(h.watchdog)
	return h, nil
}

func (h *Host) openDir() (err error) {
	h.dir = h.opts.StateDir
	if h.dir == "" {
		if h.dir, err = os.MkdirTemp("", "rockpool-functions-"); err != nil {
			return fmt.Errorf("function state: %w", err)
		}
		h.ownDir = true
	}
	if h.dir, err = filepath.Abs(h.dir); err != nil {
		return fmt.Errorf("function state: %w", err)
	}
	// Scratch directories of a host that did not get to remove them.
	if err := os.RemoveAll(filepath.Join(h.dir, "tmp")); err != nil {
		return fmt.Errorf("function state: %w", err)
	}
	for _, d := range []string{"runtime", "tmp"} {
		if err := os.MkdirAll(filepath.Join(h.dir, d), 0o700); err != nil {
			return fmt.Errorf("function state: %w", err)
		}
	}
	for name, text := range map[string][]byte{"node.cjs": nodeBootstrap, "python.py": pythonBootstrap} {
		file := filepath.Join(h.dir, "runtime", name)
		_ = os.Remove(file) // an older one is read-only
		if err := os.WriteFile(file, text, 0o400); err != nil {
			return fmt.Errorf("function state: %w", err)
		}
	}
	return nil
}

func (h *Host) removeDir() error {
	if h.ownDir {
		return os.RemoveAll(h.dir)
	}
	return nil
}

// Close stops every Function at once and waits for all processes and
// goroutines to end.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	var all []*Function
	for f := range h.functions {
		all = append(all, f)
	}
	h.mu.Unlock()
	var stopping sync.WaitGroup
	for _, f := range all {
		stopping.Go(func() { f.Stop(stopNow()) })
	}
	stopping.Wait()
	close(h.quit)
	h.tasks.wait()
	return h.removeDir()
}

func (h *Host) add(f *Function) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.functions[f] = struct{}{}
	return true
}

func (h *Host) remove(f *Function) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.functions, f)
}

// background runs f in a goroutine that Close waits for.
func (h *Host) background(f func()) { h.tasks.run(f) }

// tasks counts goroutines. Unlike a WaitGroup it allows a new one while
// somebody waits: a caller may give up on an event just as the host closes.
type tasks struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // made by wait, closed at zero
}

func (t *tasks) run(f func()) {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
	go func() {
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.n--; t.n == 0 && t.none != nil {
				close(t.none)
				t.none = nil
			}
		}()
		f()
	}()
}

func (t *tasks) wait() {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return
	}
	if t.none == nil {
		t.none = make(chan struct{})
	}
	none := t.none
	t.mu.Unlock()
	<-none
}

func (h *Host) measures() measures { return h.probing() }

const engineBootstrap = "bootstrap"

// Isolation reports what is enforced. The first call may start a process to
// find out.
func (h *Host) Isolation() Isolation {
	use := h.measures()
	shim := runtime.GOOS == "linux" && h.opts.Isolation != LevelNone
	i := Isolation{Level: h.opts.Isolation, Have: []string{HaveProcessGroup, HaveCleanEnv}}
	for _, m := range []struct {
		name string
		have bool
	}{
		{HaveNoNewPrivs, shim},
		{HaveRlimits, shim},
		{HaveLandlock, use.Landlock >= 3},
		{HaveScope, use.Landlock >= 6},
		{HaveUserNS, use.UserNS},
		{HavePIDNS, use.UserNS},
		{HaveMountNS, use.MountNS},
		{HaveMemory, runtime.GOOS == "linux"},
		{HavePeerCheck, runtime.GOOS == "linux"},
	} {
		if m.have {
			i.Have = append(i.Have, m.name)
		} else {
			i.Missing = append(i.Missing, m.name)
		}
	}
	return i
}

// start puts a process and a transport into e.
func (h *Host) start(e *environment) error {
	f := e.f
	if !filepath.IsAbs(f.cfg.CodeDir) {
		return fmt.Errorf("sandbox: code directory %q is not absolute", f.cfg.CodeDir)
	}
	if info, err := os.Stat(f.cfg.CodeDir); err != nil || !info.IsDir() {
		return fmt.Errorf("sandbox: no code directory %q: %w", f.cfg.CodeDir, errors.Join(err))
	}
	prog, framedChannel, err := h.program(f)
	if err != nil {
		return err
	}
	if prog.Tmp, err = os.MkdirTemp(filepath.Join(h.dir, "tmp"), "env-"); err != nil {
		return fmt.Errorf("scratch directory: %w", err)
	}
	tmp := prog.Tmp
	cleanup := func() {
		if err := os.RemoveAll(tmp); err != nil {
			h.log.Warn("scratch directory stays", "err", err)
		}
	}
	var api *runtimeAPI
	var child *os.File
	if framedChannel {
		conn, c, err := socketpair()
		if err != nil {
			cleanup()
			return err
		}
		child = c
		e.tr = newFramed(conn, e.log, f.cfg.ARN, h.background)
	} else {
		if api, err = openRuntimeAPI(f.cfg.ARN, h.log); err != nil {
			cleanup()
			return err
		}
		e.tr = api
	}
	e.engine = prog.Engine
	prog.Env = h.environ(f, prog, api)
	e.proc, err = launch(h, prog, child, e.log, cleanup)
	if child != nil {
		_ = child.Close() // the process has its own
	}
	if err != nil {
		e.tr.close()
		if errors.Is(err, errExec) && prog.Engine == engineBootstrap { // the function's fault, not the machine's
			return &initError{payload: errorPayload("Runtime.InvalidEntrypoint", err.Error())}
		}
		return err
	}
	if api != nil {
		api.serve(e.proc)
	} else {
		e.tr.(*framed).expect()
	}
	return nil
}

// environ is everything the process sees of an environment. Configured
// variables come first, so that ours win.
func (h *Host) environ(f *Function, prog program, api *runtimeAPI) []string {
	c := &f.cfg
	tmp := prog.Tmp
	if h.opts.Isolation != LevelNone && h.measures().MountNS {
		tmp = "/tmp"
	}
	n := h.serial.Add(1)
	env := map[string]string{
		"LANG": "en_US.UTF-8",
		"TZ":   ":UTC",
		"PATH": "/usr/local/bin:/usr/bin:/bin",
	}
	for k, v := range c.Env {
		env[k] = v
	}
	for k, v := range map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME":        c.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     c.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": fmt.Sprint(c.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + c.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      fmt.Sprintf("%s/[%s]%016x%08x", h.now().UTC().Format("2006/01/02"), c.Version, time.Now().UnixNano(), n),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_REGION":                      c.Region,
		"AWS_DEFAULT_REGION":              c.Region,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_" + c.Runtime,
		"LAMBDA_TASK_ROOT":                c.CodeDir,
		"LAMBDA_RUNTIME_DIR":              filepath.Join(h.dir, "runtime"),
		"_HANDLER":                        c.Handler,
		"TMPDIR":                          tmp,
	} {
		env[k] = v
	}
	switch {
	case strings.HasPrefix(c.Runtime, "nodejs"):
		setDefault(env, "NODE_PATH", filepath.Join(c.CodeDir, "node_modules"))
	case strings.HasPrefix(c.Runtime, "python"):
		env["PYTHONUNBUFFERED"] = "1"
		env["PYTHONDONTWRITEBYTECODE"] = "1"
		setDefault(env, "PYTHONPATH", c.CodeDir)
	default:
		setDefault(env, "LD_LIBRARY_PATH", c.CodeDir+":"+filepath.Join(c.CodeDir, "lib"))
	}
	if api != nil {
		env["AWS_LAMBDA_RUNTIME_API"] = api.addr()
	}
	list := make([]string, 0, len(env))
	for k, v := range env {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(v, 0) {
			continue // not expressible; the deploying side refuses such names
		}
		list = append(list, k+"="+v)
	}
	return list
}

func setDefault(m map[string]string, k, v string) {
	if m[k] == "" {
		m[k] = v
	}
}

// Reexec must be the first call of main in a program that opens a Host. In a
// process that was started to be a shim or a QuickJS host it does that work and
// never returns; in any other it does nothing.
func Reexec() {
	if isShim() {
		runShim()
	}
	if isQuickJS() {
		runQuickJS()
	}
}

// ---- watchdog

const (
	watchEvery = 250 * time.Millisecond
	// maxGroup is how many processes an environment may have at once before
	// the watchdog ends it.
	maxGroup = 256
)

func (h *Host) watched(e *environment) {
	h.watchMu.Lock()
	h.watching[e] = struct{}{}
	h.watchMu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// watchdog measures environments while there are any. The whole family of a
// process is looked for only while events take long, and now and then: listing
// all processes of a machine is not free.
func (h *Host) watchdog() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		h.watchMu.Lock()
		for e := range h.watching {
			select {
			case <-e.proc.end:
				delete(h.watching, e)
			default:
			}
		}
		idle := len(h.watching) == 0
		h.watchMu.Unlock()
		if idle {
			select {
			case <-h.wake:
			case <-h.quit:
				return
			}
			continue
		}
		select {
		case <-tick.C:
		case <-h.quit:
			return
		}
		h.watchOnce(n%8 == 0)
	}
}

// watchList copies what is being watched, and says whether some event has been
// running since before the last look.
func (h *Host) watchList() (list []*environment, long bool) {
	h.watchMu.Lock()
	defer h.watchMu.Unlock()
	before := time.Now().Add(-watchEvery / 2).UnixNano()
	for e := range h.watching {
		list = append(list, e)
		if since := e.since.Load(); since != 0 && since < before {
			long = true
		}
	}
	return list, long
}
