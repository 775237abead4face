package console

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// functionConfiguration is what Lambda says of a function, as far as it is
// shown.
type functionConfiguration struct {
	FunctionName, FunctionArn string
	Runtime, Handler, Role    string
	Description, Version      string
	LastModified              string
	CodeSha256, RevisionId    string
	CodeSize                  int64
	Timeout, MemorySize       int
	Environment               struct{ Variables map[string]string }
	RuntimeVersionConfig      struct{ RuntimeVersionArn string }
}

// Engine is what runs the function on this machine, "" if nothing does.
func (f functionConfiguration) Engine() string {
	_, engine, _ := strings.Cut(f.RuntimeVersionConfig.RuntimeVersionArn, "runtime:")
	return engine
}

// VariableNames are the names of the environment's variables in order.
func (f functionConfiguration) VariableNames() []string {
	names := make([]string, 0, len(f.Environment.Variables))
	for name := range f.Environment.Variables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// functionAlias is an alias as Lambda lists it.
type functionAlias struct {
	Name, FunctionVersion, Description, RevisionId string
}

// poolUse is a trigger of a user pool that is the function.
type poolUse struct {
	PoolID, PoolName string
	Trigger          string // "PreTokenGeneration"
	EventVersion     string // "V2_0", or ""
	ARN              string // as the pool has it, perhaps with a qualifier
}

// maxPoolsSearched bounds how many pools a page looks through for those that
// use a function.
const maxPoolsSearched = 240

// poolsUsing lists the pools that have the function as a trigger. It says
// whether there were more pools than it looked through.
func poolsUsing(ctx context.Context, do performer, functionARN string) (uses []poolUse, more bool, err error) {
	searched := 0
	for token := ""; ; {
		var page struct {
			UserPools []struct{ Id, Name string }
			NextToken string
		}
		in := object{"MaxResults": 60}
		if token != "" {
			in["NextToken"] = token
		}
		if err := do(ctx, "cognito-idp", "ListUserPools", in, &page); err != nil {
			return nil, false, err
		}
		for _, p := range page.UserPools {
			var pool struct {
				UserPool struct{ LambdaConfig map[string]json.RawMessage }
			}
			if err := do(ctx, "cognito-idp", "DescribeUserPool", object{"UserPoolId": p.Id}, &pool); err != nil {
				return nil, false, err
			}
			for _, u := range triggersOf(pool.UserPool.LambdaConfig, functionARN) {
				u.PoolID, u.PoolName = p.Id, p.Name
				uses = append(uses, u)
			}
		}
		searched += len(page.UserPools)
		token = page.NextToken
		if token == "" || searched >= maxPoolsSearched {
			return uses, token != "", nil
		}
	}
}

// triggersOf lists the triggers in a pool's configuration that are the
// function, or a version or alias of it.
func triggersOf(config map[string]json.RawMessage, functionARN string) (uses []poolUse) {
	for trigger, raw := range config {
		u := poolUse{Trigger: trigger}
		if json.Unmarshal(raw, &u.ARN) != nil {
			var versioned struct{ LambdaArn, LambdaVersion string }
			if json.Unmarshal(raw, &versioned) != nil {
				continue // the key of the senders, or what is not known here
			}
			u.ARN, u.EventVersion = versioned.LambdaArn, versioned.LambdaVersion
		}
		if u.ARN != functionARN && !strings.HasPrefix(u.ARN, functionARN+":") {
			continue
		}
		if _, both := config["PreTokenGenerationConfig"]; both && trigger == "PreTokenGeneration" {
			continue // said twice by DescribeUserPool
		}
		u.Trigger = strings.TrimSuffix(u.Trigger, "Config")
		uses = append(uses, u)
	}
	slices.SortFunc(uses, func(a, b poolUse) int { return strings.Compare(a.Trigger, b.Trigger) })
	return uses
}

// environmentOf makes the variables that a form asks for. A value that was not
// shown and was left empty stays as it is; a name that was emptied, or marked,
// goes.
func environmentOf(form map[string][]string, current map[string]string) map[string]string {
	shown := len(form["shown"]) > 0
	names, values := form["env-name"], form["env-value"]
	variables := map[string]string{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" || i >= len(values) || slices.Contains(form["env-remove"], name) {
			continue
		}
		value := values[i]
		if old, ok := current[name]; ok && value == "" && !shown {
			value = old
		}
		variables[name] = value
	}
	return variables
}
