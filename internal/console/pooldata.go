package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const idp = "cognito-idp"

// epoch is a time as the JSON protocol has it.
type epoch float64

// Time is zero for the zero time.
func (e epoch) Time() time.Time {
	if e == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(float64(e) * 1000)).UTC()
}

// String is for reading, in UTC.
func (e epoch) String() string {
	if e == 0 {
		return "–"
	}
	return e.Time().Format("2006-01-02 15:04:05 UTC")
}

// userPool is what Cognito says of a pool, as far as it is shown.
type userPool struct {
	Id, Name, Arn                                               string
	Status, UserPoolTier                                        string
	DeletionProtection                                          string
	MfaConfiguration                                            string
	CreationDate, LastModifiedDate                              epoch
	EstimatedNumberOfUsers                                      int
	AliasAttributes, UsernameAttributes, AutoVerifiedAttributes []string
	SchemaAttributes                                            []schemaAttribute
	Policies                                                    struct {
		PasswordPolicy struct {
			MinimumLength                                                      int
			RequireUppercase, RequireLowercase, RequireNumbers, RequireSymbols bool
			TemporaryPasswordValidityDays                                      int
		}
	}
	AdminCreateUserConfig struct {
		AllowAdminCreateUserOnly bool
	}
	UsernameConfiguration  struct{ CaseSensitive bool }
	AccountRecoverySetting struct {
		RecoveryMechanisms []struct {
			Name     string
			Priority int
		}
	}
	VerificationMessageTemplate struct{ EmailSubject, EmailMessage, SmsMessage string }
	UserAttributeUpdateSettings struct {
		AttributesRequireVerificationBeforeUpdate []string
	}
	LambdaConfig map[string]any
	UserPoolTags map[string]string
}

type schemaAttribute struct {
	Name, AttributeDataType    string
	Mutable, Required          bool
	StringAttributeConstraints struct{ MinLength, MaxLength string }
	NumberAttributeConstraints struct{ MinValue, MaxValue string }
}

// Custom reports whether it is an attribute of the pool's own.
func (a schemaAttribute) Custom() bool {
	return strings.HasPrefix(a.Name, "custom:") || strings.HasPrefix(a.Name, "dev:")
}

// Asked reports whether the form of a new user asks for it among the others: the
// addresses have places of their own.
func (a schemaAttribute) Asked() bool {
	return !slices.Contains([]string{"email", "phone_number", "email_verified", "phone_number_verified", "identities"}, a.Name)
}

// ByClients reports whether a client can be allowed to write it: what the
// server verifies or makes itself is not among them.
func (a schemaAttribute) ByClients() bool {
	return a.Mutable && !slices.Contains([]string{"sub", "email_verified", "phone_number_verified", "identities"}, a.Name)
}

// custom are the attributes of the pool's own.
func (p *userPool) custom() (names []string) {
	for _, a := range p.SchemaAttributes {
		if a.Custom() {
			names = append(names, a.Name)
		}
	}
	return names
}

// SignsInWith says what people type as their name.
func (p *userPool) SignsInWith() string {
	if len(p.UsernameAttributes) > 0 {
		return strings.Join(p.UsernameAttributes, ", ")
	}
	return strings.Join(append([]string{"user name"}, p.AliasAttributes...), ", ")
}

type userPoolClient struct {
	ClientId, ClientName, ClientSecret        string
	UserPoolId                                string
	CreationDate, LastModifiedDate            epoch
	ExplicitAuthFlows                         []string
	ReadAttributes, WriteAttributes           []string
	AccessTokenValidity, IdTokenValidity      *int
	RefreshTokenValidity, AuthSessionValidity *int
	TokenValidityUnits                        struct{ AccessToken, IdToken, RefreshToken string }
	PreventUserExistenceErrors                string
	EnableTokenRevocation                     bool
	RefreshTokenRotation                      struct {
		Feature                 string
		RetryGracePeriodSeconds int
	}
	CallbackURLs, LogoutURLs              []string
	AllowedOAuthFlows, AllowedOAuthScopes []string
	AllowedOAuthFlowsUserPoolClient       bool
}

// writable are the custom attributes that the people of a client may write
// themselves: what tells tenants apart must not be among them (security
// ATTR-1). Without a list of its own a client may write all that are mutable.
func (u *userPoolClient) writable(p *userPool) (names []string) {
	for _, a := range p.SchemaAttributes {
		if a.Custom() && a.Mutable && (u.WriteAttributes == nil || slices.Contains(u.WriteAttributes, a.Name)) {
			names = append(names, a.Name)
		}
	}
	return names
}

type attribute struct{ Name, Value string }

type user struct {
	Username                             string
	Attributes                           []attribute // in lists
	UserAttributes                       []attribute // of one
	UserStatus                           string
	Enabled                              bool
	UserCreateDate, UserLastModifiedDate epoch
	UserMFASettingList                   []string
}

// Attribute is the value of an attribute, empty if there is none.
func (u *user) Attribute(name string) string {
	for _, a := range append(u.Attributes, u.UserAttributes...) {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// Shown is what people call the user: where they sign in with an address, the
// user name is a number that nobody knows.
func (u *user) Shown() string {
	if u.Username == u.Attribute("sub") {
		return firstOf(u.Attribute("email"), u.Attribute("phone_number"), u.Username)
	}
	return u.Username
}

type group struct {
	GroupName, Description, RoleArn string
	Precedence                      *int
	CreationDate                    epoch
}

// Order is the precedence for reading.
func (g group) Order() string { return number(g.Precedence) }

// describe reads a pool.
func (c *Console) describe(r *http.Request) (p userPool, err error) {
	var out struct{ UserPool userPool }
	err = c.do(r)(r.Context(), idp, "DescribeUserPool", object{"UserPoolId": r.PathValue("pool")}, &out)
	return out.UserPool, err
}

func (c *Console) describeClient(r *http.Request) (u userPoolClient, err error) {
	var out struct{ UserPoolClient userPoolClient }
	in := object{"UserPoolId": r.PathValue("pool"), "ClientId": r.PathValue("client")}
	err = c.do(r)(r.Context(), idp, "DescribeUserPoolClient", in, &out)
	return out.UserPoolClient, err
}

// maxListed bounds lists that are read whole, to choose from.
const maxListed = 300

// groups are the groups of a pool, to choose from.
func (c *Console) groups(r *http.Request) (all []group, err error) {
	in := object{"UserPoolId": r.PathValue("pool"), "Limit": 60}
	for {
		var out struct {
			Groups    []group
			NextToken string
		}
		if err := c.do(r)(r.Context(), idp, "ListGroups", in, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Groups...)
		if in["NextToken"] = out.NextToken; out.NextToken == "" || len(all) >= maxListed {
			return all, nil
		}
	}
}

// settingsOf returns what UpdateUserPool replaces of a pool, as it is stored:
// what a call leaves out goes back to its default, so it is all sent back.
func (c *Console) settingsOf(ctx context.Context, do performer, poolID string) (object, error) {
	var out struct{ UserPool object }
	if err := do(ctx, idp, "DescribeUserPool", object{"UserPoolId": poolID}, &out); err != nil {
		return nil, err
	}
	in := object{"UserPoolId": poolID}
	for _, name := range poolSettings {
		if value, ok := out.UserPool[name]; ok && !isDefault(name, value) {
			in[name] = value
		}
	}
	set(in, "PoolName", text(out.UserPool["Name"]))
	return in, nil
}

// recentDefaults are defaults that a call need not send back, since to leave
// them out means the same: members that an AWS CLI of last year has not heard
// of stay out of the commands that way.
var recentDefaults = map[string]string{
	"IssuerConfiguration": `{"Type":"ORIGINAL"}`,
	"KeyConfiguration":    `{"KeyType":"AWS_OWNED_KEY"}`,
	"AcrConfiguration":    `{"Level1":{"AcrValue":"urn:cognito:loa:1"},"Level2":{"AcrValue":"urn:cognito:loa:2"},"Level3":{"AcrValue":"urn:cognito:loa:3"},"Level4":{"AcrValue":"urn:cognito:loa:4"}}`,
}

func isDefault(name string, value any) bool {
	text, err := json.Marshal(value, json.Deterministic(true))
	return err == nil && recentDefaults[name] == string(text)
}

// poolSettings are the members that UpdateUserPool and DescribeUserPool share.
var poolSettings = []string{
	"Policies", "DeletionProtection", "LambdaConfig", "AutoVerifiedAttributes", "SmsVerificationMessage",
	"EmailVerificationMessage", "EmailVerificationSubject", "VerificationMessageTemplate", "SmsAuthenticationMessage",
	"UserAttributeUpdateSettings", "MfaConfiguration", "DeviceConfiguration", "EmailConfiguration", "SmsConfiguration",
	"UserPoolTags", "AdminCreateUserConfig", "UserPoolAddOns", "AccountRecoverySetting", "UserPoolTier",
	"KeyConfiguration", "IssuerConfiguration", "DcrConfiguration", "AcrConfiguration",
}

// clientSettings are the members that UpdateUserPoolClient and
// DescribeUserPoolClient share.
var clientSettings = []string{
	"UserPoolId", "ClientId", "ClientName", "RefreshTokenValidity", "AccessTokenValidity", "IdTokenValidity", "TokenValidityUnits",
	"ReadAttributes", "WriteAttributes", "ExplicitAuthFlows", "SupportedIdentityProviders", "CallbackURLs", "LogoutURLs",
	"DefaultRedirectURI", "AllowedOAuthFlows", "AllowedOAuthScopes", "AllowedOAuthFlowsUserPoolClient", "AnalyticsConfiguration",
	"PreventUserExistenceErrors", "EnableTokenRevocation", "EnablePropagateAdditionalUserContextData", "AuthSessionValidity",
	"RefreshTokenRotation",
}

// clientSettingsOf returns what UpdateUserPoolClient replaces of a client.
func (c *Console) clientSettingsOf(r *http.Request) (object, error) {
	var out struct{ UserPoolClient object }
	in := object{"UserPoolId": r.PathValue("pool"), "ClientId": r.PathValue("client")}
	if err := c.do(r)(r.Context(), idp, "DescribeUserPoolClient", in, &out); err != nil {
		return nil, err
	}
	for _, name := range clientSettings {
		if value, ok := out.UserPoolClient[name]; ok {
			in[name] = value
		}
	}
	return in, nil
}

func text(v any) string {
	s, _ := v.(string) // anything else has no text
	return s
}
