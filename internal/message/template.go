package message

import (
	"html"
	"strings"
	"unicode"
)

// Template is a subject and a body, in which {####} stands for the code and
// {username} for the user's name. A text message has no subject.
type Template struct{ Subject, Body string }

// The texts of Cognito, for pools that set none.
var (
	// DefaultVerification is sent with confirmation and reset codes.
	DefaultVerification = Template{Subject: "Your verification code", Body: "Your verification code is {####}. "}
	// DefaultInvitation is sent by AdminCreateUser.
	DefaultInvitation = Template{Subject: "Your temporary password", Body: "Your username is {username} and temporary password is {####}. "}
)

// Or returns t with what it leaves empty taken from other.
func (t Template) Or(other Template) Template {
	if t.Subject == "" {
		t.Subject = other.Subject
	}
	if t.Body == "" {
		t.Body = other.Body
	}
	return t
}

// Message fills the template in for one medium. The caller adds PoolID, To
// and Kind.
func (t Template) Message(medium, code, username string) Message {
	m := Message{Medium: medium, Username: username, Code: code}
	if medium == SMS {
		m.Body = RenderText(t.Body, code, username)
		return m
	}
	m.Subject = OneLine(RenderText(t.Subject, code, username))
	m.Body = Render(t.Body, code, username)
	return m
}

// Render fills in a mail's body, which is HTML: what is put in place of {####}
// and {username} is escaped, so that a user's name never becomes markup. Both
// are replaced in one pass: a user named "{####}" gets no second code.
func Render(template, code, username string) string {
	return fill(template, html.EscapeString(code), html.EscapeString(username))
}

// RenderText fills in a text message or a subject. Control and format
// characters in the values are dropped: a text cannot be made to look like two.
func RenderText(template, code, username string) string {
	return fill(template, printable(code), printable(username))
}

func fill(template, code, username string) string {
	return strings.NewReplacer("{####}", code, "{username}", username).Replace(template)
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s)
}

// OneLine returns s with every run of control characters and line separators
// made one space: text that is safe as the value of a header.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp)
	}), " ")
}
