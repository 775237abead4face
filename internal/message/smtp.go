package message

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends mail through a mail server, one connection a message. Its fields
// are set before first use and it is safe for concurrent use.
type SMTP struct {
	Host     string
	Port     int    // 0: 465 with ImplicitTLS, otherwise 587
	Username string // empty: no authentication
	Password string // never logged
	From     string // address, or "Name <address>", of the sender
	// ImplicitTLS speaks TLS from the first byte instead of STARTTLS.
	ImplicitTLS bool
	// InsecureNoTLS sends codes and the password readable by anyone on the
	// way. It is meant for a relay on the same machine.
	InsecureNoTLS bool
	TLS           *tls.Config      // nil: the system's roots, TLS 1.2 or later
	Timeout       time.Duration    // for the whole exchange; 0: 10 s
	Now           func() time.Time // nil: time.Now; dates the mail
}

// maxSubject is well under the 998 bytes of a line, whatever the encoding.
const maxSubject = 512

// Check reports whether the settings can work at all, without a connection.
func (s *SMTP) Check() error {
	if s.Host == "" {
		return errors.New("smtp: no host")
	}
	if s.Port < 0 || s.Port > 65535 {
		return fmt.Errorf("smtp: port %d does not exist", s.Port)
	}
	if s.ImplicitTLS && s.InsecureNoTLS {
		return errors.New("smtp: TLS both on and off")
	}
	if s.InsecureNoTLS && s.Username != "" {
		return errors.New("smtp: a password is never sent without TLS")
	}
	_, err := s.sender()
	return err
}

// Probe implements Prober.
func (s *SMTP) Probe(medium string) (instant bool, err error) {
	if medium != Email {
		return false, ErrMedium
	}
	return false, s.Check()
}

func (s *SMTP) sender() (*mail.Address, error) { return named("sender", s.From) }

// named reads an address with or without the name of its owner.
func named(what, text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || hasControl(text) || CheckEmail(a.Address) != nil {
		return nil, fmt.Errorf("smtp: %s: %w", what, ErrAddress)
	}
	return a, nil
}

// Send implements Sender. The server's answer is in the error for the log,
// not for the caller.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	if m.Medium != Email {
		return ErrMedium
	}
	if err := s.Check(); err != nil {
		return err
	}
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The library drops a connection that failed half-way without closing it,
	// and gives each step the whole time limit anew. So the connection is ours,
	// and it ends when the context does, which it does at the latest on return.
	client, err := s.client(timeout, func(dialCtx context.Context, network, address string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(dialCtx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() }) // closed already after an orderly goodbye
		if s.ImplicitTLS {
			return tls.Client(conn, s.tlsConfig()), nil
		}
		return conn, nil
	})
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	return nil
}

func (s *SMTP) client(timeout time.Duration, dial gomail.DialContextFunc) (*gomail.Client, error) {
	port := s.Port
	if port == 0 {
		port = 587
		if s.ImplicitTLS {
			port = 465
		}
	}
	options := []gomail.Option{gomail.WithTimeout(timeout), gomail.WithPort(port), gomail.WithTLSConfig(s.tlsConfig()), gomail.WithoutNoop(), gomail.WithDialContextFunc(dial)}
	switch {
	case s.ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case s.InsecureNoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		// A server that offers no STARTTLS is refused: falling back would hand
		// every code to whoever strips the offer.
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.Username), gomail.WithPassword(s.Password))
	}
	return gomail.NewClient(s.Host, options...)
}

func (s *SMTP) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if s.TLS != nil {
		config = s.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = s.Host
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	return config
}

// compose makes the mail. A destination is one bare address and nothing else,
// and a subject is one line, before either reaches a header: the library
// encodes them as well, but that is its promise and this is ours.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	from, err := s.sender()
	if err != nil {
		return nil, err
	}
	if err := CheckEmail(m.To); err != nil {
		return nil, err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	subject := OneLine(m.Subject)
	if len(subject) > maxSubject {
		subject = strings.ToValidUTF8(subject[:maxSubject], "")
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	if m.From != "" {
		// The envelope stays the server's: that is what the mail server lets
		// it send as.
		own, err := named("sender of the pool", m.From)
		if err != nil {
			return nil, err
		}
		msg.EnvelopeFromMailAddress(from)
		msg.FromMailAddress(own)
	}
	if m.ReplyTo != "" {
		reply, err := named("reply address of the pool", m.ReplyTo)
		if err != nil {
			return nil, err
		}
		msg.ReplyToMailAddress(reply)
	}
	msg.ToMailAddress(&mail.Address{Address: m.To})
	msg.Subject(subject)
	msg.SetDateWithValue(now())
	msg.SetMessageID()
	msg.SetBodyString(gomail.TypeTextHTML, m.Body)
	return msg, nil
}
