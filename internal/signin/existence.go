package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// This file decides what a user that does not exist looks like.

// unknownAtSignIn is the answer of a sign-in whose user does not exist, once
// the work for a known one was done.
func unknownAtSignIn(c *userpool.Client) error {
	if c.PreventUserExistenceErrors {
		return errIncorrect
	}
	return errUserNotFound
}

// publicUser is the caller of a public operation as far as it can be believed:
// its app client, and the user it names, who may not exist.
type publicUser struct {
	pool   *userpool.Pool
	client *userpool.Client
	name   string     // as it was sent
	user   store.User // zero if !known
	known  bool
}

// publicUser checks the client and its secret hash and looks for the user. That
// there is no such user is no error: the operation decides, with hidden.
func (s *Service) publicUser(ctx context.Context, clientID, username, secretHash string) (publicUser, error) {
	p, c, err := s.Pools.ClientByID(ctx, clientID)
	if err != nil {
		return publicUser{}, err
	}
	if err := s.Pools.CheckSecretHash(c, username, secretHash); err != nil {
		return publicUser{}, err
	}
	u := publicUser{pool: p, client: c, name: username}
	u.user, u.known, err = s.lookup(ctx, p, username)
	return u, err
}

// hidden reports whether the client must not learn that a user does not exist.
func (u publicUser) hidden() bool { return u.client.PreventUserExistenceErrors }

// lookup finds a user by any name.
func (s *Service) lookup(ctx context.Context, p *userpool.Pool, name string) (u store.User, known bool, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) (err error) {
		u, err = userpool.FindUser(tx, p, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, false, nil
	}
	if err != nil {
		return store.User{}, false, fmt.Errorf("find user: %w", err)
	}
	return u, true, nil
}

// candidate is who a sign-in is about, with all that decides about it, read in
// one snapshot. One that does not exist had as many reads, and has a counter
// of failures of its own.
type candidate struct {
	user     store.User // zero if !known, but for what was typed as Username
	known    bool
	groups   []store.Group
	subject  subject
	failures counters
	mark     uint64 // of the gate, from before the reading
}

// candidate reads who find finds. name is what stands for one who does not
// exist.
func (s *Service) candidate(ctx context.Context, a *attempt, name string, find func(store.Tx) (store.User, error)) (candidate, error) {
	var c candidate
	mark := s.gate.now()
	// Made for known users as well: the work is to be the same.
	nobody := fakeUUID(s.nameFingerprint(a.pool.ID, fold(a.pool, name)))
	err := s.Store.View(ctx, func(tx store.Tx) error {
		c = candidate{mark: mark, subject: subject{poolID: a.pool.ID, source: a.source()}}
		u, err := find(tx)
		switch {
		case err == nil:
			c.user, c.known, c.subject.user = u, true, u.Sub
		case errors.Is(err, store.ErrNotFound):
			c.user.Username = name
			c.subject.user = nobody
		default:
			return fmt.Errorf("find user: %w", err)
		}
		if c.failures, err = c.subject.read(tx, a.now); err != nil {
			return err
		}
		if c.groups, err = tx.UserGroups(a.pool.ID, c.subject.user); err != nil {
			return fmt.Errorf("read groups: %w", err)
		}
		return nil
	})
	return c, err
}

// fakeUserID is the USER_ID_FOR_SRP of a user that does not exist. A known user
// of a pool with plain usernames has the name that was typed; of one where
// users sign in by address it is a UUID, and so is this, always the same for
// the same name.
func (s *Service) fakeUserID(p *userpool.Pool, name string) string {
	plain := len(p.UsernameAttributes) == 0
	if plain && !looksLikeAlias(p, name) {
		return name
	}
	return fakeUUID(s.nameFingerprint(p.ID, "user id of "+name))
}

// fakeUUID writes a fingerprint, 32 hexadecimal digits, in the form of a random
// UUID.
func fakeUUID(f string) string {
	return f[:8] + "-" + f[8:12] + "-4" + f[13:16] + "-" + string("89ab"[f[16]&3]) + f[17:20] + "-" + f[20:]
}

// fold is the form under which names are compared. What is no name at all
// stays as it is.
func fold(p *userpool.Pool, name string) string {
	if n, err := p.Normalize(name); err == nil {
		return n
	}
	return name
}

// required returns a parameter that must be there and not empty.
func required(parameters map[string]string, name string) (string, error) {
	v := parameters[name]
	if v == "" {
		return "", missingParameter(name)
	}
	return v, nil
}

// maxPassword is the longest password, in bytes, that is looked at.
const maxPassword = 256

func checkPasswordLength(member, password string) error {
	if len(password) > maxPassword {
		return apierr.Newf(apierr.InvalidParameter,
			"1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to 256", member)
	}
	return nil
}
