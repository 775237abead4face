package userpool

import (
	"net/url"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

func FuzzRedirectURL(f *testing.F) {
	for _, s := range []string{
		"https://example.com/cb", "http://localhost:3000/x", "http://[::1]:1/", "myapp://cb", "http://example.com", "https://a/#x",
		"JavaScript:alert(1)", "https:\\\\evil", "https://user@host/", "http://localhost@evil/", "//host/path", "\thttps://a/", "data:,x", "https://a/%23",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if checkRedirect(raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme == "" || strings.ContainsAny(raw, "#\t\r\n") {
			t.Fatalf("%q is accepted", raw)
		}
		switch u.Scheme {
		case "javascript", "data", "vbscript", "file", "blob":
			t.Fatalf("%q is accepted", raw)
		case "http":
			if h := u.Hostname(); h != "localhost" && h != "127.0.0.1" && h != "::1" {
				t.Fatalf("%q is accepted", raw)
			}
		case "https":
			if u.Host == "" {
				t.Fatalf("%q is accepted", raw)
			}
		}
	})
}

func FuzzPageToken(f *testing.F) {
	s := &Service{KEK: secret.NewKEK([32]byte{1})}
	real := s.nextToken("cursor", "users", "us-east-1_a", "")
	for _, t := range []string{real, real[1:], "", "AAAA", "%%%", s.nextToken("cursor", "groups", "us-east-1_a", "")} {
		f.Add(t)
	}
	f.Fuzz(func(t *testing.T, token string) {
		p, err := s.storePage(Page{Token: token}, "users", "us-east-1_a", "")
		if err != nil && p != (store.Page{}) {
			t.Fatalf("%+v with %v", p, err)
		}
		if err == nil && token != "" && p.After != "cursor" {
			t.Fatalf("a token that was not given out leads to %q", p.After)
		}
	})
}

func FuzzGroupCursor(f *testing.F) {
	one, two := int64(1), int64(2)
	groups := []store.Group{{Name: "a", Precedence: &one}, {Name: "b", Precedence: &one}, {Name: "a2", Precedence: &two}, {Name: "z"}}
	for _, g := range groups {
		f.Add(groupCursor(g))
	}
	f.Add("[]")
	f.Add(`["x","y"]`)
	f.Fuzz(func(t *testing.T, cursor string) {
		rest := groupsAfter(groups, cursor)
		if len(rest) > len(groups) || len(rest) > 0 && rest[len(rest)-1].Name != "z" {
			t.Fatalf("after %q come %v", cursor, rest)
		}
	})
}
