package sqlstore

import (
	"context"
	"errors"
)

func openPostgres(ctx context.Context, o Options, h *hooks) (engine, error) {
	return nil, errors.New("PostgreSQL is not built yet")
}
