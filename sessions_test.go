package rockpool_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool"
)

// sts calls an operation and returns the answer; token comes with temporary
// credentials.
func (s *server) sts(token string, form url.Values) (int, string) {
	form.Set("Version", "2011-06-15")
	header := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	if token != "" {
		header["X-Amz-Security-Token"] = token
	}
	w := s.do(request{method: http.MethodPost, path: "/", body: form.Encode(), service: "sts", header: header})
	return w.Code, w.Body.String()
}

func element(body, name string) string {
	_, rest, _ := strings.Cut(body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "<")
	return strings.NewReplacer("&#43;", "+", "&#x2B;", "+").Replace(text)
}

// Temporary credentials are worth what the key is that they were made for, for
// as long as they say.
func TestSec_SIG_1_TemporaryCredentials(t *testing.T) {
	s := start(t, rockpool.Options{Profile: rockpool.Production, DataDir: t.TempDir(), PublicURL: "https://rockpool.example.com"})
	s.signer.AccessKeyID, s.signer.Secret = rootKey(t, s)
	whoami := url.Values{"Action": {"GetCallerIdentity"}}
	assume := url.Values{"Action": {"AssumeRole"}, "RoleArn": {"arn:aws:iam::000000000000:role/deploy"}, "RoleSessionName": {"cdk"}, "DurationSeconds": {"900"}}

	status, body := s.sts("", assume)
	if status != 200 {
		t.Fatalf("AssumeRole: %d %s", status, body)
	}
	as := func(id, secret string) *server {
		o := *s
		o.signer.AccessKeyID, o.signer.Secret = id, secret
		return &o
	}
	id, secret, token := element(body, "AccessKeyId"), element(body, "SecretAccessKey"), element(body, "SessionToken")
	session := as(id, secret)
	if status, body := session.sts(token, whoami); status != 200 || element(body, "Arn") != "arn:aws:sts::000000000000:assumed-role/deploy/cdk" {
		t.Errorf("who am I: %d %s", status, body)
	}
	_, other := s.sts("", assume)
	for name, try := range map[string]struct {
		as    *server
		token string
		want  string
	}{
		"without the token":           {session, "", "InvalidClientTokenId"},
		"with the token of another":   {session, element(other, "SessionToken"), "InvalidClientTokenId"},
		"with a token cut short":      {session, token[:len(token)-8], "InvalidClientTokenId"},
		"with another secret":         {as(id, "x"), token, "SignatureDoesNotMatch"},
		"a long-term key and a token": {s, token, "InvalidClientTokenId"},
	} {
		if status, body := try.as.sts(try.token, whoami); status != 403 || !strings.Contains(body, try.want) {
			t.Errorf("%s: %d %s, want %s", name, status, body, try.want)
		}
	}
	if status, body := session.sts(token, assume); status != 403 || !strings.Contains(body, "AccessDenied") {
		t.Errorf("credentials out of credentials: %d %s", status, body)
	}
	if strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), token) {
		t.Error("the log shows a secret or a token")
	}
}
