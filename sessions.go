package rockpool

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/stsapi"
)

// sessionToken is what a session token hides. Nothing of it is stored: every
// node opens it with the key-encryption key.
type sessionToken struct {
	ID, Secret string
	Parent     string // the access key that it was made for, and ends with
	ARN        string
	Expires    time.Time
}

const sessionBox = "sts session"

// issue makes temporary credentials.
func (a *accessKeys) issue(now time.Time, in stsapi.Session) (stsapi.Credentials, error) {
	key := newAccessKey("", now)
	t := sessionToken{
		ID: "ASIA" + secret.Text(keyAlphabet, 16), Secret: key.Secret, Parent: in.Parent,
		ARN: in.Principal.ARN, Expires: now.Add(in.Life).UTC().Truncate(time.Second),
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return stsapi.Credentials{}, err
	}
	token := base64.StdEncoding.EncodeToString(a.kek.Box(sessionBox).Seal(plain, []byte(t.ID)))
	return stsapi.Credentials{AccessKeyID: t.ID, Secret: t.Secret, Token: token, Expires: t.Expires}, nil
}

// Session implements awsapi.Sessions. A session has the rights of the access
// key that it was made for, as they are now, and ends with it.
func (a *accessKeys) Session(ctx context.Context, id, token string, now time.Time) (string, awsapi.Principal, error) {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", awsapi.Principal{}, awsapi.ErrUnknownKey
	}
	plain, err := a.kek.Box(sessionBox).Open(raw, []byte(id))
	if err != nil {
		return "", awsapi.Principal{}, awsapi.ErrUnknownKey
	}
	var t sessionToken
	if err := json.Unmarshal(plain, &t); err != nil || t.ID != id {
		return "", awsapi.Principal{}, awsapi.ErrUnknownKey
	}
	if !now.Before(t.Expires) {
		return "", awsapi.Principal{}, awsapi.ErrExpiredToken
	}
	_, principal, err := a.SecretKey(ctx, t.Parent)
	if err != nil {
		return "", awsapi.Principal{}, err
	}
	principal.ARN = t.ARN
	return t.Secret, principal, nil
}
