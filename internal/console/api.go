package console

import (
	"context"
	"errors"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// mountAPI adds what modules use: any operation by name, and Data.
func (c *Console) mountAPI(mux *http.ServeMux) {
	mux.Handle("POST /console/api/{service}/{operation}", c.module(c.perform))
	mux.Handle("GET /console/data/signins", c.module(c.root(func(w http.ResponseWriter, r *http.Request) error {
		q := r.URL.Query()
		web.WriteJSON(w, r, http.StatusOK, c.Data.SignIns(q.Get("pool"), q.Get("id")))
		return nil
	})))
	mux.Handle("GET /console/data/invocations", c.module(c.root(func(w http.ResponseWriter, r *http.Request) error {
		web.WriteJSON(w, r, http.StatusOK, c.Data.Invocations())
		return nil
	})))
	mux.Handle("GET /console/data/logs", c.module(c.root(func(w http.ResponseWriter, r *http.Request) error {
		name, err := arn.ParseFunction(r.URL.Query().Get("function"), regionOf(r), c.account(r))
		if err != nil {
			return apierr.New(apierr.InvalidParameter, "This is not the name of a function.")
		}
		if !c.Open { // following has no end, but a session has
			ctx, cancel := context.WithTimeout(r.Context(), sessionIdle)
			defer cancel()
			r = r.WithContext(ctx)
		}
		c.Data.Logs(w, r, name)
		return nil
	})))
}

// module serves a module's request: of this origin only, and with errors as
// the JSON protocol has them.
func (c *Console) module(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := c.identify(r)
		if errors.Is(err, errSignedOut) {
			err = apierr.New(apierr.AccessDenied, "Your session has ended. Sign in again.")
		}
		if err == nil && !SameOrigin(r) {
			err = apierr.New(apierr.AccessDenied, "A web page of another site may not look into the console.")
		}
		if err == nil {
			err = h(w, r)
		}
		if err == nil {
			return
		}
		public, status := noteError(r, err)
		web.WriteJSON(w, r, status, struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}{string(public.Code), public.Message})
	})
}

// root lets only those who may do everything see what lies beside the APIs.
func (c *Console) root(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !sessionFrom(r).principal.Root {
			return apierr.New(apierr.AccessDenied, "This needs a root access key.")
		}
		return h(w, r)
	}
}

// perform performs the operation of the address.
func (c *Console) perform(w http.ResponseWriter, r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return apierr.New(apierr.InvalidParameter, "The body has to be application/json.")
	}
	s := sessionFrom(r)
	if err := s.check(r.Header.Get(tokenHeader)); err != nil {
		return err
	}
	service, operation := r.PathValue("service"), r.PathValue("operation")
	ev := web.EventFrom(r.Context())
	ev.Service, ev.Operation = service, operation
	body, done, err := c.API.ReadFor(w, r, service, operation)
	if err != nil {
		return err
	}
	defer done()
	if len(body) == 0 {
		body = []byte("{}")
	}
	out, err := c.API.Call(awsapi.ContextFor(r.Context(), s.principal, regionOf(r)), service, operation, jsontext.Value(body))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	web.Write(w, http.StatusOK, out)
	return nil
}
