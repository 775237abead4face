// Package stsapi is the Security Token Service, as far as tools ask it: who am
// I, and credentials for a while.
//
// A role here grants nothing: who assumes one gets credentials with exactly the
// rights that they have, never more.
package stsapi

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// Session is what temporary credentials are made for.
type Session struct {
	Parent    string // the access key that asked; they end with it
	Principal awsapi.Principal
	Life      time.Duration
}

// Credentials are temporary credentials.
type Credentials struct {
	AccessKeyID, Secret, Token string
	Expires                    time.Time
}

// Issue makes temporary credentials.
type Issue func(Session) (Credentials, error)

type api struct{ issue Issue }

// Operations returns what is built.
func Operations(issue Issue) []awsapi.Operation {
	a := &api{issue}
	return []awsapi.Operation{
		awsapi.Op("GetCallerIdentity", getCallerIdentity),
		awsapi.Op("AssumeRole", a.assumeRole),
	}
}

func getCallerIdentity(ctx context.Context, _ *getCallerIdentityRequest) (*getCallerIdentityResponse, error) {
	r := awsapi.RequestFrom(ctx)
	id := r.AccessKeyID
	if _, session, assumed := strings.Cut(r.Principal.ARN, ":assumed-role/"); assumed {
		id += ":" + session[strings.LastIndexByte(session, '/')+1:]
	} else if r.Principal.Root {
		id = r.Account
	}
	return &getCallerIdentityResponse{UserId: &id, Account: &r.Account, Arn: &r.Principal.ARN}, nil
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/(?:[!-~]+/)*([\w+=,.@-]{1,64})$`)

const defaultLife = time.Hour

func (a *api) assumeRole(ctx context.Context, in *assumeRoleRequest) (*assumeRoleResponse, error) {
	r := awsapi.RequestFrom(ctx)
	for _, s := range []struct {
		name string
		set  bool
	}{
		// A session policy would take rights away; to ignore it would leave them.
		{"Policy", in.Policy != nil}, {"PolicyArns", len(in.PolicyArns) > 0},
		{"SerialNumber", in.SerialNumber != nil}, {"TokenCode", in.TokenCode != nil},
		{"SourceIdentity", in.SourceIdentity != nil}, {"ProvidedContexts", len(in.ProvidedContexts) > 0},
	} {
		if s.set {
			return nil, apierr.Newf("ValidationError", "%s is not supported by this server; see docs/differences.md.", s.name)
		}
	}
	role := roleARN.FindStringSubmatch(awsapi.Value(in.RoleArn))
	if role == nil {
		return nil, apierr.Newf("ValidationError", "%.200s is invalid", awsapi.Value(in.RoleArn))
	}
	if role[1] != r.Account {
		return nil, apierr.Newf(apierr.AccessDenied, "User: %s is not authorized to perform: sts:AssumeRole on resource: %.200s", r.Principal.ARN, awsapi.Value(in.RoleArn))
	}
	if strings.Contains(r.Principal.ARN, ":assumed-role/") {
		return nil, apierr.New(apierr.AccessDenied, "This server does not give credentials to who has temporary ones: ask with the access key itself.")
	}
	life := defaultLife
	if in.DurationSeconds != nil {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	name := role[2] + "/" + awsapi.Value(in.RoleSessionName)
	who := r.Principal
	who.ARN = "arn:aws:sts::" + r.Account + ":assumed-role/" + name
	c, err := a.issue(Session{Parent: r.AccessKeyID, Principal: who, Life: life})
	if err != nil {
		return nil, err
	}
	return &assumeRoleResponse{
		Credentials: &credentials{
			AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.Secret, SessionToken: &c.Token, Expiration: awsapi.NewTimestamp(c.Expires),
		},
		AssumedRoleUser: &assumedRoleUser{AssumedRoleId: new(c.AccessKeyID + ":" + awsapi.Value(in.RoleSessionName)), Arn: &who.ARN},
	}, nil
}
