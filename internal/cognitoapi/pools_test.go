package cognitoapi_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

const function = "arn:aws:lambda:us-east-1:000000000000:function:claims"

// golden compares an answer with testdata/<name>.golden after its ids, which
// are random, were replaced.
func (b *bench) golden(name string, out jsontext.Value, random ...string) {
	b.t.Helper()
	for i, id := range random {
		out = jsontext.Value(strings.ReplaceAll(string(out), id, fmt.Sprintf("<%d>", i+1)))
	}
	if err := out.Indent(); err != nil {
		b.t.Fatal(err)
	}
	out = append(out, '\n')
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, out, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if !bytes.Equal(out, want) {
		b.t.Errorf("%s differs (-want +got):\n%s", name, cmp.Diff(string(want), string(out)))
	}
}

func (b *bench) raw(operation string, in object) jsontext.Value {
	b.t.Helper()
	out, err := b.Call(b.t.Context(), "cognito-idp", operation, in)
	if err != nil {
		b.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

func id(out jsontext.Value, b *bench, path ...string) string {
	var v any = b.decode(out)
	for _, p := range path {
		v = v.(object)[p]
	}
	return v.(string)
}

// The answers to a pool with nothing but a name, and to one with everything.
func TestUserPoolGolden(t *testing.T) {
	b := newBench(t)
	out := b.raw("CreateUserPool", object{"PoolName": "plain"})
	pool := id(out, b, "UserPool", "Id")
	b.golden("CreateUserPool.plain", out, pool)
	b.golden("DescribeUserPool.plain", b.raw("DescribeUserPool", object{"UserPoolId": pool}), pool)

	out = b.raw("CreateUserPool", fullPool())
	full := id(out, b, "UserPool", "Id")
	b.golden("CreateUserPool.full", out, full)

	// An update that says nothing sets everything back to its default.
	b.call("UpdateUserPool", object{"UserPoolId": full})
	b.golden("UpdateUserPool.empty", b.raw("DescribeUserPool", object{"UserPoolId": full}), full)
}

func fullPool() object {
	return object{
		"PoolName": "full", "DeletionProtection": "INACTIVE", "UserPoolTier": "PLUS",
		"Policies": object{
			"PasswordPolicy": object{"MinimumLength": 12, "RequireUppercase": true, "RequireNumbers": true, "TemporaryPasswordValidityDays": 2},
			"SignInPolicy":   object{"AllowedFirstAuthFactors": []string{"PASSWORD"}},
		},
		"LambdaConfig":                object{"PreTokenGenerationConfig": object{"LambdaArn": function, "LambdaVersion": "V2_0"}},
		"AutoVerifiedAttributes":      []string{"email", "phone_number"},
		"AliasAttributes":             []string{"email", "preferred_username"},
		"SmsVerificationMessage":      "Code {####}",
		"SmsAuthenticationMessage":    "Sign in with {####}",
		"VerificationMessageTemplate": object{"EmailMessage": "Your code: {####}", "EmailSubject": "Code", "DefaultEmailOption": "CONFIRM_WITH_CODE"},
		"MfaConfiguration":            "OFF",
		"UserAttributeUpdateSettings": object{"AttributesRequireVerificationBeforeUpdate": []string{"email"}},
		"EmailConfiguration":          object{"EmailSendingAccount": "COGNITO_DEFAULT", "ReplyToEmailAddress": "help@example.com"},
		"SmsConfiguration":            object{"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "x", "SnsRegion": "us-east-1"},
		"UserPoolTags":                object{"team": "blue"},
		"AdminCreateUserConfig": object{
			"AllowAdminCreateUserOnly": true,
			"InviteMessageTemplate":    object{"EmailMessage": "Hello {username}: {####}", "EmailSubject": "Welcome"},
		},
		"Schema": []object{
			{"Name": "email", "Required": true},
			{"Name": "tenantId", "AttributeDataType": "String", "Mutable": false},
			{"Name": "level", "AttributeDataType": "Number", "NumberAttributeConstraints": object{"MinValue": "1", "MaxValue": "9"}},
			{"Name": "internal", "AttributeDataType": "String", "DeveloperOnlyAttribute": true},
		},
		"UserPoolAddOns":         object{"AdvancedSecurityMode": "OFF"},
		"UsernameConfiguration":  object{"CaseSensitive": false},
		"AccountRecoverySetting": object{"RecoveryMechanisms": []object{{"Priority": 2, "Name": "verified_phone_number"}, {"Priority": 1, "Name": "verified_email"}}},
		"KeyConfiguration":       object{"KeyType": "AWS_OWNED_KEY"},
		"IssuerConfiguration":    object{"Type": "ORIGINAL"},
	}
}

// Every row of the tables of unbuilt members is asked for once.
func TestUnbuiltMembersAreRefusedByName(t *testing.T) {
	b := newBench(t)
	lambda := func(member string, v any) object { return object{"LambdaConfig": object{member: v}} }
	sender := object{"LambdaVersion": "V1_0", "LambdaArn": function}
	rows := []struct {
		member string
		in     object
		code   apierr.Code
	}{
		{"LambdaConfig.InboundFederation", lambda("InboundFederation", sender), ""},
		{"LambdaConfig.CustomSMSSender", lambda("CustomSMSSender", sender), ""},
		{"LambdaConfig.CustomEmailSender", lambda("CustomEmailSender", sender), ""},
		{"Policies.PasswordPolicy.PasswordHistorySize", object{"Policies": object{"PasswordPolicy": object{"MinimumLength": 8, "PasswordHistorySize": 3}}}, ""},
		{"Policies.SignInPolicy.AllowedFirstAuthFactors", object{"Policies": object{"SignInPolicy": object{"AllowedFirstAuthFactors": []string{"PASSWORD", "EMAIL_OTP"}}}}, ""},
		{"MfaConfiguration", object{"MfaConfiguration": "OPTIONAL"}, ""},
		{"MfaConfiguration", object{"MfaConfiguration": "ON"}, ""},
		{"DeviceConfiguration", object{"DeviceConfiguration": object{"ChallengeRequiredOnNewDevice": true}}, ""},
		{"VerificationMessageTemplate.DefaultEmailOption", object{"VerificationMessageTemplate": object{"DefaultEmailOption": "CONFIRM_WITH_LINK"}}, ""},
		{"UserPoolAddOns.AdvancedSecurityMode", object{"UserPoolAddOns": object{"AdvancedSecurityMode": "ENFORCED"}}, apierr.FeatureUnavailableInTier},
		{"UserPoolAddOns.AdvancedSecurityMode", object{"UserPoolTier": "PLUS", "UserPoolAddOns": object{"AdvancedSecurityMode": "AUDIT"}}, ""},
		{"UserPoolAddOns.AdvancedSecurityAdditionalFlows", object{"UserPoolAddOns": object{"AdvancedSecurityMode": "OFF", "AdvancedSecurityAdditionalFlows": object{}}}, ""},
		{"SmsConfiguration.EumsSms", object{"SmsConfiguration": object{"EumsSms": object{"CallerArn": "arn:aws:iam::000000000000:role/sms"}}}, ""},
		{"EmailConfiguration.ConfigurationSet", object{"EmailConfiguration": object{"ConfigurationSet": "x"}}, ""},
		{"KeyConfiguration", object{"KeyConfiguration": object{"KeyType": "CUSTOMER_MANAGED_KEY"}}, ""},
		{"IssuerConfiguration.Type", object{"IssuerConfiguration": object{"Type": "UPDATED"}}, ""},
		{"DcrConfiguration", object{"DcrConfiguration": object{"EnableStatus": "Enabled"}}, ""},
		{"AcrConfiguration", object{"AcrConfiguration": object{"Level1": object{"AcrValue": "basic"}}}, ""},
	}
	for _, name := range []string{
		"PreSignUp", "CustomMessage", "PostConfirmation", "PreAuthentication", "PostAuthentication", "DefineAuthChallenge",
		"CreateAuthChallenge", "VerifyAuthChallengeResponse", "UserMigration", "KMSKeyID",
	} {
		rows = append(rows, struct {
			member string
			in     object
			code   apierr.Code
		}{"LambdaConfig." + name, lambda(name, function), ""})
	}
	existing := b.pool(object{})
	for _, r := range rows {
		t.Run(r.member, func(t *testing.T) {
			if r.code == "" {
				r.code = apierr.InvalidParameter
			}
			update := maps.Clone(r.in)
			update["UserPoolId"] = existing
			r.in["PoolName"] = "x"
			for op, in := range map[string]object{"CreateUserPool": r.in, "UpdateUserPool": update} {
				_, err := b.try(op, in)
				if e := apierr.Public(err); err == nil || e.Code != r.code || !strings.HasPrefix(e.Message, r.member+" is not supported: ") {
					t.Errorf("%s %v: %v", op, in, err)
				}
			}
		})
	}
	for _, r := range []struct {
		member string
		in     object
	}{
		{"ExplicitAuthFlows ALLOW_USER_AUTH", object{"ExplicitAuthFlows": []string{"ALLOW_USER_AUTH"}}},
		{"AnalyticsConfiguration", object{"AnalyticsConfiguration": object{"ApplicationId": "ab"}}},
		{"EnablePropagateAdditionalUserContextData", object{"EnablePropagateAdditionalUserContextData": true}},
	} {
		r.in["UserPoolId"], r.in["ClientName"] = existing, "x"
		_, err := b.try("CreateUserPoolClient", r.in)
		if e := apierr.Public(err); err == nil || !strings.HasPrefix(e.Message, r.member+" is not supported: ") {
			t.Errorf("%v: %v", r.in, err)
		}
	}
}

func TestListUserPools(t *testing.T) {
	b := newBench(t)
	b.pool(object{"LambdaConfig": object{"PreTokenGeneration": function}})
	b.pool(object{})
	first := b.call("ListUserPools", object{"MaxResults": 1})
	second := b.call("ListUserPools", object{"MaxResults": 1, "NextToken": first["NextToken"]})
	if len(first["UserPools"].([]any)) != 1 || len(second["UserPools"].([]any)) != 1 || second["NextToken"] != nil {
		t.Errorf("pages %v and %v", first, second)
	}
	b.fails("ListUserPools", object{}, apierr.InvalidParameter,
		"1 validation error detected: Value null at 'maxResults' failed to satisfy constraint: Member must not be null")
	b.fails("ListUserPools", object{"MaxResults": 1, "NextToken": "nonsense"}, apierr.InvalidParameter, "Invalid pagination token.")
}
