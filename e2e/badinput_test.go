package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TestBadFunctions attaches functions that misbehave. Each fails its user's
// sign-in with the documented error, and users of another pool sign in
// meanwhile.
func TestBadFunctions(t *testing.T) {
	s := startServer(t)
	p, other := newPool(t, s), newPool(t, s)
	p.addUser(t, "jane", nil)
	other.addUser(t, "bob", nil)
	const (
		failed  = "UserLambdaValidationException: PreTokenGeneration failed with error "
		rubbish = "InvalidLambdaResponseException: Unrecognizable lambda output"
	)
	for name, c := range map[string]struct{ source, want string }{
		"throws":       {"export const handler = async () => { throw new Error('no') }", failed + "no."},
		"exits":        {"export const handler = async () => process.exit(1)", failed + "RequestId: "},
		"crashes":      {"export const handler = async () => process.abort()", failed + "RequestId: "},
		"no-handler":   {"export const other = 1", failed + "index.handler is undefined or not exported."},
		"no-program":   {"export const handler = async ( => {", failed + "SyntaxError: "},
		"text":         {"export const handler = async () => 'a text'", rubbish},
		"wrong-member": {"export const handler = async (event) => { event.response.claimsOverrideDetails = 7; return event }", rubbish},
		"large":        {"export const handler = async (event) => ({ ...event, more: 'x'.repeat(10 << 20) })", failed + "Response payload size ("},
		"spins": {"export const handler = async () => { for (;;); }",
			"UnexpectedLambdaException: PreTokenGeneration invocation failed due to error Socket timeout while invoking Lambda function."},
		"floods": {"export const handler = async (event) => { for (let i = 0; i < 20_000; i++) console.log('line', i, 'x'.repeat(100)); return event }", ""},
	} {
		t.Run(name, func(t *testing.T) {
			arn := p.deploy(t, name, lambdatypes.RuntimeNodejs20x, "index.handler", map[string][]byte{"index.mjs": []byte(c.source)})
			p.attach(t, arn, types.PreTokenGenerationLambdaVersionTypeV10)
			ended := make(chan error, 1)
			go func() {
				_, err := p.idp.InitiateAuth(context.Background(), &cip.InitiateAuthInput{
					ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
					AuthParameters: map[string]string{"USERNAME": "jane", "PASSWORD": password},
				}, func(o *cip.Options) { o.Retryer = aws.NopRetryer{} })
				ended <- err
			}()
			other.mustSignIn(t, "bob")
			err := <-ended
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("sign-in: got %v, want %q", err, c.want)
			}
			other.mustSignIn(t, "bob")
		})
	}
}

// TestBadPackages uploads what is no package.
func TestBadPackages(t *testing.T) {
	s := startServer(t)
	good := zipped(t, map[string][]byte{"index.mjs": []byte("export const handler = async () => 1")})
	for name, archive := range map[string][]byte{
		"no zip":        []byte("not a zip file"),
		"cut off":       good[:len(good)/2],
		"out of folder": zipped(t, map[string][]byte{"../../escape.mjs": []byte("x")}),
		"absolute":      zipped(t, map[string][]byte{"/tmp/escape.mjs": []byte("x")}),
	} {
		_, err := s.lambda().CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("bad"), Runtime: lambdatypes.RuntimeNodejs20x, Handler: aws.String("index.handler"),
			Role: aws.String("arn:aws:iam::" + account + ":role/r"), Code: &lambdatypes.FunctionCode{ZipFile: archive},
		})
		if !is[*lambdatypes.InvalidParameterValueException](err) {
			t.Errorf("%s: got %v, want InvalidParameterValueException", name, err)
		}
	}
	list, err := s.lambda().ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil || len(list.Functions) != 0 {
		t.Errorf("functions afterwards: %+v, %v", list, err)
	}
}

// TestHotReload changes a file of a function that is deployed with --watch.
func TestHotReload(t *testing.T) {
	s := startServer(t)
	folder := filepath.Join(t.TempDir(), "changing")
	write := func(answer string) {
		t.Helper()
		source := fmt.Sprintf("export const handler = async () => %q;\n", answer)
		if err := os.WriteFile(filepath.Join(folder, "index.mjs"), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write("before")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	watcher := exec.CommandContext(ctx, binary, "function", "deploy", folder, "--runtime", "nodejs20.x", "--watch")
	watcher.Env = s.env()
	out, err := watcher.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	progress, err := watcher.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watcher.Start(); err != nil {
		t.Fatal(err)
	}
	lines, notes := bufio.NewScanner(out), bufio.NewScanner(progress)
	await := func(in *bufio.Scanner, want string) {
		t.Helper()
		for in.Scan() {
			if strings.Contains(in.Text(), want) {
				return
			}
		}
		t.Fatalf("deploy --watch ended without saying %q: %v", want, in.Err())
	}
	answer := func() string {
		t.Helper()
		got, err := s.lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("changing")})
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Payload)
	}
	await(lines, "created changing")
	await(notes, "watching")
	if got := answer(); got != `"before"` {
		t.Errorf("at first the function answers %s", got)
	}
	write("after")
	await(lines, "updated changing")
	if got := answer(); got != `"after"` {
		t.Errorf("after the change the function answers %s", got)
	}
	if err := watcher.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := watcher.Wait(); err != nil {
		t.Errorf("deploy --watch ended with %v", err)
	}
}
