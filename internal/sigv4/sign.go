package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Signer makes signatures for one access key.
type Signer struct {
	AccessKeyID string
	Secret      string
	Region      string
	Service     string
}

// Sign signs r, whose body is payload, as of at: it sets X-Amz-Date and
// Authorization. It signs the host, the content type and every X-Amz header.
func (s Signer) Sign(r *http.Request, payload []byte, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	date := at.Format(timeFormat)
	r.Header.Set("X-Amz-Date", date)
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	hash := sha256.Sum256(payload)
	payloadHash := hex.EncodeToString(hash[:])
	if s.Service == S3 {
		r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	}
	names := []string{"host"}
	for h := range r.Header {
		if l := strings.ToLower(h); l == "content-type" || strings.HasPrefix(l, "x-amz-") {
			names = append(names, l)
		}
	}
	slices.Sort(names)
	c := Claim{AccessKeyID: s.AccessKeyID, Region: s.Region, Service: s.Service, Time: at, date: date[:8], signedHeaders: names}
	sum := c.sign(canonicalRequest(r, s.Service, names, payloadHash, false), s.Secret)
	r.Header.Set("Authorization", algorithm+" Credential="+s.AccessKeyID+"/"+c.date+"/"+s.Region+"/"+s.Service+"/"+terminator+
		", SignedHeaders="+strings.Join(names, ";")+", Signature="+hex.EncodeToString(sum[:]))
}
