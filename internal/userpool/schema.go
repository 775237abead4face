package userpool

import "strings"

// Data types of attributes. Values are strings everywhere; the type says which
// strings.
const (
	TypeString   = "String"
	TypeNumber   = "Number"
	TypeDateTime = "DateTime"
	TypeBoolean  = "Boolean"
)

// Attribute is one attribute of a pool's schema.
type Attribute struct {
	Name          string `json:"name"` // as users have it: "email", "custom:tenantId"
	Type          string `json:"type"`
	DeveloperOnly bool   `json:"dev,omitzero"`
	Mutable       bool   `json:"mutable,omitzero"`
	Required      bool   `json:"required,omitzero"`
	// Constraints are decimal text, as on the wire; "" means none.
	MinLength string `json:"minLength,omitzero"`
	MaxLength string `json:"maxLength,omitzero"`
	MinValue  string `json:"minValue,omitzero"`
	MaxValue  string `json:"maxValue,omitzero"`
}

// Prefixes of attributes that a pool adds to the standard ones.
const (
	customPrefix    = "custom:"
	developerPrefix = "dev:custom:"
)

// Custom reports whether the attribute is one that the pool added.
func (a Attribute) Custom() bool { return isCustom(a.Name) }

func isCustom(name string) bool {
	return strings.HasPrefix(name, customPrefix) || strings.HasPrefix(name, developerPrefix)
}

// Attribute returns the schema's attribute of that exact name.
func (p *Pool) Attribute(name string) (Attribute, bool) { return find(p.Schema, name) }

func find(schema []Attribute, name string) (Attribute, bool) {
	for _, a := range schema {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// standardSchema returns the attributes that every pool has, in the order in
// which Cognito lists them.
func standardSchema() []Attribute {
	text := func(name string) Attribute {
		return Attribute{Name: name, Type: TypeString, Mutable: true, MinLength: "0", MaxLength: "2048"}
	}
	flag := func(name string) Attribute { return Attribute{Name: name, Type: TypeBoolean, Mutable: true} }
	return []Attribute{
		{Name: "sub", Type: TypeString, Required: true, MinLength: "1", MaxLength: "2048"},
		text("name"), text("given_name"), text("family_name"), text("middle_name"), text("nickname"),
		text("preferred_username"), text("profile"), text("picture"), text("website"),
		text("email"), flag("email_verified"), text("gender"),
		{Name: "birthdate", Type: TypeString, Mutable: true, MinLength: "10", MaxLength: "10"},
		text("zoneinfo"), text("locale"), text("phone_number"), flag("phone_number_verified"), text("address"),
		{Name: "updated_at", Type: TypeNumber, Mutable: true, MinValue: "0"},
	}
}
