package console

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// functionTabs are the pages of a function that have forms. A form that is
// refused comes back with what was typed, and the problem.
func (c *Console) functionTabs() map[string]func(w http.ResponseWriter, r *http.Request, problem string) error {
	return map[string]func(http.ResponseWriter, *http.Request, string) error{
		"configuration": c.functionConfigurationPage,
		"versions":      c.functionVersions,
		"permissions":   c.functionPermissions,
	}
}

type functionCodePage struct {
	functionPage
	Pool, Client string // of a pool that uses the function, for test events
	EventVersion string // that this pool calls it with, "" if it is not its pre token generation
	Uses         []poolUse
	Unused       bool // no pool calls it, as far as is known
}

func (c *Console) functionCode(w http.ResponseWriter, r *http.Request) error {
	head, err := c.loadFunction(r, "", "")
	if err != nil {
		return err
	}
	p := functionCodePage{functionPage: head}
	// A test event names a real pool if there is one. That the caller may not
	// list pools, or that there are too many, takes nothing from the page.
	uses, more, err := poolsUsing(r.Context(), c.do(r), head.Function.FunctionArn)
	p.Uses, p.Unused = uses, err == nil && !more && len(uses) == 0
	if err == nil && len(uses) > 0 {
		p.Pool = uses[0].PoolID
		if uses[0].Trigger == "PreTokenGeneration" {
			p.EventVersion = firstOf(uses[0].EventVersion, "V1_0")
		}
		var clients struct {
			UserPoolClients []struct{ ClientId string }
		}
		if c.do(r)(r.Context(), "cognito-idp", "ListUserPoolClients", object{"UserPoolId": p.Pool, "MaxResults": 1}, &clients) == nil && len(clients.UserPoolClients) > 0 {
			p.Client = clients.UserPoolClients[0].ClientId
		}
	}
	return c.render(w, r, "function-code", &p)
}

// variable is a row of the environment's form.
type variable struct {
	Name, Value string
	Known       bool // it is set now
	Remove      bool
}

// generalFields are the fields of the general configuration's form.
type generalFields struct{ Description, Runtime, Handler, Memory, Timeout string }

type functionConfigurationPage struct {
	functionPage
	General                            generalFields
	Runtimes                           []choice
	Shown                              bool // values are in the page
	Variables                          []variable
	Pools                              []poolUse
	MorePools                          bool
	GeneralCLI, EnvironmentCLI, DelCLI template.HTML
}

// HasVariables reports whether there are values to show.
func (p *functionConfigurationPage) HasVariables() bool {
	return len(p.Variables) > 0 && p.Variables[0].Known
}

func (c *Console) functionConfigurationPage(w http.ResponseWriter, r *http.Request, problem string) error {
	head, err := c.loadFunction(r, "configuration", problem)
	if err != nil {
		return err
	}
	p := functionConfigurationPage{functionPage: head, Shown: r.URL.Query().Get("show") == "values" || r.PostForm.Has("shown")}
	f := &p.Function
	name := f.FunctionName
	p.Variables = variableRows(r, *f, p.Shown)
	f.Environment.Variables = nil // what is not shown is not within a template's reach
	p.General = generalFields{f.Description, f.Runtime, f.Handler, strconv.Itoa(f.MemorySize), strconv.Itoa(f.Timeout)}
	if r.PostForm.Has("handler") { // the form comes back
		p.General = generalFields{r.PostFormValue("description"), r.PostFormValue("runtime"), r.PostFormValue("handler"), r.PostFormValue("memory"), r.PostFormValue("timeout")}
	}
	p.Runtimes = withRuntime(p.General.Runtime)
	general := object{"FunctionName": name, "Runtime": f.Runtime, "Handler": f.Handler, "MemorySize": f.MemorySize, "Timeout": f.Timeout}
	if f.Description == visible(f.Description) { // else it is no text for a command line
		general["Description"] = f.Description
	}
	p.GeneralCLI = c.cli("lambda", "UpdateFunctionConfiguration", general)
	p.EnvironmentCLI = c.cli("lambda", "UpdateFunctionConfiguration", object{"FunctionName": name, "Environment": object{"Variables": maskedVariables(p.Variables, p.Shown)}})
	p.DelCLI = c.cli("lambda", "DeleteFunction", object{"FunctionName": name})
	if p.Pools, p.MorePools, err = poolsUsing(r.Context(), c.do(r), f.FunctionArn); err != nil && said(err) == "" {
		return err
	}
	return c.render(w, r, "function-configuration", &p)
}

// withRuntime is the list of runtimes with one that it may lack.
func withRuntime(have string) []choice {
	for _, r := range runtimes {
		if r.Value == have {
			return runtimes
		}
	}
	return append([]choice{{have, have}}, runtimes...)
}

// blankVariables is how many new variables the form has room for.
const blankVariables = 3

// variableRows are the rows of the environment's form: what is set and room
// for more, or what was typed if the form comes back. Values that are not
// shown are not in the page (security FN-7).
func variableRows(r *http.Request, f functionConfiguration, shown bool) (rows []variable) {
	if names := r.PostForm["env-name"]; len(names) > 0 {
		for i, name := range names {
			row := variable{Name: name}
			_, row.Known = f.Environment.Variables[name]
			if i < len(r.PostForm["env-value"]) && (shown || !row.Known) {
				row.Value = r.PostForm["env-value"][i]
			}
			for _, gone := range r.PostForm["env-remove"] {
				row.Remove = row.Remove || gone == name
			}
			rows = append(rows, row)
		}
		return rows
	}
	for _, name := range f.VariableNames() {
		row := variable{Name: name, Known: true}
		if shown {
			row.Value = f.Environment.Variables[name]
		}
		rows = append(rows, row)
	}
	return append(rows, make([]variable, blankVariables)...)
}

// hiddenValue stands for a value that is not shown.
const hiddenValue = "…"

// maskedVariables are the variables as the CLI command shows them.
func maskedVariables(rows []variable, shown bool) map[string]string {
	all := map[string]string{}
	for _, v := range rows {
		switch {
		case v.Name == "":
		case shown:
			all[v.Name] = v.Value
		default:
			all[v.Name] = hiddenValue
		}
	}
	return all
}

type functionVersionsPage struct {
	functionPage
	Versions                   []functionConfiguration
	Aliases                    []aliasForms
	MoreVersions, MoreAliases  bool
	PublishCLI, CreateAliasCLI template.HTML
}

// aliasForms is an alias with the command that its form comes to.
type aliasForms struct {
	functionAlias
	CLI template.HTML
}

func (c *Console) functionVersions(w http.ResponseWriter, r *http.Request, problem string) error {
	head, err := c.loadFunction(r, "versions", problem)
	if err != nil {
		return err
	}
	name, do := head.Function.FunctionName, c.do(r)
	p := functionVersionsPage{functionPage: head}
	var versions struct {
		Versions   []functionConfiguration
		NextMarker string
	}
	if err := do(r.Context(), "lambda", "ListVersionsByFunction", object{"FunctionName": name, "MaxItems": 50}, &versions); err != nil {
		return err
	}
	var aliases struct {
		Aliases    []functionAlias
		NextMarker string
	}
	if err := do(r.Context(), "lambda", "ListAliases", object{"FunctionName": name, "MaxItems": 50}, &aliases); err != nil {
		return err
	}
	p.Versions, p.MoreVersions, p.MoreAliases = versions.Versions, versions.NextMarker != "", aliases.NextMarker != ""
	for _, a := range aliases.Aliases {
		p.Aliases = append(p.Aliases, aliasForms{a, c.cli("lambda", "UpdateAlias", object{"FunctionName": name, "Name": a.Name, "FunctionVersion": a.FunctionVersion})})
	}
	p.PublishCLI = c.cli("lambda", "PublishVersion", object{"FunctionName": name})
	p.CreateAliasCLI = c.cli("lambda", "CreateAlias", object{"FunctionName": name, "Name": "live", "FunctionVersion": "1"})
	return c.render(w, r, "function-versions", &p)
}

type functionPermissionsPage struct {
	functionPage
	Permissions    []permissionForm
	JSON, Revision string
	Form           struct{ ID, Principal, SourceARN string }
	PoolARNs       []choice
	AddCLI         template.HTML
}

// permissionForm is a permission with the command that takes it away.
type permissionForm struct {
	permission
	CLI template.HTML
}

func (c *Console) functionPermissions(w http.ResponseWriter, r *http.Request, problem string) error {
	head, err := c.loadFunction(r, "permissions", problem)
	if err != nil {
		return err
	}
	name, do := head.Function.FunctionName, c.do(r)
	p := functionPermissionsPage{functionPage: head}
	var policy struct{ Policy, RevisionId string }
	switch err := do(r.Context(), "lambda", "GetPolicy", object{"FunctionName": name}, &policy); {
	case isCode(err, "ResourceNotFoundException"): // there is none
	case err != nil:
		return err
	}
	p.JSON, p.Revision = indentJSON(policy.Policy), policy.RevisionId
	for _, st := range readPolicy(policy.Policy) {
		p.Permissions = append(p.Permissions, permissionForm{st, c.cli("lambda", "RemovePermission", object{"FunctionName": name, "StatementId": st.ID})})
	}
	p.Form.ID, p.Form.Principal = freeID(p.Permissions), "cognito-idp.amazonaws.com"
	if r.Method == http.MethodPost {
		p.Form.ID, p.Form.Principal, p.Form.SourceARN = r.PostFormValue("id"), r.PostFormValue("principal"), r.PostFormValue("source")
	}
	p.PoolARNs = c.poolARNs(r)
	in := object{"FunctionName": name, "StatementId": p.Form.ID, "Action": "lambda:InvokeFunction", "Principal": p.Form.Principal}
	if p.Form.SourceARN != "" {
		in["SourceArn"] = p.Form.SourceARN
	}
	p.AddCLI = c.cli("lambda", "AddPermission", in)
	return c.render(w, r, "function-permissions", &p)
}

// freeID proposes a statement id that is not taken.
func freeID(taken []permissionForm) string {
	id := "cognito"
	for n := 2; slices.ContainsFunc(taken, func(p permissionForm) bool { return p.ID == id }); n++ {
		id = "cognito-" + strconv.Itoa(n)
	}
	return id
}

// poolARNs are the pools that a permission may name, as far as one page goes.
// A caller who may not list pools types an ARN.
func (c *Console) poolARNs(r *http.Request) (list []choice) {
	var pools struct {
		UserPools []struct{ Id, Name string }
	}
	if c.do(r)(r.Context(), "cognito-idp", "ListUserPools", object{"MaxResults": 60}, &pools) != nil {
		return nil
	}
	for _, pool := range pools.UserPools {
		region, _, _ := strings.Cut(pool.Id, "_")
		list = append(list, choice{"arn:aws:cognito-idp:" + region + ":" + c.account(r) + ":userpool/" + pool.Id, pool.Name})
	}
	return list
}

type functionMonitorPage struct{ functionPage }

// functionMonitor is the page of the log and the latest runs, which its module
// fetches.
func (c *Console) functionMonitor(w http.ResponseWriter, r *http.Request) error {
	head, err := c.loadFunction(r, "monitor", "")
	if err != nil {
		return err
	}
	return c.render(w, r, "function-monitor", &functionMonitorPage{head})
}
