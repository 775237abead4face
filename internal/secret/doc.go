// Package secret makes, hides and compares secrets: random values, the key
// that seals what the database holds, boxes for what leaves the server and
// comes back, password hashes and constant-time comparison.
//
// It is not a store, not a logger and not a policy: it knows no users, no
// pools, no clocks. Whoever calls it decides what is kept and for how long.
//
// The flow of keys, from the one that an operator guards to the values:
//
//	KEK (file 0600 or environment, never in the database or a backup)
//	 ├─ Seal/Open    a value in a table, bound to its Place
//	 ├─ Box(purpose) a token that a client carries: session, refresh token, …
//	 ├─ CodeHash     six digits at rest, useless without the KEK
//	 └─ Subkey       any other key, by label
//
// # The cipher
//
// Seal, and every Box, use XAES-256-GCM (C2SP): AES-256-GCM under a key that
// is derived anew for each message from the long-lived key and the first half
// of a random 192-bit nonce. Plain AES-GCM with random 96-bit nonces must not
// seal more than 2^32 messages under one key. Here two messages harm each
// other only if all 192 nonce bits collide: after 2^48 tokens the odds of that
// are below 2^-96, and after 2^80 still below 2^-32. The price is one more AES
// key schedule per message, well under a microsecond.
//
// # Rotation of the KEK
//
// A key file holds one key a line. The first seals; all of them open. Every
// sealed value names its key, so a value made under a retired key still opens,
// and Stale finds those that are to be sealed again.
package secret
