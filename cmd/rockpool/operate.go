package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// withClient runs fn with a client made from flags.
func withClient(f *clientFlags, fn func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := f.client()
		if err != nil {
			return err
		}
		return fn(cmd.Context(), cmd, c, args)
	}
}

func newInboxCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "inbox [ADDRESS]",
		Short: "Show the mails and texts that a development server would have sent",
		Args:  arguments(0, 1, "at most one address"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			path := "inbox"
			if len(args) == 1 {
				path += "/" + url.PathEscape(args[0])
			}
			var raw json.RawMessage
			if err := c.admin(ctx, http.MethodGet, path, nil, &raw); err != nil {
				return developmentOnly(err)
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			var box struct {
				Messages []struct {
					At                              time.Time
					Medium, To, Subject, Body, Code string
				}
			}
			if err := json.Unmarshal(raw, &box); err != nil {
				return err
			}
			if len(box.Messages) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "rockpool: nothing has been sent (a pool sends codes to what its AutoVerifiedAttributes names)")
			}
			for _, m := range box.Messages {
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s to %s  %s\n  %s\n", m.At.Local().Format(time.DateTime), m.Medium, printable(m.To), printable(m.Subject), printable(m.Body))
				if m.Code != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "  code: %s\n", printable(m.Code))
				}
			}
			return nil
		}),
	}
	f.add(cmd)
	return cmd
}

func newClockCommand() *cobra.Command {
	show := func(cmd *cobra.Command, f *clientFlags, raw json.RawMessage) error {
		if f.json {
			return printJSON(cmd.OutOrStdout(), raw)
		}
		var state struct {
			Now    time.Time
			Offset string
		}
		if err := json.Unmarshal(raw, &state); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s (%s ahead)\n", state.Now.Local().Format(time.DateTime), state.Offset)
		return nil
	}
	var f, g clientFlags
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Show or move the clock of a development server",
		Long: `Show the clock of a development server, or move it forward so that tokens,
codes and passwords expire without waiting. It does not go back.`,
		Args: noArguments,
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, _ []string) error {
			var raw json.RawMessage
			if err := c.admin(ctx, http.MethodGet, "clock", nil, &raw); err != nil {
				return developmentOnly(err)
			}
			return show(cmd, &f, raw)
		}),
	}
	f.add(cmd)
	advance := &cobra.Command{
		Use:     "advance DURATION",
		Short:   "Move the clock forward",
		Example: "  rockpool clock advance 1h30m",
		Args:    arguments(1, 1, "a duration such as 1h30m"),
		RunE: withClient(&g, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			var raw json.RawMessage
			if err := c.admin(ctx, http.MethodPost, "clock", map[string]string{"advance": args[0]}, &raw); err != nil {
				if codeOf(err) == "InvalidParameterException" {
					return &hintError{err, "hours, minutes and seconds are 1h30m10s; a day is 24h"}
				}
				return developmentOnly(err)
			}
			return show(cmd, &g, raw)
		}),
	}
	g.add(advance)
	cmd.AddCommand(advance)
	return cmd
}

func newKeysCommand() *cobra.Command {
	var f clientFlags
	rotate := &cobra.Command{
		Use:   "rotate POOL-ID",
		Short: "Give a pool new signing keys",
		Long: `Give a pool new signing keys. Tokens signed with the old ones stay valid: the
old public keys are published until the last of those tokens has expired.`,
		Args: arguments(1, 1, "the pool's id"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			var raw json.RawMessage
			if err := c.admin(ctx, http.MethodPost, "pools/"+url.PathEscape(args[0])+"/keys/rotate", nil, &raw); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), raw)
			}
			var keys struct{ IDKey, AccessKey string }
			if err := json.Unmarshal(raw, &keys); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "ID tokens are now signed with      %s\naccess tokens are now signed with  %s\n", keys.IDKey, keys.AccessKey)
			return nil
		}),
	}
	f.add(rotate)
	return verbs(&cobra.Command{Use: "keys", Short: "Manage the keys that tokens are signed with"}, rotate)
}

type accessKey struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey,omitempty"`
	Name            string    `json:"name"`
	CreatedAt       time.Time `json:"createdAt"`
}

func newCredentialsCommand() *cobra.Command {
	var l, n, d clientFlags
	list := &cobra.Command{
		Use: "list", Short: "List access keys", Args: noArguments,
		RunE: withClient(&l, func(ctx context.Context, cmd *cobra.Command, c *client, _ []string) error {
			var keys struct{ AccessKeys []accessKey }
			if err := c.admin(ctx, http.MethodGet, "access-keys", nil, &keys); err != nil {
				return err
			}
			if l.json {
				return printJSON(cmd.OutOrStdout(), keys.AccessKeys)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ACCESS KEY ID\tNAME\tMADE")
			for _, k := range keys.AccessKeys {
				fmt.Fprintf(w, "%s\t%s\t%s\n", k.AccessKeyID, printable(k.Name), k.CreatedAt.Local().Format(time.DateTime))
			}
			return w.Flush()
		}),
	}
	create := &cobra.Command{
		Use: "create NAME", Short: "Make an access key; its secret is shown this once", Args: arguments(1, 1, "a name for the key"),
		RunE: withClient(&n, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			var key accessKey
			if err := c.admin(ctx, http.MethodPost, "access-keys", map[string]string{"name": args[0]}, &key); err != nil {
				return err
			}
			if n.json {
				return printJSON(cmd.OutOrStdout(), key)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "[rockpool]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.AccessKeyID, key.SecretAccessKey)
			return nil
		}),
	}
	remove := &cobra.Command{
		Use: "delete ACCESS-KEY-ID", Short: "Delete an access key", Args: arguments(1, 1, "the access key's id"),
		RunE: withClient(&d, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			if err := c.admin(ctx, http.MethodDelete, "access-keys/"+url.PathEscape(args[0]), nil, nil); err != nil {
				return err
			}
			if d.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"deleted": args[0]})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", args[0])
			return nil
		}),
	}
	l.add(list)
	n.add(create)
	d.add(remove)
	return verbs(&cobra.Command{
		Use: "credentials", Short: "Manage the access keys of a production server",
		Long: `Manage the access keys that sign requests to a production server.

The first start writes one to DATA-DIR/credentials; point these commands at it
with --data-dir, or at others with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
	}, list, create, remove)
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "rockpool "+version())
			return err
		},
	}
}

// version is what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
