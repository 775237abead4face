package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStackCommand() *cobra.Command {
	return verbs(&cobra.Command{Use: "stack", Short: "Deploy CloudFormation templates, and write them"},
		newStackDeployCommand(), newStackDiffCommand(), newStackDeleteCommand(),
		newStackListCommand(), newStackEventsCommand(), newStackOutputsCommand(), newStackExportCommand())
}

// stackTemplate is a template to deploy, and the flags that say how.
type stackTemplate struct {
	clientFlags
	name         string
	parameters   []string
	tags         []string
	capabilities []string
}

func (t *stackTemplate) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&t.name, "name", "", "stack name (default: the file's name, or its folder's if that is template)")
	flags.StringArrayVar(&t.parameters, "parameter", nil, "parameter NAME=VALUE, may be repeated; others stay as they are")
	flags.StringArrayVar(&t.tags, "tag", nil, "tag NAME=VALUE, may be repeated; without any, tags stay as they are")
	flags.StringSliceVar(&t.capabilities, "capabilities", nil, "what the template may do: CAPABILITY_IAM, CAPABILITY_NAMED_IAM")
	t.clientFlags.add(cmd)
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9-]+`)

// stackName is the name for a stack whose template is a file.
func stackName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if abs, err := filepath.Abs(path); err == nil && name == "template" {
		name = filepath.Base(filepath.Dir(abs))
	}
	return strings.TrimLeft(strings.Trim(notInName.ReplaceAllString(name, "-"), "-"), "-0123456789")
}

// maxTemplateBody is what CloudFormation takes in a request, without a bucket.
const maxTemplateBody = 51_200

// planned is a change set, and the stack as it is; nil if nothing was made of it
// yet.
type planned struct {
	*changeSet
	before *stackInfo
	stack  string // its name
	fresh  bool   // the stack was made for the change set
}

// plan makes a change set of the template in a file.
func (t *stackTemplate) plan(ctx context.Context, cmd *cobra.Command, c *client, path string) (*planned, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	name := firstOf(t.name, stackName(path))
	if name == "" {
		return nil, misused("there is no stack name in %s: give one with --name", path)
	}
	if text, err = uploadCode(ctx, cmd, c, path, text); err != nil {
		return nil, err
	}
	if len(text) > maxTemplateBody {
		fmt.Fprintf(cmd.ErrOrStderr(), "rockpool: %s has %d bytes; CloudFormation takes %d in a request and more from a bucket only\n", path, len(text), maxTemplateBody)
	}
	before, err := c.stack(ctx, name)
	if err != nil {
		return nil, err
	}
	fresh := before == nil
	switch {
	case fresh || before.Status == "REVIEW_IN_PROGRESS":
		before = nil
	case before.Status == "ROLLBACK_COMPLETE" || before.Status == "ROLLBACK_FAILED" || before.Status == "DELETE_FAILED":
		return nil, &hintError{fmt.Errorf("stack %s is in %s and can only be deleted", name, before.Status), "rockpool stack delete " + name}
	}
	form := url.Values{"StackName": {name}, "ChangeSetName": {"rockpool-" + strings.ToLower(rand.Text())}, "TemplateBody": {string(text)}, "ChangeSetType": {"CREATE"}}
	if before != nil {
		form.Set("ChangeSetType", "UPDATE")
	}
	if err := t.fill(ctx, c, form, before); err != nil {
		return nil, err
	}
	var made struct{ Id, StackId string }
	err = c.cloudFormation(ctx, "CreateChangeSet", form, &made)
	if codeOf(err) == "InsufficientCapabilitiesException" {
		_, needed, _ := strings.Cut(err.Error(), "[")
		needed, _, _ = strings.Cut(needed, "]")
		return nil, &hintError{err, "if the template may do that, say so: --capabilities " + firstOf(strings.ReplaceAll(needed, " ", ""), "CAPABILITY_NAMED_IAM")}
	}
	if err != nil {
		return nil, err
	}
	set, err := c.changeSet(ctx, made.StackId, made.Id)
	if err != nil {
		return nil, err
	}
	p := &planned{changeSet: set, before: before, stack: name, fresh: fresh}
	if set.Status == "FAILED" && !set.empty() {
		return nil, errors.Join(errors.New(set.Reason), p.discard(ctx, c))
	}
	return p, nil
}

// fill adds the parameters, tags and capabilities of a change set.
func (t *stackTemplate) fill(ctx context.Context, c *client, form url.Values, before *stackInfo) error {
	n := 0
	given := map[string]bool{}
	for _, text := range t.parameters {
		k, v, ok := strings.Cut(text, "=")
		if !ok || given[k] {
			return misused("--parameter %q is not NAME=VALUE, or there twice", text)
		}
		given[k] = true
		n++
		numbered(form, "Parameters", n, "ParameterKey", k)
		numbered(form, "Parameters", n, "ParameterValue", v)
	}
	if before != nil {
		// What was given once need not be given again.
		var summary struct {
			Keys []string `xml:"Parameters>member>ParameterKey"`
		}
		if err := c.cloudFormation(ctx, "GetTemplateSummary", url.Values{"TemplateBody": form["TemplateBody"]}, &summary); err != nil {
			return err
		}
		for _, k := range summary.Keys {
			if !given[k] && before.hasParameter(k) {
				n++
				numbered(form, "Parameters", n, "ParameterKey", k)
				numbered(form, "Parameters", n, "UsePreviousValue", "true")
			}
		}
	}
	var tags []stackTag
	for _, text := range t.tags {
		k, v, ok := strings.Cut(text, "=")
		if !ok {
			return misused("--tag %q is not NAME=VALUE", text)
		}
		tags = append(tags, stackTag{k, v})
	}
	if t.tags == nil && before != nil {
		tags = before.Tags
	}
	for i, tag := range tags {
		numbered(form, "Tags", i+1, "Key", tag.Key)
		numbered(form, "Tags", i+1, "Value", tag.Value)
	}
	for i, name := range t.capabilities {
		numbered(form, "Capabilities", i+1, "", name)
	}
	return nil
}

// discard takes a change set away, and the stack that was made for it alone.
func (p *planned) discard(ctx context.Context, c *client) error {
	ctx = context.WithoutCancel(ctx)
	err := c.cloudFormation(ctx, "DeleteChangeSet", url.Values{"StackName": {p.StackID}, "ChangeSetName": {p.Name}}, nil)
	if err != nil || !p.fresh {
		return err
	}
	now, err := c.stack(ctx, p.StackID)
	if err != nil || now == nil || now.Status != "REVIEW_IN_PROGRESS" {
		return err
	}
	return c.cloudFormation(ctx, "DeleteStack", url.Values{"StackName": {p.StackID}}, nil)
}

func newStackDeployCommand() *cobra.Command {
	var t stackTemplate
	var yes, noRollback bool
	cmd := &cobra.Command{
		Use:   "deploy FILE",
		Short: "Create or update a stack from a template",
		Long: `Create a stack from a CloudFormation template, or update it to what the
template says now. Progress is shown as it goes; at the end the stack's outputs
are printed, NAME=VALUE (--json has values of more than one line).

If a resource would be removed or replaced, and what it holds be lost, the
command asks before it begins; --yes is the answer.

Code on this machine (Code: ./folder of AWS::Lambda::Function, CodeUri: ./folder
of AWS::Serverless::Function, relative to the template) is packed and put into
the bucket rockpool-deploy-ACCOUNT-REGION, once for each content.`,
		Example: `  rockpool stack deploy shop.yaml --parameter Stage=test
  rockpool stack deploy template.yaml --name shop --capabilities CAPABILITY_IAM`,
		Args: arguments(1, 1, "a template"),
		RunE: withClient(&t.clientFlags, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			p, err := t.plan(ctx, cmd, c, args[0])
			if err != nil {
				return err
			}
			if p.empty() {
				fmt.Fprintf(cmd.ErrOrStderr(), "rockpool: stack %s is as the template says\n", p.stack)
				return errors.Join(p.discard(ctx, c), printStack(cmd.OutOrStdout(), p.before, t.json))
			}
			if err := p.confirm(cmd, yes); err != nil {
				return errors.Join(err, p.discard(ctx, c))
			}
			return p.execute(cmd, c, noRollback, t.json)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "remove and replace resources without asking")
	cmd.Flags().BoolVar(&noRollback, "no-rollback", false, "leave what there is after a failure")
	t.add(cmd)
	return cmd
}

// confirm asks if something would be lost.
func (p *planned) confirm(cmd *cobra.Command, yes bool) error {
	lost := slices.DeleteFunc(slices.Clone(p.Changes), func(c change) bool { return !c.loses() })
	if yes || len(lost) == 0 {
		return nil
	}
	for _, c := range lost {
		writeChange(cmd.ErrOrStderr(), c)
	}
	return ask(cmd, fmt.Sprintf("What these resources of stack %s hold may be lost. Go on?", p.stack))
}

// ask asks a question that only y or yes affirms.
func ask(cmd *cobra.Command, question string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		fmt.Fprintln(cmd.ErrOrStderr())
		return &hintError{errors.New("nothing was changed"), "--yes answers the question"}
	}
	return nil
}

// execute carries the plan out and shows how.
func (p *planned) execute(cmd *cobra.Command, c *client, noRollback, asJSON bool) error {
	ctx := cmd.Context()
	after, err := c.lastEvent(ctx, p.StackID)
	if err != nil {
		return err
	}
	in := url.Values{"StackName": {p.StackID}, "ChangeSetName": {p.Name}}
	if noRollback {
		in.Set("DisableRollback", "true")
	}
	if err := c.cloudFormation(ctx, "ExecuteChangeSet", in, nil); err != nil {
		return err
	}
	show := newProgress(cmd.ErrOrStderr())
	st, err := show.follow(ctx, c, p.StackID, after)
	if err != nil {
		return err
	}
	if st.Status != "CREATE_COMPLETE" && st.Status != "UPDATE_COMPLETE" {
		return fmt.Errorf("stack %s is in %s: %s", st.Name, st.Status, firstOf(show.failure, st.Reason, "no reason is given"))
	}
	return printStack(cmd.OutOrStdout(), st, asJSON)
}

func printStack(w io.Writer, st *stackInfo, asJSON bool) error {
	if asJSON {
		outputs := map[string]string{}
		for _, o := range st.Outputs {
			outputs[o.Key] = o.Value
		}
		return printJSON(w, map[string]any{"StackId": st.ID, "StackName": st.Name, "StackStatus": st.Status, "Outputs": outputs})
	}
	for _, o := range st.Outputs {
		if _, err := fmt.Fprintf(w, "%s=%s\n", o.Key, printable(o.Value)); err != nil {
			return err
		}
	}
	return nil
}

func newStackDeleteCommand() *cobra.Command {
	var f clientFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME|FILE",
		Short: "Delete a stack and what it made",
		Args:  arguments(1, 1, "the name of a stack, or the file of its template"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			st, err := c.mustStack(ctx, args[0])
			if err != nil {
				return err
			}
			if !yes {
				if err := ask(cmd, fmt.Sprintf("Delete stack %s with all that its resources hold?", st.Name)); err != nil {
					return err
				}
			}
			after, err := c.lastEvent(ctx, st.ID)
			if err != nil {
				return err
			}
			if err := c.cloudFormation(ctx, "DeleteStack", url.Values{"StackName": {st.ID}}, nil); err != nil {
				return err
			}
			show := newProgress(cmd.ErrOrStderr())
			if st, err = show.follow(ctx, c, st.ID, after); err != nil {
				return err
			}
			if st.Status != "DELETE_COMPLETE" {
				return fmt.Errorf("stack %s is in %s: %s", st.Name, st.Status, firstOf(show.failure, st.Reason, "no reason is given"))
			}
			if f.json {
				return printStack(cmd.OutOrStdout(), st, true)
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	f.add(cmd)
	return cmd
}

func newStackListCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the stacks",
		Args:  noArguments,
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, _ []string) error {
			all := []stackInfo{}
			for token := ""; ; {
				in := url.Values{}
				if token != "" {
					in.Set("NextToken", token)
				}
				var out struct {
					Stacks []stackInfo `xml:"Stacks>member"`
					Next   string      `xml:"NextToken"`
				}
				if err := c.cloudFormation(ctx, "DescribeStacks", in, &out); err != nil {
					return err
				}
				all = append(all, out.Stacks...)
				if token = out.Next; token == "" {
					break
				}
			}
			if f.json {
				list := []map[string]string{}
				for _, st := range all {
					list = append(list, map[string]string{"StackId": st.ID, "StackName": st.Name, "StackStatus": st.Status})
				}
				return printJSON(cmd.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSTATUS\tCHANGED")
			for _, st := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\n", st.Name, st.Status, firstOf(st.Updated, st.Created.Format(time.RFC3339)))
			}
			return w.Flush()
		}),
	}
	f.add(cmd)
	return cmd
}

func newStackEventsCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "events NAME|FILE",
		Short: "Show what happened to a stack, the oldest first",
		Args:  arguments(1, 1, "the name or id of a stack, or the file of its template"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			list, err := c.events(ctx, args[0], "")
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			for _, e := range list {
				fmt.Fprintln(cmd.OutOrStdout(), printable(strings.TrimRight(fmt.Sprintf("%s  %-28s %-36s %s  %s", e.Time.Format("15:04:05.000"), e.Status, e.Type, e.LogicalID, e.Reason), " ")))
			}
			return nil
		}),
	}
	f.add(cmd)
	return cmd
}

func newStackOutputsCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "outputs NAME|FILE",
		Short: "Print the outputs of a stack, NAME=VALUE",
		Args:  arguments(1, 1, "the name of a stack, or the file of its template"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			st, err := c.mustStack(ctx, args[0])
			if err != nil {
				return err
			}
			return printStack(cmd.OutOrStdout(), st, f.json)
		}),
	}
	f.add(cmd)
	return cmd
}
