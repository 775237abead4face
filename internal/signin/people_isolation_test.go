package signin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// TestSec_DB_3_PeopleOfAnotherPool tries every operation of sign-up, recovery
// and administration that names a user on the user of another pool.
func TestSec_DB_3_PeopleOfAnotherPool(t *testing.T) {
	w := newPeople(t)
	other := w.pool(verifiesEmail)
	theirs := w.client(other)
	w.member("ada", attrs{"email": "ada@b.org"})
	ctx := t.Context()

	// In the other pool: a newcomer with a live code, a member with one.
	sub := map[string]string{}
	for _, name := range []string{"newcomer", "member"} {
		r, err := w.s.SignUp(ctx, signin.SignUpInput{ClientID: theirs.ID, Username: name, Password: password, Attributes: attrs{"email": name + "@b.org"}})
		if err != nil {
			t.Fatal(err)
		}
		sub[name] = r.Sub
	}
	confirmation := w.lastCode("newcomer@b.org")
	if err := w.s.ConfirmSignUp(ctx, signin.ConfirmSignUpInput{ClientID: theirs.ID, Username: "member", Code: w.lastCode("member@b.org")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.ForgotPassword(ctx, signin.ForgotInput{ClientID: theirs.ID, Username: "member"}); err != nil {
		t.Fatal(err)
	}
	reset := w.lastCode("member@b.org")
	before := [2]any{w.find(other, "newcomer"), w.find(other, "member")}

	const noCombination = "UserNotFoundException: Username/client id combination not found."
	const noUser = "UserNotFoundException: User does not exist."
	tests := []struct {
		operation string
		do        func(name string) error
		target    string
		want      string
	}{
		{"ConfirmSignUp", func(n string) error { return w.confirm(n, confirmation) }, "newcomer", noCombination},
		{"ResendConfirmationCode", func(n string) error { _, err := w.resend(n); return err }, "newcomer", noCombination},
		{"ForgotPassword", func(n string) error { _, err := w.forgot(n); return err }, "member", noCombination},
		{"ConfirmForgotPassword", func(n string) error { return w.reset(n, reset, newPassword) }, "member", noCombination},
		{"AdminConfirmSignUp", func(n string) error { return w.s.AdminConfirmSignUp(ctx, w.p.ID, n) }, "newcomer", noUser},
		{"AdminResetUserPassword", func(n string) error { return w.s.AdminResetUserPassword(ctx, w.p.ID, n) }, "member", noUser},
		{"AdminUpdateUserAttributes", func(n string) error {
			return w.s.AdminUpdateUserAttributes(ctx, w.p.ID, n, attrs{"name": "x"})
		}, "member", noUser},
	}
	for _, tt := range tests {
		for _, name := range []string{tt.target, sub[tt.target]} {
			if got := said(tt.do(name)); got != tt.want {
				t.Errorf("%s of %s: %s, want %s", tt.operation, name, got, tt.want)
			}
		}
	}
	// A code of a user of the same name in another pool is a wrong one.
	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	if w.lastCode("ada@b.org") != reset {
		wantSaid(t, w.reset("ada", reset, newPassword), codeMismatch)
	}
	if diff := cmp.Diff(before, [2]any{w.find(other, "newcomer"), w.find(other, "member")}); diff != "" {
		t.Errorf("users of the other pool changed: %s", diff)
	}
}

func TestPublicOperationsCheckTheSecretHash(t *testing.T) {
	w := newPeople(t)
	c := w.client(w.p, func(c *userpool.NewClient) { c.GenerateSecret = true })
	ctx := t.Context()
	type call func(name, hash string) error
	operations := map[string]call{
		"SignUp": func(name, hash string) error {
			_, err := w.s.SignUp(ctx, signin.SignUpInput{ClientID: c.ID, SecretHash: hash, Username: name, Password: password, Attributes: attrs{"email": "ada@b.org"}})
			return err
		},
		"ConfirmSignUp": func(name, hash string) error {
			return w.s.ConfirmSignUp(ctx, signin.ConfirmSignUpInput{ClientID: c.ID, SecretHash: hash, Username: name, Code: w.lastCode("ada@b.org")})
		},
		"ResendConfirmationCode": func(name, hash string) error {
			_, err := w.s.ResendConfirmationCode(ctx, signin.ResendInput{ClientID: c.ID, SecretHash: hash, Username: name})
			return err
		},
		"ForgotPassword": func(name, hash string) error {
			_, err := w.s.ForgotPassword(ctx, signin.ForgotInput{ClientID: c.ID, SecretHash: hash, Username: name})
			return err
		},
		"ConfirmForgotPassword": func(name, hash string) error {
			return w.s.ConfirmForgotPassword(ctx, signin.ConfirmForgotInput{ClientID: c.ID, SecretHash: hash, Username: name, Code: w.lastCode("ada@b.org"), Password: newPassword})
		},
	}
	right := secret.SecretHash(c.Secret().Reveal(), "ada", c.ID)
	for _, name := range []string{"SignUp", "ResendConfirmationCode", "ConfirmSignUp", "ForgotPassword", "ConfirmForgotPassword"} {
		do := operations[name]
		wantSaid(t, do("ada", ""), "NotAuthorizedException: Client "+c.ID+" is configured with secret but SECRET_HASH was not received")
		wantSaid(t, do("ada", secret.SecretHash(c.Secret().Reveal(), "bob", c.ID)), "NotAuthorizedException: Unable to verify secret hash for client "+c.ID)
		if err := do("ada", right); err != nil {
			t.Errorf("%s with the right hash: %v", name, err)
		}
	}
}

func TestAdminResetWhereAdministratorsRecover(t *testing.T) {
	w := newPeople(t, recovers(userpool.RecoverByAdmin))
	w.member("ada", attrs{"email": "ada@b.org"})
	wantSaid(t, w.s.AdminResetUserPassword(t.Context(), w.p.ID, "ada"), "NotAuthorizedException: Contact administrator to reset password.")
	w.signIn(w.c, "ada")
}
