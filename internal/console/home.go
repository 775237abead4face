package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
)

func (c *Console) mountHome(mux *http.ServeMux) {
	c.handle(mux, "GET /console/{$}", c.home)
}

type homePage struct {
	page
	URL              string
	Pools            []homePool
	MorePools        bool
	Functions        int
	MoreFunctions    bool
	Stacks           int
	PoolID, ClientID string // that the snippets are about
	Clients          []userPoolClient
	Snippets         []snippet
	SignIns          []signInEvent
	Failures         []signInEvent
	Now              time.Time
}

type homePool struct{ ID, Name, Issuer string }

// snippet is how to point one SDK at this server.
type snippet struct{ ID, Label, Note, Text string }

func (c *Console) home(w http.ResponseWriter, r *http.Request) error {
	p := &homePage{URL: c.URL, Now: c.now(), PoolID: r.URL.Query().Get("pool"), ClientID: r.URL.Query().Get("client")}
	for _, part := range []func(*http.Request, *homePage) error{c.homePools, c.homeFunctions, c.homeStacks, c.homeSignIns} {
		// Who may not see a part sees the others.
		if err := part(r, p); err != nil && !isCode(err, apierr.AccessDenied) {
			return err
		}
	}
	p.Snippets = c.snippets(r, p)
	return c.render(w, r, "home", p)
}

func (c *Console) homePools(r *http.Request, p *homePage) error {
	var out struct {
		UserPools []userPool
		NextToken string
	}
	if err := c.do(r)(r.Context(), idp, "ListUserPools", object{"MaxResults": 10}, &out); err != nil {
		return err
	}
	p.MorePools = out.NextToken != ""
	for _, pool := range out.UserPools {
		p.Pools = append(p.Pools, homePool{pool.Id, pool.Name, c.Issuer(pool.Id)})
	}
	if !arn.ValidPoolID(p.PoolID) {
		p.PoolID = ""
	}
	if p.PoolID == "" && len(p.Pools) > 0 {
		p.PoolID = p.Pools[0].ID
	}
	if p.PoolID == "" {
		return nil
	}
	var clients struct{ UserPoolClients []userPoolClient }
	err := c.do(r)(r.Context(), idp, "ListUserPoolClients", object{"UserPoolId": p.PoolID, "MaxResults": 60}, &clients)
	if err != nil && !isCode(err, apierr.ResourceNotFound) {
		return err
	}
	p.Clients = clients.UserPoolClients
	if !slices.ContainsFunc(p.Clients, func(u userPoolClient) bool { return u.ClientId == p.ClientID }) {
		p.ClientID = ""
	}
	if p.ClientID == "" && len(p.Clients) > 0 {
		p.ClientID = p.Clients[0].ClientId
	}
	return nil
}

func (c *Console) homeFunctions(r *http.Request, p *homePage) error {
	var out struct {
		Functions  []functionConfiguration
		NextMarker string
	}
	err := c.do(r)(r.Context(), "lambda", "ListFunctions", object{"MaxItems": 50}, &out)
	p.Functions, p.MoreFunctions = len(out.Functions), out.NextMarker != ""
	return err
}

func (c *Console) homeStacks(r *http.Request, p *homePage) error {
	var out struct{ StackSummaries []stack }
	err := c.do(r)(r.Context(), cloudformation, "ListStacks", object{}, &out)
	for _, s := range out.StackSummaries {
		if s.StackStatus != "DELETE_COMPLETE" {
			p.Stacks++
		}
	}
	return err
}

const (
	maxHomeSignIns  = 8
	maxHomeFailures = 5
)

func (c *Console) homeSignIns(r *http.Request, p *homePage) error {
	if !sessionFrom(r).principal.Root {
		return nil
	}
	events, err := c.signIns("")
	if err != nil {
		return err
	}
	for _, s := range events {
		if len(p.SignIns) < maxHomeSignIns {
			p.SignIns = append(p.SignIns, s)
		}
		if s.byTrigger() && len(p.Failures) < maxHomeFailures {
			p.Failures = append(p.Failures, s)
		}
	}
	return nil
}

// snippets are how to point each SDK here, filled in.
func (c *Console) snippets(r *http.Request, p *homePage) []snippet {
	pool, client := or(p.PoolID, "POOL_ID"), or(p.ClientID, "CLIENT_ID")
	fill := strings.NewReplacer("{url}", c.URL, "{region}", regionFor(p, r), "{pool}", pool, "{client}", client, "{issuer}", c.Issuer(pool))
	keys := "AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev"
	if !c.Open {
		keys = "AWS_SHARED_CREDENTIALS_FILE=DATA_DIR/credentials AWS_PROFILE=rockpool"
	}
	list := []snippet{
		{"cli", "AWS CLI", "Every AWS SDK reads the same variables.", `export AWS_ENDPOINT_URL={url} AWS_REGION={region} AWS_DEFAULT_REGION={region} ` + keys + `
aws cognito-idp describe-user-pool --user-pool-id {pool}`},
		{"js", "JavaScript, SDK v3", "", `import { CognitoIdentityProviderClient, InitiateAuthCommand } from "@aws-sdk/client-cognito-identity-provider";

const cognito = new CognitoIdentityProviderClient({ endpoint: "{url}", region: "{region}" });
const { AuthenticationResult } = await cognito.send(new InitiateAuthCommand({
  AuthFlow: "USER_PASSWORD_AUTH", ClientId: "{client}",
  AuthParameters: { USERNAME: "…", PASSWORD: "…" },
}));`},
		{"go", "Go", "", `cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("{region}"))
if err != nil { … }
cognito := cognitoidentityprovider.NewFromConfig(cfg, func(o *cognitoidentityprovider.Options) {
	o.BaseEndpoint = aws.String("{url}")
})`},
		{"python", "Python, boto3", "", `import boto3

cognito = boto3.client("cognito-idp", endpoint_url="{url}", region_name="{region}")
answer = cognito.initiate_auth(
    AuthFlow="USER_PASSWORD_AUTH", ClientId="{client}",
    AuthParameters={"USERNAME": "…", "PASSWORD": "…"},
)`},
		{"identity-js", "amazon-cognito-identity-js", "", `import { CognitoUserPool } from "amazon-cognito-identity-js";

const pool = new CognitoUserPool({ UserPoolId: "{pool}", ClientId: "{client}", endpoint: "{url}" });`},
		{"amplify", "Amplify", "", `import { Amplify } from "aws-amplify";

Amplify.configure({ Auth: { Cognito: {
  userPoolId: "{pool}", userPoolClientId: "{client}", userPoolEndpoint: "{url}",
} } });`},
		{"verify", "aws-jwt-verify", "The issuer is this server's, so it is named.", `import { JwtVerifier } from "aws-jwt-verify";

const verifier = JwtVerifier.create({
  issuer: "{issuer}", audience: "{client}", jwksUri: "{url}/{pool}/.well-known/jwks.json",
});
const claims = await verifier.verify(idToken);`},
		{"openid", "openid-client", "Plain http needs allowInsecureRequests.", `import * as oidc from "openid-client";

const config = await oidc.discovery(new URL("{issuer}"), "{client}", undefined, undefined, { execute: [oidc.allowInsecureRequests] });`},
	}
	for i := range list {
		list[i].Text = fill.Replace(list[i].Text)
	}
	return list
}

func regionFor(p *homePage, r *http.Request) string {
	if p.PoolID != "" {
		return arn.PoolRegion(p.PoolID)
	}
	return regionOf(r)
}
