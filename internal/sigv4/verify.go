package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// DefaultSkew is how far the clocks of caller and server may be apart.
const DefaultSkew = 5 * time.Minute

// Check is what a signature must fit besides the secret.
type Check struct {
	Now     time.Time
	Service string        // that the request is for
	Region  string        // that the server stands for; "" is any
	Skew    time.Duration // 0 is DefaultSkew
}

// Verify returns nil if c is the signature of r and payload under secret, made
// for what check asks. The signature itself is compared in constant time, and
// last, so that the time says nothing of the secret or of whether there is
// one: with an unknown key, call Verify with any secret and refuse.
func (c *Claim) Verify(r *http.Request, payload []byte, secret string, check Check) error {
	if err := c.covers(r); err != nil {
		return err
	}
	hash := sha256.Sum256(payload)
	payloadHash := hex.EncodeToString(hash[:])
	declared := r.Header["X-Amz-Content-Sha256"]
	if len(declared) > 1 || len(declared) == 1 && declared[0] != payloadHash {
		return &Error{ErrMismatch, "The payload does not have the hash in x-amz-content-sha256. Unsigned payloads are not accepted."}
	}
	return c.verify(r, payloadHash, secret, check)
}

// verify compares the signature of r with a payload that has that hash.
func (c *Claim) verify(r *http.Request, payloadHash, secret string, check Check) error {
	if err := c.timely(check); err != nil {
		return err
	}
	if c.Service != check.Service {
		return &Error{ErrScope, fmt.Sprintf("Credential should be scoped to correct service: '%s'.", check.Service)}
	}
	if check.Region != "" && c.Region != check.Region {
		return &Error{ErrScope, fmt.Sprintf("Credential should be scoped to a valid region, not '%s'.", c.Region)}
	}
	want := c.sign(canonicalRequest(r, c.Service, c.signedHeaders, payloadHash, c.Presigned), secret)
	if !hmac.Equal(want[:], c.signature[:]) {
		return &Error{ErrMismatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
	}
	return nil
}

// covers reports what must be signed and is not: the parts that say where a
// request goes and what it does.
func (c *Claim) covers(r *http.Request) error {
	must := []string{"host"}
	if !c.Presigned {
		must = append(must, "x-amz-date")
	}
	for _, h := range [...][2]string{
		{"X-Amz-Target", "x-amz-target"},
		{"X-Amz-Content-Sha256", "x-amz-content-sha256"},
		{"X-Amz-Security-Token", "x-amz-security-token"},
	} {
		if _, ok := r.Header[h[0]]; ok {
			must = append(must, h[1])
		}
	}
	for _, h := range must {
		if !c.signs(h) {
			return incomplete("'%s' must be a signed header.", h)
		}
	}
	// A header that is signed and not there was taken away on the way.
	if i := slices.IndexFunc(c.signedHeaders, func(h string) bool { return !present(r, h) }); i >= 0 {
		return &Error{ErrMismatch, fmt.Sprintf("The signed header '%s' is missing.", clip(c.signedHeaders[i]))}
	}
	return nil
}

func (c *Claim) timely(check Check) error {
	skew := check.Skew
	if skew == 0 {
		skew = DefaultSkew
	}
	now := check.Now.UTC()
	made := c.Time.Format(timeFormat)
	if c.Time.Sub(now) > skew {
		return &Error{ErrTime, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %g min.)",
			made, now.Add(skew).Format(timeFormat), now.Format(timeFormat), skew.Minutes())}
	}
	life := skew
	if c.Presigned {
		life = c.Expires
	}
	if now.Sub(c.Time) > life {
		return &Error{ErrTime, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %g min.)",
			made, now.Add(-life).Format(timeFormat), now.Format(timeFormat), life.Minutes())}
	}
	return nil
}

// sign returns the signature of a canonical request.
func (c *Claim) sign(canonical []byte, secret string) [32]byte {
	hash := sha256.Sum256(canonical)
	text := make([]byte, 0, 192)
	text = append(text, algorithm+"\n"...)
	text = append(text, c.Time.Format(timeFormat)...)
	text = append(text, '\n')
	text = append(text, c.date+"/"+c.Region+"/"+c.Service+"/"+terminator+"\n"...)
	text = hex.AppendEncode(text, hash[:])
	key := c.key(secret)
	return mac(key[:], string(text))
}

// key derives the key of the scope.
func (c *Claim) key(secret string) [32]byte {
	key := mac([]byte("AWS4"+secret), c.date)
	key = mac(key[:], c.Region)
	key = mac(key[:], c.Service)
	return mac(key[:], terminator)
}

func mac(key []byte, text string) (sum [32]byte) {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	m.Sum(sum[:0])
	return sum
}
