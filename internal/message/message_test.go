package message_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
)

func TestRender(t *testing.T) {
	tests := []struct {
		name, template, code, username, want string
	}{
		{"the default code text", message.DefaultVerification.Body, "123456", "ada", "Your verification code is 123456. "},
		{"the default invitation", message.DefaultInvitation.Body, "Temp#1aa", "ada", "Your username is ada and temporary password is Temp#1aa. "},
		{"every occurrence", "{####} {####} {username}{username}", "1", "a", "1 1 aa"},
		{"a name is not markup", "Hi {username}", "1", `<img src=x onerror="a()">`, "Hi &lt;img src=x onerror=&#34;a()&#34;&gt;"},
		{"a name is not a placeholder", "{username}: {####}", "123456", "{####}", "{####}: 123456"},
		{"a password with markup is escaped", "{####}", `a&b<c>`, "", "a&amp;b&lt;c&gt;"},
		{"the template's own markup stays", "<b>{####}</b>", "1", "", "<b>1</b>"},
		{"near misses stay", "{###} {#####} {Username}", "1", "a", "{###} {#####} {Username}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := message.Render(tt.template, tt.code, tt.username); got != tt.want {
				t.Errorf("Render(%q) = %q, want %q", tt.template, got, tt.want)
			}
		})
	}
}

func TestTemplateMessage(t *testing.T) {
	tpl := message.Template{Subject: "For {username}"}.Or(message.DefaultVerification)
	mail := tpl.Message(message.Email, "123456", "ada\r\nBcc: eve@example.com")
	if want := "For adaBcc: eve@example.com"; mail.Subject != want {
		t.Errorf("subject = %q, want %q", mail.Subject, want)
	}
	if want := "Your verification code is 123456. "; mail.Body != want {
		t.Errorf("body = %q, want %q", mail.Body, want)
	}
	text := message.Template{Body: "{username} {####}"}.Message(message.SMS, "1", "a&b\u202e\n")
	if text.Subject != "" || text.Body != "a&b 1" {
		t.Errorf("text = %q / %q, want no subject and %q", text.Subject, text.Body, "a&b 1")
	}
}

func TestMask(t *testing.T) {
	tests := []struct{ medium, in, want string }{
		{message.Email, "test@test.com", "t***@t***"},
		{message.Email, "j@g.org", "j***@g***"},
		{message.Email, "émile@île.fr", "é***@î***"},
		{message.Email, "", "***@***"},
		{message.SMS, "+15555551212", "+*******1212"},
		{message.SMS, "+1212", "+1212"},
		{message.SMS, "+12", "+12"},
	}
	for _, tt := range tests {
		if got := message.Mask(tt.medium, tt.in); got != tt.want {
			t.Errorf("Mask(%s, %q) = %q, want %q", tt.medium, tt.in, got, tt.want)
		}
	}
}

func TestMessageHidesItsBody(t *testing.T) {
	m := message.DefaultVerification.Message(message.Email, "424242", "ada")
	m.To, m.Kind = "ada@example.com", message.SignUp
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("sent", "message", m)
	out := log.String() + fmt.Sprintf("%v %+v %#v %s", m, m, m, m)
	if !strings.Contains(out, message.SignUp) {
		t.Errorf("output %q does not name the kind", out)
	}
	for _, canary := range []string{"424242", "ada@example.com"} {
		if strings.Contains(out, canary) {
			t.Errorf("output %q contains %q", out, canary)
		}
	}
}

func TestUnconfigured(t *testing.T) {
	for _, medium := range []string{message.Email, message.SMS} {
		err := message.Router{}.Send(t.Context(), message.Message{Medium: medium, To: "x"})
		var missing *message.NotConfiguredError
		if !errors.As(err, &missing) || missing.Medium != medium {
			t.Errorf("%s: error = %v, want a NotConfiguredError", medium, err)
		}
	}
	if got := message.PublicText(errors.New("smtp: 10.0.0.5 said 550")); strings.Contains(got, "10.0.0.5") {
		t.Errorf("PublicText = %q names internals", got)
	}
	if err := (message.Router{}).Send(t.Context(), message.Message{Medium: "FAX"}); !errors.Is(err, message.ErrMedium) {
		t.Errorf("fax: error = %v, want ErrMedium", err)
	}
}

func TestOutbox(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	box := &message.Outbox{Now: func() time.Time { return now }}
	send := func(to, code string) {
		t.Helper()
		m := message.DefaultVerification.Message(message.Email, code, "u")
		m.To = to
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	send("ada@example.com", "1")
	send("bob@example.com", "2")
	send("Ada@Example.com", "3")

	t.Run("lists an address newest first, whatever its case", func(t *testing.T) {
		got := box.List("ADA@example.com")
		if len(got) != 2 || got[0].Code != "3" || got[1].Code != "1" || !got[0].At.Equal(now) {
			t.Errorf("List = %+v, want codes 3, 1", got)
		}
		if all := box.List(""); len(all) != 3 {
			t.Errorf("List of all has %d messages, want 3", len(all))
		}
	})
	t.Run("waits for the next message", func(t *testing.T) {
		after := box.List("bob@example.com")[0].ID
		type result struct {
			sent []message.Sent
			err  error
		}
		done := make(chan result, 1)
		go func() {
			sent, err := box.Wait(t.Context(), "bob@example.com", after)
			done <- result{sent, err}
		}()
		send("ada@example.com", "4")
		send("bob@example.com", "5")
		if r := <-done; r.err != nil || len(r.sent) != 1 || r.sent[0].Code != "5" {
			t.Errorf("Wait = %+v, %v, want code 5", r.sent, r.err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := box.Wait(ctx, "nobody@example.com", 0); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait after cancel = %v, want context.Canceled", err)
		}
	})
	t.Run("is bounded per address and in all", func(t *testing.T) {
		for i := range 60 {
			send("ada@example.com", fmt.Sprint(i))
		}
		if got := box.List("ada@example.com"); len(got) != 50 || got[0].Code != "59" {
			t.Errorf("ada has %d messages, newest %q; want 50, 59", len(got), got[0].Code)
		}
		if got := box.List("bob@example.com"); len(got) != 2 {
			t.Errorf("bob has %d messages, want his 2", len(got))
		}
		for i := range 1100 {
			send(fmt.Sprintf("u%d@example.com", i), "x")
		}
		if got := box.List(""); len(got) != 1000 {
			t.Errorf("outbox holds %d, want 1000", len(got))
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add("{####}{username}", "123456", "<b>")
	f.Add("{{####}}", "", "{####}")
	f.Fuzz(func(t *testing.T, template, code, username string) {
		m := message.Template{Subject: template, Body: template}.Message(message.Email, code, username)
		if strings.ContainsAny(m.Subject, "\r\n\x00") {
			t.Errorf("subject %q has control characters", m.Subject)
		}
		if !strings.ContainsAny(template, "<>") && strings.ContainsAny(m.Body, "<>") {
			t.Errorf("body %q has markup that the template %q has not", m.Body, template)
		}
	})
}

func FuzzCheckEmail(f *testing.F) {
	f.Add("a@example.com")
	f.Add("a@example.com\r\nBcc: b@example.com")
	f.Add("<a@example.com>")
	f.Add("\"a b\"@example.com")
	f.Fuzz(func(t *testing.T, s string) {
		if message.CheckEmail(s) == nil && (strings.ContainsAny(s, "\r\n\x00<>,; ") || !strings.Contains(s, "@")) {
			t.Errorf("CheckEmail accepts %q", s)
		}
	})
}
