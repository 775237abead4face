package userpool_test

import (
	"strings"
	"sync"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// collisions are spellings of one name. folded means that only pools that are
// not case sensitive see them as one.
var collisions = []struct {
	a, b   string
	folded bool
}{
	{"K", "\u212a", false},                    // Kelvin sign
	{"S", "\u017f", true},                     // long s
	{"\u00e9", "e\u0301", false},              // é composed, decomposed
	{"\uff21bc", "Abc", false},                // full width
	{"Straße", "STRASSE", true},               // a fold that changes the length
	{"\u0130x", "i\u0307x", true},             // dotted capital I
	{"\ufb01n", "fin", false},                 // ligature
	{"ΣΑΣ", "σας", true},                      // final sigma
	{"Ana", "aNA", true},                      // plain case
	{"\u1e9bx", "\u1e61x", false},             // long s with dot above
	{"\u03d3", "\u038e", false},               // upsilon with hook and acute
	{"a\u0323\u0307", "a\u0307\u0323", false}, // order of marks
	{"\u13a0\u13f5", "\uab70\u13fd", true},    // Cherokee, which folds to capitals
}

func TestSec_NAME_1_SpellingsOfOneNameAreOneName(t *testing.T) {
	for _, sensitive := range []bool{true, false} {
		n, _ := newNode(t)
		p := n.pool(t, userpool.Settings{CaseChosen: true, CaseSensitive: sensitive, AliasAttributes: []string{"preferred_username"}})
		for _, c := range collisions {
			one := !c.folded || !sensitive
			u := n.user(t, p, c.a, nil)
			_, got, err := n.User(t.Context(), p.ID, c.b)
			if one && (err != nil || got.Sub != u.Sub) {
				t.Errorf("case sensitive %v: %q does not find %q: %v", sensitive, c.b, c.a, err)
			}
			_, createErr := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: c.b, Suppress: true})
			if one {
				wantError(t, createErr, apierr.UsernameExists, "User account already exists")
				// Every operation that names a user goes through the same place.
				for i, err := range []error{
					n.AdminSetPassword(t.Context(), userpool.PasswordChange{PoolID: p.ID, Username: c.b, Password: "Passw0rd!"}),
					n.SetEnabled(t.Context(), p.ID, c.b, false),
					n.DeleteAttributes(t.Context(), p.ID, c.b, []string{"name"}),
					n.DeleteUser(t.Context(), p.ID, c.b),
				} {
					if err != nil {
						t.Errorf("operation %d on %q: %v", i, c.b, err)
					}
				}
				if _, _, err := n.User(t.Context(), p.ID, c.a); apierr.CodeOf(err) != apierr.UserNotFound {
					t.Errorf("deleting %q left %q: %v", c.b, c.a, err)
				}
				continue
			}
			if createErr != nil {
				t.Errorf("a case sensitive pool does not tell %q from %q: %v", c.a, c.b, createErr)
			}
		}
	}
}

func TestSec_NAME_1_EveryCaseOfALetterIsOneName(t *testing.T) {
	p := &userpool.Pool{}
	letters := 0
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.SimpleFold(r) == r {
			continue
		}
		letters++
		want, err := p.Normalize(string(r))
		if err != nil {
			t.Fatalf("%U: %v", r, err)
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if got, err := p.Normalize(string(other)); err != nil || got != want {
				t.Errorf("%U is %q and %U is %q, %v", r, want, other, got, err)
			}
		}
		if twice, err := p.Normalize(want); err != nil || twice != want {
			t.Errorf("%U becomes %q, then %q, %v", r, want, twice, err)
		}
	}
	if letters < 2500 {
		t.Errorf("%d letters that have another case", letters)
	}
}

func TestNamesThatDifferStayApart(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{CaseChosen: true})
	a := n.user(t, p, "anna", nil)
	b := n.user(t, p, "anna.", nil) // a trailing dot is a character like any other
	_, got, err := n.User(t.Context(), p.ID, "Anna.")
	if err != nil || got.Sub != b.Sub || a.Sub == b.Sub {
		t.Errorf("got %s, %v; want %s", got.Sub, err, b.Sub)
	}
	for _, name := range []string{"", "\xff", "a\x00b", strings.Repeat("x", userpool.MaxName+1)} {
		if _, err := p.Normalize(name); err == nil {
			t.Errorf("%.20q is a name", name)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, c := range collisions {
		f.Add(c.a)
		f.Add(c.b)
	}
	f.Add("a\u200db\u202e\x00\xff")
	f.Fuzz(func(t *testing.T, name string) {
		for _, sensitive := range []bool{false, true} {
			p := &userpool.Pool{Settings: userpool.Settings{CaseSensitive: sensitive}}
			once, err := p.Normalize(name)
			if err != nil {
				if once != "" {
					t.Fatalf("error with value %q", once)
				}
				continue
			}
			if twice, err := p.Normalize(once); err != nil && len(once) <= userpool.MaxName || err == nil && twice != once {
				t.Fatalf("%q becomes %q, then %q (%v)", name, once, twice, err)
			}
		}
	})
}

func TestAliases(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{AliasAttributes: []string{"email", "phone_number", "preferred_username"}, CaseChosen: true})
	u := n.user(t, p, "ann", map[string]string{
		"email": "Ann@Example.com", "email_verified": "true", "phone_number": "+15550001", "preferred_username": "annie",
	})
	for _, name := range []string{"ann", u.Sub, "ann@example.COM", "Annie"} {
		if _, got, err := n.User(t.Context(), p.ID, name); err != nil || got.Sub != u.Sub {
			t.Errorf("%q does not find the user: %v", name, err)
		}
	}
	_, _, err := n.User(t.Context(), p.ID, "+15550001") // not verified
	wantError(t, err, apierr.UserNotFound, "User does not exist.")

	// The same unverified address is no alias, so it can be there twice.
	n.user(t, p, "bob", map[string]string{"email": "ann@example.com"})
	_, err = n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: "eve", Suppress: true, Attributes: map[string]string{"email": "ann@example.com", "email_verified": "true"},
	})
	wantError(t, err, apierr.AliasExists, "An account with the email already exists.")

	// Deleting the attribute frees it.
	if err := n.DeleteAttributes(t.Context(), p.ID, "ann", []string{"email"}); err != nil {
		t.Fatal(err)
	}
	_, err = n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: "eve", Suppress: true, Attributes: map[string]string{"email": "ann@example.com", "email_verified": "true"},
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: "not@an.alias", Suppress: true}); err == nil {
		t.Error("a username looks like an alias")
	} else {
		wantError(t, err, apierr.InvalidParameter, "Username cannot be of email format, since user pool is configured for email alias.")
	}
}

func TestSec_NAME_2_ForcedAliasMovesAndItsHolderBecomesUnverified(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{AliasAttributes: []string{"email"}})
	mail := map[string]string{"email": "a@example.com", "email_verified": "true"}
	old := n.user(t, p, "old", mail)
	next, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: "new", Suppress: true, Attributes: mail, ForceAlias: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := n.User(t.Context(), p.ID, "a@example.com"); err != nil || got.Sub != next.Sub {
		t.Errorf("the alias finds %s, %v; want the new user", got.Username, err)
	}
	_, got, err := n.User(t.Context(), p.ID, "old")
	if err != nil || got.Sub != old.Sub || got.Attributes["email_verified"] != "false" || got.Attributes["email"] != "a@example.com" {
		t.Errorf("old holder %+v, %v", got.Attributes, err)
	}
	// A username is nobody's alias to take.
	_, err = n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: "old", Suppress: true, ForceAlias: true})
	wantError(t, err, apierr.UsernameExists, "User account already exists")
}

// It used to be asked for again and again.
func TestSec_NAME_2_ForceTakesNoOtherKindOfName(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{AliasAttributes: []string{"email", "preferred_username"}})
	old := n.user(t, p, "old", map[string]string{"email": "b@example.com", "email_verified": "true"})
	// It can only be there from a time when it was not refused.
	old.Attributes["preferred_username"] = "a@example.com"
	if err := n.Store.Update(t.Context(), func(tx store.Tx) error { return tx.UpdateUser(p.Row(old)) }); err != nil {
		t.Fatalf("update user: %v", err)
	}
	_, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: "new", Suppress: true, ForceAlias: true, Attributes: map[string]string{"email": "a@example.com", "email_verified": "true"},
	})
	wantError(t, err, apierr.AliasExists, "An account with the email already exists.")
	if _, u, err := n.User(t.Context(), p.ID, "b@example.com"); err != nil || u.Attributes["email_verified"] != "true" {
		t.Errorf("a refused creation changed the other user: %v, %v", u.Attributes, err)
	}
}

// Who could be found by an address that is not theirs would be given what an
// administrator means for its owner.
func TestSec_NAME_2_NothingUnverifiedHasTheFormOfAnAlias(t *testing.T) {
	for _, caseChosen := range []bool{false, true} {
		n, _ := newNode(t)
		p := n.pool(t, userpool.Settings{AliasAttributes: []string{"email", "phone_number", "preferred_username"}, CaseChosen: caseChosen})
		n.user(t, p, "mallory", nil)
		for _, name := range []string{
			"boss@example.com", "BOSS@EXAMPLE.COM", "boss\uff20example.com", "boss\ufe6bexample.com", "\uff42oss@example.com",
			"+15550001", "\uff0b15550001", "+1555000\uff11", "\u207a15550001",
		} {
			_, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: name, Suppress: true})
			wantError(t, err, apierr.InvalidParameter, "")
			_, err = n.CreateUser(t.Context(), p.ID, userpool.NewUser{
				Username: "trudy", Suppress: true, Attributes: map[string]string{"preferred_username": name},
			})
			wantError(t, err, apierr.InvalidParameter, "")
			_, err = p.CheckAttributes(userpool.AttributeWrite{}, map[string]string{}, map[string]string{"preferred_username": name})
			wantError(t, err, apierr.InvalidParameter, "")
		}
		for _, name := range []string{"boss", "boss@", "@boss", "+boss", "15550001"} {
			if _, err := p.CheckAttributes(userpool.AttributeWrite{}, nil, map[string]string{"preferred_username": name}); err != nil {
				t.Errorf("preferred_username %q: %v", name, err)
			}
		}
	}
	// Without such aliases an address is a name as any other.
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{AliasAttributes: []string{"preferred_username"}})
	n.user(t, p, "ann@example.com", map[string]string{"preferred_username": "a@example.com"})
}

func TestSec_NAME_2_OfRacingUsersOneGetsTheAlias(t *testing.T) {
	onDatabases(t, testTestSec_NAME_2_OfRacingUsersOneGetsTheAlias)
}

func testTestSec_NAME_2_OfRacingUsersOneGetsTheAlias(t *testing.T, ns []node, _ *clock) {
	p := ns[0].pool(t, userpool.Settings{AliasAttributes: []string{"email"}})
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = ns[i%2].CreateUser(t.Context(), p.ID, userpool.NewUser{
				Username: string(rune('a' + i)), Suppress: true,
				Attributes: map[string]string{"email": "one@example.com", "email_verified": "true"},
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, apierr.AliasExists, "")
	}
	if won != 1 {
		t.Errorf("%d users have the alias", won)
	}
}

func TestSec_NAME_3_UsernameIsNeverAnothersSubOrAlias(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{AliasAttributes: []string{"preferred_username"}, CaseChosen: true})
	u := n.user(t, p, "ann", map[string]string{"preferred_username": "nick"})
	for _, name := range []string{u.Sub, strings.ToUpper(u.Sub), "nick", "NICK", "Ann"} {
		_, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: name, Suppress: true})
		if code := apierr.CodeOf(err); code != apierr.UsernameExists && code != apierr.AliasExists {
			t.Errorf("a user %q beside %q: %v", name, u.Username, err)
		}
	}
	_, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: "bob", Suppress: true, Attributes: map[string]string{"preferred_username": "ANN"},
	})
	if err == nil {
		t.Error("an alias equals another user's username")
	}
}

func TestIdentifiers(t *testing.T) {
	n, _ := newNode(t)
	for _, tt := range []struct {
		identifiers []string
		username    string
		kind        string
		text        string
	}{
		{[]string{"email"}, "a@example.com", "email", ""},
		{[]string{"phone_number"}, "+15550001", "phone_number", ""},
		{[]string{"email", "phone_number"}, "+15550001", "phone_number", ""},
		{[]string{"email"}, "ann", "", "Username should be an email."},
		{[]string{"phone_number"}, "a@example.com", "", "Username should be a phone number."},
		{[]string{"email", "phone_number"}, "ann", "", "Username should be either an email or a phone number."},
	} {
		p := n.pool(t, userpool.Settings{UsernameAttributes: tt.identifiers})
		u, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: tt.username, Suppress: true})
		if tt.text != "" {
			wantError(t, err, apierr.InvalidParameter, tt.text)
			continue
		}
		if err != nil || u.Username != u.Sub || u.Attributes[tt.kind] != tt.username {
			t.Errorf("%v %s: %+v, %v", tt.identifiers, tt.username, u, err)
		}
		// Unique at once, verified or not.
		_, err = n.CreateUser(t.Context(), p.ID, userpool.NewUser{Username: tt.username, Suppress: true})
		wantError(t, err, apierr.UsernameExists, "An account with the given "+tt.kind+" already exists.")
		if _, got, err := n.User(t.Context(), p.ID, tt.username); err != nil || got.Sub != u.Sub {
			t.Errorf("%s does not find its user: %v", tt.username, err)
		}
	}
	p := n.pool(t, userpool.Settings{UsernameAttributes: []string{"email"}})
	_, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{
		Username: "a@example.com", Suppress: true, Attributes: map[string]string{"email": "b@example.com"},
	})
	wantError(t, err, apierr.InvalidParameter, "User email should be empty or same as username, since username attribute is email")
	u := n.user(t, p, "a@example.com", nil)
	if err := n.DeleteAttributes(t.Context(), p.ID, u.Sub, []string{"email"}); err == nil {
		t.Error("a user lost the only thing to sign in with")
	}
}

// Whatever happens to users, a name finds the user that has it and no other.
func TestAliasOwnershipModel(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{AliasAttributes: []string{"email"}, CaseChosen: true})
	rapid.Check(t, func(t *rapid.T) {
		mails := []string{"a@example.com", "B@example.com", "c@example.com"}
		owner := map[string]string{}        // folded mail → username
		users := map[string]userpool.User{} // by username
		defer func() {
			for name := range users {
				if err := n.DeleteUser(t.Context(), p.ID, name); err != nil {
					t.Fatal(err)
				}
			}
		}()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			name := rapid.SampledFrom([]string{"u1", "u2", "u3"}).Draw(t, "user")
			mail := rapid.SampledFrom(mails).Draw(t, "mail")
			key := strings.ToLower(mail)
			u, exists := users[name]
			switch {
			case !exists:
				force := rapid.Bool().Draw(t, "force")
				made, err := n.CreateUser(t.Context(), p.ID, userpool.NewUser{
					Username: name, Suppress: true, ForceAlias: force, TemporaryPassword: "Temp0rary!",
					Attributes: map[string]string{"email": mail, "email_verified": "true"},
				})
				if taken := owner[key] != "" && !force; taken != (err != nil) {
					t.Fatalf("create %s with %s: %v, but its owner is %q", name, mail, err, owner[key])
				}
				if err == nil {
					owner[key], users[name] = name, made
				}
			case rapid.Bool().Draw(t, "delete user"):
				if err := n.DeleteUser(t.Context(), p.ID, name); err != nil {
					t.Fatal(err)
				}
				delete(users, name)
				release(owner, name)
			default:
				if err := n.DeleteAttributes(t.Context(), p.ID, u.Sub, []string{"email"}); err != nil {
					t.Fatal(err)
				}
				release(owner, name)
			}
			for _, m := range mails {
				_, got, err := n.User(t.Context(), p.ID, m)
				if want := owner[strings.ToLower(m)]; want == "" != errorsIsNotFound(err) || err == nil && got.Username != want {
					t.Fatalf("%s finds %q (%v), want %q", m, got.Username, err, want)
				}
			}
		}
	})
}

func release(owner map[string]string, name string) {
	for m, o := range owner {
		if o == name {
			delete(owner, m)
		}
	}
}

func errorsIsNotFound(err error) bool { return apierr.CodeOf(err) == apierr.UserNotFound }

func TestRowNamesAreUnique(t *testing.T) {
	p := &userpool.Pool{ID: "us-east-1_a", Settings: userpool.Settings{UsernameAttributes: []string{"email"}, CaseSensitive: true}}
	r := p.Row(store.User{Sub: "s", Username: "s", Attributes: map[string]string{"email": "a@example.com"}})
	if len(r.Names) != 2 {
		t.Errorf("names %v, want the sub once and the address", r.Names)
	}
}
