package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newStackDiffCommand() *cobra.Command {
	var t stackTemplate
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "diff FILE",
		Short: "Show what deploying a template would change",
		Long: `Show what deploying a template would change: + what would be made, ~ changed and
- removed, with the properties that differ and whether the resource would be
replaced by a new one. It is a change set, which is deleted again. Code that is
on this machine is uploaded, as deploy does it.

With --exit-code the command ends with 1 if there is a change and 0 if there is
none, as git diff does.`,
		Example: `  rockpool stack diff shop.yaml --exit-code || rockpool stack deploy shop.yaml`,
		Args:    arguments(1, 1, "a template"),
		RunE: withClient(&t.clientFlags, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			p, err := t.plan(ctx, cmd, c, args[0])
			if err != nil {
				return err
			}
			if err := p.discard(ctx, c); err != nil {
				return err
			}
			switch {
			case p.before == nil:
				fmt.Fprintf(cmd.ErrOrStderr(), "there is no stack %s yet (--name chooses another)\n", p.stack)
			case p.empty():
				fmt.Fprintf(cmd.ErrOrStderr(), "nothing would change in stack %s\n", p.stack)
			}
			if err := p.print(cmd.OutOrStdout(), t.json); err != nil {
				return err
			}
			if exitCode && !p.empty() {
				return errDiffers
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "end with 1 if there is a change")
	t.add(cmd)
	return cmd
}

// errDiffers is an exit code of 1 and no message.
var errDiffers = errors.New("there are changes")

func (p *planned) print(w io.Writer, asJSON bool) error {
	if asJSON {
		changes := p.Changes
		if changes == nil {
			changes = []change{}
		}
		return printJSON(w, changes)
	}
	for _, c := range p.Changes {
		writeChange(w, c)
	}
	if len(p.Changes) == 0 && !p.empty() {
		fmt.Fprintln(w, "~ outputs or tags")
	}
	return nil
}

func writeChange(w io.Writer, c change) {
	sign := map[string]string{"Add": "+", "Remove": "-"}[c.Action]
	note := ""
	switch {
	case c.Action == "Modify" && c.Replacement == "True":
		note = "  will be replaced"
	case c.Action == "Modify" && c.Replacement == "Conditional":
		note = "  may be replaced"
	}
	fmt.Fprintf(w, "%s %s  %s%s\n", firstOf(sign, "~"), c.LogicalID, c.Type, note)
	for _, d := range c.Details {
		why := map[string]string{"Always": "  replaces it", "Conditionally": "  may replace it"}[d.Recreate]
		if d.Name != "" {
			fmt.Fprintf(w, "    ~ %s%s\n", d.Name, why)
		}
	}
}
