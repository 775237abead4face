package rockpool

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/bucket"
	"github.com/rockpoolhq/rockpool/internal/cfn"
	"github.com/rockpoolhq/rockpool/internal/cfnapi"
	"github.com/rockpoolhq/rockpool/internal/cognitoapi"
	"github.com/rockpoolhq/rockpool/internal/ecrapi"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/lambdaapi"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/oauth"
	"github.com/rockpoolhq/rockpool/internal/parameter"
	"github.com/rockpoolhq/rockpool/internal/s3api"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/ssmapi"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
	"github.com/rockpoolhq/rockpool/internal/stsapi"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/userpool"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// Server is a running server. It is made by New and must be closed.
type Server struct {
	opts    Options
	clock   *clock
	dir     string // the data directory, or the temporary one
	store   store.Store
	alone   bool // no other process can have the store open
	kek     *secret.KEK
	host    *sandbox.Host
	outbox  *message.Outbox
	logbook *function.Logbook

	functions *function.Service
	pools     *userpool.Service
	signin    *signin.Service
	stacks    *cfn.Service
	buckets   *bucket.Service
	s3        *s3api.Handler
	keys      *accessKeys
	api       *awsapi.Server
	handler   http.Handler
	metrics   *metrics

	stopSweep context.CancelFunc
	swept     chan struct{}
	closers   []func(context.Context) error // in the order of opening
}

// Reexec turns this process into the beginning of a function's process if it
// was started as one, and otherwise returns at once. Call it first in main.
func Reexec() { sandbox.Reexec() }

// New opens the database and makes a server that is ready to serve. When it
// fails nothing stays open.
func New(ctx context.Context, o Options) (_ *Server, err error) {
	o, err = o.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, clock: &clock{}, logbook: &function.Logbook{}, metrics: newMetrics()}
	s.outbox = &message.Outbox{Now: s.clock.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	for _, step := range []func(context.Context) error{
		s.openDirectory, s.openStore, s.openKEK, s.checkKEK, s.openSandbox, s.wire, s.firstStart,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	s.startSweep()
	return s, nil
}

func (s *Server) openDirectory(context.Context) (err error) {
	if s.opts.DataDir != "" {
		// Functions run in folders of their own: a relative path would be
		// another one there.
		if s.dir, err = filepath.Abs(s.opts.DataDir); err != nil {
			return err
		}
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return err
		}
		return keepPrivate(s.dir)
	}
	if s.dir, err = os.MkdirTemp("", "rockpool-"); err != nil {
		return err
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil { // TMPDIR may be relative too
		return err
	}
	s.closers = append(s.closers, func(context.Context) error { return os.RemoveAll(s.dir) })
	return nil
}

// keepPrivate refuses a directory that others could write, since they could
// have replaced what is in it, and closes one that others could read.
func keepPrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("data directory %s can be written by other users (mode %04o); make sure that its content is yours, then chmod 700 it", dir, info.Mode().Perm())
	}
	if info.Mode().Perm()&0o055 == 0 {
		return nil
	}
	return os.Chmod(dir, 0o700)
}

func (s *Server) openKEK(ctx context.Context) (err error) {
	if s.opts.KEK != "" {
		s.kek, err = secret.KEKFromText(s.opts.KEK)
		return err
	}
	if s.opts.DataDir == "" {
		// It has to live as long as the database: not on a disk.
		s.kek, err = secret.KEKFromText(hex.EncodeToString(secret.Bytes(32)))
		return err
	}
	var created bool
	path := filepath.Join(s.dir, "kek")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		// A key made now would be the wrong one for a database that has one.
		if err := s.refuseSealed(ctx, path); err != nil {
			return err
		}
	}
	if s.kek, created, err = secret.OpenOrCreateKEK(path); err != nil {
		return err
	}
	if created {
		s.opts.Logger.Warn("made a key-encryption key: without it the database cannot be read; back it up, apart from the database", "file", path)
	}
	return nil
}

// refuseSealed is an error if the database was written under some key.
func (s *Server) refuseSealed(ctx context.Context, path string) error {
	err := s.store.View(ctx, func(tx store.Tx) error {
		_, err := tx.Meta(metaKEK)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("the database is there, but its key-encryption key is not: put %s back, or set ROCKPOOL_KEK", path)
}

// metaKEK is the fact about the database that tells whether a key is its own.
const metaKEK = "kek"

func (s *Server) openStore(ctx context.Context) error {
	dsn := s.opts.Database
	if dsn == "" && s.opts.DataDir != "" {
		dsn = filepath.Join(s.dir, "rockpool.db")
	}
	db, err := sqlstore.Open(ctx, sqlstore.Options{DSN: dsn, Logger: s.opts.Logger})
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	s.store, s.alone = db, db.Alone()
	s.closers = append(s.closers, func(context.Context) error { return db.Close() })
	return nil
}

// checkKEK refuses a database that was written under another key, before
// anything that it cannot open is asked for.
func (s *Server) checkKEK(ctx context.Context) error {
	place := secret.Place{Table: "meta", Row: "kek"}
	return s.store.Update(ctx, func(tx store.Tx) error {
		text, err := tx.InitMeta(metaKEK, fmt.Sprintf("%x", s.kek.Seal(place, []byte("rockpool"))))
		if err != nil {
			return err
		}
		var sealed []byte
		if _, err := fmt.Sscanf(text, "%x", &sealed); err != nil {
			return fmt.Errorf("database: key check is unreadable: %w", err)
		}
		if _, err := s.kek.Open(place, sealed); err != nil {
			return errors.New("the database was made with another key-encryption key; start with the one that belongs to it")
		}
		return nil
	})
}

func (s *Server) openSandbox(context.Context) error {
	level, err := sandbox.ParseLevel(s.opts.Isolation)
	if err != nil {
		return err
	}
	s.host, err = sandbox.Open(sandbox.Options{
		NodePath: s.opts.Node, Isolation: level, StateDir: filepath.Join(s.dir, "sandbox"),
		Logger: s.opts.Logger, Now: s.clock.Now, Logs: s.logbook,
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func(context.Context) error { return s.host.Close() })
	s.reportIsolation()
	return nil
}

// reportDelay keeps the process that finds out about isolation from competing
// with the start of the server, which takes a tenth of that.
const reportDelay = 500 * time.Millisecond

// reportIsolation logs how functions are kept apart on this machine. Finding
// out starts a process, which the start of the server does not wait for.
func (s *Server) reportIsolation() {
	done, closing := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-time.After(reportDelay):
		case <-closing:
			return
		}
		found := s.host.Isolation()
		level := slog.LevelInfo
		if len(found.Missing) > 0 {
			level = slog.LevelWarn
		}
		s.opts.Logger.Log(context.Background(), level, "functions run as processes", "have", strings.Join(found.Have, ", "), "missing", strings.Join(found.Missing, ", "))
	}()
	s.closers = append(s.closers, func(context.Context) error {
		close(closing)
		<-done
		return nil
	})
}

// wire makes the services and connects them; see the package map in
// ARCHITECTURE.md.
func (s *Server) wire(context.Context) error {
	o := s.opts
	sender, err := o.sender(s.outbox, s.clock.Now)
	if err != nil {
		return err
	}
	newSigner, err := chooseSigner(o)
	if err != nil {
		return err
	}

	s.functions = &function.Service{
		Store: s.store, KEK: s.kek, Host: s.host, CodeDir: filepath.Join(s.dir, "code"),
		Account: o.Account, Now: s.clock.Now, Logger: o.Logger,
	}
	s.closers = append(s.closers, s.functions.Close)
	if err := s.functions.Tidy(); err != nil {
		return err
	}
	s.pools = &userpool.Service{
		Store: s.store, KEK: s.kek, Account: o.Account, Now: s.clock.Now,
		NewSigner: newSigner, Messages: sender, Logger: o.Logger,
	}
	s.signin = &signin.Service{
		Pools: s.pools, Store: s.store, KEK: s.kek, Issuer: s.issuer, Now: s.clock.Now,
		Messages: sender, Logger: o.Logger, ShowClaims: o.Profile == Dev,
		Triggers: &trigger.Client{Invoker: invoker{s.functions}, Logger: o.Logger},
	}
	s.closers = append(s.closers, s.signin.Close)

	s.keys = &accessKeys{store: s.store, kek: s.kek, account: o.Account}
	profile := awsapi.Dev
	if o.Profile == Production {
		profile = awsapi.Serve
	}
	s.api = awsapi.New(awsapi.Options{
		Profile: profile, Credentials: s.keys, Sessions: s.keys, Account: o.Account, AllowPage: s.ownPage,
		Now: s.clock.Now, Logger: o.Logger, Observe: s.metrics.observe,
	})
	s.api.Register(cognitoapi.Model(), cognitoapi.Operations(cognitoapi.Deps{Pools: s.pools, SignIn: s.signin})...)
	s.api.Register(lambdaapi.Model(), lambdaapi.Operations(lambdaapi.Deps{
		Functions: s.functions, CodeURL: s.codeURL, Engine: s.host.Engine, Object: s.codeObject,
	})...)
	s.stacks = &cfn.Service{
		Store: s.store, KEK: s.kek, Caller: s.api, Account: s.api.Account(), Now: s.clock.Now, Logger: o.Logger, Alone: s.alone,
		SignalURL: s.URL() + signalPath,
		As: func(ctx context.Context, a cfn.Actor, region string) context.Context {
			return awsapi.ContextFor(ctx, awsapi.Principal{ARN: a.ARN, Account: a.Account, Root: a.Root}, region)
		},
	}
	s.api.Register(cfnapi.Model(), cfnapi.Operations(s.stacks)...)
	s.buckets = &bucket.Service{Store: s.store, KEK: s.kek, Now: s.clock.Now}
	s.s3 = s3api.New(s.api, s.buckets, s.publicHost())
	s.stacks.Fetch = s.fetchTemplate
	s.api.Register(ecrapi.Model(), ecrapi.Operations()...)
	s.api.Register(stsapi.Model(), stsapi.Operations(func(in stsapi.Session) (stsapi.Credentials, error) {
		return s.keys.issue(s.clock.Now(), in)
	})...)
	s.api.Register(ssmapi.Model(), ssmapi.Operations(&parameter.Service{
		Store: s.store, KEK: s.kek, Account: s.api.Account(), Now: s.clock.Now,
	})...)
	s.stacks.Start()
	s.closers = append(s.closers, s.stacks.Close)
	// Every route has its event, its recovery and its deadlines; the API's own
	// handler leaves them to this one.
	s.handler = &web.Handler{Next: s.routes(), Logger: o.Logger, Observe: s.metrics.observe}
	return nil
}

// issuer is the iss claim of a pool's tokens.
func (s *Server) issuer(p *userpool.Pool) string { return s.issuerOf(p.ID) }

func (s *Server) issuerOf(poolID string) string {
	issuer := strings.ReplaceAll(s.opts.Issuer, "{poolId}", poolID)
	return strings.ReplaceAll(issuer, "{region}", arn.PoolRegion(poolID))
}

// routes is the table of everything that the server answers.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.api)
	oauth.Discovery{Pools: s.pools, Issuer: s.issuer, Base: s.URL}.Mount(mux)
	mux.HandleFunc("GET /_rockpool/health/live", func(w http.ResponseWriter, r *http.Request) { web.WriteJSON(w, r, http.StatusOK, health{"live"}) })
	mux.HandleFunc("GET /_rockpool/health/ready", s.ready)
	mux.Handle("GET /_rockpool/metrics", s.metrics.handler())
	mux.HandleFunc("GET /_rockpool/code", s.downloadCode)
	mux.HandleFunc("PUT "+signalPath, s.takeSignal)
	s.mountAdmin(mux)
	// Apart, since a pool's address would match the console's as well.
	all := http.NewServeMux()
	all.Handle("/", mux)
	s.mountConsole(all)
	if s.opts.Profile == Dev {
		s.mountDev(mux)
		return s.guardDev(s.orS3(all))
	}
	return s.orS3(all)
}

type health struct {
	Status string `json:"status"`
}

// ready answers 200 only when the server can serve.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.store.Ready(r.Context()); err != nil {
		web.EventFrom(r.Context()).Err = err
		web.WriteJSON(w, r, http.StatusServiceUnavailable, health{"database unavailable"})
		return
	}
	web.WriteJSON(w, r, http.StatusOK, health{"ready"})
}

// Handler returns the server as an http.Handler, for use in another one.
func (s *Server) Handler() http.Handler { return s.handler }

// URL is the address at which clients reach the server.
func (s *Server) URL() string { return s.opts.PublicURL }

// Serve answers requests on ln until ctx ends, then lets those in progress
// finish for up to ten seconds. It closes ln.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := web.NewServer(s.handler)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(web.Limit(ln, maxConnections, maxFromOneSource)) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// How many connections a server keeps at once (security NET-1). A proxy on the
// same machine is one source.
const (
	maxConnections   = 10_000
	maxFromOneSource = 2_048
)

// Close stops functions and background work and closes the database. Requests
// must have ended: close after Serve has returned.
func (s *Server) Close(ctx context.Context) error {
	if s.stopSweep != nil {
		s.stopSweep()
		<-s.swept
	}
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i](ctx))
	}
	s.closers = nil
	return errors.Join(errs...)
}

const (
	sweepEvery = time.Minute
	sweepRows  = 1000
)

// startSweep deletes expired rows now and then, a bounded number at a time.
func (s *Server) startSweep() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stopSweep, s.swept = cancel, make(chan struct{})
	go func() {
		defer close(s.swept)
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := s.buckets.Collect(ctx); err != nil && ctx.Err() == nil {
				s.opts.Logger.Warn("collection of objects that were deleted", "error", err)
			}
			for {
				n, err := s.store.Sweep(ctx, s.clock.Now(), sweepRows)
				if err != nil && ctx.Err() == nil {
					s.opts.Logger.Warn("sweep of expired rows", "error", err)
				}
				if n < sweepRows || err != nil {
					break
				}
			}
		}
	}()
}
