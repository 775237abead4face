package sqlstore

import (
	"context"
	"time"
)

// qSweep deletes what has expired, table by table. An index on expires_at makes
// finding it cheap; 0 means never.
var qSweep = []*query{
	scanning(write("Sweep codes", `DELETE FROM codes WHERE (pool_id, sub, purpose) IN (
		SELECT pool_id, sub, purpose FROM codes WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)),
	scanning(write("Sweep attempts", `DELETE FROM attempts WHERE (pool_id, subject, kind) IN (
		SELECT pool_id, subject, kind FROM attempts WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)),
	scanning(write("Sweep revocations", `DELETE FROM revocations WHERE (pool_id, origin_jti) IN (
		SELECT pool_id, origin_jti FROM revocations WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)),
	scanning(write("Sweep used_ids", `DELETE FROM used_ids WHERE (pool_id, used_id) IN (
		SELECT pool_id, used_id FROM used_ids WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)),
	scanning(write("Sweep refresh_families", `DELETE FROM refresh_families WHERE (pool_id, origin_jti) IN (
		SELECT pool_id, origin_jti FROM refresh_families WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)),
	scanning(write("Sweep documents", `DELETE FROM documents WHERE (kind, scope, name) IN (
		SELECT kind, scope, name FROM documents WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)),
}

// sweepChunk keeps a sweep from holding the write lock for long.
const sweepChunk = 500

// Sweep implements store.Store. Each table and chunk is a transaction of its
// own: what is deleted stays deleted even if a later one fails.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	deleted := 0
	for _, q := range qSweep {
		for deleted < limit {
			chunk := min(limit-deleted, sweepChunk)
			var n int64
			err := db.update(ctx, func(t *tx) (err error) {
				n, err = t.exec(q, ms(now), int64(chunk))
				return err
			})
			if err != nil {
				return deleted, err
			}
			deleted += int(n)
			if int(n) < chunk {
				break
			}
		}
	}
	return deleted, nil
}
