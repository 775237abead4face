package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/signin"
)

// authAPI is the operations that give tokens and take them away.
type authAPI struct{ signin *signin.Service }

// authOperations are the operations of sign-in, refresh and sign-out.
func authOperations(s *signin.Service) []awsapi.Operation {
	a := &authAPI{signin: s}
	return []awsapi.Operation{
		awsapi.Op("InitiateAuth", a.initiateAuth),
		awsapi.Op("AdminInitiateAuth", a.adminInitiateAuth),
		awsapi.Op("RespondToAuthChallenge", a.respondToAuthChallenge),
		awsapi.Op("AdminRespondToAuthChallenge", a.adminRespondToAuthChallenge),
		awsapi.Op("GetTokensFromRefreshToken", a.getTokensFromRefreshToken),
		awsapi.Op("RevokeToken", a.revokeToken),
		awsapi.Op("GlobalSignOut", a.globalSignOut),
		awsapi.Op("AdminUserGlobalSignOut", a.adminUserGlobalSignOut),
		awsapi.Op("GetUser", a.getUser),
	}
}

// caller is what the domain is told of who sent the request.
func caller(ctx context.Context) signin.Caller {
	r := awsapi.RequestFrom(ctx)
	return signin.Caller{SourceIP: r.SourceIP, UserAgent: r.UserAgent, RequestID: r.ID}
}

func (a *authAPI) initiateAuth(ctx context.Context, in *initiateAuthRequest) (*initiateAuthResponse, error) {
	r, err := a.signin.InitiateAuth(ctx, signin.AuthInput{
		ClientID: awsapi.Value(in.ClientId), Flow: awsapi.Value(in.AuthFlow), Parameters: in.AuthParameters,
		ClientMetadata: in.ClientMetadata, Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	w := authResult(r)
	return &initiateAuthResponse{
		ChallengeName: w.challenge, Session: w.session, ChallengeParameters: w.parameters, AuthenticationResult: w.tokens,
	}, nil
}

func (a *authAPI) adminInitiateAuth(ctx context.Context, in *adminInitiateAuthRequest) (*adminInitiateAuthResponse, error) {
	r, err := a.signin.InitiateAuth(ctx, signin.AuthInput{
		Admin: true, PoolID: awsapi.Value(in.UserPoolId), ClientID: awsapi.Value(in.ClientId), Flow: awsapi.Value(in.AuthFlow),
		Parameters: in.AuthParameters, ClientMetadata: in.ClientMetadata, Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	w := authResult(r)
	return &adminInitiateAuthResponse{
		ChallengeName: w.challenge, Session: w.session, ChallengeParameters: w.parameters, AuthenticationResult: w.tokens,
	}, nil
}

func (a *authAPI) respondToAuthChallenge(ctx context.Context, in *respondToAuthChallengeRequest) (*respondToAuthChallengeResponse, error) {
	r, err := a.signin.RespondToAuthChallenge(ctx, signin.ChallengeInput{
		ClientID: awsapi.Value(in.ClientId), Challenge: awsapi.Value(in.ChallengeName), Session: awsapi.Value(in.Session),
		Responses: in.ChallengeResponses, ClientMetadata: in.ClientMetadata, Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	w := authResult(r)
	return &respondToAuthChallengeResponse{
		ChallengeName: w.challenge, Session: w.session, ChallengeParameters: w.parameters, AuthenticationResult: w.tokens,
	}, nil
}

func (a *authAPI) adminRespondToAuthChallenge(ctx context.Context, in *adminRespondToAuthChallengeRequest) (*adminRespondToAuthChallengeResponse, error) {
	r, err := a.signin.RespondToAuthChallenge(ctx, signin.ChallengeInput{
		Admin: true, PoolID: awsapi.Value(in.UserPoolId), ClientID: awsapi.Value(in.ClientId), Challenge: awsapi.Value(in.ChallengeName),
		Session: awsapi.Value(in.Session), Responses: in.ChallengeResponses, ClientMetadata: in.ClientMetadata, Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	w := authResult(r)
	return &adminRespondToAuthChallengeResponse{
		ChallengeName: w.challenge, Session: w.session, ChallengeParameters: w.parameters, AuthenticationResult: w.tokens,
	}, nil
}

// wireResult is the members that the four operations answer with.
type wireResult struct {
	challenge, session *string
	parameters         map[string]string
	tokens             *authenticationResultType
}

func authResult(r signin.AuthResult) wireResult {
	// ChallengeParameters is there, and empty, with tokens too.
	w := wireResult{parameters: map[string]string{}}
	if r.Tokens != nil {
		w.tokens = tokens(*r.Tokens)
		return w
	}
	w.challenge = &r.Challenge
	if r.Session != "" {
		w.session = &r.Session
	}
	if r.Parameters != nil {
		w.parameters = r.Parameters
	}
	return w
}

func tokens(t signin.Tokens) *authenticationResultType {
	return &authenticationResultType{
		AccessToken: awsapi.Present(t.Access.Reveal()), IdToken: awsapi.Present(t.ID.Reveal()), RefreshToken: awsapi.Present(t.Refresh.Reveal()),
		ExpiresIn: new(int32(t.ExpiresIn)), TokenType: new("Bearer"),
	}
}
