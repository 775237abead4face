package signin

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// passwordAuth is USER_PASSWORD_AUTH and ADMIN_USER_PASSWORD_AUTH.
func (s *Service) passwordAuth(ctx context.Context, a *attempt, parameters map[string]string) (_ AuthResult, err error) {
	began := beginSteady()
	defer func() {
		if err != nil {
			began.wait(ctx, a.client, steadyTime)
			a.mark(PhaseWait)
		}
	}()
	// 1 Input.
	name, err := required(parameters, "USERNAME")
	if err != nil {
		return AuthResult{}, err
	}
	password, err := required(parameters, "PASSWORD")
	if err != nil {
		return AuthResult{}, err
	}
	if err := checkPasswordLength("password", password); err != nil {
		return AuthResult{}, err
	}
	if err := s.Pools.CheckSecretHash(a.client, name, parameters["SECRET_HASH"]); err != nil {
		return AuthResult{}, err
	}
	// 2 User. One that does not exist goes the same way to the end, unless the
	// client does not hide its users. User migration is not built.
	c, err := s.candidate(ctx, a, name, func(tx store.Tx) (store.User, error) { return userpool.FindUser(tx, a.pool, name) })
	if err != nil {
		return AuthResult{}, err
	}
	a.about(c.user)
	a.mark(PhaseUser)
	if !c.known && !a.client.PreventUserExistenceErrors {
		return AuthResult{}, unknownAtSignIn(a.client)
	}
	// 3 PreAuthentication: not built, no pool has one.
	// 5 Lock-out, 6 password.
	err = s.guarded(ctx, c.subject, c.mark, &c.failures, func(ctx context.Context) (bool, error) {
		return s.Pools.VerifyPassword(ctx, a.pool, c.user, password)
	})
	a.mark(PhasePassword)
	if err != nil {
		return AuthResult{}, err
	}
	return s.finish(ctx, a, c, name)
}
