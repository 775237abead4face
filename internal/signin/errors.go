package signin

import "github.com/rockpoolhq/rockpool/internal/apierr"

// The texts are Cognito's: client libraries and applications compare them.
var (
	errIncorrect          = apierr.New(apierr.NotAuthorized, "Incorrect username or password.")
	errDisabled           = apierr.New(apierr.NotAuthorized, "User is disabled.")
	errLocked             = apierr.New(apierr.NotAuthorized, "Password attempts exceeded")
	errTemporaryExpired   = apierr.New(apierr.NotAuthorized, "Temporary password has expired and must be reset by an administrator.")
	errNotConfirmed       = apierr.New(apierr.UserNotConfirmed, "User is not confirmed.")
	errResetRequired      = apierr.New(apierr.PasswordResetRequired, "Password reset required for the user")
	errUserNotFound       = apierr.New(apierr.UserNotFound, "User does not exist.")
	errCombination        = apierr.New(apierr.UserNotFound, "Username/client id combination not found.")
	errBusy               = apierr.New(apierr.TooManyRequests, "Too many requests")
	errSession            = apierr.New(apierr.NotAuthorized, "Invalid session for the user.")
	errSessionExpired     = apierr.New(apierr.NotAuthorized, "Invalid session for the user, session is expired.")
	errSessionUsed        = apierr.New(apierr.NotAuthorized, "Invalid session for the user, session can only be used once.")
	errAccessToken        = apierr.New(apierr.NotAuthorized, "Invalid Access Token")
	errAccessExpired      = apierr.New(apierr.NotAuthorized, "Access Token has expired")
	errAccessRevoked      = apierr.New(apierr.NotAuthorized, "Access Token has been revoked")
	errAccessScopes       = apierr.New(apierr.NotAuthorized, "Access Token does not have required scopes")
	errAccessSignature    = apierr.New(apierr.NotAuthorized, "Could not verify signature for Access Token")
	errRefreshToken       = apierr.New(apierr.NotAuthorized, "Invalid Refresh Token")
	errRefreshExpired     = apierr.New(apierr.NotAuthorized, "Refresh Token has expired")
	errRefreshRevoked     = apierr.New(apierr.NotAuthorized, "Refresh Token has been revoked")
	errRefreshReuse       = apierr.New(apierr.RefreshTokenReuse, "Refresh token reuse detected. All tokens of this sign-in have been revoked.")
	errRefreshRaced       = apierr.New(apierr.RefreshTokenReuse, "Refresh token was used at the same time by another request.")
	errUnauthorizedClient = apierr.New(apierr.Unauthorized, "Client secret does not match.")
	errTokenType          = apierr.New(apierr.UnsupportedTokenType, "Unsupported token type")
	errRevocationOff      = apierr.New(apierr.UnsupportedOperation, "Token revocation is not enabled for the client.")
	errMethod             = apierr.New(apierr.InvalidParameter, "Initiate Auth method not supported")
)

func missingParameter(name string) error {
	return apierr.Newf(apierr.InvalidParameter, "Missing required parameter %s", name)
}
