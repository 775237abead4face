package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

// ErrRefresh is returned for text that is not a refresh token sealed with the
// key given. The cases are not told apart.
var ErrRefresh = errors.New("not a refresh token of this service")

// MaxRefresh is the length of the longest refresh token.
const MaxRefresh = 4 << 10

// Refresh is what a refresh token carries. It is bound to a pool, a client and
// a user, and to a device where devices are tracked: whoever opens one compares
// all of them, and Expires with the time. Times are kept to the millisecond.
type Refresh struct {
	Pool      string
	Client    string
	Sub       string    // the user
	OriginJTI string    // the sign-in that it goes back to; "" if the client has no revocation
	AuthTime  time.Time // when the user last proved who they are
	IssuedAt  time.Time
	Expires   time.Time
	Scopes    []string // of the access token, in their order
	EventID   string
	DeviceKey string // "" if the device is not tracked
	Resource  string // the resource that the access token is bound to; mostly ""
	Nonce     string // of the authorization request; "" in API flows

	// RotationID names this token in its family, OriginJTI, when refresh tokens
	// rotate, so that the second use of one can be told. "" if they do not.
	RotationID string
	Generation int // how many rotations came before
}

// sealedRefresh is the stored form. The names are short because the token
// travels; they are never changed, only added to.
type sealedRefresh struct {
	Format     int      `json:"v"`
	Pool       string   `json:"p"`
	Client     string   `json:"c"`
	Sub        string   `json:"s"`
	OriginJTI  string   `json:"o,omitzero"`
	AuthTime   int64    `json:"a"`
	IssuedAt   int64    `json:"i"`
	Expires    int64    `json:"x"`
	Scopes     []string `json:"sc,omitzero"`
	EventID    string   `json:"e,omitzero"`
	DeviceKey  string   `json:"d,omitzero"`
	Resource   string   `json:"r,omitzero"`
	Nonce      string   `json:"n,omitzero"`
	RotationID string   `json:"t,omitzero"`
	Generation int      `json:"g,omitzero"`
}

const refreshFormat = 1

// refreshHeader is the first part of every refresh token. It says what
// Cognito's says, so that clients which look see what they know; the cipher is
// the Box's, and nothing reads the header but to compare it.
var refreshHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}`))

// The sealed bytes are cut into four parts of these lengths, the third taking
// what is left, to have the outline of a JWE.
const (
	refreshKeyLen = 16
	refreshIVLen  = 12
	refreshTagLen = 16
)

// SealRefresh returns r as a refresh token: five parts that only box can read.
// It fails if the token would be longer than MaxRefresh.
func SealRefresh(box *secret.Box, r Refresh) (string, error) {
	plain, err := json.Marshal(sealedRefresh{
		Format: refreshFormat, Pool: r.Pool, Client: r.Client, Sub: r.Sub, OriginJTI: r.OriginJTI,
		AuthTime: r.AuthTime.UnixMilli(), IssuedAt: r.IssuedAt.UnixMilli(), Expires: r.Expires.UnixMilli(),
		Scopes: r.Scopes, EventID: r.EventID, DeviceKey: r.DeviceKey, Resource: r.Resource, Nonce: r.Nonce,
		RotationID: r.RotationID, Generation: r.Generation,
	})
	if err != nil {
		return "", fmt.Errorf("encode refresh token: %w", err)
	}
	sealed := box.Seal(plain, []byte(refreshHeader))
	key, rest := sealed[:refreshKeyLen], sealed[refreshKeyLen:]
	iv, rest := rest[:refreshIVLen], rest[refreshIVLen:]
	text, tag := rest[:len(rest)-refreshTagLen], rest[len(rest)-refreshTagLen:]

	out := make([]byte, 0, len(refreshHeader)+len(sealed)*4/3+16)
	out = append(out, refreshHeader...)
	for _, part := range [][]byte{key, iv, text, tag} {
		out = append(out, '.')
		out = base64.RawURLEncoding.AppendEncode(out, part)
	}
	if len(out) > MaxRefresh {
		return "", fmt.Errorf("refresh token of %d bytes: at most %d are allowed", len(out), MaxRefresh)
	}
	return string(out), nil
}

// OpenRefresh returns what SealRefresh hid. Anything that box did not seal, and
// any other spelling of what it did, is ErrRefresh. It does not look at the
// time: an expired token opens.
func OpenRefresh(box *secret.Box, s string) (Refresh, error) {
	if len(s) > MaxRefresh {
		return Refresh{}, ErrRefresh
	}
	rest, ok := strings.CutPrefix(s, refreshHeader+".")
	if !ok || strings.Count(rest, ".") != 3 {
		return Refresh{}, ErrRefresh
	}
	sealed := make([]byte, 0, len(rest))
	for i, text := range strings.Split(rest, ".") {
		part, err := decodeSegment(text)
		if err != nil {
			return Refresh{}, ErrRefresh
		}
		// One cut only, or the same token could be written in many ways.
		if want := [...]int{refreshKeyLen, refreshIVLen, len(part), refreshTagLen}[i]; len(part) != want {
			return Refresh{}, ErrRefresh
		}
		sealed = append(sealed, part...)
	}
	plain, err := box.Open(sealed, []byte(refreshHeader))
	if err != nil {
		return Refresh{}, ErrRefresh
	}
	var w sealedRefresh
	// Unknown members belong to a newer version that knows more of the token
	// than this one could honour.
	if err := json.Unmarshal(plain, &w, json.RejectUnknownMembers(true)); err != nil || w.Format != refreshFormat {
		return Refresh{}, ErrRefresh
	}
	return Refresh{
		Pool: w.Pool, Client: w.Client, Sub: w.Sub, OriginJTI: w.OriginJTI,
		AuthTime: time.UnixMilli(w.AuthTime).UTC(), IssuedAt: time.UnixMilli(w.IssuedAt).UTC(), Expires: time.UnixMilli(w.Expires).UTC(),
		Scopes: w.Scopes, EventID: w.EventID, DeviceKey: w.DeviceKey, Resource: w.Resource, Nonce: w.Nonce,
		RotationID: w.RotationID, Generation: w.Generation,
	}, nil
}
