// Package signin is what a user does: sign up, sign in, answer challenges,
// refresh, sign out, recover an account, change the own profile. It is also
// the one place where tokens are made.
//
// It is not what a pool is (that is package userpool: settings, clients, the
// rules of names, attributes and passwords), it knows no HTTP and no wire
// shapes (cognitoapi), no SQL (store), and not how a function runs (trigger).
//
// # The flow of a sign-in
//
//	InitiateAuth / AdminInitiateAuth        authenticate.go: which flow, may this client
//	 ├─ password_auth.go   one step: check the password
//	 ├─ srp_auth.go        two steps, state in the sealed SECRET_BLOCK
//	 └─ refresh.go         a refresh token instead of a password
//	RespondToAuthChallenge                  challenge.go: one type per challenge
//	 └─ finish            status of the user → challenge or tokens
//	     └─ issue.go      claims → pre token generation → signatures
//
// The phases of a password sign-in are numbered in the code as in Cognito's
// documentation: 1 input, 2 user, 3 pre authentication trigger, 4 disabled,
// 5 lock-out, 6 password, 7 status, 8 multi-factor, 9 device, 10 post
// authentication trigger, 11 pre token generation and tokens. Triggers other
// than pre token generation, multi-factor and devices are not built; pools
// refuse the settings, and the phases stand where they will run.
//
// # What an unknown user looks like
//
// One file decides (existence.go). A client that hides its users
// (PreventUserExistenceErrors=ENABLED) gets the same answers, after the same
// work and the same reads, for a user that does not exist as for one whose
// password is wrong; what then still differs, by microseconds, steady.go hides
// by letting such answers leave at a fixed time. That an account is disabled, unconfirmed or to be reset is
// said only to who knows the password.
//
// # What is written, and when
//
// A plain sign-in and a refresh write nothing. One row is written for a failed
// password, for the first success after failures, for a rotation, for a
// revocation, for a used Session. Everything is decided on what was read in
// one snapshot; where the world may have changed, the write checks again.
//
// # Lock-out
//
// lockout.go counts failed passwords per user and per source address in the
// database. Within one process a gate keeps parallel guesses at one user from
// being checked before the failures of the others are counted; between nodes
// the excess is at most a few guesses a node.
//
// # Single use
//
// A Session is used once, by a row in the database. The SECRET_BLOCK of a
// secure remote password sign-in is not: that would cost a write for each
// sign-in. Its proof is bound to one key exchange, it lives as long as a
// Session, and each process remembers the blocks that succeeded on it.
//
// # Revocation to the second
//
// The times in tokens have no fractions. A token counts as issued before a
// sign-out if its auth_time is in the same second or earlier; a sign-in within
// that second after it is dated to the next second (revocation.go).
package signin
