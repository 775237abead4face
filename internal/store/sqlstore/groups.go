package sqlstore

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	groupColumns = `pool_id, group_name, description, role_arn, precedence, created_at, updated_at`
	// g is user_groups.
	groupColumnsG = `g.pool_id, g.group_name, g.description, g.role_arn, g.precedence, g.created_at, g.updated_at`
)

var (
	qCreateGroup = write("CreateGroup", `INSERT INTO user_groups (`+groupColumns+`)
		SELECT pool_id, $2, $3, $4, $5, $6, $7 FROM pools WHERE pool_id = $1 `+parentMark+`
		ON CONFLICT DO NOTHING`)
	qGroup       = read("Group", `SELECT `+groupColumns+` FROM user_groups WHERE pool_id = $1 AND group_name = $2`)
	qUpdateGroup = write("UpdateGroup", `UPDATE user_groups
		SET description = $3, role_arn = $4, precedence = $5, updated_at = $6
		WHERE pool_id = $1 AND group_name = $2`)
	qDeleteGroup        = write("DeleteGroup", `DELETE FROM user_groups WHERE pool_id = $1 AND group_name = $2`)
	qDeleteGroupMembers = write("DeleteGroup members", `DELETE FROM group_members WHERE pool_id = $1 AND group_name = $2`)
	qListGroups         = read("ListGroups", `SELECT `+groupColumns+` FROM user_groups
		WHERE pool_id = $1 AND group_name > $2 ORDER BY group_name LIMIT $3`)

	// The group and the user are read locked, so that neither can be deleted
	// between this and the commit: a group made anew under the same name would
	// otherwise inherit the member.
	qLockGroup = read("AddMember group", `SELECT pool_id FROM user_groups WHERE pool_id = $1 AND group_name = $2 `+parentMark)
	qAddMember = write("AddMember", `INSERT INTO group_members (pool_id, sub, group_name, created_at)
		SELECT pool_id, sub, $3, $4 FROM users WHERE pool_id = $1 AND sub = $2 `+parentMark+`
		ON CONFLICT DO NOTHING`)
	qRemoveMember = write("RemoveMember", `DELETE FROM group_members
		WHERE pool_id = $1 AND sub = $2 AND group_name = $3`)
	qUserGroups = read("UserGroups", `SELECT `+groupColumnsG+`
		FROM group_members m JOIN user_groups g ON g.pool_id = m.pool_id AND g.group_name = m.group_name
		WHERE m.pool_id = $1 AND m.sub = $2`)
	qListMembers = read("ListMembers", `SELECT `+userColumnsU+`
		FROM group_members m JOIN users u ON u.pool_id = m.pool_id AND u.sub = m.sub
		WHERE m.pool_id = $1 AND m.group_name = $2 AND m.sub > $3 ORDER BY m.sub LIMIT $4`)
)

func scanGroup(r row) (store.Group, error) {
	g := store.Group{
		PoolID: r.text(0), Name: r.text(1), Description: r.text(2), RoleARN: r.text(3),
		CreatedAt: at(r.int(5)), UpdatedAt: at(r.int(6)),
	}
	if r[4] != nil {
		g.Precedence = new(r.int(4))
	}
	return g, nil
}

func precedenceArg(p *int64) any {
	if p == nil {
		return nil
	}
	return *p
}

func (t *tx) CreateGroup(g store.Group) error {
	return t.created(qCreateGroup, qPoolVersion, []any{g.PoolID},
		g.PoolID, g.Name, g.Description, g.RoleARN, precedenceArg(g.Precedence), ms(g.CreatedAt), ms(g.UpdatedAt))
}

func (t *tx) Group(poolID, name string) (store.Group, error) {
	var g store.Group
	err := t.one(qGroup, func(r row) (err error) {
		g, err = scanGroup(r)
		return err
	}, poolID, name)
	return g, err
}

func (t *tx) UpdateGroup(g store.Group) error {
	return t.execOne(store.ErrNotFound, qUpdateGroup,
		g.PoolID, g.Name, g.Description, g.RoleARN, precedenceArg(g.Precedence), ms(g.UpdatedAt))
}

func (t *tx) DeleteGroup(poolID, name string) error {
	// The group first, for the reason that DeletePool gives.
	if err := t.execOne(store.ErrNotFound, qDeleteGroup, poolID, name); err != nil {
		return err
	}
	_, err := t.exec(qDeleteGroupMembers, poolID, name)
	return err
}

func (t *tx) ListGroups(poolID string, p store.Page) ([]store.Group, string, error) {
	return page(t, qListGroups, p, scanGroup, func(g store.Group) string { return g.Name }, poolID, p.After)
}

func (t *tx) AddMember(poolID, group, sub string, now time.Time) error {
	ok, err := t.exists(qLockGroup, poolID, group)
	if err != nil {
		return err
	}
	if !ok {
		return store.ErrNotFound
	}
	err = t.created(qAddMember, qUserVersion, []any{poolID, sub}, poolID, sub, group, ms(now))
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

func (t *tx) RemoveMember(poolID, group, sub string) error {
	_, err := t.exec(qRemoveMember, poolID, sub, group)
	return err
}

func (t *tx) UserGroups(poolID, sub string) ([]store.Group, error) {
	var groups []store.Group
	err := t.each(qUserGroups, func(r row) error {
		g, err := scanGroup(r)
		groups = append(groups, g)
		return err
	}, poolID, sub)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(groups, func(a, b store.Group) int {
		switch {
		case a.Precedence == nil && b.Precedence != nil:
			return 1
		case a.Precedence != nil && b.Precedence == nil:
			return -1
		case a.Precedence != nil && *a.Precedence != *b.Precedence:
			return cmp.Compare(*a.Precedence, *b.Precedence)
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return groups, nil
}

func (t *tx) ListMembers(poolID, group string, p store.Page) ([]store.User, string, error) {
	return page(t, qListMembers, p, scanUser, func(u store.User) string { return u.Sub }, poolID, group, p.After)
}
