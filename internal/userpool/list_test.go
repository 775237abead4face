package userpool_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func names(users []store.User) []string {
	var out []string
	for _, u := range users {
		out = append(out, u.Username)
	}
	return out
}

func TestSec_PARSE_3_ListUsersFindsWhatTheFilterSays(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{CaseChosen: true, CaseSensitive: true})
	n.user(t, p, "Ann", map[string]string{"name": "Zoë", "email": "Ann@Example.com", "given_name": "a%b"})
	n.user(t, p, "bob", map[string]string{"name": "zoë b", "email": "bob@example.com", "family_name": `quo"te`})
	n.user(t, p, "Bert", map[string]string{"name": "Yan", "phone_number": "+15550001"})
	if err := n.AdminSetPassword(t.Context(), userpool.PasswordChange{PoolID: p.ID, Username: "bob", Password: "Passw0rd!", Permanent: true}); err != nil {
		t.Fatal(err)
	}
	if err := n.SetEnabled(t.Context(), p.ID, "Bert", false); err != nil {
		t.Fatal(err)
	}
	_, ann, err := n.User(t.Context(), p.ID, "Ann")
	if err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string][]string{
		`name = "zoË"`:                       {"Ann"},
		`name ^= "zo"`:                       {"Ann", "bob"},
		`name ^= ""`:                         {"Bert", "Ann", "bob"},
		`email = "ann@example.COM"`:          {"Ann"},
		`username = "ann"`:                   nil, // searched as it is spelt
		`username = "Ann"`:                   {"Ann"},
		`username ^= "B"`:                    {"Bert"},
		`sub = "` + ann.Sub + `"`:            {"Ann"},
		`sub ^= "` + ann.Sub[:20] + `"`:      {"Ann"},
		`status = "Disabled"`:                {"Bert"},
		`status = "disabled"`:                nil,
		`cognito:user_status = "CONFIRMED"`:  {"bob"},
		`cognito:user_status ^= "force"`:     {"Ann", "Bert"},
		`phone_number ^= "+1555"`:            {"Bert"},
		`given_name = "a%b"`:                 {"Ann"},
		`given_name ^= "%"`:                  nil,
		`family_name = "quo\"te"`:            {"bob"},
		`preferred_username = "' OR 1=1 --"`: nil,
	} {
		users, next, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Filter: filter})
		if err != nil || next != "" {
			t.Errorf("%s: %v, next %q", filter, err, next)
		}
		// Users with the same value come in order of their random subs; the
		// order by value is checked below.
		got := names(users)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", filter, got, want)
		}
	}
	users, _, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Filter: `name ^= ""`})
	if got := names(users); err != nil || !slices.Equal(got, []string{"Bert", "Ann", "bob"}) {
		t.Errorf("in order of the name: %v, %v", got, err)
	}
	_, _, err = n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Filter: `custom:x = "y"`})
	wantError(t, err, apierr.InvalidParameter, "Invalid search attribute: custom:x")
	_, _, err = n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Attributes: []string{"custom:x"}})
	wantError(t, err, apierr.InvalidParameter, "")
	users, _, err = n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Filter: `username = "Ann"`, Attributes: []string{"email"}})
	if err != nil || len(users) != 1 || len(users[0].Attributes) != 1 || users[0].Attributes["email"] != "Ann@Example.com" {
		t.Errorf("AttributesToGet: %+v, %v", users, err)
	}
}

func TestListUsersPages(t *testing.T) {
	n, c := newNode(t)
	p, other := n.pool(t, userpool.Settings{}), n.pool(t, userpool.Settings{})
	for i := range 7 {
		n.user(t, p, fmt.Sprint("u", i), map[string]string{"name": "same"})
	}
	for _, filter := range []string{"", `name = "same"`} {
		seen := map[string]bool{}
		in := userpool.ListUsers{Filter: filter, Page: userpool.Page{Limit: 3}}
		for {
			users, next, err := n.ListUsers(t.Context(), p.ID, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range users {
				if seen[u.Sub] {
					t.Errorf("%s came twice", u.Username)
				}
				seen[u.Sub] = true
			}
			if in.Token = next; next == "" {
				break
			}
		}
		if len(seen) != 7 {
			t.Errorf("filter %q: %d users, want 7", filter, len(seen))
		}
	}
	_, token, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Page: userpool.Page{Limit: 3}})
	if err != nil {
		t.Fatal(err)
	}
	for what, call := range map[string]func() error{
		"another pool": func() error {
			_, _, err := n.ListUsers(t.Context(), other.ID, userpool.ListUsers{Page: userpool.Page{Token: token}})
			return err
		},
		"another filter": func() error {
			_, _, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Filter: `name = "same"`, Page: userpool.Page{Token: token}})
			return err
		},
		"another list": func() error {
			_, _, err := n.ListGroups(t.Context(), p.ID, userpool.Page{Token: token})
			return err
		},
		"cut short": func() error {
			_, _, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Page: userpool.Page{Token: token[:10]}})
			return err
		},
		"61 users a page": func() error {
			_, _, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Page: userpool.Page{Limit: 61}})
			return err
		},
	} {
		if err := call(); apierr.CodeOf(err) != apierr.InvalidParameter {
			t.Errorf("%s: %v", what, err)
		}
	}
	c.Advance(time.Hour + time.Second)
	_, _, err = n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Page: userpool.Page{Token: token}})
	wantError(t, err, apierr.InvalidParameter, "The pagination token has expired.")
}

func precedence(n int64) *int64 { return &n }

func TestGroups(t *testing.T) {
	n, c := newNode(t)
	p := n.pool(t, userpool.Settings{})
	u := n.user(t, p, "ann", nil)
	for name, rank := range map[string]*int64{"b": precedence(1), "a": precedence(1), "last": nil, "first": precedence(0)} {
		if _, err := n.CreateGroup(t.Context(), p.ID, userpool.Group{Name: name, Precedence: rank}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // joining twice is joining once
			if err := n.AddToGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: name, Username: "ann"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := n.CreateGroup(t.Context(), p.ID, userpool.Group{Name: "a"})
	wantError(t, err, apierr.GroupExists, "A group with the name already exists.")

	want := []string{"first", "a", "b", "last"}
	for limit := range 5 {
		var got []string
		page := userpool.Page{Limit: limit}
		for {
			groups, next, err := n.UserGroups(t.Context(), p.ID, u.Sub, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				got = append(got, g.Name)
			}
			if page.Token = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	c.Advance(time.Minute)
	description := "everyone"
	g, err := n.UpdateGroup(t.Context(), p.ID, userpool.Group{Name: "a", Description: &description})
	if err != nil || g.Description != description || g.Precedence == nil || *g.Precedence != 1 || !g.UpdatedAt.After(g.CreatedAt) {
		t.Errorf("updated group %+v, %v", g, err)
	}
	if got, err := n.Group(t.Context(), p.ID, "a"); err != nil || got.Description != description {
		t.Errorf("stored group %+v, %v", got, err)
	}
	members, _, err := n.GroupMembers(t.Context(), p.ID, "a", userpool.Page{})
	if err != nil || len(members) != 1 || members[0].Sub != u.Sub {
		t.Errorf("members %v, %v", names(members), err)
	}
	for range 2 { // leaving twice is leaving once
		if err := n.RemoveFromGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: "a", Username: "ann"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.DeleteGroup(t.Context(), p.ID, "b"); err != nil {
		t.Fatal(err)
	}
	if groups, _, err := n.UserGroups(t.Context(), p.ID, "ann", userpool.Page{}); err != nil || len(groups) != 2 {
		t.Errorf("%d groups left, %v", len(groups), err)
	}
	const gone = "Group not found."
	wantError(t, n.DeleteGroup(t.Context(), p.ID, "b"), apierr.ResourceNotFound, gone)
	_, err = n.Group(t.Context(), p.ID, "b")
	wantError(t, err, apierr.ResourceNotFound, gone)
	_, err = n.UpdateGroup(t.Context(), p.ID, userpool.Group{Name: "b"})
	wantError(t, err, apierr.ResourceNotFound, gone)
	_, _, err = n.GroupMembers(t.Context(), p.ID, "b", userpool.Page{})
	wantError(t, err, apierr.ResourceNotFound, gone)
	wantError(t, n.AddToGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: "b", Username: "ann"}), apierr.ResourceNotFound, gone)
	wantError(t, n.RemoveFromGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: "b", Username: "ann"}), apierr.ResourceNotFound, gone)
	wantError(t, n.AddToGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: "a", Username: "bob"}), apierr.UserNotFound, "User does not exist.")
}

func TestGroupsOfAUserAreBounded(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	n.user(t, p, "ann", nil)
	for i := range 101 {
		name := fmt.Sprint("g", i)
		if _, err := n.CreateGroup(t.Context(), p.ID, userpool.Group{Name: name}); err != nil {
			t.Fatal(err)
		}
		err := n.AddToGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: name, Username: "ann"})
		if i < 100 && err != nil {
			t.Fatal(err)
		}
		if i == 100 {
			wantError(t, err, apierr.LimitExceeded, "")
		}
	}
}

// A user that is created twice at the same moment exists once.
func TestRacingCreatesOfOneUser(t *testing.T) { onDatabases(t, testTestRacingCreatesOfOneUser) }

func testTestRacingCreatesOfOneUser(t *testing.T, ns []node, _ *clock) {
	p := ns[0].pool(t, userpool.Settings{})
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = ns[i%2].CreateUser(t.Context(), p.ID, userpool.NewUser{Username: "ann", Suppress: true})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, apierr.UsernameExists, "User account already exists")
	}
	if n, err := ns[0].EstimateUsers(t.Context(), p.ID); won != 1 || n != 1 || err != nil {
		t.Errorf("%d creations won, %d users, %v", won, n, err)
	}
}

// A user who comes back after deletion is somebody else.
func TestSec_DB_4_ARecreatedUserIsNew(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	old := n.user(t, p, "ann", map[string]string{"email": "a@example.com"})
	if _, err := n.CreateGroup(t.Context(), p.ID, userpool.Group{Name: "g"}); err != nil {
		t.Fatal(err)
	}
	if err := n.AddToGroup(t.Context(), userpool.Membership{PoolID: p.ID, Group: "g", Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := n.DeleteUser(t.Context(), p.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	next := n.user(t, p, "ann", nil)
	if next.Sub == old.Sub {
		t.Error("a new user has the old sub")
	}
	_, _, err := n.User(t.Context(), p.ID, old.Sub)
	wantError(t, err, apierr.UserNotFound, "")
	if groups, _, err := n.UserGroups(t.Context(), p.ID, "ann", userpool.Page{}); err != nil || len(groups) != 0 {
		t.Errorf("a new user is in %d groups, %v", len(groups), err)
	}
	if users, _, err := n.ListUsers(t.Context(), p.ID, userpool.ListUsers{Filter: `email = "a@example.com"`}); err != nil || len(users) != 0 {
		t.Errorf("a deleted user is found: %v, %v", names(users), err)
	}
}
