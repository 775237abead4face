package function_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

func TestMain(m *testing.M) {
	sandbox.Reexec()
	os.Exit(m.Run())
}

const (
	region  = "eu-west-1"
	account = "000000000000"
	poolARN = "arn:aws:cognito-idp:eu-west-1:000000000000:userpool/eu-west-1_AbC"
)

func ref(name string) arn.Function { return arn.Function{Region: region, Account: account, Name: name} }

func qualified(name, qualifier string) arn.Function {
	f := ref(name)
	f.Qualifier = qualifier
	return f
}

// newService opens a service on real parts: SQLite in memory and processes.
func newService(t *testing.T) (*function.Service, store.Store) {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.Open(sandbox.Options{StateDir: filepath.Join(t.TempDir(), "sandbox")})
	if err != nil {
		t.Fatal(err)
	}
	s := &function.Service{
		Store: db, KEK: secret.NewKEK([32]byte{1}), Host: host,
		CodeDir: filepath.Join(t.TempDir(), "code"), Account: account,
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, err := range []error{s.Close(ctx), host.Close(), db.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
		// What is read-only cannot be removed by the test's own clean-up.
		_ = filepath.WalkDir(s.CodeDir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				return os.Chmod(path, 0o700)
			}
			return nil
		})
	})
	return s, db
}

// pack makes a package of one index.mjs.
func pack(t *testing.T, code string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create("index.mjs")
	if err == nil {
		_, err = f.Write([]byte(code))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// answers is a function that returns text.
func answers(text string) string {
	return fmt.Sprintf("export const handler = async () => %q\n", text)
}

func create(t *testing.T, s *function.Service, name, code string) function.Function {
	t.Helper()
	f, err := s.Create(t.Context(), function.Deployment{
		Region: region, Name: name, Runtime: "nodejs20.x", Handler: "index.handler",
		Role: "arn:aws:iam::000000000000:role/r", Package: pack(t, code), Timeout: new(30),
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func invoke(t *testing.T, s *function.Service, f arn.Function) string {
	t.Helper()
	got, err := s.Invoke(t.Context(), function.Invocation{Function: f})
	if err != nil {
		t.Fatal(err)
	}
	if got.FunctionError != "" {
		t.Fatalf("invoke %s: %s %s", f, got.FunctionError, got.Payload)
	}
	return string(got.Payload)
}

func TestDeploy(t *testing.T) {
	s, _ := newService(t)
	f := create(t, s, "f", answers("one"))
	if f.Version != function.Latest || f.MemoryMB != 128 || f.TmpMB != 512 || f.CodeSize == 0 || f.RevisionID == "" {
		t.Errorf("created %+v, which lacks a default", f)
	}
	if _, err := s.Create(t.Context(), function.Deployment{Region: region, Name: "f", Runtime: "nodejs20.x", Handler: "index.handler", Package: pack(t, answers("x"))}); apierr.CodeOf(err) != apierr.ResourceConflict {
		t.Errorf("creating it again: %v, want ResourceConflictException", err)
	}
	if got := invoke(t, s, ref("f")); got != `"one"` {
		t.Errorf("answer %s", got)
	}

	t.Run("new code answers at once", func(t *testing.T) {
		if _, err := s.UpdateCode(t.Context(), ref("f"), function.CodeUpdate{Package: pack(t, answers("two"))}); err != nil {
			t.Fatal(err)
		}
		if got := invoke(t, s, ref("f")); got != `"two"` {
			t.Errorf("answer %s, want the new code's", got)
		}
	})
	t.Run("a dry run changes nothing", func(t *testing.T) {
		if _, err := s.UpdateCode(t.Context(), ref("f"), function.CodeUpdate{Package: pack(t, answers("three")), DryRun: true}); err != nil {
			t.Fatal(err)
		}
		if got := invoke(t, s, ref("f")); got != `"two"` {
			t.Errorf("answer %s, want the old code's", got)
		}
	})
	t.Run("a revision that is not the newest is refused", func(t *testing.T) {
		_, err := s.UpdateCode(t.Context(), ref("f"), function.CodeUpdate{Package: pack(t, answers("four")), RevisionID: f.RevisionID})
		if apierr.CodeOf(err) != apierr.PreconditionFailed {
			t.Errorf("%v, want PreconditionFailedException", err)
		}
	})
	t.Run("a broken package leaves the old one in place", func(t *testing.T) {
		if _, err := s.UpdateCode(t.Context(), ref("f"), function.CodeUpdate{Package: []byte("no zip")}); apierr.CodeOf(err) != apierr.InvalidParameterValue {
			t.Errorf("%v, want InvalidParameterValueException", err)
		}
		if got := invoke(t, s, ref("f")); got != `"two"` {
			t.Errorf("answer %s", got)
		}
	})
	t.Run("a deleted function is gone", func(t *testing.T) {
		if err := s.Delete(t.Context(), ref("f")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Invoke(t.Context(), function.Invocation{Function: ref("f")}); apierr.CodeOf(err) != apierr.ResourceNotFound {
			t.Errorf("%v, want ResourceNotFoundException", err)
		}
	})
}

// An invocation that meets a deployment runs the code before or after it. It
// used to be tried only once more: two deployments in a row, as any save of a
// watched folder is, failed the sign-ins that waited for the new code to load.
func TestDeployingFailsNoInvocation(t *testing.T) {
	s, _ := newService(t)
	create(t, s, "f", answers("v"))
	stop := make(chan struct{})
	ran := make(chan int, 4)
	for range cap(ran) {
		go func() {
			n := 0
			defer func() { ran <- n }()
			for {
				got, err := s.Invoke(t.Context(), function.Invocation{Function: ref("f")})
				if err != nil || !strings.HasPrefix(string(got.Payload), `"v`) {
					t.Errorf("invoked during deployments: %s, %v", got.Payload, err)
					return
				}
				n++
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
	}
	for i := range 12 {
		if _, err := s.UpdateCode(t.Context(), ref("f"), function.CodeUpdate{Package: pack(t, answers(fmt.Sprint("v", i)))}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	for range cap(ran) {
		if n := <-ran; n == 0 {
			t.Error("a caller had no answer")
		}
	}
	if got := invoke(t, s, ref("f")); got != `"v11"` {
		t.Errorf("after the last deployment: %s", got)
	}
}

func TestConfiguration(t *testing.T) {
	s, db := newService(t)
	create(t, s, "f", "export const handler = async () => process.env.TENANT\n")
	const value = "kanarienvogel"
	update := func(env map[string]string) error {
		_, err := s.UpdateConfiguration(t.Context(), ref("f"), function.ConfigurationUpdate{Env: env})
		return err
	}
	if err := update(map[string]string{"TENANT": value}); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, s, ref("f")); got != `"`+value+`"` {
		t.Errorf("answer %s, want the variable", got)
	}
	for name, env := range map[string]map[string]string{
		"reserved name":  {"AWS_REGION": "x"},
		"malformed name": {"1X": "x"},
		"too much":       {"X": strings.Repeat("x", 4096)},
	} {
		if err := update(env); apierr.CodeOf(err) != apierr.InvalidParameterValue {
			t.Errorf("%s: %v, want InvalidParameterValueException", name, err)
		}
	}
	t.Run("TestSec_FN_7_VariablesAreSealedAtRest", func(t *testing.T) {
		err := db.View(t.Context(), func(tx store.Tx) error {
			record, err := tx.Function(region, "f")
			if err == nil && (len(record.Doc) == 0 || bytes.Contains(record.Doc, []byte(value))) {
				t.Errorf("the record shows the variable: %s", record.Doc)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	for name, edit := range map[string]function.ConfigurationUpdate{
		"runtime": {Runtime: new("java21")},
		"timeout": {Timeout: new(901)},
		"memory":  {MemoryMB: new(64)},
		"handler": {Handler: new("")},
	} {
		if _, err := s.UpdateConfiguration(t.Context(), ref("f"), edit); apierr.CodeOf(err) != apierr.InvalidParameterValue {
			t.Errorf("%s: %v, want InvalidParameterValueException", name, err)
		}
	}
}

func TestVersionsAndAliases(t *testing.T) {
	s, db := newService(t)
	ctx := t.Context()
	create(t, s, "f", answers("one"))
	one, err := s.Publish(ctx, ref("f"), function.Publication{Description: "first"})
	if err != nil || one.Version != "1" || one.Description != "first" {
		t.Fatalf("Publish = %+v, %v", one, err)
	}
	if again, err := s.Publish(ctx, ref("f"), function.Publication{Description: "first"}); err != nil || again.Version != "1" {
		t.Errorf("publishing what did not change: version %s, %v; want the same version", again.Version, err)
	}
	if _, err := s.UpdateCode(ctx, ref("f"), function.CodeUpdate{Package: pack(t, answers("two"))}); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, s, qualified("f", "1")); got != `"one"` {
		t.Errorf("version 1 answers %s after $LATEST changed", got)
	}
	if two, err := s.Publish(ctx, ref("f"), function.Publication{}); err != nil || two.Version != "2" {
		t.Fatalf("Publish = %+v, %v", two, err)
	}

	live := qualified("f", "live")
	if _, err := s.CreateAlias(ctx, function.Alias{Function: live, Version: "9"}); apierr.CodeOf(err) != apierr.ResourceNotFound {
		t.Errorf("alias of no version: %v, want ResourceNotFoundException", err)
	}
	if _, err := s.CreateAlias(ctx, function.Alias{Function: live, Version: "1"}); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, s, live); got != `"one"` {
		t.Errorf("alias answers %s", got)
	}
	if err := s.Delete(ctx, qualified("f", "1")); apierr.CodeOf(err) != apierr.ResourceConflict {
		t.Errorf("deleting a version that an alias uses: %v, want ResourceConflictException", err)
	}
	if _, err := s.UpdateAlias(ctx, live, function.AliasUpdate{Weights: map[string]float64{"2": 1}}); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, s, live); got != `"two"` {
		t.Errorf("alias with all its weight on version 2 answers %s", got)
	}
	versions, next, err := s.Versions(ctx, ref("f"), function.Page{Limit: 50})
	if err != nil || next != "" || len(versions) != 3 || versions[0].Version != function.Latest || versions[2].Version != "2" {
		t.Errorf("Versions = %d, %q, %v", len(versions), next, err)
	}
	for range 8 {
		if got, err := s.Get(ctx, live); err != nil || got.Version != "1" {
			t.Fatalf("the alias is described as version %s, %v; want the version that it names", got.Version, err)
		}
	}
	if err := s.DeleteAlias(ctx, live); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, qualified("f", "1")); err != nil {
		t.Errorf("deleting version 1: %v", err)
	}
	if _, err := s.Get(ctx, qualified("f", "1")); apierr.CodeOf(err) != apierr.ResourceNotFound {
		t.Errorf("version 1 after it was deleted: %v", err)
	}
	// $LATEST and version 2 have the same package, version 1 had its own.
	for sha256, want := range map[string]error{one.CodeSHA256: store.ErrNotFound, versions[2].CodeSHA256: nil} {
		err := db.View(ctx, func(tx store.Tx) error {
			_, err := tx.CodeBlob(region + "/f/" + sha256)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("package %s: %v, want %v", sha256, err, want)
		}
	}
}

// An alias once kept its policy beyond its end, for the next of that name.
func TestAnAliasDoesNotInheritAPolicy(t *testing.T) {
	s, _ := newService(t)
	ctx := t.Context()
	create(t, s, "f", answers("ok"))
	if _, err := s.Publish(ctx, ref("f"), function.Publication{}); err != nil {
		t.Fatal(err)
	}
	live := qualified("f", "live")
	st := function.Statement{ID: "cognito", Principal: "cognito-idp.amazonaws.com", Action: "lambda:InvokeFunction"}
	asPool := function.Invocation{Function: live, Caller: &function.Caller{Service: "cognito-idp.amazonaws.com", SourceARN: poolARN}}
	for i, want := range []apierr.Code{"", apierr.AccessDenied} {
		if _, err := s.CreateAlias(ctx, function.Alias{Function: live, Version: "1"}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := s.AddPermission(ctx, live, st, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Check(ctx, asPool); apierr.CodeOf(err) != want || (want == "" && err != nil) {
			t.Errorf("alias number %d: %v, want %q", i+1, err, want)
		}
		if err := s.DeleteAlias(ctx, live); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPermission(t *testing.T) {
	s, _ := newService(t)
	create(t, s, "f", answers("ok"))
	asPool := function.Invocation{
		Function: ref("f"),
		Caller:   &function.Caller{Service: "cognito-idp.amazonaws.com", SourceARN: poolARN, SourceAccount: account},
	}
	denied := func(when string) {
		t.Helper()
		if _, err := s.Invoke(t.Context(), asPool); apierr.CodeOf(err) != apierr.AccessDenied {
			t.Errorf("%s: %v, want AccessDeniedException", when, err)
		}
	}
	denied("without permission")
	if err := s.AddPermission(t.Context(), qualified("f", function.Latest), function.Statement{ID: "x", Principal: "*", Action: "*"}, ""); apierr.CodeOf(err) != apierr.InvalidParameterValue {
		t.Errorf("a policy for $LATEST: %v, want InvalidParameterValueException", err)
	}
	st := function.Statement{ID: "cognito", Principal: "cognito-idp.amazonaws.com", Action: "lambda:InvokeFunction", SourceARN: poolARN}
	if err := s.AddPermission(t.Context(), ref("f"), st, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.AddPermission(t.Context(), ref("f"), st, ""); apierr.CodeOf(err) != apierr.ResourceConflict {
		t.Errorf("the same statement twice: %v, want ResourceConflictException", err)
	}
	if got, err := s.Invoke(t.Context(), asPool); err != nil || string(got.Payload) != `"ok"` {
		t.Errorf("with permission: %s, %v", got.Payload, err)
	}
	policy, _, err := s.Policy(t.Context(), ref("f"))
	if err != nil || !json.Valid([]byte(policy)) || !strings.Contains(policy, poolARN) {
		t.Errorf("Policy = %s, %v", policy, err)
	}
	if err := s.RemovePermission(t.Context(), ref("f"), "cognito", ""); err != nil {
		t.Fatal(err)
	}
	denied("after it was taken away")
	if _, _, err := s.Policy(t.Context(), ref("f")); apierr.CodeOf(err) != apierr.ResourceNotFound {
		t.Errorf("an empty policy: %v, want ResourceNotFoundException", err)
	}
}

func TestAsynchronousInvocation(t *testing.T) {
	s, _ := newService(t)
	create(t, s, "f", answers("done"))
	id, err := s.InvokeLater(t.Context(), function.Invocation{Function: ref("f")})
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(s.Recent()) == 0 {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the invocation never ran")
		}
	}
	if got := s.Recent()[0]; got.RequestID != id || got.FunctionError != "" || got.HostError != "" {
		t.Errorf("it was recorded as %+v, want success of request %s", got, id)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.InvokeLater(t.Context(), function.Invocation{Function: ref("f")}); err == nil {
		t.Error("a closed service accepted an invocation")
	}
}

func TestFailuresAreResults(t *testing.T) {
	s, _ := newService(t)
	create(t, s, "f", "export const handler = async () => { throw new Error('No access') }\n")
	got, err := s.Invoke(t.Context(), function.Invocation{Function: ref("f"), Logs: true})
	if err != nil || got.FunctionError != "Unhandled" || !bytes.Contains(got.Payload, []byte("No access")) || got.Version != function.Latest {
		t.Errorf("Invoke = %+v, %v", got, err)
	}
	if records := s.Recent(); len(records) != 1 || records[0].FunctionError != "Unhandled" || records[0].Name != "f" {
		t.Errorf("Recent = %+v", records)
	}
}
