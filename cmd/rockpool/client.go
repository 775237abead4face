package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/sigv4"
)

// client calls a server the way an AWS SDK does.
type client struct {
	endpoint string // without a slash at its end
	region   string
	key      string
	secret   string
	http     *http.Client
}

// clientFlags are the flags of every command that talks to a server.
type clientFlags struct {
	endpoint, region, dataDir string
	json                      bool
}

func (f *clientFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.endpoint, "endpoint", "", "server (default $ROCKPOOL_ENDPOINT, $AWS_ENDPOINT_URL, http://localhost:7665)")
	flags.StringVar(&f.region, "region", "", "region (default $AWS_REGION, $AWS_DEFAULT_REGION, "+arn.DefaultRegion+")")
	flags.StringVar(&f.dataDir, "data-dir", "", "take the access key from the credentials file there (default $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (f *clientFlags) client() (*client, error) {
	c := &client{
		endpoint: firstOf(f.endpoint, os.Getenv("ROCKPOOL_ENDPOINT"), os.Getenv("AWS_ENDPOINT_URL"), "http://localhost:7665"),
		region:   firstOf(f.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), arn.DefaultRegion),
		// A development server takes any key.
		key:    firstOf(os.Getenv("AWS_ACCESS_KEY_ID"), "dev"),
		secret: firstOf(os.Getenv("AWS_SECRET_ACCESS_KEY"), "dev"),
		http:   &http.Client{Timeout: 20 * time.Minute}, // an invocation may take 15
	}
	u, err := url.Parse(c.endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, misused("endpoint %q is not http://host or https://host", c.endpoint)
	}
	c.endpoint = strings.TrimRight(c.endpoint, "/")
	if c.http.Transport, err = f.transport(); err != nil {
		return nil, err
	}
	if f.dataDir != "" {
		if c.key, c.secret, err = readCredentials(filepath.Join(f.dataDir, "credentials")); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// transport trusts the authority that $AWS_CA_BUNDLE names, as the AWS CLI
// does, or the one that --tls auto has left in the data folder.
func (f *clientFlags) transport() (http.RoundTripper, error) {
	path := os.Getenv("AWS_CA_BUNDLE")
	if path == "" && f.dataDir != "" {
		if ca := filepath.Join(f.dataDir, "ca.pem"); fileExists(ca) {
			path = ca
		}
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	if path == "" {
		return t, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("authority: %s holds no certificate", path)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

func fileExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readCredentials reads the profile rockpool of an AWS credentials file.
func readCredentials(path string) (key, secret string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || section != "rockpool" {
			continue
		}
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			key = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(value)
		}
	}
	if key == "" || secret == "" {
		return "", "", fmt.Errorf("%s has no complete profile [rockpool]", path)
	}
	return key, secret, nil
}

// apiError is what a server said no with.
type apiError struct {
	Status        int
	Code, Message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// codeOf returns the exception's name if err is an answer of the server.
func codeOf(err error) string {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.Code
	}
	return ""
}

// cognito calls an operation of the user pools API.
func (c *client) cognito(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, "cognito-idp", http.MethodPost, "/", map[string]string{
		"Content-Type": "application/x-amz-json-1.1",
		"X-Amz-Target": "AWSCognitoIdentityProviderService." + operation,
	}, in, out)
}

// lambda calls an operation of the Lambda API.
func (c *client) lambda(ctx context.Context, method, path string, in, out any) error {
	return c.call(ctx, "lambda", method, path, map[string]string{"Content-Type": "application/json"}, in, out)
}

// admin calls the API that Rockpool has beside those of AWS.
func (c *client) admin(ctx context.Context, method, path string, in, out any) error {
	return c.call(ctx, "rockpool", method, "/_rockpool/"+path, map[string]string{"Content-Type": "application/json"}, in, out)
}

func (c *client) call(ctx context.Context, service, method, path string, header map[string]string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := c.send(ctx, service, method, path, header, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const maxAnswer = 64 << 20
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// send makes a signed request and returns the answer if it is a success.
func (c *client) send(ctx context.Context, service, method, path string, header map[string]string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	sigv4.Signer{AccessKeyID: c.key, Secret: c.secret, Region: c.region, Service: service}.Sign(req, body, time.Now())
	resp, err := c.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, &hintError{fmt.Errorf("nothing answers at %s", c.endpoint), "start a server with `rockpool dev`, or name another one with --endpoint"}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return nil, &hintError{err, "export AWS_CA_BUNDLE=…/ca.pem, the file that the server's log names"}
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	err = newAPIError(resp, text)
	if codeOf(err) == "UnrecognizedClientException" {
		return nil, &hintError{err, "a production server wants an access key: --data-dir DIR reads the one it has made, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}
	}
	return nil, err
}

// developmentOnly explains a refusal of what only a development server has.
func developmentOnly(err error) error {
	if e, ok := errors.AsType[*apiError](err); ok && (e.Status == http.StatusNotFound || e.Code == "BadRequest") {
		return &hintError{err, "only a development server (rockpool dev) has this"}
	}
	return err
}

func newAPIError(resp *http.Response, body []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	_ = json.Unmarshal(body, &said) // what is not JSON leaves the members empty
	var form struct {               // of CloudFormation
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	var bare struct { // of S3
		Code, Message string
	}
	if xml.Unmarshal(body, &form) == nil && xml.Unmarshal(body, &bare) == nil {
		said.Code, said.Message = firstOf(said.Code, form.Code, bare.Code), firstOf(said.Message, form.Message, bare.Message)
	}
	e := &apiError{Status: resp.StatusCode, Code: firstOf(said.Type, said.Code), Message: firstOf(said.Message, said.Upper)}
	if e.Code == "" {
		e.Code, _, _ = strings.Cut(resp.Header.Get("X-Amzn-ErrorType"), ":")
	}
	if e.Code == "" {
		return fmt.Errorf("the server answered %s; is it a Rockpool?", resp.Status)
	}
	return e
}
