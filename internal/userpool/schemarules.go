package userpool

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// maxCustomAttributes is how many attributes a pool can add.
const maxCustomAttributes = 50

// newSchema returns the schema of a new pool: the standard attributes, changed
// where the caller names them, and the caller's custom ones.
func newSchema(given []Attribute) ([]Attribute, error) {
	schema := standardSchema()
	var custom []Attribute
	seen := make(map[string]bool)
	for _, g := range given {
		i := slices.IndexFunc(schema, func(a Attribute) bool { return a.Name == g.Name })
		if i < 0 {
			custom = append(custom, g)
			continue
		}
		if seen[g.Name] {
			return nil, apierr.Newf(apierr.InvalidParameter, "%s: Existing attribute already has name %s.", g.Name, g.Name)
		}
		seen[g.Name] = true
		a, err := overrideStandard(schema[i], g)
		if err != nil {
			return nil, err
		}
		schema[i] = a
	}
	return addCustom(schema, custom)
}

// overrideStandard applies what a caller says about a standard attribute.
// Attribute.Mutable of g is what was asked for: front ends fill in the default.
func overrideStandard(a, g Attribute) (Attribute, error) {
	if g.DeveloperOnly || g.Type != "" && g.Type != a.Type {
		return a, apierr.Newf(apierr.InvalidParameter, "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute %s", g.Name)
	}
	if g.Name == "sub" {
		if !g.Required || g.Mutable {
			return a, apierr.New(apierr.InvalidParameter, "You can not change the standard schema attribute sub")
		}
		return a, nil
	}
	a.Mutable, a.Required = g.Mutable, g.Required
	if g.MinLength != "" {
		a.MinLength = g.MinLength
	}
	if g.MaxLength != "" {
		a.MaxLength = g.MaxLength
	}
	if g.MinValue != "" {
		a.MinValue = g.MinValue
	}
	if g.MaxValue != "" {
		a.MaxValue = g.MaxValue
	}
	return a, checkConstraints(a)
}

// addCustom adds custom attributes, given by their names without prefix.
func addCustom(schema, given []Attribute) ([]Attribute, error) {
	count := 0
	for _, a := range schema {
		if a.Custom() {
			count++
		}
	}
	for _, a := range given {
		if a.Required {
			return nil, apierr.New(apierr.InvalidParameter, "Required custom attributes are not supported currently.")
		}
		switch a.Type {
		case TypeString, TypeNumber, TypeDateTime, TypeBoolean:
		default:
			return nil, apierr.New(apierr.InvalidParameter, "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.")
		}
		if err := checkCustomName(a.Name); err != nil {
			return nil, err
		}
		if a.DeveloperOnly {
			a.Name = developerPrefix + a.Name
		} else {
			a.Name = customPrefix + a.Name
		}
		if _, ok := find(schema, a.Name); ok {
			return nil, apierr.Newf(apierr.InvalidParameter, "%s: Existing attribute already has name %s.", a.Name, a.Name)
		}
		if err := checkConstraints(a); err != nil {
			return nil, err
		}
		if count++; count > maxCustomAttributes {
			return nil, apierr.Newf(apierr.InvalidParameter, "A user pool cannot have more than %d custom attributes.", maxCustomAttributes)
		}
		schema = append(schema, a)
	}
	return schema, nil
}

// checkCustomName refuses, besides what is too long, names that could be read
// as something else: a name with a prefix of its own, or with characters that
// are not seen.
func checkCustomName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 20 {
		return apierr.Newf(apierr.InvalidParameter, "Custom attribute names have 1 to 20 characters: %s", name)
	}
	if strings.HasPrefix(fold(name), "custom:") || strings.HasPrefix(fold(name), "dev:") || strings.HasPrefix(fold(name), "cognito:") {
		return apierr.Newf(apierr.InvalidParameter, "Custom attribute names are given without a prefix: %s", name)
	}
	for _, r := range name {
		if !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) {
			return apierr.New(apierr.InvalidParameter, "Custom attribute names have letters, marks, symbols, numbers and punctuation only.")
		}
	}
	return nil
}

func checkConstraints(a Attribute) error {
	invalid := func(kind string) error {
		return apierr.Newf(apierr.InvalidParameter, "Invalid %sAttributeConstraints for schema attribute %s", kind, a.Name)
	}
	if a.MinLength != "" || a.MaxLength != "" {
		if a.Type != TypeString {
			return invalid("String")
		}
		low, high := 0, MaxAttribute
		var err error
		if a.MinLength != "" {
			if low, err = strconv.Atoi(a.MinLength); err != nil || low < 0 {
				return invalid("String")
			}
		}
		if a.MaxLength != "" {
			if high, err = strconv.Atoi(a.MaxLength); err != nil || high < 0 {
				return invalid("String")
			}
		}
		if low > MaxAttribute || high > MaxAttribute {
			return apierr.Newf(apierr.InvalidParameter, "user.%s: String attributes cannot have a length of more than %d", a.Name, MaxAttribute)
		}
		if high < low {
			return apierr.Newf(apierr.InvalidParameter, "user.%s: Max length cannot be less than min length.", a.Name)
		}
	}
	if a.MinValue != "" || a.MaxValue != "" {
		if a.Type != TypeNumber {
			return invalid("Number")
		}
		var low, high *big.Rat
		var ok bool
		if a.MinValue != "" {
			if low, ok = number(a.MinValue); !ok {
				return invalid("Number")
			}
		}
		if a.MaxValue != "" {
			if high, ok = number(a.MaxValue); !ok {
				return invalid("Number")
			}
		}
		if low != nil && high != nil && high.Cmp(low) < 0 {
			return apierr.Newf(apierr.InvalidParameter, "user.%s: Max value cannot be less than min value.", a.Name)
		}
	}
	return nil
}
