package rockpool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/console"
	"github.com/rockpoolhq/rockpool/internal/store"
)

func (s *Server) mountConsole(mux *http.ServeMux) {
	c := &console.Console{
		API: s.api, Data: consoleData{s}, URL: s.URL(), Issuer: s.issuerOf,
		Open: s.opts.Profile == Dev, Keys: s.keys, Sessions: consoleSessions{s.store}, Now: s.clock.Now,
	}
	c.Mount(mux)
}

// consoleData is what the console shows that no operation returns. It asks for
// a root principal before it comes here.
type consoleData struct{ s *Server }

func (d consoleData) SignIns(pool, id string) any { return d.s.signIns(pool, id) }
func (d consoleData) Invocations() any            { return d.s.invocations() }
func (d consoleData) Logs(w http.ResponseWriter, r *http.Request, f arn.Function) {
	d.s.sendLogs(w, r, f)
}

// consoleSessions keeps sessions of the console as documents.
type consoleSessions struct{ store store.Store }

const sessionKind = "console session"

type sessionDoc struct {
	Key     string    `json:"key"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
}

func sessionDocument(hash string, s console.Session) (store.Document, error) {
	data, err := json.Marshal(sessionDoc{s.AccessKeyID, s.Started, s.LastSeen})
	return store.Document{Kind: sessionKind, Name: hash, Data: data, UpdatedAt: s.LastSeen, ExpiresAt: s.Ends()}, err
}

// Create implements console.Sessions.
func (c consoleSessions) Create(ctx context.Context, hash string, s console.Session) error {
	d, err := sessionDocument(hash, s)
	if err != nil {
		return err
	}
	return c.store.Update(ctx, func(tx store.Tx) error { return tx.CreateDocument(d) })
}

// Session implements console.Sessions.
func (c consoleSessions) Session(ctx context.Context, hash string) (console.Session, error) {
	var d store.Document
	err := c.store.View(ctx, func(tx store.Tx) (err error) {
		d, err = tx.Document(sessionKind, "", hash)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return console.Session{}, console.ErrNoSession
	}
	if err != nil {
		return console.Session{}, err
	}
	var doc sessionDoc
	if err := json.Unmarshal(d.Data, &doc); err != nil {
		return console.Session{}, fmt.Errorf("console session: %w", err)
	}
	return console.Session{AccessKeyID: doc.Key, Started: doc.Started, LastSeen: doc.Seen}, nil
}

// Seen implements console.Sessions.
func (c consoleSessions) Seen(ctx context.Context, hash string, s console.Session) error {
	d, err := sessionDocument(hash, s)
	if err != nil {
		return err
	}
	err = c.store.Update(ctx, func(tx store.Tx) error {
		old, err := tx.Document(sessionKind, "", hash)
		if err != nil {
			return err
		}
		d.Version = old.Version
		return tx.UpdateDocument(d)
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return console.ErrNoSession
	case errors.Is(err, store.ErrConflict):
		return nil // another request has just noted the same
	}
	return err
}

// Delete implements console.Sessions.
func (c consoleSessions) Delete(ctx context.Context, hash string) error {
	err := c.store.Update(ctx, func(tx store.Tx) error { return tx.DeleteDocument(sessionKind, "", hash) })
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
