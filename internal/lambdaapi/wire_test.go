package lambdaapi_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/lambdaapi"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

func TestMain(m *testing.M) {
	sandbox.Reexec()
	os.Exit(m.Run())
}

// lambda is the Lambda API over real parts.
type lambda struct {
	t       *testing.T
	handler http.Handler
}

func newLambda(t *testing.T) *lambda {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.Open(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "lambdaapi-")
	if err != nil {
		t.Fatal(err)
	}
	functions := &function.Service{Store: db, KEK: secret.NewKEK([32]byte{1}), Host: host, CodeDir: filepath.Join(dir, "code"), Account: "000000000000"}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, err := range []error{functions.Close(ctx), host.Close(), db.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error { // code is read-only
			if err == nil && d.IsDir() {
				return os.Chmod(path, 0o700)
			}
			return nil
		})
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	api := awsapi.New(awsapi.Options{Profile: awsapi.Dev, Account: "000000000000"})
	api.Register(lambdaapi.Model(), lambdaapi.Operations(lambdaapi.Deps{
		Functions: functions, Engine: host.Engine,
		CodeURL: func(f arn.Function) string { return "http://localhost/code/" + f.Name },
	})...)
	return &lambda{t, api}
}

// answer is a response and its JSON body, if it is an object.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (l *lambda) do(method, path, body string, header map[string]string) answer {
	l.t.Helper()
	r := httptest.NewRequest(method, "http://localhost:7665"+path, strings.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	sigv4.Signer{AccessKeyID: "k", Secret: "s", Region: "eu-west-1", Service: "lambda"}.Sign(r, []byte(body), time.Now())
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Result().Header, text: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &a.body) // not every answer is an object
	return a
}

const functions = "/2015-03-31/functions"

// deployment is a valid CreateFunction request with members changed or added.
func deployment(t *testing.T, code string, change map[string]any) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create("index.mjs")
	if err == nil {
		_, err = f.Write([]byte(code))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{
		"FunctionName": "f", "Runtime": "nodejs20.x", "Handler": "index.handler",
		"Role": "arn:aws:iam::000000000000:role/r", "Timeout": 30, "Code": map[string]any{"ZipFile": buf.Bytes()},
	}
	for k, v := range change {
		in[k] = v
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const echo = "export const handler = async (event, context) => { console.log('hello'); return { event, version: context.functionVersion, client: context.clientContext ?? null } }\n"

func TestFunctionOverTheWire(t *testing.T) {
	l := newLambda(t)
	made := l.do("POST", functions, deployment(t, echo, nil), nil)
	if made.status != http.StatusCreated || made.body["FunctionArn"] != "arn:aws:lambda:eu-west-1:000000000000:function:f" ||
		made.body["Version"] != "$LATEST" || made.body["State"] != "Active" || made.body["PackageType"] != "Zip" || made.body["MemorySize"] != 128.0 {
		t.Fatalf("CreateFunction: %d %s", made.status, made.text)
	}
	if modified, _ := made.body["LastModified"].(string); !strings.HasSuffix(modified, "+0000") {
		t.Errorf("LastModified %q is not in Lambda's form", modified)
	}
	if again := l.do("POST", functions, deployment(t, echo, nil), nil); again.status != http.StatusConflict || again.header.Get("X-Amzn-Errortype") == "" || again.body["Message"] == nil {
		t.Errorf("creating it again: %d %s", again.status, again.text)
	}

	t.Run("Invoke", func(t *testing.T) {
		client := base64.StdEncoding.EncodeToString([]byte(`{"custom":{"a":"b"}}`))
		got := l.do("POST", functions+"/f/invocations", `{"x":1}`, map[string]string{"X-Amz-Log-Type": "Tail", "X-Amz-Client-Context": client})
		if got.status != http.StatusOK || got.header.Get("X-Amz-Executed-Version") != "$LATEST" || got.header.Get("X-Amz-Function-Error") != "" {
			t.Errorf("Invoke: %d %v %s", got.status, got.header, got.text)
		}
		if event, _ := got.body["event"].(map[string]any); event["x"] != 1.0 || got.body["client"] == nil {
			t.Errorf("the function saw %s", got.text)
		}
		if log, err := base64.StdEncoding.DecodeString(got.header.Get("X-Amz-Log-Result")); err != nil || !bytes.Contains(log, []byte("hello")) {
			t.Errorf("log tail %q, %v", log, err)
		}
	})
	t.Run("Invoke by every spelling of the name", func(t *testing.T) {
		for _, name := range []string{"f:$LATEST", "000000000000:function:f", "arn:aws:lambda:eu-west-1:000000000000:function:f"} {
			if got := l.do("POST", functions+"/"+strings.ReplaceAll(name, ":", "%3A")+"/invocations", `{}`, nil); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, got.status, got.text)
			}
		}
	})
	t.Run("DryRun and Event", func(t *testing.T) {
		if got := l.do("POST", functions+"/f/invocations", `{}`, map[string]string{"X-Amz-Invocation-Type": "DryRun"}); got.status != http.StatusNoContent {
			t.Errorf("DryRun: %d %s", got.status, got.text)
		}
		if got := l.do("POST", functions+"/f/invocations", `{}`, map[string]string{"X-Amz-Invocation-Type": "Event"}); got.status != http.StatusAccepted || got.text != "" {
			t.Errorf("Event: %d %s", got.status, got.text)
		}
	})
	t.Run("bad payloads", func(t *testing.T) {
		if got := l.do("POST", functions+"/f/invocations", `{`, nil); got.status != http.StatusBadRequest || !strings.Contains(got.header.Get("X-Amzn-Errortype"), "InvalidRequestContentException") {
			t.Errorf("broken JSON: %d %v %s", got.status, got.header, got.text)
		}
		if got := l.do("POST", functions+"/f/invocations", `{}`, map[string]string{"X-Amz-Client-Context": "%%%"}); got.status != http.StatusBadRequest {
			t.Errorf("broken client context: %d %s", got.status, got.text)
		}
	})
	t.Run("GetFunction", func(t *testing.T) {
		got := l.do("GET", functions+"/f", "", nil)
		config, _ := got.body["Configuration"].(map[string]any)
		code, _ := got.body["Code"].(map[string]any)
		if got.status != http.StatusOK || config["FunctionName"] != "f" || code["Location"] == nil || config["RuntimeVersionConfig"] == nil {
			t.Errorf("GetFunction: %d %s", got.status, got.text)
		}
	})
	t.Run("versions, aliases and their errors", func(t *testing.T) {
		if got := l.do("POST", functions+"/f/versions", `{}`, nil); got.status != http.StatusCreated || got.body["Version"] != "1" {
			t.Fatalf("PublishVersion: %d %s", got.status, got.text)
		}
		if got := l.do("POST", functions+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`, nil); got.status != http.StatusCreated {
			t.Fatalf("CreateAlias: %d %s", got.status, got.text)
		}
		if got := l.do("POST", functions+"/f/invocations?Qualifier=live", `{}`, nil); got.header.Get("X-Amz-Executed-Version") != "1" {
			t.Errorf("Invoke by alias ran %q: %s", got.header.Get("X-Amz-Executed-Version"), got.text)
		}
		if got := l.do("DELETE", functions+"/f?Qualifier=1", "", nil); got.status != http.StatusConflict {
			t.Errorf("deleting a version in use: %d %s", got.status, got.text)
		}
		if got := l.do("GET", functions+"/f/aliases", "", nil); len(got.body["Aliases"].([]any)) != 1 {
			t.Errorf("ListAliases: %s", got.text)
		}
		if got := l.do("GET", functions+"/f/versions", "", nil); len(got.body["Versions"].([]any)) != 2 {
			t.Errorf("ListVersionsByFunction: %s", got.text)
		}
		if got := l.do("GET", functions+"/f/aliases/none", "", nil); got.status != http.StatusNotFound {
			t.Errorf("GetAlias of none: %d %s", got.status, got.text)
		}
	})
	t.Run("permissions", func(t *testing.T) {
		add := `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"cognito-idp.amazonaws.com","SourceArn":"arn:aws:cognito-idp:eu-west-1:000000000000:userpool/eu-west-1_A"}`
		if got := l.do("POST", functions+"/f/policy", add, nil); got.status != http.StatusCreated || !strings.Contains(got.text, "ArnLike") {
			t.Errorf("AddPermission: %d %s", got.status, got.text)
		}
		if got := l.do("GET", functions+"/f/policy", "", nil); got.status != http.StatusOK || !strings.Contains(got.text, "2012-10-17") {
			t.Errorf("GetPolicy: %d %s", got.status, got.text)
		}
		if got := l.do("DELETE", functions+"/f/policy/s", "", nil); got.status != http.StatusNoContent {
			t.Errorf("RemovePermission: %d %s", got.status, got.text)
		}
		if got := l.do("GET", functions+"/f/policy", "", nil); got.status != http.StatusNotFound {
			t.Errorf("GetPolicy of none: %d %s", got.status, got.text)
		}
	})
	t.Run("DeleteFunction", func(t *testing.T) {
		if got := l.do("DELETE", functions+"/f", "", nil); got.status != http.StatusNoContent {
			t.Errorf("DeleteFunction: %d %s", got.status, got.text)
		}
		if got := l.do("GET", functions+"/f", "", nil); got.status != http.StatusNotFound || got.body["Type"] != "User" || !strings.Contains(got.text, "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:f") {
			t.Errorf("GetFunction of none: %d %s", got.status, got.text)
		}
	})
}

// A setting is honoured or refused by name, never stored and ignored.
func TestSettingsThatAreNotHonouredAreRefused(t *testing.T) {
	l := newLambda(t)
	refused := map[string]map[string]any{
		"Code.S3ObjectStorageMode": {"Code": map[string]any{"S3Bucket": "bucket", "S3Key": "k", "S3ObjectStorageMode": "COPY"}},
		"Code.ImageUri":            {"Code": map[string]any{"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/x:y"}},
		"PackageType Image":        {"PackageType": "Image"},
		"VpcConfig":                {"VpcConfig": map[string]any{"SubnetIds": []string{"subnet-1"}, "SecurityGroupIds": []string{"sg-1"}}},
		"DeadLetterConfig":         {"DeadLetterConfig": map[string]any{"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}},
		"TracingConfig.Mode":       {"TracingConfig": map[string]any{"Mode": "Active"}},
		"Layers":                   {"Layers": []string{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}},
		"SnapStart.ApplyOn":        {"SnapStart": map[string]any{"ApplyOn": "PublishedVersions"}},
		"LoggingConfig":            {"LoggingConfig": map[string]any{"LogFormat": "JSON"}},
		"runtime":                  {"Runtime": "java21"},
		"Environment variable":     {"Environment": map[string]any{"Variables": map[string]string{"AWS_REGION": "x"}}},
		"Member must":              {"MemorySize": 1},
		"Could not unzip":          {"Code": map[string]any{"ZipFile": []byte("no zip")}},
	}
	for want, change := range refused {
		if got := l.do("POST", functions, deployment(t, echo, change), nil); got.status != http.StatusBadRequest || !strings.Contains(strings.ToLower(got.text), strings.ToLower(want)) {
			t.Errorf("%s: %d %s", want, got.status, got.text)
		}
	}
	if got := l.do("GET", functions+"/", "", nil); got.status != http.StatusOK || got.text != `{"Functions":[]}` {
		t.Errorf("something was stored all the same: %d %s", got.status, got.text)
	}
}

func TestListFunctionsInPages(t *testing.T) {
	l := newLambda(t)
	for _, name := range []string{"a", "b", "c"} {
		if got := l.do("POST", functions, deployment(t, echo, map[string]any{"FunctionName": name}), nil); got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.text)
		}
	}
	var names []string
	for marker, pages := "", 0; pages < 10; pages++ {
		got := l.do("GET", functions+"/?MaxItems=1&Marker="+marker, "", nil)
		for _, f := range got.body["Functions"].([]any) {
			names = append(names, f.(map[string]any)["FunctionName"].(string))
		}
		if marker, _ = got.body["NextMarker"].(string); marker == "" {
			break
		}
	}
	if strings.Join(names, "") != "abc" {
		t.Errorf("the pages hold %v", names)
	}
	if got := l.do("GET", functions+"/?Marker=%25%25", "", nil); got.status != http.StatusBadRequest {
		t.Errorf("a bad marker: %d %s", got.status, got.text)
	}
}
