package sqlstore

import (
	"errors"
	"time"

	"github.com/rockpoolhq/rockpool/internal/store"
)

const codeColumns = `pool_id, sub, purpose, hash, destination, guesses_left, expires_at, created_at`

var (
	qPutCode = write("PutCode", `INSERT INTO codes (`+codeColumns+`)
		SELECT pool_id, sub, $3, $4, $5, $6, $7, $8 FROM users WHERE pool_id = $1 AND sub = $2 `+parentMark+`
		ON CONFLICT (pool_id, sub, purpose) DO UPDATE SET hash = excluded.hash, destination = excluded.destination,
			guesses_left = excluded.guesses_left, expires_at = excluded.expires_at, created_at = excluded.created_at`)
	qCode      = read("Code", `SELECT `+codeColumns+` FROM codes WHERE pool_id = $1 AND sub = $2 AND purpose = $3`)
	qGuessCode = write("GuessCode", `UPDATE codes SET guesses_left = guesses_left - 1
		WHERE pool_id = $1 AND sub = $2 AND purpose = $3 AND guesses_left > 0 RETURNING `+codeColumns)
	qSpentCode = write("GuessCode spent", `DELETE FROM codes
		WHERE pool_id = $1 AND sub = $2 AND purpose = $3 AND guesses_left <= 0`)
	qTakeCode = write("TakeCode", `DELETE FROM codes
		WHERE pool_id = $1 AND sub = $2 AND purpose = $3 AND hash = $4`)
	qDeleteCodes = write("DeleteUser codes", `DELETE FROM codes WHERE pool_id = $1 AND sub = $2`)
)

func scanCode(r row) (store.Code, error) {
	return store.Code{
		PoolID: r.text(0), Sub: r.text(1), Purpose: r.text(2), Hash: r.bytes(3), Destination: r.text(4),
		GuessesLeft: r.int(5), ExpiresAt: at(r.int(6)), CreatedAt: at(r.int(7)),
	}, nil
}

func (t *tx) PutCode(c store.Code) error {
	return t.execOne(store.ErrNotFound, qPutCode,
		c.PoolID, c.Sub, c.Purpose, bytesArg(c.Hash), c.Destination, c.GuessesLeft, ms(c.ExpiresAt), ms(c.CreatedAt))
}

func (t *tx) Code(poolID, sub, purpose string) (store.Code, error) {
	return t.code(qCode, poolID, sub, purpose)
}

func (t *tx) code(q *query, poolID, sub, purpose string) (store.Code, error) {
	var c store.Code
	err := t.one(q, func(r row) (err error) {
		c, err = scanCode(r)
		return err
	}, poolID, sub, purpose)
	return c, err
}

func (t *tx) GuessCode(poolID, sub, purpose string) (store.Code, error) {
	c, err := t.code(qGuessCode, poolID, sub, purpose)
	if !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	if _, err := t.exec(qSpentCode, poolID, sub, purpose); err != nil {
		return store.Code{}, err
	}
	return store.Code{}, store.ErrNotFound
}

func (t *tx) TakeCode(poolID, sub, purpose string, hash []byte) error {
	return t.execOne(store.ErrNotFound, qTakeCode, poolID, sub, purpose, bytesArg(hash))
}

var (
	qAttempt = read("Attempt", `SELECT counted, last_at FROM attempts
		WHERE pool_id = $1 AND subject = $2 AND kind = $3 AND (expires_at > $4 OR expires_at = 0)`)
	qCountAttempt = write("CountAttempt", `INSERT INTO attempts (pool_id, subject, kind, counted, last_at, expires_at)
		VALUES ($1, $2, $3, 1, $4, $5)
		ON CONFLICT (pool_id, subject, kind) DO UPDATE SET
			counted = CASE WHEN attempts.expires_at > $4 OR attempts.expires_at = 0 THEN attempts.counted + 1 ELSE 1 END,
			last_at = excluded.last_at, expires_at = excluded.expires_at
		RETURNING counted, last_at`)
	qResetAttempts = write("ResetAttempts", `DELETE FROM attempts
		WHERE pool_id = $1 AND subject = $2 AND kind = $3`)
)

func (t *tx) attempt(q *query, args ...any) (store.Attempt, error) {
	var a store.Attempt
	err := t.each(q, func(r row) error {
		a = store.Attempt{Count: r.int(0), LastAt: at(r.int(1))}
		return nil
	}, args...)
	return a, err
}

func (t *tx) Attempt(poolID, subject, kind string, now time.Time) (store.Attempt, error) {
	return t.attempt(qAttempt, poolID, subject, kind, ms(now))
}

func (t *tx) CountAttempt(poolID, subject, kind string, now, expires time.Time) (store.Attempt, error) {
	return t.attempt(qCountAttempt, poolID, subject, kind, ms(now), ms(expires))
}

func (t *tx) ResetAttempts(poolID, subject, kind string) error {
	_, err := t.exec(qResetAttempts, poolID, subject, kind)
	return err
}
