package rockpool_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// BenchmarkHandler is what a request costs without the network: bench measures
// it with. The database is a file, as in production.
func BenchmarkHandler(b *testing.B) {
	srv, err := rockpool.New(b.Context(), rockpool.Options{
		DataDir: filepath.Join(b.TempDir(), "data"), Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = srv.Close(b.Context()) }) // the directory goes with it
	handler := web.NewServer(srv.Handler()).Handler

	signer := sigv4.Signer{AccessKeyID: "dev", Secret: "dev", Region: "us-east-1", Service: "cognito-idp"}
	request := func(operation, body string) *http.Request {
		r, err := http.NewRequest(http.MethodPost, "http://localhost:7665/", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		return r
	}
	call := func(operation, body string, out any) {
		b.Helper()
		r := request(operation, body)
		signer.Sign(r, []byte(body), time.Now())
		w := &answer{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatalf("%s: %d %s", operation, w.status, w.body.Bytes())
		}
		if out != nil {
			if err := json.Unmarshal(w.body.Bytes(), out); err != nil {
				b.Fatal(err)
			}
		}
	}

	var pool struct{ UserPool struct{ Id string } }
	call("CreateUserPool", `{"PoolName":"bench"}`, &pool)
	var client struct{ UserPoolClient struct{ ClientId string } }
	call("CreateUserPoolClient", fmt.Sprintf(`{"UserPoolId":%q,"ClientName":"bench","ExplicitAuthFlows":["ALLOW_USER_PASSWORD_AUTH","ALLOW_REFRESH_TOKEN_AUTH"]}`, pool.UserPool.Id), &client)
	call("AdminCreateUser", fmt.Sprintf(`{"UserPoolId":%q,"Username":"ada","MessageAction":"SUPPRESS","UserAttributes":[{"Name":"email","Value":"ada@example.com"}]}`, pool.UserPool.Id), nil)
	call("AdminSetUserPassword", fmt.Sprintf(`{"UserPoolId":%q,"Username":"ada","Password":"Correct-Horse-9","Permanent":true}`, pool.UserPool.Id), nil)
	signIn := fmt.Sprintf(`{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":%q,"AuthParameters":{"USERNAME":"ada","PASSWORD":"Correct-Horse-9"}}`, client.UserPoolClient.ClientId)
	var tokens struct {
		AuthenticationResult struct{ AccessToken, RefreshToken string }
	}
	call("InitiateAuth", signIn, &tokens)

	for _, m := range []struct {
		name, operation, body string
		status                int
	}{
		{"password", "InitiateAuth", signIn, 200},
		{"refresh", "InitiateAuth", fmt.Sprintf(`{"AuthFlow":"REFRESH_TOKEN_AUTH","ClientId":%q,"AuthParameters":{"REFRESH_TOKEN":%q}}`, client.UserPoolClient.ClientId, tokens.AuthenticationResult.RefreshToken), 200},
		{"GetUser", "GetUser", fmt.Sprintf(`{"AccessToken":%q}`, tokens.AuthenticationResult.AccessToken), 200},
		{"DescribeUserPool", "DescribeUserPool", fmt.Sprintf(`{"UserPoolId":%q}`, pool.UserPool.Id), 200},
		{"refused", "GetUser", `{"AccessToken":"none"}`, 400},
	} {
		b.Run(m.name, func(b *testing.B) {
			template := request(m.operation, m.body)
			signer.Sign(template, []byte(m.body), time.Now())
			w := &answer{}
			b.ReportAllocs()
			for b.Loop() {
				r := template.Clone(b.Context())
				r.Body = io.NopCloser(strings.NewReader(m.body))
				w.header, w.status = http.Header{}, 0
				w.body.Reset()
				handler.ServeHTTP(w, r)
				if w.status != m.status {
					b.Fatalf("%d %s", w.status, w.body.Bytes())
				}
			}
		})
	}
}

// answer is an http.ResponseWriter that costs next to nothing.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
