package cognitoapi

import (
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// poolSettings maps a request to the settings of a pool. Absent members become
// zero values, which the domain replaces by defaults.
func poolSettings(in *createUserPoolRequest) (userpool.Settings, error) {
	if err := refuseUnbuilt(in, unbuiltPoolMembers); err != nil {
		return userpool.Settings{}, err
	}
	set := userpool.Settings{
		DeletionProtection:       awsapi.Value(in.DeletionProtection) == "ACTIVE",
		Schema:                   schema(in.Schema),
		AutoVerifiedAttributes:   in.AutoVerifiedAttributes,
		AliasAttributes:          in.AliasAttributes,
		UsernameAttributes:       in.UsernameAttributes,
		SMSAuthenticationMessage: awsapi.Value(in.SmsAuthenticationMessage),
		Tags:                     in.UserPoolTags,
		Tier:                     awsapi.Value(in.UserPoolTier),
		AddOnsChosen:             in.UserPoolAddOns != nil,
	}
	if in.Policies != nil && in.Policies.PasswordPolicy != nil {
		p := in.Policies.PasswordPolicy
		set.PasswordPolicy = userpool.PasswordPolicy{
			Chosen: true, MinimumLength: awsapi.Value(p.MinimumLength),
			Uppercase: awsapi.Value(p.RequireUppercase), Lowercase: awsapi.Value(p.RequireLowercase),
			Numbers: awsapi.Value(p.RequireNumbers), Symbols: awsapi.Value(p.RequireSymbols),
			TemporaryPasswordDays: awsapi.Value(p.TemporaryPasswordValidityDays),
		}
	}
	if l := in.LambdaConfig; l != nil {
		set.PreToken.LegacyARN = awsapi.Value(l.PreTokenGeneration)
		if c := l.PreTokenGenerationConfig; c != nil {
			set.PreToken.ARN, set.PreToken.Version = awsapi.Value(c.LambdaArn), awsapi.Value(c.LambdaVersion)
		}
	}
	if s := in.UserAttributeUpdateSettings; s != nil {
		set.RequireVerificationBeforeUpdate = s.AttributesRequireVerificationBeforeUpdate
	}
	if c := in.UsernameConfiguration; c != nil {
		set.CaseChosen, set.CaseSensitive = true, awsapi.Value(c.CaseSensitive)
	}
	if c := in.AdminCreateUserConfig; c != nil {
		set.AdminCreateUserOnly, set.UnusedAccountValidityDays = awsapi.Value(c.AllowAdminCreateUserOnly), c.UnusedAccountValidityDays
		if t := c.InviteMessageTemplate; t != nil {
			set.Invitation = userpool.MessageTemplate{SMS: awsapi.Value(t.SMSMessage), Email: awsapi.Value(t.EmailMessage), Subject: awsapi.Value(t.EmailSubject)}
		}
	}
	if r := in.AccountRecoverySetting; r != nil {
		for _, o := range r.RecoveryMechanisms {
			set.AccountRecovery = append(set.AccountRecovery, userpool.RecoveryOption{Priority: awsapi.Value(o.Priority), Name: awsapi.Value(o.Name)})
		}
	}
	if e := in.EmailConfiguration; e != nil {
		set.Email = userpool.EmailSettings{
			Account: awsapi.Value(e.EmailSendingAccount), SourceARN: awsapi.Value(e.SourceArn), ReplyTo: awsapi.Value(e.ReplyToEmailAddress),
			From: awsapi.Value(e.From),
		}
	}
	if c := in.SmsConfiguration; c != nil {
		set.SMS = &userpool.SMSSettings{CallerARN: awsapi.Value(c.SnsCallerArn), ExternalID: awsapi.Value(c.ExternalId), Region: awsapi.Value(c.SnsRegion)}
	}
	var err error
	set.Verification, err = verification(in)
	return set, err
}

// verification merges the template with the three older members that say the
// same. Where both are given they must agree.
func verification(in *createUserPoolRequest) (userpool.VerificationTemplate, error) {
	t := awsapi.Value(in.VerificationMessageTemplate)
	v := userpool.VerificationTemplate{EmailByLink: awsapi.Value(t.EmailMessageByLink), SubjectByLink: awsapi.Value(t.EmailSubjectByLink)}
	for _, m := range []struct {
		name     string
		to       *string
		new, old *string
	}{
		{"SmsVerificationMessage", &v.SMS, t.SmsMessage, in.SmsVerificationMessage},
		{"EmailVerificationMessage", &v.Email, t.EmailMessage, in.EmailVerificationMessage},
		{"EmailVerificationSubject", &v.Subject, t.EmailSubject, in.EmailVerificationSubject},
	} {
		switch {
		case m.new != nil && m.old != nil && *m.new != *m.old:
			return v, apierr.Newf(apierr.InvalidParameter, "%s and the member of VerificationMessageTemplate for the same text must be equal.", m.name)
		case m.new != nil:
			*m.to = *m.new
		default:
			*m.to = awsapi.Value(m.old)
		}
	}
	return v, nil
}

// schema maps attributes. Mutable is true where a caller does not say, except
// for sub.
func schema(in []schemaAttributeType) []userpool.Attribute {
	var out []userpool.Attribute
	for _, m := range in {
		a := userpool.Attribute{
			Name: awsapi.Value(m.Name), Type: awsapi.Value(m.AttributeDataType), DeveloperOnly: awsapi.Value(m.DeveloperOnlyAttribute),
			Mutable: awsapi.Value(m.Name) != "sub", Required: awsapi.Value(m.Required),
		}
		if m.Mutable != nil {
			a.Mutable = *m.Mutable
		}
		if c := m.StringAttributeConstraints; c != nil {
			a.MinLength, a.MaxLength = awsapi.Value(c.MinLength), awsapi.Value(c.MaxLength)
		}
		if c := m.NumberAttributeConstraints; c != nil {
			a.MinValue, a.MaxValue = awsapi.Value(c.MinValue), awsapi.Value(c.MaxValue)
		}
		out = append(out, a)
	}
	return out
}

// acrDefaults are the names of the authentication levels. They cannot be
// changed yet.
var acrDefaults = map[string]acrLevelConfigType{
	"Level1": {AcrValue: new("urn:cognito:loa:1")},
	"Level2": {AcrValue: new("urn:cognito:loa:2")},
	"Level3": {AcrValue: new("urn:cognito:loa:3")},
	"Level4": {AcrValue: new("urn:cognito:loa:4")},
}

// userPool is a pool as it is shown. The members that Cognito always sends are
// always there: deployment tools read them without asking.
func userPool(p *userpool.Pool, users int) *userPoolType {
	out := &userPoolType{
		Id: &p.ID, Name: &p.Name, Arn: &p.ARN,
		CreationDate: awsapi.NewTimestamp(p.CreatedAt), LastModifiedDate: awsapi.NewTimestamp(p.UpdatedAt),
		Policies: &userPoolPolicyType{
			PasswordPolicy: &passwordPolicyType{
				MinimumLength:    &p.PasswordPolicy.MinimumLength,
				RequireUppercase: &p.PasswordPolicy.Uppercase, RequireLowercase: &p.PasswordPolicy.Lowercase,
				RequireNumbers: &p.PasswordPolicy.Numbers, RequireSymbols: &p.PasswordPolicy.Symbols,
				TemporaryPasswordValidityDays: &p.PasswordPolicy.TemporaryPasswordDays,
			},
			SignInPolicy: &signInPolicyType{AllowedFirstAuthFactors: []string{"PASSWORD"}},
		},
		DeletionProtection:          new("INACTIVE"),
		LambdaConfig:                lambdaConfig(p),
		SchemaAttributes:            schemaAttributes(p.Schema),
		AutoVerifiedAttributes:      p.AutoVerifiedAttributes,
		AliasAttributes:             p.AliasAttributes,
		UsernameAttributes:          p.UsernameAttributes,
		SmsVerificationMessage:      awsapi.Present(p.Verification.SMS),
		EmailVerificationMessage:    awsapi.Present(p.Verification.Email),
		EmailVerificationSubject:    awsapi.Present(p.Verification.Subject),
		VerificationMessageTemplate: verificationTemplate(p.Verification),
		SmsAuthenticationMessage:    awsapi.Present(p.SMSAuthenticationMessage),
		MfaConfiguration:            new("OFF"),
		EstimatedNumberOfUsers:      new(int32(users)),
		EmailConfiguration: &emailConfigurationType{
			EmailSendingAccount: &p.Email.Account, SourceArn: awsapi.Present(p.Email.SourceARN),
			ReplyToEmailAddress: awsapi.Present(p.Email.ReplyTo), From: awsapi.Present(p.Email.From),
		},
		UserPoolTags: p.Tags,
		AdminCreateUserConfig: &adminCreateUserConfigType{
			AllowAdminCreateUserOnly:  &p.AdminCreateUserOnly,
			UnusedAccountValidityDays: &p.PasswordPolicy.TemporaryPasswordDays,
			InviteMessageTemplate:     inviteTemplate(p.Invitation),
		},
		UserPoolTier:        &p.Tier,
		IssuerConfiguration: &issuerConfigurationType{Type: new("ORIGINAL")},
		AcrConfiguration:    acrDefaults,
	}
	if p.DeletionProtection {
		out.DeletionProtection = new("ACTIVE")
	}
	if out.UserPoolTags == nil {
		out.UserPoolTags = map[string]string{}
	}
	if len(p.RequireVerificationBeforeUpdate) > 0 {
		out.UserAttributeUpdateSettings = &userAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: p.RequireVerificationBeforeUpdate}
	}
	if p.SMS != nil {
		out.SmsConfiguration = &smsConfigurationType{
			SnsCallerArn: awsapi.Present(p.SMS.CallerARN), ExternalId: awsapi.Present(p.SMS.ExternalID), SnsRegion: awsapi.Present(p.SMS.Region),
		}
	}
	if p.AddOnsChosen {
		out.UserPoolAddOns = &userPoolAddOnsType{AdvancedSecurityMode: new("OFF")}
	}
	if p.CaseChosen {
		out.UsernameConfiguration = &usernameConfigurationType{CaseSensitive: &p.CaseSensitive}
	}
	if len(p.AccountRecovery) > 0 {
		r := &accountRecoverySettingType{}
		for _, o := range p.AccountRecovery {
			r.RecoveryMechanisms = append(r.RecoveryMechanisms, recoveryOptionType{Priority: &o.Priority, Name: &o.Name})
		}
		out.AccountRecoverySetting = r
	}
	return out
}

// lambdaConfig shows the pre token generation trigger in both its members.
func lambdaConfig(p *userpool.Pool) *lambdaConfigType {
	if p.PreToken.ARN == "" {
		return &lambdaConfigType{}
	}
	return &lambdaConfigType{
		PreTokenGeneration:       &p.PreToken.ARN,
		PreTokenGenerationConfig: &preTokenGenerationVersionConfigType{LambdaArn: &p.PreToken.ARN, LambdaVersion: &p.PreToken.Version},
	}
}

func verificationTemplate(v userpool.VerificationTemplate) *verificationMessageTemplateType {
	return &verificationMessageTemplateType{
		DefaultEmailOption: new("CONFIRM_WITH_CODE"),
		SmsMessage:         awsapi.Present(v.SMS), EmailMessage: awsapi.Present(v.Email), EmailSubject: awsapi.Present(v.Subject),
		EmailMessageByLink: awsapi.Present(v.EmailByLink), EmailSubjectByLink: awsapi.Present(v.SubjectByLink),
	}
}

func inviteTemplate(t userpool.MessageTemplate) *messageTemplateType {
	if t == (userpool.MessageTemplate{}) {
		return nil
	}
	return &messageTemplateType{SMSMessage: awsapi.Present(t.SMS), EmailMessage: awsapi.Present(t.Email), EmailSubject: awsapi.Present(t.Subject)}
}

func schemaAttributes(attributes []userpool.Attribute) []schemaAttributeType {
	out := make([]schemaAttributeType, 0, len(attributes))
	for _, a := range slices.Clone(attributes) {
		m := schemaAttributeType{
			Name: &a.Name, AttributeDataType: &a.Type, DeveloperOnlyAttribute: &a.DeveloperOnly, Mutable: &a.Mutable, Required: &a.Required,
		}
		// An attribute without constraints shows an empty object.
		switch a.Type {
		case userpool.TypeString:
			m.StringAttributeConstraints = &stringAttributeConstraintsType{MinLength: awsapi.Present(a.MinLength), MaxLength: awsapi.Present(a.MaxLength)}
		case userpool.TypeNumber:
			m.NumberAttributeConstraints = &numberAttributeConstraintsType{MinValue: awsapi.Present(a.MinValue), MaxValue: awsapi.Present(a.MaxValue)}
		}
		out = append(out, m)
	}
	return out
}
