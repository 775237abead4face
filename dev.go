package rockpool

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/console"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// mountDev adds what only development has. A production server has no route to
// any of it (security MODE-1).
func (s *Server) mountDev(mux *http.ServeMux) {
	mux.HandleFunc("GET /_rockpool/inbox", s.inbox)
	mux.HandleFunc("GET /_rockpool/inbox/{address}", s.inbox)
	mux.HandleFunc("GET /_rockpool/clock", s.showClock)
	mux.HandleFunc("POST /_rockpool/clock", s.moveClock)
}

// captured is a message of the inbox as JSON. Code is the code or temporary
// password in it, so that a test need not search the text.
type captured struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Medium  string    `json:"medium"`
	To      string    `json:"to"`
	Kind    string    `json:"kind"`
	User    string    `json:"username"`
	PoolID  string    `json:"userPoolId"`
	Subject string    `json:"subject,omitempty"`
	Body    string    `json:"body"`
	Code    string    `json:"code,omitempty"`
}

// inbox lists the messages to an address, newest first; without one, all.
func (s *Server) inbox(w http.ResponseWriter, r *http.Request) {
	list := []captured{}
	for _, m := range s.outbox.List(r.PathValue("address")) {
		list = append(list, newCaptured(m))
	}
	web.WriteJSON(w, r, http.StatusOK, struct {
		Messages []captured `json:"messages"`
	}{list})
}

func newCaptured(m message.Sent) captured {
	return captured{
		ID: m.ID, At: m.At, Medium: m.Medium, To: m.To, Kind: m.Kind, User: m.Username,
		PoolID: m.PoolID, Subject: m.Subject, Body: m.Body, Code: m.Code,
	}
}

type clockState struct {
	Now    time.Time `json:"now"`
	Offset string    `json:"offset"` // ahead of the system's clock
}

func (s *Server) showClock(w http.ResponseWriter, r *http.Request) {
	web.WriteJSON(w, r, http.StatusOK, clockState{Now: s.clock.Now(), Offset: s.clock.Advance(0).String()})
}

func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
	}
	body, err := web.ReadBody(w, r, 1024)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	var d time.Duration
	if err == nil {
		d, err = time.ParseDuration(in.Advance)
	}
	if err == nil {
		err = s.AdvanceClock(d)
	}
	if err != nil {
		writeError(w, r, apierr.New(apierr.InvalidParameter, `Say how far the clock goes forward, as {"advance":"1h30m"}; 20 years at most.`).Because(err))
		return
	}
	s.showClock(w, r)
}

var awsHost = regexp.MustCompile(`^(issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com$`)

// guardDev keeps web pages of other sites from driving a development server,
// which would let them run code on the machine: by a name of theirs that
// resolves to loopback (so the Host must be one we know), or from the page
// itself, as far as what lies beside the wire goes. On the wire awsapi asks
// ownPage.
func (s *Server) guardDev(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.opts.InsecureExposeDev && !s.knownHost(r.Host):
			writeError(w, r, apierr.Newf(apierr.AccessDenied, "This development server does not answer for the host %.100q; set the public URL to use another name.", r.Host))
		case strings.HasPrefix(r.URL.Path, "/_rockpool/") && !s.ownPage(r), strings.HasPrefix(r.URL.Path, "/console/") && !s.samePage(r):
			writeError(w, r, apierr.New(apierr.AccessDenied, "A web page of another site may not look into a development server."))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func isLocal(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s *Server) publicHost() string {
	u, err := url.Parse(s.opts.PublicURL)
	if err != nil {
		panic("rockpool: " + err.Error()) // Options.complete has parsed it
	}
	return u.Hostname()
}

func (s *Server) knownHost(hostport string) bool {
	host := hostname(hostport)
	return isLocal(host) || host == s.publicHost() || awsHost.MatchString(host)
}

// ownPage reports whether a request comes from a program, or from a web page
// on this machine or of the server's own address.
func (s *Server) ownPage(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Header.Get("Sec-Fetch-Site") != "cross-site"
	}
	u, err := url.Parse(origin)
	return err == nil && (isLocal(u.Hostname()) || u.Hostname() != "" && u.Hostname() == s.publicHost())
}

// samePage reports whether a request for the console comes from a program, from
// the console itself, or from a person who follows a link to a page of it. The
// console asks the same of what changes something, and for a token besides.
func (s *Server) samePage(r *http.Request) bool {
	if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return true
	}
	return console.SameOrigin(r)
}
