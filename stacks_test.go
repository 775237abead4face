package rockpool_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool"
)

// Parameters of SSM types are the names of what is stored, and a stack has what
// was stored when it was deployed.
func TestParametersOfSSMTypes(t *testing.T) {
	s := start(t, rockpool.Options{})
	put := func(name, kind, value string) {
		t.Helper()
		w := s.do(request{method: http.MethodPost, path: "/", service: "ssm", header: map[string]string{
			"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.PutParameter",
		}, body: `{"Name":"` + name + `","Type":"` + kind + `","Value":"` + value + `","Overwrite":true}`})
		if w.Code != http.StatusOK {
			t.Fatalf("PutParameter %s: %d %s", name, w.Code, w.Body)
		}
	}
	put("/app/name", "String", "stored-name")
	put("/app/list", "StringList", "one,two")
	put("/app/number", "String", "12")
	form := url.Values{"Action": {"CreateStack"}, "StackName": {"s"}, "TemplateBody": {`
Parameters:
  Name: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/name}
  List: {Type: "AWS::SSM::Parameter::Value<List<String>>", Default: /app/list}
  Number: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/number}
  Which: {Type: "AWS::SSM::Parameter::Name", Default: /app/name}
Resources: {P: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: !Ref Name}}}
Outputs:
  All: {Value: !Join ["|", [!Ref Name, !Select [1, !Ref List], !Ref Number, !Ref Which]]}
`}}
	s.stack(form)
	got := s.stack(url.Values{"Action": {"DescribeStacks"}, "StackName": {"s"}})
	for _, want := range []string{"CREATE_COMPLETE", "<OutputValue>stored-name|two|12|/app/name</OutputValue>", "<ResolvedValue>stored-name</ResolvedValue>", "<ParameterValue>/app/name</ParameterValue>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	form.Set("StackName", "other")
	form.Set("Version", "2010-05-15")
	form.Set("Parameters.member.1.ParameterKey", "Name")
	form.Set("Parameters.member.1.ParameterValue", "/app/gone")
	w := s.do(request{method: http.MethodPost, path: "/", body: form.Encode(), service: "cloudformation", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Unable to fetch parameters [/app/gone] from parameter store for this account") {
		t.Errorf("a name that nothing has: %d %s", w.Code, w.Body)
	}
}
