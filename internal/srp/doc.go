// Package srp is the server's half of the Secure Remote Password protocol as
// Cognito speaks it: SRP-6a over the 3072-bit group of RFC 3526 with g = 2 and
// SHA-256, and an HMAC proof keyed by 16 bytes of HKDF.
//
// It is pure maths. It knows no users, stores, sessions or wire shapes, and it
// decides nothing about what a failed proof means. Its one input from outside
// is randomness, for salts and one-time exponents.
//
// The flow, with the caller's part in brackets:
//
//	sign-up      NewVerifier(pool, user, password)     [seal and store it]
//	first call   Start(verifier)             → b, B    [seal b; send salt, B]
//	second call  Key(verifier, b, A, B)      → key     [open b]
//	             Proof(key, pool, user, …)             [compare with hmac.Equal]
//	plain flows  verifier.Matches(pool, user, password)
//
// Where a user does not exist, Fake stands in for the verifier: the same
// answers in the same time, and the same salt each time, but no password fits.
//
// In all functions poolName is what follows the underscore in the pool's id,
// and userID is the USER_ID_FOR_SRP that the server sends to the client.
//
// Which exponentiations are constant time, and why, is in
// docs/decisions/0002-srp-arithmetic.md.
package srp
