package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

func newFunctionCommand() *cobra.Command {
	return verbs(&cobra.Command{Use: "function", Short: "Deploy, run and watch functions"},
		newDeployCommand(), newInvokeCommand(), newLogsCommand(), newListCommand())
}

// configuration is what the CLI reads of Lambda's FunctionConfiguration.
type configuration struct {
	FunctionName, FunctionArn, Runtime, Handler, LastModified, CodeSha256 string
	CodeSize                                                              int64
	MemorySize, Timeout                                                   int
	RuntimeVersionConfig                                                  struct{ RuntimeVersionArn string }
}

func (c configuration) engine() string {
	_, engine, _ := strings.Cut(c.RuntimeVersionConfig.RuntimeVersionArn, ":runtime:")
	return engine
}

func functionPath(name, rest string) string {
	return "/2015-03-31/functions/" + url.PathEscape(name) + rest
}

type deployment struct {
	clientFlags
	name, runtime, handler, role string
	memory, timeout              int
	env                          map[string]string
	triggers                     []string
	watch                        bool
}

func newDeployCommand() *cobra.Command {
	var d deployment
	cmd := &cobra.Command{
		Use:   "deploy DIR|FILE",
		Short: "Create or update a function from a folder or file",
		Long: `Create or update a function from a folder or a single file, and attach it to
user pools.

A folder is deployed as it is, node_modules included, but for .git and
node_modules/.cache; links to files outside of it are refused. A single .mjs,
.js, .cjs or .py file becomes index.* (lambda_function.py); any other file is an
executable for provided.al2023 and becomes bootstrap.

--trigger pool=POOL-ID:PreTokenGeneration[:V2_0] gives the pool permission to
invoke the function and sets it as the pool's trigger; the pool's other
settings stay as they are.`,
		Example: `  rockpool function deploy ./pretoken --runtime nodejs20.x \
    --trigger pool=us-east-1_AbC123xyz:PreTokenGeneration:V2_0 --watch`,
		Args: arguments(1, 1, "a folder or file"),
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&d.name, "name", "", "function name (default: the folder's or file's name)")
	flags.StringVar(&d.runtime, "runtime", "", "nodejs18.x to nodejs24.x, python3.x, provided.al2023 (default: from the files)")
	flags.StringVar(&d.handler, "handler", "", "handler (default: index.handler, lambda_function.lambda_handler)")
	flags.StringVar(&d.role, "role", "arn:aws:iam::000000000000:role/rockpool", "execution role; stored and shown, it grants nothing here")
	flags.IntVar(&d.memory, "memory", 128, "memory in MB")
	flags.IntVar(&d.timeout, "timeout", 3, "time limit in seconds")
	flags.StringToStringVar(&d.env, "env", nil, "environment variables, NAME=VALUE,…")
	flags.StringArrayVar(&d.triggers, "trigger", nil, "pool=POOL-ID:TRIGGER[:VERSION], may be repeated")
	flags.BoolVar(&d.watch, "watch", false, "deploy again whenever a file changes")
	d.add(cmd)
	return cmd
}

func (d *deployment) run(cmd *cobra.Command, path string) error {
	var attachments []attachment
	for _, text := range d.triggers {
		a, err := parseAttachment(text)
		if err != nil {
			return err
		}
		attachments = append(attachments, a)
	}
	c, err := d.client()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	for _, a := range attachments {
		if err := a.check(ctx, c); err != nil { // before anything is deployed
			return err
		}
	}
	got, err := d.deploy(ctx, cmd, c, path)
	if err != nil {
		return err
	}
	for _, a := range attachments {
		if err := a.attach(ctx, c, got); err != nil {
			return err
		}
		if !d.json {
			fmt.Fprintf(cmd.OutOrStdout(), "%s is the %s trigger of %s\n", got.FunctionName, a.described(), a.pool)
		}
	}
	if !d.watch {
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "rockpool: watching %s; stop with Ctrl-C\n", path)
	return watch(ctx, path, func() {
		if _, err := d.deploy(ctx, cmd, c, path); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "rockpool: %v\n", err)
		}
	})
}

// deploy makes the package and creates or updates the function.
func (d *deployment) deploy(ctx context.Context, cmd *cobra.Command, c *client, path string) (configuration, error) {
	src, err := readSource(path)
	if err != nil {
		return configuration{}, err
	}
	name := firstOf(d.name, src.name)
	runtime, handler := firstOf(d.runtime, src.runtime), firstOf(d.handler, src.handler)
	if runtime == "" {
		return configuration{}, misused("%s has no index.mjs, index.js, index.cjs, lambda_function.py or bootstrap at its top: name what runs it with --runtime and --handler", path)
	}
	settings := map[string]any{
		"Runtime": runtime, "Role": d.role, "MemorySize": d.memory, "Timeout": d.timeout,
		"Environment": map[string]any{"Variables": d.env},
	}
	if handler != "" {
		settings["Handler"] = handler
	}
	var got configuration
	verb := "created"
	err = c.lambda(ctx, http.MethodPost, "/2015-03-31/functions", merge(settings, map[string]any{
		"FunctionName": name, "Code": map[string]any{"ZipFile": src.archive},
	}), &got)
	if codeOf(err) == "ResourceConflictException" {
		verb = "updated"
		if err = c.lambda(ctx, http.MethodPut, functionPath(name, "/configuration"), settings, nil); err == nil {
			err = c.lambda(ctx, http.MethodPut, functionPath(name, "/code"), map[string]any{"ZipFile": src.archive}, &got)
		}
	}
	if err != nil {
		return configuration{}, err
	}
	if d.json {
		return got, printJSON(cmd.OutOrStdout(), got)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s %s: %s, %s, %s\n", verb, got.FunctionName, got.Runtime, firstOf(got.engine(), "no engine"), bytesText(len(src.archive)))
	return got, nil
}

func merge(maps ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func bytesText(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

// attachment makes a function a trigger of a pool.
type attachment struct{ pool, trigger, version string }

// triggers are the names that Cognito has. A server ignores others, as Cognito
// does, so a misspelt one would seem to be set.
var triggers = []string{
	"PreTokenGeneration", "PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication",
	"CustomMessage", "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "UserMigration",
}

func parseAttachment(text string) (attachment, error) {
	rest, ok := strings.CutPrefix(text, "pool=")
	parts := strings.Split(rest, ":")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return attachment{}, misused("--trigger %q: need pool=POOL-ID:TRIGGER[:VERSION]", text)
	}
	a := attachment{pool: parts[0], trigger: parts[1]}
	if !slices.Contains(triggers, a.trigger) {
		return attachment{}, misused("--trigger %q: Cognito has no trigger %q; it has %s", text, a.trigger, strings.Join(triggers, ", "))
	}
	if len(parts) == 3 {
		a.version = parts[2]
	}
	if a.version != "" && (a.trigger != "PreTokenGeneration" || !slices.Contains([]string{"V1_0", "V2_0", "V3_0"}, a.version)) {
		return attachment{}, misused("--trigger %q: only PreTokenGeneration has versions, V1_0, V2_0 and V3_0", text)
	}
	return a, nil
}

func (a attachment) described() string {
	if a.version == "" {
		return a.trigger
	}
	return a.trigger + " " + a.version
}

// check refuses what attach would, or what would not work once attached.
func (a attachment) check(ctx context.Context, c *client) error {
	if region, _, ok := strings.Cut(a.pool, "_"); ok && region != c.region {
		return misused("pool %s is in %s and the function would be in %s: say --region %s", a.pool, region, c.region, region)
	}
	return c.cognito(ctx, "DescribeUserPool", map[string]any{"UserPoolId": a.pool}, nil)
}

// updatable are the members of UpdateUserPool. It puts the default in place of
// what a request leaves out, so changing one member means sending all.
var updatable = []string{
	"Policies", "DeletionProtection", "LambdaConfig", "AutoVerifiedAttributes", "VerificationMessageTemplate",
	"SmsAuthenticationMessage", "UserAttributeUpdateSettings", "MfaConfiguration", "DeviceConfiguration",
	"EmailConfiguration", "SmsConfiguration", "UserPoolTags", "AdminCreateUserConfig", "UserPoolAddOns",
	"AccountRecoverySetting", "UserPoolTier",
}

// attach permits the pool to invoke the function and sets the trigger.
func (a attachment) attach(ctx context.Context, c *client, f configuration) error {
	var described struct{ UserPool map[string]any }
	if err := c.cognito(ctx, "DescribeUserPool", map[string]any{"UserPoolId": a.pool}, &described); err != nil {
		return err
	}
	pool := described.UserPool
	err := c.lambda(ctx, http.MethodPost, functionPath(f.FunctionName, "/policy"), map[string]any{
		"StatementId": "rockpool-" + a.pool, "Action": "lambda:InvokeFunction",
		"Principal": "cognito-idp.amazonaws.com", "SourceArn": pool["Arn"],
	}, nil)
	if err != nil && codeOf(err) != "ResourceConflictException" { // it has the permission already
		return err
	}
	update := map[string]any{"UserPoolId": a.pool, "PoolName": pool["Name"]}
	for _, member := range updatable {
		if v, ok := pool[member]; ok {
			update[member] = v
		}
	}
	if admin, ok := update["AdminCreateUserConfig"].(map[string]any); ok {
		delete(admin, "UnusedAccountValidityDays") // the password policy has it under its new name
	}
	config, _ := pool["LambdaConfig"].(map[string]any)
	config = merge(config)
	if a.trigger == "PreTokenGeneration" {
		config["PreTokenGeneration"] = f.FunctionArn
		config["PreTokenGenerationConfig"] = map[string]any{"LambdaArn": f.FunctionArn, "LambdaVersion": firstOf(a.version, "V1_0")}
	} else {
		config[a.trigger] = f.FunctionArn
	}
	update["LambdaConfig"] = config
	return c.cognito(ctx, "UpdateUserPool", update, nil)
}

func newInvokeCommand() *cobra.Command {
	var f clientFlags
	var payload, qualifier string
	cmd := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Run a function and print its answer",
		Long: `Run a function and print its answer; what it logged goes to standard error.
The exit code is 1 if the function failed.`,
		Example: `  rockpool function invoke pretoken --payload @event.json`,
		Args:    arguments(1, 1, "the function's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := readArgument(payload, cmd.InOrStdin())
			if err != nil {
				return err
			}
			c, err := f.client()
			if err != nil {
				return err
			}
			path := functionPath(args[0], "/invocations")
			if qualifier != "" {
				path += "?Qualifier=" + url.QueryEscape(qualifier)
			}
			resp, err := c.send(cmd.Context(), "lambda", http.MethodPost, path, map[string]string{"X-Amz-Log-Type": "Tail"}, body)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if logs, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result")); err == nil {
				printTail(cmd.ErrOrStderr(), logs)
			}
			if _, err := io.Copy(cmd.OutOrStdout(), resp.Body); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout())
			if kind := resp.Header.Get("X-Amz-Function-Error"); kind != "" {
				return fmt.Errorf("the function failed (%s)", kind)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&payload, "payload", "{}", "event: JSON, @FILE, or - for standard input")
	cmd.Flags().StringVar(&qualifier, "qualifier", "", "version or alias")
	f.add(cmd)
	return cmd
}

// readArgument returns text given as itself, as @FILE or as - for stdin.
func readArgument(text string, stdin io.Reader) ([]byte, error) {
	const most = 7 << 20
	if text == "-" {
		return io.ReadAll(io.LimitReader(stdin, most))
	}
	if path, ok := strings.CutPrefix(text, "@"); ok {
		return os.ReadFile(path)
	}
	return []byte(text), nil
}

func newLogsCommand() *cobra.Command {
	var f clientFlags
	var follow bool
	var tail int
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Print what a function has logged lately",
		Args:  arguments(1, 1, "the function's name"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			if follow {
				c.http.Timeout = 0
			}
			q := url.Values{"region": {c.region}, "tail": {fmt.Sprint(tail)}, "follow": {fmt.Sprint(follow)}}
			resp, err := c.send(ctx, "rockpool", http.MethodGet, "/_rockpool/functions/"+url.PathEscape(args[0])+"/logs?"+q.Encode(), nil, nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			err = printLogs(cmd.OutOrStdout(), resp.Body, f.json)
			if follow && ctx.Err() != nil {
				return nil // ended by Ctrl-C, which is how one ends it
			}
			return err
		}),
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on printing what is logged from now on")
	cmd.Flags().IntVar(&tail, "tail", 100, "lines to begin with")
	f.add(cmd)
	return cmd
}

func printLogs(w io.Writer, r io.Reader, asJSON bool) error {
	const maxLine = 1 << 20
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if asJSON {
			fmt.Fprintln(w, lines.Text())
			continue
		}
		var l struct {
			Time         time.Time
			Stream, Text string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s  %s\n", l.Time.Local().Format("15:04:05.000"), printable(l.Text))
	}
	return lines.Err()
}

// printTail prints the end of a log as an invocation sends it.
func printTail(w io.Writer, logs []byte) {
	for line := range strings.Lines(string(logs)) {
		fmt.Fprintln(w, printable(strings.TrimRight(line, "\r\n")))
	}
}

// printable keeps a log from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		// Of format characters some turn the direction of writing, so that a
		// line reads as another.
		if r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && !unicode.Is(unicode.Bidi_Control, r) {
			return r
		}
		return '�'
	}, s)
}

func newListCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List functions",
		Args:  noArguments,
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, _ []string) error {
			all := []configuration{}
			for marker := ""; ; {
				var page struct {
					Functions  []configuration
					NextMarker string
				}
				path := "/2015-03-31/functions/?Marker=" + url.QueryEscape(marker)
				if marker == "" {
					path = "/2015-03-31/functions/"
				}
				if err := c.lambda(ctx, http.MethodGet, path, nil, &page); err != nil {
					return err
				}
				all = append(all, page.Functions...)
				if marker = page.NextMarker; marker == "" {
					break
				}
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tRUNTIME\tRUNS ON\tSIZE\tMODIFIED")
			for _, c := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.FunctionName, c.Runtime, c.engine(), bytesText(int(c.CodeSize)), c.LastModified)
			}
			return w.Flush()
		}),
	}
	f.add(cmd)
	return cmd
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
