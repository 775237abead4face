// Package message carries mail and text messages to people: it renders the
// templates and hands the result to a mail server or, in development, to an
// outbox that can be read.
//
// It does not decide when to send, to whom, or how often: that is for the
// domains, which send after their transaction has committed and answer
// CodeDeliveryFailureException when Send fails.
//
// The flow of a message:
//
//	domain: Template of the pool, or a default ──▶ Render ──▶ Message
//	Router by medium ──▶ Outbox (dev) · SMTP (mail) · Unconfigured (refused)
//
// What a message says is a secret for an hour or a day: a Message prints in
// logs without its body, and no sender logs one.
package message

import (
	"context"
	"errors"
	"log/slog"
)

// Media of messages, as they stand on the wire in DeliveryMedium.
const (
	Email = "EMAIL"
	SMS   = "SMS"
)

// Kinds of messages: why one is sent. They are the endings of Cognito's
// trigger sources for messages.
const (
	SignUp              = "SignUp"
	AdminCreateUser     = "AdminCreateUser"
	ResendCode          = "ResendCode"
	ForgotPassword      = "ForgotPassword"
	UpdateUserAttribute = "UpdateUserAttribute"
	VerifyUserAttribute = "VerifyUserAttribute"
)

// Message is one message to one person.
type Message struct {
	PoolID   string
	Medium   string // Email or SMS
	To       string // one bare address or one E.164 number
	Subject  string // mail only
	Body     string // rendered: HTML for mail, plain text for SMS
	Kind     string // SignUp, ForgotPassword, …
	Username string
	// From and ReplyTo are the pool's, for mail: an address, or "Name
	// <address>". Empty From means the server's own.
	From, ReplyTo string
	// Code is the code or temporary password in the message, for the outbox.
	// It is never sent beside the body.
	Code string
}

// LogValue shows where a message goes to and why, never what it says.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("pool", m.PoolID), slog.String("medium", m.Medium), slog.String("kind", m.Kind))
}

// String is LogValue for fmt.
func (m Message) String() string {
	return "message " + m.Kind + " by " + m.Medium + " of " + m.PoolID
}

// GoString is String, for %#v.
func (m Message) GoString() string { return m.String() }

// Sender sends messages. It returns when the message was accepted, or not; it
// keeps within ctx and is safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Prober is a Sender that can say, before there is a message, whether it could
// send one by a medium, and whether that takes no noticeable time.
type Prober interface {
	Probe(medium string) (instant bool, err error)
}

// Probe asks the sender, if it is a Prober. Of any other nothing is known: it
// may take long and fail.
func Probe(s Sender, medium string) (instant bool, err error) {
	if p, ok := s.(Prober); ok {
		return p.Probe(medium)
	}
	return false, nil
}

// ErrMedium is returned for a message of a medium that does not exist.
var ErrMedium = errors.New("message: unknown medium")

// Router sends mail through one sender and texts through another.
type Router struct {
	Email Sender // nil: Unconfigured
	SMS   Sender // nil: Unconfigured
}

// Send implements Sender.
func (r Router) Send(ctx context.Context, m Message) error {
	s, err := r.sender(m.Medium)
	if err != nil {
		return err
	}
	return s.Send(ctx, m)
}

// Probe implements Prober.
func (r Router) Probe(medium string) (instant bool, err error) {
	s, err := r.sender(medium)
	if err != nil {
		return false, err
	}
	return Probe(s, medium)
}

func (r Router) sender(medium string) (Sender, error) {
	var s Sender
	switch medium {
	case Email:
		s = r.Email
	case SMS:
		s = r.SMS
	default:
		return nil, ErrMedium
	}
	if s == nil {
		s = Unconfigured{}
	}
	return s, nil
}

// Unconfigured refuses every message with a *NotConfiguredError.
type Unconfigured struct{}

// Send implements Sender.
func (Unconfigured) Send(_ context.Context, m Message) error {
	return &NotConfiguredError{Medium: m.Medium}
}

// Probe implements Prober.
func (Unconfigured) Probe(medium string) (instant bool, err error) {
	return true, &NotConfiguredError{Medium: medium}
}

// NotConfiguredError says that there is no way to send a medium. Its text
// names what is missing and may be shown to callers.
type NotConfiguredError struct{ Medium string }

func (e *NotConfiguredError) Error() string {
	if e.Medium == SMS {
		return "No SMS gateway is configured on this server, so the text message was not sent."
	}
	return "No mail server is configured on this server (--mail), so the mail was not sent."
}

// PublicText returns what a caller may read about the error that Send
// returned: nothing of a mail server's answer.
func PublicText(err error) string {
	if e, ok := errors.AsType[*NotConfiguredError](err); ok {
		return e.Error()
	}
	if errors.Is(err, ErrAddress) {
		return "The destination address is not valid."
	}
	return "The message could not be delivered."
}
