package signin_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func (w *people) set(token string, changes attrs) ([]signin.Delivery, error) {
	return w.s.UpdateUserAttributes(w.t.Context(), token, changes)
}

func (w *people) verify(token, attribute, code string) error {
	return w.s.VerifyUserAttribute(w.t.Context(), token, attribute, code)
}

func (w *people) askCode(token, attribute string) (signin.Delivery, error) {
	return w.s.GetUserAttributeVerificationCode(w.t.Context(), token, attribute, signin.Caller{})
}

func TestUpdateUserAttributes(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "ada@b.org", "name": "Ada"})
	token := w.access("ada")

	sent, err := w.set(token, attrs{"name": "Ada L.", "custom:tier": "gold", "email": "new@c.org"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]signin.Delivery{{Destination: "n***@c***", Medium: "EMAIL", Attribute: "email"}}, sent); diff != "" {
		t.Error(diff)
	}
	want := attrs{"name": "Ada L.", "custom:tier": "gold", "email": "new@c.org", "email_verified": "false"}
	if diff := cmp.Diff(want, w.find(w.p, "ada").Attributes); diff != "" {
		t.Error(diff)
	}
	code := w.lastCode("new@c.org")
	wantSaid(t, w.verify(token, "email", wrong(code)), codeMismatch)
	if err := w.verify(token, "email", code); err != nil {
		t.Fatal(err)
	}
	if got := w.find(w.p, "ada").Attributes["email_verified"]; got != "true" {
		t.Errorf("email_verified = %s", got)
	}
	wantSaid(t, w.verify(token, "email", code), codeExpired)

	// The same address again is no change; an empty value deletes.
	if sent, err := w.set(token, attrs{"email": "new@c.org", "name": ""}); err != nil || len(sent) != 0 {
		t.Errorf("unchanged address: %v, %v", sent, err)
	}
	if err := w.s.DeleteUserAttributes(t.Context(), token, []string{"custom:tier", "nickname"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attrs{"email": "new@c.org", "email_verified": "true"}, w.find(w.p, "ada").Attributes); diff != "" {
		t.Error(diff)
	}
	if err := w.s.DeleteUserAttributes(t.Context(), token, []string{"email"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attrs{}, w.find(w.p, "ada").Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateUserAttributesRefuses(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "ada@b.org"})
	careful := w.client(w.p, func(c *userpool.NewClient) { c.WriteAttributes = []string{"name", "email"} })
	open, narrow := w.access("ada"), w.signIn(careful, "ada").Access.Reveal()
	const unauthorized = "NotAuthorizedException: A client attempted to write unauthorized attribute"
	tests := []struct {
		name    string
		token   string
		changes attrs
		want    string
	}{
		{"what the client may not write", narrow, attrs{"custom:tier": "gold"}, unauthorized},
		{"all of a change with one such attribute", narrow, attrs{"name": "x", "custom:tier": "gold"}, unauthorized},
		{"a verified flag", open, attrs{"email_verified": "true"}, unauthorized},
		{"a verified flag beside its address", open, attrs{"email": "x@y.org", "email_verified": "true"}, unauthorized},
		{"the deletion of a verified flag", open, attrs{"phone_number_verified": ""}, unauthorized},
		{"the sub", open, attrs{"sub": "x"}, unauthorized},
		{"a developer's attribute", open, attrs{"dev:custom:tier": "gold"}, unauthorized},
		{"what the schema has not", open, attrs{"custom:foo": "1"}, "InvalidParameterException: Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n"},
		{"a malformed address", open, attrs{"email": "x"}, "InvalidParameterException: Invalid email address format."},
		{"a bad token", "x.y.z", attrs{"name": "x"}, "NotAuthorizedException: Invalid Access Token"},
	}
	before := w.find(w.p, "ada").Attributes
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.set(tt.token, tt.changes)
			wantSaid(t, err, tt.want)
			if diff := cmp.Diff(before, w.find(w.p, "ada").Attributes); diff != "" {
				t.Error(diff)
			}
		})
	}
	wantSaid(t, w.s.DeleteUserAttributes(t.Context(), narrow, []string{"custom:tier"}), unauthorized)
	wantSaid(t, w.s.DeleteUserAttributes(t.Context(), open, []string{"email_verified"}), unauthorized)
}

func TestSec_ATTR_4_ChangedAddressIsUnverified(t *testing.T) {
	t.Run("and is no name to sign in with", func(t *testing.T) {
		w := newPeople(t, aliases("email"))
		w.member("ada", attrs{"email": "ada@b.org"})
		w.signIn(w.c, "ada@b.org")
		token := w.access("ada")
		if _, err := w.set(token, attrs{"email": "new@b.org"}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ada@b.org", "new@b.org"} {
			_, err := w.try(w.c, name, password)
			wantSaid(t, err, "UserNotFoundException: User does not exist.")
		}
		if err := w.verify(token, "email", w.lastCode("new@b.org")); err != nil {
			t.Fatal(err)
		}
		w.signIn(w.c, "new@b.org")
	})
	t.Run("and gets no code to reset the password", func(t *testing.T) {
		w := newPeople(t)
		w.member("ada", attrs{"email": "ada@b.org"})
		if _, err := w.set(w.access("ada"), attrs{"email": "new@b.org"}); err != nil {
			t.Fatal(err)
		}
		_, err := w.forgot("ada")
		wantSaid(t, err, noContact)
	})
	t.Run("whoever changes it", func(t *testing.T) {
		w := newPeople(t)
		w.member("ada", attrs{"email": "ada@b.org"})
		admin := func(changes attrs) {
			t.Helper()
			if err := w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "ada", changes); err != nil {
				t.Fatal(err)
			}
		}
		admin(attrs{"email": "new@b.org"})
		if got := w.find(w.p, "ada").Attributes["email_verified"]; got != "false" {
			t.Errorf("email_verified = %s after an administrator changed the address", got)
		}
		if got := kinds(w.box.List("new@b.org")); len(got) != 1 || got[0] != "UpdateUserAttribute EMAIL new@b.org" {
			t.Errorf("messages = %v", got)
		}
		admin(attrs{"email": "sure@b.org", "email_verified": "true"})
		if got := w.find(w.p, "ada").Attributes["email_verified"]; got != "true" {
			t.Errorf("email_verified = %s after an administrator said so", got)
		}
		if got := w.box.List("sure@b.org"); len(got) != 0 {
			t.Errorf("messages = %v, want none", kinds(got))
		}
	})
	t.Run("even if the code for the old one comes back at the same time", func(t *testing.T) {
		w := newPeople(t)
		w.member("ada", attrs{"email": "ada@b.org"})
		token := w.access("ada")
		for i := range 8 {
			old := w.find(w.p, "ada").Attributes["email"]
			if _, err := w.askCode(token, "email"); err != nil {
				t.Fatal(err)
			}
			code, next := w.lastCode(old), fmt.Sprintf("new%d@b.org", i)
			var all sync.WaitGroup
			all.Go(func() { _ = w.verify(token, "email", code) }) // may come too late
			all.Go(func() {
				if _, err := w.set(token, attrs{"email": next}); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			if got := w.find(w.p, "ada").Attributes; got["email"] != next || got["email_verified"] != "false" {
				t.Fatalf("attributes = %v, want %s unverified", got, next)
			}
			w.clock.advance(time.Hour)
			token = w.access("ada")
		}
	})
}

func TestSec_ATTR_4_OldValueStaysUntilVerified(t *testing.T) {
	w := newPeople(t, aliases("email"), keepsOld("email"))
	w.member("ada", attrs{"email": "ada@b.org"})
	token := w.access("ada")
	sent, err := w.set(token, attrs{"email": "new@b.org", "name": "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent) != 1 || sent[0].Destination != "n***@b***" {
		t.Errorf("deliveries = %+v", sent)
	}
	want := attrs{"email": "ada@b.org", "email_verified": "true", "name": "Ada"}
	if diff := cmp.Diff(want, w.find(w.p, "ada").Attributes); diff != "" {
		t.Error(diff)
	}
	w.signIn(w.c, "ada@b.org")
	_, err = w.try(w.c, "new@b.org", password)
	wantSaid(t, err, "UserNotFoundException: User does not exist.")

	first := w.lastCode("new@b.org")
	// Another code goes to the address that waits, not to the old one.
	if d, err := w.askCode(token, "email"); err != nil || d.Destination != "n***@b***" {
		t.Errorf("another code: %+v, %v", d, err)
	}
	code := w.lastCode("new@b.org")
	if first != code {
		wantSaid(t, w.verify(token, "email", first), codeMismatch)
	}
	if err := w.verify(token, "email", code); err != nil {
		t.Fatal(err)
	}
	want["email"] = "new@b.org"
	if diff := cmp.Diff(want, w.find(w.p, "ada").Attributes); diff != "" {
		t.Error(diff)
	}
	w.signIn(w.c, "new@b.org")

	// What an administrator sets as verified ends a change that waited.
	if _, err := w.set(token, attrs{"email": "late@b.org"}); err != nil {
		t.Fatal(err)
	}
	late := w.lastCode("late@b.org")
	err = w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "ada", attrs{"email": "office@b.org", "email_verified": "true"})
	if err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.verify(token, "email", late), codeExpired)
	if got := w.find(w.p, "ada").Attributes["email"]; got != "office@b.org" {
		t.Errorf("email = %s, want the administrator's", got)
	}

	// So does deleting the address.
	if _, err := w.set(token, attrs{"email": "later@b.org"}); err != nil {
		t.Fatal(err)
	}
	if err := w.s.DeleteUserAttributes(t.Context(), token, []string{"email"}); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.verify(token, "email", w.lastCode("later@b.org")), codeExpired)
}

func TestAliasesOfOthers(t *testing.T) {
	const aliasTaken = "AliasExistsException: An account with the email already exists."
	const identifierTaken = "AliasExistsException: An account with the given email already exists."
	t.Run("a verified alias cannot be set by another user", func(t *testing.T) {
		w := newPeople(t, aliases("email", "preferred_username"))
		w.member("ada", attrs{"email": "ada@b.org"})
		w.member("bob", attrs{"email": "bob@b.org"})
		_, err := w.set(w.access("bob"), attrs{"email": "ada@b.org"})
		wantSaid(t, err, aliasTaken)
		err = w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "bob", attrs{"email": "ada@b.org", "email_verified": "true"})
		wantSaid(t, err, aliasTaken)
		if _, err := w.set(w.access("ada"), attrs{"preferred_username": "countess"}); err != nil {
			t.Fatal(err)
		}
		w.signIn(w.c, "countess")
		_, err = w.set(w.access("bob"), attrs{"preferred_username": "countess"})
		wantSaid(t, err, "AliasExistsException: An account with the preferred_username already exists.")
		// NAME-3: nor another's username.
		if _, err := w.set(w.access("bob"), attrs{"preferred_username": "ada"}); apierr.CodeOf(err) == "" {
			t.Errorf("another's username as alias: %v", err)
		}
	})
	t.Run("nor verified, when two have waited for it", func(t *testing.T) {
		w := newPeople(t, aliases("email"))
		w.member("ada", attrs{"email": "ada@b.org"})
		w.member("bob", attrs{"email": "bob@b.org"})
		tokens, codes := map[string]string{}, map[string]string{}
		for _, name := range []string{"ada", "bob"} {
			tokens[name] = w.access(name)
			if _, err := w.set(tokens[name], attrs{"email": "shared@b.org"}); err != nil {
				t.Fatal(err)
			}
			codes[name] = w.lastCode("shared@b.org")
		}
		errs := make(chan error, 2)
		for _, name := range []string{"ada", "bob"} {
			go func() { errs <- w.verify(tokens[name], "email", codes[name]) }()
		}
		a, b := <-errs, <-errs
		if (a == nil) == (b == nil) {
			t.Fatalf("verifications = %v and %v, want one", a, b)
		}
		if a == nil {
			a = b
		}
		wantSaid(t, a, aliasTaken)
	})
	t.Run("an identifier is its user's at once", func(t *testing.T) {
		w := newPeople(t, identifiers("email"))
		w.member("ada@b.org", nil)
		w.member("bob@b.org", nil)
		token := w.access("bob@b.org")
		_, err := w.set(token, attrs{"email": "ada@b.org"})
		wantSaid(t, err, identifierTaken)
		if _, err := w.set(token, attrs{"email": "robert@b.org"}); err != nil {
			t.Fatal(err)
		}
		w.signIn(w.c, "robert@b.org")
		_, err = w.try(w.c, "bob@b.org", password)
		wantSaid(t, err, "UserNotFoundException: User does not exist.")
	})
}

func TestGetUserAttributeVerificationCode(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "ada@b.org", "phone_number": "+15555551212"})
	token := w.access("ada")
	d, err := w.askCode(token, "phone_number")
	if err != nil {
		t.Fatal(err)
	}
	if want := (signin.Delivery{Destination: "+*******1212", Medium: "SMS", Attribute: "phone_number"}); d != want {
		t.Errorf("delivery = %+v, want %+v", d, want)
	}
	m := w.box.List("+15555551212")[0]
	if m.Kind != message.VerifyUserAttribute || m.Subject != "" || m.Body != "Your verification code is "+m.Code+". " {
		t.Errorf("message = %q %q %q", m.Kind, m.Subject, m.Body)
	}
	w.clock.advance(24 * time.Hour)
	token = w.access("ada")
	wantSaid(t, w.verify(token, "phone_number", m.Code), codeExpired)

	_, err = w.askCode(token, "name")
	wantSaid(t, err, "InvalidParameterException: Attribute name cannot be verified.")
	wantSaid(t, w.verify(token, "name", "123456"), "InvalidParameterException: Attribute name cannot be verified.")
	for i := range 6 {
		_, err = w.askCode(token, "email")
		if i < 5 && err != nil {
			t.Fatalf("code %d: %v", i+1, err)
		}
	}
	wantSaid(t, err, attemptLimit)
	w.s.Messages = nil
	w.clock.advance(30 * time.Minute)
	w.clock.advance(30 * time.Minute)
	_, err = w.askCode(w.access("ada"), "email")
	wantSaid(t, err, "CodeDeliveryFailureException: No mail server is configured on this server (--mail), so the mail was not sent.")
	if err := w.s.DeleteUserAttributes(t.Context(), token, []string{"phone_number"}); err == nil {
		t.Error("an expired access token deleted an attribute")
	}
}

func TestSec_RATE_2_UpdatesSendSoMany(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "ada@b.org"})
	token := w.access("ada")
	var err error
	for i := range 12 {
		_, err = w.set(token, attrs{"email": fmt.Sprintf("victim%d@c.org", i)})
		if i < 10 && err != nil {
			t.Fatalf("change %d: %v", i+1, err)
		}
	}
	wantSaid(t, err, attemptLimit)
	if n := len(w.box.List("")); n != 11 {
		t.Errorf("%d messages, want one to confirm and ten for changes", n)
	}
	if got := w.find(w.p, "ada").Attributes["email"]; got != "victim9@c.org" {
		t.Errorf("email = %s, want it as the tenth change left it", got)
	}
}

func TestVerifyUserAttributeLimit(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "ada@b.org"})
	token := w.access("ada")
	if _, err := w.askCode(token, "email"); err != nil {
		t.Fatal(err)
	}
	code := w.lastCode("ada@b.org")
	got := map[string]int{}
	for range 20 {
		got[said(w.verify(token, "email", wrong(code)))]++
	}
	if diff := cmp.Diff(map[string]int{codeMismatch: 10, codeExpired: 5, attemptLimit: 5}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteUser(t *testing.T) {
	w := newPeople(t, aliases("email"))
	w.member("ada", attrs{"email": "ada@b.org"})
	old := w.find(w.p, "ada").Sub
	token := w.access("ada")
	if err := w.s.DeleteUser(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.s.DeleteUser(t.Context(), token), "UserNotFoundException: User does not exist.")
	// The names are free again, and the old token is nobody's.
	w.member("ada", attrs{"email": "ada@b.org"})
	if w.find(w.p, "ada").Sub == old {
		t.Error("the new user has the old sub")
	}
	_, err := w.s.GetUser(t.Context(), token)
	wantSaid(t, err, "UserNotFoundException: User does not exist.")
}

func TestMessagesFollowTheCommit(t *testing.T) {
	// A sender that looks at the database sees what the message is about.
	w := newPeople(t)
	w.s.Messages = senderFunc(func(ctx context.Context, m message.Message) error {
		if _, u, err := w.pools.User(ctx, w.p.ID, m.Username); err != nil || u.Status == "" {
			t.Errorf("user of the message: %v", err)
		}
		return w.box.Send(ctx, m)
	})
	code := w.mustSignUp("ada", attrs{"email": "a@b.org"})
	if err := w.confirm("ada", code); err != nil {
		t.Error(err)
	}
}

type senderFunc func(context.Context, message.Message) error

func (f senderFunc) Send(ctx context.Context, m message.Message) error { return f(ctx, m) }
