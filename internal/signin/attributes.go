package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// contactAttributes are the attributes to which messages can be sent.
var contactAttributes = []string{store.NameEmail, store.NamePhoneNumber}

// mail is a message that waits for its transaction to commit.
type mail struct {
	to      contact
	message message.Message
}

// UpdateUserAttributes changes attributes of the user whose access token it
// is, as far as the client may write them. An empty value deletes. It returns
// where codes for changed addresses were sent.
func (s *Service) UpdateUserAttributes(ctx context.Context, accessToken string, changes map[string]string) ([]Delivery, error) {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	return s.changeAttributes(ctx, w.Pool, w.User.Sub, userpool.AttributeWrite{Client: w.Client}, changes)
}

// AdminUpdateUserAttributes changes attributes of a user for an administrator,
// who may also say that an address is verified. Codes for addresses that are
// not are sent to the user.
func (s *Service) AdminUpdateUserAttributes(ctx context.Context, poolID, username string, changes map[string]string) error {
	p, u, err := s.Pools.User(ctx, poolID, username)
	if err != nil {
		return err
	}
	_, err = s.changeAttributes(ctx, p, u.Sub, userpool.AttributeWrite{}, changes)
	return err
}

// DeleteUserAttributes deletes attributes of the user whose access token it
// is. What the user does not have is no error.
func (s *Service) DeleteUserAttributes(ctx context.Context, accessToken string, names []string) error {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return err
	}
	changes := make(map[string]string, len(names))
	for _, n := range names {
		changes[n] = ""
	}
	_, err = s.changeAttributes(ctx, w.Pool, w.User.Sub, userpool.AttributeWrite{Client: w.Client}, changes)
	return err
}

func (s *Service) changeAttributes(ctx context.Context, p *userpool.Pool, sub string, op userpool.AttributeWrite, changes map[string]string) ([]Delivery, error) {
	var mails []mail
	var refused error
	_, err := s.updateUser(ctx, p, sub, func(tx store.Tx, u *store.User) error {
		var sends []contact
		mails, refused = nil, nil
		next, err := p.CheckAttributes(op, u.Attributes, changes)
		if err != nil {
			return err
		}
		for _, a := range contactAttributes {
			if next[a] == "" && u.Attributes[a] != "" {
				// Nor must a code that is on its way bring back what was deleted.
				if err := void(tx, p.ID, u.Sub, purposeVerify+a); err != nil {
					return err
				}
			}
			if next[a] == "" || next[a] == u.Attributes[a] {
				// An administrator can also declare an unchanged address
				// verified, which must not take it from another user.
				if next[a] != "" && next[a+"_verified"] == "true" && u.Attributes[a+"_verified"] != "true" {
					if err := s.free(tx, p, *u, contact{a, next[a]}); err != nil {
						return err
					}
				}
				continue
			}
			to := contact{a, next[a]}
			if err := s.free(tx, p, *u, to); err != nil {
				return err
			}
			verified := next[a+"_verified"] == "true"
			pending := !verified && slices.Contains(p.RequireVerificationBeforeUpdate, a)
			if pending {
				// The old value stays, as verified as it was, until the code
				// that is sent to the new one comes back.
				restore(next, u.Attributes, a)
				restore(next, u.Attributes, a+"_verified")
			}
			if verified || !pending && !slices.Contains(p.AutoVerifiedAttributes, a) {
				// A code for a value that once waited must not bring it back.
				if err := void(tx, p.ID, u.Sub, purposeVerify+a); err != nil {
					return err
				}
				continue
			}
			sends = append(sends, to)
		}
		if op.Client != nil {
			for _, to := range sends {
				within, err := countAll(tx, p.ID, s.now(), use{limitUpdateCodes, u.Sub}, use{limitDestination, s.destinationSubject(p, to)})
				if err != nil {
					return err
				}
				if !within {
					// Nothing changes, but the attempt counts: so the
					// transaction is committed, with the user as it was.
					refused = errAttemptLimit
					return nil
				}
			}
		}
		for _, to := range sends {
			record, code := s.newCode(p, u.Sub, purposeVerify+to.attribute, to, verifyLife)
			if err := tx.PutCode(record); err != nil {
				return err
			}
			mails = append(mails, mail{to, codeMessage(p, *u, message.UpdateUserAttribute, to, code)})
		}
		u.Attributes = next
		u.UpdatedAt = s.stamp()
		return nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, aliasError(p, goneIs(err, errUserNotFound))
	}
	var sent []Delivery
	for _, m := range mails {
		err = errors.Join(err, s.send(ctx, m.message))
		sent = append(sent, m.to.delivery())
	}
	return sent, err
}

func restore(next, old map[string]string, name string) {
	if v, ok := old[name]; ok {
		next[name] = v
		return
	}
	delete(next, name)
}

// free reports, as an error, that another user has the contact as its verified
// alias or identifier.
func (s *Service) free(tx store.Tx, p *userpool.Pool, u store.User, to contact) error {
	identifier := slices.Contains(p.UsernameAttributes, to.attribute)
	if !identifier && !slices.Contains(p.AliasAttributes, to.attribute) {
		return nil
	}
	n, err := p.Normalize(to.value)
	if err != nil {
		return fmt.Errorf("normalise alias: %w", err)
	}
	owner, _, err := tx.UserByName(p.ID, n)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && owner.Sub == u.Sub:
		return nil
	case err != nil:
		return fmt.Errorf("find holder of alias: %w", err)
	case identifier:
		return apierr.Newf(apierr.AliasExists, "An account with the given %s already exists.", to.attribute)
	}
	return p.TakenError(to.attribute, "")
}

// GetUserAttributeVerificationCode sends a code for an attribute of the user
// whose access token it is. Where a new value waits to be verified, it goes
// there.
func (s *Service) GetUserAttributeVerificationCode(ctx context.Context, accessToken, attribute string, caller Caller) (Delivery, error) {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return Delivery{}, err
	}
	if !slices.Contains(contactAttributes, attribute) {
		return Delivery{}, apierr.Newf(apierr.InvalidParameter, "Attribute %s cannot be verified.", attribute)
	}
	p, u := w.Pool, w.User
	var to contact
	var code string
	err = s.decide(ctx, func(tx store.Tx) (verdict, err error) {
		to = contact{attribute, u.Attributes[attribute]}
		if slices.Contains(p.RequireVerificationBeforeUpdate, attribute) {
			waiting, err := tx.Code(p.ID, u.Sub, purposeVerify+attribute)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			if err == nil && s.now().Before(waiting.ExpiresAt) {
				to = parseContact(waiting.Destination)
			}
		}
		if to.value == "" {
			return apierr.Newf(apierr.InvalidParameter, "User does not have attribute %s.", attribute), nil
		}
		within, err := countAll(tx, p.ID, s.now(), use{limitAttributeCode, u.Sub},
			use{limitSource, sourceSubject(caller.SourceIP)}, use{limitDestination, s.destinationSubject(p, to)})
		if err != nil {
			return nil, err
		}
		if !within {
			return errAttemptLimit, nil
		}
		var record store.Code
		record, code = s.newCode(p, u.Sub, purposeVerify+attribute, to, verifyLife)
		return nil, tx.PutCode(record)
	})
	if err != nil {
		return Delivery{}, goneIs(err, errUserNotFound)
	}
	if err := s.send(ctx, codeMessage(p, u, message.VerifyUserAttribute, to, code)); err != nil {
		return Delivery{}, err
	}
	return to.delivery(), nil
}

// VerifyUserAttribute makes an address of the user whose access token it is
// verified, by the code that was sent there. A new value that waited for that
// takes the place of the old one.
func (s *Service) VerifyUserAttribute(ctx context.Context, accessToken, attribute, text string) error {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return err
	}
	if !slices.Contains(contactAttributes, attribute) {
		return apierr.Newf(apierr.InvalidParameter, "Attribute %s cannot be verified.", attribute)
	}
	g := guess{
		pool: w.Pool, sub: w.User.Sub, subject: w.User.Sub, purpose: purposeVerify + attribute, code: text, limit: limitVerifyAttribute,
	}
	code, err := s.try(ctx, g)
	if err != nil {
		return err
	}
	_, err = s.updateUser(ctx, w.Pool, w.User.Sub, func(tx store.Tx, u *store.User) error {
		if err := s.take(tx, code, g); err != nil {
			return err
		}
		to := parseContact(code.Destination)
		if u.Attributes[attribute] != to.value && !slices.Contains(w.Pool.RequireVerificationBeforeUpdate, attribute) {
			return errCodeExpired // the address was changed after the code was sent
		}
		if err := s.free(tx, w.Pool, *u, to); err != nil {
			return err
		}
		return s.verify(tx, w.Pool, u, to, false)
	})
	return aliasError(w.Pool, goneIs(err, errCodeExpired))
}

// DeleteUser deletes the user whose access token it is, and all that is known
// of it.
func (s *Service) DeleteUser(ctx context.Context, accessToken string) error {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error { return tx.DeleteUser(w.Pool.ID, w.User.Sub) })
	return goneIs(err, errUserNotFound)
}
