package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var poolID = regexp.MustCompile(`/console/pools/(us-east-1_[A-Za-z0-9]+)`)

// newPool creates a pool by its form and returns its page's path.
func (v *visitor) newPool(fields url.Values) string {
	v.t.Helper()
	page := v.submit("/console/create-pool", "/console/create-pool", fields)
	m := poolID.FindString(page)
	if m == "" || !strings.Contains(page, "The user pool is created") {
		v.t.Fatalf("no pool was created:\n%s", mainOf.FindString(page))
	}
	return m
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, mainOf.FindString(page))
		}
	}
}

func TestPoolFromNameToDeletion(t *testing.T) {
	v := newVisitor(t)
	pool := v.newPool(url.Values{
		"name": {"people"}, "signin": {"email"}, "verify": {"email"}, "selfsignup": {"on"}, "length": {"10"}, "require": {"numbers"},
		"custom": {"tenantId\nlevel Number"},
	})
	wants(t, v.get("/console/pools"), "people")
	wants(t, v.get("/console/"), "people", "Connect an SDK", "boto3")

	page := v.submit(pool+"/create-client", pool+"/create-client", url.Values{"name": {"web"}, "flow": {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}, "secret": {"on"}, "access": {"5"}, "access-unit": {"minutes"}})
	wants(t, page, "The app client is created", "people can write 2")
	client := regexp.MustCompile(regexp.QuoteMeta(pool) + `/clients/[a-z0-9]+`).FindString(page)
	wants(t, v.get(client), "People can write these attributes", "custom:tenantId", `value="5"`)
	page = v.submit(client, client+"/settings", url.Values{"name": {"web2"}, "limit-write": {"on"}, "write": {"email"}, "flow": {"ALLOW_USER_SRP_AUTH"}})
	wants(t, page, "The app client is saved", "web2")
	if strings.Contains(page, "People can write these attributes") {
		t.Error("a client with a list of what people may write is still warned of")
	}

	wants(t, v.submit(pool+"/create-group", pool+"/create-group", url.Values{"name": {"staff"}, "precedence": {"3"}, "role": {"arn:aws:iam::000000000000:role/staff"}}), "The group is created", "role/staff")
	if custom, more, ok := strings.Cut(v.get(pool+"/create-user"), "<summary>More attributes"); !ok || !strings.Contains(custom, "attr-custom:tenantId") || strings.Contains(more, "attr-custom:tenantId") {
		t.Error("custom attributes are hidden among the standard ones")
	}
	page = v.submit(pool+"/create-user", pool+"/create-user", url.Values{"attr-email": {"a@example.com"}, "verified": {"on"}, "password": {"longenough123"}, "permanent": {"on"}, "attr-custom:tenantId": {"blue"}})
	wants(t, page, "The user is created", "CONFIRMED", "blue")
	user := pool + "/user?name=a%40example.com"
	wants(t, v.get(pool+"/users?by=email&match=begins&text=a%40"), "a@example.com", "email ^= &#34;a@&#34;")
	wants(t, v.get(pool+"/users?by=email&match=equals&text=b"), "No user matches")
	wants(t, v.submit(user, pool+"/user/join", url.Values{"group": {"staff"}}), "The user is in the group")
	wants(t, v.submit(user, pool+"/user/disable", nil), "The user is disabled", "Disabled")
	wants(t, v.submit(user, pool+"/user/enable", nil), "The user is enabled")
	wants(t, v.submit(user, pool+"/user/sign-out", nil), "signed out everywhere")
	wants(t, v.submit(user, pool+"/user/password", url.Values{"password": {"anotherone456"}}), "The password is set", "FORCE_CHANGE_PASSWORD")
	wants(t, v.submit(user, pool+"/user/attributes", url.Values{"attr-custom:tenantId": {"green"}}), "The attributes are saved", "green")
	wants(t, v.submit(user, pool+"/user/remove-attribute", url.Values{"attribute": {"custom:tenantId"}}), "The attribute is removed")
	wants(t, v.submit(pool+"/group?name=staff", pool+"/group/remove", nil), "no longer in the group")
	wants(t, v.submit(pool+"/group?name=staff", pool+"/group/settings", url.Values{"precedence": {"9"}}), "The group is saved")
	wants(t, v.submit(pool+"/group?name=staff", pool+"/group/delete", url.Values{"confirm": {"staff"}}), "The group is deleted")
	wants(t, v.submit(user, pool+"/user/delete", url.Values{"confirm": {"wrong"}}), "Nothing was deleted")

	wants(t, v.submit(pool+"/settings", pool+"/settings/password", url.Values{"length": {"12"}, "require": {"symbols"}}), "The password policy is saved", `value="12"`)
	wants(t, v.submit(pool+"/settings", pool+"/settings/password", url.Values{"length": {"3"}}), "MinimumLength", `value="3"`)
	wants(t, v.submit(pool+"/settings", pool+"/settings/messages", url.Values{"subject": {"Hello"}, "email": {"Your code: {####}"}}), "The messages are saved", "Hello")
	wants(t, v.submit(pool+"/settings", pool+"/settings/sign-up", url.Values{"verify": {"email"}}), "The sign-up settings are saved", "Hello", `value="12"`)
	wants(t, v.submit(pool+"/settings", pool+"/settings/attributes", url.Values{"custom": {"departmentId"}}), "The attributes are added", "custom:departmentId")

	wants(t, v.submit(pool+"/properties", pool+"/properties/protection", url.Values{"name": {"folk"}, "protect": {"on"}}), "The properties are saved", "folk")
	wants(t, v.submit(pool+"/properties", pool+"/properties/delete", url.Values{"confirm": {"folk"}}), "error")
	v.submit(pool+"/properties", pool+"/properties/protection", url.Values{"name": {"folk"}})
	wants(t, v.submit(pool+"/properties", pool+"/properties/delete", url.Values{"confirm": {"folk"}}), "The user pool folk is deleted")
}

func TestAddTriggerWithItsPermission(t *testing.T) {
	v := newVisitor(t)
	pool := v.newPool(url.Values{"name": {"people"}, "signin": {"email"}})
	v.submit("/console/create-function", "/console/create-function", url.Values{"name": {"claims"}, "runtime": {"nodejs22.x"}, "template": {"blank"}})
	page := v.get(pool + "/add-trigger")
	wants(t, page, `value="V1_0" checked`, "V2_0", "V3_0", "aws lambda add-permission", "aws cognito-idp update-user-pool")
	page = v.submit(pool+"/add-trigger", pool+"/add-trigger", url.Values{
		"trigger": {"PreTokenGenerationConfig"}, "version": {"V2_0"}, "function": {"arn:aws:lambda:us-east-1:000000000000:function:claims"},
	})
	wants(t, page, "The trigger is added", "a permission was added", "V2_0", "/console/functions/claims")
	wants(t, page, "Try a sign-in")
	wants(t, v.get(pool+"/add-trigger"), `value="V2_0" checked`) // the pool's own choice stays
	page = v.submit(pool+"/add-trigger", pool+"/add-trigger", url.Values{
		"trigger": {"PreTokenGenerationConfig"}, "version": {"V1_0"}, "function": {"arn:aws:lambda:us-east-1:000000000000:function:claims"},
	})
	wants(t, page, "The trigger is added", "V1_0")
	if strings.Contains(page, "a permission was added") {
		t.Error("a permission was added twice")
	}
	wants(t, v.submit(pool+"/properties", pool+"/properties/remove-trigger", nil), "The trigger is removed", "No function runs")
}

// Who comes from a function that was just made finds it chosen.
func TestAddTriggerBeginsWithTheNewestFunction(t *testing.T) {
	v := newVisitor(t)
	pool := v.newPool(url.Values{"name": {"people"}})
	v.createFunction("alpha")
	v.createFunction("zeta")
	wants(t, v.get(pool+"/add-trigger"), `function:zeta" selected`)
}

// api performs an operation as the console's modules do.
func (v *visitor) api(service, operation, input string) string {
	v.t.Helper()
	m := tokenOfPage.FindStringSubmatch(v.get("/console/"))
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+"/console/api/"+service+"/"+operation, strings.NewReader(input))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Console-Token", m[1])
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.read(resp, http.StatusOK)
}

// UpdateUserPool takes what a call leaves out back to its default.
func TestChangingOneThingKeepsTheRest(t *testing.T) {
	v := newVisitor(t)
	created := v.api("cognito-idp", "CreateUserPool", `{"PoolName":"p","Policies":{"PasswordPolicy":{"MinimumLength":11,"RequireNumbers":true}},"AliasAttributes":["email"],"AutoVerifiedAttributes":["email"],
		"EmailVerificationSubject":"Hello","EmailVerificationMessage":"It is {####}","SmsVerificationMessage":"{####}","UserPoolTags":{"a":"b"},"DeletionProtection":"ACTIVE","UserPoolTier":"LITE",
		"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":true,"InviteMessageTemplate":{"EmailSubject":"Hi","EmailMessage":"{username} {####}"}},"AccountRecoverySetting":{"RecoveryMechanisms":[{"Name":"admin_only","Priority":1}]}}`)
	id := regexp.MustCompile(`us-east-1_[A-Za-z0-9]{9}`).FindString(created)
	changed := regexp.MustCompile(`"(LastModifiedDate|MinimumLength|Name)":[^,}]*`)
	describe := func() string {
		return changed.ReplaceAllString(v.api("cognito-idp", "DescribeUserPool", `{"UserPoolId":"`+id+`"}`), "")
	}
	before, pool := describe(), "/console/pools/"+id
	wants(t, v.submit(pool+"/settings", pool+"/settings/password", url.Values{"length": {"20"}, "require": {"numbers"}}), "is saved", `value="20"`)
	wants(t, v.submit(pool+"/properties", pool+"/properties/protection", url.Values{"name": {"q"}, "protect": {"on"}}), "are saved")
	if after := describe(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}

	client := v.api("cognito-idp", "CreateUserPoolClient", `{"UserPoolId":"`+id+`","ClientName":"c","GenerateSecret":true,"ReadAttributes":["email"],"WriteAttributes":["email","name"],"ExplicitAuthFlows":["ALLOW_USER_SRP_AUTH","ALLOW_REFRESH_TOKEN_AUTH"],
		"AccessTokenValidity":10,"TokenValidityUnits":{"AccessToken":"minutes"},"CallbackURLs":["https://a.example/x"],"LogoutURLs":["https://a.example/y"],"PreventUserExistenceErrors":"LEGACY","AuthSessionValidity":5}`)
	clientID := regexp.MustCompile(`"ClientId":"([a-z0-9]+)"`).FindStringSubmatch(client)[1]
	stamps := regexp.MustCompile(`"LastModifiedDate":[^,}]*`)
	page := pool + "/clients/" + clientID
	wants(t, v.submit(page, page+"/settings", url.Values{
		"name": {"c"}, "flow": {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}, "access": {"10"}, "access-unit": {"minutes"}, "id-unit": {"hours"}, "refresh-unit": {"days"}, "refresh": {"30"},
		"session": {"5"}, "revocation": {"on"}, "existence": {"LEGACY"}, "limit-read": {"on"}, "read": {"email"}, "limit-write": {"on"}, "write": {"email", "name"},
	}), "The app client is saved")
	var was, is map[string]map[string]any
	for text, into := range map[string]*map[string]map[string]any{client: &was, v.api("cognito-idp", "DescribeUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+clientID+`"}`): &is} {
		if err := json.Unmarshal([]byte(stamps.ReplaceAllString(text, `"LastModifiedDate":0`)), into); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range was["UserPoolClient"] {
		if now := is["UserPoolClient"][name]; name != "TokenValidityUnits" && !reflect.DeepEqual(now, value) {
			t.Errorf("%s was %v and is %v", name, value, now)
		}
	}
}

func TestStackPages(t *testing.T) {
	v := newVisitor(t)
	wants(t, v.get("/console/stacks"), "There is no stack")
	v.api("cloudformation", "CreateStack", `{"StackName":"people","TemplateBody":"Resources:\n  Pool:\n    Type: AWS::Cognito::UserPool\nOutputs:\n  Id:\n    Value: !Ref Pool\n"}`)
	wants(t, v.get("/console/stacks"), "people")
	wants(t, v.get("/console/stacks/people"), "AWS::Cognito::UserPool", "CREATE_IN_PROGRESS", "aws cloudformation delete-stack --stack-name people")
	wants(t, v.submit("/console/stacks/people", "/console/stacks/people/delete", url.Values{"confirm": {"x"}}), "Nothing was deleted")
	wants(t, v.submit("/console/stacks/people", "/console/stacks/people/delete", url.Values{"confirm": {"people"}}), "is being deleted")
}
