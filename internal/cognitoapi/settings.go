package cognitoapi

import "strings"

// What becomes of a setting.
const (
	Honoured = "honoured" // does what it does in Cognito
	Kept     = "kept"     // stored and returned; the note says what will use it, or why nothing can
	Refused  = "refused"  // the request fails and names the member
)

// SettingNote says what becomes of a member of CreateUserPool or
// CreateUserPoolClient, and so of the Update operations, or of some of its
// values. A note about a member is about the members in it, too.
type SettingNote struct {
	Operation string
	Member    string // path on the wire: "LambdaConfig.PreSignUp"
	State     string
	Note      string
}

// SettingNotes returns the notes on every member, in the order of the table in
// docs/settings.md. It is the same table that requests are refused by.
func SettingNotes() []SettingNote {
	notes := make([]SettingNote, 0, len(poolNotes)+len(clientNotes)+len(unbuiltPoolMembers)+len(unbuiltClientMembers))
	add := func(operation string, from []SettingNote) {
		for _, n := range from {
			n.Operation = operation
			notes = append(notes, n)
		}
	}
	add("CreateUserPool", poolNotes)
	add("CreateUserPool", refusals(unbuiltPoolMembers))
	add("CreateUserPoolClient", clientNotes)
	add("CreateUserPoolClient", refusals(unbuiltClientMembers))
	return notes
}

func refusals[In any](table []unbuilt[In]) []SettingNote {
	var notes []SettingNote
	for _, u := range table {
		notes = append(notes, SettingNote{Member: u.member, State: Refused, Note: strings.ToUpper(u.why[:1]) + u.why[1:]})
	}
	return notes
}

var poolNotes = []SettingNote{
	{Member: "PoolName", State: Honoured},
	{Member: "Policies.PasswordPolicy", State: Honoured, Note: "PasswordHistorySize only as 0."},
	{Member: "Policies.SignInPolicy", State: Honoured, Note: "With PASSWORD as the only factor."},
	{Member: "DeletionProtection", State: Honoured},
	{Member: "LambdaConfig.PreTokenGeneration", State: Honoured, Note: "Event version V1_0."},
	{Member: "LambdaConfig.PreTokenGenerationConfig", State: Honoured, Note: "V1_0, V2_0 and V3_0; the latter two not in the LITE tier."},
	{Member: "AutoVerifiedAttributes", State: Honoured, Note: "phone_number needs SmsConfiguration."},
	{Member: "AliasAttributes", State: Honoured},
	{Member: "UsernameAttributes", State: Honoured},
	{Member: "SmsVerificationMessage", State: Honoured},
	{Member: "EmailVerificationMessage", State: Honoured},
	{Member: "EmailVerificationSubject", State: Honoured},
	{Member: "VerificationMessageTemplate.SmsMessage", State: Honoured},
	{Member: "VerificationMessageTemplate.EmailMessage", State: Honoured},
	{Member: "VerificationMessageTemplate.EmailSubject", State: Honoured},
	{Member: "VerificationMessageTemplate.EmailMessageByLink", State: Kept, Note: "Nothing uses it while DefaultEmailOption is CONFIRM_WITH_CODE, as in Cognito."},
	{Member: "VerificationMessageTemplate.EmailSubjectByLink", State: Kept, Note: "Nothing uses it while DefaultEmailOption is CONFIRM_WITH_CODE, as in Cognito."},
	{Member: "VerificationMessageTemplate.DefaultEmailOption", State: Honoured, Note: "As CONFIRM_WITH_CODE."},
	{Member: "SmsAuthenticationMessage", State: Kept, Note: "Nothing uses it while MfaConfiguration is OFF, as in Cognito."},
	{Member: "MfaConfiguration", State: Honoured, Note: "As OFF."},
	{Member: "UserAttributeUpdateSettings", State: Honoured},
	{Member: "EmailConfiguration.From", State: Honoured},
	{Member: "EmailConfiguration.ReplyToEmailAddress", State: Honoured},
	{Member: "EmailConfiguration.EmailSendingAccount", State: Kept, Note: "Mail leaves through the server's own gateway in either case."},
	{Member: "EmailConfiguration.SourceArn", State: Kept, Note: "Needed with DEVELOPER, as in Cognito; the server's own gateway sends."},
	{Member: "SmsConfiguration", State: Honoured, Note: "It lets the pool send text messages. The role, external id and region are kept: the server's own gateway sends."},
	{Member: "UserPoolTags", State: Kept, Note: "Tags mean nothing to Cognito either."},
	{Member: "AdminCreateUserConfig", State: Honoured},
	{Member: "Schema", State: Honoured},
	{Member: "UserPoolAddOns.AdvancedSecurityMode", State: Honoured, Note: "As OFF."},
	{Member: "UsernameConfiguration", State: Honoured},
	{Member: "AccountRecoverySetting", State: Honoured},
	{Member: "UserPoolTier", State: Honoured, Note: "It decides which settings are allowed."},
	{Member: "KeyConfiguration", State: Honoured, Note: "As AWS_OWNED_KEY: the server's own key seals what it stores."},
	{Member: "IssuerConfiguration", State: Honoured, Note: "As ORIGINAL: the server's issuer setting decides."},
	{Member: "DcrConfiguration", State: Honoured, Note: "As Disabled."},
	{Member: "AcrConfiguration", State: Honoured, Note: "With the default names."},
}

var clientNotes = []SettingNote{
	{Member: "UserPoolId", State: Honoured},
	{Member: "ClientName", State: Honoured},
	{Member: "GenerateSecret", State: Honoured},
	{Member: "ClientSecret", State: Honoured},
	{Member: "RefreshTokenValidity", State: Honoured},
	{Member: "AccessTokenValidity", State: Honoured},
	{Member: "IdTokenValidity", State: Honoured},
	{Member: "TokenValidityUnits", State: Honoured},
	{Member: "ReadAttributes", State: Honoured},
	{Member: "WriteAttributes", State: Honoured},
	{Member: "ExplicitAuthFlows", State: Honoured, Note: "ALLOW_CUSTOM_AUTH answers that the trigger is not configured."},
	{Member: "SupportedIdentityProviders", State: Honoured, Note: "COGNITO is the only provider that exists."},
	{Member: "CallbackURLs", State: Kept, Note: "Checked as Cognito does; for the OAuth endpoints when they come."},
	{Member: "LogoutURLs", State: Kept, Note: "Checked as Cognito does; for the OAuth endpoints when they come."},
	{Member: "DefaultRedirectURI", State: Kept, Note: "Checked as Cognito does; for the OAuth endpoints when they come."},
	{Member: "AllowedOAuthFlows", State: Kept, Note: "Checked as Cognito does; for the OAuth endpoints when they come."},
	{Member: "AllowedOAuthScopes", State: Kept, Note: "Checked as Cognito does; for the OAuth endpoints when they come."},
	{Member: "AllowedOAuthFlowsUserPoolClient", State: Kept, Note: "Checked as Cognito does; for the OAuth endpoints when they come."},
	{Member: "PreventUserExistenceErrors", State: Honoured},
	{Member: "EnableTokenRevocation", State: Honoured},
	{Member: "EnablePropagateAdditionalUserContextData", State: Honoured, Note: "As false."},
	{Member: "AuthSessionValidity", State: Honoured},
	{Member: "RefreshTokenRotation", State: Honoured, Note: "Not in the LITE tier."},
}
