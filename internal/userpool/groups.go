package userpool

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// maxGroupsPerUser bounds the groups of a user, which are in every token.
const maxGroupsPerUser = 100

// Group is what CreateGroup and UpdateGroup set.
type Group struct {
	Name        string
	Description *string
	RoleARN     *string
	Precedence  *int64 // nil: none, which ranks last
}

// StoredGroup is a group as the store has it, named for front ends.
type StoredGroup = store.Group

// Membership names a user and a group of a pool.
type Membership struct {
	PoolID   string
	Group    string
	Username string // any name of the user
}

// CreateGroup creates a group.
func (s *Service) CreateGroup(ctx context.Context, poolID string, in Group) (store.Group, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return store.Group{}, err
	}
	g := store.Group{PoolID: p.ID, Name: in.Name, Precedence: in.Precedence, CreatedAt: s.stamp()}
	g.UpdatedAt = g.CreatedAt
	g.Description, g.RoleARN = deref(in.Description), deref(in.RoleARN)
	err = s.Store.Update(ctx, func(tx store.Tx) error { return tx.CreateGroup(g) })
	switch {
	case err == nil:
		return g, nil
	case errors.Is(err, store.ErrExists):
		return store.Group{}, apierr.New(apierr.GroupExists, "A group with the name already exists.")
	case errors.Is(err, store.ErrNotFound):
		return store.Group{}, errPoolNotFound(poolID)
	}
	return store.Group{}, groupError(err, "create")
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func groupError(err error, doing string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errGroupNotFound
	case apierr.CodeOf(err) != "":
		return err
	case errors.Is(err, store.ErrText):
		return apierr.New(apierr.InvalidParameter, "Group names and descriptions must be text.").Because(err)
	}
	return fmt.Errorf("%s group: %w", doing, err)
}

// Group returns a group, or ResourceNotFoundException.
func (s *Service) Group(ctx context.Context, poolID, name string) (g store.Group, err error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return store.Group{}, err
	}
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		g, err = tx.Group(poolID, name)
		return err
	})
	if err != nil {
		return store.Group{}, groupError(err, "load")
	}
	return g, nil
}

// UpdateGroup changes what is given of a group; nil members stay.
func (s *Service) UpdateGroup(ctx context.Context, poolID string, in Group) (g store.Group, err error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return store.Group{}, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) (err error) {
		if g, err = tx.Group(poolID, in.Name); err != nil {
			return err
		}
		if in.Description != nil {
			g.Description = *in.Description
		}
		if in.RoleARN != nil {
			g.RoleARN = *in.RoleARN
		}
		if in.Precedence != nil {
			g.Precedence = in.Precedence
		}
		g.UpdatedAt = s.stamp()
		return tx.UpdateGroup(g)
	})
	if err != nil {
		return store.Group{}, groupError(err, "update")
	}
	return g, nil
}

// DeleteGroup deletes a group; its members leave it.
func (s *Service) DeleteGroup(ctx context.Context, poolID, name string) error {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return err
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error { return tx.DeleteGroup(poolID, name) })
	if err != nil {
		return groupError(err, "delete")
	}
	return nil
}

// ListGroups lists a pool's groups in order of name. next is empty at the end.
func (s *Service) ListGroups(ctx context.Context, poolID string, page Page) (groups []store.Group, next string, err error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return nil, "", err
	}
	sp, err := s.storePage(page, "groups", poolID, "")
	if err != nil {
		return nil, "", err
	}
	var after string
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		groups, after, err = tx.ListGroups(poolID, sp)
		return err
	})
	if err != nil {
		return nil, "", listError(err, "groups")
	}
	return groups, s.nextToken(after, "groups", poolID, ""), nil
}

func listError(err error, of string) error {
	if errors.Is(err, store.ErrCursor) {
		return apierr.New(apierr.InvalidParameter, "Invalid pagination token.").Because(err)
	}
	return fmt.Errorf("list %s: %w", of, err)
}

// AddToGroup puts a user into a group. It is not an error if the user is in it
// already.
func (s *Service) AddToGroup(ctx context.Context, in Membership) error {
	p, err := s.Pool(ctx, in.PoolID)
	if err != nil {
		return err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		u, err := memberOf(tx, p, in)
		if err != nil {
			return err
		}
		have, err := tx.UserGroups(p.ID, u.Sub)
		if err != nil {
			return err
		}
		for _, g := range have {
			if g.Name == in.Group {
				return nil
			}
		}
		if len(have) >= maxGroupsPerUser {
			return apierr.Newf(apierr.LimitExceeded, "A user cannot be in more than %d groups.", maxGroupsPerUser)
		}
		return tx.AddMember(p.ID, in.Group, u.Sub, s.stamp())
	})
	if err != nil {
		return groupError(err, "join")
	}
	return nil
}

// memberOf finds the group and the user that a call names. Both must exist.
func memberOf(tx store.Tx, p *Pool, in Membership) (store.User, error) {
	u, err := FindUser(tx, p, in.Username)
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, errUserNotFound
	}
	if err != nil {
		return store.User{}, err
	}
	_, err = tx.Group(p.ID, in.Group)
	return u, err
}

// RemoveFromGroup takes a user out of a group. It is not an error if the user
// was not in it.
func (s *Service) RemoveFromGroup(ctx context.Context, in Membership) error {
	p, err := s.Pool(ctx, in.PoolID)
	if err != nil {
		return err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		u, err := memberOf(tx, p, in)
		if err != nil {
			return err
		}
		return tx.RemoveMember(p.ID, in.Group, u.Sub)
	})
	if err != nil {
		return groupError(err, "leave")
	}
	return nil
}

// UserGroups lists the groups of a user, best precedence first. next is empty
// at the end.
func (s *Service) UserGroups(ctx context.Context, poolID, username string, page Page) (groups []store.Group, next string, err error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, "", err
	}
	var sub string
	err = s.Store.View(ctx, func(tx store.Tx) error {
		u, err := FindUser(tx, p, username)
		if err != nil {
			return err
		}
		sub = u.Sub
		groups, err = tx.UserGroups(p.ID, u.Sub)
		return err
	})
	if err != nil {
		return nil, "", userError(err, "list groups of")
	}
	sp, err := s.storePage(page, "user groups", poolID, sub)
	if err != nil {
		return nil, "", err
	}
	// The store has them all in one statement, so a place in the list is the
	// last group shown: its rank and name.
	if sp.After != "" {
		groups = groupsAfter(groups, sp.After)
	}
	if len(groups) <= sp.Limit {
		return groups, "", nil
	}
	groups = groups[:sp.Limit]
	return groups, s.nextToken(groupCursor(groups[sp.Limit-1]), "user groups", poolID, sub), nil
}

func groupRank(g store.Group) string {
	if g.Precedence == nil {
		return "none"
	}
	return strconv.FormatInt(*g.Precedence, 10)
}

func groupCursor(g store.Group) string {
	b, err := json.Marshal([2]string{groupRank(g), g.Name})
	if err != nil {
		panic("userpool: " + err.Error()) // two strings can always be marshalled
	}
	return string(b)
}

// groupsAfter drops the groups up to the cursor's. If that group has gone, it
// drops those that would be before it.
func groupsAfter(groups []store.Group, cursor string) []store.Group {
	var c [2]string
	if json.Unmarshal([]byte(cursor), &c) != nil {
		return nil
	}
	at, ranked := int64(0), c[0] != "none"
	if ranked {
		at, _ = strconv.ParseInt(c[0], 10, 64) // written by groupRank
	}
	for i, g := range groups {
		switch {
		case g.Precedence == nil && !ranked || g.Precedence != nil && ranked && *g.Precedence == at:
			if g.Name > c[1] {
				return groups[i:]
			}
		case g.Precedence == nil && ranked, g.Precedence != nil && ranked && *g.Precedence > at:
			return groups[i:]
		}
	}
	return nil
}

// GroupMembers lists the users of a group. next is empty at the end.
func (s *Service) GroupMembers(ctx context.Context, poolID, group string, page Page) (users []store.User, next string, err error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return nil, "", err
	}
	sp, err := s.storePage(page, "members", poolID, group)
	if err != nil {
		return nil, "", err
	}
	var after string
	err = s.Store.View(ctx, func(tx store.Tx) error {
		if _, err := tx.Group(poolID, group); err != nil {
			return err
		}
		users, after, err = tx.ListMembers(poolID, group, sp)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, "", errGroupNotFound
	}
	if err != nil {
		return nil, "", listError(err, "members")
	}
	return users, s.nextToken(after, "members", poolID, group), nil
}
