package cfn_test

import (
	"fmt"
	"strings"
	"testing"
)

// A panic while a stack is worked on happens outside any request: it would take
// the server down and, since the operation is resumed, every start after.
func TestSec_ERR_1_APanicFailsTheStackOnly(t *testing.T) {
	w := newWorld(t)
	w.fail = func(operation string, _ any) error {
		if operation == "CreateUserPool" {
			panic("a bug in a provider")
		}
		return nil
	}
	got := w.create("s", `{"Resources": {"P": {"Type": "AWS::Cognito::UserPool"}, "L": {"Type": "AWS::Logs::LogGroup", "DependsOn": "P"}}}`, nil)
	w.want(got, "ROLLBACK_COMPLETE")
	if strings.Contains(fmt.Sprint(w.events("s")), "a bug in a provider") {
		t.Errorf("the panic is shown: %v", w.events("s"))
	}
}
