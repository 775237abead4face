package rockpool_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool"
)

// What a stack has made is not another's to import: that one would change it,
// and delete it in the end.
func TestAStackImportsNothingOfAnotherStack(t *testing.T) {
	s := start(t, rockpool.Options{})
	template := func(value string) string {
		return `{"Resources":{"S":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Name":"/a/b","Value":"` + value + `"}},
			"B":{"Type":"AWS::S3::Bucket","DependsOn":"S","Properties":{"BucketName":"assets-of-a"}}}}`
	}
	s.stack(url.Values{"Action": {"CreateStack"}, "StackName": {"owner"}, "TemplateBody": {template("mine")}})
	s.stack(url.Values{"Action": {"CreateChangeSet"}, "StackName": {"thief"}, "ChangeSetName": {"c"}, "ChangeSetType": {"CREATE"}, "ImportExistingResources": {"true"}, "TemplateBody": {template("stolen")}})
	s.stack(url.Values{"Action": {"ExecuteChangeSet"}, "StackName": {"thief"}, "ChangeSetName": {"c"}})
	events := s.stack(url.Values{"Action": {"DescribeStackEvents"}, "StackName": {"thief"}})
	if !strings.Contains(events, "it is a resource of the stack owner") || strings.Contains(events, "<ResourceStatus>CREATE_COMPLETE") {
		t.Errorf("events: %s", events)
	}
	w := s.do(request{method: http.MethodPost, path: "/", body: `{"Name":"/a/b"}`, service: "ssm", header: map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter"}})
	if !strings.Contains(w.Body.String(), `"Value":"mine"`) {
		t.Errorf("the parameter of the other stack is %s", w.Body)
	}
	s.stack(url.Values{"Action": {"DeleteStack"}, "StackName": {"thief"}})
	if w := s.do(request{method: http.MethodHead, path: "/assets-of-a", service: "s3"}); w.Code != http.StatusOK {
		t.Errorf("the bucket of the other stack: %d", w.Code)
	}
}
