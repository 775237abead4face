package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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
	if out, stderr, err := c.run(t, c.path, "--endpoint-url", c.URL, "s3", "ls"); err != nil || !strings.Contains(out, " my-bucket") {
		t.Errorf("aws s3 ls: %v\n%s%s", err, out, stderr)
	}
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
	// Between keys: one copy, a copy in parts, and a copy that the source does not outlive.
	small := filepath.Join(dir, "small")
	if err := os.WriteFile(small, []byte("small"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"cp", small, "s3://my-bucket/b"}, {"cp", "s3://my-bucket/b", "s3://my-bucket/c"}, {"mv", "s3://my-bucket/a/big", "s3://my-bucket/d"}, {"cp", "s3://my-bucket/d", big + ".moved"}} {
		c.do(nil, append(append([]string{"s3"}, args...), "--only-show-errors")...)
	}
	if back, err := os.ReadFile(big + ".moved"); err != nil || !bytes.Equal(back, data) {
		t.Errorf("moved with %d bytes, %v", len(back), err)
	}
	list.Contents = nil
	c.do(&list, "s3api", "list-objects-v2", "--bucket", "my-bucket")
	if got := fmt.Sprint(list.Contents); got != "[{b} {c} {d}]" {
		t.Errorf("after copies and a move: %s", got)
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
	var me struct{ Account string }
	c.do(&me, "sts", "get-caller-identity")
	if me.Account != "000000000000" {
		t.Errorf("caller = %+v", me)
	}
	var role struct{ AssumedRoleUser struct{ Arn string } }
	c.do(&role, "sts", "assume-role", "--role-arn", "arn:aws:iam::000000000000:role/deploy", "--role-session-name", "cli")
	if role.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/deploy/cli" {
		t.Errorf("role = %+v", role)
	}
}

// TestAWSCLIPresign is "aws s3 presign" with a production server: who has the
// address, and nothing else, has the object.
func TestAWSCLIPresign(t *testing.T) {
	s := startServerIn(t, t.TempDir(), "serve")
	// The profile of the file that the server's first start has made. CLIs of
	// version 1 presign with an old kind of signature unless they are told.
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[profile rockpool]\ns3 =\n  signature_version = s3v4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	aws := func(args ...string) string {
		t.Helper()
		out, stderr, err := s.run(t, "env", append([]string{"-u", "AWS_ACCESS_KEY_ID", "-u", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE=rockpool", "AWS_CONFIG_FILE=" + config,
			"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(s.DataDir, "credentials"), awsCLI(t), "--endpoint-url", s.URL}, args...)...)
		if err != nil {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, stderr)
		}
		return strings.TrimSpace(out)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	aws("s3api", "create-bucket", "--bucket", "my-bucket")
	aws("s3", "cp", file, "s3://my-bucket/a b+c", "--only-show-errors")
	address := aws("s3", "presign", "s3://my-bucket/a b+c", "--expires-in", "600")
	for _, tt := range []struct {
		address, want string
		status        int
	}{
		{address, "hello", 200},
		{strings.Replace(address, "=600", "=601", 1), "SignatureDoesNotMatch", 403},
		{address[:strings.IndexByte(address, '?')], "", 0},
	} {
		resp, err := http.Get(tt.address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if closed := resp.Body.Close(); err == nil {
			err = closed
		}
		if err != nil || tt.status == 0 && resp.StatusCode < 400 || tt.status != 0 && resp.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s: %s %s, %v", tt.address, resp.Status, body, err)
		}
	}
}
