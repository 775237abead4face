package userpool

import (
	"maps"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
)

// settle checks the settings and fills in defaults, all but the schema.
func (p *Pool) settle() error {
	set := &p.Settings
	for _, step := range []func() error{
		set.settlePasswords, set.settleTier, set.settlePreToken, set.settleNames,
		set.settleRecovery, set.settleMail, set.settleTags,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (set *Settings) settlePasswords() error {
	pp := &set.PasswordPolicy
	if !pp.Chosen && pp.MinimumLength == 0 {
		days := pp.TemporaryPasswordDays
		*pp = PasswordPolicy{MinimumLength: 8, Uppercase: true, Lowercase: true, Numbers: true, Symbols: true, TemporaryPasswordDays: days}
	}
	if pp.MinimumLength == 0 {
		pp.MinimumLength = 8
	}
	if pp.MinimumLength < 6 || pp.MinimumLength > 99 {
		return apierr.New(apierr.InvalidParameter, "MinimumLength must be between 6 and 99.")
	}
	// Two names for one setting: the old one counts if it stands alone.
	if old := set.UnusedAccountValidityDays; old != nil && *old != 0 {
		if pp.TemporaryPasswordDays != 0 && pp.TemporaryPasswordDays != *old {
			return apierr.New(apierr.InvalidParameter, "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays")
		}
		pp.TemporaryPasswordDays = *old
	}
	if pp.TemporaryPasswordDays == 0 {
		pp.TemporaryPasswordDays = 7
	}
	if set.PasswordStore != "" && set.PasswordStore != PasswordArgon2id {
		return apierr.Newf(apierr.InvalidParameter, "%q is not a way to store passwords.", set.PasswordStore)
	}
	return nil
}

func (set *Settings) settleTier() error {
	switch set.Tier {
	case "":
		set.Tier = TierEssentials
	case TierLite, TierEssentials, TierPlus:
	default:
		return apierr.Newf(apierr.InvalidParameter, "%q is not a user pool tier.", set.Tier)
	}
	return nil
}

func (set *Settings) settlePreToken() error {
	t := &set.PreToken
	if t.LegacyARN != "" {
		if t.ARN != "" && t.ARN != t.LegacyARN {
			return apierr.New(apierr.InvalidParameter, "PreTokenGeneration and PreTokenGenerationConfig must name the same Lambda function.")
		}
		t.ARN = t.LegacyARN
	}
	t.LegacyARN = ""
	if t.ARN == "" {
		if t.Version != "" {
			return apierr.New(apierr.InvalidParameter, "PreTokenGenerationConfig needs a LambdaArn.")
		}
		return nil
	}
	if t.Version == "" {
		t.Version = PreTokenV1
	}
	if a, err := arn.Parse(t.ARN); err != nil || a.Service != "lambda" {
		return apierr.Newf(apierr.InvalidParameter, "%s is not the ARN of a Lambda function.", t.ARN)
	}
	switch t.Version {
	case PreTokenV1:
	case PreTokenV2, PreTokenV3:
		if set.Tier == TierLite {
			return apierr.Newf(apierr.FeatureUnavailableInTier, "Pre token generation event version %s is not available in the %s tier.", t.Version, set.Tier)
		}
	default:
		return apierr.Newf(apierr.InvalidParameter, "%q is not a version of the pre token generation event.", t.Version)
	}
	return nil
}

func (set *Settings) settleNames() error {
	if len(set.AliasAttributes) > 0 && len(set.UsernameAttributes) > 0 {
		return apierr.New(apierr.InvalidParameter, "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	check := func(member string, names []string, allowed ...string) ([]string, error) {
		seen := make(map[string]bool)
		for _, n := range names {
			if !slices.Contains(allowed, n) || seen[n] {
				return nil, apierr.Newf(apierr.InvalidParameter, "Invalid value %q in %s.", n, member)
			}
			seen[n] = true
		}
		if len(names) == 0 {
			return nil, nil
		}
		return names, nil
	}
	var err error
	if set.AliasAttributes, err = check("AliasAttributes", set.AliasAttributes, "email", "phone_number", "preferred_username"); err != nil {
		return err
	}
	if set.UsernameAttributes, err = check("UsernameAttributes", set.UsernameAttributes, "email", "phone_number"); err != nil {
		return err
	}
	if set.AutoVerifiedAttributes, err = check("AutoVerifiedAttributes", set.AutoVerifiedAttributes, "email", "phone_number"); err != nil {
		return err
	}
	if set.RequireVerificationBeforeUpdate, err = check("AttributesRequireVerificationBeforeUpdate", set.RequireVerificationBeforeUpdate, "email", "phone_number"); err != nil {
		return err
	}
	if slices.Contains(set.AutoVerifiedAttributes, "phone_number") && set.SMS == nil {
		return apierr.New(apierr.InvalidParameter, "SmsConfiguration is required when phone_number is in AutoVerifiedAttributes.")
	}
	for _, n := range set.RequireVerificationBeforeUpdate {
		if !slices.Contains(set.AutoVerifiedAttributes, n) {
			return apierr.Newf(apierr.InvalidParameter, "AttributesRequireVerificationBeforeUpdate can only name attributes of AutoVerifiedAttributes: %s.", n)
		}
	}
	if !set.CaseChosen {
		set.CaseSensitive = true
	}
	return nil
}

func (set *Settings) settleRecovery() error {
	set.AccountRecovery = slices.Clone(set.AccountRecovery)
	priorities, names := make(map[int32]bool), make(map[string]bool)
	for _, o := range set.AccountRecovery {
		switch {
		case o.Name != RecoverByEmail && o.Name != RecoverByPhone && o.Name != RecoverByAdmin:
			return apierr.Newf(apierr.InvalidParameter, "Invalid account recovery option %q.", o.Name)
		case o.Name == RecoverByAdmin && len(set.AccountRecovery) > 1:
			return apierr.New(apierr.InvalidParameter, "The account recovery option admin_only cannot be combined with another one.")
		case priorities[o.Priority] || names[o.Name]:
			return apierr.New(apierr.InvalidParameter, "Account recovery options must differ in name and priority.")
		}
		priorities[o.Priority], names[o.Name] = true, true
	}
	slices.SortFunc(set.AccountRecovery, func(a, b RecoveryOption) int { return int(a.Priority) - int(b.Priority) })
	return nil
}

func (set *Settings) settleMail() error {
	e := &set.Email
	if e.Account == "" {
		e.Account = EmailCognitoDefault
	}
	if e.Account == EmailDeveloper && e.SourceARN == "" {
		return apierr.New(apierr.InvalidParameter, "SourceArn is required when EmailSendingAccount is DEVELOPER.")
	}
	if m := set.Invitation; m.Email != "" && !complete(m.Email) || m.SMS != "" && !complete(m.SMS) {
		return apierr.New(apierr.InvalidParameter, "Invitation messages must contain {username} and {####}.")
	}
	return nil
}

// complete reports whether an invitation tells the user both things that it
// cannot sign in without.
func complete(invitation string) bool {
	return strings.Contains(invitation, "{username}") && strings.Contains(invitation, "{####}")
}

func (set *Settings) settleTags() error {
	if len(set.Tags) > 50 {
		return apierr.New(apierr.UserPoolTagging, "A user pool cannot have more than 50 tags.")
	}
	for _, k := range slices.Sorted(maps.Keys(set.Tags)) {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return apierr.Newf(apierr.UserPoolTagging, "Tag keys cannot begin with aws: %s.", k)
		}
	}
	if len(set.Tags) == 0 {
		set.Tags = nil
	}
	return nil
}
