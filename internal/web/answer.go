package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Write writes a whole answer in one piece. Its length is declared, so that
// headers and body leave in one segment: sent apart, the second waits for the
// caller's delayed acknowledgement of the first.
func Write(w http.ResponseWriter, status int, body []byte) {
	if bodyAllowed(status) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if len(body) > 0 && bodyAllowed(status) {
		// The caller is gone if this fails, and there is nobody left to tell.
		_, _ = w.Write(body)
	}
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// WriteJSON answers with v as JSON. If v cannot be encoded the answer is an
// internal error and the reason is in the event.
func WriteJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		WriteError(w, r, http.StatusInternalServerError, fmt.Errorf("encode answer: %w", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	SecurityHeaders(h)
	Write(w, status, body)
}

// WriteError answers with what a caller may see of err, as the code and the
// message, and notes the cause in the event. It is for surfaces that have no
// form of errors of their own.
func WriteError(w http.ResponseWriter, r *http.Request, status int, err error) {
	public := apierr.Public(err)
	ev := EventFrom(r.Context())
	ev.Code, ev.Err = string(public.Code), public.Err
	WriteJSON(w, r, status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{string(public.Code), public.Message})
}

// SecurityHeaders sets what every answer of the server carries: it is not to be
// guessed at, and not to be kept by caches unless a handler says so after.
func SecurityHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}
