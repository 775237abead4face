package userpool

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
)

// Secret is a client secret. It prints as "***".
type Secret = secret.String

// Client is an app client. It is shared from a cache: nothing may change it.
type Client struct {
	PoolID    string
	ID        string
	Name      string
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	ClientSettings

	// A pointer, because fmt prints the text of a secret in an unexported
	// field: there it cannot call the method that hides it.
	secrets *clientSecrets
}

// clientSecrets are the secrets of a client, oldest first.
type clientSecrets struct{ values []Secret }

func newSecrets(values ...Secret) *clientSecrets {
	if len(values) == 0 {
		return nil
	}
	return &clientSecrets{values}
}

func (s *clientSecrets) all() []Secret {
	if s == nil {
		return nil
	}
	return s.values
}

// ClientSettings are what CreateUserPoolClient sets and UpdateUserPoolClient
// replaces. Their JSON form is what the store keeps.
type ClientSettings struct {
	ExplicitAuthFlows []string `json:"flows"` // as given; see AllowsFlow

	// Lifetimes in the unit of Units; 0 is not set.
	RefreshTokenValidity int32         `json:"refresh"` // never 0 once stored
	AccessTokenValidity  int32         `json:"access,omitzero"`
	IDTokenValidity      int32         `json:"id,omitzero"`
	Units                ValidityUnits `json:"units,omitzero"`
	AuthSessionValidity  int32         `json:"session"` // minutes

	// ReadAttributes and WriteAttributes are nil when they were never set;
	// see CanRead and CanWrite.
	ReadAttributes  []string `json:"read,omitzero"`
	WriteAttributes []string `json:"write,omitzero"`

	PreventUserExistenceErrors bool `json:"hideUsers,omitzero"`
	ExistenceErrorsChosen      bool `json:"hideUsersChosen,omitzero"` // shown only when set
	RevocationEnabled          bool `json:"revocation,omitzero"`

	Rotation       Rotation `json:"rotation,omitzero"`
	RotationChosen bool     `json:"rotationChosen,omitzero"` // shown only when set

	// What follows is kept for the OAuth endpoints.
	SupportedIdentityProviders []string `json:"providers,omitzero"`
	CallbackURLs               []string `json:"callbacks,omitzero"`
	LogoutURLs                 []string `json:"logouts,omitzero"`
	DefaultRedirectURI         string   `json:"defaultRedirect,omitzero"`
	OAuthFlows                 []string `json:"oauthFlows,omitzero"`
	OAuthScopes                []string `json:"oauthScopes,omitzero"`
	OAuthEnabled               bool     `json:"oauth,omitzero"`
}

// ValidityUnits are the units of token lifetimes: seconds, minutes, hours,
// days, or "" for the default, which is days for refresh tokens and hours for
// the others.
type ValidityUnits struct {
	Access  string `json:"access,omitzero"`
	ID      string `json:"id,omitzero"`
	Refresh string `json:"refresh,omitzero"`
}

// Rotation is refresh token rotation: each refresh gives a new refresh token,
// and the old one works for Grace longer.
type Rotation struct {
	Enabled bool          `json:"enabled,omitzero"`
	Grace   time.Duration `json:"-"` // stored in milliseconds, see MarshalJSON
}

// storedRotation is the stored form of Rotation: the codec has no form of its
// own for durations.
type storedRotation struct {
	Enabled bool  `json:"enabled,omitzero"`
	GraceMS int64 `json:"graceMs,omitzero"`
}

// MarshalJSON implements json.Marshaler.
func (r Rotation) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedRotation{r.Enabled, r.Grace.Milliseconds()})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Rotation) UnmarshalJSON(b []byte) error {
	var w storedRotation
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*r = Rotation{Enabled: w.Enabled, Grace: time.Duration(w.GraceMS) * time.Millisecond}
	return nil
}

// unit returns how long one of unit lasts, or zero for no unit.
func unit(name, otherwise string) time.Duration {
	if name == "" {
		name = otherwise
	}
	switch name {
	case "seconds":
		return time.Second
	case "minutes":
		return time.Minute
	case "hours":
		return time.Hour
	case "days":
		return 24 * time.Hour
	}
	return 0
}

func life(value int32, unitName, defaultUnit string, otherwise time.Duration) time.Duration {
	if value == 0 {
		return otherwise
	}
	return time.Duration(value) * unit(unitName, defaultUnit)
}

// AccessLife is how long an access token of the client lives.
func (c *ClientSettings) AccessLife() time.Duration {
	return life(c.AccessTokenValidity, c.Units.Access, "hours", time.Hour)
}

// IDLife is how long an ID token of the client lives.
func (c *ClientSettings) IDLife() time.Duration {
	return life(c.IDTokenValidity, c.Units.ID, "hours", time.Hour)
}

// RefreshLife is how long a refresh token of the client lives.
func (c *ClientSettings) RefreshLife() time.Duration {
	return life(c.RefreshTokenValidity, c.Units.Refresh, "days", 30*24*time.Hour)
}

// SessionLife is how long a challenge waits for its answer.
func (c *ClientSettings) SessionLife() time.Duration {
	return life(c.AuthSessionValidity, "minutes", "minutes", 3*time.Minute)
}

// legacyFlows maps the flow names of clients made before 2019 to today's.
var legacyFlows = map[string]string{
	"ADMIN_NO_SRP_AUTH":     "ALLOW_ADMIN_USER_PASSWORD_AUTH",
	"CUSTOM_AUTH_FLOW_ONLY": "ALLOW_CUSTOM_AUTH",
	"USER_PASSWORD_AUTH":    "ALLOW_USER_PASSWORD_AUTH",
}

// AllowsFlow reports whether the client may use an authentication flow, named
// as in ExplicitAuthFlows: ALLOW_USER_SRP_AUTH and so on.
//
// Clients with old flow names could always use SRP and refresh, unless they
// were CUSTOM_AUTH_FLOW_ONLY, which leaves refresh.
func (c *ClientSettings) AllowsFlow(name string) bool {
	if slices.Contains(c.ExplicitAuthFlows, name) {
		return true
	}
	if len(c.ExplicitAuthFlows) == 0 || legacyFlows[c.ExplicitAuthFlows[0]] == "" {
		return false
	}
	switch name {
	case "ALLOW_REFRESH_TOKEN_AUTH":
		return !c.Rotation.Enabled
	case "ALLOW_USER_SRP_AUTH":
		return !slices.Contains(c.ExplicitAuthFlows, "CUSTOM_AUTH_FLOW_ONLY")
	}
	return slices.ContainsFunc(c.ExplicitAuthFlows, func(f string) bool { return legacyFlows[f] == name })
}

// CanRead reports whether the client may see an attribute of its users. A
// client without ReadAttributes sees all of them.
func (c *ClientSettings) CanRead(attribute string) bool {
	if attribute == "sub" {
		return true
	}
	if c.ReadAttributes == nil {
		return true
	}
	return slices.Contains(c.ReadAttributes, attribute)
}

// CanWrite reports whether the client may set an attribute of its users. What
// only the server or an administrator sets is never writable, whatever
// WriteAttributes says. A client without WriteAttributes writes all others.
func (c *ClientSettings) CanWrite(attribute string) bool {
	if reserved(attribute) {
		return false
	}
	if c.WriteAttributes == nil {
		return true
	}
	return slices.Contains(c.WriteAttributes, attribute)
}

// HasSecret reports whether the client has a secret, and so must prove that it
// knows it.
func (c *Client) HasSecret() bool { return len(c.secrets.all()) > 0 }

// Secret returns the newest secret, for DescribeUserPoolClient, or "".
func (c *Client) Secret() Secret {
	all := c.secrets.all()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// CheckSecretHash checks the SECRET_HASH that came with username. A client
// without a secret must send none.
func (s *Service) CheckSecretHash(c *Client, username, hash string) error {
	if !c.HasSecret() {
		if hash != "" {
			return apierr.Newf(apierr.NotAuthorized, "Client %s is configured without secret but secret was received", c.ID)
		}
		return nil
	}
	if hash == "" {
		return apierr.Newf(apierr.NotAuthorized, "Client %s is configured with secret but SECRET_HASH was not received", c.ID)
	}
	// Every secret is tried, so that time does not tell which one fits.
	ok := false
	for _, k := range c.secrets.all() {
		ok = secret.Equal(secret.SecretHash(k.Reveal(), username, c.ID), hash) || ok
	}
	if !ok {
		return apierr.Newf(apierr.NotAuthorized, "Unable to verify secret hash for client %s", c.ID)
	}
	return nil
}

// CheckSecret checks a client secret that was sent as such. A client without a
// secret must send none.
func (s *Service) CheckSecret(c *Client, given string) error {
	if !c.HasSecret() && given == "" {
		return nil
	}
	ok := false
	for _, k := range c.secrets.all() {
		ok = secret.Equal(k.Reveal(), given) || ok
	}
	if !ok {
		return apierr.Newf(apierr.NotAuthorized, "Unable to verify secret for client %s", c.ID)
	}
	return nil
}
