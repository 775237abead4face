package resource_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// TestResume repeats creations that came to their end without anybody learning
// of it: there is one resource, and it is the same.
func TestResume(t *testing.T) {
	w := newWorld(t)
	poolID := w.must("cognito-idp", "CreateUserPool", object{"PoolName": "people"})["UserPool"].(object)["Id"].(string)
	w.must("cognito-idp", "CreateUserPoolClient", object{"UserPoolId": poolID, "ClientName": "web"})

	function := "Runtime: nodejs22.x\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/x\nCode: {ZipFile: 'exports.handler = async (e) => e'}"
	for _, c := range []struct{ typ, properties string }{
		{"AWS::Cognito::UserPool", "UserPoolName: people"},
		{"AWS::Cognito::UserPool", "MfaConfiguration: 'OFF'"},
		{"AWS::Cognito::UserPoolClient", "UserPoolId: " + poolID + "\nClientName: web"},
		{"AWS::Cognito::UserPoolClient", "UserPoolId: " + poolID + "\nClientName: web\nGenerateSecret: true"},
		{"AWS::Cognito::UserPoolClient", "UserPoolId: " + poolID},
		{"AWS::Cognito::UserPoolGroup", "UserPoolId: " + poolID + "\nGroupName: staff"},
		{"AWS::Cognito::UserPoolUser", "UserPoolId: " + poolID + "\nUsername: jane\nMessageAction: SUPPRESS"},
		{"AWS::Lambda::Function", "FunctionName: f\n" + function},
		{"AWS::Lambda::Permission", "FunctionName: f\nAction: lambda:InvokeFunction\nPrincipal: cognito-idp.amazonaws.com"},
		{"AWS::Lambda::Version", "FunctionName: f"},
		{"AWS::S3::Bucket", "BucketName: named"},
		{"AWS::S3::Bucket", "VersioningConfiguration: {Status: Enabled}"},
		{"AWS::S3::BucketPolicy", "Bucket: named\nPolicyDocument: {Statement: []}"},
		{"AWS::SSM::Parameter", "Name: /a/b\nType: String\nValue: x"},
		{"AWS::Lambda::Alias", "FunctionName: f\nName: live\nFunctionVersion: '1'"},
	} {
		typ := lookup(t, c.typ)
		r := w.request(strings.ReplaceAll(c.typ[5:], "::", "") + "X")
		r.Properties = check(t, typ, c.properties)
		first, err := typ.Create(w.ctx, r)
		if err != nil {
			t.Fatalf("%s: %v", c.typ, err)
		}
		r.Resume, r.Since = true, time.Now().Add(-time.Second)
		taken := map[string]bool{}
		if c.typ == "AWS::Cognito::UserPool" && strings.Contains(c.properties, "people") || strings.HasSuffix(c.properties, "ClientName: web") {
			// Another resource of that name was made in the same second: the
			// stack knows it, so it cannot be this one.
			for _, p := range w.must("cognito-idp", "ListUserPools", object{"MaxResults": 60})["UserPools"].([]any) {
				taken[p.(object)["Id"].(string)] = true
			}
			for _, p := range w.must("cognito-idp", "ListUserPoolClients", object{"UserPoolId": poolID, "MaxResults": 60})["UserPoolClients"].([]any) {
				taken[p.(object)["ClientId"].(string)] = true
			}
			delete(taken, first.PhysicalID)
		}
		r.Claim = func(id string) bool { return !taken[id] }
		again, err := typ.Create(w.ctx, r)
		if err != nil || again.PhysicalID != first.PhysicalID || !maps.Equal(again.Attributes, first.Attributes) {
			t.Errorf("%s, %s: first %+v, then %+v, %v", c.typ, c.properties, first, again, err)
		}
	}

	// What was there before is not taken.
	typ := lookup(t, "AWS::Cognito::UserPoolUser")
	r := w.request("Other")
	r.Properties = check(t, typ, "UserPoolId: "+poolID+"\nUsername: jane\nMessageAction: SUPPRESS")
	r.Resume, r.Since = true, time.Now().Add(time.Minute)
	if _, err := typ.Create(w.ctx, r); err == nil {
		t.Error("a user of before the creation was taken for what it made")
	}
	typ = lookup(t, "AWS::Lambda::Version")
	r = w.request("Second")
	r.Properties = check(t, typ, "FunctionName: f")
	if _, err := typ.Create(w.ctx, r); err == nil || !strings.Contains(err.Error(), "A version for this Lambda function exists ( 1 )") {
		t.Errorf("a second resource for one version: %v", err)
	}
}

// An update of a pool that adds an attribute may be repeated after a crash, and
// after a rollback that could not take the attribute away.
func TestAttributesAreAddedOnce(t *testing.T) {
	w := newWorld(t)
	typ := lookup(t, "AWS::Cognito::UserPool")
	r := w.request("Pool")
	plain := check(t, typ, "UserPoolName: p")
	more := check(t, typ, "UserPoolName: p\nSchema: [{Name: tenantId, AttributeDataType: String}, {Name: secret, AttributeDataType: String, DeveloperOnlyAttribute: true}]")
	r.Properties = plain
	made, err := typ.Create(w.ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	r.PhysicalID = made.PhysicalID
	for range 2 {
		r.Old, r.Properties, r.Restore = plain, more, false
		if _, err := typ.Update(w.ctx, r); err != nil {
			t.Fatal(err)
		}
		r.Old, r.Properties, r.Restore = more, plain, true
		if _, err := typ.Update(w.ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	r.Old, r.Restore = plain, false
	r.Properties = check(t, typ, "UserPoolName: p\nSchema: [{Name: tenantId, AttributeDataType: Number}]")
	if _, err := typ.Update(w.ctx, r); err == nil || !strings.Contains(err.Error(), "cannot be modified") {
		t.Errorf("the attribute's type changed: %v", err)
	}
}

// recorder notes the operations that are called.
type recorder struct {
	resource.Caller
	calls []string
}

func (r *recorder) Call(ctx context.Context, service, operation string, in any) (jsontext.Value, error) {
	r.calls = append(r.calls, service+" "+operation)
	return r.Caller.Call(ctx, service, operation, in)
}

// What only the stack knows is made without a call.
func TestKeptTypesCallNothing(t *testing.T) {
	w := newWorld(t)
	n := 0
	for _, name := range resource.Names() {
		typ := lookup(t, name)
		if typ.Effect == "" || name == "AWS::S3::BucketPolicy" { // which the bucket keeps
			continue
		}
		n++
		rec := &recorder{Caller: w.api}
		r := w.request("X")
		r.Caller, r.Properties = rec, map[string]any{}
		if _, err := typ.Create(w.ctx, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := typ.Delete(w.ctx, r); err != nil || len(rec.calls) > 0 {
			t.Errorf("%s: %v, calls %v", name, err, rec.calls)
		}
	}
	if n < 5 {
		t.Errorf("%d types are kept, want 5", n)
	}
}

func TestErrorsOfOperationsAreThoseOfTheAPI(t *testing.T) {
	w := newWorld(t)
	typ := lookup(t, "AWS::Cognito::UserPoolClient")
	r := w.request("X")
	r.Properties = check(t, typ, "UserPoolId: eu-central-1_nowhere00")
	_, err := typ.Create(w.ctx, r)
	if e, ok := errors.AsType[*apierr.Error](err); !ok || e.Code != apierr.ResourceNotFound {
		t.Errorf("a client of no pool: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, name := range []string{"AWS::Cognito::UserPoolDomain", "AWS::Lambda::Url", "Custom::Anything", "AWS::KMS::Key"} {
		if _, ok := resource.Lookup(name); ok || resource.Refused(name) == "" {
			t.Errorf("%s: there is nothing to say about it", name)
		}
	}
	if why := resource.Refused("AWS::EC2::Instance"); why != "" {
		t.Errorf("an unknown type is refused with %q", why)
	}
	for _, name := range resource.Names() {
		if resource.Refused(name) != "" {
			t.Errorf("%s is there and refused", name)
		}
	}
	for properties, want := range map[string]string{
		"Runtime: nodejs22.x\nRole: r\nCode: {ZipFile: a}\nRuntimeManagementConfig: {UpdateRuntimeOn: Manual}": "RuntimeManagementConfig.UpdateRuntimeOn can only be Auto",
		"Role: r\nCode: {ImageUri: a}":                                        "Property Code.ImageUri is not supported",
		"Role: r\nCode: {ZipFile: a}\nPackageType: Image":                     "PackageType can only be Zip",
		"Role: r\nCode: {ZipFile: a}\nReservedConcurrentExecutions: 5":        "Property ReservedConcurrentExecutions is not supported",
		"Role: r\nCode: {ZipFile: a}\nLayers: [arn:aws:lambda:x:y:layer:z:1]": "Property Layers is not supported",
	} {
		tmpl, err := template.Parse("Resources:\n  X:\n    Type: A\n    Properties:\n      " + strings.ReplaceAll(properties, "\n", "\n      "))
		if err != nil {
			t.Fatal(err)
		}
		res, _ := tmpl.Resource("X")
		if _, err := lookup(t, "AWS::Lambda::Function").Check(res.Properties); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", properties, err, want)
		}
	}
}

// A change set may import what exists by name: it gets the template's settings
// and is told apart from what the stack has made.
func TestImport(t *testing.T) {
	w := newWorld(t)
	w.must("s3", "CreateBucket", object{"Bucket": "left-over"})
	w.must("ssm", "PutParameter", object{"Name": "/left/over", "Type": "String", "Value": "old"})
	for _, c := range []struct{ typ, properties, id string }{
		{"AWS::S3::Bucket", "BucketName: left-over\nVersioningConfiguration: {Status: Enabled}", "left-over"},
		{"AWS::SSM::Parameter", "Name: /left/over\nType: String\nValue: new", "/left/over"},
	} {
		typ := lookup(t, c.typ)
		r := w.request("X")
		r.Properties = check(t, typ, c.properties)
		if _, err := typ.Create(w.ctx, r); err == nil {
			t.Errorf("%s: what exists is taken without being asked for", c.typ)
		}
		r.Import = true
		got, err := typ.Create(w.ctx, r)
		if err != nil || !got.Imported || got.PhysicalID != c.id {
			t.Errorf("%s: %+v, %v", c.typ, got, err)
		}
	}
	if got := w.must("s3", "GetBucketVersioning", object{"Bucket": "left-over"}); !has(got, object{"VersioningConfiguration": object{"Status": "Enabled"}}) {
		t.Errorf("the bucket's versioning is %v", got)
	}
	if got := w.must("ssm", "GetParameter", object{"Name": "/left/over"}); got["Parameter"].(object)["Value"] != "new" {
		t.Errorf("the parameter is %v", got)
	}
	r := w.request("X")
	typ := lookup(t, "AWS::S3::Bucket")
	r.Properties, r.Import = check(t, typ, "BucketName: fresh"), true
	if got, err := typ.Create(w.ctx, r); err != nil || got.Imported {
		t.Errorf("a new bucket: %+v, %v", got, err)
	}
}
