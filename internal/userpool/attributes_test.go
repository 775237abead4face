package userpool_test

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// tenantPool is the product's headline case: the tenant is what nobody may
// write who belongs to it.
func tenantPool(t *testing.T) (node, *userpool.Pool) {
	n, _ := newNode(t)
	return n, n.pool(t, userpool.Settings{Schema: []userpool.Attribute{
		{Name: "tenantId", Type: userpool.TypeString, Mutable: true, MaxLength: "8", MinLength: "2"},
		{Name: "plan", Type: userpool.TypeString},
		{Name: "level", Type: userpool.TypeNumber, Mutable: true, MinValue: "1", MaxValue: "10"},
		{Name: "since", Type: userpool.TypeDateTime, Mutable: true},
		{Name: "flag", Type: userpool.TypeBoolean, Mutable: true},
		{Name: "secret", Type: userpool.TypeString, Mutable: true, DeveloperOnly: true},
		{Name: "given_name", Type: userpool.TypeString, Mutable: true, Required: true},
	}})
}

func TestAttributeValues(t *testing.T) {
	_, p := tenantPool(t)
	for _, tt := range []struct {
		name, value string
		text        string // "" is accepted
	}{
		{"email", "a@example.com", ""},
		{"email", "nonsense", "Invalid email address format."},
		{"email", "a@example.com\r\nBcc: b@example.com", "Invalid email address format."},
		{"phone_number", "+15550001", ""},
		{"phone_number", "5550001", "Invalid phone number format."},
		{"phone_number", "+1555000100010001", "Invalid phone number format."},
		{"birthdate", "1990-02-28", ""},
		{"birthdate", "1990-02-30", "Invalid user attributes: user.birthdate: Birthdate must be of the form YYYY-MM-DD\n"},
		{"updated_at", "0", ""},
		{"updated_at", "-1", "Invalid user attributes: user.updated_at: Number attributes cannot be less than 0\n"},
		{"name", strings.Repeat("é", 2048), ""},
		{"name", strings.Repeat("é", 2049), "Invalid user attributes: user.name: String attributes cannot have a length of more than 2048\n"},
		{"name", "nul\x00", "Invalid user attributes: user.name: Attribute values must be text\n"},
		{"custom:tenantId", "acme", ""},
		{"custom:tenantId", "a", "Invalid user attributes: user.custom:tenantId: String attributes cannot have a length of less than 2\n"},
		{"custom:tenantId", "acme-acme", "Invalid user attributes: user.custom:tenantId: String attributes cannot have a length of more than 8\n"},
		{"custom:level", "9.5", ""},
		{"custom:level", "11", "Invalid user attributes: user.custom:level: Number attributes cannot be more than 10\n"},
		{"custom:level", "0", "Invalid user attributes: user.custom:level: Number attributes cannot be less than 1\n"},
		{"custom:level", "1e1", "Invalid user attributes: user.custom:level: Number attributes must be decimal numbers\n"},
		{"custom:since", "2026-11-22T12:00:00Z", ""},
		{"custom:since", "yesterday", "Invalid user attributes: user.custom:since: DateTime attributes must be ISO 8601 or epoch seconds\n"},
		{"custom:flag", "TRUE", ""},
		{"custom:flag", "1", "Invalid user attributes: user.custom:flag: Boolean attributes must be true or false\n"},
		{"custom:plan", "gold", "Invalid user attributes: user.custom:plan: Attribute cannot be updated.\n"},
		{"sub", "x", "Invalid user attributes: user.sub: Attribute cannot be updated.\n"},
		{"custom:none", "x", "Invalid user attributes: user.custom:none: Attribute does not exist in the schema.\n"},
		{"Email", "a@example.com", "Invalid user attributes: user.Email: Attribute does not exist in the schema.\n"},
		{"email_verified", "true", "Email is required to verify/un-verify an email"},
		{"phone_number_verified", "true", "Phone Number is required to verify/un-verify a phone number"},
		{"given_name", "", "Attributes did not conform to the schema: given_name: The attribute is required\n"},
		{"dev:custom:secret", "x", ""},
	} {
		changes := map[string]string{tt.name: tt.value}
		got, err := p.CheckAttributes(userpool.AttributeWrite{}, map[string]string{"given_name": "A"}, changes)
		if tt.text != "" {
			wantError(t, err, apierr.InvalidParameter, tt.text)
			if got != nil && err == nil {
				t.Errorf("%s: attributes with an error", tt.name)
			}
			continue
		}
		if err != nil || !strings.EqualFold(got[tt.name], tt.value) || got["given_name"] != "A" {
			t.Errorf("%s=%.20q: %v, %v", tt.name, tt.value, got, err)
		}
	}
}

func TestAttributesAreCheckedTogether(t *testing.T) {
	_, p := tenantPool(t)
	current := map[string]string{"given_name": "A", "email": "a@example.com", "email_verified": "true", "name": "n"}
	before := maps.Clone(current)

	got, err := p.CheckAttributes(userpool.AttributeWrite{}, current, map[string]string{"email": "b@example.com", "name": ""})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"given_name": "A", "email": "b@example.com", "email_verified": "false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after a change of address (-want +got):\n%s", diff)
	}
	if !maps.Equal(current, before) {
		t.Error("the current attributes were changed")
	}
	if got, err = p.CheckAttributes(userpool.AttributeWrite{}, current, map[string]string{"email": "b@example.com", "email_verified": "true"}); err != nil || got["email_verified"] != "true" {
		t.Errorf("an administrator verifies: %v, %v", got, err)
	}
	if got, err = p.CheckAttributes(userpool.AttributeWrite{}, current, map[string]string{"email": "a@example.com"}); err != nil || got["email_verified"] != "true" {
		t.Errorf("the same address again: %v, %v", got, err)
	}
	if got, err = p.CheckAttributes(userpool.AttributeWrite{}, current, map[string]string{"email": ""}); err != nil || got["email_verified"] != "" {
		t.Errorf("the flag outlives the address: %v, %v", got, err)
	}
	_, err = p.CheckAttributes(userpool.AttributeWrite{Creating: true}, nil, map[string]string{"custom:none": "x"})
	wantError(t, err, apierr.InvalidParameter, "Type for attribute {custom:none} could not be determined")
	_, err = p.CheckAttributes(userpool.AttributeWrite{Creating: true, Require: true}, nil, map[string]string{"email": "a@example.com"})
	wantError(t, err, apierr.InvalidParameter, "Attributes did not conform to the schema: given_name: The attribute is required\n")
	_, err = p.CheckAttributes(userpool.AttributeWrite{}, current, map[string]string{"custom:x": "1", "custom:y": "1"})
	wantError(t, err, apierr.InvalidParameter,
		"Invalid user attributes: user.custom:x: Attribute does not exist in the schema.\nuser.custom:y: Attribute does not exist in the schema.\n")
	if got := p.MissingRequired(nil); len(got) != 1 || got[0] != "given_name" {
		t.Errorf("missing %v", got)
	}
}

func TestSec_ATTR_1_ClientsWriteWhatTheyAreAllowed(t *testing.T) {
	_, p := tenantPool(t)
	open := &userpool.Client{}
	closed := &userpool.Client{ClientSettings: userpool.ClientSettings{WriteAttributes: []string{"given_name", "name"}}}
	current := map[string]string{"given_name": "A"}
	denied := "A client attempted to write unauthorized attribute"
	for _, tt := range []struct {
		client  *userpool.Client
		name    string
		allowed bool
	}{
		{open, "name", true}, {open, "custom:tenantId", true}, // parity: unset means everything
		{closed, "name", true}, {closed, "custom:tenantId", false}, {closed, "email", false},
	} {
		for _, creating := range []bool{true, false} {
			_, err := p.CheckAttributes(userpool.AttributeWrite{Client: tt.client, Creating: creating}, current, map[string]string{tt.name: "acme"})
			if tt.allowed && err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if !tt.allowed {
				wantError(t, err, apierr.NotAuthorized, denied)
			}
		}
		// Deleting is writing.
		if _, err := p.CheckAttributes(userpool.AttributeWrite{Client: tt.client}, current, map[string]string{tt.name: ""}); tt.allowed != (err == nil) {
			t.Errorf("delete %s: %v", tt.name, err)
		}
	}
}

func TestSec_ATTR_1_OpenCustomAttributesAreWarnedOf(t *testing.T) {
	n, p := tenantPool(t)
	plain := n.pool(t, userpool.Settings{})
	var log bytes.Buffer
	n.Logger = slog.New(slog.NewTextHandler(&log, nil))
	warned := func() bool {
		defer log.Reset()
		return strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "custom:tenantId")
	}
	open := n.client(t, p, userpool.NewClient{})
	if !warned() {
		t.Error("no warning of a client that may write the tenant")
	}
	closed := userpool.ClientSettings{WriteAttributes: []string{"given_name"}}
	if _, err := n.UpdateClient(t.Context(), p.ID, open.ID, "", closed); err != nil || warned() {
		t.Errorf("a warning of a client with WriteAttributes, or %v", err)
	}
	if _, err := n.UpdateClient(t.Context(), p.ID, open.ID, "", userpool.ClientSettings{}); err != nil || !warned() {
		t.Errorf("no warning when WriteAttributes were taken away: %v", err)
	}
	if n.client(t, plain, userpool.NewClient{}); warned() {
		t.Error("a warning in a pool without custom attributes")
	}
}

func TestSec_ATTR_2_ReservedNamesInEverySpelling(t *testing.T) {
	_, p := tenantPool(t)
	for _, name := range reservedSpellings {
		for _, c := range []*userpool.Client{{}, {ClientSettings: userpool.ClientSettings{WriteAttributes: []string{name}}}} {
			for _, creating := range []bool{true, false} {
				got, err := p.CheckAttributes(userpool.AttributeWrite{Client: c, Creating: creating},
					map[string]string{"email": "a@example.com", "phone_number": "+1"}, map[string]string{name: "true"})
				if err == nil {
					t.Errorf("a client wrote %q: %v", name, got)
				}
			}
		}
	}
	n, _ := newNode(t)
	pool := n.pool(t, userpool.Settings{})
	for _, name := range reservedSpellings {
		_, err := n.CreateClient(t.Context(), pool.ID, userpool.NewClient{Name: "x", ClientSettings: userpool.ClientSettings{WriteAttributes: []string{name}}})
		if err == nil {
			t.Errorf("a client was made that may write %q", name)
		}
	}
}

var reservedSpellings = []string{
	"sub", "SUB", "sub ", " sub", "\uff53ub", "\u017fub", "identities", "Identities", "username",
	"email_verified", "Email_Verified", "email_verified ", "email\uff3fverified", "phone_number_verified",
	"cognito:groups", "Cognito:groups", "cognito:username", "cognito:user_status", "cognito\uff1agroups",
	"dev:custom:secret", "DEV:custom:secret", "custom:dev:secret", "dev:secret",
}

func FuzzReservedAttributes(f *testing.F) {
	for _, name := range reservedSpellings {
		f.Add(name, "true")
	}
	f.Add("custom:tenantId", "acme")
	// The pool is built without a store: attribute rules are pure.
	p := &userpool.Pool{Settings: userpool.Settings{Schema: []userpool.Attribute{
		{Name: "sub", Type: "String"}, {Name: "email", Type: "String", Mutable: true}, {Name: "email_verified", Type: "Boolean", Mutable: true},
		{Name: "phone_number", Type: "String", Mutable: true}, {Name: "phone_number_verified", Type: "Boolean", Mutable: true},
		{Name: "name", Type: "String", Mutable: true}, {Name: "custom:tenantId", Type: "String", Mutable: true},
		{Name: "dev:custom:secret", Type: "String", Mutable: true},
	}}}
	writable := map[string]bool{"email": true, "phone_number": true, "name": true, "custom:tenantId": true}
	f.Fuzz(func(t *testing.T, name, value string) {
		current := map[string]string{"email": "a@example.com", "email_verified": "true"}
		got, err := p.CheckAttributes(userpool.AttributeWrite{Client: &userpool.Client{}}, current, map[string]string{name: value})
		if err != nil {
			if got != nil {
				t.Fatal("attributes with an error")
			}
			return
		}
		if !writable[name] {
			t.Fatalf("a client wrote %q", name)
		}
		if got["email"] != current["email"] && got["email_verified"] == "true" {
			t.Fatalf("a new address is verified: %v", got)
		}
	})
}

func TestSec_ATTR_3_ImmutableAttributesAreSetOnceOnly(t *testing.T) {
	n, p := tenantPool(t)
	u := n.user(t, p, "ann", map[string]string{"given_name": "A", "custom:plan": "gold"})
	if u.Attributes["custom:plan"] != "gold" {
		t.Fatal("an immutable attribute cannot be given at creation")
	}
	for _, c := range []*userpool.Client{nil, {}, {ClientSettings: userpool.ClientSettings{WriteAttributes: []string{"custom:plan"}}}} {
		for _, value := range []string{"silver", "", "gold"} {
			_, err := p.CheckAttributes(userpool.AttributeWrite{Client: c}, u.Attributes, map[string]string{"custom:plan": value})
			wantError(t, err, apierr.InvalidParameter, "Invalid user attributes: user.custom:plan: Attribute cannot be updated.\n")
		}
	}
	err := n.DeleteAttributes(t.Context(), p.ID, "ann", []string{"custom:plan"})
	wantError(t, err, apierr.InvalidParameter, "")
	wantError(t, n.DeleteAttributes(t.Context(), p.ID, "ann", []string{"custom:none"}), apierr.InvalidParameter,
		"Invalid user attributes: user.custom:none: Attribute does not exist in the schema.\n")
	if _, got, err := n.User(t.Context(), p.ID, "ann"); err != nil || got.Attributes["custom:plan"] != "gold" {
		t.Errorf("plan is %q, %v", got.Attributes["custom:plan"], err)
	}
}
