// Package stsapi is the Security Token Service, as far as tools ask it: who am
// I, and may I act as a role.
package stsapi

import (
	"context"
	"regexp"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/secret"
)

type api struct {
	anyKey bool
	now    func() time.Time
}

// Operations returns what is built. anyKey says that the server accepts any
// access key, as in development.
func Operations(anyKey bool, now func() time.Time) []awsapi.Operation {
	a := &api{anyKey, now}
	return []awsapi.Operation{awsapi.Op("GetCallerIdentity", getCallerIdentity), awsapi.Op("AssumeRole", a.assumeRole)}
}

func getCallerIdentity(ctx context.Context, _ *getCallerIdentityRequest) (*getCallerIdentityResponse, error) {
	r := awsapi.RequestFrom(ctx)
	id := r.AccessKeyID
	if r.Principal.Root {
		id = r.Account
	}
	return &getCallerIdentityResponse{UserId: &id, Account: &r.Account, Arn: &r.Principal.ARN}, nil
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/(?:[^/]+/)*([^/]+)$`)

const (
	defaultLife = time.Hour
	keyLetters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// assumeRole answers a key of its own where any key is good, so that tools whose
// set-up has roles go on as they do at AWS; the key is worth no more and no less
// than the caller's. Where keys are known one by one there are no roles to
// assume: tools that are refused go on with the credentials they have.
func (a *api) assumeRole(ctx context.Context, in *assumeRoleRequest) (*assumeRoleResponse, error) {
	m := roleARN.FindStringSubmatch(*in.RoleArn)
	if m == nil {
		return nil, apierr.Newf("ValidationError", "%s is invalid", *in.RoleArn)
	}
	if in.Policy != nil || len(in.PolicyArns) > 0 || in.TokenCode != nil {
		return nil, apierr.New("ValidationError", "Session policies and MFA are not supported by this version of Rockpool: a session would have all rights of the caller.")
	}
	if !a.anyKey {
		return nil, apierr.Newf("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s. This server has no roles: use its access keys as they are.",
			awsapi.RequestFrom(ctx).Principal.ARN, *in.RoleArn)
	}
	life := defaultLife
	if in.DurationSeconds != nil {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	keyID, roleID := "ASIA"+letters(16), "AROA"+letters(17)
	key, token := secret.UUID(), secret.UUID()
	user, arn := roleID+":"+*in.RoleSessionName, "arn:aws:sts::"+awsapi.RequestFrom(ctx).Account+":assumed-role/"+m[1]+"/"+*in.RoleSessionName
	return &assumeRoleResponse{
		Credentials:     &credentials{AccessKeyId: &keyID, SecretAccessKey: &key, SessionToken: &token, Expiration: awsapi.NewTimestamp(a.now().Add(life))},
		AssumedRoleUser: &assumedRoleUser{AssumedRoleId: &user, Arn: &arn},
	}, nil
}

func letters(n int) string {
	b := secret.Bytes(n)
	for i := range b {
		b[i] = keyLetters[int(b[i])%len(keyLetters)]
	}
	return string(b)
}
