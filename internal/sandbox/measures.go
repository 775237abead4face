package sandbox

import "errors"

// errExec is a program that the system would not run.
var errExec = errors.New("not a program for this machine")

// measures is what a machine offers.
type measures struct {
	UserNS   bool // with a process and an IPC namespace
	MountNS  bool
	Proc     bool // a /proc of its own
	Landlock int  // ABI version
}

// program is what to run: after the shim, if there is one, has had its way.
type program struct {
	Path string   // executable, absolute
	Args []string // argv, with argv[0]
	Env  []string
	Dir  string
	// Read are files and directories it may read and execute, besides the
	// system's own; Tmp is the one directory it may write, made by us, and
	// becomes /tmp where there is a mount namespace.
	Read  []string
	Tmp   string
	TmpMB int
	// Engine names what runs the code, where the code does not say itself.
	Engine string
}
