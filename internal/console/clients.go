package console

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

func (c *Console) mountClients(mux *http.ServeMux) {
	const pool = "/console/pools/{pool}"
	c.handle(mux, "GET "+pool+"/clients", c.listClients)
	c.handle(mux, "GET "+pool+"/create-client", show(c.createClientPage))
	c.handle(mux, "POST "+pool+"/create-client", c.form(c.readCreateClient, c.createClientPage))
	c.handle(mux, "GET "+pool+"/clients/{client}", show(c.clientPage))
	c.handle(mux, "POST "+pool+"/clients/{client}/settings", c.form(c.readClient, c.clientPage))
	c.handle(mux, "POST "+pool+"/clients/{client}/delete", c.form(c.readDeleteClient, c.clientPage))
}

type clientListPage struct {
	poolPage
	Clients []riskyClient
	Next    string
}

// maxClientsShown bounds a page of the list: each client is read, to see what
// its people may write.
const maxClientsShown = 20

func (c *Console) listClients(w http.ResponseWriter, r *http.Request) error {
	base, err := c.loadPool(r, "clients")
	if err != nil {
		return err
	}
	in := object{"UserPoolId": base.Pool.Id, "MaxResults": maxClientsShown}
	set(in, "NextToken", r.URL.Query().Get("after"))
	var out struct {
		UserPoolClients []userPoolClient
		NextToken       string
	}
	if err := c.do(r)(r.Context(), idp, "ListUserPoolClients", in, &out); err != nil {
		return err
	}
	p := &clientListPage{poolPage: base, Next: out.NextToken}
	for _, one := range out.UserPoolClients {
		var whole struct{ UserPoolClient userPoolClient }
		if err := c.do(r)(r.Context(), idp, "DescribeUserPoolClient", object{"UserPoolId": base.Pool.Id, "ClientId": one.ClientId}, &whole); err != nil {
			return err
		}
		p.Clients = append(p.Clients, riskyClient{whole.UserPoolClient, whole.UserPoolClient.writable(&base.Pool)})
	}
	return c.render(w, r, "client-list", p)
}

var authFlows = []choice{
	{"ALLOW_USER_SRP_AUTH", "Secure Remote Password: the password does not leave the client"},
	{"ALLOW_USER_PASSWORD_AUTH", "User name and password, sent to the server"},
	{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "User name and password, sent by a server with AWS credentials"},
	{"ALLOW_CUSTOM_AUTH", "Custom challenges by Lambda triggers"},
	{"ALLOW_REFRESH_TOKEN_AUTH", "Refresh tokens"},
}

var units = []string{"seconds", "minutes", "hours", "days"}

// clientFields is what the forms of app clients share.
type clientFields struct {
	poolPage
	Flows  []choice
	Units  []string
	Lives  []tokenLife
	Secret string
	Risk   []string
}

type tokenLife struct{ Field, Label string }

var lives = []tokenLife{{"access", "Access token"}, {"id", "ID token"}, {"refresh", "Refresh token"}}

func (c *Console) clientFields(r *http.Request) (clientFields, error) {
	base, err := c.loadPool(r, "clients")
	return clientFields{poolPage: base, Flows: authFlows, Units: units, Lives: lives}, err
}

type createClientPage struct {
	clientFields
	CLI template.HTML
}

func (c *Console) createClientPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	fields, err := c.clientFields(r)
	if err != nil {
		return err
	}
	p := &createClientPage{clientFields: fields}
	stored := url.Values{
		"name": {"my-app"}, "flow": {"ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
		"access": {"60"}, "access-unit": {"minutes"}, "id": {"60"}, "id-unit": {"minutes"}, "refresh": {"30"}, "refresh-unit": {"days"},
		"session": {"3"}, "revocation": {"on"}, "existence": {"ENABLED"},
	}
	if custom := p.Pool.custom(); len(custom) > 0 {
		// A safe beginning: what people may write is listed, and no attribute
		// of the pool's own is on the list (security ATTR-1).
		stored.Set("limit-write", "on")
		for _, a := range p.Pool.SchemaAttributes {
			if !a.Custom() && a.ByClients() {
				stored.Add("write", a.Name)
			}
		}
	}
	p.fill(stored, typed, problem)
	p.Risk = riskOf(&p.Pool, p.Fields)
	p.CLI = c.cliFor(r, c.readCreateClient, p.Fields)
	return c.render(w, r, "client-create", p)
}

// riskOf are the custom attributes that people could write themselves.
func riskOf(pool *userPool, v url.Values) []string {
	client := userPoolClient{}
	if v.Get("limit-write") == "on" {
		client.WriteAttributes = nonNil(v["write"])
	}
	return client.writable(pool)
}

func (c *Console) readCreateClient(r *http.Request, v url.Values) (change, error) {
	in := object{"UserPoolId": r.PathValue("pool"), "GenerateSecret": v.Get("secret") == "on"}
	err := readClientFields(in, v)
	return one("CreateUserPoolClient", in, poolPath(r.PathValue("pool"))+"/clients", "The app client is created. Next, a user who signs in."), err
}

// readClientFields reads what creating and changing a client share.
func readClientFields(in object, v url.Values) error {
	in["ClientName"] = v.Get("name")
	in["ExplicitAuthFlows"] = nonNil(v["flow"])
	validity := object{}
	for _, life := range []struct{ field, member, unit, label string }{
		{"access", "AccessTokenValidity", "AccessToken", "The life of access tokens"},
		{"id", "IdTokenValidity", "IdToken", "The life of ID tokens"},
		{"refresh", "RefreshTokenValidity", "RefreshToken", "The life of refresh tokens"},
	} {
		if err := setNumber(in, life.member, life.label, v, life.field); err != nil {
			return err
		}
		set(validity, life.unit, v.Get(life.field+"-unit"))
	}
	if len(validity) > 0 {
		in["TokenValidityUnits"] = validity
	}
	if err := setNumber(in, "AuthSessionValidity", "The life of a sign-in", v, "session"); err != nil {
		return err
	}
	in["EnableTokenRevocation"] = v.Get("revocation") == "on"
	set(in, "PreventUserExistenceErrors", v.Get("existence"))
	if v.Get("rotation") == "on" {
		rotation := object{"Feature": "ENABLED"}
		if err := setNumber(rotation, "RetryGracePeriodSeconds", "The grace period", v, "grace"); err != nil {
			return err
		}
		in["RefreshTokenRotation"] = rotation
	} else if _, had := in["RefreshTokenRotation"]; had {
		in["RefreshTokenRotation"] = object{"Feature": "DISABLED"}
	}
	for _, list := range []struct{ box, field, member string }{{"limit-read", "read", "ReadAttributes"}, {"limit-write", "write", "WriteAttributes"}} {
		delete(in, list.member)
		if v.Get(list.box) == "on" {
			in[list.member] = nonNil(v[list.field])
		}
	}
	return nil
}

type clientPage struct {
	clientFields
	Client    userPoolClient
	CLI       template.HTML
	DeleteCLI template.HTML
}

func (c *Console) clientPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	fields, err := c.clientFields(r)
	if err != nil {
		return err
	}
	p := &clientPage{clientFields: fields}
	if p.Client, err = c.describeClient(r); err != nil {
		return err
	}
	p.Secret = p.Client.ClientSecret
	p.fill(storedClient(&p.Client), typed, problem)
	p.Risk = p.Client.writable(&p.Pool)
	p.CLI = c.cliFor(r, c.readClient, p.Fields)
	p.DeleteCLI = c.cli(idp, "DeleteUserPoolClient", object{"UserPoolId": p.Pool.Id, "ClientId": p.Client.ClientId})
	return c.render(w, r, "client", p)
}

func storedClient(u *userPoolClient) url.Values {
	v := url.Values{
		"name": {u.ClientName}, "flow": slices.Clone(u.ExplicitAuthFlows),
		"access": {number(u.AccessTokenValidity)}, "access-unit": {or(u.TokenValidityUnits.AccessToken, "hours")},
		"id": {number(u.IdTokenValidity)}, "id-unit": {or(u.TokenValidityUnits.IdToken, "hours")},
		"refresh": {number(u.RefreshTokenValidity)}, "refresh-unit": {or(u.TokenValidityUnits.RefreshToken, "days")},
		"session": {number(u.AuthSessionValidity)}, "existence": {u.PreventUserExistenceErrors},
		"read": u.ReadAttributes, "write": u.WriteAttributes,
	}
	for field, on := range map[string]bool{
		"revocation": u.EnableTokenRevocation, "rotation": u.RefreshTokenRotation.Feature == "ENABLED",
		"limit-read": u.ReadAttributes != nil, "limit-write": u.WriteAttributes != nil,
	} {
		if on {
			v.Set(field, "on")
		}
	}
	if u.RefreshTokenRotation.RetryGracePeriodSeconds > 0 {
		v.Set("grace", number(&u.RefreshTokenRotation.RetryGracePeriodSeconds))
	}
	return v
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (c *Console) readClient(r *http.Request, v url.Values) (change, error) {
	in, err := c.clientSettingsOf(r)
	if err == nil {
		err = readClientFields(in, v)
	}
	return one("UpdateUserPoolClient", in, poolPath(r.PathValue("pool"))+"/clients/"+url.PathEscape(r.PathValue("client")), "The app client is saved."), err
}

func (c *Console) readDeleteClient(r *http.Request, v url.Values) (change, error) {
	client, err := c.describeClient(r)
	if err == nil {
		err = typedName(v, client.ClientName)
	}
	pool := r.PathValue("pool")
	return one("DeleteUserPoolClient", object{"UserPoolId": pool, "ClientId": client.ClientId}, poolPath(pool)+"/clients", "The app client "+client.ClientName+" is deleted."), err
}
