package sandbox

import "strings"

// Level is how much isolation is wanted.
type Level int

const (
	// LevelAuto takes everything the machine offers and reports the rest.
	LevelAuto Level = iota
	// LevelNone starts processes without the shim: process group and clean
	// environment only. For debugging.
	LevelNone
	// LevelStrict refuses to open a Host when anything in Isolation.Missing
	// would be left out.
	LevelStrict
)

// Isolation is what a Host really enforces.
type Isolation struct {
	// Level is the one asked for.
	Level Level
	// Have and Missing name measures, in the words of the constants below.
	Have, Missing []string
}

// Measures that Isolation names.
const (
	HaveProcessGroup = "process group"
	HaveCleanEnv     = "clean environment"
	HaveNoNewPrivs   = "no new privileges"
	HaveRlimits      = "resource limits"
	HaveLandlock     = "file system rules"
	HaveScope        = "signal and socket scope"
	HaveUserNS       = "user namespace"
	HavePIDNS        = "process namespace"
	HaveMountNS      = "private /tmp of limited size"
	HaveMemory       = "memory watchdog"
	HavePeerCheck    = "runtime API peer check"
)

// String is one line for a log or a person.
func (i Isolation) String() string {
	s := "isolation: " + strings.Join(i.Have, ", ")
	if len(i.Missing) > 0 {
		s += "; missing: " + strings.Join(i.Missing, ", ")
	}
	return s
}
