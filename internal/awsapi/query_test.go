package awsapi_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// stackInput has a member of every kind that a form can carry.
type stackInput struct {
	Name   *string           `json:"StackName,omitzero"`
	Tags   []tag             `json:"Tags,omitzero"`
	Names  []string          `json:"Names,omitzero"`
	Map    map[string]string `json:"Map,omitzero"`
	Count  *int32            `json:"Count,omitzero"`
	Yes    *bool             `json:"Yes,omitzero"`
	Share  *float64          `json:"Share,omitzero"`
	Blob   []byte            `json:"Blob,omitzero"`
	At     *awsapi.Timestamp `json:"At,omitzero"`
	Config *tag              `json:"Config,omitzero"`
	Next   map[string]tag    `json:"Next,omitzero"`
}

type tag struct {
	Key   *string `json:"Key,omitzero"`
	Value *string `json:"Value,omitzero"`
}

func (in *stackInput) Validate(v *awsapi.Validation) {
	v.String("stackName", in.Name, &awsapi.StringRule{Min: 2})
}

func stacks(id, version string) awsapi.Service {
	return awsapi.Service{
		ID: id, SigningName: id, Protocol: awsapi.Query, APIVersion: version, Namespace: "http://" + id + "/doc/",
		ValidationCode: "ValidationError", InternalCode: "InternalFailure", TooLargeCode: "RequestEntityTooLargeException",
		ErrorStatus: map[apierr.Code]int{"ChangeSetNotFound": 404},
		Operations: []awsapi.OperationModel{
			{Name: "Echo", Auth: awsapi.AuthIAM, Input: "I", Output: "I"},
			{Name: "Quiet", Auth: awsapi.AuthIAM, Input: "I"},
			{Name: "Fail", Auth: awsapi.AuthIAM, Input: "I"},
			{Name: "Later", Auth: awsapi.AuthIAM, Input: "I"},
		},
	}
}

func newQueryServer(opts awsapi.Options) *awsapi.Server {
	s := newServer(opts)
	echo := func(ctx context.Context, in *stackInput) (*stackInput, error) { return in, nil }
	for _, sv := range []awsapi.Service{stacks("clouds", "2010-05-15"), stacks("tokens", "2011-06-15")} {
		s.Register(sv, awsapi.Op("Echo", echo),
			awsapi.Op("Quiet", func(ctx context.Context, in *stackInput) (*awsapi.Empty, error) { return nil, nil }),
			awsapi.Op("Fail", func(ctx context.Context, in *stackInput) (*awsapi.Empty, error) {
				return nil, apierr.New("ChangeSetNotFound", "ChangeSet <x> does not exist")
			}))
	}
	return s
}

const anyKey = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-central-1/clouds/aws4_request, SignedHeaders=host;x-amz-date, Signature=" +
	"0000000000000000000000000000000000000000000000000000000000000000"

// post sends a form as any signed caller and returns status and body.
func post(t *testing.T, s *awsapi.Server, form string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20261122T120000Z")
	r.Header.Set("Authorization", anyKey)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestQueryCarriesEveryKindOfMember(t *testing.T) {
	s := newQueryServer(awsapi.Options{Profile: awsapi.Dev})
	status, body := post(t, s, "Action=Echo&Version=2010-05-15&StackName=a%3Cb%26%00&Tags.member.2.Key=second&Tags.member.1.Key=first&Tags.member.1.Value="+
		"&Names.member.1=n&Map.entry.1.key=k&Map.entry.1.value=v&Count=-7&Yes=true&Share=0.5&Blob=AAH%2F&At=2026-11-22T12:00:00Z&Config.Key=c"+
		"&Next.entry.1.key=a&Next.entry.1.value.Key=deep&Unknown.member.1=ignored")
	want := `<EchoResponse xmlns="http://clouds/doc/"><EchoResult><StackName>a&lt;b&amp;` + "\uFFFD" + `</StackName>` +
		`<Tags><member><Key>first</Key><Value></Value></member><member><Key>second</Key></member></Tags><Names><member>n</member></Names>` +
		`<Map><entry><key>k</key><value>v</value></entry></Map><Count>-7</Count><Yes>true</Yes><Share>0.5</Share><Blob>AAH/</Blob>` +
		`<At>2026-11-22T12:00:00.000Z</At><Config><Key>c</Key></Config><Next><entry><key>a</key><value><Key>deep</Key></value></entry></Next></EchoResult>` +
		`<ResponseMetadata><RequestId>11111111-2222-4333-8444-555555555555</RequestId></ResponseMetadata></EchoResponse>`
	if status != 200 || body != want {
		t.Errorf("%d\n%s", status, cmp.Diff(want, body))
	}
	// An empty list is not an absent one.
	if _, body := post(t, s, "Action=Echo&Names="); !strings.Contains(body, "<EchoResult><Names></Names></EchoResult>") {
		t.Errorf("empty list: %s", body)
	}
	if status, body := post(t, s, "Action=Quiet&Version=2010-05-15"); status != 200 || strings.Contains(body, "Result") {
		t.Errorf("without output: %d %s", status, body)
	}
}

func TestQueryErrors(t *testing.T) {
	s := newQueryServer(awsapi.Options{Profile: awsapi.Dev})
	many := strings.Repeat("a=&", 10_001)
	var wide strings.Builder
	for i := range 700 { // few fields with many names
		fmt.Fprintf(&wide, "%d%s=&", i, strings.Repeat(".a", 30))
	}
	for _, tt := range []struct {
		name, form string
		status     int
		code, says string
	}{
		{"of the service", "Action=Fail", 404, "ChangeSetNotFound", "ChangeSet <x> does not exist"},
		{"constraint", "Action=Echo&StackName=x", 400, "ValidationError", "greater than or equal to 2"},
		{"not built", "Action=Later", 501, "NotImplementedException", "clouds Later"},
		{"unknown action", "Action=Nothing&Version=1", 400, "InvalidAction", "Could not find operation Nothing for version 1"},
		{"other version", "Action=Echo&Version=1999-01-01", 400, "InvalidAction", "Echo"},
		{"no action", "StackName=abc", 400, "InvalidAction", ""},
		{"number", "Action=Echo&Count=seven", 400, "MalformedInput", "Count is not an integer"},
		{"number too large", "Action=Echo&Count=2147483648", 400, "MalformedInput", "Count"},
		{"boolean", "Action=Echo&Yes=True", 400, "MalformedInput", "Yes"},
		{"timestamp", "Action=Echo&At=yesterday", 400, "MalformedInput", "At"},
		{"base64", "Action=Echo&Blob=*", 400, "MalformedInput", "Blob"},
		{"structure for a text", "Action=Echo&StackName.x=1", 400, "MalformedInput", "StackName"},
		{"text for a structure", "Action=Echo&Config=1", 400, "MalformedInput", "Config"},
		{"list without member", "Action=Echo&Names.1=x", 400, "MalformedInput", "Names"},
		{"index 0", "Action=Echo&Names.member.0=x", 400, "MalformedInput", "Names"},
		{"index 01", "Action=Echo&Names.member.01=x", 400, "MalformedInput", "Names"},
		{"index too large", "Action=Echo&Names.member.10001=x", 400, "MalformedInput", "Names"},
		{"map without value", "Action=Echo&Map.entry.1.key=x", 400, "MalformedInput", "Map"},
		{"key twice", "Action=Echo&Map.entry.1.key=x&Map.entry.1.value=1&Map.entry.2.key=x&Map.entry.2.value=2", 400, "MalformedInput", "Map"},
		{"twice", "Action=Echo&StackName=one&StackName=two", 400, "MalformedQueryString", ""},
		{"action twice", "Action=Echo&Action=Fail", 400, "MalformedQueryString", ""},
		{"bad escape", "Action=Echo&StackName=%zz", 400, "MalformedQueryString", ""},
		{"empty part", "Action=Echo&Tags..Key=x", 400, "MalformedQueryString", ""},
		{"too deep", "Action=Echo&" + strings.Repeat("a.", 32) + "a=x", 400, "MalformedQueryString", ""},
		{"too many", many + "Action=Echo", 400, "MalformedQueryString", ""},
		{"too many names", wide.String() + "Action=Echo", 400, "MalformedQueryString", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := post(t, s, tt.form)
			var e struct {
				Type    string `xml:"Error>Type"`
				Code    string `xml:"Error>Code"`
				Message string `xml:"Error>Message"`
				ID      string `xml:"RequestId"`
			}
			if err := xml.Unmarshal([]byte(body), &e); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if status != tt.status || e.Code != tt.code || !strings.Contains(e.Message, tt.says) || e.ID == "" {
				t.Errorf("%d %+v, want %d %s with %q", status, e, tt.status, tt.code, tt.says)
			}
			if e.Type != "Sender" && status < 500 {
				t.Errorf("type %s", e.Type)
			}
		})
	}
}

// Two services have an operation Echo: the version says whose is meant, and
// without one the signature does.
func TestQueryFindsTheService(t *testing.T) {
	s := newQueryServer(awsapi.Options{Profile: awsapi.Dev})
	for form, want := range map[string]string{"Action=Echo": "clouds", "Action=Echo&Version=2011-06-15": "tokens", "Action=Echo&Version=2010-05-15": "clouds"} {
		if _, body := post(t, s, form); !strings.Contains(body, `xmlns="http://`+want+`/doc/"`) {
			t.Errorf("%s: %s, want the service %s", form, body, want)
		}
	}
}

func TestSec_SIG_1_QueryNeedsASignature(t *testing.T) {
	for _, profile := range []awsapi.Profile{awsapi.Dev, awsapi.Serve} {
		s := newQueryServer(awsapi.Options{Profile: profile})
		r := httptest.NewRequest(http.MethodGet, "/?Action=Echo&Version=2010-05-15", nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<Code>MissingAuthenticationToken</Code>") {
			t.Errorf("profile %d: %d %s", profile, w.Code, w.Body)
		}
	}
	s := newQueryServer(awsapi.Options{Profile: awsapi.Serve, Now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }})
	if status, body := post(t, s, "Action=Echo"); status != http.StatusForbidden || !strings.Contains(body, "<Code>InvalidClientTokenId</Code>") {
		t.Errorf("unknown key: %d %s", status, body)
	}
}

// FuzzQueryForm: no form does harm, and what is understood is understood again
// when the answer is read.
func FuzzQueryForm(f *testing.F) {
	for _, seed := range []string{"Action=Echo&StackName=ab", "Action=Echo&Tags.member.1.Key=a&Map.entry.1.key=k&Map.entry.1.value=", "Action=Echo&Next.entry.1.key=a&Next.entry.1.value.Key=x",
		"Action=Echo&At=2026-11-22T12:00:00Z&Blob=AA==&Count=1&Yes=true&Share=1e3", "Action=Echo&a.b.c.d=%00"} {
		f.Add(seed)
	}
	s := newQueryServer(awsapi.Options{Profile: awsapi.Dev})
	f.Fuzz(func(t *testing.T, form string) {
		if _, err := url.ParseQuery(form); err == nil && strings.Contains(form, ";") {
			t.Skip()
		}
		status, body := post(t, s, form)
		if status == 500 {
			t.Errorf("%d %s", status, body)
		}
		if err := xml.Unmarshal([]byte(body), new(struct{})); err != nil {
			t.Errorf("the answer is not XML: %v\n%s", err, body)
		}
	})
}
