package userpool

import (
	"context"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// ListUsers asks for users of a pool.
type ListUsers struct {
	Filter string // one condition, or ""
	// Attributes are the attributes to return; nil is all of them.
	Attributes []string
	Page
}

// ListUsers lists the users that meet the filter, in order of the attribute
// that it names. next is empty at the end, and can be used for an hour.
func (s *Service) ListUsers(ctx context.Context, poolID string, in ListUsers) (users []store.User, next string, err error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, "", err
	}
	f, given, err := parseFilter(in.Filter)
	if err != nil {
		return nil, "", err
	}
	for _, n := range in.Attributes {
		if _, ok := p.Attribute(n); !ok {
			return nil, "", apierr.Newf(apierr.InvalidParameter, "Invalid attribute in AttributesToGet: %s", n)
		}
	}
	q := store.UserQuery{}
	binding := ""
	if given {
		q.Attribute, q.Value, q.Prefix = f.Attribute, f.indexed(p), f.Prefix
		kind := "="
		if f.Prefix {
			kind = "^="
		}
		binding = strings.Join([]string{q.Attribute, kind, q.Value}, "\x00")
	}
	if q.Page, err = s.storePage(in.Page, "users", poolID, binding); err != nil {
		return nil, "", err
	}
	var after string
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		users, after, err = tx.ListUsers(p.ID, q)
		return err
	})
	if err != nil {
		return nil, "", listError(err, "users")
	}
	if in.Attributes != nil {
		for i := range users {
			users[i].Attributes = only(users[i].Attributes, in.Attributes)
		}
	}
	return users, s.nextToken(after, "users", poolID, binding), nil
}

func only(attributes map[string]string, names []string) map[string]string {
	out := make(map[string]string, len(names))
	for n, v := range attributes {
		if slices.Contains(names, n) {
			out[n] = v
		}
	}
	return out
}
