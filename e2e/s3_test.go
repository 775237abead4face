package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestAWSCLIAround is S3, Systems Manager and STS with the AWS CLI, as far as
// deployment tools use them.
func TestAWSCLIAround(t *testing.T) {
	c := &cli{server: startServer(t), t: t, path: awsCLI(t)}
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	data := bytes.Repeat([]byte("0123456789abcdef"), 12<<16) // 12 MiB: more than one part
	if err := os.WriteFile(big, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c.do(nil, "s3api", "create-bucket", "--bucket", "my-bucket")
	for _, args := range [][]string{{"s3", "cp", big, "s3://my-bucket/a/big", "--only-show-errors"}, {"s3", "cp", "s3://my-bucket/a/big", big + ".back", "--only-show-errors"}} {
		c.do(nil, args...)
	}
	back, err := os.ReadFile(big + ".back")
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("came back with %d bytes, %v", len(back), err)
	}
	var list struct{ Contents []struct{ Key string } }
	c.do(&list, "s3api", "list-objects-v2", "--bucket", "my-bucket")
	if len(list.Contents) != 1 || list.Contents[0].Key != "a/big" {
		t.Errorf("listed %+v", list)
	}
	c.refused("BucketNotEmpty", "s3api", "delete-bucket", "--bucket", "my-bucket")
	c.do(nil, "s3", "rb", "s3://my-bucket", "--force")
	c.refused("NoSuchBucket", "s3api", "list-objects-v2", "--bucket", "my-bucket")

	c.do(nil, "ssm", "put-parameter", "--name", "/app/p", "--type", "String", "--value", "v")
	c.refused("ParameterAlreadyExists", "ssm", "put-parameter", "--name", "/app/p", "--type", "String", "--value", "w")
	var got struct{ Parameter struct{ Value string } }
	c.do(&got, "ssm", "get-parameter", "--name", "/app/p")
	if got.Parameter.Value != "v" {
		t.Errorf("parameter = %+v", got)
	}
	var role struct{ AssumedRoleUser struct{ Arn string } }
	c.do(&role, "sts", "assume-role", "--role-arn", "arn:aws:iam::000000000000:role/deploy", "--role-session-name", "cli")
	if role.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/deploy/cli" {
		t.Errorf("role = %+v", role)
	}
}
