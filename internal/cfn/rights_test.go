package cfn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
)

var clerk = cfn.Actor{ARN: "arn:aws:iam::000000000000:user/clerk", Account: "000000000000"}

func (w *world) deny(action string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denied = action
}

// wantDenied checks that a stack has failed since its actor may not do action,
// and that an event says so.
func (w *world) wantDenied(name, status, action string) {
	w.t.Helper()
	w.want(w.describe(name), status)
	if all := strings.Join(w.events(name), "\n"); !strings.Contains(all, "user/clerk is not authorized to perform: "+action) || !strings.Contains(all, "AccessDeniedException") {
		w.t.Errorf("no event says that %s is denied:\n%s", action, all)
	}
}

// What deploys a function or sets a trigger takes a permission of its own, and a
// stack has those of who asked for it: no more, also after another process has
// taken the operation over.
func TestSec_FN_9_AStackActsWithTheRightsOfWhoAsked(t *testing.T) {
	in := change(circle)
	for _, action := range []string{"lambda:CreateFunction", "lambda:AddPermission", "cognito-idp:UpdateUserPool", "cognito-idp:CreateUserPool"} {
		for name, dies := range map[string]int64{"": 0, " after a crash": 1} {
			t.Run(action+name, func(t *testing.T) {
				w := newWorld(t)
				// Only the processes of the test carry operations out.
				if err := w.stacks.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.deny(action)
				n, s := w.join(300 * time.Millisecond)
				n.dies.Store(dies)
				id, err := s.Create(t.Context(), clerk, region, in)
				if err != nil {
					t.Fatal(err)
				}
				if dies > 0 {
					w.join(300 * time.Millisecond)
				}
				w.wantDenied(id, "ROLLBACK_COMPLETE", action)
				if n.dead.Load() != (dies > 0) {
					t.Errorf("the node died: %v", n.dead.Load())
				}
				if got := w.inventory(); got != "{}" {
					t.Errorf("left: %s", got)
				}
			})
		}
	}
}

// Who changes the stack of another has no rights of theirs.
func TestSec_FN_9_AnUpdateActsWithTheRightsOfWhoAsked(t *testing.T) {
	w := newWorld(t)
	w.want(w.create("shop", circle, nil), "CREATE_COMPLETE")
	before := w.inventory()
	for action, text := range map[string]string{
		"lambda:UpdateFunctionCode":  strings.Replace(circle, "async e => e", "async e => evil", 1),
		"lambda:CreateFunction":      strings.Replace(circle, "claims-one", "claims-two", 1),
		"cognito-idp:UpdateUserPool": strings.Replace(circle, "LambdaVersion: V2_0", "LambdaVersion: V1_0", 1),
		"cloudformation:UpdateStack": strings.Replace(circle, "async e => e", "async e => evil", 1),
	} {
		w.deny(action)
		ctx := awsapi.ContextFor(t.Context(), awsapi.Principal{ARN: clerk.ARN, Account: clerk.Account}, region)
		_, err := w.api.Call(ctx, "cloudformation", "UpdateStack", object{"StackName": "shop", "TemplateBody": text})
		if action == "cloudformation:UpdateStack" {
			wantError(t, err, "AccessDeniedException", "user/clerk is not authorized to perform: "+action)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		w.wantDenied("shop", "UPDATE_ROLLBACK_COMPLETE", action)
		if diff := cmp.Diff(before, w.inventory()); diff != "" {
			t.Errorf("%s was denied, and changed something:\n%s", action, diff)
		}
	}
}
