package rockpool

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
)

// Profile says what a server is for.
type Profile int

const (
	// Dev is for local work and tests: any AWS credentials are accepted,
	// messages are captured instead of sent, and the clock can be moved. It
	// must not be reachable from other machines.
	Dev Profile = iota
	// Production verifies every signature and has none of that.
	Production
)

// Options configure a server. The zero value is a development server that
// keeps everything in memory.
type Options struct {
	Profile Profile

	// DataDir holds the database, the key-encryption key, the root access key
	// and the functions' code. Empty: a temporary directory and a database in
	// memory, both gone after Close.
	DataDir string
	// Database is where records are kept: empty for SQLite in DataDir, a path
	// for SQLite elsewhere, or postgres://….
	Database string
	// KEK is the key-encryption key, 32 bytes in base64 or hex. Empty: the file
	// kek in DataDir, which is made at the first start.
	KEK string

	// PublicURL is the address at which clients reach the server, without a
	// path. Empty: http://localhost:7665.
	PublicURL string
	// Issuer forms the iss claim: empty for PublicURL/<pool id>, "aws" for
	// https://cognito-idp.<region>.amazonaws.com/<pool id>, or a template in
	// which {region} and {poolId} are replaced.
	Issuer string
	// Account is the twelve-digit account id in ARNs. Empty: 000000000000.
	Account string

	// Signer chooses who makes signatures: auto, libcrypto or go. Empty: auto.
	Signer string
	// Isolation is how functions are kept apart: auto, none or strict.
	Isolation string
	// Node is the Node.js executable; empty looks it up, "none" means to use
	// the built-in engine.
	Node string

	// Mail sends e-mail in production; nil refuses what needs it.
	Mail *Mail

	// InsecureExposeDev accepts requests for any host name in the Dev profile.
	// Whoever can reach the server can then run code on the machine.
	InsecureExposeDev bool

	Logger *slog.Logger // nil: discard
}

// Mail is how e-mail leaves the server.
type Mail struct {
	URL  string // smtp://user:password@host:port, or smtps://
	From string // sender, for example "Example <no-reply@example.com>"
}

// DefaultAddress is where a server listens unless told otherwise: POOL on the
// keys of a telephone.
const DefaultAddress = "127.0.0.1:7665"

const (
	defaultPublicURL = "http://localhost:7665"
	defaultAccount   = "000000000000"
	issuerAWS        = "https://cognito-idp.{region}.amazonaws.com/{poolId}"
)

var account = regexp.MustCompile(`^[0-9]{12}$`)

// complete checks the options and fills in what is empty.
func (o Options) complete() (Options, error) {
	if o.PublicURL == "" {
		o.PublicURL = defaultPublicURL
	}
	u, err := url.Parse(o.PublicURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return o, fmt.Errorf("public URL %q: need http://host or https://host", o.PublicURL)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return o, fmt.Errorf("public URL %q: only scheme, host and port are possible", o.PublicURL)
	}
	o.PublicURL = u.Scheme + "://" + u.Host

	if o.Account == "" {
		o.Account = defaultAccount
	}
	if !account.MatchString(o.Account) {
		return o, fmt.Errorf("account %q: need twelve digits", o.Account)
	}

	switch o.Issuer {
	case "":
		o.Issuer = o.PublicURL + "/{poolId}"
	case "aws":
		o.Issuer = issuerAWS
	}
	iss, err := url.Parse(strings.NewReplacer("{region}", "region", "{poolId}", "id").Replace(o.Issuer))
	if err != nil || iss.Host == "" || !strings.Contains(o.Issuer, "{poolId}") || strings.HasSuffix(o.Issuer, "/") {
		return o, fmt.Errorf("issuer %q: need aws, or a URL with {poolId} in it and no slash at its end", o.Issuer)
	}
	if o.Profile == Production && o.DataDir == "" {
		return o, fmt.Errorf("a production server needs a data directory")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// sender returns where messages go.
func (o Options) sender(outbox *message.Outbox, now func() time.Time) (message.Sender, error) {
	if o.Profile == Dev {
		return outbox, nil
	}
	if o.Mail == nil {
		return message.Unconfigured{}, nil
	}
	u, err := url.Parse(o.Mail.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, fmt.Errorf("mail: need smtp://[user:password@]host[:port] or smtps://…") // not the URL: it has a password
	}
	password, _ := u.User.Password()
	smtp := &message.SMTP{
		Host: u.Hostname(), Username: u.User.Username(), Password: password,
		From: o.Mail.From, ImplicitTLS: u.Scheme == "smtps", Now: now,
		TLS: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12},
	}
	if p := u.Port(); p != "" {
		if _, err := fmt.Sscan(p, &smtp.Port); err != nil {
			return nil, fmt.Errorf("mail: port %q is not a number", p)
		}
	}
	if err := smtp.Check(); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return message.Router{Email: smtp}, nil
}

// CheckDevAddress refuses a listening address that other machines could reach,
// for the Dev profile.
func CheckDevAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%q can be reached from other machines, and in development anyone who reaches the server can run code on this one; listen on 127.0.0.1, or say --insecure-expose-dev", address)
}
