package triggertest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
)

// Case is one answer of a function and what has to come of it.
type Case struct {
	Number  int
	Name    string
	Version token.Version

	Source         trigger.Source    // "": TokenGeneration_Authentication
	Scope          string            // granted before the call; "": APIScope
	ClientMetadata map[string]string // what the operation passes on

	// How the function answers: the first that is set, else with the event as
	// it came. In Container and Response, "{client}" is the app client's id.
	Throws     string // an Error with this message
	Hangs      bool   // never answers
	Null       bool   // returns null
	NoResponse bool   // deletes the event's response
	EchoGroups bool   // groupOverrideDetails = request.groupConfiguration
	Response   string // JSON put into the container

	Container string // "": that of the version

	// What is expected. A name in WantID or WantAccess has that JSON as its
	// value, or is absent if it is ""; every other claim is what it was.
	NotCalled          bool
	WantID, WantAccess map[string]string
	WantCode           apierr.Code
	WantMessage        string
	WantMetadata       string // clientMetadata in the request; "": absent
}

const clientPlaceholder = "{client}"

// Volatile is the claims that differ between any two sign-ins of a user, which
// an end-to-end test that compares two of them leaves out.
var Volatile = []string{"iat", "exp", "auth_time", "jti", "origin_jti", "event_id"}

// container returns the member of response that the function writes.
func (c Case) container() string {
	if c.Container != "" {
		return c.Container
	}
	return Container(c.Version)
}

// Container returns the member of response that belongs to a version.
func Container(v token.Version) string {
	if v == token.V1 {
		return "claimsOverrideDetails"
	}
	return "claimsAndScopeOverrideDetails"
}

// WantEventVersion returns the version that the event has.
func (c Case) WantEventVersion() string { return fmt.Sprint(int(c.Version)) }

// NodeHandler returns the source of an ES module whose handler answers as the
// case says, for the app client with this id. Case 29 is not for Node: its
// integer is one that JavaScript rounds.
func (c Case) NodeHandler(clientID string) string {
	body := "return event"
	switch {
	case c.Throws != "":
		body = fmt.Sprintf("throw new Error(%s)", quoted(c.Throws))
	case c.Hangs:
		body = "await new Promise((resolve) => setTimeout(resolve, 60_000))\n  return event"
	case c.Null:
		body = "return null"
	case c.NoResponse:
		body = "delete event.response\n  return event"
	case c.EchoGroups:
		body = fmt.Sprintf("event.response.%s = { groupOverrideDetails: event.request.groupConfiguration }\n  return event", c.container())
	case c.Response != "":
		// Parsed, not written as a literal: JSON is not quite JavaScript.
		response := strings.ReplaceAll(c.Response, clientPlaceholder, clientID)
		body = fmt.Sprintf("event.response.%s = JSON.parse(%s)\n  return event", c.container(), quoted(response))
	}
	return "const handler = async (event) => {\n  " + body + "\n}\n\nexport { handler }\n"
}

// quoted returns s as a string literal, JSON being JavaScript.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("triggertest: " + err.Error()) // the cases are UTF-8
	}
	return string(b)
}

// Differences compares a token with what it was, or what it is without the
// function, and returns a line for every claim that is not as the case wants
// it. Claims named in ignore are not looked at.
func (c Case) Differences(use token.Use, clientID string, before, after token.Claims, ignore ...string) []string {
	want := c.WantID
	if use == token.Access {
		want = c.WantAccess
	}
	names := append(before.Names(), after.Names()...)
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	var lines []string
	for _, name := range slices.Compact(names) {
		if slices.Contains(ignore, name) {
			continue
		}
		wanted, ok := before.Get(name)
		if text, said := want[name]; said {
			wanted, ok = jsontext.Value(strings.ReplaceAll(text, clientPlaceholder, clientID)), text != ""
		}
		got, has := after.Get(name)
		if ok != has || !bytes.Equal(got, wanted) {
			lines = append(lines, fmt.Sprintf("%s token: %s is %s, want %s", use, name, shown(got, has), shown(wanted, ok)))
		}
	}
	return lines
}

func shown(v jsontext.Value, ok bool) string {
	if !ok {
		return "absent"
	}
	return string(v)
}

// Invoker plays the function of a case in place of a process. It notes the
// calls that reach it and is for one goroutine.
type Invoker struct {
	Case  Case
	Calls []trigger.Call
}

// Invoke implements trigger.Invoker.
func (i *Invoker) Invoke(ctx context.Context, call trigger.Call) (trigger.Result, error) {
	i.Calls = append(i.Calls, call)
	c := i.Case
	switch {
	case c.Throws != "":
		payload, err := json.Marshal(struct {
			Type    string   `json:"errorType"`
			Message string   `json:"errorMessage"`
			Trace   []string `json:"trace"`
		}{"Error", c.Throws, []string{"Error: " + c.Throws, "    at Runtime.handler (file:///var/task/index.mjs:2:9)"}})
		return trigger.Result{Payload: payload, FunctionError: "Unhandled"}, err
	case c.Hangs:
		<-ctx.Done()
		return trigger.Result{}, ctx.Err()
	case c.Null:
		return trigger.Result{Payload: []byte("null")}, nil
	}
	event, err := token.ParseClaims(call.Payload)
	if err != nil {
		return trigger.Result{}, err
	}
	switch {
	case c.NoResponse:
		event.Delete("response")
	case c.EchoGroups:
		raw, _ := event.Get("request")
		request, err := token.ParseClaims(raw)
		if err != nil {
			return trigger.Result{}, err
		}
		groups, _ := request.Get("groupConfiguration")
		event.SetRaw("response", jsontext.Value(fmt.Sprintf(`{%q:{"groupOverrideDetails":%s}}`, c.container(), groups)))
	case c.Response != "":
		response := strings.ReplaceAll(c.Response, clientPlaceholder, ClientID)
		event.SetRaw("response", jsontext.Value(fmt.Sprintf(`{%q:%s}`, c.container(), response)))
	}
	return trigger.Result{Payload: event.AppendJSON(nil)}, nil
}
