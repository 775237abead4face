package signin_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const noContact = "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number"

func TestForgotPasswordChannel(t *testing.T) {
	both := attrs{"email": "ada@b.org", "email_verified": "true", "phone_number": "+15555551212", "phone_number_verified": "true"}
	mail := &signin.Delivery{Destination: "a***@b***", Medium: "EMAIL", Attribute: "email"}
	text := &signin.Delivery{Destination: "+*******1212", Medium: "SMS", Attribute: "phone_number"}
	tests := []struct {
		name       string
		options    []string
		attributes attrs
		want       *signin.Delivery
		err        string
	}{
		{"without a setting the phone comes first", nil, both, text, ""},
		{"mail, if that is first", []string{userpool.RecoverByEmail, userpool.RecoverByPhone}, both, mail, ""},
		{"the phone, if that is first", []string{userpool.RecoverByPhone, userpool.RecoverByEmail}, both, text, ""},
		{"the next, if the first is not verified", []string{userpool.RecoverByPhone, userpool.RecoverByEmail}, attrs{"email": "ada@b.org", "email_verified": "true", "phone_number": "+15555551212"}, mail, ""},
		{"not one that is not listed", []string{userpool.RecoverByPhone}, attrs{"email": "ada@b.org", "email_verified": "true"}, nil, noContact},
		{"not one that is not verified", nil, attrs{"email": "ada@b.org", "email_verified": "false"}, nil, noContact},
		{"none", nil, nil, nil, noContact},
		{"the administrator", []string{userpool.RecoverByAdmin}, both, nil, "NotAuthorizedException: Contact administrator to reset password."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPeople(t, recovers(tt.options...))
			w.user(w.p, "ada", tt.attributes)
			d, err := w.forgot("ada")
			if tt.err != "" {
				wantSaid(t, err, tt.err)
				if len(w.box.List("")) != 0 {
					t.Error("a message was sent")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*tt.want, d); diff != "" {
				t.Error(diff)
			}
			if err := w.reset("ada", w.box.List("")[0].Code, newPassword); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestForgotPasswordStates(t *testing.T) {
	w := newPeople(t)
	verified := attrs{"email": "a@b.org", "email_verified": "true"}
	w.newcomer(w.p, "invited", verified)
	_, err := w.forgot("invited")
	wantSaid(t, err, "NotAuthorizedException: User password cannot be reset in the current state.")
	w.mustSignUp("unconfirmed", attrs{"email": "a@b.org"})
	_, err = w.forgot("unconfirmed")
	wantSaid(t, err, noContact)
	_, err = w.forgot("nobody")
	wantSaid(t, err, "UserNotFoundException: Username/client id combination not found.")
	wantSaid(t, w.reset("nobody", "123456", newPassword), "UserNotFoundException: Username/client id combination not found.")
	w.user(w.p, "disabled", verified)
	if err := w.pools.SetEnabled(t.Context(), w.p.ID, "disabled", false); err != nil {
		t.Fatal(err)
	}
	_, err = w.forgot("disabled")
	wantSaid(t, err, "NotAuthorizedException: User is disabled.")
	wantSaid(t, w.reset("disabled", "123456", newPassword), "NotAuthorizedException: User is disabled.")
}

func TestSec_PW_7_ResetPassword(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "a@b.org"})
	old := w.signIn(w.c, "ada")
	for range 5 {
		_, _ = w.try(w.c, "ada", "Wrong pass 1!") // the errors are what locks
	}
	_, err := w.try(w.c, "ada", password)
	wantSaid(t, err, "NotAuthorizedException: Password attempts exceeded")

	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	code := w.lastCode("a@b.org")
	wantSaid(t, w.reset("ada", code, "weak"), "InvalidPasswordException: Password did not conform with policy: Password not long enough")
	wantSaid(t, w.reset("ada", wrong(code), newPassword), codeMismatch)
	if err := w.reset("ada", code, newPassword); err != nil {
		t.Fatal(err)
	}
	t.Run("the lock is gone, and the new password works", func(t *testing.T) {
		if _, err := w.try(w.c, "ada", newPassword); err != nil {
			t.Error(err)
		}
	})
	t.Run("the old password does not", func(t *testing.T) {
		_, err := w.try(w.c, "ada", password)
		wantSaid(t, err, "NotAuthorizedException: Incorrect username or password.")
	})
	t.Run("earlier sign-ins have ended", func(t *testing.T) {
		_, err := w.s.GetUser(t.Context(), old.Access.Reveal())
		wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
		_, err = w.refresh(w.c, old.Refresh)
		wantSaid(t, err, "NotAuthorizedException: Refresh Token has been revoked")
	})
}

func TestForgotPasswordCodeLife(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "a@b.org"})
	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	first := w.lastCode("a@b.org")
	w.clock.advance(time.Hour - time.Second)
	wantSaid(t, w.reset("ada", wrong(first), newPassword), codeMismatch)
	w.clock.advance(time.Second)
	wantSaid(t, w.reset("ada", first, newPassword), codeExpired)

	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	second := w.lastCode("a@b.org")
	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	if third := w.lastCode("a@b.org"); third != second {
		wantSaid(t, w.reset("ada", second, newPassword), codeMismatch)
	}
	if err := w.reset("ada", w.lastCode("a@b.org"), newPassword); err != nil {
		t.Error(err)
	}
}

func TestSec_RATE_2_ForgotPasswordSendsAreLimited(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		w := newPeople(t)
		if hidden {
			w.hideUsers()
		}
		w.user(w.p, "ada", attrs{"email": "a@b.org", "email_verified": "true"})
		for i := range 20 {
			_, err := w.forgot("ada")
			if i < 10 && err != nil {
				t.Fatalf("request %d: %v", i+1, err)
			}
			if i >= 10 {
				wantSaid(t, err, attemptLimit)
			}
		}
		if n := len(w.box.List("a@b.org")); n != 10 {
			t.Errorf("%d messages were sent, want 10", n)
		}
		// Several accounts that name one address do not multiply the limit.
		for i := range 3 {
			w.user(w.p, fmt.Sprint("twin", i), attrs{"email": "a@b.org", "email_verified": "true"})
			for range 10 {
				_, _ = w.forgot(fmt.Sprint("twin", i)) // the messages are counted below
			}
		}
		if n := len(w.box.List("a@b.org")); n > 20 {
			t.Errorf("%d messages were sent to one address, want at most 20", n)
		}
	}
}

func TestAdminResetUserPassword(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "a@b.org"})
	old := w.signIn(w.c, "ada")
	if err := w.s.AdminResetUserPassword(t.Context(), w.p.ID, "ada"); err != nil {
		t.Fatal(err)
	}
	if u := w.find(w.p, "ada"); u.Status != userpool.StatusResetRequired {
		t.Errorf("status = %s, want RESET_REQUIRED", u.Status)
	}
	_, err := w.try(w.c, "ada", password)
	wantSaid(t, err, "PasswordResetRequiredException: Password reset required for the user")
	_, err = w.s.GetUser(t.Context(), old.Access.Reveal())
	wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
	wantSaid(t, w.s.AdminResetUserPassword(t.Context(), w.p.ID, "ada"), "NotAuthorizedException: User password cannot be reset in the current state.")
	// The user may ask for another code.
	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	if err := w.reset("ada", w.lastCode("a@b.org"), newPassword); err != nil {
		t.Fatal(err)
	}
	if u := w.find(w.p, "ada"); u.Status != userpool.StatusConfirmed {
		t.Errorf("status = %s, want CONFIRMED", u.Status)
	}
	if diff := cmp.Diff([]string{"SignUp EMAIL a@b.org", "ForgotPassword EMAIL a@b.org", "ForgotPassword EMAIL a@b.org"}, kinds(w.box.List(""))); diff != "" {
		t.Error(diff)
	}

	wantSaid(t, w.s.AdminResetUserPassword(t.Context(), w.p.ID, "nobody"), "UserNotFoundException: User does not exist.")
	w.user(w.p, "mute", nil)
	wantSaid(t, w.s.AdminResetUserPassword(t.Context(), w.p.ID, "mute"), noContact)
	if err := w.pools.SetEnabled(t.Context(), w.p.ID, "ada", false); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.s.AdminResetUserPassword(t.Context(), w.p.ID, "ada"), "NotAuthorizedException: User is disabled")
	w.newcomer(w.p, "invited", attrs{"email": "i@b.org", "email_verified": "true"})
	wantSaid(t, w.s.AdminResetUserPassword(t.Context(), w.p.ID, "invited"), "NotAuthorizedException: User password cannot be reset in the current state.")
}

// TestSec_ENUM_1_Recovery compares what a client that hides its users answers
// about a user that exists, one that does not, and those that count as none,
// step by step through the same story.
func TestSec_ENUM_1_Recovery(t *testing.T) {
	w := newPeople(t)
	w.hideUsers()
	verified := attrs{"email": "ada@b.org", "email_verified": "true"}
	w.user(w.p, "known", verified)
	w.user(w.p, "disabled", verified)
	if err := w.pools.SetEnabled(t.Context(), w.p.ID, "disabled", false); err != nil {
		t.Fatal(err)
	}
	w.user(w.p, "mute", nil) // no contact
	w.mustSignUp("unconfirmed", attrs{"email": "u@b.org"})

	forgot := func(name string) string {
		d, err := w.forgot(name)
		if err != nil {
			return said(err)
		}
		return maskLetters.ReplaceAllString(fmt.Sprintf("%+v", d), "x***@x***")
	}
	// A wrong code; equal to the right one with a chance of one in a million.
	reset := func(name string) string { return said(w.reset(name, "000000", newPassword)) }
	story := func(name string) []string {
		var said []string
		do := func(f func(string) string, times int) {
			for range times {
				said = append(said, f(name))
			}
		}
		do(reset, 2) // before any code
		do(forgot, 1)
		do(reset, 3)
		do(forgot, 1)
		do(reset, 11)  // all guesses, and one more
		do(forgot, 10) // over the limit
		do(reset, 6)   // over the limit
		return said
	}
	want := story("known")
	if !slices.Contains(want, codeExpired) || !slices.Contains(want, codeMismatch) || !slices.Contains(want, attemptLimit) {
		t.Fatalf("the story does not show every answer: %q", want)
	}
	for _, name := range []string{"nobody", "disabled", "mute", "unconfirmed"} {
		if diff := cmp.Diff(want, story(name)); diff != "" {
			t.Errorf("%s differs from a known user:\n%s", name, diff)
		}
	}
	if sent := w.box.List("ada@b.org"); len(sent) == 0 || slices.ContainsFunc(sent, func(m message.Sent) bool { return m.Username != "known" }) {
		t.Errorf("messages = %v, want some, to known alone", kinds(sent))
	}

	// The same once the code has expired.
	for _, name := range []string{"known", "nobody"} {
		w.clock.advance(2 * time.Hour)
		got := []string{forgot(name), reset(name)}
		w.clock.advance(time.Hour)
		got = append(got, reset(name))
		if diff := cmp.Diff([]string{want[2], codeMismatch, codeExpired}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestSec_ENUM_1_InventedAddresses asks for codes for names that do not exist
// and are answered with the same invented address: the limit on messages to an
// address, of which a known user's is far away, must not tell them.
func TestSec_ENUM_1_InventedAddresses(t *testing.T) {
	w := newPeople(t)
	w.hideUsers()
	// The answers show the first letters of an address, which here is all of
	// it. A limit of 20 is reached by three names that may ask 10 times each.
	var sharers []string
	shared := map[string][]string{}
	for i := 0; len(sharers) < 3; i++ {
		name := fmt.Sprintf("nobody%d", i)
		d, err := w.forgot(name)
		if err != nil || i == 1000 {
			t.Fatalf("%s: %v", name, err)
		}
		shared[d.Destination] = append(shared[d.Destination], name)
		sharers = shared[d.Destination]
	}
	for _, name := range sharers {
		for n := range 9 {
			if _, err := w.forgot(name); err != nil {
				t.Fatalf("%s, request %d, of %v: %v", name, n+2, sharers, err)
			}
		}
	}
}

var maskLetters = regexp.MustCompile(`.\*\*\*@.\*\*\*`)

func TestSec_ENUM_1_Resend(t *testing.T) {
	w := newPeople(t)
	w.hideUsers()
	w.mustSignUp("known", attrs{"email": "k@b.org"})
	w.mustSignUp("disabled", attrs{"email": "d@b.org"})
	if err := w.pools.SetEnabled(t.Context(), w.p.ID, "disabled", false); err != nil {
		t.Fatal(err)
	}
	story := func(name string) (said_ []string) {
		for range 6 {
			d, err := w.resend(name)
			said_ = append(said_, said(err), maskLetters.ReplaceAllString(fmt.Sprintf("%+v", d), "x***@x***"))
			said_ = append(said_, said(w.confirm(name, "000000")))
		}
		return said_
	}
	want := story("known")
	for _, name := range []string{"nobody", "disabled"} {
		if diff := cmp.Diff(want, story(name)); diff != "" {
			t.Errorf("%s differs from a known user:\n%s", name, diff)
		}
	}
}

// A user who has confirmed, or never had to, is answered about as nobody is.
func TestSec_ENUM_1_ResendToTheConfirmed(t *testing.T) {
	w := newPeople(t)
	w.hideUsers()
	w.user(w.p, "confirmed", attrs{"email": "c@b.org", "email_verified": "true"})
	if _, err := w.pools.CreateUser(t.Context(), w.p.ID, userpool.NewUser{Username: "invited", Suppress: true}); err != nil {
		t.Fatal(err)
	}
	story := func(name string) (said_ []string) {
		for range 6 {
			d, err := w.resend(name)
			said_ = append(said_, said(err), maskLetters.ReplaceAllString(fmt.Sprintf("%+v", d), "x***@x***"))
		}
		return said_
	}
	want := story("nobody")
	for _, name := range []string{"confirmed", "invited"} {
		if diff := cmp.Diff(want, story(name)); diff != "" {
			t.Errorf("%s differs from nobody:\n%s", name, diff)
		}
	}
	if sent := w.box.List("c@b.org"); len(sent) != 0 {
		t.Errorf("messages to a confirmed user: %v", kinds(sent))
	}
}

func TestSec_ENUM_1_SimulatedDelivery(t *testing.T) {
	w := newPeople(t, verifiesBoth)
	w.hideUsers()
	tests := []struct{ name, want string }{
		{"nobody@example.com", "{Destination:n***@e*** Medium:EMAIL Attribute:email}"},
		{"+15555559876", "{Destination:+*******9876 Medium:SMS Attribute:phone_number}"},
	}
	for _, tt := range tests {
		d, err := w.forgot(tt.name)
		if got := fmt.Sprintf("%+v", d); err != nil || got != tt.want {
			t.Errorf("%s: %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
	a, err := w.forgot("someone")
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.forgot("someone")
	if err != nil || a != b {
		t.Errorf("the same name gets %+v, then %+v, %v", a, b, err)
	}
	if len(w.box.List("")) != 0 {
		t.Error("a message was sent for a user that does not exist")
	}
}

// slow is a sender that takes as long as the test wants.
type slow struct {
	goOn chan struct{}
	sent chan message.Message
}

func (s slow) Send(_ context.Context, m message.Message) error {
	<-s.goOn
	s.sent <- m
	return nil
}

func TestSec_ENUM_2_NobodyWaitsForTheMailServer(t *testing.T) {
	w := newPeople(t)
	w.hideUsers()
	w.user(w.p, "ada", attrs{"email": "a@b.org", "email_verified": "true"})
	mailer := slow{goOn: make(chan struct{}), sent: make(chan message.Message, 1)}
	w.s.Messages = mailer
	for _, name := range []string{"ada", "nobody"} {
		if _, err := w.forgot(name); err != nil { // would wait for ever
			t.Fatal(err)
		}
	}
	close(mailer.goOn)
	if err := w.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := <-mailer.sent; m.To != "a@b.org" {
		t.Errorf("message = %+v", m)
	}
	// A failure is for the log; that nothing can be sent at all is told about
	// everybody.
	var log bytes.Buffer
	w.s.Logger = slog.New(slog.NewTextHandler(&log, nil))
	w.s.Messages = broken{}
	for _, name := range []string{"ada", "nobody"} {
		if _, err := w.forgot(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "message not delivered"); n != 1 || strings.Contains(log.String(), "a@b.org") {
		t.Errorf("log = %q, want one line without the address", log.String())
	}
	w.s.Messages = message.Unconfigured{}
	for _, name := range []string{"ada", "nobody"} {
		_, err := w.forgot(name)
		wantSaid(t, err, "CodeDeliveryFailureException: No mail server is configured on this server (--mail), so the mail was not sent.")
	}
}

func TestSec_PW_7_ChangePassword(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "a@b.org"})
	here, there := w.signIn(w.c, "ada"), w.signIn(w.c, "ada")
	change := func(token, previous, proposed string) error {
		return w.s.ChangePassword(t.Context(), token, previous, proposed, signin.Caller{})
	}
	wantSaid(t, change(here.Access.Reveal(), "Wrong pass 1!", newPassword), "NotAuthorizedException: Incorrect username or password.")
	wantSaid(t, change(here.Access.Reveal(), "", newPassword), "NotAuthorizedException: Incorrect username or password.")
	wantSaid(t, change(here.Access.Reveal(), password, "weak"), "InvalidPasswordException: Password did not conform with policy: Password not long enough")
	wantSaid(t, change("x", password, newPassword), "NotAuthorizedException: Invalid Access Token")
	if err := change(here.Access.Reveal(), password, newPassword); err != nil {
		t.Fatal(err)
	}
	t.Run("the own sign-in goes on", func(t *testing.T) {
		if _, err := w.s.GetUser(t.Context(), here.Access.Reveal()); err != nil {
			t.Error(err)
		}
		if _, err := w.refresh(w.c, here.Refresh); err != nil {
			t.Error(err)
		}
	})
	t.Run("the others have ended", func(t *testing.T) {
		_, err := w.s.GetUser(t.Context(), there.Access.Reveal())
		wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
		_, err = w.refresh(w.c, there.Refresh)
		wantSaid(t, err, "NotAuthorizedException: Refresh Token has been revoked")
	})
	t.Run("the new password works, the old does not", func(t *testing.T) {
		if _, err := w.try(w.c, "ada", newPassword); err != nil {
			t.Error(err)
		}
		_, err := w.try(w.c, "ada", password)
		wantSaid(t, err, "NotAuthorizedException: Incorrect username or password.")
	})
	t.Run("signing out everywhere ends the spared one, in the same moment", func(t *testing.T) {
		if err := w.s.GlobalSignOut(t.Context(), here.Access.Reveal()); err != nil {
			t.Fatal(err)
		}
		_, err := w.s.GetUser(t.Context(), here.Access.Reveal())
		wantSaid(t, err, "NotAuthorizedException: Access Token has been revoked")
	})
	t.Run("five an hour", func(t *testing.T) {
		w.clock.advance(time.Hour)
		r, err := w.try(w.c, "ada", newPassword)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			err = change(r.Tokens.Access.Reveal(), newPassword, newPassword)
			if i < 5 && err != nil {
				t.Fatalf("change %d: %v", i+1, err)
			}
		}
		wantSaid(t, err, attemptLimit)
	})
}

func TestChangePasswordRace(t *testing.T) { onDatabases(t, changePasswordRace) }

func changePasswordRace(t *testing.T, open func(testing.TB) *world) {
	w := peopleOf(t, open(t))
	w.member("ada", attrs{"email": "a@b.org"})
	token := w.access("ada")
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			errs[i] = w.s.ChangePassword(t.Context(), token, password, fmt.Sprint(newPassword, i), signin.Caller{})
		})
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil {
			if winner >= 0 {
				t.Errorf("changes %d and %d both worked", winner, i)
			}
			winner = i
			continue
		}
		wantSaid(t, err, "NotAuthorizedException: Incorrect username or password.")
	}
	if winner < 0 {
		t.Fatal("no change worked")
	}
	if _, err := w.try(w.c, "ada", fmt.Sprint(newPassword, winner)); err != nil {
		t.Error(err)
	}
}

func TestPasswordsStayOutOfTheLog(t *testing.T) {
	w := newPeople(t)
	var log bytes.Buffer
	w.s.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.pools.Logger = w.s.Logger
	w.hideUsers()
	w.s.Messages = broken{}
	_, _ = w.signUp("ada", attrs{"email": "a@b.org"}) // fails to send
	if err := w.s.AdminConfirmSignUp(t.Context(), w.p.ID, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "ada", attrs{"email_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.reset("ada", "987654", newPassword), codeMismatch)
	if err := w.s.ChangePassword(t.Context(), w.access("ada"), password, newPassword, signin.Caller{}); err != nil {
		t.Fatal(err)
	}
	if err := w.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "message not delivered") {
		t.Fatalf("log = %q, want the failed message in it", log.String())
	}
	for _, canary := range []string{password, newPassword, "987654", "Your verification code"} {
		if strings.Contains(log.String(), canary) {
			t.Errorf("the log contains %q", canary)
		}
	}
}
