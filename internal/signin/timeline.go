package signin

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/token"
)

// Event explains one attempt to get tokens: who, how, with what outcome, and
// what the pre token generation function changed. It holds no password, no
// token, no code and, unless Service.ShowClaims is set, no value of a claim.
type Event struct {
	Time      time.Time
	PoolID    string
	ClientID  string
	Username  string // as the pool shows it; of an unknown user, what was typed
	Sub       string // empty for an unknown user
	Flow      string // "USER_PASSWORD_AUTH", "PASSWORD_VERIFIER", "REFRESH_TOKEN_AUTH", …
	Outcome   string // "tokens", the name of a challenge, or the exception's name
	Message   string // of the exception
	RequestID string
	EventID   string // the event_id claim, if tokens were made
	OriginJTI string
	Trigger   *TriggerEffect // nil: no function was called

	// Duration is how long the attempt took, and Phases are what it was spent
	// on, one after the other.
	Duration time.Duration
	Phases   []Phase
}

// Phase is a part of an attempt: since the one before, or the beginning.
type Phase struct {
	Name     string
	Duration time.Duration
}

// The phases of an attempt, as far as it got.
const (
	PhaseUser     = "user"     // the pool, the client, the user and the groups are read
	PhasePassword = "password" // password or proof are checked
	PhaseClaims   = "claims"   // status and keys are looked at, the claims collected
	PhaseTrigger  = "trigger"  // the pre token generation function answers
	PhaseSigning  = "signing"  // the tokens are signed
	PhaseWait     = "wait"     // a refusal is held back, so that its time tells nothing
	PhaseRest     = "rest"     // everything after the last of these: what is written
)

// TriggerEffect is what a pre token generation function made of the tokens, if
// it did not fail.
type TriggerEffect struct {
	ARN, Version, Source string
	Changes              []token.Change // refused ones included
	Dropped              int            // changes beyond those kept

	RequestID string        // of the invocation
	Duration  time.Duration // of the function's run
	Attempts  int
	Cold      bool // a process was started for it
	// Event and Answer are what the function was given and what it returned,
	// bounded and without what looks like a secret. Without
	// Service.ShowClaims they are not kept at all.
	Event, Answer jsontext.Value
}

const (
	timelineSize    = 256 // events kept
	maxChanges      = 64  // changes kept of one event
	maxShownValue   = 256 // bytes of a claim's value that are kept
	maxShownString  = 128 // bytes of a user name
	maxShownMessage = 512 // bytes of a message, which may quote a function's error
)

// mark ends a phase. The time is the machine's: no test moves it.
func (a *attempt) mark(phase string) {
	now := time.Now()
	if a.event.Phases == nil {
		a.event.Phases = make([]Phase, 0, maxPhases)
	}
	a.event.Phases = append(a.event.Phases, Phase{phase, now.Sub(a.marked)})
	a.marked = now
}

const maxPhases = 6 // of an attempt that goes well

// timeline is a ring of recent events. The zero value is ready.
type timeline struct {
	mu   sync.Mutex
	ring [timelineSize]Event
	n    int // events ever recorded
}

func (t *timeline) add(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.n%timelineSize] = e
	t.n++
}

// shorten cuts text, which may be anything that a caller typed, to n bytes of
// valid UTF-8. It copies, so that the ring does not hold on to a request.
func shorten(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Clone(strings.ToValidUTF8(s, "\uFFFD"))
}

func (t *timeline) recent(match func(*Event) bool, limit int) []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Event
	for i := t.n - 1; i >= 0 && i >= t.n-timelineSize && len(out) < limit; i-- {
		if e := &t.ring[i%timelineSize]; match(e) {
			out = append(out, *e)
		}
	}
	return out
}

// redactChanges bounds a list of changes and hides the values of claims, which
// are personal data, unless they are to be shown.
func redactChanges(changes []token.Change, show bool) (kept []token.Change, dropped int) {
	if len(changes) > maxChanges {
		dropped = len(changes) - maxChanges
		changes = changes[:maxChanges]
	}
	kept = make([]token.Change, len(changes))
	for i, c := range changes {
		shown := show && !secretName(c.Claim)
		c.Before, c.After = redactValue(c.Before, shown), redactValue(c.After, shown)
		kept[i] = c
	}
	return kept, dropped
}

func redactValue(v jsontext.Value, show bool) jsontext.Value {
	switch {
	case v == nil:
		return nil
	case !show:
		return hidden.Clone()
	case len(v) > maxShownValue:
		return jsontext.Value(fmt.Sprintf(`"… %d bytes"`, len(v)))
	default:
		return redactJSON(v)
	}
}
