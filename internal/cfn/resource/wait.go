//lint:file-ignore ST1005 The texts are CloudFormation's, or read like them.

package resource

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// Signals is where wait conditions hear from programs outside.
type Signals interface {
	// Address returns a new address for signals to the handle that r makes.
	Address(r Request) string
	// Received returns what was sent so far to the handle with an address, the
	// oldest first, one of each id. It is an error if the handle is not one of
	// this stack's, or the wait is to end.
	Received(ctx context.Context, address string) ([]Signal, error)
	Now() time.Time
}

// Signal is what a program says about its work.
type Signal struct {
	Failed           bool
	ID, Reason, Data string
	At               time.Time
}

const (
	maxWait    = 12 * time.Hour
	MaxSignals = 1000 // of a handle
	lookEvery  = 250 * time.Millisecond
)

var waitTypes = []*Type{
	kept(Type{Name: "AWS::CloudFormation::WaitConditionHandle", schema: parseSchema("")}, func(r Request) Result {
		if r.PhysicalID != "" {
			return Result{PhysicalID: r.PhysicalID}
		}
		return Result{PhysicalID: r.Signals.Address(r)}
	}),
	&Type{
		Name: "AWS::CloudFormation::WaitCondition", Attributes: []string{"Data"}, Waits: true,
		schema: parseSchema("Count:int Handle Timeout:int"),
		check: func(p map[string]any) error {
			for _, name := range []string{"Handle", "Timeout"} { // could be left out with a CreationPolicy
				if p[name] == nil {
					return fmt.Errorf("Property %s cannot be empty.", name)
				}
			}
			if s, ok := p["Timeout"].(int64); ok && (s < 1 || s > int64(maxWait/time.Second)) {
				return fmt.Errorf("Property Timeout must be from 1 to %d seconds", maxWait/time.Second)
			}
			if n, ok := p["Count"].(int64); ok && (n < 0 || n > MaxSignals) {
				return fmt.Errorf("Property Count can be from 0 to %d in this version of Rockpool", MaxSignals)
			}
			return nil
		},
		create: wait,
		update: func(_ context.Context, r Request) (Result, error) {
			if r.Restore { // it was refused, so nothing has changed
				return Result{}, nil
			}
			return Result{}, errors.New("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")
		},
	},
}

// wait waits for signals, from when the creation began: one that is resumed
// waits for what is left of the time.
func wait(ctx context.Context, r Request) (Result, error) {
	expect, ok := r.Properties["Count"].(int64)
	if !ok {
		expect = 1
	}
	seconds, _ := r.Properties["Timeout"].(int64)
	until := r.Since.Add(time.Duration(seconds) * time.Second)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		// What came in time counts, also if nobody was there to look.
		over := !r.Signals.Now().Before(until)
		list, err := r.Signals.Received(ctx, str(r.Properties, "Handle"))
		if err != nil {
			return Result{}, err
		}
		data := map[string]string{}
		for _, s := range list {
			if int64(len(data)) == expect || s.At.After(until) {
				break
			}
			if s.Failed {
				return Result{}, fmt.Errorf("WaitCondition received failed message: '%s' for uniqueId: %s", s.Reason, s.ID)
			}
			data[s.ID] = s.Data
		}
		if int64(len(data)) == expect {
			text, err := json.Marshal(data, json.Deterministic(true))
			return Result{PhysicalID: r.StackID + "/" + r.LogicalID, Attributes: map[string]string{"Data": string(text)}}, err
		}
		if over {
			return Result{}, fmt.Errorf("WaitCondition timed out. Received %d conditions when expecting %d", len(data), expect)
		}
		select {
		case <-ctx.Done():
			return Result{}, ctx.Err()
		case <-tick.C:
		}
	}
}
