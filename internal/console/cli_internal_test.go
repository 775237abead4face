package console

import "testing"

func TestCommand(t *testing.T) {
	tests := []struct {
		name string
		call call
		want string
	}{
		{"words", call{"cognito-idp", "CreateGroup", object{"UserPoolId": "us-east-1_a", "GroupName": "staff", "Precedence": 3}},
			"aws cognito-idp create-group --group-name staff --precedence 3 --user-pool-id us-east-1_a"},
		{"text is quoted for the shell", call{"cognito-idp", "CreateGroup", object{"Description": "it's $HOME `x`"}},
			`aws cognito-idp create-group --description 'it'\''s $HOME ` + "`x`'"},
		{"text that looks like an option", call{"cognito-idp", "CreateGroup", object{"GroupName": "--debug"}},
			"aws cognito-idp create-group --group-name='--debug'"},
		{"what a terminal would act on", call{"cognito-idp", "CreateGroup", object{"Description": "a\x03'\\b\x1b[201~\u202eü"}},
			`aws cognito-idp create-group --description $'a\x03\'\\b\x1b[201~\xe2\x80\xae\xc3\xbc'`},
		{"plurals and runs of capitals", call{"cognito-idp", "UpdateUserPoolClient", object{"CallbackURLs": []string{"https://a.example/x"}, "AllowedOAuthFlowsUserPoolClient": true, "DefaultRedirectURI": "x"}},
			"aws cognito-idp update-user-pool-client --allowed-o-auth-flows-user-pool-client --callback-urls '[\"https://a.example/x\"]' --default-redirect-uri x"},
		{"switched off", call{"cognito-idp", "CreateUserPoolClient", object{"GenerateSecret": false}},
			"aws cognito-idp create-user-pool-client --no-generate-secret"},
		{"structures", call{"cognito-idp", "UpdateUserPool", object{"LambdaConfig": object{"PreSignUp": "arn:x"}}},
			`aws cognito-idp update-user-pool --lambda-config '{"PreSignUp":"arn:x"}'`},
		{"a list with a blank in it", call{"cognito-idp", "X", object{"Names": []string{"a b", "c"}}},
			`aws cognito-idp x --names '["a b","c"]'`},
		{"an empty list", call{"cognito-idp", "X", object{"Names": []string{}}},
			`aws cognito-idp x --names '[]'`},
		{"secrets", call{"cognito-idp", "AdminSetUserPassword", object{"Password": "s3cret", "Permanent": true}},
			`aws cognito-idp admin-set-user-password --password "$PASSWORD" --permanent`},
		{"a package", call{"lambda", "CreateFunction", object{"Code": object{"ZipFile": "UEs="}, "FunctionName": "f"}},
			"aws lambda create-function --zip-file fileb://function.zip --function-name f"},
		{"a name of an acronym", call{"sts", "GetCallerIdentity", nil}, "aws sts get-caller-identity"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := command(test.call); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
