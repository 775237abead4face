package transform

import (
	"crypto/sha1" //nolint:gosec // the names of versions are made with it; no secret depends on it
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// What is done with the properties of a function.
var (
	// passed are the same in AWS::Lambda::Function.
	passed = strings.Fields(`FunctionName Handler Runtime Description MemorySize Timeout VpcConfig Role Environment KmsKeyArn
		ReservedConcurrentExecutions Layers FileSystemConfigs ImageConfig PackageType Architectures SnapStart EphemeralStorage
		CodeSigningConfigArn RuntimeManagementConfig LoggingConfig RecursiveLoop`)
	// rewritten are looked at below. PropagateTags changes nothing: the role,
	// which alone of what is made can have tags, has those of the function always.
	rewritten = strings.Fields(`CodeUri InlineCode ImageUri Tags PropagateTags Tracing DeadLetterQueue Policies AssumeRolePolicyDocument RolePath
		PermissionsBoundary Events AutoPublishAlias AutoPublishCodeSha256 AutoPublishAliasAllProperties VersionDescription
		VersionDeletionPolicy ProvisionedConcurrencyConfig`)
	unsupported = strings.Fields(`EventInvokeConfig DeploymentPreference FunctionUrlConfig SourceKMSKeyArn PublishToLatestPublished
		TenancyConfig CapacityProviderConfig DurableConfig FunctionScalingConfig`)

	attributes = strings.Fields(`Type Properties Condition DependsOn Metadata DeletionPolicy UpdateReplacePolicy IgnoreGlobals`)
	// inherited are the attributes that everything has that a function becomes.
	inherited = strings.Fields(`Condition DeletionPolicy UpdateReplacePolicy`)
)

// function replaces one function by what it stands for.
func (x *serverless) function(id string, resource *template.Map) error {
	for _, k := range resource.Keys() {
		if !slices.Contains(attributes, k) {
			return because("the attribute %s is not supported by this version of Rockpool", clip(k))
		}
	}
	p, err := x.properties(resource)
	if err != nil {
		return err
	}
	for _, k := range p.Keys() {
		switch {
		case slices.Contains(unsupported, k):
			return because("the property %s is not supported by this version of Rockpool", k)
		case !slices.Contains(passed, k) && !slices.Contains(rewritten, k):
			return because("property %s not defined for resource of type %s", clip(k), functionType)
		}
	}
	f := template.NewMap()
	for _, k := range passed {
		if v, ok := p.Get(k); ok && v != nil {
			f.Set(k, v)
		}
	}
	code, err := codeOf(p)
	if err != nil {
		return err
	}
	f.Set("Code", code)
	tags, err := tagsOf(p)
	if err != nil {
		return err
	}
	f.Set("Tags", tags)
	if mode, ok := p.Get("Tracing"); ok {
		f.Set("TracingConfig", entry("Mode", mode))
	}
	dead, err := deadLetters(p)
	if err != nil {
		return err
	}
	if dead != nil {
		f.Set("DeadLetterConfig", entry("TargetArn", get(dead, "TargetArn")))
	}
	attached := template.NewMap()
	for _, k := range inherited {
		if v, ok := resource.Get(k); ok {
			attached.Set(k, v)
		}
	}
	if _, own := f.Get("Role"); !own {
		role, err := roleOf(id, p, dead, copyOf(tags))
		if err != nil {
			return err
		}
		f.Set("Role", getAtt(id+"Role", "Arn"))
		if err := x.add(id+"Role", "AWS::IAM::Role", role, attached); err != nil {
			return err
		}
	}
	whole := copyOf(attached).(*template.Map)
	for _, k := range []string{"DependsOn", "Metadata"} {
		if v, ok := resource.Get(k); ok {
			whole.Set(k, v)
		}
	}
	if err := x.add(id, "AWS::Lambda::Function", f, whole); err != nil {
		return err
	}
	called, err := x.publish(id, p, f, attached)
	if err != nil {
		return err
	}
	return x.events(called, p, attached)
}

func get(m *template.Map, name string) any {
	v, _ := m.Get(name)
	return v
}

// add adds a resource that a function becomes.
func (x *serverless) add(id, typ string, properties, attached *template.Map) error {
	if _, clash := x.resources.Get(id); clash {
		return because("it makes a resource %s, and there is one of that name", clip(id))
	}
	r := object("Type", typ)
	for _, k := range attached.Keys() {
		r.Set(k, copyOf(get(attached, k)))
	}
	r.Set("Properties", properties)
	x.resources.Set(id, r)
	return nil
}

// codeOf says where the code is.
func codeOf(p *template.Map) (any, error) {
	image := get(p, "PackageType") == "Image"
	_, hasRuntime := p.Get("Runtime")
	_, hasHandler := p.Get("Handler")
	_, hasImage := p.Get("ImageUri")
	switch {
	case image && !hasImage:
		return nil, because("ImageUri must be set when PackageType is Image")
	case image:
		return entry("ImageUri", get(p, "ImageUri")), nil
	case hasImage:
		return nil, because("ImageUri can be set only when PackageType is Image")
	case !hasRuntime || !hasHandler:
		return nil, because("Runtime and Handler must be set when PackageType is Zip")
	}
	if code, ok := p.Get("InlineCode"); ok {
		return entry("ZipFile", code), nil
	}
	switch uri := get(p, "CodeUri").(type) {
	case nil:
		return nil, because("either InlineCode or CodeUri must be set")
	case string:
		return codeAt(uri)
	case *template.Map:
		bucket, key := get(uri, "Bucket"), get(uri, "Key")
		if bucket == nil || key == nil {
			return nil, because("CodeUri requires Bucket and Key properties to be specified")
		}
		return object("S3Bucket", bucket, "S3Key", key, "S3ObjectVersion", get(uri, "Version")), nil
	}
	return nil, because("CodeUri must be s3://bucket/key, or a map with Bucket and Key")
}

func codeAt(uri string) (any, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "s3" || u.Host == "" || len(u.Path) < 2 {
		return nil, because("'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter; if %q is a folder of yours, package it first, e.g. with `aws cloudformation package`", clip(uri))
	}
	code := object("S3Bucket", u.Host, "S3Key", strings.TrimLeft(u.Path, "/"))
	if v := u.Query()["versionId"]; len(v) == 1 {
		code.Set("S3ObjectVersion", v[0])
	}
	return code, nil
}

// tagsOf makes the list of tags, which begins with the one that says who made
// the function.
func tagsOf(p *template.Map) ([]any, error) {
	list := []any{object("Key", "lambda:createdBy", "Value", "SAM")}
	v, there := p.Get("Tags")
	if !there || v == nil {
		return list, nil
	}
	tags, ok := v.(*template.Map)
	if _, _, isFunction := template.Function(v); !ok || isFunction {
		return nil, because("Tags must be a map")
	}
	for _, k := range tags.Keys() {
		value := get(tags, k)
		if value == nil {
			value = ""
		}
		list = append(list, object("Key", k, "Value", value))
	}
	return list, nil
}

// publish adds the version and the alias of a function, if it wants one, and
// returns the id of what events call.
func (x *serverless) publish(id string, p, f, attached *template.Map) (string, error) {
	v, there := p.Get("AutoPublishAlias")
	if !there || v == nil {
		for _, name := range []string{"ProvisionedConcurrencyConfig", "VersionDescription", "VersionDeletionPolicy", "AutoPublishCodeSha256"} {
			// Globals may set this one for those functions that have an alias.
			if _, set := p.Get(name); set && name != "VersionDeletionPolicy" {
				return "", because("to set %s, AutoPublishAlias must be defined on the function", name)
			}
		}
		return id, nil
	}
	name, err := x.parameterText("AutoPublishAlias", v)
	if err != nil {
		return "", err
	}
	suffix, err := x.versionSuffix(p, f)
	if err != nil {
		return "", err
	}
	version := id + "Version" + suffix
	// An alias may have these two, a logical id may not.
	alias := id + "Alias" + strings.NewReplacer("-", "D", "_", "U").Replace(name)
	kept := copyOf(attached).(*template.Map)
	if policy, set := p.Get("VersionDeletionPolicy"); set {
		kept.Set("DeletionPolicy", policy)
	} else if _, set := kept.Get("DeletionPolicy"); !set {
		kept.Set("DeletionPolicy", "Retain")
	}
	err = x.add(version, "AWS::Lambda::Version", object(
		"FunctionName", ref(id), "Description", get(p, "VersionDescription"), "RuntimeManagementConfig", copyOf(get(p, "RuntimeManagementConfig")),
	), kept)
	if err == nil {
		err = x.add(alias, "AWS::Lambda::Alias", object(
			"Name", name, "FunctionName", ref(id), "FunctionVersion", getAtt(version, "Version"),
			"ProvisionedConcurrencyConfig", get(p, "ProvisionedConcurrencyConfig"),
		), attached)
	}
	x.made[id+".Version"], x.made[id+".Alias"] = version, alias
	return alias, err
}

// parameterText is a text that depends on parameters at most.
func (x *serverless) parameterText(name string, v any) (string, error) {
	v, err := x.env.Evaluate(v)
	s, ok := template.Text(v)
	if err != nil || !ok || s == "" {
		return "", because("'%s' must be a string or a Ref to a template parameter", name)
	}
	return s, nil
}

// versionSuffix names a version by what it is of, so that a new name, and with
// it a new version, comes of new code: the first ten hexadecimal digits of the
// SHA-1 of its description as compact JSON with sorted keys.
func (x *serverless) versionSuffix(p, f *template.Map) (string, error) {
	if v, set := p.Get("AutoPublishCodeSha256"); set {
		s, err := x.parameterText("AutoPublishCodeSha256", v)
		return s[:min(len(s), 10)], err
	}
	of := template.NewMap()
	if all, _ := template.Text(get(p, "AutoPublishAliasAllProperties")); strings.EqualFold(all, "true") {
		of = f
	} else {
		code, ok := x.resolved(get(f, "Code")).(*template.Map)
		if !ok {
			return "", because("the code of the function is not known")
		}
		for _, k := range code.Keys() {
			of.Set(k, get(code, k))
		}
		if e, ok := get(f, "Environment").(*template.Map); ok {
			for _, k := range e.Keys() {
				of.Set(k, get(e, k))
			}
		}
		if size := get(f, "MemorySize"); size != nil {
			of.Set("MemorySize", size)
		}
		if snap, ok := get(f, "SnapStart").(*template.Map); ok && get(snap, "ApplyOn") != nil && get(snap, "ApplyOn") != "None" {
			of.Set("SnapStart", snap)
		}
	}
	text, err := json.Marshal(sorted(of), json.Deterministic(true))
	if err != nil {
		return "", err
	}
	sum := sha1.Sum([]byte(ascii(string(text)))) // see above
	return hex.EncodeToString(sum[:])[:10], nil
}

// resolved puts the values of parameters in for references to them.
func (x *serverless) resolved(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = x.resolved(v[i])
		}
		return out
	case *template.Map:
		if name, _, ok := template.Function(v); ok && name == "Ref" {
			// A reference to anything else is an error, and stays.
			if value, err := x.env.Evaluate(v); err == nil && value != nil {
				return value
			}
			return v
		}
		out := template.NewMap()
		for _, k := range v.Keys() {
			out.Set(k, x.resolved(get(v, k)))
		}
		return out
	}
	return v
}

// sorted makes maps whose keys are sorted when they are encoded.
func sorted(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = sorted(v[i])
		}
		return out
	case *template.Map:
		out := map[string]any{}
		for _, k := range v.Keys() {
			out[k] = sorted(get(v, k))
		}
		return out
	}
	return v
}

// ascii escapes what is not printable ASCII in JSON.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
