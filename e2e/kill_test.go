package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestKillWhileUsersSignUp kills the server without warning while users sign
// up, again and again on the same database. A sign-up that was answered must
// be there after the restart, and its user must be able to confirm and sign
// in.
func TestKillWhileUsersSignUp(t *testing.T) {
	const (
		rounds    = 10
		signers   = 4
		perRound  = 60 // acknowledged sign-ups before the kill
		roundTime = 30 * time.Second
	)
	dir := t.TempDir()
	s := startServerIn(t, dir, "dev")
	p := newPool(t, s)
	var acknowledged []string
	for round := range rounds {
		ctx, cancel := context.WithTimeout(t.Context(), roundTime)
		names := make(chan string, 10_000)
		var enough sync.Once
		killed := make(chan struct{})
		var count atomic.Int32
		var wg sync.WaitGroup
		for signer := range signers {
			wg.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("r%d-s%d-n%d", round, signer, i)
					_, err := p.idp.SignUp(ctx, &cip.SignUpInput{
						ClientId: &p.clientID, Username: &name, Password: aws.String(password),
						UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(name + "@example.com")}},
					}, func(o *cip.Options) { o.Retryer = aws.NopRetryer{} })
					if err != nil {
						select {
						case <-killed: // as it should
						default:
							t.Errorf("round %d: SignUp of %s: %v", round, name, err)
							enough.Do(func() { close(killed) })
						}
						return
					}
					names <- name
					if count.Add(1) == perRound {
						// From here on errors are expected: other sign-ups are
						// still on their way when the server dies.
						enough.Do(func() { close(killed) })
					}
				}
			})
		}
		select {
		case <-killed:
		case <-ctx.Done():
			t.Fatalf("round %d: %d sign-ups in %s", round, count.Load(), roundTime)
		}
		s.kill()
		wg.Wait()
		cancel()
		close(names)
		for name := range names {
			acknowledged = append(acknowledged, name)
		}

		s = startServerIn(t, dir, "dev")
		p.server, p.idp = s, s.cognito()
		if t.Failed() {
			t.FailNow()
		}
	}

	lost := 0
	for _, name := range acknowledged {
		got, err := p.idp.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &p.id, Username: &name})
		if notFound := (*types.UserNotFoundException)(nil); errors.As(err, &notFound) {
			lost++
			t.Errorf("%s was acknowledged and is lost", name)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got.UserStatus != types.UserStatusTypeUnconfirmed || len(got.UserAttributes) < 2 {
			t.Errorf("%s is not whole: %s %v", name, got.UserStatus, got.UserAttributes)
		}
	}
	t.Logf("%d sign-ups acknowledged in %d rounds, %d lost", len(acknowledged), rounds, lost)
	if len(acknowledged) < rounds*perRound {
		t.Errorf("only %d sign-ups were acknowledged, want %d", len(acknowledged), rounds*perRound)
	}
	// The last ones of every round are those that a lost write would hit.
	for round := range rounds {
		name := lastOf(acknowledged, fmt.Sprintf("r%d-", round))
		if _, err := p.idp.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{UserPoolId: &p.id, Username: &name}); err != nil {
			t.Errorf("confirm %s: %v", name, err)
			continue
		}
		p.mustSignIn(t, name)
	}
}

// lastOf returns the last name with a prefix.
func lastOf(names []string, prefix string) (last string) {
	for _, name := range names {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			last = name
		}
	}
	return last
}
