package token

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is what happened to a claim.
type Kind string

// The kinds of change. A claim is refused when a function asked for what it
// may not have; the claim then keeps its value.
const (
	KindAdded      Kind = "added"
	KindChanged    Kind = "changed"
	KindSuppressed Kind = "suppressed"
	KindRefused    Kind = "refused"
)

// Change is what became of one claim of one token. Before and After are nil
// where there was, or is, no such claim. Values are personal data: what logs a
// Change logs the names alone.
type Change struct {
	Token  Use            `json:"token"`
	Claim  string         `json:"claim"`
	Kind   Kind           `json:"kind"`
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`  // of a refused change: the value asked for
	Reason string         `json:"reason,omitzero"` // of a refused change: why
}

// Diff returns what differs between two states of a token, first in the order
// of before, then what is new. Values are compared as text.
func Diff(before, after Claims, use Use) []Change {
	var changes []Change
	for name, was := range before.All() {
		is, ok := after.Get(name)
		switch {
		case !ok:
			changes = append(changes, Change{Token: use, Claim: name, Kind: KindSuppressed, Before: was})
		case !bytes.Equal(was, is):
			changes = append(changes, Change{Token: use, Claim: name, Kind: KindChanged, Before: was, After: is})
		}
	}
	for name, is := range after.All() {
		if !before.Has(name) {
			changes = append(changes, Change{Token: use, Claim: name, Kind: KindAdded, After: is})
		}
	}
	return changes
}

// Refused returns what o asked of a token with the claims of before and did
// not get, and why, in the order of asking.
func Refused(use Use, o Overrides, before Claims) []Change {
	var changes []Change
	before.apply(use, o, func(c Change) {
		c.Kind = KindRefused
		changes = append(changes, c)
	})
	return changes
}
