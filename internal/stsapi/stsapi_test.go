package stsapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/stsapi"
)

type object = map[string]any

func TestAssumeRole(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	call := func(anyKey bool, in object) (out struct {
		Credentials struct {
			AccessKeyId, SecretAccessKey, SessionToken string
			Expiration                                 float64
		}
		AssumedRoleUser struct{ Arn, AssumedRoleId string }
	}, err error) {
		api := awsapi.New(awsapi.Options{})
		api.Register(stsapi.Model(), stsapi.Operations(anyKey, func() time.Time { return now })...)
		answer, err := api.Call(context.Background(), "sts", "AssumeRole", in)
		if err == nil {
			err = json.Unmarshal(answer, &out)
		}
		return out, err
	}
	role := object{"RoleArn": "arn:aws:iam::000000000000:role/team/deploy", "RoleSessionName": "cdk"}
	got, err := call(true, role)
	if err != nil {
		t.Fatal(err)
	}
	if got.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/deploy/cdk" || !strings.HasSuffix(got.AssumedRoleUser.AssumedRoleId, ":cdk") {
		t.Errorf("user = %+v", got.AssumedRoleUser)
	}
	c := got.Credentials
	if len(c.AccessKeyId) != 20 || !strings.HasPrefix(c.AccessKeyId, "ASIA") || c.SecretAccessKey == "" || c.SessionToken == "" || int64(c.Expiration) != now.Add(time.Hour).Unix() {
		t.Errorf("credentials = %+v", c)
	}
	again, err := call(true, role)
	if err != nil || again.Credentials.AccessKeyId == c.AccessKeyId {
		t.Errorf("the same key twice, or %v", err)
	}
	for name, tt := range map[string]struct {
		anyKey bool
		in     object
		want   apierr.Code
	}{
		"a server with keys of its own has no roles": {false, role, "AccessDenied"},
		"not a role":             {true, object{"RoleArn": "arn:aws:iam::000000000000:user/deploy", "RoleSessionName": "cdk"}, "ValidationError"},
		"a policy that narrows":  {true, object{"RoleArn": role["RoleArn"], "RoleSessionName": "cdk", "Policy": "{}"}, "ValidationError"},
		"a session without name": {true, object{"RoleArn": role["RoleArn"]}, "ValidationError"},
	} {
		_, err := call(tt.anyKey, tt.in)
		if e, ok := errors.AsType[*apierr.Error](err); !ok || e.Code != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
