package userpool

import (
	"time"
)

// Pool is a user pool. It is shared from a cache: nothing may change it.
type Pool struct {
	ID        string
	Name      string
	ARN       string
	Version   int64 // one more with each change
	CreatedAt time.Time
	UpdatedAt time.Time
	Settings
}

// Settings are what CreateUserPool sets and UpdateUserPool replaces. Their JSON
// form is what the store keeps. Where a zero value stands for a default, the
// default is filled in before the settings are stored.
type Settings struct {
	PasswordPolicy PasswordPolicy `json:"passwordPolicy"`
	// PasswordStore is what is kept of a password: "" for an SRP verifier, or
	// PasswordArgon2id, with which SRP flows are impossible. It has no name on
	// the wire.
	PasswordStore      string `json:"passwordStore,omitzero"`
	DeletionProtection bool   `json:"deletionProtection,omitzero"`

	PreToken PreToken `json:"preToken,omitzero"`

	// Schema is the twenty standard attributes in Cognito's order, then the
	// custom ones. When a pool is created it holds only what the caller names.
	Schema                          []Attribute `json:"schema"`
	AutoVerifiedAttributes          []string    `json:"autoVerified,omitzero"`
	AliasAttributes                 []string    `json:"aliases,omitzero"`
	UsernameAttributes              []string    `json:"usernames,omitzero"`
	RequireVerificationBeforeUpdate []string    `json:"verifyBeforeUpdate,omitzero"`
	CaseSensitive                   bool        `json:"caseSensitive,omitzero"`
	// CaseChosen records that UsernameConfiguration was given, which is when
	// it is shown. Without it names are case sensitive.
	CaseChosen bool `json:"caseChosen,omitzero"`

	AdminCreateUserOnly       bool            `json:"adminCreateUserOnly,omitzero"`
	UnusedAccountValidityDays *int32          `json:"-"` // old name of TemporaryPasswordDays; input only
	Invitation                MessageTemplate `json:"invitation,omitzero"`
	// Verification is the texts of codes that verify or reset. The three old
	// top-level members of the wire are the same texts.
	Verification VerificationTemplate `json:"verification,omitzero"`
	// SMSAuthenticationMessage is the text of SMS sign-in codes.
	SMSAuthenticationMessage string `json:"smsAuthentication,omitzero"`

	// AccountRecovery is empty when unset, which means phone first, then email.
	AccountRecovery []RecoveryOption  `json:"recovery,omitzero"`
	Email           EmailSettings     `json:"email,omitzero"`
	SMS             *SMSSettings      `json:"sms,omitzero"`
	Tags            map[string]string `json:"tags,omitzero"`
	Tier            string            `json:"tier"`
	// AddOnsChosen records that UserPoolAddOns was given, as OFF.
	AddOnsChosen bool `json:"addOns,omitzero"`
}

// PasswordArgon2id is the PasswordStore of pools that switched SRP off.
const PasswordArgon2id = "argon2id"

// Tiers of pools. A tier only decides which settings are allowed.
const (
	TierLite       = "LITE"
	TierEssentials = "ESSENTIALS"
	TierPlus       = "PLUS"
)

// PasswordPolicy is what a pool asks of passwords.
type PasswordPolicy struct {
	// Chosen records that a policy was given. Without it every rule is on.
	Chosen        bool  `json:"-"`
	MinimumLength int32 `json:"min"` // characters; 0 on input: 8
	Uppercase     bool  `json:"upper,omitzero"`
	Lowercase     bool  `json:"lower,omitzero"`
	Numbers       bool  `json:"numbers,omitzero"`
	Symbols       bool  `json:"symbols,omitzero"`
	// TemporaryPasswordDays is how long a temporary password can be used; 0 on
	// input: 7.
	TemporaryPasswordDays int32 `json:"tempDays"`
}

// TemporaryPasswordLife is how long a temporary password can be used.
func (p PasswordPolicy) TemporaryPasswordLife() time.Duration {
	return time.Duration(p.TemporaryPasswordDays) * 24 * time.Hour
}

// PreToken is the pre token generation trigger of a pool. Without an ARN there
// is none.
type PreToken struct {
	ARN     string `json:"arn,omitzero"`
	Version string `json:"version,omitzero"` // V1_0, V2_0 or V3_0
	// LegacyARN is the old member PreTokenGeneration as it was given; input
	// only. Set means V1_0 unless ARN says otherwise, and must equal ARN.
	LegacyARN string `json:"-"`
}

// Versions of the pre token generation event.
const (
	PreTokenV1 = "V1_0"
	PreTokenV2 = "V2_0"
	PreTokenV3 = "V3_0"
)

// MessageTemplate is the texts of an invitation. Empty means the default.
type MessageTemplate struct {
	SMS     string `json:"sms,omitzero"`
	Email   string `json:"email,omitzero"`
	Subject string `json:"subject,omitzero"`
}

// VerificationTemplate is the texts of codes. Empty means the default.
type VerificationTemplate struct {
	SMS           string `json:"sms,omitzero"`
	Email         string `json:"email,omitzero"`
	Subject       string `json:"subject,omitzero"`
	EmailByLink   string `json:"emailByLink,omitzero"`
	SubjectByLink string `json:"subjectByLink,omitzero"`
}

// Names of recovery options.
const (
	RecoverByEmail = "verified_email"
	RecoverByPhone = "verified_phone_number"
	RecoverByAdmin = "admin_only"
)

// RecoveryOption is one way to a new password; the lowest Priority is tried
// first.
type RecoveryOption struct {
	Priority int32  `json:"priority"`
	Name     string `json:"name"`
}

// Sending accounts of EmailSettings.
const (
	EmailCognitoDefault = "COGNITO_DEFAULT"
	EmailDeveloper      = "DEVELOPER"
)

// EmailSettings is who mail comes from. The server's own mail gateway sends
// it, whatever the account.
type EmailSettings struct {
	Account   string `json:"account"` // EmailCognitoDefault or EmailDeveloper
	SourceARN string `json:"sourceArn,omitzero"`
	ReplyTo   string `json:"replyTo,omitzero"`
	From      string `json:"from,omitzero"`
}

// SMSSettings says that the pool may send text messages. The server's own
// gateway sends them: the role and region are kept for deployment tools.
type SMSSettings struct {
	CallerARN  string `json:"callerArn,omitzero"`
	ExternalID string `json:"externalId,omitzero"`
	Region     string `json:"region,omitzero"`
}
