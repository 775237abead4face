package sandbox

import (
	"fmt"
	"strings"
)

// Engine names what runs functions of a runtime on this machine, without
// starting it: "node", "quickjs", "python3", "bootstrap", or "" if nothing
// does.
func (h *Host) Engine(runtime string) string {
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		if _, err := h.node.find(h.opts.NodePath, "node", "nodejs"); err == nil {
			return "node"
		}
		if h.opts.NodePath == "" || h.opts.NodePath == noInterpreter {
			return "quickjs"
		}
	case strings.HasPrefix(runtime, "python3"):
		if _, err := h.python.find(h.opts.PythonPath, "python3", "python"); err == nil {
			return "python3"
		}
	case strings.HasPrefix(runtime, "provided"):
		return engineBootstrap
	}
	return ""
}

// ParseLevel reads the name of a Level: auto (or nothing), none or strict.
func ParseLevel(name string) (Level, error) {
	switch name {
	case "", "auto":
		return LevelAuto, nil
	case "none":
		return LevelNone, nil
	case "strict":
		return LevelStrict, nil
	}
	return 0, fmt.Errorf("isolation %q: need auto, none or strict", name)
}
