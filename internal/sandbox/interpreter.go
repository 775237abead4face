package sandbox

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// lookup finds an interpreter once.
type lookup struct {
	once sync.Once
	path string
	err  error
}

// noInterpreter as NodePath or PythonPath says that there is none.
const noInterpreter = "none"

// find returns the real path of the interpreter: the configured one, else the
// first in PATH that is a program. Version managers put scripts there which
// need the operator's environment; a function has none, so those are passed
// over.
func (l *lookup) find(configured string, names ...string) (string, error) {
	l.once.Do(func() {
		if configured == noInterpreter {
			l.err = fmt.Errorf("%w: no %s", ErrRuntime, names[0])
			return
		}
		if configured != "" {
			l.path, l.err = filepath.EvalSymlinks(configured)
			if l.err != nil {
				l.err = fmt.Errorf("%w: %w", ErrRuntime, l.err)
			}
			return
		}
		for _, name := range names {
			for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
				if !filepath.IsAbs(dir) {
					continue
				}
				path, err := filepath.EvalSymlinks(filepath.Join(dir, name))
				if err == nil && isProgram(path) {
					l.path = path
					return
				}
			}
		}
		l.err = fmt.Errorf("%w: no %s found in PATH", ErrRuntime, names[0])
	})
	return l.path, l.err
}

// isProgram reports whether path is executable and not a script.
func isProgram(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || (runtime.GOOS != "windows" && info.Mode()&0o111 == 0) {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [2]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) != "#!"
}

// program says what runs a function, and whether it speaks frames.
func (h *Host) program(f *Function) (prog program, frames bool, err error) {
	c := &f.cfg
	prog = program{Dir: c.CodeDir, Read: []string{c.CodeDir}, TmpMB: c.TmpMB}
	switch {
	case strings.HasPrefix(c.Runtime, "nodejs"):
		path, err := h.node.find(h.opts.NodePath, "node", "nodejs")
		if err != nil {
			if h.opts.NodePath != "" && h.opts.NodePath != noInterpreter {
				return prog, false, err // asked for by name: no silent second best
			}
			prog.Path, prog.Args = h.opts.SelfExe, []string{quickName, fmt.Sprint(c.MemoryMB)}
			prog.Read = append(prog.Read, h.opts.SelfExe)
			return prog, true, nil
		}
		boot := filepath.Join(h.dir, "runtime", "node.cjs")
		prog.Path = path
		// The collector should work before the watchdog does; an empty Node has
		// some 50 MB resident.
		heap := max(min(c.MemoryMB*3/4, c.MemoryMB-56), 32)
		prog.Args = []string{"node", fmt.Sprintf("--max-old-space-size=%d", heap), boot}
		prog.Read = append(prog.Read, path, boot)
		prog.Read = append(prog.Read, besideInterpreter(path)...)
		return prog, true, nil
	case strings.HasPrefix(c.Runtime, "python3"):
		path, err := h.python.find(h.opts.PythonPath, "python3", "python")
		if err != nil {
			return prog, false, err
		}
		boot := filepath.Join(h.dir, "runtime", "python.py")
		prog.Path, prog.Args, prog.Engine = path, []string{path, boot}, filepath.Base(path)
		prog.Read = append(prog.Read, path, boot)
		prog.Read = append(prog.Read, besideInterpreter(path)...)
		return prog, false, nil
	case strings.HasPrefix(c.Runtime, "provided"):
		boot := filepath.Join(c.CodeDir, "bootstrap")
		info, err := os.Stat(boot)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return prog, false, &initError{payload: errorPayload("Runtime.InvalidEntrypoint",
				"Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")}
		}
		prog.Path, prog.Args, prog.Engine = boot, []string{boot}, engineBootstrap
		return prog, false, nil
	}
	return prog, false, fmt.Errorf("%w: %q", ErrRuntime, c.Runtime)
}

// besideInterpreter returns where an interpreter outside the system's
// directories keeps its libraries: PREFIX/bin/python3, PREFIX/lib.
func besideInterpreter(path string) []string {
	bin := filepath.Dir(path)
	if lib := filepath.Join(filepath.Dir(bin), "lib"); filepath.Base(bin) == "bin" && isDir(lib) {
		return []string{lib}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// noteEngine says once, in the function's log, when what runs the code is not
// what its runtime names.
func (f *Function) noteEngine(e *environment) {
	want, isNode := strings.CutPrefix(f.cfg.Runtime, "nodejs")
	if !isNode || f.mismatch.Load() {
		return
	}
	want, _, _ = strings.Cut(want, ".")
	if version, ok := strings.CutPrefix(e.engine, "node v"); ok {
		if have, _, _ := strings.Cut(version, "."); have == want {
			return
		}
	}
	if f.mismatch.CompareAndSwap(false, true) {
		e.log.add("platform", fmt.Sprintf("This function asks for %s and runs on %s.", f.cfg.Runtime, e.engine))
		f.host.log.Info("function runs on another engine than its runtime", "function", f.cfg.Name, "runtime", f.cfg.Runtime, "engine", e.engine)
	}
}
