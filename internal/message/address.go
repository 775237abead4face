package message

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
)

// ErrAddress is returned for a destination or sender that is not one bare
// address of its medium. It never quotes the address.
var ErrAddress = errors.New("message: malformed address")

// CheckEmail reports whether s is one bare e-mail address, fit for a header
// and for SMTP's RCPT: no display name, list, comment, quoting or control
// character. The error is ErrAddress.
func CheckEmail(s string) error {
	if len(s) > 320 || hasControl(s) || strings.ContainsAny(s, " \t,;<>()[]\"\\") {
		return ErrAddress
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return ErrAddress
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

// CheckPhone reports whether s is one phone number in the form of E.164: a
// plus sign and at most 15 digits. The error is ErrAddress.
func CheckPhone(s string) error {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok || digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return ErrAddress
	}
	return nil
}

// MaskEmail returns how an e-mail address is shown to someone who may not be
// its owner: the first character of each side.
func MaskEmail(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	return first(local) + "***@" + first(domain) + "***"
}

// MaskPhone returns how a phone number is shown to someone who may not be its
// owner: the last four digits.
func MaskPhone(number string) string {
	digits := strings.TrimPrefix(number, "+")
	keep := max(len(digits)-4, 0)
	return "+" + strings.Repeat("*", keep) + digits[keep:]
}

// Mask masks a destination of the medium.
func Mask(medium, destination string) string {
	if medium == SMS {
		return MaskPhone(destination)
	}
	return MaskEmail(destination)
}

func first(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
