package userpool

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// MaxName is the longest name, in characters, by which a user can be found: an
// alias is an attribute, and those have up to 2,048.
const MaxName = 2048

// errName is internal: a name that cannot be one of a user's names finds
// nobody, and front ends have refused it before where the wire says so.
var errName = errors.New("userpool: not a name")

var folder = cases.Fold()

// fold is the form in which text that differs only in case, or in how Unicode
// spells it, is the same. It is a fixed point: folding twice changes nothing.
func fold(s string) string {
	return norm.NFKC.String(strings.Map(cherokee, folder.String(norm.NFKC.String(s))))
}

// cherokee returns the folded form of a Cherokee letter, which is the capital
// and not the small one as in other scripts. cases.Fold exchanges the two.
func cherokee(r rune) rune {
	if r >= '\u13f8' && unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}

// Normalize returns the form of a username, alias or identifier under which it
// is stored and looked up. Names that Unicode considers the same in
// compatibility (K and the Kelvin sign, é in one or two characters, full
// width) are one name in every pool; in a pool that is not case sensitive, so
// are those that differ in case.
func (p *Pool) Normalize(name string) (string, error) {
	if name == "" || !utf8.ValidString(name) || strings.ContainsRune(name, 0) || utf8.RuneCountInString(name) > MaxName {
		return "", errName
	}
	if p.CaseSensitive {
		return norm.NFKC.String(name), nil
	}
	return fold(name), nil
}

// FindUser returns the user that has the name as username, sub, verified alias
// or identifier: one point read. It returns store.ErrNotFound if there is none.
func FindUser(tx store.Tx, p *Pool, name string) (store.User, error) {
	n, err := p.Normalize(name)
	if err != nil {
		return store.User{}, store.ErrNotFound
	}
	u, _, err := tx.UserByName(p.ID, n)
	return u, err
}

// Row returns the user with its names and index entries, as the store wants it
// for CreateUser and UpdateUser.
//
// Of the attributes, an identifier of UsernameAttributes is a name at once; an
// alias of AliasAttributes is one when it is verified, except for
// preferred_username, which nobody verifies.
func (p *Pool) Row(u store.User) store.UserRow {
	r := store.UserRow{User: u}
	add := func(kind, value string) {
		n, err := p.Normalize(value)
		if err != nil || slices.ContainsFunc(r.Names, func(o store.Name) bool { return o.Value == n }) {
			return
		}
		r.Names = append(r.Names, store.Name{Kind: kind, Value: n})
	}
	add(store.NameUsername, u.Username)
	add(store.NameSub, u.Sub)
	for _, kind := range []string{store.NameEmail, store.NamePhoneNumber} {
		switch {
		case slices.Contains(p.UsernameAttributes, kind):
			add(kind, u.Attributes[kind])
		case slices.Contains(p.AliasAttributes, kind) && u.Attributes[kind+"_verified"] == "true":
			add(kind, u.Attributes[kind])
		}
	}
	if slices.Contains(p.AliasAttributes, store.NamePreferredUsername) {
		add(store.NamePreferredUsername, u.Attributes[store.NamePreferredUsername])
	}
	r.Index = index(u)
	return r
}

// Names of index entries that are not attributes.
const (
	indexUsername = "username"
	indexStatus   = "cognito:user_status"
	indexEnabled  = "status"
	indexSub      = "sub"
)

// searchable are the attributes that ListUsers can filter by.
var searchable = []string{"email", "phone_number", "name", "given_name", "family_name", "preferred_username"}

func index(u store.User) []store.IndexEntry {
	e := []store.IndexEntry{
		{Attribute: indexUsername, Value: u.Username},
		{Attribute: indexStatus, Value: fold(u.Status)},
		{Attribute: indexEnabled, Value: enabledText(u.Enabled)},
		{Attribute: indexSub, Value: u.Sub},
	}
	for _, a := range searchable {
		if v := u.Attributes[a]; v != "" {
			e = append(e, store.IndexEntry{Attribute: a, Value: fold(v)})
		}
	}
	return e
}

func enabledText(enabled bool) string {
	if enabled {
		return "Enabled"
	}
	return "Disabled"
}
