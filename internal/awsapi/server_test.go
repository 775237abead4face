package awsapi_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The services of these tests: one of each protocol, small, with an operation
// of each kind. Their shapes are written as the generator writes them.

type greetInput struct {
	Name   *string           `json:"Name,omitzero"`
	PoolId *string           `json:"PoolId,omitzero"`
	Count  *int32            `json:"Count,omitzero"`
	Flag   *bool             `json:"Flag,omitzero"`
	Tags   map[string]string `json:"Tags,omitzero"`
	Words  []string          `json:"Words,omitzero"`
	Secret *string           `json:"Secret,omitzero"`
}

var (
	nameRule   = awsapi.StringRule{Min: 1, Max: 8, Pattern: &awsapi.Pattern{Text: `[a-z]+`, Expr: `[a-z]+`}}
	secretRule = awsapi.StringRule{Min: 6, Sensitive: true}
	countRule  = awsapi.NumberRule{Min: 1, HasMin: true, Max: 60, HasMax: true}
	wordRule   = awsapi.StringRule{Enum: []string{"red", "blue"}}
)

func (in *greetInput) Validate(v *awsapi.Validation) {
	awsapi.Number(v, "count", in.Count, &countRule)
	v.Required("name", in.Name == nil, false)
	v.String("name", in.Name, &nameRule)
	v.String("secret", in.Secret, &secretRule)
	v.Strings("words", in.Words, &awsapi.SizeRule{}, &wordRule)
}

type greetOutput struct {
	Greeting *string           `json:"Greeting,omitzero"`
	At       *awsapi.Timestamp `json:"At,omitzero"`
	List     []string          `json:"List,omitzero"`
	Map      map[string]string `json:"Map,omitzero"`
}

type putInput struct {
	FunctionName *string `json:"FunctionName,omitzero"`
	Kind         *string `json:"Kind,omitzero"`
	MaxItems     *int32  `json:"MaxItems,omitzero"`
	Payload      []byte  `json:"Payload,omitzero"`
}

func (in *putInput) Validate(*awsapi.Validation) {}
func (in *putInput) Bind(b *awsapi.Binding) {
	in.FunctionName = b.Label("FunctionName")
	in.Kind = b.Header("X-Amz-Kind")
	in.MaxItems = b.QueryInt32("MaxItems")
	in.Payload = b.Payload()
}

type putOutput struct {
	StatusCode *int32
	Fault      *string
	Payload    []byte
}

func (out *putOutput) Reply(r *awsapi.Reply) {
	r.Status(&out.StatusCode)
	r.Header("X-Amz-Fault", &out.Fault)
	r.Payload(out.Payload)
}

type nameInput struct {
	FunctionName *string `json:"FunctionName,omitzero"`
	Text         *string `json:"Text,omitzero"`
}

func (in *nameInput) Validate(*awsapi.Validation) {}
func (in *nameInput) Bind(b *awsapi.Binding)      { in.FunctionName = b.Label("FunctionName") }

type nameOutput struct {
	Name *string `json:"Name,omitzero"`
}

func greeter() awsapi.Service {
	return awsapi.Service{
		ID: "cognito-idp", SigningName: "cognito-idp", TargetPrefix: "GreeterService", Protocol: awsapi.JSON11,
		ValidationCode: apierr.InvalidParameter, InternalCode: apierr.InternalError, TooLargeCode: apierr.RequestEntityTooLarge,
		ErrorStatus: map[apierr.Code]int{"InternalErrorException": 500, "NotAuthorizedException": 400},
		Operations: []awsapi.OperationModel{
			{Name: "Greet", Auth: awsapi.AuthPublic},
			{Name: "Fail", Auth: awsapi.AuthPublic},
			{Name: "Panic", Auth: awsapi.AuthPublic},
			{Name: "Who", Auth: awsapi.AuthIAM},
			{Name: "Later", Auth: awsapi.AuthPublic},
		},
	}
}

func functions() awsapi.Service {
	return awsapi.Service{
		ID: "lambda", SigningName: "lambda", Protocol: awsapi.RESTJSON,
		ValidationCode: "ValidationException", InternalCode: apierr.Service, TooLargeCode: apierr.RequestTooLarge,
		ErrorStatus: map[apierr.Code]int{"ResourceNotFoundException": 404, "ServiceException": 500, "RequestTooLargeException": 413},
		Operations: []awsapi.OperationModel{
			{Name: "Put", Auth: awsapi.AuthIAM, Method: "POST", Path: "/2015-03-31/functions/{FunctionName}/invocations", Status: 200, Payload: true, Output: "PutOutput", MaxBody: 2 << 20},
			{Name: "Get", Auth: awsapi.AuthIAM, Method: "GET", Path: "/2015-03-31/functions/{FunctionName}", Status: 200, Output: "NameOutput"},
			{Name: "Rename", Auth: awsapi.AuthIAM, Method: "PUT", Path: "/2015-03-31/functions/{FunctionName}", Status: 202, Output: "NameOutput"},
			{Name: "Drop", Auth: awsapi.AuthIAM, Method: "DELETE", Path: "/2015-03-31/functions/{FunctionName}", Status: 204},
			{Name: "ListAll", Auth: awsapi.AuthIAM, Method: "GET", Path: "/2015-03-31/functions/{FunctionName}/things", Query: "List=ALL", Status: 200, Output: "NameOutput"},
			{Name: "ListSome", Auth: awsapi.AuthIAM, Method: "GET", Path: "/2015-03-31/functions/{FunctionName}/things", Status: 200, Output: "NameOutput"},
			{Name: "Broken", Auth: awsapi.AuthIAM, Method: "POST", Path: "/2015-03-31/broken", Status: 200, Output: "NameOutput"},
			{Name: "Unbuilt", Auth: awsapi.AuthIAM, Method: "POST", Path: "/2015-03-31/unbuilt", Status: 200},
		},
	}
}

func ptr[T any](v T) *T { return &v }

func greet(_ context.Context, in *greetInput) (*greetOutput, error) {
	return &greetOutput{
		Greeting: ptr("hello " + *in.Name),
		At:       awsapi.NewTimestamp(time.UnixMilli(1689721665239)),
		List:     []string{}, Map: map[string]string{"b": "2", "a": "<1>"},
	}, nil
}

func newServer(opts awsapi.Options) *awsapi.Server {
	if opts.NewID == nil {
		opts.NewID = func() string { return "11111111-2222-4333-8444-555555555555" }
	}
	named := func(_ context.Context, in *nameInput) (*nameOutput, error) {
		if in.FunctionName != nil && *in.FunctionName == "gone" {
			return nil, apierr.New(apierr.ResourceNotFound, "Function not found: gone")
		}
		return &nameOutput{Name: in.FunctionName}, nil
	}
	s := awsapi.New(opts)
	s.Register(greeter(),
		awsapi.Op("Greet", greet),
		awsapi.Op("Fail", func(_ context.Context, in *greetInput) (*greetOutput, error) {
			if *in.Name == "leak" {
				return nil, errors.New("database password is hunter2")
			}
			return nil, apierr.Newf(apierr.NotAuthorized, "Incorrect username or password.\r\nSet-Cookie: é")
		}),
		awsapi.Op("Panic", func(context.Context, *greetInput) (*greetOutput, error) { panic("hunter2") }),
		awsapi.Op("Who", func(ctx context.Context, _ *greetInput) (*greetOutput, error) {
			r := awsapi.RequestFrom(ctx)
			return &greetOutput{Greeting: ptr(r.Principal.ARN + " " + r.Region + " " + r.Account + " " + r.AccessKeyID)}, nil
		}),
	)
	s.Register(functions(),
		awsapi.Op("Put", func(_ context.Context, in *putInput) (*putOutput, error) {
			return &putOutput{StatusCode: ptr(int32(202)), Fault: in.Kind, Payload: in.Payload}, nil
		}),
		awsapi.Op("Get", named),
		awsapi.Op("Rename", named),
		awsapi.Op("Drop", func(context.Context, *nameInput) (*awsapi.Empty, error) { return nil, nil }),
		awsapi.Op("ListAll", func(context.Context, *nameInput) (*nameOutput, error) { return &nameOutput{Name: ptr("all")}, nil }),
		awsapi.Op("ListSome", func(context.Context, *nameInput) (*nameOutput, error) { return &nameOutput{Name: ptr("some")}, nil }),
		awsapi.Op("Broken", func(context.Context, *nameInput) (*nameOutput, error) { return nil, errors.New("disk full") }),
	)
	return s
}

var dateLine = regexp.MustCompile(`(?m)^Date: .*\r$`)

// roundTrip sends raw bytes over a connection and returns the raw answer.
func roundTrip(t *testing.T, addr string, request []byte) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &raw)), nil)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return dateLine.ReplaceAllString(raw.String(), "Date: …\r")
}

// Golden files hold a request and the exact answer, with a line "===" between.
// Lines end in LF in the file and in CRLF on the wire, up to the first empty
// one.
func TestWire(t *testing.T) {
	srv := httptest.NewServer(newServer(awsapi.Options{Profile: awsapi.Dev}))
	defer srv.Close()
	files, err := filepath.Glob("testdata/wire/*.golden")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d golden files (%v), want at least 20", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".golden"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			request, want, ok := strings.Cut(string(b), "\n===\n")
			if !ok {
				t.Fatal("no line === in the file")
			}
			got := strings.ReplaceAll(roundTrip(t, srv.Listener.Addr().String(), wireForm(request)), "\r\n", "\n")
			if !strings.Contains(got, "\nX-Amzn-Requestid: ") {
				t.Errorf("the answer has no request id:\n%s", got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(request+"\n===\n"+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got+"\n" != want {
				t.Errorf("request:\n%s\ngot:\n%s\nwant:\n%s", request, got, want)
			}
		})
	}
}

func wireForm(request string) []byte {
	head, body, _ := strings.Cut(request, "\n\n")
	head = strings.ReplaceAll(strings.TrimRight(head, "\n"), "\n", "\r\n") + "\r\nHost: localhost\r\n"
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return []byte(head + "\r\n" + body)
}
