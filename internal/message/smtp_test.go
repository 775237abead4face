package message_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
)

// mailServer speaks enough SMTP to take one mail a connection.
type mailServer struct {
	listener net.Listener
	mails    chan delivered
}

type delivered struct {
	from string
	to   []string
	data string
}

func newMailServer(t *testing.T, silent bool) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{listener: l, mails: make(chan delivered, 16)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if silent {
				// Says nothing until the client gives up.
				_, _ = io.Copy(io.Discard, c) // ends with the connection
			} else {
				s.serve(c)
			}
			_ = c.Close() // the client has gone
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // ends Accept
		<-ended
	})
	return s
}

func (s *mailServer) serve(c net.Conn) {
	r := bufio.NewReader(c)
	reply := func(line string) { _, _ = fmt.Fprint(c, line, "\r\n") } // a lost client ends the next read
	reply("220 test ready")
	var d delivered
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		switch verb := strings.ToUpper(line); {
		case strings.HasPrefix(verb, "EHLO"):
			reply("250-test")
			reply("250 8BITMIME")
		case strings.HasPrefix(verb, "MAIL FROM:"):
			d.from = line[len("MAIL FROM:"):]
			reply("250 ok")
		case strings.HasPrefix(verb, "RCPT TO:"):
			d.to = append(d.to, line[len("RCPT TO:"):])
			reply("250 ok")
		case verb == "DATA":
			reply("354 go")
			var b strings.Builder
			for {
				text, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if text == ".\r\n" {
					break
				}
				b.WriteString(text)
			}
			d.data = b.String()
			s.mails <- d
			reply("250 ok")
		case verb == "QUIT":
			reply("221 bye")
			return
		default:
			reply("250 ok")
		}
	}
}

func (s *mailServer) client() *message.SMTP {
	return &message.SMTP{
		Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, InsecureNoTLS: true,
		From: "Rockpool <no-reply@example.com>", Timeout: 5 * time.Second,
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

func TestSMTPDelivers(t *testing.T) {
	server := newMailServer(t, false)
	m := message.DefaultVerification.Message(message.Email, "123456", "ada")
	m.To = "ada@example.com"
	if err := server.client().Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := <-server.mails
	if !strings.Contains(got.from, "<no-reply@example.com>") || len(got.to) != 1 || got.to[0] != "<ada@example.com>" {
		t.Errorf("envelope = %q → %q", got.from, got.to)
	}
	parsed, err := mail.ReadMessage(strings.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(parsed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), "Your verification code is 123456.") {
		t.Errorf("body = %q", body)
	}
	if s, d := parsed.Header.Get("Subject"), parsed.Header.Get("Date"); s != "Your verification code" || !strings.Contains(d, "2026") {
		t.Errorf("subject, date = %q, %q", s, d)
	}
}

func TestSMTPSendsInThePoolsName(t *testing.T) {
	server := newMailServer(t, false)
	m := message.Message{Medium: message.Email, To: "ada@example.com", From: "Shop <shop@example.org>", ReplyTo: "help@example.org", Body: "b"}
	if err := server.client().Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := <-server.mails
	parsed, err := mail.ReadMessage(strings.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	if f, r := parsed.Header.Get("From"), parsed.Header.Get("Reply-To"); f != `"Shop" <shop@example.org>` || r != "<help@example.org>" {
		t.Errorf("From, Reply-To = %q, %q", f, r)
	}
	if !strings.Contains(got.from, "<no-reply@example.com>") {
		t.Errorf("envelope sender = %q, want the server's", got.from)
	}
}

func TestSec_WEB_6_HeadersCannotBeInjected(t *testing.T) {
	server := newMailServer(t, false)
	client := server.client()

	recipients := []string{
		"ada@example.com\r\nBcc: eve@example.com", "ada@example.com\nBcc: eve@example.com", "ada@example.com\rX: y",
		"ada@example.com, eve@example.com", "ada@example.com;eve@example.com", "Ada <ada@example.com>", "<ada@example.com>",
		"\"x\r\nBcc: eve\"@example.com", "ada@example.com>\r\nRCPT TO:<eve@example.com", "ada@example.com\u2028Bcc: e@e.org",
		"ada@example.com\x00", "ada(comment)@example.com", " ada@example.com", "", "ada",
	}
	for _, to := range recipients {
		m := message.DefaultVerification.Message(message.Email, "1", "ada")
		m.To = to
		if err := client.Send(t.Context(), m); !errors.Is(err, message.ErrAddress) {
			t.Errorf("Send to %q = %v, want ErrAddress", to, err)
		}
	}
	if len(server.mails) != 0 {
		t.Fatalf("%d mails were sent to malformed addresses", len(server.mails))
	}

	subjects := []string{
		"Hi\r\nBcc: eve@example.com", "Hi\nBcc: eve@example.com", "Hi\rBcc: eve@example.com", "Hi\r\n\r\n<b>body</b>",
		"Hi\u2028Bcc: eve@example.com", "Hi\u0085Bcc: eve@example.com", "Hi =?utf-8?q?=0D=0ABcc:_eve?=", strings.Repeat("é", 5000),
	}
	for _, subject := range subjects {
		// Straight into the sender, as if the template had not cleaned it.
		if err := client.Send(t.Context(), message.Message{Medium: message.Email, To: "ada@example.com", Subject: subject, Body: "text"}); err != nil {
			t.Errorf("subject %.40q: %v", subject, err)
			continue
		}
		got := <-server.mails
		parsed, err := mail.ReadMessage(strings.NewReader(got.data))
		if err != nil {
			t.Errorf("subject %.40q: %v", subject, err)
			continue
		}
		if len(got.to) != 1 || parsed.Header.Get("Bcc") != "" || parsed.Header.Get("To") != "<ada@example.com>" {
			t.Errorf("subject %.40q: recipients %q, headers %v", subject, got.to, parsed.Header)
		}
		if body, err := io.ReadAll(parsed.Body); err != nil || strings.TrimSpace(string(body)) != "text" {
			t.Errorf("subject %.40q: body = %q, %v", subject, body, err)
		}
		for line := range strings.SplitSeq(got.data, "\r\n") {
			if len(line) > 998 {
				t.Errorf("subject %.40q: a line of %d bytes", subject, len(line))
			}
		}
	}

	for _, address := range []string{"a@example.com\r\nBcc: eve@example.com", "a@example.com, eve@example.com", "\"x\r\nBcc: e\" <a@example.com>"} {
		for _, m := range []message.Message{{From: address}, {ReplyTo: address}} {
			m.Medium, m.To = message.Email, "ada@example.com"
			if err := client.Send(t.Context(), m); !errors.Is(err, message.ErrAddress) {
				t.Errorf("pool address %q: %v, want ErrAddress", address, err)
			}
		}
	}
	client.From = "a@example.com\r\nBcc: eve@example.com"
	if err := client.Send(t.Context(), message.Message{Medium: message.Email, To: "ada@example.com"}); !errors.Is(err, message.ErrAddress) {
		t.Errorf("sender with a line break: %v, want ErrAddress", err)
	}
}

func TestSMTPRefuses(t *testing.T) {
	m := message.Message{Medium: message.Email, To: "ada@example.com", Subject: "s", Body: "b"}
	t.Run("a server without TLS, unless told otherwise", func(t *testing.T) {
		server := newMailServer(t, false)
		client := server.client()
		client.InsecureNoTLS = false
		if err := client.Send(t.Context(), m); err == nil || len(server.mails) != 0 {
			t.Errorf("Send = %v with %d mails, want a refusal", err, len(server.mails))
		}
	})
	t.Run("a silent server, within the time limit", func(t *testing.T) {
		client := newMailServer(t, true).client()
		client.Timeout = 50 * time.Millisecond
		start := time.Now()
		if err := client.Send(t.Context(), m); err == nil || time.Since(start) > 4*time.Second {
			t.Errorf("Send = %v after %v, want an error soon", err, time.Since(start))
		}
	})
	t.Run("when the caller has gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newMailServer(t, false).client().Send(ctx, m); err == nil {
			t.Error("Send with a cancelled context = nil")
		}
	})
	settings := []struct {
		name string
		smtp message.SMTP
	}{
		{"no host", message.SMTP{From: "a@example.com"}},
		{"no sender", message.SMTP{Host: "h"}},
		{"a port that does not exist", message.SMTP{Host: "h", From: "a@example.com", Port: 70000}},
		{"a password without TLS", message.SMTP{Host: "h", From: "a@example.com", Username: "u", InsecureNoTLS: true}},
		{"TLS on and off", message.SMTP{Host: "h", From: "a@example.com", ImplicitTLS: true, InsecureNoTLS: true}},
	}
	for i := range settings {
		t.Run(settings[i].name, func(t *testing.T) {
			if err := settings[i].smtp.Check(); err == nil {
				t.Error("Check = nil")
			}
		})
	}
	if err := (&message.SMTP{Host: "h", From: "a@example.com"}).Send(t.Context(), message.Message{Medium: message.SMS, To: "+1"}); !errors.Is(err, message.ErrMedium) {
		t.Errorf("a text through SMTP = %v, want ErrMedium", err)
	}
}
