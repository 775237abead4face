package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// exportedFunction is a function that a trigger names; arn is what it is in the
// template, nil if it is not in there.
type exportedFunction struct{ arn any }

// functionDefaults are what a function is by default. What the server adds to a
// description, and what has a place of its own below, is not in it.
var functionDefaults = map[string]string{
	"Description": "", "Timeout": `3`, "MemorySize": `128`, "Architectures": `["x86_64"]`, "EphemeralStorage": `{"Size":512}`,
	"TracingConfig": `{"Mode":"PassThrough"}`, "Layers": "", "VpcConfig": "", "DeadLetterConfig": "", "FileSystemConfigs": "",
	"FunctionName": "", "Runtime": "", "Handler": "", "Role": "",
}

// function exports the function with an ARN, and the alias or version of it if
// the ARN names one.
func (x *export) function(arn string) (exportedFunction, error) {
	if f, done := x.functions[arn]; done {
		return f, nil
	}
	parts := strings.Split(arn, ":") // arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
	if len(parts) < 7 {
		return exportedFunction{}, nil
	}
	name, qualifier := parts[6], url.Values{}
	if len(parts) > 7 {
		qualifier.Set("Qualifier", parts[7])
	}
	path := functionPath(name, "")
	var out struct {
		Configuration map[string]any
		Code          struct{ Location string }
		Tags          map[string]string
	}
	err := x.c.lambda(x.ctx, http.MethodGet, path+query(qualifier), nil, &out)
	if codeOf(err) == "ResourceNotFoundException" {
		return exportedFunction{}, nil // the ARN stays as it is: its function is elsewhere, or gone
	}
	if err != nil {
		return exportedFunction{}, err
	}
	id := x.id("Function", name)
	p := map[string]any{}
	for k, standard := range functionDefaults {
		if v := out.Configuration[k]; !isDefault(v, standard) {
			p[k] = v
		}
	}
	if len(out.Tags) > 0 {
		var tags []any
		for _, k := range slices.Sorted(maps.Keys(out.Tags)) {
			tags = append(tags, map[string]any{"Key": k, "Value": out.Tags[k]})
		}
		p["Tags"] = tags
	}
	x.variables(id, out.Configuration["Environment"], p)
	comment, err := x.code(id, name, out.Code.Location, p)
	if err != nil {
		return exportedFunction{}, err
	}
	x.resource(id, "AWS::Lambda::Function", comment, p)
	f := exportedFunction{arn: intrinsic{"GetAtt", id + ".Arn"}}
	called := intrinsic{"Ref", id}
	if q := qualifier.Get("Qualifier"); q != "" && q != "$LATEST" {
		version := x.id(id, "Version")
		x.resource(version, "AWS::Lambda::Version", "", map[string]any{"FunctionName": intrinsic{"Ref", id}})
		called = intrinsic{"Ref", version}
		if strings.Trim(q, "0123456789") != "" {
			alias := x.id(id, "Alias "+q)
			x.resource(alias, "AWS::Lambda::Alias", "", map[string]any{"FunctionName": intrinsic{"Ref", id}, "Name": q, "FunctionVersion": intrinsic{"GetAtt", version + ".Version"}})
			called = intrinsic{"Ref", alias}
		}
		f.arn = called
	}
	x.functions[arn] = f
	return f, x.permissions(path, called, id, qualifier)
}

// variables exports the environment. The values may be secrets, so they become
// parameters that are not shown, unless they are wanted.
func (x *export) variables(id string, v any, p map[string]any) {
	environment, _ := v.(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	if len(variables) == 0 {
		return
	}
	out := map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(variables)) {
		if x.environment {
			out[k] = variables[k]
			continue
		}
		parameter := x.id(id, k)
		x.parameters = append(x.parameters, exported{parameter, "", map[string]any{"Type": "String", "NoEcho": true, "Description": k + " of the function's environment"}})
		out[k] = intrinsic{"Ref", parameter}
	}
	p["Environment"] = map[string]any{"Variables": out}
}

const (
	maxPackage = 64 << 20 // to look at
	maxInline  = 4096     // of code that is written into the template
)

// code exports the code of a function: the text, or parameters for the place
// where it will be.
func (x *export) code(id, name, location string, p map[string]any) (comment string, err error) {
	text, inline, err := x.inline(location, fmt.Sprint(p["Runtime"]))
	if err != nil {
		return "", fmt.Errorf("the code of %s: %w", name, err)
	}
	if inline {
		p["Code"] = map[string]any{"ZipFile": text}
		return "", nil
	}
	bucket, key := x.id(id, "CodeBucket"), x.id(id, "CodeKey")
	x.parameters = append(x.parameters,
		exported{bucket, "", map[string]any{"Type": "String", "Description": "Bucket with the code of the function " + name}},
		exported{key, "", map[string]any{"Type": "String", "Description": "Key of the code, a zip file, in that bucket"}})
	p["Code"] = map[string]any{"S3Bucket": intrinsic{"Ref", bucket}, "S3Key": intrinsic{"Ref", key}}
	return "The code is more than one small text file, so it is not in this template. Fetch it from where\n" +
		"`aws lambda get-function --function-name " + name + " --query Code.Location` says, put it into a\nbucket, and name that with the parameters " + bucket + " and " + key + ".", nil
}

// usesModules finds code that only an ES module can have: the same that decides
// about the name of a file when code is written in a template.
var usesModules = regexp.MustCompile(`(?m)^\s*(export\s|import\s+[\w*{'"])`)

// inline returns the code of a package if, written into a template, it would be
// the same package again.
func (x *export) inline(location, runtime string) (text string, ok bool, err error) {
	if location == "" {
		return "", false, nil
	}
	req, err := http.NewRequestWithContext(x.ctx, http.MethodGet, location, nil)
	if err != nil {
		return "", false, err
	}
	resp, err := x.c.http.Do(req)
	if err != nil {
		return "", false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", false, fmt.Errorf("the server answered %s", resp.Status)
	}
	archive, err := io.ReadAll(io.LimitReader(resp.Body, maxPackage))
	if err != nil {
		return "", false, err
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil || len(z.File) != 1 || z.File[0].UncompressedSize64 > maxInline {
		return "", false, nil // a package that cannot be read is none for a template
	}
	file, err := z.File[0].Open()
	if err != nil {
		return "", false, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxInline+1))
	if err != nil {
		return "", false, err
	}
	if len(b) == 0 || len(b) > maxInline || !utf8.Valid(b) || bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		return "", false, nil
	}
	want := ""
	switch {
	case strings.HasPrefix(runtime, "nodejs") && usesModules.Match(b):
		want = "index.mjs"
	case strings.HasPrefix(runtime, "nodejs"):
		want = "index.js"
	case strings.HasPrefix(runtime, "python"):
		want = "index.py"
	}
	return string(b), z.File[0].Name == want, nil
}
