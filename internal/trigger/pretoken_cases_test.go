package trigger_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/trigger/triggertest"
)

// TestPreTokenCases plays every case of the trigger reference and applies what
// comes back to the claims of the case's user.
func TestPreTokenCases(t *testing.T) {
	seen := map[int]int{}
	for _, c := range triggertest.Cases() {
		seen[c.Number]++
		t.Run(fmt.Sprintf("%d %s %s", c.Number, c.Version, c.Name), func(t *testing.T) {
			// In a bubble the five seconds of a function that hangs are over at once.
			synctest.Test(t, func(t *testing.T) { playCase(t, c) })
		})
	}
	for n := 1; n <= 57; n++ {
		if seen[n] == 0 {
			t.Errorf("case %d is missing", n)
		}
		delete(seen, n)
	}
	if len(seen) != 0 {
		t.Errorf("cases without a place in the reference: %v", seen)
	}
}

func playCase(t *testing.T, c triggertest.Case) {
	invoker := &triggertest.Invoker{Case: c}
	var records []trigger.Invocation
	client := &trigger.Client{Invoker: invoker, Record: func(r trigger.Invocation) { records = append(records, r) }}
	start := time.Now()
	overrides, err := client.PreToken(t.Context(), c.Input())

	if c.NotCalled {
		if len(invoker.Calls) != 0 || len(records) != 0 {
			t.Errorf("the function was called")
		}
	} else {
		if len(invoker.Calls) != 1 || len(records) != 1 {
			t.Fatalf("%d calls and %d records, want one of each", len(invoker.Calls), len(records))
		}
		checkRequest(t, c, invoker.Calls[0])
	}
	if c.WantCode != "" {
		var got *apierr.Error
		if !errors.As(err, &got) || got.Code != c.WantCode || got.Message != c.WantMessage {
			t.Fatalf("error %v, want %s: %s", err, c.WantCode, c.WantMessage)
		}
		if overrides.Groups != nil || overrides.ID.Add != nil || overrides.Version != 0 {
			t.Errorf("overrides %+v beside an error", overrides)
		}
		if records[0].Outcome != c.WantCode || records[0].Message != c.WantMessage {
			t.Errorf("recorded %s %q, want the error", records[0].Outcome, records[0].Message)
		}
		if waited := time.Since(start); c.Hangs && waited != trigger.DefaultTimeout {
			t.Errorf("waited %s, want %s", waited, trigger.DefaultTimeout)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range []token.Use{token.ID, token.Access} {
		before := c.Claims(use)
		after := before.Apply(use, overrides)
		for _, line := range c.Differences(use, triggertest.ClientID, before, after) {
			t.Error(line)
		}
		for _, line := range (triggertest.Case{}).Differences(use, triggertest.ClientID, c.Claims(use), before) {
			t.Errorf("Apply changed what it was given: %s", line)
		}
	}
}

func checkRequest(t *testing.T, c triggertest.Case, call trigger.Call) {
	t.Helper()
	event, err := token.ParseClaims(call.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if got := event.String("version"); got != c.WantEventVersion() {
		t.Errorf("event version %q, want %q", got, c.WantEventVersion())
	}
	raw, _ := event.Get("request")
	request, err := token.ParseClaims(raw)
	if err != nil {
		t.Fatal(err)
	}
	if metadata, ok := request.Get("clientMetadata"); string(metadata) != c.WantMetadata || ok != (c.WantMetadata != "") {
		t.Errorf("clientMetadata %s, want %q", metadata, c.WantMetadata)
	}
	if call.FunctionARN != triggertest.Function || call.SourceARN != triggertest.PoolARN || call.SourceAccount != triggertest.Account || call.Async {
		t.Errorf("call on behalf of %s %s to %s", call.SourceARN, call.SourceAccount, call.FunctionARN)
	}
}

// The comparison that every case rests on must be able to fail.
func TestDifferencesFindsWhatIsWrong(t *testing.T) {
	before := triggertest.IDClaims()
	for _, tt := range []struct {
		name   string
		change func(*token.Claims)
		want   triggertest.Case
	}{
		{"claim added unasked", func(c *token.Claims) { c.Set("x", 1) }, triggertest.Case{}},
		{"claim lost", func(c *token.Claims) { c.Delete("email") }, triggertest.Case{}},
		{"claim of another value", func(c *token.Claims) { c.Set("t", "1") }, triggertest.Case{WantID: map[string]string{"t": "1"}}},
		{"claim not added", func(*token.Claims) {}, triggertest.Case{WantID: map[string]string{"t": "1"}}},
		{"claim not gone", func(*token.Claims) {}, triggertest.Case{WantID: map[string]string{"email": ""}}},
	} {
		after := before.Clone()
		tt.change(&after)
		if lines := tt.want.Differences(token.ID, triggertest.ClientID, before, after); len(lines) != 1 {
			t.Errorf("%s: found %q", tt.name, lines)
		}
	}
}
