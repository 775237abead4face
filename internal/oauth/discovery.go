// Package oauth holds the web endpoints of user pools. So far these are the
// two that every verifier of tokens needs: the OpenID Connect discovery
// document and the JSON Web Key Set.
//
// It makes no tokens and renders no pages.
package oauth

import (
	"encoding/json"
	"net/http"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/userpool"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Discovery serves what a pool publishes about itself, under its issuer.
type Discovery struct {
	Pools *userpool.Service
	// Issuer returns the iss claim of a pool's tokens.
	Issuer func(*userpool.Pool) string
	// Base returns the address that the documents' links begin with. It comes
	// from configuration, never from a request (security OAU-7).
	Base func() string
}

// Mount adds the endpoints to mux.
func (d Discovery) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{pool}/.well-known/jwks.json", d.jwks)
	mux.HandleFunc("GET /{pool}/.well-known/openid-configuration", d.configuration)
}

// jwks answers with the pool's public keys (RFC 7517).
func (d Discovery) jwks(w http.ResponseWriter, r *http.Request) {
	pool := d.pool(w, r)
	if pool == nil {
		return
	}
	keys, err := d.Pools.Keys(r.Context(), pool.ID)
	if err != nil {
		fail(w, r, err)
		return
	}
	publish(w, keys.JWKS)
}

// configuration answers with the pool's metadata (OpenID Connect Discovery
// 1.0, section 3). It names only endpoints that answer, so those for
// authorization and tokens are absent until they exist.
func (d Discovery) configuration(w http.ResponseWriter, r *http.Request) {
	pool := d.pool(w, r)
	if pool == nil {
		return
	}
	body, err := json.Marshal(struct {
		Issuer   string   `json:"issuer"`
		JWKS     string   `json:"jwks_uri"`
		Types    []string `json:"response_types_supported"`
		Subjects []string `json:"subject_types_supported"`
		Algs     []string `json:"id_token_signing_alg_values_supported"`
		Scopes   []string `json:"scopes_supported"`
	}{
		Issuer:   d.Issuer(pool),
		JWKS:     d.Base() + "/" + pool.ID + "/.well-known/jwks.json",
		Types:    []string{"code", "token"},
		Subjects: []string{"public"},
		Algs:     []string{"RS256"},
		Scopes:   []string{"openid", "email", "phone", "profile"},
	})
	if err != nil {
		fail(w, r, err)
		return
	}
	publish(w, body)
}

// pool returns the pool that the path names, or nil once it has answered.
func (d Discovery) pool(w http.ResponseWriter, r *http.Request) *userpool.Pool {
	id := r.PathValue("pool")
	if !arn.ValidPoolID(id) {
		fail(w, r, apierr.Newf(apierr.ResourceNotFound, "User pool %.55s does not exist.", id))
		return nil
	}
	pool, err := d.Pools.Pool(r.Context(), id)
	if err != nil {
		fail(w, r, err)
		return nil
	}
	return pool
}

// publish sends a public document. Browsers on any origin may read it, and
// caches may keep it for a time that is short beside a key's overlap.
func publish(w http.ResponseWriter, body []byte) {
	h := w.Header()
	web.SecurityHeaders(h)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("Access-Control-Allow-Origin", "*")
	web.Write(w, http.StatusOK, body)
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if apierr.CodeOf(err) == apierr.ResourceNotFound {
		status = http.StatusNotFound
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	web.WriteError(w, r, status, err)
}
