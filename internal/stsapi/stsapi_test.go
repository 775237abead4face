package stsapi_test

import (
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/stsapi"
)

type object = map[string]any

// What AssumeRole hands out is tested with the server that accepts it.
func TestAssumeRoleRefuses(t *testing.T) {
	role := "arn:aws:iam::000000000000:role/team/deploy"
	issued := 0
	api := awsapi.New(awsapi.Options{})
	api.Register(stsapi.Model(), stsapi.Operations(func(in stsapi.Session) (stsapi.Credentials, error) {
		if issued++; in.Principal.ARN != "arn:aws:sts::000000000000:assumed-role/deploy/cdk" || in.Life != time.Hour {
			t.Errorf("session = %+v", in)
		}
		return stsapi.Credentials{AccessKeyID: "ASIA"}, nil
	})...)
	for name, tt := range map[string]struct {
		in   object
		want apierr.Code
	}{
		"a role":                 {object{"RoleArn": role, "RoleSessionName": "cdk", "ExternalId": "id"}, ""},
		"not a role":             {object{"RoleArn": "arn:aws:iam::000000000000:user/deploy", "RoleSessionName": "cdk"}, "ValidationError"},
		"of another account":     {object{"RoleArn": "arn:aws:iam::111111111111:role/deploy", "RoleSessionName": "cdk"}, apierr.AccessDenied},
		"a policy that narrows":  {object{"RoleArn": role, "RoleSessionName": "cdk", "Policy": "{}"}, "ValidationError"},
		"a session without name": {object{"RoleArn": role}, "ValidationError"},
		"too short":              {object{"RoleArn": role, "RoleSessionName": "cdk", "DurationSeconds": 1}, "ValidationError"},
	} {
		_, err := api.Call(t.Context(), "sts", "AssumeRole", tt.in)
		if got := apierr.CodeOf(err); got != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if issued != 1 {
		t.Errorf("%d credentials, want 1", issued)
	}
}
