package rockpool_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool"
)

func (s *server) cloudFormation(operation string, in url.Values) string {
	s.t.Helper()
	in.Set("Action", operation)
	in.Set("Version", "2010-05-15")
	w := s.do(request{method: http.MethodPost, path: "/", body: in.Encode(), service: "cloudformation",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	if w.Code != http.StatusOK {
		s.t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.String()
}

// waitFor asks until the answer has what is sought.
func (s *server) waitFor(operation string, in url.Values, sought *regexp.Regexp) string {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		answer := s.cloudFormation(operation, in)
		if m := sought.FindStringSubmatch(answer); m != nil {
			return m[len(m)-1]
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s never answers %s: %s", operation, sought, answer)
		}
	}
}

// A program signals as it would signal CloudFormation: with a PUT to the
// address that the handle's Ref is, without a signature, and any content type.
func TestSignalsOverHTTP(t *testing.T) {
	s := start(t, rockpool.Options{PublicURL: "http://localhost:7665"})
	const template = `
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Ready: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: '600', Count: '3'}}
Outputs:
  Data: {Value: !GetAtt Ready.Data}
  Url: {Value: !Ref Handle}
`
	s.cloudFormation("CreateStack", url.Values{"StackName": {"s"}, "TemplateBody": {template}})
	address := s.waitFor("DescribeStackResource", url.Values{"StackName": {"s"}, "LogicalResourceId": {"Handle"}},
		regexp.MustCompile(`<PhysicalResourceId>http://localhost:7665(/_rockpool/signal\?token=[\w-]+)</PhysicalResourceId>`))
	put := func(path, body string, header map[string]string, want int) {
		t.Helper()
		if w := s.do(request{method: http.MethodPut, path: path, body: body, header: header}); w.Code != want {
			t.Errorf("PUT %.60s with %v: %d %s, want %d", body, header, w.Code, w.Body, want)
		}
	}
	signal := func(id string) string {
		return `{"Status":"SUCCESS","UniqueId":"` + id + `","Data":"of ` + id + `"}`
	}
	put(address, signal("a"), nil, 200)
	put(address, signal("b"), map[string]string{"Content-Type": ""}, 200)
	put(address, signal("x"), map[string]string{"Origin": "https://elsewhere.example"}, 403)
	put(address, signal(strings.Repeat("x", 5000)), nil, 413)
	put(address, "x", nil, 400)
	put(address[:len(address)-1], signal("x"), nil, 403)
	put("/_rockpool/signal", signal("x"), nil, 403)
	put(address, signal("c"), map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 200)
	answer := s.waitFor("DescribeStacks", url.Values{"StackName": {"s"}}, regexp.MustCompile(`(?s)<StackStatus>CREATE_COMPLETE</StackStatus>.*`))
	if want := `{&#34;a&#34;:&#34;of a&#34;,&#34;b&#34;:&#34;of b&#34;,&#34;c&#34;:&#34;of c&#34;}`; !strings.Contains(answer, want) {
		t.Errorf("Data is not %s in %s", want, answer)
	}
	if token := address[strings.IndexByte(address, '=')+1:]; strings.Contains(s.log.String(), token) {
		t.Error("the log has the token")
	}
}
