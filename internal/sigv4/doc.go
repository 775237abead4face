// Package sigv4 verifies and makes AWS Signature Version 4.
//
// It is not authorization: a good signature says which access key made the
// request, not what the key may do. It knows no operations, no users and no
// keys; the caller looks the secret up between the two steps:
//
//	claim, err := sigv4.Parse(r)             // what the request says of itself
//	secret := …claim.AccessKeyID…
//	err = claim.Verify(r, payload, secret, check)
//
// Both places of a signature are read: the Authorization header, and for GET
// the query of a presigned URL. What a signature must cover is fixed: the
// host, the date, the target of the operation if there is one, and the
// payload; unsigned and streamed payloads are refused, but by VerifyDeclared,
// which is for S3.
package sigv4
