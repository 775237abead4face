package console

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
)

// triggerKind is a trigger that a pool can have.
type triggerKind struct {
	Member  string // of LambdaConfig
	Label   string
	About   string
	Version string // of a trigger whose member is a version and an ARN
}

var triggerKinds = []triggerKind{
	{"PreTokenGenerationConfig", "Pre token generation", "Adds, changes and suppresses claims before tokens are made.", ""},
	{"PreSignUp", "Pre sign-up", "Accepts, confirms or refuses who signs up.", ""},
	{"PostConfirmation", "Post confirmation", "Runs after somebody has confirmed the account or a new password.", ""},
	{"PreAuthentication", "Pre authentication", "Accepts or refuses a sign-in.", ""},
	{"PostAuthentication", "Post authentication", "Runs after somebody has signed in.", ""},
	{"CustomMessage", "Custom message", "Writes the mails and texts.", ""},
	{"UserMigration", "User migration", "Brings users over from elsewhere when they sign in.", ""},
	{"DefineAuthChallenge", "Define auth challenge", "Decides which challenge comes next.", ""},
	{"CreateAuthChallenge", "Create auth challenge", "Makes a challenge.", ""},
	{"VerifyAuthChallengeResponse", "Verify auth challenge response", "Judges the answer to a challenge.", ""},
	{"CustomEmailSender", "Custom email sender", "Sends mails itself.", "V1_0"},
	{"CustomSMSSender", "Custom SMS sender", "Sends texts itself.", "V1_0"},
	{"InboundFederation", "Inbound federation", "Changes what an identity provider says of a user.", "V1_0"},
}

// eventVersions are those of the pre token generation trigger.
var eventVersions = []struct{ Value, About string }{
	{"V1_0", "The ID token only: adds or overrides claims with text, suppresses claims, changes groups and roles. The function answers claimsOverrideDetails."},
	{"V2_0", "ID and access token: claims of any JSON type, and scopes of the access token besides. The function answers claimsAndScopeOverrideDetails."},
	{"V3_0", "As V2_0, and also for tokens that machines get with client credentials."},
}

// poolTrigger is a trigger that a pool has.
type poolTrigger struct {
	triggerKind
	ARN, EventVersion string
}

// Function is the name of the trigger's function, for a link.
func (t poolTrigger) Function() string {
	f, err := arn.ParseFunction(t.ARN, "", "")
	if err != nil {
		return ""
	}
	return f.Name
}

// triggersIn lists the triggers of a pool's LambdaConfig.
func triggersIn(config map[string]any) (list []poolTrigger) {
	for _, kind := range triggerKinds {
		t := poolTrigger{triggerKind: kind}
		switch value := config[kind.Member].(type) {
		case string:
			t.ARN, t.EventVersion = value, "V1_0"
		case object:
			t.ARN, t.EventVersion = text(value["LambdaArn"]), text(value["LambdaVersion"])
		}
		if kind.Member == "PreTokenGenerationConfig" && t.ARN == "" {
			t.ARN, t.EventVersion = text(config["PreTokenGeneration"]), "V1_0"
		}
		if t.ARN != "" {
			list = append(list, t)
		}
	}
	return list
}

// triggerProbe keeps which triggers the server refuses.
type triggerProbe struct {
	mu      sync.Mutex
	refused map[string]string // nil: not known yet
}

// refusals are the triggers that are not built, with the server's own words: it
// is asked to set each of them for a pool that does not exist. What it cannot
// do it says before it looks for the pool.
func (c *Console) refusals(ctx context.Context, do performer) map[string]string {
	c.triggers.mu.Lock()
	defer c.triggers.mu.Unlock()
	if c.triggers.refused != nil {
		return c.triggers.refused
	}
	refused, certain := map[string]string{}, true
	for _, kind := range triggerKinds {
		config := object{}
		kind.set(config, "arn:aws:lambda:us-east-1:000000000000:function:none", "V1_0")
		err := do(ctx, idp, "UpdateUserPool", object{"UserPoolId": "us-east-1_000000000", "LambdaConfig": config}, nil)
		switch {
		case isCode(err, apierr.InvalidParameter) && strings.Contains(said(err), "not supported"):
			refused[kind.Member] = said(err)
		case !isCode(err, apierr.InvalidParameter) && !isCode(err, apierr.ResourceNotFound):
			certain = false // this caller may not ask, or has gone
		}
	}
	if certain {
		c.triggers.refused = refused
	}
	return refused
}

// set puts the trigger into a LambdaConfig.
func (k triggerKind) set(config object, function, version string) {
	switch {
	case k.Member == "PreTokenGenerationConfig":
		delete(config, "PreTokenGeneration") // the older member, which would have to agree
		config[k.Member] = object{"LambdaArn": function, "LambdaVersion": version}
	case k.Version != "":
		config[k.Member] = object{"LambdaArn": function, "LambdaVersion": k.Version}
	default:
		config[k.Member] = function
	}
}

type addTriggerPage struct {
	poolPage
	Kinds     []triggerChoice
	Versions  []struct{ Value, About string }
	Functions []choice
	CLI       template.HTML
}

// AnyRefused reports whether there are triggers that cannot be chosen.
func (p *addTriggerPage) AnyRefused() bool {
	return slices.ContainsFunc(p.Kinds, func(k triggerChoice) bool { return k.Refused != "" })
}

type triggerChoice struct {
	triggerKind
	Refused string
	Taken   bool
}

func (c *Console) addTriggerPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "properties")
	if err != nil {
		return err
	}
	p := &addTriggerPage{poolPage: base, Versions: eventVersions}
	refused := c.refusals(r.Context(), c.do(r))
	have := triggersIn(base.Pool.LambdaConfig)
	for _, kind := range triggerKinds {
		p.Kinds = append(p.Kinds, triggerChoice{kind, refused[kind.Member], slices.ContainsFunc(have, func(t poolTrigger) bool { return t.Member == kind.Member })})
	}
	if p.Functions, err = c.functionChoices(r); err != nil {
		return err
	}
	// V1_0 as long as nobody has chosen: it is the version of the template that
	// Create function begins with, and of most functions that people paste.
	stored := url.Values{"trigger": {"PreTokenGenerationConfig"}, "version": {"V1_0"}}
	for _, t := range have {
		if t.Member == "PreTokenGenerationConfig" {
			stored.Set("version", t.EventVersion)
		}
	}
	if f := r.URL.Query().Get("function"); f != "" {
		stored.Set("function", f)
	} else if len(p.Functions) > 0 {
		stored.Set("function", p.Functions[0].Value)
	}
	p.fill(stored, typed, problem)
	p.CLI = c.cliFor(r, c.readAddTrigger, p.Fields)
	return c.render(w, r, "pool-trigger", p)
}

// functionChoices are the functions of the region by ARN. The one that was
// changed last comes first: it is what somebody who comes from there is after.
func (c *Console) functionChoices(r *http.Request) (list []choice, err error) {
	in := object{"MaxItems": 50}
	var all []functionConfiguration
	for {
		var out struct {
			Functions  []functionConfiguration
			NextMarker string
		}
		if err := c.do(r)(r.Context(), "lambda", "ListFunctions", in, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Functions...)
		if in["Marker"] = out.NextMarker; out.NextMarker == "" || len(all) >= maxListed {
			break
		}
	}
	// Lambda's times are of one form and one zone, so their order is that of text.
	slices.SortStableFunc(all, func(a, b functionConfiguration) int { return strings.Compare(b.LastModified, a.LastModified) })
	for _, f := range all {
		list = append(list, choice{f.FunctionArn, f.FunctionName})
	}
	return list, nil
}

// readAddTrigger sets a trigger, and lets the pool call the function if nothing
// does so yet.
func (c *Console) readAddTrigger(r *http.Request, v url.Values) (change, error) {
	function := strings.TrimSpace(v.Get("function"))
	i := slices.IndexFunc(triggerKinds, func(k triggerKind) bool { return k.Member == v.Get("trigger") })
	if i < 0 {
		return change{}, apierr.New(apierr.InvalidParameter, "Choose a trigger.")
	}
	if function == "" {
		return change{}, apierr.New(apierr.InvalidParameter, "Choose a function. If there is none, create one first.")
	}
	kind := triggerKinds[i]
	version := "V1_0"
	if kind.Member == "PreTokenGenerationConfig" {
		version = v.Get("version")
	}
	pool := r.PathValue("pool")
	poolARN := arn.UserPool(c.account(r), pool)
	ch, err := c.changePool(r, "properties", "The trigger is added: "+kind.Label+". It runs from the next sign-in on.", func(in object) error {
		kind.set(member(in, "LambdaConfig"), function, version)
		return nil
	})
	if err != nil {
		return change{}, err
	}
	allowed, err := c.mayInvoke(r, function, poolARN)
	if err != nil {
		return change{}, err
	}
	if !allowed {
		permission := object{
			"FunctionName": function, "StatementId": "cognito-" + pool, "Action": "lambda:InvokeFunction",
			"Principal": "cognito-idp.amazonaws.com", "SourceArn": poolARN,
		}
		ch.calls = append([]call{{"lambda", "AddPermission", permission}}, ch.calls...)
		ch.said += " The function did not let this pool call it, so a permission was added as well."
		ch.skip = func(one call, err error) bool {
			return one.Operation == "AddPermission" && isCode(err, apierr.ResourceConflict)
		}
	}
	return ch, nil
}

// mayInvoke reports whether a function's policy lets a pool call it.
func (c *Console) mayInvoke(r *http.Request, function, poolARN string) (bool, error) {
	var out struct{ Policy string }
	err := c.do(r)(r.Context(), "lambda", "GetPolicy", object{"FunctionName": function}, &out)
	if isCode(err, apierr.ResourceNotFound) {
		return false, nil // it has none, or there is no such function, which AddPermission will say
	}
	if err != nil {
		return false, err
	}
	var policy struct {
		Statement []struct {
			Effect    string
			Principal struct{ Service string }
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(out.Policy), &policy); err != nil {
		return false, nil // not of the form that AddPermission writes: another statement does no harm
	}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" || s.Principal.Service != "cognito-idp.amazonaws.com" {
			continue
		}
		matches := true
		for _, condition := range s.Condition {
			for key, value := range condition {
				matches = matches && strings.EqualFold(key, "aws:SourceArn") && value == poolARN
			}
		}
		if matches {
			return true, nil
		}
	}
	return false, nil
}

type propertiesPage struct {
	poolPage
	Triggers                   []ownTrigger
	ProtectionCLI, DeletionCLI template.HTML
}

type ownTrigger struct {
	poolTrigger
	CLI template.HTML
}

func (c *Console) propertiesForms() map[string]reader {
	return map[string]reader{
		"remove-trigger": c.readRemoveTrigger, "protection": c.readProtection, "delete": c.readDeletePool,
	}
}

func (c *Console) propertiesPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "properties")
	if err != nil {
		return err
	}
	p := &propertiesPage{poolPage: base}
	stored := url.Values{"name": {base.Pool.Name}}
	if base.Pool.DeletionProtection == "ACTIVE" {
		stored.Set("protect", "on")
	}
	p.fill(stored, typed, problem)
	for _, t := range triggersIn(base.Pool.LambdaConfig) {
		p.Triggers = append(p.Triggers, ownTrigger{t, c.cliFor(r, c.readRemoveTrigger, url.Values{"trigger": {t.Member}})})
	}
	p.ProtectionCLI = c.cliFor(r, c.readProtection, p.Fields)
	p.DeletionCLI = c.cli(idp, "DeleteUserPool", object{"UserPoolId": base.Pool.Id})
	return c.render(w, r, "pool-properties", p)
}

func (c *Console) readRemoveTrigger(r *http.Request, v url.Values) (change, error) {
	return c.changePool(r, "properties", "The trigger is removed. The function and its permission are still there.", func(in object) error {
		config := member(in, "LambdaConfig")
		delete(config, v.Get("trigger"))
		if v.Get("trigger") == "PreTokenGenerationConfig" {
			delete(config, "PreTokenGeneration")
		}
		return nil
	})
}

func (c *Console) readProtection(r *http.Request, v url.Values) (change, error) {
	return c.changePool(r, "properties", "The properties are saved.", func(in object) error {
		in["PoolName"], in["DeletionProtection"] = v.Get("name"), "INACTIVE"
		if v.Get("protect") == "on" {
			in["DeletionProtection"] = "ACTIVE"
		}
		return nil
	})
}

func (c *Console) readDeletePool(r *http.Request, v url.Values) (change, error) {
	pool, err := c.describe(r)
	if err == nil {
		err = typedName(v, pool.Name)
	}
	return one("DeleteUserPool", object{"UserPoolId": pool.Id}, "/console/pools", "The user pool "+pool.Name+" is deleted."), err
}
