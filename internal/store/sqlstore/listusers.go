package sqlstore

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/store"
)

func (t *tx) ListUsers(poolID string, q store.UserQuery) ([]store.User, string, error) {
	bySub := func(u store.User) string { return u.Sub }
	switch {
	case q.Attribute == "":
		return page(t, qListUsers, q.Page, scanUser, bySub, poolID, q.After)
	case !q.Prefix:
		return page(t, qFindUsers, q.Page, scanUser, bySub, poolID, q.Attribute, q.Value, q.After)
	}
	value, sub := q.Value, ""
	if q.After != "" {
		var err error
		if value, sub, err = splitCursor(q.After); err != nil {
			return nil, "", err
		}
		if !strings.HasPrefix(value, q.Value) {
			return nil, "", store.ErrCursor
		}
	}
	type found struct {
		store.User
		value string
	}
	scan := func(r row) (found, error) {
		u, err := scanUser(r)
		return found{User: u, value: r.text(userColumnCount)}, err
	}
	cursor := func(f found) string { return joinCursor(f.value, f.Sub) }
	var items []found
	var next string
	var err error
	if end, ok := prefixEnd(q.Value); ok {
		items, next, err = page(t, qFindPrefix, q.Page, scan, cursor, poolID, q.Attribute, value, sub, end)
	} else {
		items, next, err = page(t, qFindFrom, q.Page, scan, cursor, poolID, q.Attribute, value, sub)
	}
	if err != nil {
		return nil, "", err
	}
	var users []store.User
	for _, f := range items {
		users = append(users, f.User)
	}
	return users, next, nil
}

// prefixEnd returns the least text that is greater than all that begin with
// prefix, or false if there is none.
func prefixEnd(prefix string) (string, bool) {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case r == utf8.RuneError && size == 1:
			return "", false // not text, so nothing has it
		case r == 0xd7ff:
			return prefix + "\ue000", true // the surrogates are between them
		case r < utf8.MaxRune:
			return prefix + string(r+1), true
		}
	}
	return "", false
}

// joinCursor makes a cursor of a value and a sub: the length of the value keeps
// them apart.
func joinCursor(value, sub string) string {
	return strconv.Itoa(len(value)) + ":" + value + sub
}

func splitCursor(s string) (value, sub string, err error) {
	length, rest, ok := strings.Cut(s, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(rest) || strconv.Itoa(n) != length {
		return "", "", store.ErrCursor
	}
	return rest[:n], rest[n:], nil
}
