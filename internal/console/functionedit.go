package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// A functionForm is what a form of a function's pages asks for. Its tab is set
// even if the form cannot be read.
type functionForm struct {
	operation string
	input     object
	tab       string // the page that it belongs to
	said      string // when it is done
}

// functionForms maps the last part of a form's address to what it asks for.
var functionForms = map[string]func(*http.Request, string) (functionForm, error){
	"configuration":      generalForm,
	"versions":           publishForm,
	"aliases":            createAliasForm,
	"aliases/{alias}":    aliasForm,
	"permissions":        addPermissionForm,
	"permissions/remove": removePermissionForm,
}

// changeFunction performs what a form asks for and shows its page again.
func (c *Console) changeFunction(read func(*http.Request, string) (functionForm, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		form, err := read(r, r.PathValue("name"))
		if previewed(w, r, form.operation, form.input, err) {
			return nil
		}
		if err == nil {
			err = c.do(r)(r.Context(), "lambda", form.operation, form.input, nil)
		}
		return c.afterForm(w, r, form, err)
	}
}

// afterForm says that a form is done, or shows it again with what is wrong.
func (c *Console) afterForm(w http.ResponseWriter, r *http.Request, form functionForm, err error) error {
	if err == nil {
		return c.redirect(w, r, functionPath(r.PathValue("name"))+"/"+form.tab, form.said)
	}
	problem := said(err)
	if isCode(err, "PreconditionFailedException") {
		problem = "Somebody else changed this function while you were at it. Look at it again and repeat your change."
	}
	if problem == "" {
		return err
	}
	return c.functionTabs()[form.tab](w, r, problem)
}

// previewed answers a form that asks for its command, and does nothing else.
func previewed(w http.ResponseWriter, r *http.Request, operation string, input object, err error) bool {
	if r.Header.Get(previewHeader) == "" {
		return false
	}
	delete(input, "RevisionId") // of what the page was made from
	text := command(call{"lambda", operation, input})
	if err != nil {
		text = "# " + said(err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	web.Write(w, http.StatusOK, []byte(text))
	return true
}

// changeEnvironment replaces the variables. A value that was not shown and was
// left alone is read from the function, where it never left the server.
func (c *Console) changeEnvironment(w http.ResponseWriter, r *http.Request) error {
	form := functionForm{tab: "configuration", said: "The environment variables are saved."}
	var current functionConfiguration
	name := object{"FunctionName": r.PathValue("name")}
	if err := c.do(r)(r.Context(), "lambda", "GetFunctionConfiguration", name, &current); err != nil {
		return err
	}
	if r.Header.Get(previewHeader) != "" && !r.PostForm.Has("shown") {
		for name := range current.Environment.Variables {
			current.Environment.Variables[name] = hiddenValue
		}
	}
	in := withRevision(r, object{
		"FunctionName": r.PathValue("name"),
		"Environment":  object{"Variables": environmentOf(r.PostForm, current.Environment.Variables)},
	})
	if previewed(w, r, "UpdateFunctionConfiguration", in, nil) {
		return nil
	}
	return c.afterForm(w, r, form, c.do(r)(r.Context(), "lambda", "UpdateFunctionConfiguration", in, nil))
}

func (c *Console) deleteFunction(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if r.PostFormValue("confirm") != name {
		return c.functionConfigurationPage(w, r, "The function was not deleted: the name that was typed is not its name.")
	}
	if err := c.do(r)(r.Context(), "lambda", "DeleteFunction", object{"FunctionName": name}, nil); err != nil {
		return c.afterForm(w, r, functionForm{tab: "configuration"}, err)
	}
	return c.redirect(w, r, "/console/functions", "The function "+name+" is deleted.")
}

func generalForm(r *http.Request, name string) (functionForm, error) {
	memory, err := whole(r, "memory")
	timeout, err2 := whole(r, "timeout")
	return functionForm{"UpdateFunctionConfiguration", withRevision(r, object{
		"FunctionName": name, "Description": r.PostFormValue("description"), "Runtime": r.PostFormValue("runtime"),
		"Handler": r.PostFormValue("handler"), "MemorySize": memory, "Timeout": timeout,
	}), "configuration", "The configuration is saved."}, errors.Join(err, err2)
}

func publishForm(r *http.Request, name string) (functionForm, error) {
	in := withRevision(r, object{"FunctionName": name})
	if d := r.PostFormValue("description"); d != "" {
		in["Description"] = d
	}
	return functionForm{"PublishVersion", in, "versions", "A version is published."}, nil
}

func createAliasForm(r *http.Request, name string) (functionForm, error) {
	alias := r.PostFormValue("alias")
	in := object{"FunctionName": name, "Name": alias, "FunctionVersion": r.PostFormValue("version")}
	if d := r.PostFormValue("description"); d != "" {
		in["Description"] = d
	}
	return functionForm{"CreateAlias", in, "versions", "The alias " + alias + " is created."}, nil
}

// aliasForm changes or deletes the alias of the address.
func aliasForm(r *http.Request, name string) (functionForm, error) {
	alias := r.PathValue("alias")
	if r.PostFormValue("do") == "delete" {
		return functionForm{"DeleteAlias", object{"FunctionName": name, "Name": alias}, "versions", "The alias " + alias + " is deleted."}, nil
	}
	return functionForm{"UpdateAlias", withRevision(r, object{
		"FunctionName": name, "Name": alias, "FunctionVersion": r.PostFormValue("version"), "Description": r.PostFormValue("description"),
	}), "versions", "The alias " + alias + " is saved."}, nil
}

func addPermissionForm(r *http.Request, name string) (functionForm, error) {
	in := object{
		"FunctionName": name, "StatementId": r.PostFormValue("id"), "Action": "lambda:InvokeFunction", "Principal": strings.TrimSpace(r.PostFormValue("principal")),
	}
	if source := strings.TrimSpace(r.PostFormValue("source")); source != "" {
		in["SourceArn"] = source
	}
	return functionForm{"AddPermission", in, "permissions", "The permission is added."}, nil
}

func removePermissionForm(r *http.Request, name string) (functionForm, error) {
	return functionForm{"RemovePermission", withRevision(r, object{"FunctionName": name, "StatementId": r.PostFormValue("id")}), "permissions", "The permission is removed."}, nil
}

// withRevision makes the change fail if somebody made another one since the
// form was shown.
func withRevision(r *http.Request, in object) object {
	if revision := r.PostFormValue("revision"); revision != "" {
		in["RevisionId"] = revision
	}
	return in
}

func whole(r *http.Request, field string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue(field)))
	if err != nil {
		return 0, apierr.Newf(apierr.InvalidParameter, "The %s must be a whole number.", field)
	}
	return n, nil
}
