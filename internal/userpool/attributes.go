package userpool

import (
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/secret"
)

// MaxAttribute is the longest attribute value, in characters.
const MaxAttribute = 2048

// AttributeWrite says who writes attributes, and when.
type AttributeWrite struct {
	// Client is the app client through which a user writes its own attributes;
	// nil for an administrator, who may also write developer-only attributes
	// and the *_verified flags.
	Client *Client
	// Creating is true for SignUp and AdminCreateUser: only then can immutable
	// attributes be set.
	Creating bool
	// Completing is true at the first sign-in of a user that was created
	// without all that the pool requires: what is missing of that can be set
	// then, immutable or not, or the user could never sign in.
	Completing bool
	// Require demands that every required attribute is there afterwards.
	Require bool
}

// CheckAttributes checks changes to a user's attributes against the schema and
// returns the attributes as they are after them; current and changes stay as
// they were. In an update, an empty value deletes the attribute.
//
// A new e-mail address or phone number is unverified unless the same change
// says otherwise. Whether a code is sent, or the old value kept until it is
// verified, is for the caller to decide.
func (p *Pool) CheckAttributes(op AttributeWrite, current, changes map[string]string) (map[string]string, error) {
	names := slices.Sorted(maps.Keys(changes))
	// What a client may not write is refused before anything is said about
	// the schema or the values.
	if op.Client != nil {
		for _, n := range names {
			if !op.Client.CanWrite(n) {
				return nil, apierr.New(apierr.NotAuthorized, "A client attempted to write unauthorized attribute")
			}
		}
	}
	result := maps.Clone(current)
	if result == nil {
		result = make(map[string]string, len(changes))
	}
	var lines []string
	for _, n := range names {
		a, ok := p.Attribute(n)
		if !ok {
			if op.Creating {
				return nil, apierr.Newf(apierr.InvalidParameter, "Type for attribute {%s} could not be determined", n)
			}
			lines = append(lines, n+": Attribute does not exist in the schema.")
			continue
		}
		// sub is given by the server, even when a user is created.
		settable := op.Creating || a.Mutable || op.Completing && a.Required && current[n] == ""
		if n == "sub" || !settable {
			lines = append(lines, n+": Attribute cannot be updated.")
			continue
		}
		v := changes[n]
		if v == "" {
			delete(result, n)
			continue
		}
		v, reason, err := a.check(v)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			lines = append(lines, n+": "+reason)
			continue
		}
		result[n] = v
	}
	if len(lines) > 0 {
		return nil, op.violations(lines)
	}
	if err := p.checkVerified(op, current, changes, result); err != nil {
		return nil, err
	}
	if err := p.checkPreferred(changes); err != nil {
		return nil, err
	}
	return result, p.checkRequired(op, changes, result)
}

func (op AttributeWrite) violations(lines []string) error {
	if op.Creating {
		return apierr.New(apierr.InvalidParameter, "Attributes did not conform to the schema: "+strings.Join(lines, "\n")+"\n")
	}
	return apierr.New(apierr.InvalidParameter, "Invalid user attributes: user."+strings.Join(lines, "\nuser.")+"\n")
}

// checkVerified keeps the *_verified flags true to what they are about.
func (p *Pool) checkVerified(op AttributeWrite, current, changes, result map[string]string) error {
	for _, n := range []string{"email", "phone_number"} {
		flag := n + "_verified"
		_, flagged := changes[flag]
		switch {
		case result[n] == "":
			if changes[flag] != "" && strings.EqualFold(changes[flag], "true") {
				if n == "email" {
					return apierr.New(apierr.InvalidParameter, "Email is required to verify/un-verify an email")
				}
				return apierr.New(apierr.InvalidParameter, "Phone Number is required to verify/un-verify a phone number")
			}
			delete(result, flag)
		case !op.Creating && result[n] != current[n] && !flagged:
			result[flag] = "false"
		}
	}
	return nil
}

// checkPreferred refuses a preferred_username that is an alias and has the form
// of another alias: nobody verifies it, so it would be a way to somebody
// else's address, to whoever looks a user up by that.
func (p *Pool) checkPreferred(changes map[string]string) error {
	const name = "preferred_username"
	if !slices.Contains(p.AliasAttributes, name) {
		return nil
	}
	if form := p.aliasForm(changes[name]); form != "" {
		return apierr.Newf(apierr.InvalidParameter, "Attribute %s cannot be of %s format, since user pool is configured for %[2]s alias.", name, aliasWords[form])
	}
	return nil
}

var aliasWords = map[string]string{"email": "email", "phone_number": "phone number"}

// aliasForm returns which of the pool's verified aliases a name has the form
// of, "" for none. Names are compared as they are looked up: a full-width @
// makes an address too.
func (p *Pool) aliasForm(name string) string {
	n, err := p.Normalize(name)
	if err != nil {
		return ""
	}
	switch {
	case slices.Contains(p.AliasAttributes, "email") && message.CheckEmail(n) == nil:
		return "email"
	case slices.Contains(p.AliasAttributes, "phone_number") && message.CheckPhone(n) == nil:
		return "phone_number"
	}
	return ""
}

func (p *Pool) checkRequired(op AttributeWrite, changes, result map[string]string) error {
	var lines []string
	for _, a := range p.Schema {
		if !a.Required || a.Name == "sub" || result[a.Name] != "" {
			continue
		}
		// An administrator may create users without what the pool requires:
		// they are asked for it when they sign in. Nobody may delete it.
		if _, deleted := changes[a.Name]; op.Require || deleted && !op.Creating {
			lines = append(lines, a.Name+": The attribute is required")
		}
	}
	if len(lines) > 0 {
		return apierr.New(apierr.InvalidParameter, "Attributes did not conform to the schema: "+strings.Join(lines, "\n")+"\n")
	}
	if op.Creating || len(p.UsernameAttributes) == 0 {
		return nil
	}
	// A user must keep something to sign in with.
	for _, n := range p.UsernameAttributes {
		if _, deleted := changes[n]; deleted && result[n] == "" {
			return apierr.Newf(apierr.InvalidParameter, "Attribute %s is used to sign in and cannot be deleted.", n)
		}
	}
	return nil
}

// MissingRequired returns the names of the required attributes that the user
// does not have, in the order of the schema.
func (p *Pool) MissingRequired(attributes map[string]string) []string {
	var missing []string
	for _, a := range p.Schema {
		if a.Required && a.Name != "sub" && attributes[a.Name] == "" {
			missing = append(missing, a.Name)
		}
	}
	return missing
}

// reserved reports whether only the server or an administrator writes the
// attribute. The name is folded first: a look-alike of a reserved name is
// nobody's to write either.
func reserved(name string) bool {
	n := strings.TrimSpace(fold(name))
	switch n {
	case "sub", "identities", "username", "email_verified", "phone_number_verified":
		return true
	}
	return strings.HasPrefix(n, "cognito:") || strings.HasPrefix(n, "dev:") || strings.HasPrefix(n, "custom:dev:")
}

// check returns the value as it is stored, or the reason why it breaks the
// schema.
func (a Attribute) check(v string) (stored, reason string, err error) {
	if len(v) > utf8.UTFMax*MaxAttribute || utf8.RuneCountInString(v) > MaxAttribute {
		return "", "String attributes cannot have a length of more than 2048", nil
	}
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return "", "Attribute values must be text", nil
	}
	switch a.Name {
	case "email":
		if message.CheckEmail(v) != nil {
			return "", "", apierr.New(apierr.InvalidParameter, "Invalid email address format.")
		}
	case "phone_number":
		if message.CheckPhone(v) != nil {
			return "", "", apierr.New(apierr.InvalidParameter, "Invalid phone number format.")
		}
	case "birthdate":
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "", "Birthdate must be of the form YYYY-MM-DD", nil
		}
	}
	switch a.Type {
	case TypeBoolean:
		v = strings.ToLower(v)
		if v != "true" && v != "false" {
			return "", "Boolean attributes must be true or false", nil
		}
	case TypeDateTime:
		if !isDateTime(v) {
			return "", "DateTime attributes must be ISO 8601 or epoch seconds", nil
		}
	case TypeNumber:
		n, ok := number(v)
		if !ok {
			return "", "Number attributes must be decimal numbers", nil
		}
		if low, ok := number(a.MinValue); ok && n.Cmp(low) < 0 {
			return "", "Number attributes cannot be less than " + a.MinValue, nil
		}
		if high, ok := number(a.MaxValue); ok && n.Cmp(high) > 0 {
			return "", "Number attributes cannot be more than " + a.MaxValue, nil
		}
	default:
		n := utf8.RuneCountInString(v)
		if low, err := strconv.Atoi(a.MinLength); err == nil && n < low {
			return "", "String attributes cannot have a length of less than " + a.MinLength, nil
		}
		if high, err := strconv.Atoi(a.MaxLength); err == nil && n > high {
			return "", "String attributes cannot have a length of more than " + a.MaxLength, nil
		}
	}
	return v, "", nil
}

var decimal = regexp.MustCompile(`\A[+-]?[0-9]{1,64}(\.[0-9]{1,64})?\z`)

func number(s string) (*big.Rat, bool) {
	if !decimal.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func isDateTime(v string) bool {
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if _, err := time.Parse(layout, v); err == nil {
			return true
		}
	}
	return false
}

// Identity is what names a new user.
type Identity struct {
	Sub        string
	Username   string
	Attributes map[string]string // as given, with the identifier among them
}

// NewIdentity decides how a user that signs up, or is created, as username is
// named. In a pool with UsernameAttributes, username is an e-mail address or
// phone number: it becomes that attribute, and the real username is the sub.
// Elsewhere username stays, lower-cased in a pool that is not case sensitive;
// it may not look like an alias of the pool.
func (p *Pool) NewIdentity(username string, attributes map[string]string) (Identity, error) {
	id := Identity{Sub: secret.UUID(), Attributes: maps.Clone(attributes)}
	if id.Attributes == nil {
		id.Attributes = make(map[string]string)
	}
	isEmail, isPhone := message.CheckEmail(username) == nil, message.CheckPhone(username) == nil
	if len(p.UsernameAttributes) == 0 {
		switch p.aliasForm(username) {
		case "email":
			return Identity{}, apierr.New(apierr.InvalidParameter, "Username cannot be of email format, since user pool is configured for email alias.")
		case "phone_number":
			return Identity{}, apierr.New(apierr.InvalidParameter, "Username cannot be of phone number format, since user pool is configured for phone number alias.")
		}
		id.Username = username
		n, err := p.Normalize(username)
		if err != nil {
			return Identity{}, apierr.New(apierr.InvalidParameter, "Invalid username.").Because(err)
		}
		if !p.CaseSensitive {
			id.Username = n
		}
		return id, nil
	}
	email, phone := slices.Contains(p.UsernameAttributes, "email"), slices.Contains(p.UsernameAttributes, "phone_number")
	kind := ""
	switch {
	case email && isEmail:
		kind = "email"
	case phone && isPhone:
		kind = "phone_number"
	case email && phone:
		return Identity{}, apierr.New(apierr.InvalidParameter, "Username should be either an email or a phone number.")
	case email:
		return Identity{}, apierr.New(apierr.InvalidParameter, "Username should be an email.")
	default:
		return Identity{}, apierr.New(apierr.InvalidParameter, "Username should be a phone number.")
	}
	if v := id.Attributes[kind]; v != "" && v != username {
		return Identity{}, apierr.Newf(apierr.InvalidParameter, "User %s should be empty or same as username, since username attribute is %s", kind, kind)
	}
	id.Attributes[kind] = username
	id.Username = id.Sub
	return id, nil
}
