// Package wycheproof judges token verification by the test vectors of Project
// Wycheproof: what is known to have gone wrong in other verifiers of JSON Web
// Signatures and of RSA PKCS #1 v1.5.
//
// It is a module of its own, because the vectors are 109 MB that nobody needs
// who only builds or tests the server. It is no vector runner for other
// algorithms: what Rockpool does not verify has to be refused, and is.
//
// The vectors' tokens are not ours: their payloads are a few letters, not
// claims. That the signature of one was accepted shows in where it fails: see
// accepts. For RSA the tests go further and carry every vector's defect over to
// a token of ours, which then has nothing else wrong with it.
package wycheproof
