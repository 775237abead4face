// Package token is everything that is in a token: the claims, what a pre token
// generation function may change of them, the keys that sign, the key set that
// is published, and the verification of what comes back. It also gives refresh
// tokens their outer form.
//
// It knows no users, pools, triggers or storage, reads no clock, and decides no
// policy: who gets which claim with which value is the business of the package
// that signs users in, which hands finished Claims to Sign. What a function
// asked for arrives decoded, as Overrides, from package trigger.
//
// The flow of one issue:
//
//	Claims (built by the caller)
//	 → Apply(ID|Access, Overrides)   new Claims; reserved names stay as they were
//	 → Diff, Refused                 what a person wants to see of it
//	 → Key.Sign                      "header.claims.signature", RS256
//
// and of one check:
//
//	KeySet.Verify(raw, Expect)       form → algorithm and key → signature → iss,
//	                                 token_use, exp, client → Claims
//
// Verify answers for the token alone. That its user still exists, is enabled
// and was not signed out since is for the caller to find out.
//
// # Claims are raw JSON
//
// A claim's value is held as the JSON text it was given, never as a Go number,
// so that 9223372036854775807 and 1.7976931348623157E308 leave as they came.
// The order of the members is the order in which they were set.
//
// # What no function may touch
//
// One table, in reserved.go, says for every reserved name and for both tokens
// whether a function may add or change it and whether it may suppress it. An
// entry that is not allowed is no error: the claim keeps its value, as in
// Cognito, and Refused reports it.
package token
