package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockpoolhq/rockpool"
	"github.com/rockpoolhq/rockpool/internal/arn"
)

func newDemoCommand() *cobra.Command {
	var once, asJSON bool
	var node string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See a pre token generation function change a token",
		Long: `Run the whole story in memory and print each step: a user pool with the custom
attributes tenantId and department, an app client, a user, a sign-in; then a
Node.js function, attached as pre token generation trigger, and a second
sign-in. The ID token is shown decoded before and after, its signature
verified against the pool's published keys.

Then the server is left running for a look around; stop it with Ctrl-C.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd, node, once || asJSON, asJSON)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "exit after the story")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the two decoded tokens as JSON and exit")
	cmd.Flags().StringVar(&node, "node", "", "Node.js executable, or none for the built-in engine (default: look it up)")
	return cmd
}

// articleHandler is the function that the story deploys, as one would write it
// in the Lambda console.
const articleHandler = `const handler = async (event) => {
  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: {
        tenantId: event.request.userAttributes['custom:tenantId'],
        departmentId: event.request.userAttributes['custom:department'],
      },
    },
  };

  return event;
};

export { handler };
`

func runDemo(cmd *cobra.Command, node string, once, asJSON bool) error {
	if err := checkNode(node); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", rockpool.DefaultAddress)
	if err != nil { // a server is running there: any other port will do
		if ln, err = (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	base := fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port)
	srv, err := rockpool.New(cmd.Context(), rockpool.Options{PublicURL: base, Node: node, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	ctx, stop := context.WithCancel(cmd.Context())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, ln) }()

	out := cmd.OutOrStdout()
	if asJSON {
		out = io.Discard
	}
	story := &story{
		c:   &client{endpoint: base, region: arn.DefaultRegion, key: "demo", secret: "demo", http: &http.Client{Timeout: time.Minute}},
		out: out, colour: isTerminal(out),
	}
	err = story.tell(ctx)
	switch {
	case err == nil && asJSON:
		err = printJSON(cmd.OutOrStdout(), map[string]*decoded{"before": story.before, "after": story.after})
	case err == nil && !once:
		story.lookAround(base)
		<-ctx.Done()
	}
	stop()
	err = errors.Join(err, <-served)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, srv.Close(closing))
}

// story tells the demo.
type story struct {
	c      *client
	out    io.Writer
	colour bool
	step   int

	pool, client, function string
	before, after          *decoded
	lastIDToken            string
}

func (s *story) tell(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.makePool, s.makeClient, s.makeUser, s.signInBefore, s.deploy, s.attach, s.signInAfter,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

const (
	demoUser     = "jane"
	demoPassword = "Correct-Horse-9"
)

func (s *story) say(what, command string) {
	s.step++
	fmt.Fprintf(s.out, "\n%s\n", s.paint("1", fmt.Sprintf("%d  %s", s.step, what)))
	if command != "" {
		fmt.Fprintf(s.out, "   %s\n", s.paint("2", "$ "+command))
	}
}

func (s *story) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *story) makePool(ctx context.Context) error {
	s.say("A user pool with two custom attributes", "aws cognito-idp create-user-pool --pool-name article --schema Name=tenantId,… Name=department,…")
	var out struct{ UserPool struct{ Id, Arn string } }
	err := s.c.cognito(ctx, "CreateUserPool", map[string]any{
		"PoolName": "article",
		"Schema": []map[string]any{
			{"Name": "tenantId", "AttributeDataType": "String", "Mutable": true},
			{"Name": "department", "AttributeDataType": "String", "Mutable": true},
		},
	}, &out)
	s.pool = out.UserPool.Id
	fmt.Fprintf(s.out, "   %s\n", s.pool)
	return err
}

func (s *story) makeClient(ctx context.Context) error {
	s.say("An app client, which may read both but let no user write them", "aws cognito-idp create-user-pool-client --client-name web …")
	var out struct{ UserPoolClient struct{ ClientId string } }
	err := s.c.cognito(ctx, "CreateUserPoolClient", map[string]any{
		"UserPoolId": s.pool, "ClientName": "web",
		"ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
		"ReadAttributes":    []string{"email", "email_verified", "custom:tenantId", "custom:department"},
		"WriteAttributes":   []string{"email"},
	}, &out)
	s.client = out.UserPoolClient.ClientId
	fmt.Fprintf(s.out, "   %s\n", s.client)
	return err
}

func (s *story) makeUser(ctx context.Context) error {
	s.say("A user of the tenant acme, in department 42", "aws cognito-idp admin-create-user --username jane --user-attributes … Name=custom:tenantId,Value=acme …")
	err := s.c.cognito(ctx, "AdminCreateUser", map[string]any{
		"UserPoolId": s.pool, "Username": demoUser, "MessageAction": "SUPPRESS",
		"UserAttributes": []map[string]string{
			{"Name": "email", "Value": "jane@example.com"},
			{"Name": "email_verified", "Value": "true"},
			{"Name": "custom:tenantId", "Value": "acme"},
			{"Name": "custom:department", "Value": "42"},
		},
	}, nil)
	if err != nil {
		return err
	}
	return s.c.cognito(ctx, "AdminSetUserPassword", map[string]any{
		"UserPoolId": s.pool, "Username": demoUser, "Password": demoPassword, "Permanent": true,
	}, nil)
}

func (s *story) signIn(ctx context.Context) (*decoded, error) {
	var out struct{ AuthenticationResult struct{ IdToken string } }
	err := s.c.cognito(ctx, "InitiateAuth", map[string]any{
		"ClientId": s.client, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": demoUser, "PASSWORD": demoPassword},
	}, &out)
	if err != nil {
		return nil, err
	}
	s.lastIDToken = out.AuthenticationResult.IdToken
	d, err := decode(s.lastIDToken)
	if err != nil {
		return nil, err
	}
	d.verify(ctx, s.c, s.lastIDToken)
	if d.Verified != verifiedYes {
		return nil, fmt.Errorf("the ID token's signature is not valid: %s", d.Why)
	}
	d.explain(ctx, s.c)
	return d, nil
}

func (s *story) signInBefore(ctx context.Context) (err error) {
	s.say("Jane signs in: the ID token as Cognito makes it", "aws cognito-idp initiate-auth --auth-flow USER_PASSWORD_AUTH …")
	if s.before, err = s.signIn(ctx); err != nil {
		return err
	}
	s.show(s.before, nil)
	return nil
}

func (s *story) deploy(ctx context.Context) error {
	s.say("A function: index.mjs", "aws lambda create-function --function-name pretoken --runtime nodejs20.x --handler index.handler …")
	for line := range strings.Lines(articleHandler) {
		fmt.Fprintf(s.out, "   %s", s.paint("36", strings.TrimSuffix(line, "\n"))+"\n")
	}
	folder, err := os.MkdirTemp("", "rockpool-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := folder + "/pretoken.mjs"
	if err := os.WriteFile(file, []byte(articleHandler), 0o600); err != nil {
		return err
	}
	src, err := readSource(file)
	if err != nil {
		return err
	}
	var got configuration
	err = s.c.lambda(ctx, http.MethodPost, "/2015-03-31/functions", map[string]any{
		"FunctionName": "pretoken", "Runtime": src.runtime, "Handler": src.handler,
		"Role": "arn:aws:iam::000000000000:role/demo", "Code": map[string]any{"ZipFile": src.archive},
	}, &got)
	s.function = got.FunctionArn
	fmt.Fprintf(s.out, "   %s, run by %s\n", s.function, got.engine())
	return err
}

func (s *story) attach(ctx context.Context) error {
	s.say("Its permission, and the pool's pre token generation trigger", "aws lambda add-permission … && aws cognito-idp update-user-pool --lambda-config PreTokenGeneration=…")
	a := attachment{pool: s.pool, trigger: "PreTokenGeneration"}
	return a.attach(ctx, s.c, configuration{FunctionName: "pretoken", FunctionArn: s.function})
}

func (s *story) signInAfter(ctx context.Context) (err error) {
	s.say("Jane signs in again", "aws cognito-idp initiate-auth --auth-flow USER_PASSWORD_AUTH …")
	if s.after, err = s.signIn(ctx); err != nil {
		return err
	}
	for _, claim := range []string{"tenantId", "departmentId"} {
		if !s.after.Claims.Has(claim) {
			return fmt.Errorf("the token has no %s: the function was not asked", claim)
		}
	}
	s.show(s.after, s.before)
	return nil
}

// show prints an ID token's claims, with a mark at those that are not in
// before.
func (s *story) show(d, before *decoded) {
	fmt.Fprintln(s.out)
	for name, value := range d.Claims.All() {
		line := fmt.Sprintf("   %-20s %s", name, value)
		if before != nil && !before.Claims.Has(name) {
			line = s.paint("32;1", fmt.Sprintf(" + %-20s %s", name, value)) + "   ← by the function"
		}
		fmt.Fprintln(s.out, line)
	}
	fmt.Fprintf(s.out, "\n   %s signature verified with key %s of %s\n", s.paint("32;1", "✓"), d.Header.String("kid"), d.Claims.String("iss")+"/.well-known/jwks.json")
}

func (s *story) lookAround(base string) {
	fmt.Fprintf(s.out, `
The server is still there, until Ctrl-C:

   export AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo
   aws cognito-idp describe-user-pool --user-pool-id %s
   rockpool function logs pretoken
   rockpool token decode %s

`, base, s.pool, s.lastIDToken)
}

// isTerminal reports whether w is a terminal that may be coloured.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
