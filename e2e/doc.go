// Package e2e judges a Rockpool server by clients that others wrote: the AWS
// CLI, the AWS SDKs for Go and JavaScript, amazon-cognito-identity-js, Amplify,
// aws-jwt-verify, openid-client and aws-lambda-go.
//
// It is a module of its own, so that none of these become dependencies of the
// server. TestMain builds the server's binary; each test starts it as a
// process on a free port of loopback and stops it at its end. Nothing here
// knows the inside of the server: what a test reads is what a client sees, the
// log, or a file in the data folder.
//
// It needs node with the packages of js/package-lock.json (npm ci), python3,
// and an AWS CLI; scripts/test brings them.
package e2e
