package rockpool

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// The admin API is what Cognito and Lambda have no operation for. It lives
// beside the wire under /_rockpool/ and takes the same signatures, for the
// service name "rockpool".
const adminService = "rockpool"

const maxAdminBody = 64 << 10

// adminHandler is one operation of the admin API. The body was read and the
// signature verified; the result is sent as JSON, nil as {}.
type adminHandler func(r *http.Request, body []byte) (any, error)

func (s *Server) mountAdmin(mux *http.ServeMux) {
	routes := map[string]adminHandler{
		"POST /_rockpool/pools/{pool}/keys/rotate": s.rotateKeys,
		"GET /_rockpool/sign-ins":                  s.recentSignIns,
		"GET /_rockpool/invocations":               s.recentInvocations,
		"GET /_rockpool/access-keys":               s.listAccessKeys,
		"POST /_rockpool/access-keys":              s.createAccessKey,
		"DELETE /_rockpool/access-keys/{id}":       s.deleteAccessKey,
	}
	for pattern, h := range routes {
		mux.HandleFunc(pattern, s.admin(h))
	}
	mux.HandleFunc("GET /_rockpool/functions/{name}/logs", s.functionLogs)
}

func (s *Server) admin(h adminHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := web.ReadBody(w, r, maxAdminBody)
		if err != nil {
			writeError(w, r, apierr.New(apierr.RequestEntityTooLarge, "The body is too large or could not be read.").Because(err))
			return
		}
		if err := s.authorize(r, body); err != nil {
			writeError(w, r, err)
			return
		}
		out, err := h(r, body)
		if err != nil {
			writeError(w, r, err)
			return
		}
		if out == nil {
			out = struct{}{}
		}
		web.WriteJSON(w, r, http.StatusOK, out)
	}
}

// authorize verifies the signature of an admin request. In development any key
// will do, but there has to be one: a web page cannot send the header without
// asking first, and is told no.
func (s *Server) authorize(r *http.Request, body []byte) error {
	claim, err := sigv4.Parse(r)
	if err != nil {
		return apierr.New(apierr.MissingAuthenticationToken, "Missing Authentication Token").Because(err)
	}
	if s.opts.Profile == Dev {
		return nil
	}
	key, principal, lookup := s.keys.SecretKey(r.Context(), claim.AccessKeyID)
	if lookup != nil {
		key = "unknown" // verify all the same: an unknown key takes as long as a wrong one
	}
	err = claim.Verify(r, body, key, sigv4.Check{Now: s.clock.Now(), Service: adminService})
	switch {
	case errors.Is(lookup, awsapi.ErrUnknownKey):
		return apierr.New(apierr.UnrecognizedClient, "The security token included in the request is invalid.")
	case lookup != nil:
		return fmt.Errorf("look up access key: %w", lookup)
	case err != nil:
		return apierr.New(apierr.InvalidSignature, err.Error()).Because(err)
	case !principal.Root:
		return apierr.New(apierr.AccessDenied, "This needs a root access key.")
	}
	return nil
}

func (s *Server) rotateKeys(r *http.Request, _ []byte) (any, error) {
	pool := r.PathValue("pool")
	if _, err := s.pools.Pool(r.Context(), pool); err != nil {
		return nil, err
	}
	keys, err := s.pools.RotateKeys(r.Context(), pool)
	if err != nil {
		return nil, err
	}
	return struct {
		ID     string          `json:"idKey"`
		Access string          `json:"accessKey"`
		JWKS   json.RawMessage `json:"jwks"`
	}{keys.ID.ID, keys.Access.ID, keys.JWKS}, nil
}

// recentSignIns lists the latest sign-ins of this node, newest first: of one
// pool with userPoolId, one alone with eventId.
func (s *Server) recentSignIns(r *http.Request, _ []byte) (any, error) {
	q := r.URL.Query()
	return s.signIns(q.Get("userPoolId"), q.Get("eventId")), nil
}

type signInList struct {
	SignIns []signin.Event `json:"signIns"`
}

func (s *Server) signIns(pool, id string) signInList {
	list := signInList{SignIns: []signin.Event{}}
	if id == "" {
		list.SignIns = append(list.SignIns, s.signin.RecentSignIns(pool, maxRecentSignIns)...)
	} else if e, ok := s.signin.SignInOf(id); ok && (pool == "" || pool == e.PoolID) {
		list.SignIns = append(list.SignIns, e)
	}
	return list
}

const maxRecentSignIns = 100

func (s *Server) recentInvocations(*http.Request, []byte) (any, error) { return s.invocations(), nil }

type invocationList struct {
	Invocations []invocation `json:"invocations"`
}

func (s *Server) invocations() invocationList {
	list := []invocation{}
	for _, r := range s.functions.Recent() {
		list = append(list, invocation{
			Time: r.Time, Function: arn.Function{Region: r.Region, Account: s.opts.Account, Name: r.Name}.String(), Version: r.Version,
			RequestID: r.RequestID, Source: r.Source, Engine: r.Engine, Cold: r.Cold,
			DurationMS: milliseconds(r.Duration), InitMS: milliseconds(r.InitDuration), MaxMemoryMB: r.MaxMemoryMB,
			FunctionError: r.FunctionError, HostError: r.HostError,
		})
	}
	return invocationList{list}
}

// invocation is a run of a function as JSON.
type invocation struct {
	Time          time.Time `json:"time"`
	Function      string    `json:"function"`
	Version       string    `json:"version"`
	RequestID     string    `json:"requestId"`
	Source        string    `json:"source,omitempty"` // ARN of the pool that caused it
	Engine        string    `json:"engine,omitempty"`
	Cold          bool      `json:"cold"`
	DurationMS    float64   `json:"durationMs"`
	InitMS        float64   `json:"initMs,omitempty"`
	MaxMemoryMB   int       `json:"maxMemoryMB,omitempty"`
	FunctionError string    `json:"functionError,omitempty"`
	HostError     string    `json:"hostError,omitempty"`
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (s *Server) listAccessKeys(r *http.Request, _ []byte) (any, error) {
	list, err := s.keys.list(r.Context())
	return struct {
		Keys []AccessKey `json:"accessKeys"`
	}{list}, err
}

func (s *Server) createAccessKey(r *http.Request, body []byte) (any, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Name == "" || len(in.Name) > 128 {
		return nil, apierr.New(apierr.InvalidParameter, "A name of up to 128 bytes is needed.")
	}
	key := newAccessKey(in.Name, s.clock.Now())
	return key, s.keys.create(r.Context(), key)
}

func (s *Server) deleteAccessKey(r *http.Request, _ []byte) (any, error) {
	err := s.keys.delete(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, apierr.New(apierr.ResourceNotFound, "There is no such access key.")
	case errors.Is(err, errLastKey):
		return nil, apierr.New(apierr.InvalidParameter, errLastKey.Error())
	}
	return nil, err
}

// logLine is a line of a function's log as JSON.
type logLine struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"requestId,omitempty"`
	Stream    string    `json:"stream"`
	Text      string    `json:"text"`
}

// functionLogs sends a function's log as JSON lines: the newest ones, and with
// follow=true what is written from then on, until the client goes.
func (s *Server) functionLogs(w http.ResponseWriter, r *http.Request) {
	if err := s.authorize(r, nil); err != nil {
		writeError(w, r, err)
		return
	}
	region := r.URL.Query().Get("region")
	if region == "" {
		region = arn.DefaultRegion
	}
	name, err := arn.ParseFunction(r.PathValue("name"), region, s.opts.Account)
	if err != nil {
		writeError(w, r, apierr.New(apierr.InvalidParameter, "This is not the name of a function."))
		return
	}
	s.sendLogs(w, r, name)
}

// sendLogs answers with the log of a function that exists.
func (s *Server) sendLogs(w http.ResponseWriter, r *http.Request, name arn.Function) {
	name.Qualifier = ""
	if _, err := s.functions.Get(r.Context(), name); err != nil {
		writeError(w, r, err)
		return
	}
	n, err := strconv.Atoi(r.URL.Query().Get("tail"))
	if err != nil || n <= 0 {
		n = 100
	}
	logs := s.logbook.Of(name.Name)
	w.Header().Set("Content-Type", "application/x-ndjson")
	web.SecurityHeaders(w.Header())
	enc := json.NewEncoder(w)
	send := func(l sandbox.Line) error {
		return enc.Encode(logLine{Time: l.Time, RequestID: l.RequestID, Stream: l.Stream, Text: l.Text})
	}
	if logs == nil {
		return
	}
	follow := r.URL.Query().Get("follow") == "true"
	var follower *sandbox.Follower
	if follow {
		follower = logs.Follow() // before the tail is read, so that no line falls between
		defer follower.Close()
	}
	for _, l := range logs.Tail(n) {
		if send(l) != nil {
			return
		}
	}
	if !follow {
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // following has no end; a server without deadlines need not know the call
	for {
		if control.Flush() != nil {
			return
		}
		select {
		case l, ok := <-follower.Lines():
			if !ok || send(l) != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// codeLife is how long an address from GetFunction works.
const codeLife = 10 * time.Minute

// codeURL returns an address from which a function's package can be fetched
// without a signature for ten minutes, as Lambda's Code.Location. What opens
// it is in the query, which no log line shows.
func (s *Server) codeURL(f arn.Function) string {
	f.Account = s.opts.Account
	plain := fmt.Appendf(nil, "%d %s", s.clock.Now().Add(codeLife).Unix(), f)
	token := s.kek.Box("function code").Seal(plain, nil)
	return s.URL() + "/_rockpool/code?token=" + base64.RawURLEncoding.EncodeToString(token)
}

func (s *Server) downloadCode(w http.ResponseWriter, r *http.Request) {
	archive, err := s.code(r.Context(), r.URL.Query().Get("token"))
	if err != nil {
		writeError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	web.SecurityHeaders(h)
	web.Write(w, http.StatusOK, archive)
}

func (s *Server) code(ctx context.Context, token string) ([]byte, error) {
	denied := apierr.New(apierr.AccessDenied, "This address is not valid, or no longer.")
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, denied
	}
	plain, err := s.kek.Box("function code").Open(sealed, nil)
	if err != nil {
		return nil, denied
	}
	expires, name, _ := strings.Cut(string(plain), " ")
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !s.clock.Now().Before(time.Unix(until, 0)) {
		return nil, denied
	}
	f, err := arn.ParseFunction(name, "", s.opts.Account)
	if err != nil {
		return nil, denied
	}
	return s.functions.Package(ctx, f)
}

// statusOf are the statuses of the admin API; other codes are 400.
var statusOf = map[apierr.Code]int{
	apierr.ResourceNotFound:           http.StatusNotFound,
	apierr.MissingAuthenticationToken: http.StatusForbidden,
	apierr.UnrecognizedClient:         http.StatusForbidden,
	apierr.InvalidSignature:           http.StatusForbidden,
	apierr.AccessDenied:               http.StatusForbidden,
	apierr.RequestEntityTooLarge:      http.StatusRequestEntityTooLarge,
	apierr.InternalError:              http.StatusInternalServerError,
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf[apierr.Public(err).Code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	web.WriteError(w, r, status, err)
}
