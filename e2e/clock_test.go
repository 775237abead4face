package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestClock moves the server's clock past everything that expires, a step
// before the end and a step after it. The lives are Cognito's defaults.
func TestClock(t *testing.T) {
	p := newPool(t, startServer(t))
	ctx := t.Context()
	p.addUser(t, "jane", map[string]string{"email": "jane@example.com", "email_verified": "true"})
	newcomer := func(name string) {
		t.Helper()
		_, err := p.idp.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &p.id, Username: &name, TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress})
		if err != nil {
			t.Fatal(err)
		}
	}
	start := func(name string) (*cip.InitiateAuthOutput, error) {
		return p.idp.InitiateAuth(ctx, &cip.InitiateAuthInput{ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password}})
	}
	expired := func(what string, err error, matches bool) {
		t.Helper()
		if err == nil || !matches {
			t.Errorf("%s: got %v, want that it has expired", what, err)
		}
	}
	good := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}

	// The session of a challenge: 3 minutes.
	newcomer("slow")
	answer := func(session *string) error {
		_, err := p.idp.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{ClientId: &p.clientID, ChallengeName: types.ChallengeNameTypeNewPasswordRequired,
			Session: session, ChallengeResponses: map[string]string{"USERNAME": "slow", "NEW_PASSWORD": "Second-Horse-9"}})
		return err
	}
	challenge, err := start("slow")
	if err != nil {
		t.Fatal(err)
	}
	p.advance(t, 3*time.Minute+time.Second)
	err = answer(challenge.Session)
	expired("a session after 3 minutes", err, is[*types.NotAuthorizedException](err))
	if challenge, err = start("slow"); err != nil {
		t.Fatal(err)
	}
	p.advance(t, 2*time.Minute+50*time.Second)
	good("a session before 3 minutes", answer(challenge.Session))

	// The access token: an hour.
	tokens := p.mustSignIn(t, "jane")
	getUser := func() error {
		_, err := p.idp.GetUser(ctx, &cip.GetUserInput{AccessToken: tokens.AccessToken})
		return err
	}
	p.advance(t, 59*time.Minute)
	good("an access token after 59 minutes", getUser())
	p.advance(t, time.Minute+time.Second)
	err = getUser()
	expired("an access token after an hour", err, is[*types.NotAuthorizedException](err))

	// A code of password recovery: an hour.
	forgot := func() string {
		t.Helper()
		if _, err := p.idp.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: &p.clientID, Username: aws.String("jane")}); err != nil {
			t.Fatal(err)
		}
		return p.code(t, "jane@example.com")
	}
	reset := func(code string) error {
		_, err := p.idp.ConfirmForgotPassword(ctx, &cip.ConfirmForgotPasswordInput{ClientId: &p.clientID, Username: aws.String("jane"), ConfirmationCode: &code, Password: aws.String(password)})
		return err
	}
	code := forgot()
	p.advance(t, time.Hour+time.Second)
	err = reset(code)
	expired("a recovery code after an hour", err, is[*types.ExpiredCodeException](err))
	code = forgot()
	p.advance(t, 59*time.Minute)
	good("a recovery code after 59 minutes", reset(code))

	// A temporary password: 7 days.
	newcomer("early")
	newcomer("late")
	p.advance(t, 7*24*time.Hour-time.Minute)
	_, err = start("early")
	good("a temporary password before 7 days", err)
	p.advance(t, 2*time.Minute)
	_, err = start("late")
	expired("a temporary password after 7 days", err, is[*types.NotAuthorizedException](err))

	// The refresh token: 30 days.
	tokens = p.mustSignIn(t, "jane")
	refresh := func() error {
		_, err := p.idp.InitiateAuth(ctx, &cip.InitiateAuthInput{ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
			AuthParameters: map[string]string{"REFRESH_TOKEN": *tokens.RefreshToken}})
		return err
	}
	p.advance(t, 30*24*time.Hour-time.Minute)
	good("a refresh token before 30 days", refresh())
	p.advance(t, 2*time.Minute)
	err = refresh()
	expired("a refresh token after 30 days", err, is[*types.NotAuthorizedException](err))
}
