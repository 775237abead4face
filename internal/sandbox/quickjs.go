package sandbox

import (
	_ "embed" // the prelude
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"modernc.org/quickjs"
)

// The QuickJS host runs nodejs* functions where there is no node: our own
// binary, in a process of its own like every function, speaking the same
// frames as the Node bootstrap.
//
// It has ES modules and CommonJS, promises, timers, console, process (env,
// exit, nextTick and little else), Buffer (from, toString, concat), TextEncoder
// and TextDecoder, atob and btoa, structuredClone, and the modules process,
// buffer, util, timers and console. It has no fetch, URL, crypto, fs, http,
// net, Intl, workers or streams, and does not notice unhandled rejections. A
// function that imports something missing fails with a message that names it.

const quickName = "rockpool-function-quickjs"

//go:embed bootstrap/quickjs.js
var quickPrelude string

// isQuickJS reports whether this process was started to be a QuickJS host.
func isQuickJS() bool { return len(os.Args) > 0 && os.Args[0] == quickName }

// runQuickJS never returns.
func runQuickJS() {
	runtime.LockOSThread()
	memory := DefaultMemoryMB
	if len(os.Args) > 1 {
		if n, err := strconv.Atoi(os.Args[1]); err == nil {
			memory = n
		}
	}
	q := &quickHost{wire: os.NewFile(3, "host"), root: os.Getenv("LAMBDA_TASK_ROOT"), timers: make(map[int]time.Time)}
	if err := q.run(memory); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "quickjs host:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

type quickEvent struct {
	id            string
	meta, payload []byte
	err           error
}

// quickHost is the event loop around one VM. Only its own goroutine touches
// the VM; another reads events.
type quickHost struct {
	wire   *os.File
	vm     *quickjs.VM
	root   string
	timers map[int]time.Time
	busy   bool // an event is being handled
	loaded bool
	fatal  error
}

func (q *quickHost) run(memoryMB int) error {
	vm, err := quickjs.NewVM()
	if err != nil {
		return err
	}
	q.vm = vm
	vm.SetMemoryLimit(uintptr(memoryMB) << 20 * 3 / 4)
	vm.SetModuleLoader(q.loadModule, q.normalise)
	if err := vm.RegisterHostFunc("__native", q.native); err != nil {
		return err
	}
	if _, err := vm.Eval(quickPrelude, quickjs.EvalGlobal); err != nil {
		return fmt.Errorf("prelude: %w", err)
	}
	events := make(chan quickEvent, 1)
	go q.read(events)

	file, name, shown, missing := locateHandler(q.root, os.Getenv("_HANDLER"))
	if err := q.call("load", file, name, shown, missing); err != nil {
		return err
	}
	for q.fatal == nil {
		if err := q.settle(); err != nil {
			return err
		}
		if q.busy && len(q.timers) == 0 {
			if err := q.call("empty"); err != nil {
				return err
			}
			continue
		}
		if !q.loaded && len(q.timers) == 0 {
			return errors.New("the module never finished loading")
		}
		incoming := events
		if q.busy || !q.loaded {
			incoming = nil // one at a time
		}
		var due <-chan time.Time
		if at, ok := q.soonest(); ok {
			due = time.After(time.Until(at))
		}
		select {
		case ev := <-incoming:
			if ev.err != nil {
				return ev.err
			}
			q.busy = true
			if err := q.call("invoke", ev.id, string(ev.meta), string(ev.payload)); err != nil {
				return err
			}
		case <-due:
			now := time.Now()
			for id, at := range q.timers {
				if !at.After(now) {
					delete(q.timers, id)
					if err := q.call("fire", id); err != nil {
						return err
					}
				}
			}
		}
	}
	return q.fatal
}

func (q *quickHost) read(events chan<- quickEvent) {
	frames := newFrameReader(q.wire, MaxPayload+64<<10)
	for {
		typ, body, err := frames.next()
		ev := quickEvent{err: err}
		if err == nil && typ == frameInvoke {
			var meta, payload []byte
			ev.id, meta, payload, ev.err = parseInvoke(body)
			ev.meta, ev.payload = append(ev.meta, meta...), append(ev.payload, payload...)
		} else if err == nil {
			ev.err = fmt.Errorf("%w: %q", errFrame, typ)
		}
		if ev.err != nil && errors.Is(ev.err, io.EOF) {
			os.Exit(0) // the host is gone; the code may be in a loop
		}
		events <- ev
		if ev.err != nil {
			return
		}
	}
}

func (q *quickHost) soonest() (at time.Time, ok bool) {
	for _, t := range q.timers {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// settle runs promise reactions until there are none.
func (q *quickHost) settle() error {
	for {
		n, err := q.vm.ExecutePendingJobs()
		if err != nil {
			return err
		}
		if n == 0 {
			return q.fatal
		}
	}
}

func (q *quickHost) call(function string, args ...any) error {
	v, err := q.vm.CallValue("__rockpool."+function, args...)
	if err != nil {
		return err
	}
	v.Free()
	return q.fatal
}

func (q *quickHost) send(typ byte, parts ...[]byte) error {
	_, err := q.wire.Write(appendFrame(nil, typ, parts...))
	if err != nil {
		q.fatal = err
	}
	return err
}

// native is the one function the prelude gets: a verb and its arguments.
func (q *quickHost) native(args []any) (any, error) {
	verb := argString(args, 0)
	switch verb {
	case "env":
		return environJSON()
	case "platform":
		return runtime.GOOS, nil
	case "arch":
		return strings.Replace(runtime.GOARCH, "amd64", "x64", 1), nil
	case "version":
		return quickjs.Version(), nil
	case "size":
		return len(argString(args, 1)), nil
	case "rss":
		return int(peakKB()), nil
	case "log":
		text := argString(args, 1)
		return nil, q.send(frameLog, []byte(text[:min(len(text), maxLine)]))
	case "write":
		out := os.Stdout
		if argInt(args, 1) == 2 {
			out = os.Stderr
		}
		_, err := io.WriteString(out, argString(args, 2))
		return nil, err
	case "timer":
		q.timers[argInt(args, 1)] = time.Now().Add(time.Duration(argInt(args, 2)) * time.Millisecond)
		return nil, nil
	case "untimer":
		delete(q.timers, argInt(args, 1))
		return nil, nil
	case "exit":
		os.Exit(argInt(args, 1))
	case "resolve":
		return resolveModule(q.root, argString(args, 1), argString(args, 2), true)
	case "read":
		return readModule(argString(args, 1))
	case "module":
		return isESModule(q.root, argString(args, 1)), nil
	case "init":
		q.loaded = true
		if argString(args, 1) == "R" {
			return nil, q.send(frameReady, []byte("quickjs "+quickjs.Version()))
		}
		if err := q.send(frameInitFailed, []byte(argString(args, 2))); err != nil {
			return nil, err
		}
		os.Exit(1)
	case "answer":
		id := argString(args, 2)
		rss := peakKB()
		q.busy = false
		return nil, q.send(argString(args, 1)[0], []byte{byte(len(id))}, []byte(id),
			[]byte{byte(rss >> 24), byte(rss >> 16), byte(rss >> 8), byte(rss)}, []byte(argString(args, 3)))
	}
	return nil, fmt.Errorf("no such native function %q", verb)
}

func argString(args []any, i int) string {
	if i < len(args) {
		if s, ok := args[i].(string); ok {
			return s
		}
	}
	return ""
}

func argInt(args []any, i int) int {
	if i < len(args) {
		switch n := args[i].(type) {
		case int:
			return n
		case int32:
			return int(n)
		case int64:
			return int(n)
		case float64:
			return int(n)
		}
	}
	return 0
}
