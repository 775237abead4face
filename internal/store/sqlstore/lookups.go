package sqlstore

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// lookups is what leads to a user, kept with the user so that it can be found
// for deletion without an index by sub.
type lookups struct {
	Names []string    `json:"n,omitempty"`
	Index [][2]string `json:"i,omitempty"`
}

func (l lookups) encode() (string, error) {
	b, err := json.Marshal(l)
	return string(b), err
}

func decodeLookups(s string) (lookups, error) {
	var l lookups
	err := json.Unmarshal([]byte(s), &l)
	return l, err
}

func attributesArg(m map[string]string) (any, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m, json.Deterministic(true))
	return string(b), err
}

// distinct returns names and index entries in order, without duplicates: two
// names with one value are one name, the first.
func distinct(u store.UserRow) (names []store.Name, l lookups) {
	names = slices.Clone(u.Names)
	slices.SortStableFunc(names, func(a, b store.Name) int { return strings.Compare(a.Value, b.Value) })
	names = slices.CompactFunc(names, func(a, b store.Name) bool { return a.Value == b.Value })
	for _, n := range names {
		l.Names = append(l.Names, n.Value)
	}
	for _, e := range u.Index {
		l.Index = append(l.Index, [2]string{e.Attribute, e.Value})
	}
	slices.SortFunc(l.Index, compareEntries)
	l.Index = slices.Compact(l.Index)
	return names, l
}

func compareEntries(a, b [2]string) int {
	if c := strings.Compare(a[0], b[0]); c != 0 {
		return c
	}
	return strings.Compare(a[1], b[1])
}

// checkText refuses text that would otherwise be noticed only after rows have
// been written. Text inside the documents is checked by their encoding.
func checkText(u store.UserRow) error {
	for _, s := range []string{u.Username, u.Status} {
		if !storable(s) {
			return store.ErrText
		}
	}
	for _, n := range u.Names {
		if !storable(n.Kind) || !storable(n.Value) {
			return store.ErrText
		}
	}
	for _, e := range u.Index {
		if !storable(e.Attribute) || !storable(e.Value) {
			return store.ErrText
		}
	}
	for k, v := range u.Attributes {
		if !storable(k) || !storable(v) {
			return store.ErrText
		}
	}
	return nil
}

// difference compares two sorted lists.
func difference(old, now [][2]string) (gone, added [][2]string) {
	for _, e := range old {
		if _, ok := slices.BinarySearchFunc(now, e, compareEntries); !ok {
			gone = append(gone, e)
		}
	}
	for _, e := range now {
		if _, ok := slices.BinarySearchFunc(old, e, compareEntries); !ok {
			added = append(added, e)
		}
	}
	return gone, added
}
