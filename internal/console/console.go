package console

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Console serves the pages. Fill in the fields, then Mount it.
type Console struct {
	// API does everything that is done here. Required.
	API *awsapi.Server
	// Data has what no API returns. Required.
	Data Data
	// URL is the address at which clients reach the server, and Issuer the iss
	// claim of a pool's tokens. Required.
	URL    string
	Issuer func(poolID string) string
	// Open lets everybody in as the account itself: for development. Without
	// it people sign in with an access key of Keys, and Sessions keeps who did.
	Open     bool
	Keys     awsapi.Credentials
	Sessions Sessions
	// Now is the clock of sessions; nil is time.Now.
	Now func() time.Time

	attempts attempts
	openKey  string // what the tokens of an open console are made of
	triggers triggerProbe
}

// Data is what the console shows that no operation returns. Each result is a
// value that encodes to JSON as the server's own admin API has it.
type Data interface {
	// SignIns are the latest sign-ins, newest first: of one pool unless that
	// is empty, and the one with that id unless that is empty.
	SignIns(poolID, eventID string) any
	// Invocations are the latest runs of functions.
	Invocations() any
	// Logs answers with the log of a function as lines of JSON; tail and
	// follow are in the query.
	Logs(w http.ResponseWriter, r *http.Request, function arn.Function)
}

// handler serves one page. An error becomes the error page.
type handler func(w http.ResponseWriter, r *http.Request) error

// Mount adds the console to a mux.
func (c *Console) Mount(mux *http.ServeMux) {
	c.start()
	inner := http.NewServeMux()
	c.mountStatic(inner)
	c.mountAPI(inner)
	c.mountSession(inner)
	c.mountHome(inner)
	c.mountPools(inner)
	c.mountFunctions(inner)
	c.mountStacks(inner)
	c.mountTryIt(inner)
	c.mountActivity(inner)
	inner.Handle("/console/", c.page(func(http.ResponseWriter, *http.Request) error {
		return apierr.New(apierr.ResourceNotFound, "There is no such page.")
	}))
	mux.Handle("/console/", guard(inner))
}

// contentPolicy lets a page load what this server serves, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard puts on every answer what browsers must know of it, and refuses what a
// page of another origin sends before anything is read.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		web.SecurityHeaders(h)
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !SameOrigin(r) {
			public, status := noteError(r, apierr.New(apierr.AccessDenied, "A web page of another site may not use the console."))
			web.WriteError(w, r, status, public)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SameOrigin reports whether a request comes from a page of the same origin, as
// far as the browser says, or from no page. A page with our Referrer-Policy
// sends the origin "null" with a form; where the browser does not tell more,
// the form's token decides.
func SameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "null" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == r.Host
}

// handle adds a page, or what a form is sent to, for people who are signed in.
func (c *Console) handle(mux *http.ServeMux, pattern string, h handler) {
	mux.Handle(pattern, c.page(h))
}

// maxForm bounds the body of a form.
const maxForm = 256 << 10

// page finds out who asks, checks the token of a form, and shows errors.
func (c *Console) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := c.identify(r)
		if errors.Is(err, errSignedOut) {
			if r.Method == http.MethodGet {
				http.Redirect(w, r, signInAddress(r), http.StatusSeeOther)
				return
			}
			err = apierr.New(apierr.AccessDenied, "Your session has ended. Sign in again, then repeat what you did.")
		}
		if err == nil {
			keepRegion(w, r)
			err = c.readForm(w, r)
		}
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			c.showError(w, r, err)
		}
	})
}

// readForm reads the form of a POST and checks its token.
func (c *Console) readForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return apierr.New(apierr.InvalidParameter, "A form is expected here.")
	}
	body, err := web.ReadBody(w, r, maxForm)
	if err != nil {
		return apierr.New(apierr.RequestEntityTooLarge, "The form is too large, or it could not be read.").Because(err)
	}
	r.Body = http.NoBody
	if err := parseForm(r, body); err != nil {
		return apierr.New(apierr.InvalidParameter, "The form could not be read.").Because(err)
	}
	return sessionFrom(r).check(r.PostForm.Get(tokenField))
}

// page is what every page has. A page's own struct embeds it.
type page struct {
	Area    string // of the navigation
	Nav     []navItem
	Region  string
	Regions []string
	Theme   string // "light", "dark" or empty for the system's choice
	Flash   string // of the form before
	Token   string
	Key     string // the access key that is signed in; empty in development
	Dev     bool
	Here    string // the path of this page
}

// CSRF is the field that every form has.
func (p *page) CSRF() template.HTML {
	return template.HTML(`<input type="hidden" name="` + tokenField + `" value="` + template.HTMLEscapeString(p.Token) + `">`) // escaped here
}

func (p *page) base() *page { return p }

// view is a pointer to a struct that embeds page.
type view interface{ base() *page }

type navItem struct {
	Label, Path string
	Current     bool
}

var areas = []navItem{
	{Label: "Home", Path: "/console/"},
	{Label: "User pools", Path: "/console/pools"},
	{Label: "Functions", Path: "/console/functions"},
	{Label: "Try it", Path: "/console/try"},
	{Label: "Activity", Path: "/console/activity"},
	{Label: "Stacks", Path: "/console/stacks"},
}

// navigation lists the areas and says in which one a path is.
func navigation(at string) (nav []navItem, area string) {
	switch {
	case strings.HasPrefix(at, "/console/create-pool"):
		at = "/console/pools"
	case strings.HasPrefix(at, "/console/create-function"):
		at = "/console/functions"
	case strings.HasPrefix(at, "/console/token"):
		at = "/console/try"
	}
	for _, n := range areas {
		n.Current = at == n.Path || n.Path != "/console/" && strings.HasPrefix(at, n.Path+"/")
		if n.Current {
			area = n.Label
		}
		nav = append(nav, n)
	}
	return nav, area
}

//go:embed templates
var templateFiles embed.FS

// funcs are what templates may call besides their page.
var funcs = template.FuncMap{
	"static": staticPath,
	"ago":    ago,
	"moment": moment,
	"list":   func(all ...any) []any { return all },
	// Of functions.
	"functionPath": functionPath,
	"visible":      visible,
	"bytes":        byteCount,
	"modified":     modified,
}

// templates has one set for each page: what all share (layout and parts) and
// the page, which defines "content" and may define "title" and "head". A file
// that defines content is a page; the others are shared.
var templates = sync.OnceValue(func() map[string]*template.Template {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic("console: " + err.Error())
	}
	pages := map[string]string{}
	shared := template.New("shared").Funcs(funcs)
	for _, file := range files {
		text, err := templateFiles.ReadFile(file)
		if err != nil {
			panic("console: " + err.Error())
		}
		if strings.Contains(string(text), `{{define "content"}}`) {
			pages[strings.TrimSuffix(path.Base(file), ".html")] = string(text)
			continue
		}
		template.Must(shared.New(path.Base(file)).Parse(string(text)))
	}
	sets := map[string]*template.Template{}
	for name, text := range pages {
		sets[name] = template.Must(template.Must(shared.Clone()).New(name).Parse(text))
	}
	return sets
})

// render answers with a page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, name string, v view) error {
	return c.renderStatus(w, r, http.StatusOK, name, v)
}

func (c *Console) renderStatus(w http.ResponseWriter, r *http.Request, status int, name string, v view) error {
	set := templates()[name]
	if set == nil {
		return fmt.Errorf("there is no template %q", name)
	}
	p, s := v.base(), sessionFrom(r)
	p.Nav, p.Area = navigation(r.URL.Path)
	p.Region, p.Theme, p.Here = regionOf(r), themeOf(r), r.URL.Path
	p.Regions = regionsWith(p.Region)
	p.Token, p.Key, p.Dev = s.token, s.key, c.Open
	p.Flash = takeFlash(w, r)
	var buf bytes.Buffer
	if err := set.ExecuteTemplate(&buf, "layout", v); err != nil {
		return fmt.Errorf("render %s: %w", name, err) // nothing was written yet
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	web.Write(w, status, buf.Bytes())
	return nil
}

// redirect answers a form that is done: the page to see next says so.
func (c *Console) redirect(w http.ResponseWriter, r *http.Request, to, said string) error {
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(clip(said, 600))), Path: "/console/",
		MaxAge: 60, HttpOnly: true, Secure: c.secure(), SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

const flashCookie = "rockpool-flash"

// takeFlash returns what the form before has to say, once. It is shown as
// text, whoever has written the cookie.
func takeFlash(w http.ResponseWriter, r *http.Request) string {
	cookie, err := r.Cookie(flashCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/console/", MaxAge: -1})
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return ""
	}
	return clip(strings.ToValidUTF8(string(text), "\uFFFD"), 600)
}

type errorPage struct {
	page
	Code, Message, RequestID string
}

// statusOf are the statuses of errors; others are 400.
var statusOf = map[apierr.Code]int{
	apierr.AccessDenied:          http.StatusForbidden,
	apierr.ResourceNotFound:      http.StatusNotFound,
	apierr.UserNotFound:          http.StatusNotFound,
	apierr.UnknownOperation:      http.StatusNotFound,
	apierr.RequestEntityTooLarge: http.StatusRequestEntityTooLarge,
	apierr.TooManyRequests:       http.StatusTooManyRequests,
	apierr.InternalError:         http.StatusInternalServerError,
	apierr.NotImplemented:        http.StatusNotImplemented,
}

// noteError puts an error into the request's event and returns what the
// reader may see of it.
func noteError(r *http.Request, err error) (public *apierr.Error, status int) {
	public = apierr.Public(err)
	ev := web.EventFrom(r.Context())
	ev.Code, ev.Err = string(public.Code), public.Err
	if status = statusOf[public.Code]; status == 0 {
		status = http.StatusBadRequest
	}
	return public, status
}

func (c *Console) showError(w http.ResponseWriter, r *http.Request, err error) {
	public, status := noteError(r, err)
	id := web.EventFrom(r.Context()).ID
	shown := c.renderStatus(w, r, status, "error", &errorPage{Code: string(public.Code), Message: public.Message, RequestID: id})
	if shown != nil {
		web.EventFrom(r.Context()).Err = errors.Join(err, shown)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		web.Write(w, http.StatusInternalServerError, []byte("internal error, request id "+id+"\n"))
	}
}

// said is what an error tells a person who can do something about it; empty
// for others, which belong on the error page.
func said(err error) string {
	public := apierr.Public(err)
	if public.Code == apierr.InternalError {
		return ""
	}
	return public.Message
}

// isCode reports whether err is the exception with that name.
func isCode(err error, code apierr.Code) bool { return err != nil && apierr.Public(err).Code == code }

// object is the input of an operation.
type object = map[string]any

// performer performs an operation and decodes its answer into out, unless that
// is nil.
type performer func(ctx context.Context, service, operation string, in, out any) error

// do performs operations as the principal of a request's session, in its
// region. Nothing else in this package changes anything.
func (c *Console) do(r *http.Request) performer {
	principal, region := sessionFrom(r).principal, regionOf(r)
	return func(ctx context.Context, service, operation string, in, out any) error {
		ev := web.EventFrom(ctx)
		if r.Method == http.MethodPost { // what a form did is in the log
			ev.Service, ev.Operation = service, operation
		}
		got, err := c.API.Call(awsapi.ContextFor(ctx, principal, region), service, operation, in)
		if err != nil || out == nil {
			return err
		}
		if err := json.Unmarshal(got, out); err != nil {
			return fmt.Errorf("read the answer of %s: %w", operation, err)
		}
		return nil
	}
}

// account is the account of a request's session.
func (c *Console) account(r *http.Request) string { return sessionFrom(r).principal.Account }

func (c *Console) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c *Console) secure() bool { return strings.HasPrefix(c.URL, "https://") }

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
