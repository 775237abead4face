//lint:file-ignore ST1005 The texts are CloudFormation's.

package resource

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

const cognito = "cognito-idp"

var cognitoTypes = []*Type{
	&Type{
		Name:       "AWS::Cognito::UserPool",
		Attributes: []string{"Arn", "ProviderName", "ProviderURL", "UserPoolId"},
		schema: parseSchema(`
				UserPoolName DeletionProtection UserPoolTier MfaConfiguration EnabledMfas-:[]
				IssuerConfiguration{ Type } KeyConfiguration{ KeyType KmsKeyArn }
				Policies{ PasswordPolicy{ MinimumLength:int RequireLowercase:bool RequireNumbers:bool RequireSymbols:bool
					RequireUppercase:bool TemporaryPasswordValidityDays:int PasswordHistorySize:int }
					SignInPolicy{ AllowedFirstAuthFactors:[] } }
				LambdaConfig{ CreateAuthChallenge CustomMessage DefineAuthChallenge PostAuthentication PostConfirmation
					PreAuthentication PreSignUp PreTokenGeneration UserMigration VerifyAuthChallengeResponse KMSKeyID
					PreTokenGenerationConfig{ LambdaArn LambdaVersion }
					CustomEmailSender{ LambdaArn LambdaVersion } CustomSMSSender{ LambdaArn LambdaVersion }
					InboundFederation{ LambdaArn LambdaVersion } }
				AutoVerifiedAttributes:[] AliasAttributes:[] UsernameAttributes:[]
				SmsVerificationMessage EmailVerificationMessage EmailVerificationSubject SmsAuthenticationMessage
				EmailAuthenticationMessage- EmailAuthenticationSubject-
				VerificationMessageTemplate{ SmsMessage EmailMessage EmailSubject EmailMessageByLink EmailSubjectByLink DefaultEmailOption }
				UserAttributeUpdateSettings{ AttributesRequireVerificationBeforeUpdate!:[] }
				DeviceConfiguration{ ChallengeRequiredOnNewDevice:bool DeviceOnlyRememberedOnUserPrompt:bool }
				EmailConfiguration{ SourceArn ReplyToEmailAddress EmailSendingAccount From ConfigurationSet }
				SmsConfiguration{ SnsCallerArn ExternalId SnsRegion
					EumsSms-{ CallerArn! ConfigurationSetName ExternalId InEntityId InTemplateId OriginationIdentity Region } }
				UserPoolTags:map
				AdminCreateUserConfig{ AllowAdminCreateUserOnly:bool UnusedAccountValidityDays:int
					InviteMessageTemplate{ SMSMessage EmailMessage EmailSubject } }
				Schema:[]{ Name AttributeDataType DeveloperOnlyAttribute:bool Mutable:bool Required:bool
					NumberAttributeConstraints{ MinValue MaxValue } StringAttributeConstraints{ MinLength MaxLength } }
				UserPoolAddOns{ AdvancedSecurityMode AdvancedSecurityAdditionalFlows{ CustomAuthMode } }
				UsernameConfiguration{ CaseSensitive:bool }
				AccountRecoverySetting{ RecoveryMechanisms:[]{ Name Priority:int } }
				WebAuthnFactorConfiguration- WebAuthnRelyingPartyID- WebAuthnUserVerification-`),
		Late:   []string{"LambdaConfig"}, // a function may need the pool that calls it
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
				return resumedUser(ctx, r, name, err)
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
}

// resumedUser is the user that an interrupted creation made; one that was there
// before is exists.
func resumedUser(ctx context.Context, r Request, name string, exists error) (Result, error) {
	var out struct {
		Username       string
		UserCreateDate float64
	}
	err := r.do(ctx, cognito, "AdminGetUser", map[string]any{"UserPoolId": r.Properties["UserPoolId"], "Username": name}, &out)
	if err == nil && !(r.madeSince(out.UserCreateDate) && r.claim(out.Username)) {
		err = exists
	}
	return Result{PhysicalID: out.Username}, err
}

// poolInput is the input of CreateUserPool, and nearly that of UpdateUserPool.
func poolInput(r Request) map[string]any {
	return with(r.Properties, "UserPoolName", nil, "PoolName", orElse(str(r.Properties, "UserPoolName"), r.name(128)))
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
	in := poolInput(r)
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
			if p.Name == name && r.madeSince(p.CreationDate) && r.claim(p.Id) {
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
			return Result{}, fmt.Errorf("Updates are not allowed for property - %s.", name)
		}
	}
	// An attribute that an update added cannot be taken away again.
	if !r.Restore {
		if err := addAttributes(ctx, r); err != nil {
			return Result{}, err
		}
	}
	in := with(poolInput(r), "UserPoolId", r.PhysicalID, "Schema", nil, "AliasAttributes", nil, "UsernameAttributes", nil, "UsernameConfiguration", nil)
	if err := r.do(ctx, cognito, "UpdateUserPool", in, nil); err != nil {
		return Result{}, err
	}
	return describePool(ctx, r, r.PhysicalID)
}

var errSchema = errors.New("Existing schema attributes cannot be modified or deleted.")

// addAttributes adds the attributes that the schema has and the old one has
// not. Nothing else of a schema can change.
func addAttributes(ctx context.Context, r Request) error {
	added, err := addedAttributes(r.Old["Schema"], r.Properties["Schema"])
	if err != nil || len(added) == 0 {
		return err
	}
	var out struct {
		UserPool struct {
			SchemaAttributes []struct{ Name, AttributeDataType string }
		}
	}
	if err := r.do(ctx, cognito, "DescribeUserPool", map[string]any{"UserPoolId": r.PhysicalID}, &out); err != nil {
		return err
	}
	there := map[string]string{}
	for _, a := range out.UserPool.SchemaAttributes {
		there[a.Name] = a.AttributeDataType
	}
	var missing []any
	for _, a := range added {
		prefix := "custom:"
		if dev, _ := a["DeveloperOnlyAttribute"].(bool); dev {
			prefix = "dev:custom:"
		}
		name := str(a, "Name")
		if _, standard := there[name]; standard {
			return errSchema
		}
		switch was := there[prefix+name]; was {
		case "":
			missing = append(missing, a)
		case orElse(str(a, "AttributeDataType"), was):
			// An update that was interrupted or rolled back has added it.
		default:
			return errSchema
		}
	}
	if missing == nil {
		return nil
	}
	return r.do(ctx, cognito, "AddCustomAttributes", map[string]any{"UserPoolId": r.PhysicalID, "CustomAttributes": missing}, nil)
}

// addedAttributes are those of a schema that an older one has not.
func addedAttributes(old, now any) (added []map[string]any, err error) {
	before, after := attributesByName(old), attributesByName(now)
	for name := range before {
		if after[name] == nil {
			return nil, errSchema
		}
	}
	list, _ := now.([]any)
	for _, e := range list {
		a, _ := e.(map[string]any)
		switch b := before[str(a, "Name")]; {
		case b == nil:
			added = append(added, a)
		case !reflect.DeepEqual(normal(a), normal(b)):
			return nil, errSchema
		}
	}
	return added, nil
}

func attributesByName(schema any) map[string]map[string]any {
	out := map[string]map[string]any{}
	list, _ := schema.([]any)
	for _, e := range list {
		if a, ok := e.(map[string]any); ok {
			out[str(a, "Name")] = a
		}
	}
	return out
}

func createClient(ctx context.Context, r Request) (Result, error) {
	in := with(r.Properties, "ClientName", orElse(str(r.Properties, "ClientName"), r.name(128)))
	if r.Resume {
		id, err := findClient(ctx, r, str(in, "ClientName"))
		if err != nil {
			return Result{}, err
		}
		if id != "" {
			// Names are not unique, so it may be what another resource of that
			// name has left, whose settings differ.
			return clientResult(ctx, r, "UpdateUserPoolClient", with(in, "ClientId", id, "GenerateSecret", nil))
		}
	}
	return clientResult(ctx, r, "CreateUserPoolClient", in)
}

// findClient looks for the client that a creation made before it was
// interrupted.
func findClient(ctx context.Context, r Request, name string) (string, error) {
	wantsSecret, _ := r.Properties["GenerateSecret"].(bool)
	pool := r.Properties["UserPoolId"]
	for token := ""; ; {
		in := map[string]any{"UserPoolId": pool, "MaxResults": 60}
		if token != "" {
			in["NextToken"] = token
		}
		var out struct {
			UserPoolClients []struct{ ClientId, ClientName string }
			NextToken       string
		}
		if err := r.do(ctx, cognito, "ListUserPoolClients", in, &out); err != nil {
			return "", err
		}
		for _, c := range out.UserPoolClients {
			if c.ClientName != name {
				continue
			}
			var found struct {
				UserPoolClient struct {
					ClientSecret string
					CreationDate float64
				}
			}
			if err := r.do(ctx, cognito, "DescribeUserPoolClient", map[string]any{"UserPoolId": pool, "ClientId": c.ClientId}, &found); err != nil {
				return "", err
			}
			f := found.UserPoolClient
			if r.madeSince(f.CreationDate) && (f.ClientSecret != "") == wantsSecret && r.claim(c.ClientId) {
				return c.ClientId, nil
			}
		}
		if token = out.NextToken; token == "" {
			return "", nil
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
