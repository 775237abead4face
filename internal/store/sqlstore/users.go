package sqlstore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const (
	userColumns = `pool_id, sub, username, status, enabled, attributes, credential, password_expires,
		tokens_valid_after, doc, version, created_at, updated_at`
	// u is users.
	userColumnsU = `u.pool_id, u.sub, u.username, u.status, u.enabled, u.attributes, u.credential, u.password_expires,
		u.tokens_valid_after, u.doc, u.version, u.created_at, u.updated_at`
	userColumnCount = 13
)

var (
	qCreateUser = write("CreateUser", `INSERT INTO users (`+userColumns+`, lookups)
		SELECT pool_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13
		FROM pools WHERE pool_id = $1 `+parentMark+` ON CONFLICT DO NOTHING`)
	qUser        = read("User", `SELECT `+userColumns+` FROM users WHERE pool_id = $1 AND sub = $2`)
	qUserVersion = read("UserVersion", `SELECT version FROM users WHERE pool_id = $1 AND sub = $2`)
	qUserByName  = read("UserByName", `SELECT `+userColumnsU+`, n.kind, n.value
		FROM user_names n JOIN users u ON u.pool_id = n.pool_id AND u.sub = n.sub
		WHERE n.pool_id = $1 AND n.value = $2`)
	qUserLookups = read("UpdateUser lookups", `SELECT version, lookups FROM users WHERE pool_id = $1 AND sub = $2`)
	qUpdateUser  = write("UpdateUser", `UPDATE users
		SET username = $4, status = $5, enabled = $6, attributes = $7, credential = $8, password_expires = $9,
			tokens_valid_after = $10, doc = $11, updated_at = $12, lookups = $13, version = version + 1
		WHERE pool_id = $1 AND sub = $2 AND version = $3`)
	qDeleteUser = write("DeleteUser", `DELETE FROM users WHERE pool_id = $1 AND sub = $2 RETURNING lookups`)

	qRenameKind   = write("UpdateUser kind", `UPDATE user_names SET kind = $4 WHERE pool_id = $1 AND value = $2 AND sub = $3`)
	qDropName     = write("DropName", `DELETE FROM user_names WHERE pool_id = $1 AND value = $2 AND sub = $3`)
	qDropIndex    = write("DropIndex", `DELETE FROM user_index WHERE pool_id = $1 AND attribute = $2 AND value = $3 AND sub = $4`)
	qDropMember   = write("DeleteUser members", `DELETE FROM group_members WHERE pool_id = $1 AND sub = $2`)
	qDropAttempts = write("DeleteUser attempts", `DELETE FROM attempts WHERE pool_id = $1 AND subject = $2`)

	qListUsers = read("ListUsers", `SELECT `+userColumns+` FROM users
		WHERE pool_id = $1 AND sub > $2 ORDER BY sub LIMIT $3`)
	qFindUsers = read("ListUsers equal", `SELECT `+userColumnsU+`
		FROM user_index i JOIN users u ON u.pool_id = i.pool_id AND u.sub = i.sub
		WHERE i.pool_id = $1 AND i.attribute = $2 AND i.value = $3 AND i.sub > $4 ORDER BY i.sub LIMIT $5`)
	// The value comes after the columns of the user: the cursor needs it.
	qFindPrefix = read("ListUsers prefix", `SELECT `+userColumnsU+`, i.value
		FROM user_index i JOIN users u ON u.pool_id = i.pool_id AND u.sub = i.sub
		WHERE i.pool_id = $1 AND i.attribute = $2 AND (i.value, i.sub) > ($3, $4) AND i.value < $5
		ORDER BY i.value, i.sub LIMIT $6`)
	qFindFrom = read("ListUsers from", `SELECT `+userColumnsU+`, i.value
		FROM user_index i JOIN users u ON u.pool_id = i.pool_id AND u.sub = i.sub
		WHERE i.pool_id = $1 AND i.attribute = $2 AND (i.value, i.sub) > ($3, $4)
		ORDER BY i.value, i.sub LIMIT $5`)
	qCountUsers = read("CountUsers", `SELECT COUNT(*) FROM
		(SELECT sub FROM users WHERE pool_id = $1 LIMIT $2) AS counted`)

	// Statements for 1 to maxRows rows at once, at index n-1.
	qInsertNames = rowsOf("InsertNames", write, func(b *strings.Builder, n int) {
		b.WriteString(`INSERT INTO user_names (pool_id, sub, value, kind) VALUES `)
		for i := range n {
			fmt.Fprintf(b, "%s($1, $2, $%d, $%d)", comma(i), 3+2*i, 4+2*i)
		}
		b.WriteString(` ON CONFLICT DO NOTHING RETURNING value`)
	})
	qNameHolders = rowsOf("NameHolders", read, func(b *strings.Builder, n int) {
		b.WriteString(`SELECT value, kind, sub FROM user_names WHERE pool_id = $1 AND value IN (`)
		for i := range n {
			fmt.Fprintf(b, "%s$%d", comma(i), 2+i)
		}
		b.WriteString(`)`)
	})
	qInsertIndex = rowsOf("InsertIndex", write, func(b *strings.Builder, n int) {
		b.WriteString(`INSERT INTO user_index (pool_id, sub, attribute, value) VALUES `)
		for i := range n {
			fmt.Fprintf(b, "%s($1, $2, $%d, $%d)", comma(i), 3+2*i, 4+2*i)
		}
		b.WriteString(` ON CONFLICT DO NOTHING`)
	})
)

// maxRows is how many rows one statement inserts. More go in further ones.
const maxRows = 16

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

// rowsOf makes the statements of a kind for 1 to maxRows rows.
func rowsOf(name string, register func(name, text string) *query, text func(b *strings.Builder, n int)) []*query {
	qs := make([]*query, maxRows)
	for i := range qs {
		var b strings.Builder
		text(&b, i+1)
		qs[i] = register(name+" "+strconv.Itoa(i+1), b.String())
	}
	return qs
}

func scanUser(r row) (store.User, error) {
	u := store.User{
		PoolID: r.text(0), Sub: r.text(1), Username: r.text(2), Status: r.text(3), Enabled: r.bool(4),
		Credential: r.bytes(6), PasswordExpires: at(r.int(7)), TokensValidAfter: at(r.int(8)), Doc: r.doc(9),
		Version: r.int(10), CreatedAt: at(r.int(11)), UpdatedAt: at(r.int(12)),
	}
	if s, ok := r[5].(string); ok {
		if err := json.Unmarshal([]byte(s), &u.Attributes); err != nil {
			return store.User{}, fmt.Errorf("attributes of a user: %w", err)
		}
	}
	return u, nil
}

func (t *tx) CreateUser(u store.UserRow) error {
	if err := checkText(u); err != nil {
		return err
	}
	names, l := distinct(u)
	look, err := l.encode()
	if err != nil {
		return err
	}
	attributes, err := attributesArg(u.Attributes)
	if err != nil {
		return err
	}
	err = t.created(qCreateUser, qPoolVersion, []any{u.PoolID},
		u.PoolID, u.Sub, u.Username, u.Status, u.Enabled, attributes, bytesArg(u.Credential), ms(u.PasswordExpires),
		ms(u.TokensValidAfter), docArg(u.Doc), ms(u.CreatedAt), ms(u.UpdatedAt), look)
	if err != nil {
		return err
	}
	if _, _, err := t.claimNames(u.PoolID, u.Sub, names); err != nil {
		if errors.Is(err, store.ErrExists) {
			if err := t.each(qDeleteUser, func(row) error { return nil }, u.PoolID, u.Sub); err != nil {
				return err
			}
		}
		return err
	}
	return t.insertIndex(u.PoolID, u.Sub, l.Index)
}

// claimNames takes names for sub. It returns those that it took, and those that
// sub had before under another kind. If one is taken it takes none.
func (t *tx) claimNames(poolID, sub string, names []store.Name) (took, rekind []store.Name, err error) {
	for chunk := range slices.Chunk(names, maxRows) {
		args := []any{poolID, sub}
		for _, n := range chunk {
			args = append(args, n.Value, n.Kind)
		}
		inserted := map[string]bool{}
		err := t.each(qInsertNames[len(chunk)-1], func(r row) error {
			inserted[r.text(0)] = true
			return nil
		}, args...)
		if err != nil {
			return nil, nil, err
		}
		var rest []store.Name
		for _, n := range chunk {
			if inserted[n.Value] {
				took = append(took, n)
			} else {
				rest = append(rest, n)
			}
		}
		if len(rest) == 0 {
			continue
		}
		again, err := t.checkHolders(poolID, sub, rest)
		if err != nil {
			return nil, nil, errors.Join(err, t.dropNames(poolID, sub, took))
		}
		rekind = append(rekind, again...)
	}
	return took, rekind, nil
}

// checkHolders returns the names that sub holds as another kind, or a
// NameTakenError for one that somebody else holds.
func (t *tx) checkHolders(poolID, sub string, names []store.Name) (rekind []store.Name, err error) {
	args := []any{poolID}
	for _, n := range names {
		args = append(args, n.Value)
	}
	type holder struct{ kind, sub string }
	holders := map[string]holder{}
	err = t.each(qNameHolders[len(names)-1], func(r row) error {
		holders[r.text(0)] = holder{kind: r.text(1), sub: r.text(2)}
		return nil
	}, args...)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		switch h := holders[n.Value]; {
		case h.sub == "":
			// It was let go between the two statements, which READ COMMITTED
			// permits. Starting again is simpler than being clever here.
			return nil, t.fail(qNameHolders[0], errRetry)
		case h.sub != sub:
			return nil, &store.NameTakenError{Name: n, Owner: h.sub}
		case h.kind != n.Kind:
			rekind = append(rekind, n)
		}
	}
	return rekind, nil
}

func (t *tx) dropNames(poolID, sub string, names []store.Name) error {
	for _, n := range names {
		if _, err := t.exec(qDropName, poolID, n.Value, sub); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertIndex(poolID, sub string, entries [][2]string) error {
	for chunk := range slices.Chunk(entries, maxRows) {
		args := []any{poolID, sub}
		for _, e := range chunk {
			args = append(args, e[0], e[1])
		}
		if _, err := t.exec(qInsertIndex[len(chunk)-1], args...); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) dropIndex(poolID, sub string, entries [][2]string) error {
	for _, e := range entries {
		if _, err := t.exec(qDropIndex, poolID, e[0], e[1], sub); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) User(poolID, sub string) (store.User, error) {
	var u store.User
	err := t.one(qUser, func(r row) (err error) {
		u, err = scanUser(r)
		return err
	}, poolID, sub)
	return u, err
}

func (t *tx) UserByName(poolID, name string) (store.User, store.Name, error) {
	var u store.User
	var n store.Name
	err := t.one(qUserByName, func(r row) (err error) {
		u, err = scanUser(r)
		n = store.Name{Kind: r.text(userColumnCount), Value: r.text(userColumnCount + 1)}
		return err
	}, poolID, name)
	return u, n, err
}

func (t *tx) UpdateUser(u store.UserRow) error {
	if err := checkText(u); err != nil {
		return err
	}
	var version int64
	var old lookups
	err := t.one(qUserLookups, func(r row) (err error) {
		version = r.int(0)
		old, err = decodeLookups(r.text(1))
		return err
	}, u.PoolID, u.Sub)
	if err != nil {
		return err
	}
	if version != u.Version {
		return store.ErrConflict
	}
	names, l := distinct(u)
	look, err := l.encode()
	if err != nil {
		return err
	}
	attributes, err := attributesArg(u.Attributes)
	if err != nil {
		return err
	}
	took, rekind, err := t.claimNames(u.PoolID, u.Sub, names)
	if err != nil {
		return err
	}
	// The version is checked again: at READ COMMITTED another update may have
	// been committed since it was read. If not, old is what it was.
	err = t.execOne(store.ErrConflict, qUpdateUser,
		u.PoolID, u.Sub, u.Version, u.Username, u.Status, u.Enabled, attributes, bytesArg(u.Credential),
		ms(u.PasswordExpires), ms(u.TokensValidAfter), docArg(u.Doc), ms(u.UpdatedAt), look)
	if err != nil {
		if errors.Is(err, store.ErrConflict) {
			return errors.Join(err, t.dropNames(u.PoolID, u.Sub, took))
		}
		return err
	}
	for _, n := range rekind {
		if _, err := t.exec(qRenameKind, u.PoolID, n.Value, u.Sub, n.Kind); err != nil {
			return err
		}
	}
	for _, value := range old.Names {
		if _, kept := slices.BinarySearch(l.Names, value); kept {
			continue
		}
		if _, err := t.exec(qDropName, u.PoolID, value, u.Sub); err != nil {
			return err
		}
	}
	gone, added := difference(old.Index, l.Index)
	if err := t.dropIndex(u.PoolID, u.Sub, gone); err != nil {
		return err
	}
	return t.insertIndex(u.PoolID, u.Sub, added)
}

func (t *tx) DeleteUser(poolID, sub string) error {
	// The row comes back from the delete itself, so that what it leads to is
	// what was committed last.
	var l lookups
	err := t.one(qDeleteUser, func(r row) (err error) {
		l, err = decodeLookups(r.text(0))
		return err
	}, poolID, sub)
	if err != nil {
		return err
	}
	for _, value := range l.Names {
		if _, err := t.exec(qDropName, poolID, value, sub); err != nil {
			return err
		}
	}
	if err := t.dropIndex(poolID, sub, l.Index); err != nil {
		return err
	}
	for _, q := range []*query{qDropMember, qDeleteCodes, qDropAttempts} {
		if _, err := t.exec(q, poolID, sub); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) CountUsers(poolID string, atMost int) (int, error) {
	n, err := t.number(qCountUsers, poolID, int64(max(atMost, 0)))
	return int(n), err
}
