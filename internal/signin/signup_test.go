package signin_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

type attrs = map[string]string

func TestSignUp(t *testing.T) {
	email, phone := "test@test.com", "+15555551212"
	tests := []struct {
		name       string
		settings   []func(*userpool.Settings)
		username   string
		attributes attrs
		delivery   *signin.Delivery
		isSub      bool // the username becomes the sub
	}{
		{"a code goes to the address that the pool verifies", nil, "ada", attrs{"email": email},
			&signin.Delivery{Destination: "t***@t***", Medium: "EMAIL", Attribute: "email"}, false},
		{"the phone wins over mail", []func(*userpool.Settings){verifiesBoth}, "ada", attrs{"email": email, "phone_number": phone},
			&signin.Delivery{Destination: "+*******1212", Medium: "SMS", Attribute: "phone_number"}, false},
		{"mail, if there is no phone", []func(*userpool.Settings){verifiesBoth}, "ada", attrs{"email": email},
			&signin.Delivery{Destination: "t***@t***", Medium: "EMAIL", Attribute: "email"}, false},
		{"nothing, without the attribute", nil, "ada", attrs{"phone_number": phone}, nil, false},
		{"an address as username becomes the attribute", []func(*userpool.Settings){identifiers("email")}, email, nil,
			&signin.Delivery{Destination: "t***@t***", Medium: "EMAIL", Attribute: "email"}, true},
		{"the same address twice", []func(*userpool.Settings){identifiers("email")}, email, attrs{"email": email},
			&signin.Delivery{Destination: "t***@t***", Medium: "EMAIL", Attribute: "email"}, true},
		{"either kind of identifier", []func(*userpool.Settings){verifiesBoth, identifiers("email", "phone_number")}, phone, nil,
			&signin.Delivery{Destination: "+*******1212", Medium: "SMS", Attribute: "phone_number"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPeople(t, tt.settings...)
			r, err := w.signUp(tt.username, tt.attributes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.delivery, r.Delivery); diff != "" {
				t.Errorf("delivery: %s", diff)
			}
			u := w.find(w.p, tt.username)
			if r.Confirmed || u.Status != userpool.StatusUnconfirmed || !u.Enabled || u.Sub != r.Sub {
				t.Errorf("user = %+v, result %+v", u, r)
			}
			if (u.Username == u.Sub) != tt.isSub {
				t.Errorf("username = %q, sub = %q", u.Username, u.Sub)
			}
			if tt.delivery == nil {
				if sent := w.box.List(""); len(sent) != 0 {
					t.Errorf("messages = %v, want none", kinds(sent))
				}
				return
			}
			sent := w.box.List("")
			if len(sent) != 1 || len(sent[0].Code) != 6 || sent[0].Body != "Your verification code is "+sent[0].Code+". " || sent[0].Kind != message.SignUp {
				t.Errorf("messages = %+v", sent)
			}
			if u.Attributes[tt.delivery.Attribute+"_verified"] != "false" {
				t.Errorf("attributes = %v, want unverified", u.Attributes)
			}
		})
	}
}

func TestSignUpRefuses(t *testing.T) {
	requiresEmail := func(s *userpool.Settings) {
		s.Schema = append(s.Schema, userpool.Attribute{Name: "email", Type: userpool.TypeString, Required: true, Mutable: true})
	}
	tests := []struct {
		name       string
		settings   []func(*userpool.Settings)
		client     func(*userpool.NewClient)
		username   string
		password   string
		attributes attrs
		want       string
	}{
		{name: "a weak password", password: "short", want: "InvalidPasswordException: Password did not conform with policy: Password not long enough"},
		{name: "a password without capitals", password: "p@ssw0rd!", want: "InvalidPasswordException: Password did not conform with policy: Password must have uppercase characters"},
		{name: "no password", password: "-", want: "InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null"},
		{name: "a username that is no address", settings: []func(*userpool.Settings){identifiers("email")}, username: "ada", want: "InvalidParameterException: Username should be an email."},
		{name: "a username that is no number", settings: []func(*userpool.Settings){identifiers("phone_number")}, username: "ada", want: "InvalidParameterException: Username should be a phone number."},
		{name: "a username that is neither", settings: []func(*userpool.Settings){identifiers("email", "phone_number")}, username: "ada", want: "InvalidParameterException: Username should be either an email or a phone number."},
		{name: "a username that looks like an alias", settings: []func(*userpool.Settings){aliases("email")}, username: "a@b.org", want: "InvalidParameterException: Username cannot be of email format, since user pool is configured for email alias."},
		{name: "an address that differs from the username", settings: []func(*userpool.Settings){identifiers("email")}, username: "a@b.org", attributes: attrs{"email": "c@d.org"},
			want: "InvalidParameterException: User email should be empty or same as username, since username attribute is email"},
		{name: "a malformed address", attributes: attrs{"email": "nobody"}, want: "InvalidParameterException: Invalid email address format."},
		{name: "a malformed number", attributes: attrs{"phone_number": "555"}, want: "InvalidParameterException: Invalid phone number format."},
		{name: "a missing required attribute", settings: []func(*userpool.Settings){requiresEmail}, want: "InvalidParameterException: Attributes did not conform to the schema: email: The attribute is required\n"},
		{name: "an attribute that the pool has not", attributes: attrs{"custom:x": "1"}, want: "InvalidParameterException: Type for attribute {custom:x} could not be determined"},
		{name: "an attribute that the client may not write", client: func(c *userpool.NewClient) { c.WriteAttributes = []string{"email"} }, attributes: attrs{"custom:tier": "gold"},
			want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
		{name: "a verified flag", attributes: attrs{"email": "a@b.org", "email_verified": "true"}, want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
		{name: "a sub", attributes: attrs{"sub": "x"}, want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPeople(t, tt.settings...)
			c := w.c
			if tt.client != nil {
				c = w.client(w.p, tt.client)
			}
			in := signin.SignUpInput{ClientID: c.ID, Username: "ada", Password: password, Attributes: tt.attributes}
			if tt.username != "" {
				in.Username = tt.username
			}
			if tt.password != "" {
				in.Password = strings.TrimPrefix(tt.password, "-")
			}
			_, err := w.s.SignUp(t.Context(), in)
			wantSaid(t, err, tt.want)
			if sent := w.box.List(""); len(sent) != 0 {
				t.Errorf("messages = %v, want none", kinds(sent))
			}
		})
	}
}

func TestSignUpTakenName(t *testing.T) {
	w := newPeople(t)
	w.mustSignUp("ada", attrs{"email": "a@b.org"})
	_, err := w.signUp("ada", attrs{"email": "c@d.org"})
	wantSaid(t, err, "UsernameExistsException: User already exists")

	w = newPeople(t, identifiers("email", "phone_number"), verifiesBoth)
	w.mustSignUp("a@b.org", nil)
	_, err = w.signUp("a@b.org", nil)
	wantSaid(t, err, "UsernameExistsException: An account with the given email already exists.")
	w.mustSignUp("+15555550100", nil)
	_, err = w.signUp("+15555550100", nil)
	wantSaid(t, err, "UsernameExistsException: An account with the given phone_number already exists.")

	// An alias is nobody's before it is verified.
	w = newPeople(t, aliases("email"))
	w.mustSignUp("ada", attrs{"email": "a@b.org"})
	w.mustSignUp("bob", attrs{"email": "a@b.org"})
}

func TestSec_ENUM_3_TakenNamesAreBoundedPerSource(t *testing.T) {
	w := newPeople(t)
	w.mustSignUp("ada", nil)
	in := signin.SignUpInput{ClientID: w.c.ID, Username: "ada", Password: password, Caller: signin.Caller{SourceIP: "192.0.2.7"}}
	last := ""
	for range 101 {
		_, err := w.s.SignUp(t.Context(), in)
		last = said(err)
	}
	if want := "TooManyRequestsException: Too many requests"; last != want {
		t.Errorf("attempt 101: %s, want %s", last, want)
	}
	in.Caller.SourceIP = "192.0.2.8"
	_, err := w.s.SignUp(t.Context(), in)
	wantSaid(t, err, "UsernameExistsException: User already exists")
}

func TestSec_ATTR_5_AdminCreateUserOnly(t *testing.T) {
	w := newPeople(t, func(s *userpool.Settings) { s.AdminCreateUserOnly = true })
	_, err := w.signUp("ada", attrs{"email": "a@b.org"})
	wantSaid(t, err, "NotAuthorizedException: SignUp is not permitted for this user pool")
	if _, _, err := w.pools.User(t.Context(), w.p.ID, "ada"); apierr.CodeOf(err) != apierr.UserNotFound {
		t.Errorf("user after refused sign-up: %v", err)
	}
}

func TestSignUpFailedMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		sender message.Sender
		want   string
	}{
		{"a mail server that is down", broken{}, "CodeDeliveryFailureException: The message could not be delivered."},
		{"no mail server", message.Unconfigured{}, "CodeDeliveryFailureException: No mail server is configured on this server (--mail), so the mail was not sent."},
		{"nothing", nil, "CodeDeliveryFailureException: No mail server is configured on this server (--mail), so the mail was not sent."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newPeople(t)
			w.s.Messages = tt.sender
			_, err := w.signUp("ada", attrs{"email": "a@b.org"})
			wantSaid(t, err, tt.want)
			if u := w.find(w.p, "ada"); u.Status != userpool.StatusUnconfirmed {
				t.Errorf("status = %s, want UNCONFIRMED", u.Status)
			}
			// The user can ask again once mail works.
			w.s.Messages = w.box
			if _, err := w.resend("ada"); err != nil {
				t.Fatal(err)
			}
			if err := w.confirm("ada", w.lastCode("a@b.org")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConfirmSignUp(t *testing.T) {
	w := newPeople(t)
	code := w.mustSignUp("ada", attrs{"email": "a@b.org", "phone_number": "+15555550100"})

	_, err := w.try(w.c, "ada", password)
	wantSaid(t, err, "UserNotConfirmedException: User is not confirmed.")
	wantSaid(t, w.confirm("ada", wrong(code)), codeMismatch)
	if err := w.confirm("ada", code); err != nil {
		t.Fatal(err)
	}
	u := w.find(w.p, "ada")
	if u.Status != userpool.StatusConfirmed || u.Attributes["email_verified"] != "true" || u.Attributes["phone_number_verified"] != "false" {
		t.Errorf("user = %s %v, want the address verified, and it alone", u.Status, u.Attributes)
	}
	wantSaid(t, w.confirm("ada", code), "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED")
	wantSaid(t, w.confirm("nobody", code), "UserNotFoundException: Username/client id combination not found.")
	w.signIn(w.c, "ada")

	// A user without a code has nothing to confirm with.
	w.mustSignUp("bob", nil)
	wantSaid(t, w.confirm("bob", "123456"), codeExpired)
	if err := w.pools.SetEnabled(t.Context(), w.p.ID, "bob", false); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.confirm("bob", "123456"), "NotAuthorizedException: User is disabled.")
}

func TestConfirmSignUpCodeLife(t *testing.T) {
	w := newPeople(t)
	code := w.mustSignUp("ada", attrs{"email": "a@b.org"})
	w.clock.advance(24*time.Hour - time.Second)
	wantSaid(t, w.confirm("ada", wrong(code)), codeMismatch)
	w.clock.advance(time.Second)
	wantSaid(t, w.confirm("ada", code), codeExpired)
	if _, err := w.resend("ada"); err != nil {
		t.Fatal(err)
	}
	if err := w.confirm("ada", w.lastCode("a@b.org")); err != nil {
		t.Error(err)
	}
}

func TestResendConfirmationCode(t *testing.T) {
	w := newPeople(t)
	old := w.mustSignUp("ada", attrs{"email": "test@test.com"})
	d, err := w.resend("ada")
	if err != nil {
		t.Fatal(err)
	}
	if want := (signin.Delivery{Destination: "t***@t***", Medium: "EMAIL", Attribute: "email"}); d != want {
		t.Errorf("delivery = %+v, want %+v", d, want)
	}
	code := w.lastCode("test@test.com")
	if code != old {
		wantSaid(t, w.confirm("ada", old), codeMismatch)
	}
	if err := w.confirm("ada", code); err != nil {
		t.Fatal(err)
	}
	_, err = w.resend("ada")
	wantSaid(t, err, "InvalidParameterException: User is already confirmed.")
	_, err = w.resend("nobody")
	wantSaid(t, err, "UserNotFoundException: Username/client id combination not found.")

	w.mustSignUp("bob", attrs{"email": "bob@test.com"})
	for i := range 6 {
		_, err = w.resend("bob")
		if i < 5 && err != nil {
			t.Fatalf("resend %d: %v", i+1, err)
		}
	}
	wantSaid(t, err, attemptLimit)
	w.clock.advance(time.Hour)
	if _, err := w.resend("bob"); err != nil {
		t.Errorf("an hour later: %v", err)
	}

	silent := newPeople(t, func(s *userpool.Settings) { s.AutoVerifiedAttributes = nil })
	silent.mustSignUp("ada", attrs{"email": "a@b.org"})
	_, err = silent.resend("ada")
	wantSaid(t, err, "InvalidParameterException: Cannot resend codes. Auto verification not turned on.")
}

func TestForceAliasCreation(t *testing.T) {
	w := newPeople(t, aliases("email"))
	w.member("ada", attrs{"email": "shared@b.org"})
	code := w.mustSignUp("bob", attrs{"email": "shared@b.org"})

	wantSaid(t, w.confirm("bob", code), "AliasExistsException: An account with the email already exists.")
	if u := w.find(w.p, "bob"); u.Status != userpool.StatusUnconfirmed {
		t.Errorf("bob = %s, want UNCONFIRMED", u.Status)
	}
	if u := w.find(w.p, "shared@b.org"); u.Username != "ada" {
		t.Errorf("the alias is %s's, want ada's", u.Username)
	}
	// The code is still good for who insists.
	err := w.s.ConfirmSignUp(t.Context(), signin.ConfirmSignUpInput{ClientID: w.c.ID, Username: "bob", Code: code, ForceAlias: true})
	if err != nil {
		t.Fatal(err)
	}
	if u := w.find(w.p, "shared@b.org"); u.Username != "bob" {
		t.Errorf("the alias is %s's, want bob's", u.Username)
	}
	if u := w.find(w.p, "ada"); u.Attributes["email_verified"] != "false" || u.Attributes["email"] != "shared@b.org" {
		t.Errorf("ada = %v, want the address unverified", u.Attributes)
	}
}

func TestSec_NAME_2_TwoUsersConfirmOneEmail(t *testing.T) { onDatabases(t, twoUsersConfirmOneEmail) }

func twoUsersConfirmOneEmail(t *testing.T, open func(testing.TB) *world) {
	w := peopleOf(t, open(t), aliases("email"))
	const rivals = 8
	codes := make([]string, rivals)
	for i := range rivals {
		codes[i] = w.mustSignUp(fmt.Sprint("user", i), attrs{"email": "shared@b.org"})
	}
	errs := make([]error, rivals)
	var all sync.WaitGroup
	for i := range rivals {
		all.Go(func() { errs[i] = w.confirm(fmt.Sprint("user", i), codes[i]) })
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("user%d and user%d both confirmed", winner, i)
		default:
			wantSaid(t, err, "AliasExistsException: An account with the email already exists.")
		}
	}
	if winner < 0 {
		t.Fatal("nobody confirmed")
	}
	if u := w.find(w.p, "shared@b.org"); u.Username != fmt.Sprint("user", winner) {
		t.Errorf("the alias is %s's, want user%d's", u.Username, winner)
	}
	// Deleting the owner frees it.
	if err := w.pools.DeleteUser(t.Context(), w.p.ID, fmt.Sprint("user", winner)); err != nil {
		t.Fatal(err)
	}
	next := (winner + 1) % rivals
	if err := w.confirm(fmt.Sprint("user", next), codes[next]); err != nil {
		t.Errorf("after the owner was deleted: %v", err)
	}
}

func TestSec_PW_5_ACodeWorksOnce(t *testing.T) { onDatabases(t, aCodeWorksOnce) }

func aCodeWorksOnce(t *testing.T, open func(testing.TB) *world) {
	w := peopleOf(t, open(t))
	w.member("ada", attrs{"email": "a@b.org"})
	if _, err := w.forgot("ada"); err != nil {
		t.Fatal(err)
	}
	code := w.lastCode("a@b.org")
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = w.reset("ada", code, fmt.Sprint(newPassword, i)) })
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		if err != nil {
			wantSaid(t, err, codeExpired)
			continue
		}
		if winner >= 0 {
			t.Errorf("resets %d and %d both worked", winner, i)
		}
		winner = i
	}
	if winner < 0 {
		t.Fatal("no reset worked")
	}
	if _, err := w.try(w.c, "ada", fmt.Sprint(newPassword, winner)); err != nil {
		t.Errorf("the winner's password: %v", err)
	}
}

func TestSec_PW_5_GuessesAreLimited(t *testing.T) { onDatabases(t, guessesAreLimited) }

func guessesAreLimited(t *testing.T, open func(testing.TB) *world) {
	w := peopleOf(t, open(t))
	code := w.mustSignUp("ada", attrs{"email": "a@b.org"})
	t.Run("of parallel guesses only so many are looked at", func(t *testing.T) {
		const guesses = 40
		errs := make([]error, guesses)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = w.confirm("ada", wrong(code)) })
		}
		all.Wait()
		got := map[string]int{}
		for _, err := range errs {
			got[said(err)]++
		}
		// Ten kill the code, five more are allowed in the hour.
		want := map[string]int{codeMismatch: 10, codeExpired: 5, attemptLimit: 25}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("then not even the right code works", func(t *testing.T) {
		w.clock.advance(time.Hour)
		wantSaid(t, w.confirm("ada", code), codeExpired)
	})
	t.Run("a new code does", func(t *testing.T) {
		if _, err := w.resend("ada"); err != nil {
			t.Fatal(err)
		}
		if err := w.confirm("ada", w.lastCode("a@b.org")); err != nil {
			t.Error(err)
		}
	})
}

// TestSec_PW_5_CrossUse tries every kind of code for every purpose but its
// own, by its own user and by another.
func TestSec_PW_5_CrossUse(t *testing.T) {
	w := newPeople(t)
	w.member("ada", attrs{"email": "ada@b.org"})
	w.member("bob", attrs{"email": "bob@b.org"})
	ada, bob := w.access("ada"), w.access("bob")
	newcomer := w.mustSignUp("cyd", attrs{"email": "cyd@b.org"})

	codes := map[string]string{"confirm of cyd": newcomer}
	for _, name := range []string{"ada", "bob"} {
		if _, err := w.forgot(name); err != nil {
			t.Fatal(err)
		}
		codes["reset of "+name] = w.lastCode(name + "@b.org")
		token := map[string]string{"ada": ada, "bob": bob}[name]
		if _, err := w.s.GetUserAttributeVerificationCode(t.Context(), token, "email", signin.Caller{}); err != nil {
			t.Fatal(err)
		}
		codes["verify of "+name] = w.lastCode(name + "@b.org")
	}
	uses := map[string]func(code string) error{
		"confirm of cyd": func(code string) error { return w.confirm("cyd", code) },
		"reset of ada":   func(code string) error { return w.reset("ada", code, newPassword) },
		"reset of bob":   func(code string) error { return w.reset("bob", code, newPassword) },
		"verify of ada":  func(code string) error { return w.s.VerifyUserAttribute(t.Context(), ada, "email", code) },
		"verify of bob":  func(code string) error { return w.s.VerifyUserAttribute(t.Context(), bob, "email", code) },
		"verify of the phone of ada": func(code string) error {
			return w.s.VerifyUserAttribute(t.Context(), ada, "phone_number", code)
		},
	}
	tried := 0
	for use, do := range uses {
		for kind, code := range codes {
			if kind == use || codes[use] == code { // equal by chance, one in a million
				continue
			}
			tried++
			want := codeMismatch
			if use == "verify of the phone of ada" {
				want = codeExpired // no such code was sent
			}
			if got := said(do(code)); got != want {
				t.Errorf("code to %s used to %s: %s", kind, use, got)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d combinations tried", tried)
	}
	for _, use := range []string{"confirm of cyd", "verify of ada", "verify of bob", "reset of ada", "reset of bob"} {
		if err := uses[use](codes[use]); err != nil {
			t.Errorf("%s with its own code: %v", use, err)
		}
		if got := said(uses[use](codes[use])); !strings.Contains(got, "Exception") {
			t.Errorf("%s a second time: %s", use, got)
		}
	}
}

func TestSec_PW_5_BoundToDestination(t *testing.T) {
	t.Run("a confirmation code for an address that was replaced", func(t *testing.T) {
		w := newPeople(t)
		code := w.mustSignUp("ada", attrs{"email": "a@b.org"})
		if err := w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "ada", attrs{"email": "new@b.org"}); err != nil {
			t.Fatal(err)
		}
		wantSaid(t, w.confirm("ada", code), codeExpired)
	})
	t.Run("a reset code for an address that was replaced", func(t *testing.T) {
		w := newPeople(t)
		w.member("ada", attrs{"email": "a@b.org"})
		if _, err := w.forgot("ada"); err != nil {
			t.Fatal(err)
		}
		code := w.lastCode("a@b.org")
		err := w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "ada", attrs{"email": "new@b.org", "email_verified": "true"})
		if err != nil {
			t.Fatal(err)
		}
		wantSaid(t, w.reset("ada", code, newPassword), codeExpired)
		w.signIn(w.c, "ada") // with the old password
	})
	t.Run("a verification code for an address that was replaced", func(t *testing.T) {
		w := newPeople(t)
		w.member("ada", attrs{"email": "a@b.org"})
		token := w.access("ada")
		if _, err := w.s.GetUserAttributeVerificationCode(t.Context(), token, "email", signin.Caller{}); err != nil {
			t.Fatal(err)
		}
		code := w.lastCode("a@b.org")
		err := w.s.AdminUpdateUserAttributes(t.Context(), w.p.ID, "ada", attrs{"email": "new@b.org", "email_verified": "true"})
		if err != nil {
			t.Fatal(err)
		}
		wantSaid(t, w.s.VerifyUserAttribute(t.Context(), token, "email", code), codeExpired)
	})
}

func TestAdminConfirmSignUp(t *testing.T) {
	w := newPeople(t)
	w.mustSignUp("ada", attrs{"email": "a@b.org"})
	if err := w.s.AdminConfirmSignUp(t.Context(), w.p.ID, "ada"); err != nil {
		t.Fatal(err)
	}
	u := w.find(w.p, "ada")
	if u.Status != userpool.StatusConfirmed || u.Attributes["email_verified"] != "false" {
		t.Errorf("user = %s %v, want CONFIRMED and nothing verified", u.Status, u.Attributes)
	}
	wantSaid(t, w.s.AdminConfirmSignUp(t.Context(), w.p.ID, "ada"), "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED")
	wantSaid(t, w.s.AdminConfirmSignUp(t.Context(), w.p.ID, "nobody"), "UserNotFoundException: User does not exist.")
	w.newcomer(w.p, "invited", nil)
	wantSaid(t, w.s.AdminConfirmSignUp(t.Context(), w.p.ID, "invited"), "NotAuthorizedException: User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD")
}

func TestPoolTemplates(t *testing.T) {
	w := newPeople(t, func(s *userpool.Settings) {
		s.Verification = userpool.VerificationTemplate{Email: "<b>{####}</b> for you", Subject: "Welcome"}
		s.Email = userpool.EmailSettings{From: "Shop <shop@example.org>", ReplyTo: "help@example.org"}
	})
	code := w.mustSignUp("ada", attrs{"email": "a@b.org"})
	m := w.box.List("a@b.org")[0]
	if m.Subject != "Welcome" || m.Body != "<b>"+code+"</b> for you" || m.From != "Shop <shop@example.org>" || m.ReplyTo != "help@example.org" {
		t.Errorf("message = %q %q %q %q", m.Subject, m.Body, m.From, m.ReplyTo)
	}
}

func TestCodesAreStoredHashed(t *testing.T) {
	w := newPeople(t)
	code := w.mustSignUp("ada", attrs{"email": "a@b.org"})
	u := w.find(w.p, "ada")
	var stored store.Code
	err := w.store.View(t.Context(), func(tx store.Tx) (err error) {
		stored, err = tx.Code(w.p.ID, u.Sub, "confirm sign-up")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(stored.Hash) != 32 || strings.Contains(string(stored.Hash), code) || strings.Contains(stored.Destination, code) {
		t.Errorf("stored = %+v contains the code %s", stored, code)
	}
	if stored.GuessesLeft != 10 {
		t.Errorf("guesses left = %d, want 10", stored.GuessesLeft)
	}
}
