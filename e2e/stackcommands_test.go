package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStackCommands is a stack's life with rockpool stack: what would change,
// deploy, update, the template of what exists, which makes the same on another
// server, and the end.
func TestStackCommands(t *testing.T) {
	t.Parallel()
	s, other := startServer(t), startServer(t)
	must := func(s *server, args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, err := s.run(t, binary, append([]string{"stack"}, args...)...)
		if err != nil {
			t.Fatalf("stack %v: %v\n%s%s", args, err, stdout, stderr)
		}
		return stdout, stderr
	}
	refused := func(want string, args ...string) {
		t.Helper()
		stdout, stderr, err := s.run(t, binary, append([]string{"stack"}, args...)...)
		if err == nil || !strings.Contains(stdout+stderr, want) {
			t.Errorf("stack %v: %v\n%s%s\nwant %q", args, err, stdout, stderr, want)
		}
	}
	value := func(outputs, name string) string {
		t.Helper()
		for line := range strings.Lines(outputs) {
			if v, ok := strings.CutPrefix(line, name+"="); ok {
				return strings.TrimSpace(v)
			}
		}
		t.Fatalf("no %s among the outputs\n%s", name, outputs)
		return ""
	}
	const article, sam = "../examples/cloudformation/template.yaml", "../examples/sam/template.yaml"

	if out, note := must(s, "diff", article, "--name", "shop"); !strings.Contains(out, "+ Pool  AWS::Cognito::UserPool\n") || !strings.Contains(note, "there is no stack shop yet") {
		t.Errorf("diff of nothing says\n%s%s", out, note)
	}
	must(s, "deploy", article, "--name", "shop", "--parameter", "Trigger=no")
	if out, note := must(s, "diff", article, "--name", "shop", "--exit-code"); out != "" || !strings.Contains(note, "nothing would change in stack shop") {
		t.Errorf("diff of what is deployed says\n%s%s", out, note)
	}
	refused("LambdaConfig", "diff", article, "--name", "shop", "--parameter", "Trigger=yes", "--exit-code")
	must(s, "deploy", article, "--name", "shop", "--parameter", "Trigger=yes")

	refused("--capabilities CAPABILITY_IAM\n", "deploy", sam, "--name", "sam")
	refused("must be one of AllowedValues", "deploy", article, "--name", "wrong", "--parameter", "Trigger=maybe")

	outputs, _ := must(s, "outputs", "shop")
	exported, _ := must(s, "export", value(outputs, "UserPoolId"))
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	must(other, "deploy", file)
	outputs, _ = must(other, "outputs", "shop")
	if again, _ := must(other, "export", value(outputs, "UserPoolId")); again != exported || !strings.Contains(again, "LambdaVersion: V2_0") {
		t.Errorf("what was exported makes another pool:\n%s\nand not\n%s", again, exported)
	}

	refused("--yes answers the question", "delete", "shop")
	must(s, "delete", "shop", "--yes")
	refused("there is no stack shop", "outputs", "shop")
}
