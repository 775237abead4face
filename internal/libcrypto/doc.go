// Package libcrypto signs with RSA through the system's libcrypto 3 (OpenSSL),
// which on common processors makes a signature in a third of the time that
// crypto/rsa takes. RSA is the ceiling of every token issuer, so this is worth
// a package.
//
// It is one crypto.Signer and nothing else: no other algorithm, no digesting,
// no key generation, no key storage. It makes RS256 signatures, PKCS #1 v1.5
// over a SHA-256 digest, and refuses all else.
//
// The library is opened at run time with dlopen in cgo builds for Linux. There
// are no headers and nothing to link, so one binary runs on machines with and
// without it. Available says whether it is there and, if not, why; Choice turns
// an operator's --signer into a signer and falls back to crypto/rsa.
//
// The flow of a signature: wait for one of as many turns as there are
// processors, take a prepared context from the signer's list, EVP_PKEY_sign and
// EVP_PKEY_verify of the result in one call, put the context back. A signature that does
// not verify never leaves: it could give the private key away.
package libcrypto
