package console

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Sessions keep who has signed in, by a hash of the session's id. They outlive
// a process and are the same on every node.
type Sessions interface {
	// Create stores a session.
	Create(ctx context.Context, hash string, s Session) error
	// Session returns a session, or ErrNoSession. It may be past its time.
	Session(ctx context.Context, hash string) (Session, error)
	// Seen notes that a session was used.
	Seen(ctx context.Context, hash string, s Session) error
	// Delete ends a session; to end one that has ended is no error.
	Delete(ctx context.Context, hash string) error
}

// Session is a stored session.
type Session struct {
	AccessKeyID string
	Started     time.Time
	LastSeen    time.Time
}

// Ends is when a session ends unless it is used again.
func (s Session) Ends() time.Time {
	if idle, life := s.LastSeen.Add(sessionIdle), s.Started.Add(sessionLife); idle.Before(life) {
		return idle
	}
	return s.Started.Add(sessionLife)
}

const (
	sessionIdle = time.Hour
	sessionLife = 12 * time.Hour
	seenEvery   = time.Minute // how often use is written down
)

// ErrNoSession is what Sessions return for a session that is not theirs.
var ErrNoSession = errors.New("console: no such session")

var errSignedOut = errors.New("console: not signed in")

// session is who makes a request.
type session struct {
	key       string // access key id; empty in development
	principal awsapi.Principal
	token     string
}

type sessionKey struct{}

// sessionFrom returns the session of a request; before it is known, nobody's.
func sessionFrom(r *http.Request) *session {
	if s, ok := r.Context().Value(sessionKey{}).(*session); ok {
		return s
	}
	return new(session)
}

// tokenField is the field of a form, and tokenHeader the header of a module's
// request, with the session's token: what a page of another site cannot know.
const (
	tokenField  = "console-token"
	tokenHeader = "X-Console-Token"
)

// check compares the token of a request.
func (s *session) check(token string) error {
	if s.token == "" || !hmac.Equal([]byte(s.token), []byte(token)) {
		return apierr.New(apierr.AccessDenied, "This form was made for another session, or the server has been restarted since. Go back, load the page again and repeat what you did.")
	}
	return nil
}

// tokenOf derives a session's token from its id.
func tokenOf(id string) string {
	mac := hmac.New(sha256.New, []byte(id))
	mac.Write([]byte("console token"))
	return hex.EncodeToString(mac.Sum(nil))
}

// hashOf is what a session is stored under: who reads the store cannot use it.
func hashOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

func newSessionID() string { return hex.EncodeToString(secret.Bytes(32)) }

// start makes what an open console needs.
func (c *Console) start() { c.openKey = newSessionID() }

// identify finds the session of a request and puts it into the context. It
// returns errSignedOut when there is none.
func (c *Console) identify(r *http.Request) (*http.Request, error) {
	if c.Open {
		s := &session{principal: c.complete(awsapi.Principal{ARN: "arn:aws:iam::" + c.API.Account() + ":root", Root: true}), token: tokenOf(c.openKey)}
		return r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)), nil
	}
	cookie, err := r.Cookie(c.cookieName())
	if err != nil {
		return r, errSignedOut
	}
	hash := hashOf(cookie.Value)
	stored, err := c.Sessions.Session(r.Context(), hash)
	if errors.Is(err, ErrNoSession) {
		return r, errSignedOut
	}
	if err != nil {
		return r, fmt.Errorf("load console session: %w", err)
	}
	now := c.now()
	if !now.Before(stored.Ends()) {
		return r, errSignedOut
	}
	// The key is looked up each time: a session ends with its key.
	_, principal, err := c.Keys.SecretKey(r.Context(), stored.AccessKeyID)
	if errors.Is(err, awsapi.ErrUnknownKey) {
		return r, errSignedOut
	}
	if err != nil {
		return r, fmt.Errorf("look up access key: %w", err)
	}
	if now.Sub(stored.LastSeen) >= seenEvery {
		stored.LastSeen = now
		if err := c.Sessions.Seen(r.Context(), hash, stored); errors.Is(err, ErrNoSession) {
			return r, errSignedOut // it was ended meanwhile
		} else if err != nil {
			return r, fmt.Errorf("keep console session: %w", err)
		}
	}
	web.EventFrom(r.Context()).AccessKeyID = stored.AccessKeyID
	s := &session{key: stored.AccessKeyID, principal: c.complete(principal), token: tokenOf(cookie.Value)}
	return r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)), nil
}

func (c *Console) complete(p awsapi.Principal) awsapi.Principal {
	if p.Account == "" {
		p.Account = c.API.Account()
	}
	return p
}

func (c *Console) cookieName() string {
	if c.secure() {
		return "__Host-rockpool-console" // no other host, and no page without TLS, can set it
	}
	return "rockpool-console"
}

// setCookie sets a cookie that is as strict as the address allows.
func (c *Console) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	cookie := &http.Cookie{Name: name, Value: value, Path: "/console/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if c.secure() {
		cookie.Path, cookie.Secure = "/", true // as __Host- demands
	}
	http.SetCookie(w, cookie)
}

func signInAddress(r *http.Request) string {
	return "/console/sign-in?next=" + url.QueryEscape(r.URL.RequestURI())
}

func (c *Console) mountSession(mux *http.ServeMux) {
	c.handle(mux, "POST /console/theme", c.setTheme)
	if c.Open {
		return
	}
	mux.Handle("GET /console/sign-in", c.outside(c.signInPage))
	mux.Handle("POST /console/sign-in", c.outside(c.signIn))
	c.handle(mux, "POST /console/sign-out", c.signOut)
}

// beforeCookie names the cookie that a sign-in form's token is made of: without
// it another site could sign a reader in as somebody else.
func (c *Console) beforeCookie() string {
	if c.secure() {
		return "__Host-rockpool-sign-in"
	}
	return "rockpool-sign-in"
}

// outside serves people who are not signed in. Their token is made of a cookie
// that only the sign-in page gives out.
func (c *Console) outside(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := new(session)
		if cookie, err := r.Cookie(c.beforeCookie()); err == nil && len(cookie.Value) == 64 {
			s.token = tokenOf(cookie.Value)
		} else if r.Method == http.MethodGet {
			id := newSessionID()
			c.setCookie(w, c.beforeCookie(), id, 3600)
			s.token = tokenOf(id)
		}
		r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, s))
		err := c.readForm(w, r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			c.showError(w, r, err)
		}
	})
}

type signInPage struct {
	page
	Next, AccessKeyID, Problem string
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) error {
	return c.render(w, r, "sign-in", &signInPage{Next: ownPath(r.URL.Query().Get("next"))})
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) error {
	p := &signInPage{Next: ownPath(r.PostForm.Get("next")), AccessKeyID: clip(r.PostForm.Get("key"), 128)}
	source := web.SourceIP(r)
	if !c.attempts.begin(source, c.now()) {
		noteError(r, apierr.New(apierr.TooManyRequests, "too many attempts"))
		p.Problem = "Too many attempts from your address. Wait a few minutes."
		return c.renderStatus(w, r, http.StatusTooManyRequests, "sign-in", p)
	}
	want, _, err := c.Keys.SecretKey(r.Context(), p.AccessKeyID)
	unknown := errors.Is(err, awsapi.ErrUnknownKey)
	if err != nil && !unknown {
		return fmt.Errorf("look up access key: %w", err)
	}
	// An unknown key is compared too, with what nobody can have typed.
	if unknown {
		want = c.openKey
	}
	if same := hmac.Equal([]byte(hashOf(want)), []byte(hashOf(r.PostForm.Get("secret")))); !same || unknown {
		noteError(r, apierr.New(apierr.NotAuthorized, "wrong access key"))
		p.Problem = "There is no such access key, or this is not its secret."
		return c.renderStatus(w, r, http.StatusForbidden, "sign-in", p)
	}
	c.attempts.succeeded(source)
	if old, err := r.Cookie(c.cookieName()); err == nil {
		if err := c.Sessions.Delete(r.Context(), hashOf(old.Value)); err != nil {
			return fmt.Errorf("end console session: %w", err)
		}
	}
	id, now := newSessionID(), c.now() // a new id, so that one that was planted is worth nothing
	if err := c.Sessions.Create(r.Context(), hashOf(id), Session{AccessKeyID: p.AccessKeyID, Started: now, LastSeen: now}); err != nil {
		return fmt.Errorf("keep console session: %w", err)
	}
	web.EventFrom(r.Context()).AccessKeyID = p.AccessKeyID
	c.setCookie(w, c.cookieName(), id, int(sessionLife/time.Second))
	c.setCookie(w, c.beforeCookie(), "", -1)
	http.Redirect(w, r, p.Next, http.StatusSeeOther)
	return nil
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie(c.cookieName()); err == nil {
		if err := c.Sessions.Delete(r.Context(), hashOf(cookie.Value)); err != nil {
			return fmt.Errorf("end console session: %w", err)
		}
	}
	c.setCookie(w, c.cookieName(), "", -1)
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
	return nil
}

const (
	maxFailures  = 10 // of one address within failureSpan
	failureSpan  = 5 * time.Minute
	maxAddresses = 10_000 // remembered
)

// attempts count failed sign-ins by address. The zero value is ready.
type attempts struct {
	mu     sync.Mutex
	counts map[string]failures
}

type failures struct {
	n     int
	since time.Time
}

// begin counts an attempt before its outcome is known, so that many at once are
// no more than the limit. It reports whether there may be one.
func (a *attempts) begin(source string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.counts[source]
	if now.Sub(f.since) >= failureSpan {
		f = failures{since: now}
	}
	if f.n >= maxFailures {
		return false
	}
	if a.counts == nil || len(a.counts) >= maxAddresses {
		a.counts = map[string]failures{}
	}
	f.n++
	a.counts[source] = f
	return true
}

// succeeded takes an attempt off the count.
func (a *attempts) succeeded(source string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f, ok := a.counts[source]; ok && f.n > 0 {
		f.n--
		a.counts[source] = f
	}
}
