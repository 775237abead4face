package userpool_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/srp"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func TestCheckPassword(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	for _, tt := range []struct{ password, reason string }{
		{"Passw0rd!", ""},
		{"Passw0 rd", ""}, // a space inside is a symbol
		{"Pässw0rd!", ""},
		{"", "Password not long enough"},
		{"Pa0!", "Password not long enough"},
		{"passw0rd!", "Password must have uppercase characters"},
		{"PASSW0RD!", "Password must have lowercase characters"},
		{"Password!", "Password must have numeric characters"},
		{"Passw0rdd", "Password must have symbol characters"},
		{"Passw0rd ", "Password must have symbol characters"},
		{"aaaaaaaa", "Password must have uppercase characters"}, // one reason only
		{strings.Repeat("Aa0!", 64), ""},
		{strings.Repeat("Aa0!", 64) + "x", "Password too long"},
		{strings.Repeat("\U0001f600", 252) + "Aa0!", ""},
	} {
		err := p.CheckPassword(tt.password)
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%.20q: %v", tt.password, err)
			}
			continue
		}
		wantError(t, err, apierr.InvalidPassword, "Password did not conform with policy: "+tt.reason)
	}
	lax := n.pool(t, userpool.Settings{PasswordPolicy: userpool.PasswordPolicy{Chosen: true, MinimumLength: 6}})
	if err := lax.CheckPassword("aaaaaa"); err != nil {
		t.Error(err)
	}
}

func TestSec_PW_2_LongPasswordsAreRefusedBeforeTheyAreHashed(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	u := n.user(t, p, "ann", nil)
	huge := strings.Repeat("Aa0!", 10<<20/4)
	if err := p.CheckPassword(huge); err == nil {
		t.Error("10 MB is a password")
	}
	if ok, err := n.VerifyPassword(t.Context(), p, u, huge); ok || err != nil {
		t.Errorf("verify: %v, %v", ok, err)
	}
}

func TestPasswordsOfBothStores(t *testing.T) {
	for _, kind := range []string{"", userpool.PasswordArgon2id} {
		n, _ := newNode(t)
		p := n.pool(t, userpool.Settings{PasswordStore: kind})
		u := n.user(t, p, "ann", nil)
		if err := n.SetPassword(t.Context(), p, &u, "Passw0rd!", false); err != nil {
			t.Fatal(err)
		}
		if u.Status != userpool.StatusConfirmed || !u.PasswordExpires.IsZero() {
			t.Errorf("status %s, expires %v", u.Status, u.PasswordExpires)
		}
		for password, want := range map[string]bool{"Passw0rd!": true, "passw0rd!": false, "": false} {
			if ok, err := n.VerifyPassword(t.Context(), p, u, password); ok != want || err != nil {
				t.Errorf("%q store, password %q: %v, %v", kind, password, ok, err)
			}
		}
		_, err := n.Verifier(u)
		if (err == nil) != (kind == "") {
			t.Errorf("%q store has a verifier: %v", kind, err)
		}
		// Nobody's password fits, not even the empty user's.
		if ok, err := n.VerifyPassword(t.Context(), p, store.User{}, "Passw0rd!"); ok || err != nil {
			t.Errorf("unknown user: %v, %v", ok, err)
		}
		wantError(t, n.SetPassword(t.Context(), p, &u, "weak", false), apierr.InvalidPassword, "")
	}
}

func TestSec_PW_1_CredentialsAreSealedWhereTheyAre(t *testing.T) {
	const canary = "Canary-Passw0rd"
	for _, kind := range []string{"", userpool.PasswordArgon2id} {
		n, _ := newNode(t)
		p := n.pool(t, userpool.Settings{PasswordStore: kind})
		a, b := n.user(t, p, "ann", nil), n.user(t, p, "bob", nil)
		if err := n.SetPassword(t.Context(), p, &a, canary, false); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(a.Credential, []byte("argon2id")) || bytes.Contains(a.Credential, []byte(canary)) {
			t.Error("the credential is readable")
		}
		if v, err := n.Verifier(a); err == nil && bytes.Contains(a.Credential, v.V) {
			t.Error("the verifier is readable")
		}
		b.Credential = a.Credential
		if ok, err := n.VerifyPassword(t.Context(), p, b, canary); ok || err == nil {
			t.Errorf("a credential works for another user: %v, %v", ok, err)
		}
		a.Credential[len(a.Credential)-1] ^= 1
		if ok, err := n.VerifyPassword(t.Context(), p, a, canary); ok || err == nil {
			t.Errorf("a damaged credential: %v, %v", ok, err)
		}
	}
}

func TestFakeVerifierIsStable(t *testing.T) {
	ns, _ := nodes(t, 2)
	p := ns[0].pool(t, userpool.Settings{})
	fake := func(s node, name string) srp.Verifier {
		v, err := s.VerifierOrFake(p, store.User{}, name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	a, b := fake(ns[0], "nobody"), fake(ns[1], "nobody")
	if a.SaltHex() != b.SaltHex() {
		t.Error("two nodes have different salts for one unknown name")
	}
	if c := fake(ns[0], "somebody"); c.SaltHex() == a.SaltHex() {
		t.Error("two unknown names have one salt")
	}
	if a.Matches(arn.PoolName(p.ID), "nobody", "") {
		t.Error("a password fits nobody")
	}
}

func TestCreateUserInvites(t *testing.T) {
	n, c := newNode(t)
	p := n.pool(t, userpool.Settings{
		Invitation: userpool.MessageTemplate{Email: "<p>{username}</p>: {####}", Subject: "Hi {username}"},
		Email:      userpool.EmailSettings{ReplyTo: "help@example.com"},
	})
	u, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: "a<b", Attributes: map[string]string{"email": "a@example.com"}, Media: []string{message.Email},
	})
	if err != nil {
		t.Fatal(err)
	}
	if u.Status != userpool.StatusForceChangePassword || !u.Enabled || u.Attributes["email_verified"] != "" {
		t.Errorf("user %+v", u)
	}
	if want := c.Now().Add(7 * 24 * time.Hour); !u.PasswordExpires.Equal(want) {
		t.Errorf("password expires %v, want %v", u.PasswordExpires, want)
	}
	sent := n.outbox.List("a@example.com")
	if len(sent) != 1 || sent[0].Kind != message.AdminCreateUser || sent[0].ReplyTo != "help@example.com" {
		t.Fatalf("sent %v", sent)
	}
	m := sent[0]
	if !strings.HasPrefix(m.Body, "<p>a&lt;b</p>: ") || m.Subject != "Hi a<b" {
		t.Errorf("subject %q, body %q", m.Subject, m.Body)
	}
	if ok, err := n.VerifyPassword(t.Context(), p, u, m.Code); !ok || err != nil {
		t.Errorf("the password that was sent does not fit: %v, %v", ok, err)
	}
	if err := p.CheckPassword(m.Code); err != nil {
		t.Errorf("the temporary password breaks the policy: %v", err)
	}

	// A resend makes a new password and a new term.
	c.Advance(time.Hour)
	again, err := n.ResendInvitation(t.Context(), p.ID, userpool.NewUser{Username: "a<b", Media: []string{message.Email}})
	if err != nil || !again.PasswordExpires.Equal(c.Now().Add(7*24*time.Hour)) {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, got, err := n.User(t.Context(), p.ID, u.Sub); err != nil {
		t.Fatal(err)
	} else if ok, err := n.VerifyPassword(t.Context(), p, got, m.Code); ok || err != nil {
		t.Errorf("the old temporary password still fits: %v", err)
	}
	if err := n.AdminSetPassword(t.Context(), userpool.PasswordChange{PoolID: p.ID, Username: "a<b", Password: "Passw0rd!", Permanent: true}); err != nil {
		t.Fatal(err)
	}
	_, err = n.ResendInvitation(t.Context(), p.ID, userpool.NewUser{Username: "a<b", Media: []string{message.Email}})
	wantError(t, err, apierr.UnsupportedUserState, "Resend not possible. a<b status is not FORCE_CHANGE_PASSWORD")
	_, err = n.ResendInvitation(t.Context(), p.ID, userpool.NewUser{Username: "nobody"})
	wantError(t, err, apierr.UserNotFound, "User does not exist.")
}

func TestInvitationMedia(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	both := map[string]string{"email": "a@example.com", "phone_number": "+15550001"}
	for i, tt := range []struct {
		name       string
		in         userpool.NewUser
		mail, text int
		code       apierr.Code
	}{
		{"default is a text message", userpool.NewUser{Attributes: both}, 0, 1, ""},
		{"default without a number sends nothing", userpool.NewUser{Attributes: map[string]string{"email": "a@example.com"}}, 0, 0, ""},
		{"both", userpool.NewUser{Attributes: both, Media: []string{"EMAIL", "SMS"}}, 1, 1, ""},
		{"suppressed", userpool.NewUser{Attributes: both, Media: []string{"EMAIL"}, Suppress: true}, 0, 0, ""},
		{"asked for without an address", userpool.NewUser{Media: []string{"EMAIL"}}, 0, 0, apierr.InvalidParameter},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mails, texts := len(n.outbox.List("a@example.com")), len(n.outbox.List("+15550001"))
			tt.in.Username = string(rune('a' + i))
			_, err := n.CreateUser(t.Context(), p.ID, tt.in)
			if tt.code != "" {
				wantError(t, err, tt.code, "")
			} else if err != nil {
				t.Fatal(err)
			}
			if m, x := len(n.outbox.List("a@example.com"))-mails, len(n.outbox.List("+15550001"))-texts; m != tt.mail || x != tt.text {
				t.Errorf("%d mails, %d texts; want %d, %d", m, x, tt.mail, tt.text)
			}
		})
	}
	n.Messages = nil
	_, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: "z", Attributes: both})
	wantError(t, err, apierr.CodeDeliveryFailure, "")
	if _, _, err := n.User(t.Context(), p.ID, "z"); err != nil {
		t.Errorf("the user whose invitation failed does not exist: %v", err)
	}
}

func TestAdminSetPassword(t *testing.T) {
	n, c := newNode(t)
	p := n.pool(t, userpool.Settings{})
	n.user(t, p, "ann", nil)
	set := func(permanent bool) store.User {
		t.Helper()
		c.Advance(time.Minute)
		if err := n.AdminSetPassword(t.Context(), userpool.PasswordChange{PoolID: p.ID, Username: "ann", Password: "Passw0rd!", Permanent: permanent}); err != nil {
			t.Fatal(err)
		}
		_, u, err := n.User(t.Context(), p.ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if u := set(true); u.Status != userpool.StatusConfirmed || !u.TokensValidAfter.IsZero() {
		t.Errorf("first password: %s, tokens valid after %v", u.Status, u.TokensValidAfter)
	}
	if u := set(true); !u.TokensValidAfter.Equal(c.Now()) {
		t.Errorf("a new password does not end sessions: %v", u.TokensValidAfter)
	}
	temporary := set(false)
	if temporary.Status != userpool.StatusForceChangePassword || temporary.PasswordExpires.IsZero() {
		t.Errorf("temporary password: %s, %v", temporary.Status, temporary.PasswordExpires)
	}
	// In the same moment: the second end must be told from the first.
	if err := n.SetEnabled(t.Context(), p.ID, "ann", false); err != nil {
		t.Fatal(err)
	}
	if _, u, err := n.User(t.Context(), p.ID, "ann"); err != nil || u.Enabled || !u.TokensValidAfter.After(temporary.TokensValidAfter) {
		t.Errorf("disabled user: enabled %t, tokens valid after %v, %v; the end before was %v", u.Enabled, u.TokensValidAfter, err, temporary.TokensValidAfter)
	}
	wantError(t, n.AdminSetPassword(t.Context(), userpool.PasswordChange{PoolID: p.ID, Username: "nobody", Password: "Passw0rd!"}),
		apierr.UserNotFound, "User does not exist.")
}
