package signin_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const (
	badSession  = "NotAuthorizedException: Invalid session for the user."
	oldSession  = "NotAuthorizedException: Invalid session for the user, session is expired."
	usedSession = "NotAuthorizedException: Invalid session for the user, session can only be used once."
)

// newPassword answers NEW_PASSWORD_REQUIRED.
func (w *world) newPassword(c *userpool.Client, session, name, pass string, more map[string]string) (signin.AuthResult, error) {
	in := signin.ChallengeInput{ClientID: c.ID, Challenge: signin.ChallengeNewPasswordRequired, Session: session,
		Responses: map[string]string{"USERNAME": name, "NEW_PASSWORD": pass}}
	maps.Copy(in.Responses, more)
	return w.s.RespondToAuthChallenge(w.t.Context(), in)
}

func (w *world) challenge(c *userpool.Client, name string) signin.AuthResult {
	w.t.Helper()
	r, err := w.try(c, name, temporary)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Challenge != signin.ChallengeNewPasswordRequired || r.Tokens != nil {
		w.t.Fatalf("challenge %q, want NEW_PASSWORD_REQUIRED", r.Challenge)
	}
	return r
}

func TestNewPasswordRequired(t *testing.T) {
	w := newWorld(t)
	p := w.pool(func(s *userpool.Settings) {
		s.Schema = append(s.Schema, userpool.Attribute{Name: "email", Type: userpool.TypeString, Mutable: true, Required: true},
			userpool.Attribute{Name: "family_name", Type: userpool.TypeString, Mutable: true, Required: true})
	})
	c := w.client(p)
	w.newcomer(p, "jdoe", map[string]string{"email": "j@x.io", "email_verified": "true"})

	r := w.challenge(c, "jdoe")
	want := map[string]string{
		"USER_ID_FOR_SRP":    "jdoe",
		"requiredAttributes": `["userAttributes.family_name"]`,
		"userAttributes":     `{"email":"j@x.io","email_verified":"true"}`,
	}
	if !maps.Equal(r.Parameters, want) {
		t.Errorf("parameters %v\nwant %v", r.Parameters, want)
	}
	if n := len(r.Session); n < 20 || n > 2048 {
		t.Errorf("session of %d characters", n)
	}
	family := map[string]string{"userAttributes.family_name": "Doe"}
	with := func(name, value string) map[string]string {
		m := maps.Clone(family)
		m["userAttributes."+name] = value
		return m
	}
	for _, x := range []struct {
		name       string
		user, pass string
		more       map[string]string
		want       string
	}{
		{"a required attribute is missing", "jdoe", password, nil, "InvalidParameterException: Invalid attributes given, family_name is missing"},
		{"an attribute is given that is there", "jdoe", password, with("email", "evil@x.io"), "NotAuthorizedException: Cannot modify an already provided email"},
		{"a reserved attribute", "jdoe", password, with("phone_number_verified", "true"), "NotAuthorizedException: A client attempted to write unauthorized attribute"},
		{"the password is weak", "jdoe", "short", family, "InvalidPasswordException: Password did not conform with policy: Password not long enough"},
		{"another user", "other", password, family, badSession},
		{"no user name", "", password, family, "InvalidParameterException: Missing required parameter USERNAME"},
		{"no password", "jdoe", "", family, "InvalidParameterException: Missing required parameter NEW_PASSWORD"},
		{"an endless password", "jdoe", strings.Repeat("Aa1!", 65), family, "InvalidParameterException: 1 validation error detected: Value at 'newPassword' failed to satisfy constraint: Member must have length less than or equal to 256"},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := w.newPassword(c, r.Session, x.user, x.pass, x.more)
			wantSaid(t, err, x.want)
		})
	}
	// None of them used the session up. What clients send back unchanged is no change.
	got := tokensOf(t)(w.newPassword(c, r.Session, "jdoe", password, with("email", "j@x.io")))
	id := w.claims(p, got.ID, token.ID)
	if id.String("family_name") != "Doe" || got.Refresh == "" {
		t.Errorf("ID token %s", id.AppendJSON(nil))
	}
	if u := w.find(p, "jdoe"); u.Status != userpool.StatusConfirmed || !u.PasswordExpires.IsZero() {
		t.Errorf("user is %s, password expires %v", u.Status, u.PasswordExpires)
	}
	w.signIn(c, "jdoe")
	_, err := w.try(c, "jdoe", temporary)
	wantSaid(t, err, incorrect)
}

// An administrator may create a user without a required attribute that cannot
// be changed. It used to be asked for and then refused, for ever.
func TestNewPasswordSetsMissingImmutables(t *testing.T) {
	w := newWorld(t)
	p := w.pool(func(s *userpool.Settings) {
		s.Schema = append(s.Schema, userpool.Attribute{Name: "family_name", Type: userpool.TypeString, Required: true},
			userpool.Attribute{Name: "tenantId", Type: userpool.TypeString})
	})
	c := w.client(p)
	w.newcomer(p, "jdoe", nil)
	r := w.challenge(c, "jdoe")
	if got, want := r.Parameters["requiredAttributes"], `["userAttributes.family_name"]`; got != want {
		t.Fatalf("asks for %s, want %s", got, want)
	}
	// What is not asked for stays immutable: it is the administrator's to set.
	_, err := w.newPassword(c, r.Session, "jdoe", password, map[string]string{"userAttributes.family_name": "Doe", "userAttributes.custom:tenantId": "evil"})
	wantSaid(t, err, "InvalidParameterException: Invalid user attributes: user.custom:tenantId: Attribute cannot be updated.\n")

	got := tokensOf(t)(w.newPassword(c, r.Session, "jdoe", password, map[string]string{"userAttributes.family_name": "Doe"}))
	if id := w.claims(p, got.ID, token.ID); id.String("family_name") != "Doe" {
		t.Errorf("ID token %s", id.AppendJSON(nil))
	}
	_, err = w.s.UpdateUserAttributes(t.Context(), got.Access.Reveal(), map[string]string{"family_name": "Roe"})
	wantSaid(t, err, "InvalidParameterException: Invalid user attributes: user.family_name: Attribute cannot be updated.\n")
}

func TestTemporaryPasswordExpires(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p)
	w.newcomer(p, "jdoe", nil)
	w.clock.advance(7*24*time.Hour - time.Second)
	w.challenge(c, "jdoe")
	w.clock.advance(time.Second)
	_, err := w.try(c, "jdoe", temporary)
	wantSaid(t, err, "NotAuthorizedException: Temporary password has expired and must be reset by an administrator.")
	_, err = w.try(c, "jdoe", "wrong")
	wantSaid(t, err, incorrect)
}

// TestSec_SES_2_SessionsAreBound walks the places to which a session cannot be
// taken.
func TestSec_SES_2_SessionsAreBound(t *testing.T) {
	w := newWorld(t)
	p, other := w.pool(), w.pool()
	c, second, foreign := w.client(p), w.client(p), w.client(other)
	for _, name := range []string{"jdoe", "jane", "changed", "disabled", "deleted"} {
		w.newcomer(p, name, nil)
	}
	w.newcomer(other, "jdoe", nil)
	ctx := t.Context()
	r := w.challenge(c, "jdoe")

	t.Run("another client", func(t *testing.T) {
		_, err := w.newPassword(second, r.Session, "jdoe", password, nil)
		wantSaid(t, err, badSession)
	})
	t.Run("another pool", func(t *testing.T) {
		_, err := w.newPassword(foreign, r.Session, "jdoe", password, nil)
		wantSaid(t, err, badSession)
	})
	t.Run("another user", func(t *testing.T) {
		_, err := w.newPassword(c, r.Session, "jane", password, nil)
		wantSaid(t, err, badSession)
	})
	t.Run("another kind of challenge", func(t *testing.T) {
		k, parameters := w.srpFirst(c, "jdoe", temporary)
		answer := w.srpAnswer(c, k, parameters)
		_, err := w.newPassword(c, base64.RawURLEncoding.EncodeToString([]byte(parameters["SECRET_BLOCK"])), "jdoe", password, nil)
		wantSaid(t, err, badSession)
		answer.Responses["PASSWORD_CLAIM_SECRET_BLOCK"] = r.Session
		_, err = w.s.RespondToAuthChallenge(ctx, answer)
		wantSaid(t, err, badSession)
	})
	t.Run("a session that nobody made, in many spellings", func(t *testing.T) {
		for _, s := range []string{"x", r.Session + "A", r.Session[:len(r.Session)-1], "B" + r.Session[1:], r.Session[:9] + "\n" + r.Session[9:], r.Session + "=", strings.Repeat("A", 2049)} {
			_, err := w.newPassword(c, s, "jdoe", password, nil)
			wantSaid(t, err, badSession)
		}
	})
	t.Run("after the password was replaced", func(t *testing.T) {
		r := w.challenge(c, "changed")
		err := w.pools.AdminSetPassword(ctx, userpool.PasswordChange{PoolID: p.ID, Username: "changed", Password: temporary + "2"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.newPassword(c, r.Session, "changed", password, nil)
		wantSaid(t, err, badSession)
	})
	t.Run("after the user was disabled", func(t *testing.T) {
		r := w.challenge(c, "disabled")
		if err := w.pools.SetEnabled(ctx, p.ID, "disabled", false); err != nil {
			t.Fatal(err)
		}
		_, err := w.newPassword(c, r.Session, "disabled", password, nil)
		wantSaid(t, err, "NotAuthorizedException: User is disabled.")
	})
	t.Run("after the user was deleted and created again", func(t *testing.T) {
		r := w.challenge(c, "deleted")
		if err := w.pools.DeleteUser(ctx, p.ID, "deleted"); err != nil {
			t.Fatal(err)
		}
		w.newcomer(p, "deleted", nil)
		_, err := w.newPassword(c, r.Session, "deleted", password, nil)
		wantSaid(t, err, badSession)
	})
	t.Run("after its time", func(t *testing.T) {
		slow := w.client(p, func(in *userpool.NewClient) { in.AuthSessionValidity = 15 })
		long := w.challenge(slow, "jdoe")
		k, parameters := w.srpFirst(c, "jdoe", temporary)
		answer := w.srpAnswer(c, k, parameters)
		w.clock.advance(3 * time.Minute)
		_, err := w.newPassword(c, r.Session, "jdoe", password, nil)
		wantSaid(t, err, oldSession)
		_, err = w.s.RespondToAuthChallenge(ctx, answer)
		wantSaid(t, err, oldSession)
		w.clock.advance(12*time.Minute - time.Millisecond)
		tokensOf(t)(w.newPassword(slow, long.Session, "jdoe", password, nil))
		t.Run("and after success", func(t *testing.T) {
			_, far := w.node()
			_, err := far.RespondToAuthChallenge(ctx, signin.ChallengeInput{ClientID: slow.ID, Challenge: signin.ChallengeNewPasswordRequired,
				Session: long.Session, Responses: map[string]string{"USERNAME": "jdoe", "NEW_PASSWORD": password + "2"}})
			wantSaid(t, err, usedSession)
			w.signIn(c, "jdoe")
		})
	})
	t.Run("a challenge that is not built", func(t *testing.T) {
		_, err := w.s.RespondToAuthChallenge(ctx, signin.ChallengeInput{ClientID: c.ID, Challenge: "SMS_MFA", Session: r.Session})
		wantSaid(t, err, "InvalidParameterException: Challenge SMS_MFA is not implemented by this server: see docs/parity.md")
	})
}

// TestSec_SES_2_StateMachine drives sign-ins of two users at two clients
// through random steps, with sessions that the model knows to be good or not.
func TestSec_SES_2_StateMachine(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	clients := []*userpool.Client{w.client(p), w.client(p)}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		names := []string{fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round)}
		passwords := map[string]string{}
		for _, n := range names {
			w.newcomer(p, n, nil)
			passwords[n] = temporary
		}
		type made struct {
			text    string
			client  int
			user    string
			earned  string // password it was earned with
			expires time.Time
			used    bool
		}
		var sessions []made
		confirmed := map[string]bool{}
		rt.Repeat(map[string]func(*rapid.T){
			"sign in": func(rt *rapid.T) {
				n, c := rapid.SampledFrom(names).Draw(rt, "user"), rapid.IntRange(0, 1).Draw(rt, "client")
				r, err := w.try(clients[c], n, passwords[n])
				switch {
				case err != nil:
					rt.Fatal(err)
				case confirmed[n] != (r.Tokens != nil):
					rt.Fatalf("%s confirmed %v, tokens %v", n, confirmed[n], r.Tokens != nil)
				case r.Tokens == nil:
					sessions = append(sessions, made{r.Session, c, n, passwords[n], w.clock.now().Add(3 * time.Minute), false})
				}
			},
			"wait": func(rt *rapid.T) {
				w.clock.advance(time.Duration(rapid.IntRange(1, 100).Draw(rt, "seconds")) * time.Second)
			},
			"answer": func(rt *rapid.T) {
				if len(sessions) == 0 {
					rt.Skip("no session yet")
				}
				i := rapid.IntRange(0, len(sessions)-1).Draw(rt, "session")
				n, c := rapid.SampledFrom(names).Draw(rt, "user"), rapid.IntRange(0, 1).Draw(rt, "client")
				x := &sessions[i]
				next := fmt.Sprintf("Chosen-%d!", rapid.IntRange(1000, 9999).Draw(rt, "password"))
				r, err := w.newPassword(clients[c], x.text, n, next, nil)
				want := "no error"
				switch {
				case c != x.client:
					want = badSession
				case !w.clock.now().Before(x.expires):
					want = oldSession
				case n != x.user:
					want = badSession
				case x.used:
					want = usedSession
				case confirmed[x.user]:
					want, x.used = badSession, true
				}
				if got := said(err); got != want {
					rt.Fatalf("%s at %d with a session of %s at %d: %s, want %s", n, c, x.user, x.client, got, want)
				}
				if want == "no error" {
					if r.Tokens == nil {
						rt.Fatal("no tokens")
					}
					x.used, confirmed[n], passwords[n] = true, true, next
				}
			},
		})
	})
}

// TestOneOfManyAnswersWins: a session is used once, however many try.
func TestOneOfManyAnswersWins(t *testing.T) { onDatabases(t, oneOfManyAnswersWins) }

func oneOfManyAnswersWins(t *testing.T, open func(testing.TB) *world) {
	w := open(t)
	p := w.pool()
	c := w.client(p)
	w.newcomer(p, "jdoe", nil)
	r := w.challenge(c, "jdoe")
	var won atomic.Int64
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			pass := fmt.Sprintf("Chosen-%d-by-one!", i)
			switch _, err := w.newPassword(c, r.Session, "jdoe", pass, nil); said(err) {
			case "no error":
				won.Add(1)
				winner.Store(pass)
			case usedSession, badSession:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d answers were accepted, want 1", won.Load())
	}
	tokensOf(t)(w.try(c, "jdoe", winner.Load().(string)))
}

func TestSRP(t *testing.T) {
	w := newWorld(t)
	p := w.pool(func(s *userpool.Settings) { s.AliasAttributes = []string{store.NameEmail} })
	c := w.client(p)
	u := w.user(p, "jdoe", map[string]string{"email": "j@x.io", "email_verified": "true"})
	w.newcomer(p, "newcomer", nil)
	ctx := t.Context()

	for _, name := range []string{"jdoe", "j@x.io", u.Sub} {
		got := tokensOf(t)(w.srp(c, name, password))
		w.claims(p, got.Access, token.Access)
	}
	if r, err := w.srp(c, "newcomer", temporary); err != nil || r.Challenge != signin.ChallengeNewPasswordRequired {
		t.Errorf("newcomer: %v, %v", r.Challenge, err)
	}
	t.Run("by admin operations", func(t *testing.T) {
		k, parameters := w.srpFirst(c, "jdoe", password)
		answer := w.srpAnswer(c, k, parameters)
		answer.Admin, answer.PoolID = true, p.ID
		tokensOf(t)(w.s.RespondToAuthChallenge(ctx, answer))
	})
	t.Run("the name of the first step is accepted in the second", func(t *testing.T) {
		k, parameters := w.srpFirst(c, "j@x.io", password)
		answer := w.srpAnswer(c, k, parameters)
		answer.Responses["USERNAME"] = "j@x.io"
		tokensOf(t)(w.s.RespondToAuthChallenge(ctx, answer))
	})
	t.Run("the second step can be on another node", func(t *testing.T) {
		_, far := w.node()
		k, parameters := w.srpFirst(c, "jdoe", password)
		tokensOf(t)(far.RespondToAuthChallenge(ctx, w.srpAnswer(c, k, parameters)))
	})
	t.Run("an exchange gives one sign-in", func(t *testing.T) {
		k, parameters := w.srpFirst(c, "jdoe", password)
		answer := w.srpAnswer(c, k, parameters)
		tokensOf(t)(w.s.RespondToAuthChallenge(ctx, answer))
		_, err := w.s.RespondToAuthChallenge(ctx, answer)
		wantSaid(t, err, usedSession)
	})
	t.Run("wrong password", func(t *testing.T) {
		_, err := w.srp(c, "jdoe", "wrong")
		wantSaid(t, err, incorrect)
		w.signIn(c, "jdoe")
	})
	t.Run("a password replaced between the steps", func(t *testing.T) {
		w.user(p, "moving", nil)
		k, parameters := w.srpFirst(c, "moving", password)
		answer := w.srpAnswer(c, k, parameters)
		if err := w.pools.AdminSetPassword(ctx, userpool.PasswordChange{PoolID: p.ID, Username: "moving", Password: password + "2", Permanent: true}); err != nil {
			t.Fatal(err)
		}
		_, err := w.s.RespondToAuthChallenge(ctx, answer)
		wantSaid(t, err, incorrect)
	})
	for name, want := range map[string]string{
		"USERNAME": "InvalidParameterException: Missing required parameter USERNAME", "PASSWORD_CLAIM_SECRET_BLOCK": "InvalidParameterException: Missing required parameter PASSWORD_CLAIM_SECRET_BLOCK",
		"PASSWORD_CLAIM_SIGNATURE": "InvalidParameterException: Missing required parameter PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP": "InvalidParameterException: Missing required parameter TIMESTAMP",
	} {
		t.Run("without "+name, func(t *testing.T) {
			k, parameters := w.srpFirst(c, "jdoe", password)
			answer := w.srpAnswer(c, k, parameters)
			delete(answer.Responses, name)
			_, err := w.s.RespondToAuthChallenge(ctx, answer)
			wantSaid(t, err, want)
		})
	}
	t.Run("another user's name", func(t *testing.T) {
		k, parameters := w.srpFirst(c, "jdoe", password)
		answer := w.srpAnswer(c, k, parameters)
		answer.Responses["USERNAME"] = "newcomer"
		_, err := w.s.RespondToAuthChallenge(ctx, answer)
		wantSaid(t, err, badSession)
	})
	t.Run("a pool that keeps argon2id cannot", func(t *testing.T) {
		p := w.pool(func(s *userpool.Settings) { s.PasswordStore = userpool.PasswordArgon2id })
		c := w.client(p)
		w.user(p, "jdoe", nil)
		w.signIn(c, "jdoe")
		_, err := w.srp(c, "jdoe", password)
		wantSaid(t, err, incorrect)
	})
}

// TestSec_PW_3_PublicValues: A that makes the key predictable is refused, and
// users that do not exist have a salt and B like others.
func TestSec_PW_3_PublicValues(t *testing.T) {
	w := newWorld(t)
	p := w.pool()
	c := w.client(p, hides)
	w.user(p, "jdoe", nil)
	ctx := t.Context()
	const n = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"
	for _, a := range []string{"0", "00", n, strings.ToLower(n), "xyz", "-1", strings.Repeat("f", 4096)} {
		_, err := w.s.InitiateAuth(ctx, signin.AuthInput{ClientID: c.ID, Flow: signin.FlowUserSRP, Parameters: map[string]string{"USERNAME": "jdoe", "SRP_A": a}})
		wantSaid(t, err, "InvalidParameterException: SRP_A is not valid.")
	}
	seen := map[string]bool{}
	for _, name := range []string{"jdoe", "nobody", "nobody"} {
		_, parameters := w.srpFirst(c, name, "wrong")
		if len(parameters["SALT"]) != 32 || len(parameters["SRP_B"]) < 700 || seen[parameters["SRP_B"]] {
			t.Errorf("%s: salt %q, B of %d digits", name, parameters["SALT"], len(parameters["SRP_B"]))
		}
		seen[parameters["SRP_B"]] = true
	}
	_, a := w.srpFirst(c, "nobody", "wrong")
	_, b := w.srpFirst(c, "NOBODY", "wrong")
	_, other := w.srpFirst(c, "nobody2", "wrong")
	_, again := w.srpFirst(c, "nobody", "wrong")
	if a["SALT"] != again["SALT"] || a["SALT"] == other["SALT"] {
		t.Error("the salt of an unknown user must be its own, and always the same")
	}
	if p.CaseSensitive == (a["SALT"] == b["SALT"]) {
		t.Error("names that are the same to the pool have the same salt, and only those")
	}
}

func FuzzOpenSession(f *testing.F) {
	w := newWorld(f)
	p := w.pool()
	c := w.client(p)
	w.newcomer(p, "jdoe", nil)
	good := w.challenge(c, "jdoe").Session
	k, parameters := w.srpFirst(c, "jdoe", temporary)
	answer := w.srpAnswer(c, k, parameters)
	f.Add(good, parameters["SECRET_BLOCK"])
	f.Add("", "")
	f.Add(good[:40], "AAAA")
	f.Add(secret.Text("abc", 2048), secret.Text("abc", 4096))
	f.Fuzz(func(t *testing.T, session, block string) {
		if session != good {
			// A password that breaks the policy leaves the session unused.
			_, err := w.s.RespondToAuthChallenge(t.Context(), signin.ChallengeInput{ClientID: c.ID, Challenge: signin.ChallengeNewPasswordRequired,
				Session: session, Responses: map[string]string{"USERNAME": "jdoe", "NEW_PASSWORD": "short"}})
			if said(err) != badSession && session != "" {
				t.Errorf("session %q: %v", session, err)
			}
		}
		if block != parameters["SECRET_BLOCK"] && block != "" {
			changed := answer
			changed.Responses = maps.Clone(answer.Responses)
			changed.Responses["PASSWORD_CLAIM_SECRET_BLOCK"] = block
			if _, err := w.s.RespondToAuthChallenge(t.Context(), changed); said(err) != badSession {
				t.Errorf("block %q: %v", block, err)
			}
		}
	})
}
