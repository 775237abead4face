// Package triggertest is what a pre token generation function can answer and
// what has to become of the tokens, as data: the numbered cases of the project's
// trigger reference. It serves the table test of package trigger, which plays
// them through Invoker, and end-to-end tests, which deploy NodeHandler and
// sign in for real.
//
// It is not a test by itself and no server imports it.
//
// Three cases are about the flow around the call, and what they say of the
// operations is tested in internal/signin; here they are tested as far as one
// call goes:
//
//	49  a refresh calls the function again; auth_time and origin_jti stay
//	56  InitiateAuth does not pass ClientMetadata on
//	57  RespondToAuthChallenge does
//
// The same holds for the halves of cases 34 and 35 that speak of userInfo and
// GetUser.
package triggertest
