package console

import (
	"html/template"
	"net/http"
	"net/url"
)

const cloudformation = "cloudformation"

func (c *Console) mountStacks(mux *http.ServeMux) {
	c.handle(mux, "GET /console/stacks", c.listStacks)
	c.handle(mux, "GET /console/stacks/{stack}", show(c.stackPage))
	c.handle(mux, "POST /console/stacks/{stack}/delete", c.form(c.readDeleteStack, c.stackPage))
}

// stack is what CloudFormation says of a stack, as far as it is shown.
type stack struct {
	StackName, StackId, StackStatus, StackStatusReason string
	Description, TemplateDescription                   string
	CreationTime, LastUpdatedTime, DeletionTime        any
	Outputs                                            []struct{ OutputKey, OutputValue, Description, ExportName string }
	Parameters                                         []struct{ ParameterKey, ParameterValue string }
}

type stackListPage struct {
	page
	Stacks []stack
	Next   string
}

func (c *Console) listStacks(w http.ResponseWriter, r *http.Request) error {
	in := object{}
	set(in, "NextToken", r.URL.Query().Get("after"))
	var out struct {
		StackSummaries []stack
		NextToken      string
	}
	if err := c.do(r)(r.Context(), cloudformation, "ListStacks", in, &out); err != nil {
		return err
	}
	return c.render(w, r, "stack-list", &stackListPage{Stacks: out.StackSummaries, Next: out.NextToken})
}

type stackPage struct {
	formPage
	Stack     stack
	Path      string
	Events    []stackEvent
	Resources []stackEvent
	DeleteCLI template.HTML
}

type stackEvent struct {
	Timestamp, LastUpdatedTimestamp                    any
	LogicalResourceId, PhysicalResourceId              string
	ResourceType, ResourceStatus, ResourceStatusReason string
}

func stackPath(name string) string { return "/console/stacks/" + url.PathEscape(name) }

func (c *Console) stackPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	name := object{"StackName": r.PathValue("stack")}
	var stacks struct{ Stacks []stack }
	var events struct{ StackEvents []stackEvent }
	var resources struct{ StackResourceSummaries []stackEvent }
	for _, ask := range []struct {
		operation string
		out       any
	}{{"DescribeStacks", &stacks}, {"DescribeStackEvents", &events}, {"ListStackResources", &resources}} {
		if err := c.do(r)(r.Context(), cloudformation, ask.operation, name, ask.out); err != nil {
			return err
		}
	}
	p := &stackPage{Path: stackPath(r.PathValue("stack")), Events: events.StackEvents, Resources: resources.StackResourceSummaries}
	if len(stacks.Stacks) > 0 {
		p.Stack = stacks.Stacks[0]
	}
	p.fill(url.Values{}, typed, problem)
	p.DeleteCLI = c.cli(cloudformation, "DeleteStack", object{"StackName": p.Stack.StackName})
	return c.render(w, r, "stack", p)
}

func (c *Console) readDeleteStack(r *http.Request, v url.Values) (change, error) {
	name := r.PathValue("stack")
	return change{
		calls: []call{{cloudformation, "DeleteStack", object{"StackName": name}}},
		to:    "/console/stacks", said: "The stack " + name + " is being deleted.",
	}, typedName(v, name)
}
