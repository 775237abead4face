package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Body limits above the server's default, in bytes: what Lambda documents for
// a deployment package in a request and for an invocation.
var bodyLimits = map[string]int64{
	"lambda.CreateFunction":     70167211,
	"lambda.UpdateFunctionCode": 70167211,
	"lambda.Invoke":             6291456,
}

// actions are what policies call the few operations that they call otherwise.
var actions = map[string]string{"lambda.Invoke": "InvokeFunction"}

// settings are what a model does not say.
var settings = map[string]struct {
	validation, internal, tooLarge string
	// resource maps an input member to the expression of the resource's ARN.
	resource map[string]string
	// namespace is that of the XML answers of Query services.
	namespace string
}{
	"cognito-idp": {
		"InvalidParameterException", "InternalErrorException", "RequestEntityTooLargeException",
		map[string]string{"UserPoolId": "awsapi.PoolResource(region, account, in.UserPoolId)"}, "",
	},
	"lambda": {
		"ValidationException", "ServiceException", "RequestTooLargeException",
		map[string]string{
			"FunctionName": "awsapi.FunctionResource(region, account, in.FunctionName)",
			"Resource":     "awsapi.FunctionResource(region, account, in.Resource)",
		}, "",
	},
	"cloudformation": {"ValidationError", "InternalFailure", "RequestEntityTooLargeException", nil, "http://cloudformation.amazonaws.com/doc/2010-05-15/"},
	"ssm":            {"ValidationException", "InternalServerError", "RequestEntityTooLargeException", nil, ""},
	"ecr":            {"InvalidParameterException", "ServerException", "RequestEntityTooLargeException", nil, ""},
	"sts":            {"ValidationError", "InternalFailure", "RequestEntityTooLargeException", nil, "https://sts.amazonaws.com/doc/2011-06-15/"},
}

var authClasses = map[string]string{
	"public":                  "AuthPublic",
	"access-token":            "AuthToken",
	"access-token-or-session": "AuthSession",
	"iam":                     "AuthIAM",
}

// table writes Model, which describes the service and all its operations.
func (g *generator) table(b *bytes.Buffer) error {
	m := g.model
	set, ok := settings[m.Service]
	if !ok {
		return fmt.Errorf("no settings for service %s", m.Service)
	}
	protocol := map[string]string{"json": "JSON11", "rest-json": "RESTJSON", "query": "Query"}[m.Protocol]
	if protocol == "" {
		return fmt.Errorf("protocol %s is not supported", m.Protocol)
	}
	fmt.Fprintf(b, "// Model describes %s: every operation of version %s, built or not.\nfunc Model() awsapi.Service {\nreturn awsapi.Service{\n", m.Service, m.APIVersion)
	fmt.Fprintf(b, "ID: %q,\nSigningName: %q,\nTargetPrefix: %q,\nProtocol: awsapi.%s,\n", m.Service, m.SigningName, m.TargetPrefix, protocol)
	if m.Protocol == "query" {
		fmt.Fprintf(b, "APIVersion: %q,\nNamespace: %q,\n", m.APIVersion, set.namespace)
	}
	fmt.Fprintf(b, "ValidationCode: %q,\nInternalCode: %q,\nTooLargeCode: %q,\n", set.validation, set.internal, set.tooLarge)
	b.WriteString("ErrorStatus: map[apierr.Code]int{\n")
	var names []string
	for n, s := range m.Shapes {
		if s.Exception {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		status := m.Shapes[n].Error.Status
		switch {
		case m.Protocol == "json" && m.Shapes[n].Fault:
			// The service answers 400 to every mistake of a caller, whatever
			// status the model has for it.
			status = 500
		case m.Protocol == "json":
			status = 400
		case status == 0:
			return fmt.Errorf("exception %s has no status", n)
		}
		fmt.Fprintf(b, "%q: %d,\n", m.code(n), status)
	}
	b.WriteString("},\nOperations: []awsapi.OperationModel{\n")
	for _, n := range m.Operations.names {
		op := m.Operations.values[n]
		auth := op.Auth
		if auth == "" && m.Protocol != "json" {
			auth = "iam"
		}
		class, ok := authClasses[auth]
		if !ok {
			return fmt.Errorf("operation %s has unknown authorization %q", n, op.Auth)
		}
		fmt.Fprintf(b, "{Name: %q, Auth: awsapi.%s", n, class)
		field(b, "Group", op.Group)
		field(b, "Input", op.Input)
		field(b, "Output", op.Output)
		field(b, "Action", actions[m.Service+"."+n])
		if limit := bodyLimits[m.Service+"."+n]; limit != 0 {
			fmt.Fprintf(b, ", MaxBody: %d", limit)
		}
		if op.HTTP.Method != "" && m.Protocol == "rest-json" {
			path, query, _ := strings.Cut(op.HTTP.RequestURI, "?")
			field(b, "Method", op.HTTP.Method)
			field(b, "Path", path)
			field(b, "Query", query)
			fmt.Fprintf(b, ", Status: %d", op.HTTP.ResponseCode)
			if m.Shapes[op.Input].Payload != "" {
				b.WriteString(", Payload: true")
			}
		}
		if len(op.Errors) > 0 {
			codes := make([]string, len(op.Errors))
			for i, e := range op.Errors {
				codes[i] = strconv.Quote(m.code(e))
			}
			fmt.Fprintf(b, ",\nErrors: []apierr.Code{%s}", strings.Join(codes, ", "))
		}
		b.WriteString("},\n")
	}
	b.WriteString("},\n}\n}\n")
	return nil
}

func field(b *bytes.Buffer, name, value string) {
	if value != "" {
		fmt.Fprintf(b, ", %s: %q", name, value)
	}
}

// bind writes where members outside the body are, and which resource an
// operation of class IAM acts on.
func (g *generator) bind(b *bytes.Buffer) error {
	done := map[string]bool{}
	for _, n := range g.built {
		op := g.model.Operations.values[n]
		if !done[op.Input] {
			done[op.Input] = true
			if err := g.bindInput(b, op.Input); err != nil {
				return err
			}
			g.resource(b, op)
		}
		if op.Output != "" && !done[op.Output] {
			done[op.Output] = true
			if err := g.reply(b, op.Output); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) bindInput(b *bytes.Buffer, name string) error {
	s := g.model.Shapes[name]
	var body strings.Builder
	for _, n := range s.Members.names {
		m := s.Members.values[n]
		t := g.model.Shapes[m.Shape].Type
		method := map[string]string{
			"uri/string":          "Label",
			"querystring/string":  "Query",
			"querystring/integer": "QueryInt32",
			"querystring/boolean": "QueryBool",
			"querystring/list":    "QueryList",
			"header/string":       "Header",
		}[m.Location+"/"+t]
		switch {
		case n == s.Payload && t == "blob":
			fmt.Fprintf(&body, "in.%s = b.Payload()\n", upper(n))
		case n == s.Payload:
			return fmt.Errorf("%s: a payload of type %s is not supported", name, t)
		case m.Location == "":
		case method == "":
			return fmt.Errorf("%s.%s: a %s in %s is not supported", name, n, t, m.Location)
		default:
			fmt.Fprintf(&body, "in.%s = b.%s(%q)\n", upper(n), method, canonical(m))
		}
	}
	if body.Len() > 0 {
		fmt.Fprintf(b, "// Bind takes the members of %s that are not in the body.\nfunc (in *%s) Bind(b *awsapi.Binding) {\n%s}\n\n", name, lower(name), body.String())
	}
	return nil
}

// canonical returns the name of a member's place; header names as net/http
// keeps them.
func canonical(m *member) string {
	if m.Location != "header" {
		return m.LocationName
	}
	parts := strings.Split(strings.ToLower(m.LocationName), "-")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, "-")
}

func (g *generator) reply(b *bytes.Buffer, name string) error {
	s := g.model.Shapes[name]
	var body strings.Builder
	for _, n := range s.Members.names {
		m := s.Members.values[n]
		t := g.model.Shapes[m.Shape].Type
		switch {
		case n == s.Payload && t == "blob":
			fmt.Fprintf(&body, "r.Payload(out.%s)\n", upper(n))
		case n == s.Payload:
			return fmt.Errorf("%s: a payload of type %s is not supported", name, t)
		case m.Location == "":
		case m.Location == "statusCode" && t == "integer":
			fmt.Fprintf(&body, "r.Status(&out.%s)\n", upper(n))
		case m.Location == "header" && t == "string":
			fmt.Fprintf(&body, "r.Header(%q, &out.%s)\n", canonical(m), upper(n))
		default:
			return fmt.Errorf("%s.%s: a %s in %s is not supported", name, n, t, m.Location)
		}
	}
	if body.Len() > 0 {
		fmt.Fprintf(b, "// Reply gives the members of %s that are not in the body.\nfunc (out *%s) Reply(r *awsapi.Reply) {\n%s}\n\n", name, lower(name), body.String())
	}
	return nil
}

func (g *generator) resource(b *bytes.Buffer, op *operation) {
	if op.Auth != "iam" && g.model.Protocol == "json" {
		return
	}
	s := g.model.Shapes[op.Input]
	for _, n := range s.Members.names {
		if expr := settings[g.model.Service].resource[n]; expr != "" {
			fmt.Fprintf(b, "// ActsOn names what %s acts on.\nfunc (in *%s) ActsOn(region, account string) string {\nreturn %s\n}\n\n", op.Input, lower(op.Input), expr)
		}
	}
}

// stubs writes operations that do nothing behind the real types, so that tests
// reach decoding and validation of each without what is behind it.
func (g *generator) stubs(b *bytes.Buffer) error {
	b.WriteString("func stub[In, Out any](context.Context, *In) (*Out, error) { return nil, nil }\n\n")
	b.WriteString("func stubs() []awsapi.Operation {\nreturn []awsapi.Operation{\n")
	for _, n := range g.built {
		op := g.model.Operations.values[n]
		out := "awsapi.Empty"
		if op.Output != "" {
			out = lower(op.Output)
		}
		fmt.Fprintf(b, "awsapi.Op(%q, stub[%s, %s]),\n", n, lower(op.Input), out)
	}
	b.WriteString("}\n}\n")
	return nil
}
