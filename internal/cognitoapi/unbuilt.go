package cognitoapi

import (
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// unbuilt is a member, or a value of one, that asks for a feature which is not
// built. Storing it would make a setting that does nothing, so the request is
// refused and told why. code is empty for InvalidParameterException.
type unbuilt[In any] struct {
	member string
	why    string
	asks   func(*In) bool
	code   apierr.Code
}

// refuseUnbuilt returns the refusal of the first member of the table that the
// request asks for, or nil.
func refuseUnbuilt[In any](in *In, table []unbuilt[In]) error {
	for _, u := range table {
		if !u.asks(in) {
			continue
		}
		code := u.code
		if code == "" {
			code = apierr.InvalidParameter
		}
		return apierr.Newf(code, "%s is not supported: %s See docs/parity.md.", u.member, u.why)
	}
	return nil
}

const noTrigger = "this trigger is not built yet, and users would sign in without it."

// trigger is a row for one of the triggers that are not built.
func trigger(name string, member func(*lambdaConfigType) bool) unbuilt[createUserPoolRequest] {
	return unbuilt[createUserPoolRequest]{
		member: "LambdaConfig." + name, why: noTrigger,
		asks: func(in *createUserPoolRequest) bool { return in.LambdaConfig != nil && member(in.LambdaConfig) },
	}
}

func set(p *string) bool { return p != nil && *p != "" }

// unbuiltPoolMembers are the members of CreateUserPool and UpdateUserPool that
// are refused. Rows with a code of their own answer as Cognito does.
var unbuiltPoolMembers = []unbuilt[createUserPoolRequest]{
	trigger("PreSignUp", func(l *lambdaConfigType) bool { return set(l.PreSignUp) }),
	trigger("CustomMessage", func(l *lambdaConfigType) bool { return set(l.CustomMessage) }),
	trigger("PostConfirmation", func(l *lambdaConfigType) bool { return set(l.PostConfirmation) }),
	trigger("PreAuthentication", func(l *lambdaConfigType) bool { return set(l.PreAuthentication) }),
	trigger("PostAuthentication", func(l *lambdaConfigType) bool { return set(l.PostAuthentication) }),
	trigger("DefineAuthChallenge", func(l *lambdaConfigType) bool { return set(l.DefineAuthChallenge) }),
	trigger("CreateAuthChallenge", func(l *lambdaConfigType) bool { return set(l.CreateAuthChallenge) }),
	trigger("VerifyAuthChallengeResponse", func(l *lambdaConfigType) bool { return set(l.VerifyAuthChallengeResponse) }),
	trigger("UserMigration", func(l *lambdaConfigType) bool { return set(l.UserMigration) }),
	trigger("InboundFederation", func(l *lambdaConfigType) bool { return l.InboundFederation != nil }),
	trigger("CustomSMSSender", func(l *lambdaConfigType) bool { return l.CustomSMSSender != nil }),
	trigger("CustomEmailSender", func(l *lambdaConfigType) bool { return l.CustomEmailSender != nil }),
	{
		member: "LambdaConfig.KMSKeyID", why: "custom senders, which would use it, are not built yet.",
		asks: func(in *createUserPoolRequest) bool { return in.LambdaConfig != nil && set(in.LambdaConfig.KMSKeyID) },
	},
	{
		member: "Policies.PasswordPolicy.PasswordHistorySize", why: "earlier passwords are not remembered yet.",
		asks: func(in *createUserPoolRequest) bool {
			return in.Policies != nil && in.Policies.PasswordPolicy != nil && awsapi.Value(in.Policies.PasswordPolicy.PasswordHistorySize) != 0
		},
	},
	{
		member: "Policies.SignInPolicy.AllowedFirstAuthFactors", why: "PASSWORD is the only first factor that is built.",
		asks: func(in *createUserPoolRequest) bool {
			return in.Policies != nil && in.Policies.SignInPolicy != nil &&
				slices.ContainsFunc(in.Policies.SignInPolicy.AllowedFirstAuthFactors, func(f string) bool { return f != "PASSWORD" })
		},
	},
	{
		member: "MfaConfiguration", why: "second factors are not built yet; only OFF is accepted.",
		asks: func(in *createUserPoolRequest) bool {
			return in.MfaConfiguration != nil && *in.MfaConfiguration != "OFF"
		},
	},
	{
		member: "DeviceConfiguration", why: "devices are not remembered yet.",
		asks: func(in *createUserPoolRequest) bool { return in.DeviceConfiguration != nil },
	},
	{
		member: "VerificationMessageTemplate.DefaultEmailOption", why: "links need a domain of the pool, which is not built yet; only CONFIRM_WITH_CODE is accepted.",
		asks: func(in *createUserPoolRequest) bool {
			return in.VerificationMessageTemplate != nil && awsapi.Value(in.VerificationMessageTemplate.DefaultEmailOption) == "CONFIRM_WITH_LINK"
		},
	},
	{
		member: "UserPoolAddOns.AdvancedSecurityMode", why: "threat protection needs the PLUS tier.", code: apierr.FeatureUnavailableInTier,
		asks: func(in *createUserPoolRequest) bool { return protects(in) && awsapi.Value(in.UserPoolTier) != "PLUS" },
	},
	{
		member: "UserPoolAddOns.AdvancedSecurityMode", why: "threat protection is not built yet; only OFF is accepted.",
		asks: protects,
	},
	{
		member: "UserPoolAddOns.AdvancedSecurityAdditionalFlows", why: "threat protection is not built yet.",
		asks: func(in *createUserPoolRequest) bool {
			return in.UserPoolAddOns != nil && in.UserPoolAddOns.AdvancedSecurityAdditionalFlows != nil
		},
	},
	{
		member: "SmsConfiguration.EumsSms", why: "text messages leave through the server's own gateway.",
		asks: func(in *createUserPoolRequest) bool {
			return in.SmsConfiguration != nil && in.SmsConfiguration.EumsSms != nil
		},
	},
	{
		member: "EmailConfiguration.ConfigurationSet", why: "mail leaves through the server's own gateway, which has no configuration sets.",
		asks: func(in *createUserPoolRequest) bool {
			return in.EmailConfiguration != nil && set(in.EmailConfiguration.ConfigurationSet)
		},
	},
	{
		member: "KeyConfiguration", why: "keys are sealed with the server's own key; only AWS_OWNED_KEY is accepted.",
		asks: func(in *createUserPoolRequest) bool {
			k := in.KeyConfiguration
			return k != nil && (awsapi.Value(k.KeyType) == "CUSTOMER_MANAGED_KEY" || set(k.KmsKeyArn))
		},
	},
	{
		member: "IssuerConfiguration.Type", why: "the server's issuer setting decides; only ORIGINAL is accepted.",
		asks: func(in *createUserPoolRequest) bool {
			return in.IssuerConfiguration != nil && awsapi.Value(in.IssuerConfiguration.Type) == "UPDATED"
		},
	},
	{
		member: "DcrConfiguration", why: "dynamic client registration is not built yet.",
		asks: func(in *createUserPoolRequest) bool {
			d := in.DcrConfiguration
			return d != nil && (awsapi.Value(d.EnableStatus) == "Enabled" || awsapi.Value(d.OpenDcrEnabled) ||
				len(d.AuthenticatedGrantTypes)+len(d.OpenDcrGrantTypes)+len(d.AllowedScopes) > 0)
		},
	},
	{
		member: "AcrConfiguration", why: "tokens do not carry authentication levels yet; only the default names are accepted.",
		asks: func(in *createUserPoolRequest) bool {
			for level, c := range in.AcrConfiguration {
				if d, ok := acrDefaults[level]; !ok || awsapi.Value(c.AcrValue) != *d.AcrValue {
					return true
				}
			}
			return false
		},
	},
}

// protects reports whether a request switches threat protection on.
func protects(in *createUserPoolRequest) bool {
	return in.UserPoolAddOns != nil && in.UserPoolAddOns.AdvancedSecurityMode != nil && *in.UserPoolAddOns.AdvancedSecurityMode != "OFF"
}

// unbuiltClientMembers are the members of CreateUserPoolClient and
// UpdateUserPoolClient that are refused.
var unbuiltClientMembers = []unbuilt[createUserPoolClientRequest]{
	{
		member: "ExplicitAuthFlows ALLOW_USER_AUTH", why: "choice-based sign-in is not built yet.",
		asks: func(in *createUserPoolClientRequest) bool {
			return slices.Contains(in.ExplicitAuthFlows, "ALLOW_USER_AUTH")
		},
	},
	{
		member: "ExplicitAuthFlows ALLOW_CLIENT_TOKEN_AUTH", why: "tokens for machines are not built yet.",
		asks: func(in *createUserPoolClientRequest) bool {
			return slices.Contains(in.ExplicitAuthFlows, "ALLOW_CLIENT_TOKEN_AUTH")
		},
	},
	{
		member: "AnalyticsConfiguration", why: "there is no analytics service to send to.",
		asks: func(in *createUserPoolClientRequest) bool { return in.AnalyticsConfiguration != nil },
	},
	{
		member: "EnablePropagateAdditionalUserContextData", why: "threat protection, which would use it, is not built yet.",
		asks: func(in *createUserPoolClientRequest) bool {
			return awsapi.Value(in.EnablePropagateAdditionalUserContextData)
		},
	},
}
