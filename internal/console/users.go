package console

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Users and groups are named in the query: their names may be anything, also
// what an address would take for a step up.
func (c *Console) mountUsers(mux *http.ServeMux) {
	const pool = "/console/pools/{pool}"
	c.handle(mux, "GET "+pool+"/users", c.listUsers)
	c.handle(mux, "GET "+pool+"/create-user", show(c.createUserPage))
	c.handle(mux, "POST "+pool+"/create-user", c.form(c.readCreateUser, c.createUserPage))
	c.handle(mux, "GET "+pool+"/user", show(c.userPage))
	for name, read := range c.userForms() {
		c.handle(mux, "POST "+pool+"/user/"+name, c.form(read, c.userPage))
	}
}

// searchable are the attributes that ListUsers can filter by.
var searchable = []string{
	"username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username",
	"cognito:user_status", "status", "sub",
}

type userListPage struct {
	poolPage
	Searchable      []string
	By, Match, Text string
	Filter          string
	Users           []user
	Next, After     string
	Problem         string
	CLI             template.HTML
}

func (c *Console) listUsers(w http.ResponseWriter, r *http.Request) error {
	base, err := c.loadPool(r, "users")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	p := &userListPage{poolPage: base, Searchable: searchable, By: q.Get("by"), Match: q.Get("match"), Text: q.Get("text"), After: q.Get("after")}
	if p.By == "" {
		p.By = searchable[0]
		if len(base.Pool.UsernameAttributes) > 0 {
			p.By = base.Pool.UsernameAttributes[0]
		}
	}
	in := object{"UserPoolId": base.Pool.Id, "Limit": 50}
	if p.Text != "" {
		p.Filter = filterOf(p.By, p.Match, p.Text)
		in["Filter"] = p.Filter
	}
	set(in, "PaginationToken", p.After)
	var out struct {
		Users           []user
		PaginationToken string
	}
	if err := c.do(r)(r.Context(), idp, "ListUsers", in, &out); err != nil {
		if p.Problem = said(err); p.Problem == "" {
			return err
		}
		noteError(r, err)
	}
	p.Users = out.Users
	delete(in, "PaginationToken")
	p.CLI = c.cli(idp, "ListUsers", in)
	if out.PaginationToken != "" {
		p.Next = p.Path + "/users?" + url.Values{"by": {p.By}, "match": {p.Match}, "text": {p.Text}, "after": {out.PaginationToken}}.Encode()
	}
	return c.render(w, r, "user-list", p)
}

// filterOf is a condition in Cognito's filter language.
func filterOf(attribute, match, text string) string {
	operator := "^="
	if match == "equals" {
		operator = "="
	}
	return attribute + " " + operator + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

type createUserPage struct {
	poolPage
	Attributes []schemaAttribute
	CLI        template.HTML
}

// writableByAdmin are the attributes that an operator may set.
func writableByAdmin(pool *userPool) (list []schemaAttribute) {
	for _, a := range pool.SchemaAttributes {
		if a.Name != "sub" && a.Name != "updated_at" {
			list = append(list, a)
		}
	}
	// What people sign in with and what is required comes first.
	slices.SortStableFunc(list, func(a, b schemaAttribute) int { return rank(pool, a) - rank(pool, b) })
	return list
}

func rank(pool *userPool, a schemaAttribute) int {
	switch {
	case slices.Contains(pool.UsernameAttributes, a.Name) || a.Required || a.Name == "email":
		return 0
	case a.Custom():
		return 1
	}
	return 2
}

func (c *Console) createUserPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "users")
	if err != nil {
		return err
	}
	p := &createUserPage{poolPage: base, Attributes: writableByAdmin(&base.Pool)}
	p.fill(url.Values{"invite": {"no"}, "verified": {"on"}}, typed, problem)
	p.Fields.Del("password") // never sent back to a page
	p.CLI = c.cliFor(r, c.readCreateUser, p.Fields)
	return c.render(w, r, "user-create", p)
}

// readCreateUser makes a user: with a password that holds, with a temporary
// one, or with an invitation that carries one.
func (c *Console) readCreateUser(r *http.Request, v url.Values) (change, error) {
	name := strings.TrimSpace(v.Get("username"))
	attributes, err := readUserAttributes(v)
	if err != nil {
		return change{}, err
	}
	if name == "" {
		// Where people sign in with an address, the address is the name.
		name = firstOf(v.Get("attr-email"), v.Get("attr-phone_number"))
	}
	if v.Get("verified") == "on" {
		for _, contact := range []string{"email", "phone_number"} {
			if v.Get("attr-"+contact) != "" || name != "" && isContact(contact, name) {
				attributes = append(attributes, object{"Name": contact + "_verified", "Value": "true"})
			}
		}
	}
	pool := r.PathValue("pool")
	in := object{"UserPoolId": pool, "Username": name}
	if len(attributes) > 0 {
		in["UserAttributes"] = attributes
	}
	if v.Get("invite") == "yes" {
		in["DesiredDeliveryMediums"] = []string{"EMAIL"}
	} else {
		in["MessageAction"] = "SUPPRESS"
	}
	ch := one("AdminCreateUser", in, userPath(pool, name), "The user is created. Next, try a sign-in, or add a Lambda trigger in the user pool's properties.")
	password := v.Get("password")
	permanent := v.Get("permanent") == "on"
	if password != "" && !permanent {
		in["TemporaryPassword"] = password
	}
	if permanent {
		if password == "" && r.Header.Get(previewHeader) == "" {
			return ch, apierr.New(apierr.InvalidParameter, "A permanent password has to be typed.")
		}
		ch.calls = append(ch.calls, call{idp, "AdminSetUserPassword", object{"UserPoolId": pool, "Username": name, "Password": password, "Permanent": true}})
	}
	return ch, nil
}

func isContact(attribute, name string) bool {
	return attribute == "email" && strings.Contains(name, "@") || attribute == "phone_number" && strings.HasPrefix(name, "+")
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

// readUserAttributes reads the fields attr-NAME that are not empty.
func readUserAttributes(v url.Values) (list []object, err error) {
	names := make([]string, 0, len(v))
	for field := range v {
		if name, ok := strings.CutPrefix(field, "attr-"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if value := v.Get("attr-" + name); value != "" {
			list = append(list, object{"Name": name, "Value": value})
		}
	}
	return list, nil
}

func userPath(pool, name string) string {
	return poolPath(pool) + "/user?" + url.Values{"name": {name}}.Encode()
}

type userPage struct {
	poolPage
	User         user
	Name         string
	Attributes   []schemaAttribute
	Groups       []group
	Others       []group // that the user could join
	StatusMeans  string
	AttributeCLI template.HTML
	Actions      []userAction
	PasswordCLI  template.HTML
	GroupCLI     template.HTML
	DeleteCLI    template.HTML
}

// userAction is a button on a user's page.
type userAction struct {
	Name, Label, About string
	CLI                template.HTML
}

var statusMeans = map[string]string{
	"UNCONFIRMED":           "signed up, and has not typed the code yet",
	"CONFIRMED":             "can sign in",
	"FORCE_CHANGE_PASSWORD": "has a temporary password, and chooses another one at the first sign-in",
	"RESET_REQUIRED":        "has to ask for a code and choose a new password",
	"ARCHIVED":              "no longer in use",
	"EXTERNAL_PROVIDER":     "signs in with an identity provider",
	"COMPROMISED":           "the password is known to others",
}

func (c *Console) userPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "users")
	if err != nil {
		return err
	}
	p := &userPage{poolPage: base, Attributes: writableByAdmin(&base.Pool), Name: userNameOf(r)}
	who := object{"UserPoolId": base.Pool.Id, "Username": p.Name}
	if err := c.do(r)(r.Context(), idp, "AdminGetUser", who, &p.User); err != nil {
		return err
	}
	p.StatusMeans = statusMeans[p.User.UserStatus]
	var joined struct{ Groups []group }
	if err := c.do(r)(r.Context(), idp, "AdminListGroupsForUser", object{"UserPoolId": base.Pool.Id, "Username": p.Name, "Limit": 60}, &joined); err != nil {
		return err
	}
	p.Groups = joined.Groups
	all, err := c.groups(r)
	if err != nil {
		return err
	}
	for _, g := range all {
		if !slices.ContainsFunc(p.Groups, func(have group) bool { return have.GroupName == g.GroupName }) {
			p.Others = append(p.Others, g)
		}
	}
	stored := url.Values{}
	for _, a := range p.User.UserAttributes {
		stored.Set("attr-"+a.Name, a.Value)
	}
	p.fill(stored, typed, problem)
	p.Fields.Del("password")
	p.AttributeCLI = c.cliFor(r, c.readAttributesOf, p.Fields)
	for _, a := range userActions {
		if (a.name == "enable") == p.User.Enabled && (a.name == "enable" || a.name == "disable") {
			continue
		}
		if a.name == "confirm" && p.User.UserStatus != "UNCONFIRMED" {
			continue
		}
		p.Actions = append(p.Actions, userAction{a.name, a.label, a.about, c.cli(idp, a.operation, who)})
	}
	p.PasswordCLI = c.cli(idp, "AdminSetUserPassword", object{"UserPoolId": base.Pool.Id, "Username": p.Name, "Password": "", "Permanent": true})
	if len(p.Others) > 0 {
		p.GroupCLI = c.cli(idp, "AdminAddUserToGroup", object{"UserPoolId": base.Pool.Id, "Username": p.Name, "GroupName": p.Others[0].GroupName})
	}
	p.DeleteCLI = c.cli(idp, "AdminDeleteUser", who)
	return c.render(w, r, "user", p)
}

// userNameOf is the user that a page or a form is about.
func userNameOf(r *http.Request) string {
	if r.Method == http.MethodPost {
		return r.PostForm.Get("user")
	}
	return r.URL.Query().Get("name")
}

// userActions are the operations that need nothing but the user.
var userActions = []struct{ name, label, about, operation, said string }{
	{"confirm", "Confirm sign-up", "As if the code had been typed.", "AdminConfirmSignUp", "The user is confirmed."},
	{"enable", "Enable", "Lets the user sign in again.", "AdminEnableUser", "The user is enabled."},
	{"disable", "Disable", "No more sign-ins, and every session ends.", "AdminDisableUser", "The user is disabled."},
	{"reset", "Reset password", "Sends a code; the old password no longer works.", "AdminResetUserPassword", "The password is reset and a code is sent."},
	{"sign-out", "Sign out everywhere", "Refresh tokens no longer work. Tokens that are out stay valid until they expire.", "AdminUserGlobalSignOut", "The user is signed out everywhere."},
}

func (c *Console) userForms() map[string]reader {
	forms := map[string]reader{
		"attributes": c.readAttributesOf, "remove-attribute": c.readRemoveAttribute, "password": c.readSetPassword, "delete": c.readDeleteUser,
		"join":  membership("AdminAddUserToGroup", "The user is in the group."),
		"leave": membership("AdminRemoveUserFromGroup", "The user is no longer in the group."),
	}
	for _, a := range userActions {
		forms[a.name] = func(r *http.Request, v url.Values) (change, error) {
			pool, name := r.PathValue("pool"), v.Get("user")
			return one(a.operation, object{"UserPoolId": pool, "Username": name}, userPath(pool, name), a.said), nil
		}
	}
	return forms
}

// membership puts a user into a group, or takes it out.
func membership(operation, said string) reader {
	return func(r *http.Request, v url.Values) (change, error) {
		pool, name := r.PathValue("pool"), v.Get("user")
		in := object{"UserPoolId": pool, "Username": name, "GroupName": v.Get("group")}
		to := userPath(pool, name)
		if v.Get("back") == "group" {
			to = groupPath(pool, v.Get("group"))
		}
		return one(operation, in, to, said), nil
	}
}

func (c *Console) readAttributesOf(r *http.Request, v url.Values) (change, error) {
	pool, name := r.PathValue("pool"), userNameOf(r)
	attributes, err := readUserAttributes(v)
	if err != nil {
		return change{}, err
	}
	attributes = slices.DeleteFunc(attributes, func(a object) bool { return a["Name"] == "sub" || v.Get("was-"+text(a["Name"])) == a["Value"] })
	if attributes == nil {
		attributes = []object{}
	}
	in := object{"UserPoolId": pool, "Username": name, "UserAttributes": attributes}
	return one("AdminUpdateUserAttributes", in, userPath(pool, name), "The attributes are saved."), nil
}

func (c *Console) readRemoveAttribute(r *http.Request, v url.Values) (change, error) {
	pool, name := r.PathValue("pool"), v.Get("user")
	in := object{"UserPoolId": pool, "Username": name, "UserAttributeNames": []string{v.Get("attribute")}}
	return one("AdminDeleteUserAttributes", in, userPath(pool, name), "The attribute is removed."), nil
}

func (c *Console) readSetPassword(r *http.Request, v url.Values) (change, error) {
	pool, name := r.PathValue("pool"), v.Get("user")
	in := object{"UserPoolId": pool, "Username": name, "Password": v.Get("password"), "Permanent": v.Get("permanent") == "on"}
	return one("AdminSetUserPassword", in, userPath(pool, name), "The password is set."), nil
}

func (c *Console) readDeleteUser(r *http.Request, v url.Values) (change, error) {
	pool, name := r.PathValue("pool"), v.Get("user")
	who := object{"UserPoolId": pool, "Username": name}
	var u user
	err := c.do(r)(r.Context(), idp, "AdminGetUser", who, &u)
	if err == nil {
		err = typedName(v, u.Shown())
	}
	return one("AdminDeleteUser", who, poolPath(pool)+"/users", "The user is deleted."), err
}
