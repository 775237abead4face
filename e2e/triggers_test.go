package e2e

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/trigger"
	"github.com/rockpoolhq/rockpool/internal/trigger/triggertest"
)

// sampled are the numbers of the cases that run here with a real Node.js, of
// each kind some: claims, groups, values, scopes, errors. All of them run in
// package trigger with an invoker that plays the function.
var sampled = []int{2, 4, 7, 9, 12, 15, 16, 18, 20, 21, 22, 24, 28, 30, 31, 32, 34, 35, 36, 40, 43, 44, 48, 49, 50, 51, 52, 53, 54, 55}

var versions = map[token.Version]types.PreTokenGenerationLambdaVersionType{
	token.V1: types.PreTokenGenerationLambdaVersionTypeV10,
	token.V2: types.PreTokenGenerationLambdaVersionTypeV20,
	token.V3: types.PreTokenGenerationLambdaVersionTypeV30,
}

// TestPreTokenCasesOnNode deploys the function of each sampled case, signs the
// user of the cases in, and compares the tokens with those of before.
func TestPreTokenCasesOnNode(t *testing.T) {
	p := newPool(t, startServer(t))
	p.addUser(t, triggertest.UserName, map[string]string{
		"email": "j@x.io", "email_verified": "true", "family_name": "Zoe", "custom:tier": "gold",
	})
	for i, group := range []struct{ name, role string }{{"g1", triggertest.Role1}, {"g2", triggertest.Role2}} {
		_, err := p.idp.CreateGroup(t.Context(), &cip.CreateGroupInput{
			UserPoolId: &p.id, GroupName: &group.name, RoleArn: &group.role, Precedence: aws.Int32(int32(i)),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.idp.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &p.id, GroupName: &group.name, Username: aws.String(triggertest.UserName)})
		if err != nil {
			t.Fatal(err)
		}
	}
	plain := p.mustSignIn(t, triggertest.UserName)
	before := map[token.Use]token.Claims{
		token.ID: p.claims(t, *plain.IdToken, token.ID), token.Access: p.claims(t, *plain.AccessToken, token.Access),
	}

	ran := 0
	for _, c := range triggertest.Cases() {
		if !slices.Contains(sampled, c.Number) || c.Version != token.V1 && c.Hangs { // a time-out takes five seconds
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d v%d %s", c.Number, c.Version, c.Name), func(t *testing.T) {
			name := fmt.Sprintf("case-%d-%d-%d", c.Number, c.Version, ran)
			arn := p.deploy(t, name, lambdatypes.RuntimeNodejs20x, "index.handler", map[string][]byte{"index.mjs": []byte(c.NodeHandler(p.clientID))})
			p.attach(t, arn, versions[c.Version])
			in := &cip.InitiateAuthInput{
				ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
				AuthParameters: map[string]string{"USERNAME": triggertest.UserName, "PASSWORD": password},
			}
			switch c.Source {
			case "", trigger.TokenAuthentication:
			case trigger.TokenRefreshTokens:
				in.AuthFlow, in.AuthParameters = types.AuthFlowTypeRefreshTokenAuth, map[string]string{"REFRESH_TOKEN": *plain.RefreshToken}
			default:
				t.Fatalf("source %s has no flow here", c.Source)
			}
			out, err := p.idp.InitiateAuth(t.Context(), in)
			if c.WantCode != "" {
				var refused smithy.APIError
				if !errors.As(err, &refused) || refused.ErrorCode() != string(c.WantCode) || refused.ErrorMessage() != c.WantMessage {
					t.Errorf("got %v, want %s: %s", err, c.WantCode, c.WantMessage)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for use, raw := range map[token.Use]*string{token.ID: out.AuthenticationResult.IdToken, token.Access: out.AuthenticationResult.AccessToken} {
				after := p.claims(t, *raw, use)
				for _, line := range c.Differences(use, p.clientID, before[use], after, triggertest.Volatile...) {
					t.Error(line)
				}
			}
		})
	}
	if ran < 40 {
		t.Errorf("%d cases ran, want 40", ran)
	}
}
