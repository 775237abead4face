package cfn_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/cfn"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// node is one process of several that share a store. A dead one writes and
// reads nothing any more, and does not let go of what it had.
type node struct {
	store.Store
	resource.Caller
	dead atomic.Bool
	// dies is the call after whose end the node is dead; 0: it lives.
	calls, dies atomic.Int64
}

var errDead = errors.New("this process is dead")

func (n *node) Update(ctx context.Context, fn func(store.Tx) error) error {
	if n.dead.Load() {
		return errDead
	}
	return n.Store.Update(ctx, fn)
}

func (n *node) View(ctx context.Context, fn func(store.Tx) error) error {
	if n.dead.Load() {
		return errDead
	}
	return n.Store.View(ctx, fn)
}

func (n *node) Call(ctx context.Context, service, operation string, in any) (jsontext.Value, error) {
	if n.dead.Load() {
		return nil, errDead
	}
	out, err := n.Caller.Call(ctx, service, operation, in)
	if i := n.calls.Add(1); n.dies.Load() != 0 && i >= n.dies.Load() {
		n.dead.Store(true)
		return nil, errDead
	}
	return out, err
}

// join starts one more process on the world's store.
func (w *world) join(lease time.Duration) (*node, *cfn.Service) {
	w.t.Helper()
	n := &node{Store: w.db, Caller: w}
	s := w.service()
	s.Store, s.Caller, s.Lease = n, n, lease
	s.Start()
	w.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	return n, s
}

// Several processes have one store: each operation is carried out by one.
func TestNodesCarryAnOperationOutOnce(t *testing.T) {
	w := newWorld(t, patient)
	var others []*node
	w.mu.Lock()
	w.after = func(string) { // each of them looks around when it starts
		n, _ := w.join(time.Hour)
		w.mu.Lock()
		defer w.mu.Unlock()
		others = append(others, n)
	}
	w.mu.Unlock()
	w.want(w.create("shop", article(t), trigger("no")), "CREATE_COMPLETE")
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(others) < 5 {
		t.Errorf("only %d other nodes", len(others))
	}
	for _, n := range others {
		if got := n.calls.Load(); got != 0 {
			t.Errorf("a node that nobody asked made %d calls", got)
		}
	}
	for operation, want := range map[string]int{"CreateUserPool": 1, "CreateUserPoolClient": 1, "CreateGroup": 2} {
		if w.made[operation] != want {
			t.Errorf("%s was performed %d times, want %d", operation, w.made[operation], want)
		}
	}
}

// patient is a service that nothing is taken from during a test: who loses the
// lease waits for ever.
func patient(s *cfn.Service) { s.Lease = time.Hour }

// A process dies at some call of an operation, keeping its lease; another takes
// over when that has run out.
func TestANodeTakesOverInEveryPhase(t *testing.T) {
	replacing := strings.NewReplacer("GenerateSecret: true", "GenerateSecret: false", "  ClientSecret: {Value: !GetAtt Client.ClientSecret}\n", "",
		"GroupName: staff, Precedence: 10", "GroupName: crew, Precedence: 11", "MinimumLength: 10", "MinimumLength: 12").Replace(article(t))
	for _, tt := range []struct {
		name, before string // the stack that is there before; "" is none
		begin        func(*world, *cfn.Service) error
		want         string
		check        func(t *testing.T, before, after string)
	}{
		{"rollback of a creation", "", func(w *world, s *cfn.Service) error {
			_, err := s.Create(t.Context(), cfn.Actor{ARN: root.ARN, Account: root.Account, Root: true}, region, change(withBroken(article(t))))
			return err
		}, "ROLLBACK_COMPLETE", func(t *testing.T, _, after string) {
			if after != "{}" {
				t.Errorf("left: %s", after)
			}
		}},
		{"rollback of an update", article(t), func(w *world, s *cfn.Service) error {
			_, err := s.Update(t.Context(), cfn.Actor{ARN: root.ARN, Account: root.Account, Root: true}, region, change(withBroken(replacing)))
			return err
		}, "UPDATE_ROLLBACK_COMPLETE", func(t *testing.T, before, after string) {
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("not what it was:\n%s", diff)
			}
		}},
		{"update and cleanup", article(t), func(w *world, s *cfn.Service) error {
			_, err := s.Update(t.Context(), cfn.Actor{ARN: root.ARN, Account: root.Account, Root: true}, region, change(replacing))
			return err
		}, "UPDATE_COMPLETE", func(t *testing.T, before, after string) {
			for what, n := range map[string]int{`"pool `: 1, `"client `: 1, `"GroupName"`: 2, `"crew"`: 1, `"staff"`: 0} {
				if got := strings.Count(after, what); got != n {
					t.Errorf("%d of %s, want %d:\n%s", got, what, n, after)
				}
			}
		}},
		{"deletion", article(t), func(w *world, s *cfn.Service) error {
			return s.Delete(t.Context(), cfn.Actor{ARN: root.ARN, Account: root.Account, Root: true}, region, "shop", nil, "")
		}, "DELETE_COMPLETE", func(t *testing.T, _, after string) {
			if after != "{}" {
				t.Errorf("left: %s", after)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The calls are counted without a crash, then some are chosen.
			total, _ := takeOver(t, tt.before, tt.begin, 0, tt.want, tt.check)
			if total < 3 {
				t.Fatalf("the operation makes only %d calls", total)
			}
			// What goes on side by side makes a call more or less each time.
			deaths := 0
			for _, at := range []int64{total / 3, total * 2 / 3, total - 2, total - 1, total} {
				if _, died := takeOver(t, tt.before, tt.begin, max(at, 1), tt.want, tt.check); died {
					deaths++
				}
				if t.Failed() {
					t.Fatalf("the node died at call %d of %d", at, total)
				}
			}
			if deaths < 3 {
				t.Errorf("the node has died only %d times", deaths)
			}
		})
	}
}

func change(text string) cfn.Change {
	return cfn.Change{Name: "shop", Definition: cfn.Definition{Body: text}}
}

func takeOver(t *testing.T, before string, begin func(*world, *cfn.Service) error, dies int64, want string, check func(t *testing.T, before, after string)) (calls int64, died bool) {
	t.Helper()
	w := newWorld(t)
	id, was := "shop", ""
	if before != "" {
		id = w.want(w.create("shop", before, nil), "CREATE_COMPLETE").StackId
		was = w.inventory()
	}
	// Only the processes of the test carry operations out.
	if err := w.stacks.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	n, s := w.join(300 * time.Millisecond)
	n.dies.Store(dies)
	if err := begin(w, s); err != nil {
		t.Fatal(err)
	}
	if dies > 0 {
		w.join(300 * time.Millisecond)
	}
	got := w.describe(id)
	if got.StackStatus != want {
		w.want(got, want)
		return n.calls.Load(), n.dead.Load()
	}
	check(t, was, w.inventory())
	return n.calls.Load(), n.dead.Load()
}

// A setting that is not the operation's may change while one is under way.
func TestProtectionDuringAnOperation(t *testing.T) {
	w := newWorld(t, patient)
	var once atomic.Bool
	w.mu.Lock()
	w.after = func(operation string) {
		if operation == "CreateUserPool" && once.CompareAndSwap(false, true) {
			w.must("cloudformation", "UpdateTerminationProtection", object{"StackName": "s", "EnableTerminationProtection": true}, nil)
		}
	}
	w.mu.Unlock()
	// Had the run lost its lease, nobody would go on before that has run out, and
	// create would not wait for it.
	w.want(w.create("s", two, nil), "CREATE_COMPLETE")
	if !once.Load() {
		t.Error("the protection was not changed in the middle")
	}
	wantError(t, w.do("cloudformation", "DeleteStack", object{"StackName": "s"}, nil), "ValidationError", "TerminationProtection")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made["CreateUserPool"] != 1 || w.made["CreateGroup"] != 1 {
		t.Errorf("operations: %v", w.made)
	}
}

// A stack that is being made uses an export from its beginning.
func TestAnOperationInProgressBindsExports(t *testing.T) {
	exporter := "Resources: {Pool: {Type: AWS::Cognito::UserPool}}\nOutputs: {Id: {Value: !Ref Pool, Export: {Name: pool}}}"
	for name, importer := range map[string]string{
		"resource": "Resources: {P: {Type: AWS::Cognito::UserPool}, G: {Type: AWS::Cognito::UserPoolGroup, DependsOn: P, Properties: {UserPoolId: !ImportValue pool, GroupName: g}}}",
		"output":   "Resources: {P: {Type: AWS::Cognito::UserPool}}\nOutputs: {O: {Value: !ImportValue pool}}",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.want(w.create("a", exporter, nil), "CREATE_COMPLETE")
			var refused error
			var once atomic.Bool
			w.mu.Lock()
			w.after = func(operation string) {
				if operation == "CreateUserPool" && once.CompareAndSwap(false, true) {
					refused = w.do("cloudformation", "DeleteStack", object{"StackName": "a"}, nil)
				}
			}
			w.mu.Unlock()
			w.want(w.create("b", importer, nil), "CREATE_COMPLETE")
			wantError(t, refused, "ValidationError", "Export pool cannot be deleted as it is in use by b")
		})
	}
}

// What was rolled back uses nothing any more.
func TestARolledBackCreationBindsNoExport(t *testing.T) {
	w := newWorld(t)
	w.want(w.create("a", "Resources: {Pool: {Type: AWS::Cognito::UserPool}}\nOutputs: {Id: {Value: !Ref Pool, Export: {Name: pool}}}", nil), "CREATE_COMPLETE")
	w.want(w.create("b", "Resources: {G: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !ImportValue pool, ExplicitAuthFlows: [NO_SUCH_FLOW]}}}", nil), "ROLLBACK_COMPLETE")
	w.must("cloudformation", "DeleteStack", object{"StackName": "a"}, nil)
	w.describe2("a")
}

// Who cancels an update while its last resource is worked on is obeyed.
func TestAnUpdateIsCancelledUpToItsEnd(t *testing.T) {
	w := newWorld(t)
	exported := two + "Outputs: {O: {Value: one, Export: {Name: e}}}\n"
	w.want(w.create("s", exported, nil), "CREATE_COMPLETE")
	var once atomic.Bool
	w.mu.Lock()
	w.after = func(operation string) {
		if operation == "UpdateGroup" && once.CompareAndSwap(false, true) {
			w.must("cloudformation", "CancelUpdateStack", object{"StackName": "s"}, nil)
		}
	}
	w.mu.Unlock()
	w.want(w.update("s", strings.ReplaceAll(exported, "one", "two"), nil), "UPDATE_ROLLBACK_COMPLETE")
	var list struct{ Exports []struct{ Value string } }
	w.must("cloudformation", "ListExports", object{}, &list)
	if len(list.Exports) != 1 || list.Exports[0].Value != "one" || strings.Contains(w.inventory(), `"two"`) {
		t.Errorf("exports = %v; %s", list, w.inventory())
	}
}
