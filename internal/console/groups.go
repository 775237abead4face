package console

import (
	"html/template"
	"net/http"
	"net/url"
)

func (c *Console) mountGroups(mux *http.ServeMux) {
	const pool = "/console/pools/{pool}"
	c.handle(mux, "GET "+pool+"/groups", c.listGroups)
	c.handle(mux, "GET "+pool+"/create-group", show(c.createGroupPage))
	c.handle(mux, "POST "+pool+"/create-group", c.form(c.readCreateGroup, c.createGroupPage))
	c.handle(mux, "GET "+pool+"/group", show(c.groupPage))
	c.handle(mux, "POST "+pool+"/group/settings", c.form(c.readGroup, c.groupPage))
	c.handle(mux, "POST "+pool+"/group/delete", c.form(c.readDeleteGroup, c.groupPage))
	c.handle(mux, "POST "+pool+"/group/add", c.form(membership("AdminAddUserToGroup", "The user is in the group."), c.groupPage))
	c.handle(mux, "POST "+pool+"/group/remove", c.form(membership("AdminRemoveUserFromGroup", "The user is no longer in the group."), c.groupPage))
}

func groupPath(pool, name string) string {
	return poolPath(pool) + "/group?" + url.Values{"name": {name}}.Encode()
}

type groupListPage struct {
	poolPage
	Groups []group
	Next   string
}

func (c *Console) listGroups(w http.ResponseWriter, r *http.Request) error {
	base, err := c.loadPool(r, "groups")
	if err != nil {
		return err
	}
	in := object{"UserPoolId": base.Pool.Id, "Limit": 50}
	set(in, "NextToken", r.URL.Query().Get("after"))
	var out struct {
		Groups    []group
		NextToken string
	}
	if err := c.do(r)(r.Context(), idp, "ListGroups", in, &out); err != nil {
		return err
	}
	return c.render(w, r, "group-list", &groupListPage{poolPage: base, Groups: out.Groups, Next: out.NextToken})
}

type createGroupPage struct {
	poolPage
	CLI template.HTML
}

func (c *Console) createGroupPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "groups")
	if err != nil {
		return err
	}
	p := &createGroupPage{poolPage: base}
	p.fill(url.Values{}, typed, problem)
	p.CLI = c.cliFor(r, c.readCreateGroup, p.Fields)
	return c.render(w, r, "group-create", p)
}

func (c *Console) readCreateGroup(r *http.Request, v url.Values) (change, error) {
	in, err := groupInput(r, v.Get("name"), v)
	return one("CreateGroup", in, poolPath(r.PathValue("pool"))+"/groups", "The group is created."), err
}

func groupInput(r *http.Request, name string, v url.Values) (object, error) {
	in := object{"UserPoolId": r.PathValue("pool"), "GroupName": name}
	set(in, "Description", v.Get("description"))
	set(in, "RoleArn", v.Get("role"))
	return in, setNumber(in, "Precedence", "The precedence", v, "precedence")
}

type groupPage struct {
	poolPage
	Group                       group
	Users                       []user
	Next                        string
	SettingsCLI, AddCLI, DelCLI template.HTML
}

func groupNameOf(r *http.Request) string {
	if r.Method == http.MethodPost {
		return r.PostForm.Get("group")
	}
	return r.URL.Query().Get("name")
}

func (c *Console) groupPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "groups")
	if err != nil {
		return err
	}
	name := groupNameOf(r)
	which := object{"UserPoolId": base.Pool.Id, "GroupName": name}
	var got struct{ Group group }
	if err := c.do(r)(r.Context(), idp, "GetGroup", which, &got); err != nil {
		return err
	}
	in := object{"UserPoolId": base.Pool.Id, "GroupName": name, "Limit": 50}
	set(in, "NextToken", r.URL.Query().Get("after"))
	var members struct {
		Users     []user
		NextToken string
	}
	if err := c.do(r)(r.Context(), idp, "ListUsersInGroup", in, &members); err != nil {
		return err
	}
	p := &groupPage{poolPage: base, Group: got.Group, Users: members.Users}
	if members.NextToken != "" {
		p.Next = groupPath(base.Pool.Id, name) + "&after=" + url.QueryEscape(members.NextToken)
	}
	p.fill(url.Values{"description": {got.Group.Description}, "role": {got.Group.RoleArn}, "precedence": {got.Group.Order()}, "group": {name}}, typed, problem)
	p.SettingsCLI = c.cliFor(r, c.readGroup, p.Fields)
	p.AddCLI = c.cli(idp, "AdminAddUserToGroup", object{"UserPoolId": base.Pool.Id, "GroupName": name, "Username": "NAME"})
	p.DelCLI = c.cli(idp, "DeleteGroup", which)
	return c.render(w, r, "group", p)
}

func (c *Console) readGroup(r *http.Request, v url.Values) (change, error) {
	in, err := groupInput(r, v.Get("group"), v)
	return one("UpdateGroup", in, groupPath(r.PathValue("pool"), v.Get("group")), "The group is saved."), err
}

func (c *Console) readDeleteGroup(r *http.Request, v url.Values) (change, error) {
	pool, name := r.PathValue("pool"), v.Get("group")
	return one("DeleteGroup", object{"UserPoolId": pool, "GroupName": name}, poolPath(pool)+"/groups", "The group is deleted."), typedName(v, name)
}
