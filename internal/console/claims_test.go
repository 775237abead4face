package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/trigger/triggertest"
)

// compareScript lets claims.js judge events and answers from stdin.
const compareScript = `
import { readFileSync } from 'node:fs';
import { compare } from './static/claims.js';
const cases = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(cases.map(({ event, answer }) => compare(event, answer))));
`

// The function page foretells what a trigger does to the claims. It must say
// what the server does, so both judge the cases of the trigger reference.
func TestClaimsForetold(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "install Node.js 20.12 or newer to test the console's modules")
	}
	type judged struct {
		Event  json.RawMessage `json:"event"`
		Answer json.RawMessage `json:"answer"`
	}
	var cases []triggertest.Case
	var asked []judged
	var overrides []token.Overrides
	for _, c := range triggertest.Cases() {
		if c.Hangs || c.Throws != "" || c.NotCalled {
			continue
		}
		invoker := &recorder{invoker: triggertest.Invoker{Case: c}}
		o, err := (&trigger.Client{Invoker: invoker}).PreToken(t.Context(), c.Input())
		if (err != nil) != (c.WantCode == apierr.InvalidLambdaResponse) {
			t.Fatalf("case %d: %v", c.Number, err)
		}
		cases, overrides = append(cases, c), append(overrides, o)
		asked = append(asked, judged{invoker.event, invoker.answer})
	}
	if len(cases) < 55 {
		t.Fatalf("only %d cases", len(cases))
	}
	input, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", compareScript)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct {
		Error string
		Rows  []struct {
			Token, Claim, Change string
			After                any
		}
	}
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%v, %d answers to %d cases", err, len(answers), len(cases))
	}
	for i, c := range cases {
		if (answers[i].Error != "") != (c.WantCode != "") {
			t.Errorf("case %d %s %s: foretold the error %q, want %q", c.Number, c.Version, c.Name, answers[i].Error, c.WantMessage)
		}
		if c.WantCode != "" {
			continue
		}
		want, got := map[string]any{}, map[string]any{}
		for _, use := range []token.Use{token.ID, token.Access} {
			if use == token.ID && c.Source == "TokenGeneration_ClientCredentials" {
				continue // machines get no ID token
			}
			changes(t, use, c.Claims(use), c.Claims(use).Apply(use, overrides[i]), want)
		}
		for _, r := range answers[i].Rows {
			switch r.Change {
			case "added", "changed", "suppressed":
				got[r.Token+" "+r.Claim] = r.After
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("case %d %s %s: the server does (-), the page foretells (+):\n%s", c.Number, c.Version, c.Name, diff)
		}
	}
}

// changes puts what differs between two sets of claims into diff.
func changes(t *testing.T, use token.Use, before, after token.Claims, diff map[string]any) {
	t.Helper()
	for _, name := range append(before.Names(), after.Names()...) {
		was, _ := before.Get(name)
		is, ok := after.Get(name)
		if bytes.Equal(was, is) {
			continue
		}
		var value any
		if ok {
			if err := json.Unmarshal(is, &value); err != nil {
				t.Fatal(err)
			}
		}
		diff[string(use)+" "+name] = value
	}
}

// recorder keeps the event and the answer of a call.
type recorder struct {
	invoker       triggertest.Invoker
	event, answer json.RawMessage
}

func (r *recorder) Invoke(ctx context.Context, call trigger.Call) (trigger.Result, error) {
	got, err := r.invoker.Invoke(ctx, call)
	r.event, r.answer = json.RawMessage(call.Payload), json.RawMessage(got.Payload)
	return got, err
}
