package console

import (
	"html/template"
	"net/http"
	"strings"
)

// functionRole is what new functions get as their execution role. It grants
// nothing here; Lambda's API wants one.
func functionRole(account string) string {
	return "arn:aws:iam::" + account + ":role/rockpool-function"
}

func (c *Console) mountFunctions(mux *http.ServeMux) {
	c.handle(mux, "GET /console/functions", c.listFunctions)
	c.handle(mux, "GET /console/create-function", c.createFunctionPage)
	c.handle(mux, "POST /console/create-function", c.createFunction)
	c.handle(mux, "GET /console/functions/{name}", c.functionCode)
	c.handle(mux, "GET /console/functions/{name}/monitor", c.functionMonitor)
	for tab, show := range c.functionTabs() {
		c.handle(mux, "GET /console/functions/{name}/"+tab, func(w http.ResponseWriter, r *http.Request) error { return show(w, r, "") })
	}
	for address, form := range functionForms {
		c.handle(mux, "POST /console/functions/{name}/"+address, c.changeFunction(form))
	}
	c.handle(mux, "POST /console/functions/{name}/environment", c.changeEnvironment)
	c.handle(mux, "POST /console/functions/{name}/delete", c.deleteFunction)
}

type functionListPage struct {
	page
	Functions []functionConfiguration
	Next      string
}

func (c *Console) listFunctions(w http.ResponseWriter, r *http.Request) error {
	in := object{"MaxItems": 50}
	if after := r.URL.Query().Get("after"); after != "" {
		in["Marker"] = after
	}
	var list struct {
		Functions  []functionConfiguration
		NextMarker string
	}
	if err := c.do(r)(r.Context(), "lambda", "ListFunctions", in, &list); err != nil {
		return err
	}
	return c.render(w, r, "function-list", &functionListPage{Functions: list.Functions, Next: list.NextMarker})
}

type functionCreatePage struct {
	page
	Name, Runtime, Template, Role, Problem string
	Runtimes, Kinds                        []choice
	CLI                                    template.HTML
}

func (c *Console) createFunctionPage(w http.ResponseWriter, r *http.Request) error {
	return c.showCreateFunction(w, r, functionCreatePage{Runtime: runtimes[0].Value, Template: starterKinds[0].Value})
}

func (c *Console) showCreateFunction(w http.ResponseWriter, r *http.Request, p functionCreatePage) error {
	p.Role, p.Runtimes, p.Kinds = functionRole(c.account(r)), runtimes, starterKinds
	s, err := newStarter(p.Runtime, p.Template)
	if err != nil {
		s.Handler = "index.handler"
	}
	p.CLI = c.cli("lambda", "CreateFunction", createFunctionInput(p, s))
	return c.render(w, r, "function-create", &p)
}

func createFunctionInput(p functionCreatePage, s starter) object {
	return object{
		"FunctionName": p.Name, "Runtime": p.Runtime, "Handler": s.Handler, "Role": p.Role,
		"Code": object{"ZipFile": s.Zip},
	}
}

func (c *Console) createFunction(w http.ResponseWriter, r *http.Request) error {
	p := functionCreatePage{
		Name: strings.TrimSpace(r.PostFormValue("name")), Runtime: r.PostFormValue("runtime"), Template: r.PostFormValue("template"),
		Role: functionRole(c.account(r)),
	}
	s, err := newStarter(p.Runtime, p.Template)
	if previewed(w, r, "CreateFunction", createFunctionInput(p, s), nil) {
		return nil
	}
	if err != nil {
		p.Problem = "There is no such template for this runtime. A runtime of your own starts blank."
		return c.showCreateFunction(w, r, p)
	}
	if err := c.do(r)(r.Context(), "lambda", "CreateFunction", createFunctionInput(p, s), nil); err != nil {
		if p.Problem = said(err); p.Problem == "" {
			return err
		}
		return c.showCreateFunction(w, r, p)
	}
	return c.redirect(w, r, functionPath(p.Name), "The function is created. Change it and deploy, or run it with a test event.")
}

// functionPage is what every page of one function has.
type functionPage struct {
	page
	Function functionConfiguration
	Path     string
	Tabs     []functionTab
	Problem  string
}

type functionTab struct {
	Label, Path string
	Current     bool
}

func functionPath(name string) string { return "/console/functions/" + name }

// loadFunction reads the function that the address names, for one of its tabs.
// problem is what was wrong with a form that comes back.
func (c *Console) loadFunction(r *http.Request, tab, problem string) (p functionPage, err error) {
	name := r.PathValue("name")
	if err := c.do(r)(r.Context(), "lambda", "GetFunctionConfiguration", object{"FunctionName": name}, &p.Function); err != nil {
		return p, err
	}
	p.Path, p.Problem = functionPath(p.Function.FunctionName), problem
	for _, t := range []choice{{"", "Code"}, {"configuration", "Configuration"}, {"versions", "Versions and aliases"}, {"permissions", "Permissions"}, {"monitor", "Monitor"}} {
		p.Tabs = append(p.Tabs, functionTab{t.Label, strings.TrimSuffix(p.Path+"/"+t.Value, "/"), t.Value == tab})
	}
	return p, nil
}
