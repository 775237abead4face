package sandbox

import "fmt"

// state is where an environment is in its life.
type state int

const (
	stateStarting state = iota
	stateIdle
	stateBusy
	stateStopping
	stateDead
)

var stateNames = [...]string{"starting", "idle", "busy", "stopping", "dead"}

func (s state) String() string { return stateNames[s] }

// transitions lists what may follow what; anything else is a bug in here.
var transitions = [...][]state{
	stateStarting: {stateIdle, stateStopping, stateDead},
	stateIdle:     {stateBusy, stateStopping, stateDead},
	stateBusy:     {stateIdle, stateStopping, stateDead},
	stateStopping: {stateDead},
	stateDead:     {},
}

// to checks the step from s to next.
func (s state) to(next state) error {
	for _, t := range transitions[s] {
		if t == next {
			return nil
		}
	}
	return fmt.Errorf("environment cannot go from %v to %v", s, next)
}
