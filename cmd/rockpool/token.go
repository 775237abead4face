package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockpoolhq/rockpool/internal/token"
)

func newTokenCommand() *cobra.Command {
	return verbs(&cobra.Command{Use: "token", Short: "Look into tokens"}, newDecodeCommand())
}

func newDecodeCommand() *cobra.Command {
	var f clientFlags
	var offline bool
	cmd := &cobra.Command{
		Use:   "decode [TOKEN]",
		Short: "Decode and verify a token, and show what the trigger changed",
		Long: `Decode a token on this machine, as jwt.io does: header and claims, with a
sentence for those that are known. The signature is verified against the keys
that the server publishes for the token's pool, and if the server remembers
the sign-in, what its pre token generation function changed is shown.

The token is read from standard input if it is not given, so that it need not
stand in the shell's history. It is sent nowhere.

The exit code is 1 if the token is malformed, its signature is wrong or it has
expired.`,
		Args: arguments(0, 1, "at most one token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := tokenArgument(cmd, args)
			if err != nil {
				return err
			}
			if raw == "" {
				return misused("no token, neither as argument nor on standard input")
			}
			d, err := decode(raw)
			if err != nil {
				return err
			}
			if !offline {
				c, err := f.client()
				if err != nil {
					return err
				}
				d.setNow(c.now(cmd.Context()))
				d.verify(cmd.Context(), c, raw)
				d.explain(cmd.Context(), c)
			}
			if f.json {
				err = printJSON(cmd.OutOrStdout(), d)
			} else {
				d.print(cmd.OutOrStdout())
			}
			if err == nil && (d.Verified == verifiedNo || d.Expired) {
				return errors.New("the token is not valid")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "do not ask the server for keys and sign-ins")
	f.add(cmd)
	return cmd
}

func tokenArgument(cmd *cobra.Command, args []string) (string, error) {
	if len(args) == 1 && args[0] != "-" {
		return strings.TrimSpace(args[0]), nil
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), token.MaxSize+2))
	return strings.TrimSpace(string(text)), err
}

// decoded is what can be said of a token.
type decoded struct {
	Header   token.Claims `json:"header"`
	Claims   token.Claims `json:"claims"`
	Verified verified     `json:"verified"`
	Why      string       `json:"why,omitempty"` // if it was not verified
	Expired  bool         `json:"expired"`
	Trigger  *effect      `json:"trigger,omitempty"`

	now time.Time
}

type verified string

const (
	verifiedYes     verified = "yes"
	verifiedNo      verified = "no"
	verifiedUnknown verified = "unknown" // the keys could not be had
)

// effect is what a pre token generation function did, as the server keeps it.
type effect struct {
	ARN     string         `json:"arn"`
	Version string         `json:"version"`
	Source  string         `json:"source"`
	Changes []token.Change `json:"changes"`
}

func decode(raw string) (*decoded, error) {
	if strings.Count(raw, ".") == 4 {
		return nil, errors.New("this is a refresh token, or another encrypted one: only the server can read it")
	}
	header, claims, err := token.Peek(raw)
	if err != nil {
		return nil, err
	}
	d := &decoded{Header: header, Claims: claims, Verified: verifiedUnknown}
	d.setNow(time.Now())
	return d, nil
}

func (d *decoded) setNow(now time.Time) {
	d.now = now
	if exp, ok := d.Claims.Int("exp"); ok {
		d.Expired = !now.Before(time.Unix(exp, 0))
	}
}

// now is the server's time, which in development may be ahead of this
// machine's. A production server does not move its clock, and says nothing.
func (c *client) now(ctx context.Context) time.Time {
	var state struct{ Now time.Time }
	if err := c.admin(ctx, http.MethodGet, "clock", nil, &state); err != nil || state.Now.IsZero() {
		return time.Now()
	}
	return state.Now
}

// verify checks the signature with the keys that the server publishes for the
// pool that the token names, wherever its issuer says it comes from.
func (d *decoded) verify(ctx context.Context, c *client, raw string) {
	issuer := d.Claims.String("iss")
	pool := issuer[strings.LastIndexByte(issuer, '/')+1:]
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+"/"+url.PathEscape(pool)+"/.well-known/jwks.json", nil)
	if err != nil {
		d.Why = err.Error()
		return
	}
	resp, err := c.http.Do(req)
	if err != nil {
		d.Why = "no server at " + c.endpoint
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		d.Why = fmt.Sprintf("%s publishes no keys for pool %q", c.endpoint, pool)
		return
	}
	keys, err := token.ParseJWKS(body)
	if err != nil {
		d.Why = err.Error()
		return
	}
	use := token.Use(d.Claims.String("token_use"))
	_, err = keys.Verify(raw, token.Expect{Issuer: issuer, Use: use, Now: d.now})
	switch {
	case err == nil, errors.Is(err, token.ErrExpired):
		d.Verified = verifiedYes // expiry is said apart
	default:
		d.Verified, d.Why = verifiedNo, err.Error()
	}
}

// explain asks the server what it remembers of the sign-in.
func (d *decoded) explain(ctx context.Context, c *client) {
	event := d.Claims.String("event_id")
	if event == "" {
		return
	}
	var known struct {
		SignIns []struct{ Trigger *effect }
	}
	if err := c.admin(ctx, http.MethodGet, "sign-ins?eventId="+url.QueryEscape(event), nil, &known); err != nil {
		return // an old sign-in, another node, no permission: the token is still decoded
	}
	for _, s := range known.SignIns {
		if s.Trigger != nil {
			d.Trigger = s.Trigger
		}
	}
}

// meaning explains the claims that Cognito sets.
var meaning = map[string]string{
	"sub":                    "the user's id, which never changes",
	"iss":                    "who made the token: compare it whole",
	"aud":                    "the app client that the token is for",
	"client_id":              "the app client that signed the user in",
	"token_use":              "id: who the user is; access: what the bearer may do",
	"exp":                    "not valid after",
	"iat":                    "made at",
	"auth_time":              "when the user signed in; a refresh does not change it",
	"jti":                    "this token's own id",
	"origin_jti":             "the sign-in: revoking it ends all its tokens",
	"event_id":               "the sign-in, as triggers and logs name it",
	"scope":                  "what the access token allows",
	"username":               "the user's name in the pool",
	"cognito:username":       "the user's name in the pool",
	"cognito:groups":         "the user's groups, best precedence first",
	"cognito:roles":          "the roles of those groups",
	"cognito:preferred_role": "the role of the best group",
	"email":                  "attribute of the profile",
	"email_verified":         "the address was confirmed",
	"phone_number_verified":  "the number was confirmed",
	"kid":                    "the key that signed, in the pool's JWKS",
	"alg":                    "how it was signed",
	"version":                "format of access tokens from the OAuth endpoints",
}

var moments = map[string]bool{"exp": true, "iat": true, "auth_time": true, "nbf": true}

func (d *decoded) print(w io.Writer) {
	changed := map[string]token.Kind{}
	if d.Trigger != nil {
		for _, c := range d.Trigger.Changes {
			if string(c.Token) == d.Claims.String("token_use") {
				changed[c.Claim] = c.Kind
			}
		}
	}
	fmt.Fprintln(w, "HEADER")
	printClaims(w, d.Header, nil)
	fmt.Fprintln(w, "CLAIMS")
	printClaims(w, d.Claims, changed)
	switch d.Verified {
	case verifiedYes:
		fmt.Fprintln(w, "SIGNATURE  verified with the pool's published keys")
	case verifiedNo:
		fmt.Fprintf(w, "SIGNATURE  NOT VALID: %s\n", d.Why)
	case verifiedUnknown:
		fmt.Fprintf(w, "SIGNATURE  not checked: %s\n", firstOf(d.Why, "asked not to"))
	}
	if exp, ok := d.Claims.Int("exp"); ok {
		left := time.Unix(exp, 0).Sub(d.now).Round(time.Second)
		if d.Expired {
			fmt.Fprintf(w, "EXPIRED    %s ago\n", -left)
		} else {
			fmt.Fprintf(w, "EXPIRES    in %s\n", left)
		}
	}
	if d.Trigger == nil {
		return
	}
	fmt.Fprintf(w, "TRIGGER    %s %s (%s)\n", d.Trigger.Source, d.Trigger.Version, d.Trigger.ARN)
	for _, c := range d.Trigger.Changes {
		line := fmt.Sprintf("  %-10s %s token: %s", c.Kind, c.Token, c.Claim)
		if c.Before != nil {
			line += " " + string(c.Before) + " →"
		}
		if c.After != nil {
			line += " " + string(c.After)
		}
		if c.Reason != "" {
			line += "  (" + c.Reason + ")"
		}
		fmt.Fprintln(w, printable(line))
	}
}

func printClaims(w io.Writer, claims token.Claims, changed map[string]token.Kind) {
	for name, value := range claims.All() {
		note := meaning[name]
		if at, ok := claims.Int(name); ok && moments[name] {
			note = time.Unix(at, 0).Local().Format("2006-01-02 15:04:05") + ", " + note
		}
		if kind, ok := changed[name]; ok {
			note = string(kind) + " by the trigger"
			if kind == token.KindRefused {
				note = "refused to the trigger, which wanted another value"
			}
		}
		line := fmt.Sprintf("  %-22s %s", name, value)
		if note != "" {
			line = fmt.Sprintf("%-72s  # %s", line, note)
		}
		fmt.Fprintln(w, printable(line))
	}
}
