package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// UnsignedPayload stands for a body that the signature does not cover.
const UnsignedPayload = "UNSIGNED-PAYLOAD"

// VerifyDeclared is Verify for S3, whose bodies are too large to be held: the
// signature covers what x-amz-content-sha256 says of the payload, and who reads
// the payload makes sure that it is so. declared is that text; a presigned URL
// without one has an unsigned payload.
func (c *Claim) VerifyDeclared(r *http.Request, secret string, check Check) (declared string, err error) {
	if err := c.covers(r); err != nil {
		return "", err
	}
	values := r.Header["X-Amz-Content-Sha256"]
	switch {
	case len(values) == 1:
		declared = values[0]
	case len(values) == 0 && c.Presigned:
		declared = UnsignedPayload
	default:
		return "", incomplete("Missing required header for this request: x-amz-content-sha256")
	}
	if err := c.verify(r, declared, secret, check); err != nil {
		return "", err
	}
	return declared, nil
}

// Chunks verifies the signatures of the chunks of one streamed body, each of
// which covers the one before it.
type Chunks struct {
	key      [32]byte
	scope    string // time and scope, as they are signed
	previous string
}

// Chunks returns what verifies the body of a request whose signature c was
// verified with secret.
func (c *Claim) Chunks(secret string) *Chunks {
	return &Chunks{
		key:      c.key(secret),
		scope:    c.Time.Format(timeFormat) + "\n" + c.date + "/" + c.Region + "/" + c.Service + "/" + terminator + "\n",
		previous: hex.EncodeToString(c.signature[:]),
	}
}

var emptyHash = sha256.Sum256(nil)

// Chunk verifies the signature of the next chunk, whose data has that hash.
func (s *Chunks) Chunk(hash [32]byte, signature string) error {
	return s.next(algorithm+"-PAYLOAD\n"+s.scope+s.previous+"\n"+hex.EncodeToString(emptyHash[:])+"\n"+hex.EncodeToString(hash[:]), signature)
}

// Trailer verifies the signature of the headers after the last chunk, each a
// line "name:value\n".
func (s *Chunks) Trailer(lines, signature string) error {
	hash := sha256.Sum256([]byte(lines))
	return s.next(algorithm+"-TRAILER\n"+s.scope+s.previous+"\n"+hex.EncodeToString(hash[:]), signature)
}

func (s *Chunks) next(text, signature string) error {
	want := mac(s.key[:], text)
	got, err := hex.DecodeString(signature)
	if err != nil || signature != strings.ToLower(signature) || !hmac.Equal(want[:], got) {
		return &Error{ErrMismatch, "The signature of a part of the body does not match."}
	}
	s.previous = signature
	return nil
}
