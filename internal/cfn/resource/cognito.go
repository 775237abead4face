package resource

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

const cognito = "cognito-idp"

func init() {
	register(
		&Type{
			Name:       "AWS::Cognito::UserPool",
			Attributes: []string{"Arn", "ProviderName", "ProviderURL", "UserPoolId"},
			schema: parseSchema(`
				UserPoolName DeletionProtection UserPoolTier MfaConfiguration EnabledMfas:[]
				Policies{ PasswordPolicy{ MinimumLength:int RequireLowercase:bool RequireNumbers:bool RequireSymbols:bool
					RequireUppercase:bool TemporaryPasswordValidityDays:int PasswordHistorySize:int }
					SignInPolicy{ AllowedFirstAuthFactors:[] } }
				LambdaConfig{ CreateAuthChallenge CustomMessage DefineAuthChallenge PostAuthentication PostConfirmation
					PreAuthentication PreSignUp PreTokenGeneration UserMigration VerifyAuthChallengeResponse KMSKeyID
					PreTokenGenerationConfig{ LambdaArn! LambdaVersion! }
					CustomEmailSender{ LambdaArn LambdaVersion } CustomSMSSender{ LambdaArn LambdaVersion } }
				AutoVerifiedAttributes:[] AliasAttributes:[] UsernameAttributes:[]
				SmsVerificationMessage EmailVerificationMessage EmailVerificationSubject SmsAuthenticationMessage
				EmailAuthenticationMessage EmailAuthenticationSubject
				VerificationMessageTemplate{ SmsMessage EmailMessage EmailSubject EmailMessageByLink EmailSubjectByLink DefaultEmailOption }
				UserAttributeUpdateSettings{ AttributesRequireVerificationBeforeUpdate:[] }
				DeviceConfiguration{ ChallengeRequiredOnNewDevice:bool DeviceOnlyRememberedOnUserPrompt:bool }
				EmailConfiguration{ SourceArn ReplyToEmailAddress EmailSendingAccount From ConfigurationSet }
				SmsConfiguration{ SnsCallerArn ExternalId SnsRegion }
				UserPoolTags:map
				AdminCreateUserConfig{ AllowAdminCreateUserOnly:bool UnusedAccountValidityDays:int
					InviteMessageTemplate{ SMSMessage EmailMessage EmailSubject } }
				Schema:[]{ Name AttributeDataType DeveloperOnlyAttribute:bool Mutable:bool Required:bool
					NumberAttributeConstraints{ MinValue MaxValue } StringAttributeConstraints{ MinLength MaxLength } }
				UserPoolAddOns{ AdvancedSecurityMode AdvancedSecurityAdditionalFlows{ CustomAuthMode } }
				UsernameConfiguration{ CaseSensitive:bool }
				AccountRecoverySetting{ RecoveryMechanisms:[]{ Name Priority:int } }
				WebAuthnRelyingPartyID WebAuthnUserVerification`),
			create: createPool, update: updatePool,
			remove: func(ctx context.Context, r Request) error {
				return r.do(ctx, cognito, "DeleteUserPool", map[string]any{"UserPoolId": r.PhysicalID}, nil)
			},
		},
		&Type{
			Name:       "AWS::Cognito::UserPoolClient",
			Attributes: []string{"ClientId", "ClientSecret", "Name"},
			schema: parseSchema(`
				UserPoolId!^ ClientName GenerateSecret^:bool RefreshTokenValidity:int AccessTokenValidity:int IdTokenValidity:int
				TokenValidityUnits{ AccessToken IdToken RefreshToken }
				ReadAttributes:[] WriteAttributes:[] ExplicitAuthFlows:[] SupportedIdentityProviders:[] CallbackURLs:[] LogoutURLs:[]
				DefaultRedirectURI AllowedOAuthFlows:[] AllowedOAuthScopes:[] AllowedOAuthFlowsUserPoolClient:bool
				AnalyticsConfiguration{ ApplicationArn ApplicationId ExternalId RoleArn UserDataShared:bool }
				PreventUserExistenceErrors EnableTokenRevocation:bool EnablePropagateAdditionalUserContextData:bool
				AuthSessionValidity:int RefreshTokenRotation{ Feature RetryGracePeriodSeconds:int }`),
			create: createClient,
			update: func(ctx context.Context, r Request) (Result, error) {
				in := with(r.Properties, "ClientId", r.PhysicalID, "GenerateSecret", nil)
				return clientResult(ctx, r, "UpdateUserPoolClient", with(in, "ClientName", orElse(str(r.Properties, "ClientName"), r.name(128))))
			},
			remove: func(ctx context.Context, r Request) error {
				return r.do(ctx, cognito, "DeleteUserPoolClient", map[string]any{"UserPoolId": r.Properties["UserPoolId"], "ClientId": r.PhysicalID}, nil)
			},
		},
		&Type{
			Name:   "AWS::Cognito::UserPoolGroup",
			schema: parseSchema(`UserPoolId!^ GroupName^ Description Precedence:int RoleArn`),
			create: func(ctx context.Context, r Request) (Result, error) {
				name := orElse(str(r.Properties, "GroupName"), r.name(128))
				err := r.do(ctx, cognito, "CreateGroup", with(r.Properties, "GroupName", name), nil)
				if r.Resume && is(err, apierr.GroupExists) {
					err = nil
				}
				return Result{PhysicalID: name}, err
			},
			update: func(ctx context.Context, r Request) (Result, error) {
				return Result{PhysicalID: r.PhysicalID}, r.do(ctx, cognito, "UpdateGroup", with(r.Properties, "GroupName", r.PhysicalID), nil)
			},
			remove: func(ctx context.Context, r Request) error {
				return r.do(ctx, cognito, "DeleteGroup", map[string]any{"UserPoolId": r.Properties["UserPoolId"], "GroupName": r.PhysicalID}, nil)
			},
		},
		&Type{
			Name: "AWS::Cognito::UserPoolUser",
			schema: parseSchema(`UserPoolId!^ Username^ MessageAction^ DesiredDeliveryMediums^:[] ForceAliasCreation^:bool
				ClientMetadata^:map UserAttributes^:[]{ Name Value } ValidationData^:[]{ Name Value }`),
			create: func(ctx context.Context, r Request) (Result, error) {
				name := orElse(str(r.Properties, "Username"), r.name(128))
				var out struct{ User struct{ Username string } }
				err := r.do(ctx, cognito, "AdminCreateUser", with(r.Properties, "Username", name), &out)
				if r.Resume && is(err, apierr.UsernameExists) {
					return Result{PhysicalID: name}, nil
				}
				return Result{PhysicalID: out.User.Username}, err
			},
			remove: func(ctx context.Context, r Request) error {
				return r.do(ctx, cognito, "AdminDeleteUser", map[string]any{"UserPoolId": r.Properties["UserPoolId"], "Username": r.PhysicalID}, nil)
			},
		},
		&Type{
			Name:   "AWS::Cognito::UserPoolUserToGroupAttachment",
			schema: parseSchema(`UserPoolId!^ GroupName!^ Username!^`),
			create: func(ctx context.Context, r Request) (Result, error) {
				return Result{PhysicalID: r.name(128)}, r.do(ctx, cognito, "AdminAddUserToGroup", r.Properties, nil)
			},
			remove: func(ctx context.Context, r Request) error {
				return r.do(ctx, cognito, "AdminRemoveUserFromGroup", r.Properties, nil)
			},
		},
	)
}

// poolInput is the input of CreateUserPool, and nearly that of UpdateUserPool.
func poolInput(r Request) (map[string]any, error) {
	// Neither operation takes these: they belong to operations of their own.
	for _, name := range []string{"EnabledMfas", "EmailAuthenticationMessage", "EmailAuthenticationSubject", "WebAuthnRelyingPartyID", "WebAuthnUserVerification"} {
		if list, isList := r.Properties[name].([]any); isList && len(list) == 0 {
			continue
		}
		if _, set := r.Properties[name]; set {
			return nil, fmt.Errorf("property %s is not supported by this version of Rockpool: its operation is not built", name)
		}
	}
	in := with(r.Properties, "UserPoolName", nil, "EnabledMfas", nil)
	in["PoolName"] = orElse(str(r.Properties, "UserPoolName"), r.name(128))
	return in, nil
}

type poolAnswer struct {
	UserPool struct{ Id, Arn string }
}

func poolResult(r Request, id, arn string) Result {
	provider := "cognito-idp." + r.Region + ".amazonaws.com/" + id
	return Result{PhysicalID: id, Attributes: map[string]string{
		"Arn": arn, "UserPoolId": id, "ProviderName": provider, "ProviderURL": "https://" + provider,
	}}
}

func createPool(ctx context.Context, r Request) (Result, error) {
	in, err := poolInput(r)
	if err != nil {
		return Result{}, err
	}
	if r.Resume {
		id, err := findPool(ctx, r, str(in, "PoolName"))
		if err != nil {
			return Result{}, err
		}
		if id != "" {
			return describePool(ctx, r, id)
		}
	}
	var out poolAnswer
	if err := r.do(ctx, cognito, "CreateUserPool", in, &out); err != nil {
		return Result{}, err
	}
	return poolResult(r, out.UserPool.Id, out.UserPool.Arn), nil
}

func describePool(ctx context.Context, r Request, id string) (Result, error) {
	var out poolAnswer
	err := r.do(ctx, cognito, "DescribeUserPool", map[string]any{"UserPoolId": id}, &out)
	return poolResult(r, id, out.UserPool.Arn), err
}

// findPool looks for the pool that a creation made before it was interrupted.
func findPool(ctx context.Context, r Request, name string) (string, error) {
	for token := ""; ; {
		in := map[string]any{"MaxResults": 60}
		if token != "" {
			in["NextToken"] = token
		}
		var out struct {
			UserPools []struct {
				Id, Name     string
				CreationDate float64
			}
			NextToken string
		}
		if err := r.do(ctx, cognito, "ListUserPools", in, &out); err != nil {
			return "", err
		}
		for _, p := range out.UserPools {
			// The list may have whole seconds.
			if p.Name == name && time.Unix(int64(p.CreationDate)+1, 0).After(r.Since) {
				return p.Id, nil
			}
		}
		if token = out.NextToken; token == "" {
			return "", nil
		}
	}
}

// unchangeable are properties of which CloudFormation refuses every change.
var unchangeable = []string{"AliasAttributes", "UsernameAttributes", "UsernameConfiguration"}

func updatePool(ctx context.Context, r Request) (Result, error) {
	for _, name := range unchangeable {
		if !reflect.DeepEqual(normal(r.Old[name]), normal(r.Properties[name])) {
			return Result{}, fmt.Errorf("Updates are not allowed for property - %s.", name) //nolint:staticcheck // CloudFormation's words
		}
	}
	in, err := poolInput(r)
	if err != nil {
		return Result{}, err
	}
	var added []any
	// An attribute that an update added cannot be taken away again.
	if !r.Restore {
		if added, err = addedAttributes(r); err != nil {
			return Result{}, err
		}
	}
	if len(added) > 0 {
		add := map[string]any{"UserPoolId": r.PhysicalID, "CustomAttributes": added}
		if err := r.do(ctx, cognito, "AddCustomAttributes", add, nil); err != nil {
			return Result{}, err
		}
	}
	in = with(in, "UserPoolId", r.PhysicalID, "Schema", nil, "AliasAttributes", nil, "UsernameAttributes", nil, "UsernameConfiguration", nil)
	if err := r.do(ctx, cognito, "UpdateUserPool", in, nil); err != nil {
		return Result{}, err
	}
	return describePool(ctx, r, r.PhysicalID)
}

// addedAttributes compares the schemas: attributes can be added and nothing
// else.
func addedAttributes(r Request) ([]any, error) {
	old, _ := r.Old["Schema"].([]any)
	new, _ := r.Properties["Schema"].([]any)
	named := func(list []any) map[string]any {
		m := map[string]any{}
		for _, a := range list {
			if o, ok := a.(map[string]any); ok {
				m[str(o, "Name")] = a
			}
		}
		return m
	}
	before, after := named(old), named(new)
	for name := range before {
		if _, there := after[name]; !there {
			return nil, errors.New("Existing schema attributes cannot be modified or deleted.") //nolint:staticcheck
		}
	}
	var added []any
	for _, a := range new {
		o, ok := a.(map[string]any)
		if !ok {
			continue
		}
		b, there := before[str(o, "Name")]
		if !there {
			added = append(added, a)
		} else if !reflect.DeepEqual(normal(a), normal(b)) {
			return nil, errors.New("Existing schema attributes cannot be modified or deleted.") //nolint:staticcheck
		}
	}
	return added, nil
}

func createClient(ctx context.Context, r Request) (Result, error) {
	in := with(r.Properties, "ClientName", orElse(str(r.Properties, "ClientName"), r.name(128)))
	if !r.Resume {
		return clientResult(ctx, r, "CreateUserPoolClient", in)
	}
	for token := ""; ; {
		list := map[string]any{"UserPoolId": in["UserPoolId"], "MaxResults": 60}
		if token != "" {
			list["NextToken"] = token
		}
		var out struct {
			UserPoolClients []struct{ ClientId, ClientName string }
			NextToken       string
		}
		if err := r.do(ctx, cognito, "ListUserPoolClients", list, &out); err != nil {
			return Result{}, err
		}
		for _, c := range out.UserPoolClients {
			if c.ClientName == in["ClientName"] {
				return clientResult(ctx, r, "DescribeUserPoolClient", map[string]any{"UserPoolId": in["UserPoolId"], "ClientId": c.ClientId})
			}
		}
		if token = out.NextToken; token == "" {
			return clientResult(ctx, r, "CreateUserPoolClient", in)
		}
	}
}

func clientResult(ctx context.Context, r Request, operation string, in map[string]any) (Result, error) {
	var out struct {
		UserPoolClient struct{ ClientId, ClientSecret, ClientName string }
	}
	if err := r.do(ctx, cognito, operation, in, &out); err != nil {
		return Result{}, err
	}
	c := out.UserPoolClient
	res := Result{PhysicalID: c.ClientId, Attributes: map[string]string{"ClientId": c.ClientId, "Name": c.ClientName}}
	if c.ClientSecret != "" {
		res.Attributes["ClientSecret"] = c.ClientSecret
	}
	return res, nil
}
