package userpool

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// maxClients is how many app clients a pool can have.
const maxClients = 1000

// NewClient is an app client to be created.
type NewClient struct {
	Name string
	ClientSettings
	GenerateSecret bool
	Secret         Secret // the caller's own; not together with GenerateSecret
	// ID is used as it is; "" makes a random one. Only a seed file sets it.
	ID string
}

// clientDoc is what the store keeps of a client.
type clientDoc struct {
	ClientSettings `json:",inline"`
	Secrets        [][]byte `json:"secrets,omitzero"` // sealed, oldest first
}

func clientPlace(poolID, clientID string) secret.Place {
	return secret.Place{Table: "client", Pool: poolID, Row: clientID, Column: "secret"}
}

func (s *Service) clientOf(row store.Client) (*Client, error) {
	var doc clientDoc
	if err := json.Unmarshal(row.Doc, &doc); err != nil {
		return nil, fmt.Errorf("settings of client %s: %w", row.ID, err)
	}
	c := &Client{
		PoolID: row.PoolID, ID: row.ID, Name: row.Name, Version: row.Version,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, ClientSettings: doc.ClientSettings,
	}
	var secrets []Secret
	for _, sealed := range doc.Secrets {
		plain, err := s.KEK.Open(clientPlace(row.PoolID, row.ID), sealed)
		if err != nil {
			return nil, fmt.Errorf("open secret of client %s: %w", row.ID, err)
		}
		secrets = append(secrets, Secret(plain))
	}
	c.secrets = newSecrets(secrets...)
	return c, nil
}

func (s *Service) clientRow(c *Client) (store.Client, error) {
	doc := clientDoc{ClientSettings: c.ClientSettings}
	for _, k := range c.secrets.all() {
		doc.Secrets = append(doc.Secrets, s.KEK.Seal(clientPlace(c.PoolID, c.ID), []byte(k.Reveal())))
	}
	b, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		return store.Client{}, fmt.Errorf("settings of client %s: %w", c.ID, err)
	}
	return store.Client{
		PoolID: c.PoolID, ID: c.ID, Name: c.Name, Doc: b, Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}, nil
}

// CreateClient creates an app client of a pool.
func (s *Service) CreateClient(ctx context.Context, poolID string, in NewClient) (*Client, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, err
	}
	c := &Client{PoolID: p.ID, ID: in.ID, Name: in.Name, Version: 1, ClientSettings: in.ClientSettings}
	if c.ID == "" {
		c.ID = secret.ClientID()
	}
	switch {
	case in.GenerateSecret && in.Secret != "":
		return nil, apierr.New(apierr.InvalidParameter, "GenerateSecret and ClientSecret cannot be used together.")
	case in.GenerateSecret:
		c.secrets = newSecrets(Secret(secret.ClientSecret()))
	case in.Secret != "":
		c.secrets = newSecrets(in.Secret)
	}
	if err := c.settle(p); err != nil {
		return nil, err
	}
	c.CreatedAt = s.stamp()
	c.UpdatedAt = c.CreatedAt
	row, err := s.clientRow(c)
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		have, _, err := tx.ListClients(p.ID, store.Page{Limit: maxClients})
		if err != nil {
			return err
		}
		if len(have) >= maxClients {
			return apierr.Newf(apierr.LimitExceeded, "A user pool cannot have more than %d app clients.", maxClients)
		}
		return tx.CreateClient(row)
	})
	s.pools.forgetClient(c.ID)
	switch {
	case err == nil:
		s.warnOfOpenAttributes(ctx, p, c)
		return c, nil
	case errors.Is(err, store.ErrNotFound):
		return nil, errPoolNotFound(poolID) // deleted since it was cached
	case errors.Is(err, store.ErrExists):
		return nil, apierr.Newf(apierr.InvalidParameter, "User pool client %s exists already.", c.ID)
	case apierr.CodeOf(err) != "":
		return nil, err
	}
	return nil, fmt.Errorf("create client: %w", err)
}

// UpdateClient replaces the settings of an app client: what is left out falls
// back to its default. The name stays if name is empty, and so does the secret.
func (s *Service) UpdateClient(ctx context.Context, poolID, clientID, name string, settings ClientSettings) (*Client, error) {
	p, err := s.Pool(ctx, poolID)
	if err != nil {
		return nil, err
	}
	var c *Client
	err = s.repeat(ctx, func(tx store.Tx) error {
		row, err := tx.Client(poolID, clientID)
		if err != nil {
			return err
		}
		if c, err = s.clientOf(row); err != nil {
			return err
		}
		c.ClientSettings = settings
		if name != "" {
			c.Name = name
		}
		if err := c.settle(p); err != nil {
			return err
		}
		c.UpdatedAt = s.stamp()
		if row, err = s.clientRow(c); err != nil {
			return err
		}
		c.Version++
		return tx.UpdateClient(row)
	})
	s.pools.forgetClient(clientID)
	if err := clientError(err, clientID, "update"); err != nil {
		return nil, err
	}
	s.warnOfOpenAttributes(ctx, p, c)
	return c, nil
}

// warnOfOpenAttributes says in the log what Cognito's default means for a pool
// that keeps a tenant or a role in a custom attribute: its users may change it.
func (s *Service) warnOfOpenAttributes(ctx context.Context, p *Pool, c *Client) {
	if c.WriteAttributes != nil {
		return
	}
	for _, a := range p.Schema {
		if a.Custom() && a.Mutable && !a.DeveloperOnly {
			s.log().WarnContext(ctx, "users can change every mutable custom attribute through this app client: set its WriteAttributes",
				"pool", p.ID, "client", c.ID, "attribute", a.Name)
			return
		}
	}
}

func clientError(err error, clientID, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return errClientNotFound(clientID)
	case errors.Is(err, store.ErrConflict):
		return apierr.New(apierr.ConcurrentModification, "The user pool client was changed by another request. Try again.").Because(err)
	case apierr.CodeOf(err) != "":
		return err
	}
	return fmt.Errorf("%s client %s: %w", doing, clientID, err)
}

// DeleteClient deletes an app client. Its tokens are refused from then on.
func (s *Service) DeleteClient(ctx context.Context, poolID, clientID string) error {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return err
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error { return tx.DeleteClient(poolID, clientID) })
	s.pools.forgetClient(clientID)
	return clientError(err, clientID, "delete")
}

// ListClients lists a pool's app clients in order of id. next is empty at the
// end.
func (s *Service) ListClients(ctx context.Context, poolID string, page Page) (clients []*Client, next string, err error) {
	if _, err := s.Pool(ctx, poolID); err != nil {
		return nil, "", err
	}
	sp, err := s.storePage(page, "clients", poolID, "")
	if err != nil {
		return nil, "", err
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		clients = nil
		rows, after, err := tx.ListClients(poolID, sp)
		if err != nil {
			return err
		}
		for _, row := range rows {
			c, err := s.clientOf(row)
			if err != nil {
				return err
			}
			clients = append(clients, c)
		}
		next = s.nextToken(after, "clients", poolID, "")
		return nil
	})
	if err != nil {
		return nil, "", listError(err, "clients")
	}
	return clients, next, nil
}

// DefaultFlows are the ExplicitAuthFlows of a client that names none.
var DefaultFlows = []string{"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}

// settle checks the settings and fills in defaults.
func (c *Client) settle(p *Pool) error {
	for _, step := range []func(*Pool) error{
		c.settleFlows, c.settleLifetimes, c.settlePermissions, c.settleOAuth,
	} {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) settleFlows(p *Pool) error {
	if c.Rotation.Enabled && p.Tier == TierLite {
		return apierr.Newf(apierr.FeatureUnavailableInTier, "Refresh token rotation is not available in the %s tier.", p.Tier)
	}
	if c.Rotation.Grace < 0 || c.Rotation.Grace > time.Minute {
		return apierr.New(apierr.InvalidParameter, "RetryGracePeriodSeconds must be between 0 and 60.")
	}
	old, new := 0, 0
	for _, f := range c.ExplicitAuthFlows {
		if strings.HasPrefix(f, "ALLOW_") {
			new++
		} else {
			old++
		}
	}
	if old > 0 && new > 0 {
		return apierr.New(apierr.InvalidParameter, "ExplicitAuthFlows cannot mix values with and without the prefix ALLOW_.")
	}
	if len(c.ExplicitAuthFlows) == 0 {
		c.ExplicitAuthFlows = slices.Clone(DefaultFlows)
		if c.Rotation.Enabled {
			c.ExplicitAuthFlows = c.ExplicitAuthFlows[1:] // rotation excludes that flow
		}
	}
	if c.Rotation.Enabled && slices.Contains(c.ExplicitAuthFlows, "ALLOW_REFRESH_TOKEN_AUTH") {
		return apierr.New(apierr.InvalidParameter, "ALLOW_REFRESH_TOKEN_AUTH cannot be used when refresh token rotation is enabled.")
	}
	return nil
}

func (c *Client) settleLifetimes(*Pool) error {
	if c.RefreshTokenValidity == 0 {
		// Zero is replaced by thirty days, whatever the unit says.
		c.RefreshTokenValidity = 30
		c.Units.Refresh = ""
	}
	if c.AuthSessionValidity == 0 {
		c.AuthSessionValidity = 3
	}
	if c.AuthSessionValidity < 3 || c.AuthSessionValidity > 15 {
		return apierr.New(apierr.InvalidParameter, "AuthSessionValidity must be between 3 and 15 minutes.")
	}
	invalid := apierr.New(apierr.InvalidParameter, "Invalid range for token validity.")
	const day = 24 * time.Hour
	refresh := c.RefreshLife()
	if refresh < time.Hour || refresh > 3650*day {
		return invalid
	}
	for _, l := range []time.Duration{c.AccessLife(), c.IDLife()} {
		if l < 5*time.Minute || l > day || l > refresh {
			return invalid
		}
	}
	return nil
}

func (c *Client) settlePermissions(p *Pool) error {
	for _, n := range c.ReadAttributes {
		if _, ok := p.Attribute(n); !ok {
			return apierr.Newf(apierr.InvalidParameter, "Invalid read attributes specified while creating a client: %s", n)
		}
	}
	if c.WriteAttributes == nil {
		return nil
	}
	for _, n := range c.WriteAttributes {
		if _, ok := p.Attribute(n); !ok || reserved(n) {
			return apierr.Newf(apierr.InvalidParameter, "Invalid write attributes specified while creating a client: %s", n)
		}
	}
	for _, a := range p.Schema {
		if a.Required && a.Name != "sub" && !slices.Contains(c.WriteAttributes, a.Name) {
			return apierr.Newf(apierr.InvalidParameter, "Invalid write attributes specified while creating a client: required attribute %s must be writable", a.Name)
		}
	}
	return nil
}

// standardScopes are the scopes that exist in every pool.
var standardScopes = []string{"phone", "email", "openid", "profile", "aws.cognito.signin.user.admin"}

func (c *Client) settleOAuth(p *Pool) error {
	for _, n := range c.SupportedIdentityProviders {
		if n != "COGNITO" {
			return apierr.Newf(apierr.InvalidParameter, "The provider %s does not exist for User Pool %s.", n, p.ID)
		}
	}
	for _, u := range slices.Concat(c.CallbackURLs, c.LogoutURLs) {
		if err := checkRedirect(u); err != nil {
			return err
		}
	}
	if d := c.DefaultRedirectURI; d != "" && !slices.Contains(c.CallbackURLs, d) {
		return apierr.New(apierr.InvalidParameter, "DefaultRedirectURI must be in the CallbackURLs.")
	}
	machine := slices.Contains(c.OAuthFlows, "client_credentials")
	switch {
	case c.OAuthEnabled && (len(c.OAuthFlows) == 0 || len(c.OAuthScopes) == 0):
		return apierr.New(apierr.InvalidOAuthFlow, "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.")
	case machine && len(c.OAuthFlows) > 1:
		return apierr.New(apierr.InvalidOAuthFlow, "client_credentials flow can not be selected along with code flow or implicit flow.")
	case machine && !c.HasSecret():
		return apierr.New(apierr.InvalidOAuthFlow, "client_credentials flow can not be selected if client does not have a client secret.")
	}
	for _, n := range c.OAuthScopes {
		if !slices.Contains(standardScopes, n) {
			return apierr.Newf(apierr.ScopeDoesNotExist, "Invalid scope requested: %s", n)
		}
		if machine {
			return apierr.Newf(apierr.InvalidOAuthFlow, "%s is not supported with client_credentials flow", n)
		}
	}
	return nil
}

// checkRedirect accepts https, http to this machine, and an app's own scheme;
// an absolute address without fragment.
func checkRedirect(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || strings.Contains(raw, "#") {
		return apierr.Newf(apierr.InvalidParameter, "%s is not a valid redirect URL.", raw)
	}
	switch u.Scheme {
	case "https":
		if u.Host == "" {
			return apierr.Newf(apierr.InvalidParameter, "%s is not a valid redirect URL.", raw)
		}
	case "http":
		if h := u.Hostname(); h != "localhost" && h != "127.0.0.1" && h != "::1" {
			return apierr.Newf(apierr.InvalidParameter, "%s cannot use the HTTP protocol.", raw)
		}
	case "javascript", "data", "vbscript", "file", "blob":
		// No app has these as its own; a browser would run what follows.
		return apierr.Newf(apierr.InvalidParameter, "%s is not a valid redirect URL.", raw)
	}
	return nil
}
