package console

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

func (c *Console) mountPools(mux *http.ServeMux) {
	c.handle(mux, "GET /console/pools", c.listPools)
	c.handle(mux, "GET /console/create-pool", show(c.createPoolPage))
	c.handle(mux, "POST /console/create-pool", c.createPool)
	const pool = "/console/pools/{pool}"
	c.handle(mux, "GET "+pool, c.poolOverview)
	c.handle(mux, "GET "+pool+"/settings", show(c.poolSettingsPage))
	for name, read := range c.settingsForms() {
		c.handle(mux, "POST "+pool+"/settings/"+name, c.form(read, c.poolSettingsPage))
	}
	c.handle(mux, "GET "+pool+"/properties", show(c.propertiesPage))
	for name, read := range c.propertiesForms() {
		c.handle(mux, "POST "+pool+"/properties/"+name, c.form(read, c.propertiesPage))
	}
	c.handle(mux, "GET "+pool+"/add-trigger", show(c.addTriggerPage))
	c.handle(mux, "POST "+pool+"/add-trigger", c.form(c.readAddTrigger, c.addTriggerPage))
	c.mountUsers(mux)
	c.mountGroups(mux)
	c.mountClients(mux)
}

type poolListPage struct {
	page
	Pools []userPool
	Next  string
}

func (c *Console) listPools(w http.ResponseWriter, r *http.Request) error {
	in := object{"MaxResults": 50}
	set(in, "NextToken", r.URL.Query().Get("after"))
	var out struct {
		UserPools []userPool
		NextToken string
	}
	if err := c.do(r)(r.Context(), idp, "ListUserPools", in, &out); err != nil {
		return err
	}
	return c.render(w, r, "pool-list", &poolListPage{Pools: out.UserPools, Next: out.NextToken})
}

// poolPage is what every page of one pool has.
type poolPage struct {
	formPage
	Pool userPool
	Path string
	Tabs []navItem
}

func poolPath(id string) string { return "/console/pools/" + url.PathEscape(id) }

var poolTabs = []choice{
	{"", "Overview"}, {"users", "Users"}, {"groups", "Groups"}, {"clients", "App clients"},
	{"settings", "Sign-in and passwords"}, {"properties", "User pool properties"},
}

// loadPool reads the pool that the address names, for one of its tabs.
func (c *Console) loadPool(r *http.Request, tab string) (p poolPage, err error) {
	if p.Pool, err = c.describe(r); err != nil {
		return p, err
	}
	p.Path = poolPath(p.Pool.Id)
	for _, t := range poolTabs {
		p.Tabs = append(p.Tabs, navItem{t.Label, strings.TrimSuffix(p.Path+"/"+t.Value, "/"), t.Value == tab})
	}
	return p, nil
}

type poolOverviewPage struct {
	poolPage
	Issuer, JWKS string
	Triggers     []poolTrigger
}

// riskyClient is a client whose people may write custom attributes themselves.
type riskyClient struct {
	userPoolClient
	Writable []string
}

func (c *Console) poolOverview(w http.ResponseWriter, r *http.Request) error {
	base, err := c.loadPool(r, "")
	if err != nil {
		return err
	}
	p := &poolOverviewPage{poolPage: base, Issuer: c.Issuer(base.Pool.Id), Triggers: triggersIn(base.Pool.LambdaConfig)}
	p.JWKS = p.Issuer + "/.well-known/jwks.json"
	return c.render(w, r, "pool-overview", p)
}

type createPoolPage struct {
	formPage
	CLI template.HTML
}

// newPool is what the form begins with: people sign in with their e-mail
// address, which is verified by a code.
func newPool() url.Values {
	return url.Values{
		"name": {"my-pool"}, "signin": {"email"}, "verify": {"email"}, "selfsignup": {"on"}, "length": {"8"},
		"require": {"uppercase", "lowercase", "numbers", "symbols"}, "tempdays": {"7"}, "recovery": {"verified_email"},
		"tier": {"ESSENTIALS"},
	}
}

func (c *Console) createPoolPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	p := &createPoolPage{}
	p.fill(newPool(), typed, problem)
	p.CLI = c.cliFor(r, c.readCreatePool, p.Fields)
	return c.render(w, r, "pool-create", p)
}

// createPool creates a pool and goes to it: its id is in the answer.
func (c *Console) createPool(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get(previewHeader) != "" {
		return c.form(c.readCreatePool, c.createPoolPage)(w, r)
	}
	ch, err := c.readCreatePool(r, r.PostForm)
	var out struct{ UserPool userPool }
	if err == nil {
		err = c.do(r)(r.Context(), idp, "CreateUserPool", ch.calls[0].Input, &out)
	}
	if err != nil {
		problem := said(err)
		if problem == "" {
			return err
		}
		noteError(r, err)
		return c.createPoolPage(w, r, r.PostForm, problem)
	}
	return c.redirect(w, r, poolPath(out.UserPool.Id), "The user pool is created. Next, an app client: that is how programs reach it.")
}

func (c *Console) readCreatePool(_ *http.Request, v url.Values) (change, error) {
	in := object{"PoolName": v.Get("name"), "Policies": object{}}
	switch v.Get("signin") {
	case "email":
		in["UsernameAttributes"] = []string{"email"}
	case "phone":
		in["UsernameAttributes"] = []string{"phone_number"}
	case "both":
		in["UsernameAttributes"] = []string{"email", "phone_number"}
	default:
		if len(v["alias"]) > 0 {
			in["AliasAttributes"] = v["alias"]
		}
	}
	if len(v["verify"]) > 0 {
		in["AutoVerifiedAttributes"] = v["verify"]
	}
	password, err := readPassword(v)
	if err != nil {
		return change{}, err
	}
	in["Policies"] = object{"PasswordPolicy": password}
	in["AdminCreateUserConfig"] = object{"AllowAdminCreateUserOnly": v.Get("selfsignup") != "on"}
	in["UsernameConfiguration"] = object{"CaseSensitive": v.Get("casesensitive") == "on"}
	if r := readRecovery(v); r != nil {
		in["AccountRecoverySetting"] = r
	}
	set(in, "UserPoolTier", v.Get("tier"))
	if v.Get("protect") == "on" {
		in["DeletionProtection"] = "ACTIVE"
	}
	schema, err := readSchema(v)
	if err != nil {
		return change{}, err
	}
	if len(schema) > 0 {
		in["Schema"] = schema
	}
	return one("CreateUserPool", in, "/console/pools", ""), nil
}

// readPassword reads the fields of a password policy.
func readPassword(v url.Values) (object, error) {
	policy := object{}
	for _, kind := range []string{"Uppercase", "Lowercase", "Numbers", "Symbols"} {
		policy["Require"+kind] = contains(v["require"], strings.ToLower(kind))
	}
	if err := setNumber(policy, "MinimumLength", "The minimum length", v, "length"); err != nil {
		return nil, err
	}
	return policy, setNumber(policy, "TemporaryPasswordValidityDays", "The life of temporary passwords", v, "tempdays")
}

func readRecovery(v url.Values) object {
	var list []object
	for i, name := range v["recovery"] {
		list = append(list, object{"Name": name, "Priority": i + 1})
	}
	if list == nil {
		return nil
	}
	return object{"RecoveryMechanisms": list}
}

// readSchema reads attributes of the pool's own, one a line: name, type, and
// how it may change.
func readSchema(v url.Values) (schema []object, err error) {
	for _, name := range v["required"] {
		schema = append(schema, object{"Name": name, "Required": true, "Mutable": true, "AttributeDataType": "String"})
	}
	custom, err := readCustom(v.Get("custom"))
	return append(schema, custom...), err
}

func readCustom(text string) (schema []object, err error) {
	for _, line := range lines(text) {
		words := strings.Fields(line)
		a := object{"Name": strings.TrimPrefix(words[0], "custom:"), "AttributeDataType": "String", "Mutable": true}
		for _, word := range words[1:] {
			switch strings.ToLower(word) {
			case "string":
			case "number":
				a["AttributeDataType"] = "Number"
			case "boolean":
				a["AttributeDataType"] = "Boolean"
			case "datetime":
				a["AttributeDataType"] = "DateTime"
			case "immutable":
				a["Mutable"] = false
			default:
				return nil, apierr.Newf(apierr.InvalidParameter, "Custom attributes: %q is neither a type (String, Number, Boolean, DateTime) nor immutable.", word)
			}
		}
		schema = append(schema, a)
	}
	return schema, nil
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}
