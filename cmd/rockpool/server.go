package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockpoolhq/rockpool"
)

// serverFlags are the settings of dev and serve. Each flag is also an
// environment variable and a key of the configuration file; see settings.go.
type serverFlags struct {
	listen, dataDir, database, publicURL, issuer, account string
	tls, config                                           string
	signer, isolation, node                               string
	mail, mailFrom                                        string
	logFormat                                             string
	exposeDev                                             bool
}

func (f *serverFlags) add(cmd *cobra.Command, dataDir string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.listen, "listen", rockpool.DefaultAddress, "address to listen on")
	flags.StringVar(&f.dataDir, "data-dir", dataDir, "folder of database, keys and code; empty keeps all in memory")
	flags.StringVar(&f.database, "database", "", "SQLite file or postgres://… (default: SQLite in the data folder)")
	flags.StringVar(&f.publicURL, "public-url", "", "address at which clients reach the server (default: http://localhost:PORT)")
	flags.StringVar(&f.issuer, "issuer", "", "`aws`, or a template with {region} and {poolId} (default: PUBLIC-URL/{poolId})")
	flags.StringVar(&f.account, "account", "", "account id in ARNs (default: 000000000000)")
	flags.StringVar(&f.tls, "tls", "", "`auto` makes a local authority and certificate; CERT,KEY names PEM files")
	flags.StringVar(&f.signer, "signer", "auto", "who signs tokens: auto, libcrypto or go")
	flags.StringVar(&f.isolation, "isolation", "auto", "of functions: auto, none or strict")
	flags.StringVar(&f.node, "node", "", "Node.js executable, or none for the built-in engine (default: look it up)")
	flags.StringVar(&f.logFormat, "log", "text", "log format: text or json")
	flags.StringVar(&f.config, "config", "", "YAML file with these settings")
}

func newDevCommand() *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a server for local work",
		Long: `Run a server for local work and tests, on loopback only.

Any AWS credentials are accepted, mails and texts are kept in an inbox instead
of being sent (rockpool inbox), and the clock can be moved (rockpool clock).
With --data-dir what you make is still there after a restart.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.settle(cmd); err != nil {
				return err
			}
			if !f.exposeDev {
				if err := rockpool.CheckDevAddress(f.listen); err != nil {
					return err
				}
			}
			return f.serve(cmd, rockpool.Dev)
		},
	}
	f.add(cmd, "")
	cmd.Flags().BoolVar(&f.exposeDev, "insecure-expose-dev", false, "listen anywhere and answer for any host: whoever reaches the server can run code on this machine")
	return cmd
}

func newServeCommand() *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a server for production",
		Long: `Run a server for production.

Requests that administer must carry a signature by an access key. The first
start makes one and writes it to DATA-DIR/credentials, profile rockpool.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.settle(cmd); err != nil {
				return err
			}
			return f.serve(cmd, rockpool.Production)
		},
	}
	f.add(cmd, "rockpool-data")
	cmd.Flags().StringVar(&f.mail, "mail", "", "mail server, smtp://[user:password@]host[:port] or smtps://…")
	cmd.Flags().StringVar(&f.mailFrom, "mail-from", "", "sender of mails, as \"Name <address>\"")
	return cmd
}

func (f *serverFlags) options(profile rockpool.Profile, logger *slog.Logger) rockpool.Options {
	o := rockpool.Options{
		Profile: profile, DataDir: f.dataDir, Database: f.database, KEK: os.Getenv("ROCKPOOL_KEK"),
		PublicURL: f.publicURL, Issuer: f.issuer, Account: f.account,
		Signer: f.signer, Isolation: f.isolation, Node: f.node,
		InsecureExposeDev: f.exposeDev, Logger: logger,
	}
	if f.mail != "" {
		o.Mail = &rockpool.Mail{URL: f.mail, From: f.mailFrom}
	}
	return o
}

// gcPercent trades memory for time. What lives is small, a few megabytes, and
// what a request leaves behind is not: at Go's default of 100 a sign-in spends
// ten microseconds on collecting. GOGC overrides it.
const gcPercent = 400

func (f *serverFlags) serve(cmd *cobra.Command, profile rockpool.Profile) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	logger, flush, err := newLogger(cmd, f.logFormat)
	if err != nil {
		return err
	}
	defer flush()
	switch {
	case f.mailFrom != "" && f.mail == "":
		return misused("--mail-from needs --mail")
	case f.mail != "" && f.mailFrom == "":
		return misused("--mail needs --mail-from, the sender of the mails")
	}
	if err := checkNode(f.node); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", f.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &hintError{err, "something listens there already: stop it, or choose another port with --listen"}
	case err != nil:
		return err
	}
	scheme := "http"
	if f.tls != "" {
		scheme = "https"
	}
	if f.publicURL == "" {
		f.publicURL = fmt.Sprintf("%s://localhost:%d", scheme, ln.Addr().(*net.TCPAddr).Port)
	}
	started := time.Now()
	srv, err := rockpool.New(cmd.Context(), f.options(profile, logger))
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	ln, err = f.secure(ln, srv, logger)
	if err == nil {
		logger.Info("ready", "url", srv.URL(), "console", srv.URL()+"/console/", "listen", ln.Addr().String(), "after", time.Since(started).Round(time.Millisecond).String(), "version", version(), "go", runtime.Version())
		if profile == rockpool.Dev {
			f.greet(cmd, srv)
		}
		err = srv.Serve(cmd.Context(), ln)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 10*time.Second)
	defer cancel()
	return errors.Join(err, srv.Close(ctx))
}

// overTLS offers HTTP/1.1 only. The server bounds its connections by wrapping
// them, and net/http speaks HTTP/2 on a bare *tls.Conn alone: a client that
// was offered HTTP/2 would get HTTP/1.1 bytes.
func overTLS(ln net.Listener, config *tls.Config) net.Listener {
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	return tls.NewListener(ln, config)
}

// checkNode refuses an executable that is not there: without this the first
// sign-in would find out. It is a path, not a name to look up, as for the host.
func checkNode(node string) error {
	if node == "" || node == "none" {
		return nil
	}
	if _, err := os.Stat(node); err != nil {
		return misused("--node: %v (none means the built-in engine)", err)
	}
	return nil
}

// secure puts TLS on the listener if it is asked for.
func (f *serverFlags) secure(ln net.Listener, srv *rockpool.Server, logger *slog.Logger) (net.Listener, error) {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, err
	}
	switch f.tls {
	case "":
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			logger.Warn("listening without TLS where other machines can reach it: use --tls, or a proxy that does, on the same machine")
		}
		return ln, nil
	case "auto":
		config, authority, err := srv.LocalTLS()
		if err != nil {
			return nil, errors.Join(err, ln.Close())
		}
		if authority, err = filepath.Abs(authority); err != nil { // it is pasted in other folders
			return nil, errors.Join(err, ln.Close())
		}
		logger.Info("trust the local authority", "node", "NODE_EXTRA_CA_CERTS="+authority, "aws", "AWS_CA_BUNDLE="+authority)
		return overTLS(ln, config), nil
	default:
		config, err := filesTLS(f.tls)
		if err != nil {
			return nil, errors.Join(err, ln.Close())
		}
		return overTLS(ln, config), nil
	}
}

func (f *serverFlags) greet(cmd *cobra.Command, srv *rockpool.Server) {
	fmt.Fprintf(cmd.ErrOrStderr(), `
  Rockpool, development: any credentials are accepted, do not expose it.

    export AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev

  Console %s/console/
  Issuer  %s
  Inbox   rockpool inbox        Clock  rockpool clock advance 1h

`, srv.URL(), srv.URL(), firstOf(f.issuer, srv.URL()+"/{poolId}"))
}

// newLogger returns a logger to standard error and what writes its last lines.
func newLogger(cmd *cobra.Command, format string) (_ *slog.Logger, flush func(), err error) {
	w := newLogWriter(cmd.ErrOrStderr())
	var h slog.Handler
	switch format {
	case "text":
		h = slog.NewTextHandler(w, nil)
	case "json":
		h = slog.NewJSONHandler(w, nil)
	default:
		return nil, nil, misused("--log is text or json, not %q", format)
	}
	return slog.New(promptly{h, w}), w.Close, nil
}
