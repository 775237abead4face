// Command rockpool is Amazon Cognito user pools on your own machines: the
// server, and what people do with it from a terminal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rockpoolhq/rockpool"
)

func main() {
	rockpool.Reexec() // a function's process begins here and does not return
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitFailed  = 1
	exitMisused = 2
)

// run runs a command line and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, errDiffers) {
		return exitFailed
	}
	fmt.Fprintf(stderr, "rockpool: %v\n", err)
	if hint, ok := errors.AsType[*hintError](err); ok {
		fmt.Fprintln(stderr, hint.hint)
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitMisused
	}
	return exitFailed
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func misused(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// hintError is an error with a line on what to do about it.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "rockpool",
		Short: "Amazon Cognito user pools on your own machines",
		Long: `Rockpool is Amazon Cognito user pools, and the Lambda functions behind their
triggers, on your own machines. AWS SDKs, the AWS CLI and Amplify work against
it unchanged.

  rockpool demo     see a pre token generation function change a token
  rockpool dev      a server for local work: http://localhost:7665
  rockpool serve    a server for production`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              noArguments,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(
		newDemoCommand(), newDevCommand(), newServeCommand(),
		newFunctionCommand(), newStackCommand(), newTokenCommand(),
		newInboxCommand(), newClockCommand(), newKeysCommand(), newCredentialsCommand(),
		newVersionCommand(),
	)
	return root
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused("%s takes no argument %q (try %s --help)", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// arguments requires between low and high arguments.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return misused("%s needs %s (try %s --help)", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// verbs is a command that only groups others.
func verbs(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return misused("%s has no verb %q (try %s --help)", cmd.CommandPath(), args[0], cmd.CommandPath())
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(children...)
	return cmd
}
