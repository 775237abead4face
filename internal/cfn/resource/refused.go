package resource

import "strings"

// refused are types that templates have and this version has not, with what to
// do about it.
var refused = map[string]string{
	"AWS::Cognito::UserPoolDomain":                          "domains of user pools are not built yet; the issuer is the server's own address and the pool's id",
	"AWS::Cognito::UserPoolResourceServer":                  "resource servers are not built yet",
	"AWS::Cognito::UserPoolIdentityProvider":                "identity providers are not built yet; COGNITO is the only provider",
	"AWS::Cognito::UserPoolUICustomizationAttachment":       "the hosted pages cannot be customized yet",
	"AWS::Cognito::ManagedLoginBranding":                    "the hosted pages cannot be customized yet",
	"AWS::Cognito::Terms":                                   "the hosted pages cannot be customized yet",
	"AWS::Cognito::UserPoolRiskConfigurationAttachment":     "threat protection is not built",
	"AWS::Cognito::LogDeliveryConfiguration":                "log delivery is not built; the server's own log tells of sign-ins and triggers",
	"AWS::Cognito::UserPoolReplica":                         "replicas are not built",
	"AWS::Cognito::UserPoolRegionalConfigurationAttachment": "replicas are not built",
	"AWS::Cognito::IdentityPool":                            "identity pools hand out AWS credentials, and there is nothing here to use them on",
	"AWS::Cognito::IdentityPoolRoleAttachment":              "identity pools hand out AWS credentials, and there is nothing here to use them on",
	"AWS::Cognito::IdentityPoolPrincipalTag":                "identity pools hand out AWS credentials, and there is nothing here to use them on",

	"AWS::Lambda::EventInvokeConfig":      "destinations and retries of asynchronous invocations are not built",
	"AWS::Lambda::EventSourceMapping":     "functions are called by user pools and by Invoke; there are no queues or streams",
	"AWS::Lambda::LayerVersion":           "layers are not built; bundle what the function needs into its package",
	"AWS::Lambda::LayerVersionPermission": "layers are not built; bundle what the function needs into its package",
	"AWS::Lambda::Url":                    "function URLs are not built; call the function with Invoke",
	"AWS::Lambda::CodeSigningConfig":      "code signing is not built",

	"AWS::IAM::InstanceProfile": "there are no instances here",
	"AWS::IAM::User":            "who may call this server is decided by its access keys: rockpool credentials",
	"AWS::IAM::Group":           "who may call this server is decided by its access keys: rockpool credentials",
	"AWS::IAM::AccessKey":       "access keys are made with: rockpool credentials create",

	"AWS::CloudFormation::CustomResource": customResource,
	"AWS::CloudFormation::Stack":          "nested stacks are not built; deploy each template as a stack of its own and share values by Export and Fn::ImportValue",
	"AWS::CloudFormation::Macro":          "macros are not built",

	"AWS::KMS::Key":   "the server's own key seals what it stores; cdk bootstrap makes none if it is not asked to",
	"AWS::KMS::Alias": "the server's own key seals what it stores; cdk bootstrap makes none if it is not asked to",
}

const customResource = "custom resources are not built: a function would have to answer to a signed URL at AWS"

// Refused says what to do about a type that there is not, or "".
func Refused(name string) string {
	if strings.HasPrefix(name, "Custom::") {
		return customResource
	}
	return refused[name]
}
