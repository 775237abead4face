package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newStackExportCommand() *cobra.Command {
	var f clientFlags
	var environment bool
	cmd := &cobra.Command{
		Use:   "export POOL",
		Short: "Write a template of a user pool that exists",
		Long: `Write a CloudFormation template (YAML) of a user pool as it is: every setting
that is not the default, its app clients and groups, the functions that are its
triggers, and the pool's permission to call them. Deployed to an empty server,
it makes the same again.

Secrets are not in it: a client's secret is a new one, and the values of
functions' environment variables become parameters (--environment writes them
down instead). Neither are users and their passwords, keys and tokens. Code is
in it if it is one small text file; otherwise parameters say where it is.`,
		Example: `  rockpool stack export us-east-1_AbC123xyz > people.yaml
  rockpool stack deploy people.yaml`,
		Args: arguments(1, 1, "the id of a user pool"),
		RunE: withClient(&f, func(ctx context.Context, cmd *cobra.Command, c *client, args []string) error {
			x := &export{ctx: ctx, c: c, environment: environment, taken: map[string]bool{}, functions: map[string]exportedFunction{}}
			if err := x.pool(args[0]); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), x.plain())
			}
			return x.write(cmd.OutOrStdout())
		}),
	}
	cmd.Flags().BoolVar(&environment, "environment", false, "write the values of functions' environment variables into the template")
	f.add(cmd)
	return cmd
}

// export is a template that is being put together.
type export struct {
	ctx         context.Context
	c           *client
	environment bool

	parameters, resources, outputs []exported
	taken                          map[string]bool             // logical ids
	functions                      map[string]exportedFunction // by ARN, as a trigger names them
	poolARN                        string
}

// exported is an entry of a section.
type exported struct {
	id      string
	comment string
	value   map[string]any
}

// intrinsic is a function of CloudFormation, as !Ref Pool.
type intrinsic struct{ name, arg string }

var notInID = regexp.MustCompile(`[^A-Za-z0-9]+`)

// id makes a logical id of a name that nothing has yet.
func (x *export) id(prefix, name string) string {
	base := prefix
	for _, word := range notInID.Split(name, -1) {
		if word != "" {
			base += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	id := base[:min(len(base), 200)]
	for n := 2; x.taken[id]; n++ {
		id = fmt.Sprintf("%s%d", base[:min(len(base), 200)], n)
	}
	x.taken[id] = true
	return id
}

func (x *export) resource(id, typ, comment string, properties map[string]any) {
	value := map[string]any{"Type": typ}
	if len(properties) > 0 {
		value["Properties"] = properties
	}
	x.resources = append(x.resources, exported{id, comment, value})
}

func (x *export) output(id string, value any) {
	x.outputs = append(x.outputs, exported{id: id, value: map[string]any{"Value": value}})
}

// poolProperties are the members of a pool's description that are properties of
// AWS::Cognito::UserPool of the same name, and what they are by default (""
// stands for nothing at all).
var poolProperties = map[string]string{
	"Policies":           `{"PasswordPolicy":{"MinimumLength":8,"RequireUppercase":true,"RequireLowercase":true,"RequireNumbers":true,"RequireSymbols":true,"TemporaryPasswordValidityDays":7},"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD"]}}`,
	"DeletionProtection": `"INACTIVE"`, "MfaConfiguration": `"OFF"`, "UserPoolTier": `"ESSENTIALS"`,
	"LambdaConfig": "", "AutoVerifiedAttributes": "", "AliasAttributes": "", "UsernameAttributes": "",
	"SmsVerificationMessage": "", "EmailVerificationMessage": "", "EmailVerificationSubject": "", "SmsAuthenticationMessage": "",
	"VerificationMessageTemplate": `{"DefaultEmailOption":"CONFIRM_WITH_CODE"}`,
	"UserAttributeUpdateSettings": "", "DeviceConfiguration": "", "SmsConfiguration": "", "UserPoolTags": "",
	"EmailConfiguration":    `{"EmailSendingAccount":"COGNITO_DEFAULT"}`,
	"AdminCreateUserConfig": `{"AllowAdminCreateUserOnly":false,"UnusedAccountValidityDays":7}`,
	"UserPoolAddOns":        "", "UsernameConfiguration": "", "AccountRecoverySetting": "",
}

// noProperty are members that no property says, and what they are by default.
var noProperty = map[string]string{
	"IssuerConfiguration": `{"Type":"ORIGINAL"}`,
	"AcrConfiguration": `{"Level1":{"AcrValue":"urn:cognito:loa:1"},"Level2":{"AcrValue":"urn:cognito:loa:2"},
		"Level3":{"AcrValue":"urn:cognito:loa:3"},"Level4":{"AcrValue":"urn:cognito:loa:4"}}`,
}

// poolFacts are members that no property says, since the server decides them.
var poolFacts = []string{"Id", "Name", "Status", "LastModifiedDate", "CreationDate", "SchemaAttributes", "EstimatedNumberOfUsers", "Arn",
	"SmsConfigurationFailure", "EmailConfigurationFailure"}

// isDefault reports whether a value is what text, JSON, says, or is empty.
func isDefault(v any, text string) bool {
	if rv := reflect.ValueOf(v); !rv.IsValid() || (rv.Kind() == reflect.Map || rv.Kind() == reflect.Slice || rv.Kind() == reflect.String) && rv.Len() == 0 {
		return true
	}
	var want any
	return text != "" && json.Unmarshal([]byte(text), &want) == nil && reflect.DeepEqual(v, want)
}

// pool exports a pool and all that belongs to it.
func (x *export) pool(poolID string) error {
	var out struct{ UserPool map[string]any }
	if err := x.c.cognito(x.ctx, "DescribeUserPool", map[string]any{"UserPoolId": poolID}, &out); err != nil {
		return err
	}
	x.taken["Pool"] = true
	x.poolARN, _ = out.UserPool["Arn"].(string)
	properties := map[string]any{"UserPoolName": out.UserPool["Name"]}
	var left []string
	for _, name := range slices.Sorted(maps.Keys(out.UserPool)) {
		v := out.UserPool[name]
		standard, known := poolProperties[name]
		switch {
		case slices.Contains(poolFacts, name) || isDefault(v, standard) || isDefault(v, noProperty[name]):
		case known:
			properties[name] = v
		default:
			left = append(left, name)
		}
	}
	if schema := schemaOf(out.UserPool["SchemaAttributes"]); len(schema) > 0 {
		properties["Schema"] = schema
	}
	comment := ""
	if left != nil {
		comment = "Not in this template, since its types have no such property: " + strings.Join(left, ", ") + "."
	}
	x.resource("Pool", "AWS::Cognito::UserPool", comment, properties)
	x.output("UserPoolId", intrinsic{"Ref", "Pool"})
	if config, ok := properties["LambdaConfig"].(map[string]any); ok {
		if err := x.triggers(config); err != nil {
			return err
		}
	}
	if err := x.clients(poolID); err != nil {
		return err
	}
	return x.groups(poolID)
}

// schemaOf returns the attributes that a pool does not have by itself, or not in
// that way.
func schemaOf(v any) []any {
	var out []any
	list, _ := v.([]any)
	for _, e := range list {
		a, ok := e.(map[string]any)
		if !ok {
			continue
		}
		name, _ := a["Name"].(string)
		entry := maps.Clone(a)
		for _, k := range []string{"StringAttributeConstraints", "NumberAttributeConstraints"} {
			if isDefault(entry[k], "") {
				delete(entry, k)
			}
		}
		custom := false
		entry["Name"], custom = strings.CutPrefix(strings.TrimPrefix(name, "dev:"), "custom:")
		if !custom && standardAttribute(name, entry) {
			continue
		}
		for _, k := range []string{"DeveloperOnlyAttribute", "Required"} {
			if entry[k] == false {
				delete(entry, k)
			}
		}
		out = append(out, entry)
	}
	return out
}

// standardAttribute reports whether one of the attributes of every pool is as it
// is by itself.
func standardAttribute(name string, a map[string]any) bool {
	constraints := `{"MinLength":"0","MaxLength":"2048"}`
	switch name {
	case "sub":
		return true // nothing of it can be chosen
	case "birthdate":
		constraints = `{"MinLength":"10","MaxLength":"10"}`
	}
	return a["Required"] == false && a["Mutable"] == true && isDefault(a["StringAttributeConstraints"], constraints) &&
		isDefault(a["NumberAttributeConstraints"], `{"MinValue":"0"}`)
}

// clientDefaults are what an app client is by default.
var clientDefaults = map[string]string{
	"RefreshTokenValidity": `30`, "EnableTokenRevocation": `true`, "AuthSessionValidity": `3`, "AllowedOAuthFlowsUserPoolClient": `false`,
	"EnablePropagateAdditionalUserContextData": `false`, "ExplicitAuthFlows": `["ALLOW_REFRESH_TOKEN_AUTH","ALLOW_USER_SRP_AUTH","ALLOW_CUSTOM_AUTH"]`,
}

func (x *export) clients(poolID string) error {
	var ids []string
	for token := ""; ; {
		in := map[string]any{"UserPoolId": poolID, "MaxResults": 60}
		if token != "" {
			in["NextToken"] = token
		}
		var out struct {
			UserPoolClients []struct{ ClientId string }
			NextToken       string
		}
		if err := x.c.cognito(x.ctx, "ListUserPoolClients", in, &out); err != nil {
			return err
		}
		for _, c := range out.UserPoolClients {
			ids = append(ids, c.ClientId)
		}
		if token = out.NextToken; token == "" {
			break
		}
	}
	var list []map[string]any
	for _, id := range ids {
		var out struct{ UserPoolClient map[string]any }
		if err := x.c.cognito(x.ctx, "DescribeUserPoolClient", map[string]any{"UserPoolId": poolID, "ClientId": id}, &out); err != nil {
			return err
		}
		list = append(list, out.UserPoolClient)
	}
	// By name: ids are random, and the template must not depend on them.
	slices.SortStableFunc(list, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["ClientName"]), fmt.Sprint(b["ClientName"]))
	})
	for _, c := range list {
		p := map[string]any{"UserPoolId": intrinsic{"Ref", "Pool"}}
		for k, v := range c {
			switch k {
			case "UserPoolId", "ClientId", "LastModifiedDate", "CreationDate", "ClientType":
			case "ClientSecret":
				p["GenerateSecret"] = true
			default:
				units, _ := c["TokenValidityUnits"].(map[string]any)
				if k == "RefreshTokenValidity" && units["RefreshToken"] != nil || !isDefault(v, clientDefaults[k]) {
					p[k] = v
				}
			}
		}
		id := x.id("Client", fmt.Sprint(c["ClientName"]))
		x.resource(id, "AWS::Cognito::UserPoolClient", "", p)
		x.output(id+"Id", intrinsic{"Ref", id})
	}
	return nil
}

func (x *export) groups(poolID string) error {
	for token := ""; ; {
		in := map[string]any{"UserPoolId": poolID, "Limit": 60}
		if token != "" {
			in["NextToken"] = token
		}
		var out struct {
			Groups    []map[string]any
			NextToken string
		}
		if err := x.c.cognito(x.ctx, "ListGroups", in, &out); err != nil {
			return err
		}
		for _, g := range out.Groups {
			p := map[string]any{"UserPoolId": intrinsic{"Ref", "Pool"}}
			for _, k := range []string{"GroupName", "Description", "Precedence", "RoleArn"} {
				if v, ok := g[k]; ok {
					p[k] = v
				}
			}
			x.resource(x.id("Group", fmt.Sprint(g["GroupName"])), "AWS::Cognito::UserPoolGroup", "", p)
		}
		if token = out.NextToken; token == "" {
			return nil
		}
	}
}

// triggers exports the functions that a LambdaConfig names, and names them there
// by what they are in the template.
func (x *export) triggers(config map[string]any) error {
	if versioned, ok := config["PreTokenGenerationConfig"].(map[string]any); ok && versioned["LambdaArn"] == config["PreTokenGeneration"] {
		delete(config, "PreTokenGeneration") // a description says it both ways
	}
	for _, name := range slices.Sorted(maps.Keys(config)) {
		at, key := config, name
		if inner, ok := config[name].(map[string]any); ok {
			at, key = inner, "LambdaArn"
		}
		arn, ok := at[key].(string)
		if !ok || !strings.Contains(arn, ":lambda:") {
			continue // a key of KMS, say
		}
		f, err := x.function(arn)
		if err != nil {
			return err
		}
		if f.arn != nil {
			at[key] = f.arn
		}
	}
	return nil
}

// policyStatement is a statement of a function's policy.
type policyStatement struct {
	Action    any
	Principal any
	Condition map[string]map[string]string
}

// permissions exports what lets the pool call a function.
func (x *export) permissions(path string, called intrinsic, id string, qualifier url.Values) error {
	var out struct{ Policy string }
	err := x.c.lambda(x.ctx, "GET", path+"/policy"+query(qualifier), nil, &out)
	if codeOf(err) == "ResourceNotFoundException" {
		return nil
	}
	if err != nil {
		return err
	}
	var policy struct{ Statement []policyStatement }
	if err := json.Unmarshal([]byte(out.Policy), &policy); err != nil {
		return fmt.Errorf("the policy of %s: %w", path, err)
	}
	for _, s := range policy.Statement {
		principal, _ := s.Principal.(map[string]any)
		if principal["Service"] != "cognito-idp.amazonaws.com" {
			continue
		}
		p := map[string]any{"FunctionName": called, "Action": s.Action, "Principal": "cognito-idp.amazonaws.com"}
		for _, values := range s.Condition {
			if source := values["AWS:SourceArn"]; source == x.poolARN {
				p["SourceArn"] = intrinsic{"GetAtt", "Pool.Arn"}
			} else if source != "" {
				p["SourceArn"] = source
			}
			if account := values["AWS:SourceAccount"]; account != "" {
				p["SourceAccount"] = account
			}
		}
		if source, other := p["SourceArn"].(string); other && !strings.ContainsAny(source, "*?") {
			continue // for another pool
		}
		x.resource(x.id(id, "Permission"), "AWS::Lambda::Permission", "", p)
	}
	return nil
}

func query(v url.Values) string {
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}
