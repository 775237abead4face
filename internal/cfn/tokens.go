package cfn

import (
	"context"
	"errors"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// A client's token makes one request of it, however often it is sent. It is
// remembered with its stack, also when the operation that it began is long over.

// spent reports whether a token was used for the same request before. It is an
// error if it was used for another one.
func (s *Service) spent(tx store.Tx, stackID, token, request string) (bool, error) {
	if token == "" {
		return false, nil
	}
	d, err := tx.Document(kindToken, stackID, token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case string(d.Data) != request:
		return false, apierr.Newf(codeTokenConflict, "The client request token %.128s was used for another operation of this stack already.", token)
	}
	return true, nil
}

// spend remembers a token that was not spent, in the transaction that begins
// what it was sent for.
func (s *Service) spend(tx store.Tx, stackID, token, request string) error {
	if token == "" {
		return nil
	}
	now := s.now()
	return tx.CreateDocument(store.Document{
		Kind: kindToken, Scope: stackID, Name: token, Data: []byte(request), UpdatedAt: now, ExpiresAt: now.Add(keepGone),
	})
}

// alreadySpent is spent for a request that is looked at before its transaction.
func (s *Service) alreadySpent(ctx context.Context, stackID, token, request string) (again bool, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		again, err = s.spent(tx, stackID, token, request)
		return err
	})
	return again, err
}
