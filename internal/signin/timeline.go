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
	Trigger   *TriggerEffect // nil: no function ran
}

// TriggerEffect is what a pre token generation function made of the tokens.
type TriggerEffect struct {
	ARN, Version, Source string
	Changes              []token.Change // refused ones included
	Dropped              int            // changes beyond those kept
}

const (
	timelineSize    = 256 // events kept
	maxChanges      = 64  // changes kept of one event
	maxShownValue   = 256 // bytes of a claim's value that are kept
	maxShownString  = 128 // bytes of a user name
	maxShownMessage = 512 // bytes of a message, which may quote a function's error
)

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
		c.Before, c.After = redactValue(c.Before, show), redactValue(c.After, show)
		kept[i] = c
	}
	return kept, dropped
}

func redactValue(v jsontext.Value, show bool) jsontext.Value {
	switch {
	case v == nil:
		return nil
	case !show:
		return jsontext.Value(`"***"`)
	case len(v) > maxShownValue:
		return jsontext.Value(fmt.Sprintf(`"… %d bytes"`, len(v)))
	default:
		return v.Clone()
	}
}
