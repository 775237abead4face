package signin_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// people is a world with an outbox and one pool in which people sign up.
type people struct {
	*world
	box *message.Outbox
	p   *userpool.Pool
	c   *userpool.Client
}

// newPeople makes a pool that verifies e-mail addresses, changed by change.
func newPeople(t *testing.T, change ...func(*userpool.Settings)) *people {
	t.Helper()
	return peopleOf(t, newWorld(t), change...)
}

func peopleOf(t *testing.T, w *world, change ...func(*userpool.Settings)) *people {
	t.Helper()
	box := &message.Outbox{Now: w.clock.now}
	w.s.Messages, w.pools.Messages = box, box
	t.Cleanup(func() {
		if err := w.s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p := w.pool(append([]func(*userpool.Settings){verifiesEmail}, change...)...)
	return &people{world: w, box: box, p: p, c: w.client(p)}
}

func verifiesEmail(s *userpool.Settings) { s.AutoVerifiedAttributes = []string{"email"} }

func verifiesBoth(s *userpool.Settings) {
	s.AutoVerifiedAttributes = []string{"email", "phone_number"}
	s.SMS = &userpool.SMSSettings{}
}

func aliases(names ...string) func(*userpool.Settings) {
	return func(s *userpool.Settings) { s.AliasAttributes = names }
}

func identifiers(names ...string) func(*userpool.Settings) {
	return func(s *userpool.Settings) { s.UsernameAttributes = names }
}

func keepsOld(names ...string) func(*userpool.Settings) {
	return func(s *userpool.Settings) { s.RequireVerificationBeforeUpdate = names }
}

func recovers(names ...string) func(*userpool.Settings) {
	return func(s *userpool.Settings) {
		for i, n := range names {
			s.AccountRecovery = append(s.AccountRecovery, userpool.RecoveryOption{Priority: int32(i + 1), Name: n})
		}
	}
}

func (w *people) signUp(name string, attributes map[string]string) (signin.SignUpResult, error) {
	return w.s.SignUp(w.t.Context(), signin.SignUpInput{ClientID: w.c.ID, Username: name, Password: password, Attributes: attributes})
}

// mustSignUp signs up and returns the code that was sent, if one was.
func (w *people) mustSignUp(name string, attributes map[string]string) (code string) {
	w.t.Helper()
	before := len(w.box.List(""))
	if _, err := w.signUp(name, attributes); err != nil {
		w.t.Fatal(err)
	}
	if sent := w.box.List(""); len(sent) > before {
		return sent[0].Code
	}
	return ""
}

func (w *people) confirm(name, code string) error {
	return w.s.ConfirmSignUp(w.t.Context(), signin.ConfirmSignUpInput{ClientID: w.c.ID, Username: name, Code: code})
}

// member signs up and confirms somebody.
func (w *people) member(name string, attributes map[string]string) {
	w.t.Helper()
	if err := w.confirm(name, w.mustSignUp(name, attributes)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *people) forgot(name string) (signin.Delivery, error) {
	return w.s.ForgotPassword(w.t.Context(), signin.ForgotInput{ClientID: w.c.ID, Username: name})
}

func (w *people) reset(name, code, newPassword string) error {
	return w.s.ConfirmForgotPassword(w.t.Context(), signin.ConfirmForgotInput{ClientID: w.c.ID, Username: name, Code: code, Password: newPassword})
}

func (w *people) resend(name string) (signin.Delivery, error) {
	return w.s.ResendConfirmationCode(w.t.Context(), signin.ResendInput{ClientID: w.c.ID, Username: name})
}

// lastCode is the newest code that was sent to an address.
func (w *people) lastCode(to string) string {
	w.t.Helper()
	sent := w.box.List(to)
	if len(sent) == 0 {
		w.t.Fatalf("no message to %s", to)
	}
	return sent[0].Code
}

// access signs in and returns the access token.
func (w *people) access(name string) string {
	w.t.Helper()
	return w.signIn(w.c, name).Access.Reveal()
}

// wrong is a code that is not code.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

const (
	codeMismatch = "CodeMismatchException: Invalid verification code provided, please try again."
	codeExpired  = "ExpiredCodeException: Invalid code provided, please request a code again."
	attemptLimit = "LimitExceededException: Attempt limit exceeded, please try after some time."
	newPassword  = "N3w password! of mine"
)

// broken is a sender that fails, as a mail server does that is down.
type broken struct{}

func (broken) Send(context.Context, message.Message) error {
	return errors.New("dial tcp 10.0.0.5:587: refused")
}

func (w *people) hideUsers() { w.c = w.client(w.p, hides) }

func kinds(sent []message.Sent) []string {
	var k []string
	for _, m := range slices.Backward(sent) {
		k = append(k, m.Kind+" "+m.Medium+" "+m.To)
	}
	return k
}
