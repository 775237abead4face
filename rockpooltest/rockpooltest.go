// Package rockpooltest runs a Rockpool server inside a Go test: in memory, on
// a free port of loopback, gone when the test ends.
//
//	func TestSignUp(t *testing.T) {
//		srv := rockpooltest.New(t)
//		idp := cognitoidentityprovider.New(cognitoidentityprovider.Options{
//			BaseEndpoint: &srv.URL,
//			Region:       srv.Region,
//			Credentials:  credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, ""),
//		})
//		// … CreateUserPool, CreateUserPoolClient, SignUp …
//		code := srv.Code("jane@example.com") // from the mail that was not sent
//		// … ConfirmSignUp, InitiateAuth …
//		srv.Advance(2 * time.Hour) // the access token has expired
//	}
//
// The server is the real one: what it answers is what "rockpool dev" answers.
//
// The processes of functions begin as this test's own binary, which then keeps
// them apart or is their engine, so a package whose tests deploy functions
// calls rockpool.Reexec first thing in its TestMain:
//
//	func TestMain(m *testing.M) {
//		rockpool.Reexec()
//		os.Exit(m.Run())
//	}
package rockpooltest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool"
)

// Server is a server for one test. Its methods may be called from the test's
// goroutine only, because they fail the test.
type Server struct {
	// URL is the endpoint for AWS clients, without a slash at its end. The
	// issuer of tokens is URL/<pool id> unless the options say otherwise.
	URL    string
	Region string // us-east-1; any other works as well

	// AccessKeyID and SecretAccessKey are credentials for AWS clients. A
	// development server takes any.
	AccessKeyID, SecretAccessKey string

	t   testing.TB
	srv *rockpool.Server
}

// codeTimeout is how long Code waits for a message.
const codeTimeout = 10 * time.Second

// New starts a server and stops it when the test ends. At most one Options may
// be given; without one, and in what it leaves empty, the server is a
// development server that keeps everything in memory and logs to the test's
// output. PublicURL is always the address of the listener.
func New(t testing.TB, opts ...rockpool.Options) *Server {
	t.Helper()
	var o rockpool.Options
	switch len(opts) {
	case 0:
	case 1:
		o = opts[0]
	default:
		t.Fatalf("rockpooltest: %d options, want one at most", len(opts))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("rockpooltest: %v", err)
	}
	o.PublicURL = "http://" + ln.Addr().String()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	srv, err := rockpool.New(context.Background(), o)
	if err != nil {
		_ = ln.Close() // the test is lost already
		t.Fatalf("rockpooltest: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("rockpooltest: serve: %v", err)
		}
		closing, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := srv.Close(closing); err != nil {
			t.Errorf("rockpooltest: close: %v", err)
		}
	})
	return &Server{
		URL: srv.URL(), Region: "us-east-1", AccessKeyID: "test", SecretAccessKey: "test",
		t: t, srv: srv,
	}
}

// Inbox returns the messages that would have been sent to an address or
// number, newest first; to everybody if address is empty.
func (s *Server) Inbox(address string) []rockpool.Message { return s.srv.Inbox(address) }

// Code returns the code or temporary password in the newest message to an
// address or number. It waits for a message that is still on its way, and
// fails the test if there is none or it has no code.
func (s *Server) Code(address string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), codeTimeout)
	defer cancel()
	m, err := s.srv.AwaitMessage(ctx, address, 0)
	if err != nil {
		s.t.Fatalf("rockpooltest: %v", err)
	}
	if m.Code == "" {
		s.t.Fatalf("rockpooltest: the message to %s has no code: %s", address, m.Body)
	}
	return m.Code
}

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.srv.Now() }

// Advance moves the server's clock forward: what would expire in that time has
// expired when it returns. It fails the test if d is negative.
func (s *Server) Advance(d time.Duration) {
	s.t.Helper()
	if err := s.srv.AdvanceClock(d); err != nil {
		s.t.Fatalf("rockpooltest: %v", err)
	}
}
