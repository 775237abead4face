package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
)

// Equal reports whether a and b are the same. The time it takes says nothing
// about where they differ; hashing first makes that so for strings of
// different lengths, which subtle.ConstantTimeCompare alone refuses at once.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// SecretHash returns the SECRET_HASH that a client with a secret sends:
// base64(HMAC-SHA256(clientSecret, username ‖ clientID)). Compare what a
// caller sent with Equal.
func SecretHash(clientSecret, username, clientID string) string {
	m := hmac.New(sha256.New, []byte(clientSecret))
	m.Write([]byte(username))
	m.Write([]byte(clientID))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// hidden is what every secret-typed value prints as.
const hidden = "***"

// String is a secret that prints as "***" wherever it is formatted, logged or
// encoded by accident: fmt with any verb, slog, JSON, text. Code that needs
// the value asks for it by name, with Reveal.
type String string

// Reveal returns the secret itself.
func (s String) Reveal() string { return string(s) }

// String returns "***".
func (String) String() string { return hidden }

// GoString returns "***", for %#v.
func (String) GoString() string { return hidden }

// MarshalText returns "***": a secret is never encoded by accident, and never
// stored through a text encoder.
func (String) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns "***".
func (String) LogValue() slog.Value { return slog.StringValue(hidden) }
