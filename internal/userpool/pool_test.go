package userpool_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const function = "arn:aws:lambda:us-east-1:000000000000:function:claims"

func TestPoolComesBackAsItWasCreated(t *testing.T) {
	n, _ := newNode(t)
	made := n.pool(t, userpool.Settings{
		AliasAttributes: []string{"email", "preferred_username"}, AutoVerifiedAttributes: []string{"email"},
		CaseChosen: true, Tags: map[string]string{"team": "a"}, PreToken: userpool.PreToken{ARN: function, Version: "V2_0"},
		Schema: []userpool.Attribute{{Name: "tenantId", Type: userpool.TypeString, MaxLength: "64"}},
	})
	if !arn.ValidPoolID(made.ID) || made.ARN != arn.UserPool("000000000000", made.ID) {
		t.Errorf("id %q, ARN %q", made.ID, made.ARN)
	}
	got, err := n.Pool(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("pool differs (-made +read):\n%s", diff)
	}
	if got.PasswordPolicy != (userpool.PasswordPolicy{MinimumLength: 8, Uppercase: true, Lowercase: true, Numbers: true, Symbols: true, TemporaryPasswordDays: 7}) {
		t.Errorf("password policy %+v", got.PasswordPolicy)
	}
	if got.CaseSensitive || got.Tier != userpool.TierEssentials {
		t.Errorf("case sensitive %v, tier %s", got.CaseSensitive, got.Tier)
	}
	if a, ok := got.Attribute("custom:tenantId"); !ok || a.MaxLength != "64" || a.Mutable {
		t.Errorf("custom attribute %+v, %v", a, ok)
	}
}

func TestUpdatePoolReplaces(t *testing.T) {
	n, c := newNode(t)
	p := n.pool(t, userpool.Settings{
		Tags: map[string]string{"a": "b"}, UsernameAttributes: []string{"email"}, AdminCreateUserOnly: true,
		PreToken: userpool.PreToken{ARN: function}, PasswordPolicy: userpool.PasswordPolicy{Chosen: true, MinimumLength: 10},
	})
	c.Advance(time.Minute)
	if _, err := n.UpdatePool(t.Context(), p.ID, "", userpool.Settings{DeletionProtection: true}); err != nil {
		t.Fatal(err)
	}
	got, err := n.Pool(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Tags != nil || got.AdminCreateUserOnly || got.PreToken.ARN != "" || got.PasswordPolicy.MinimumLength != 8 {
		t.Errorf("settings that were left out stayed: %+v", got.Settings)
	}
	if !got.DeletionProtection || got.Name != "test" || got.Version != 2 || !got.UpdatedAt.After(got.CreatedAt) {
		t.Errorf("got %+v", got)
	}
	if len(got.Schema) != 20 || len(got.UsernameAttributes) != 1 {
		t.Error("an update changed what is fixed at creation")
	}
	wantError(t, n.DeletePool(t.Context(), p.ID), apierr.InvalidParameter,
		"The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
	if _, err := n.UpdatePool(t.Context(), p.ID, "renamed", userpool.Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := n.DeletePool(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	_, err = n.Pool(t.Context(), p.ID)
	wantError(t, err, apierr.ResourceNotFound, "User pool "+p.ID+" does not exist.")
	wantError(t, n.DeletePool(t.Context(), p.ID), apierr.ResourceNotFound, "User pool "+p.ID+" does not exist.")
	_, err = n.Keys(t.Context(), p.ID)
	wantError(t, err, apierr.ResourceNotFound, "")
}

func TestPoolSettingsThatAreRefused(t *testing.T) {
	n, _ := newNode(t)
	days := int32(9)
	for _, tt := range []struct {
		name string
		set  userpool.Settings
		code apierr.Code
		text string
	}{
		{"aliases and identifiers", userpool.Settings{AliasAttributes: []string{"email"}, UsernameAttributes: []string{"email"}}, apierr.InvalidParameter, ""},
		{"alias twice", userpool.Settings{AliasAttributes: []string{"email", "email"}}, apierr.InvalidParameter, ""},
		{"phone without SMS", userpool.Settings{AutoVerifiedAttributes: []string{"phone_number"}}, apierr.InvalidParameter, ""},
		{"update rule without verification", userpool.Settings{RequireVerificationBeforeUpdate: []string{"email"}}, apierr.InvalidParameter, ""},
		{"V2 on LITE", userpool.Settings{Tier: "LITE", PreToken: userpool.PreToken{ARN: function, Version: "V2_0"}}, apierr.FeatureUnavailableInTier, ""},
		{"V3 on LITE", userpool.Settings{Tier: "LITE", PreToken: userpool.PreToken{ARN: function, Version: "V3_0"}}, apierr.FeatureUnavailableInTier, ""},
		{"two functions", userpool.Settings{PreToken: userpool.PreToken{ARN: function, Version: "V2_0", LegacyARN: function + "2"}}, apierr.InvalidParameter, ""},
		{"unknown version", userpool.Settings{PreToken: userpool.PreToken{ARN: function, Version: "V4_0"}}, apierr.InvalidParameter, ""},
		{"not a function", userpool.Settings{PreToken: userpool.PreToken{ARN: "arn:aws:s3:::bucket"}}, apierr.InvalidParameter, ""},
		{"admin_only with another", userpool.Settings{AccountRecovery: []userpool.RecoveryOption{{Priority: 1, Name: "admin_only"}, {Priority: 2, Name: "verified_email"}}}, apierr.InvalidParameter, ""},
		{"same priority", userpool.Settings{AccountRecovery: []userpool.RecoveryOption{{Priority: 1, Name: "verified_phone_number"}, {Priority: 1, Name: "verified_email"}}}, apierr.InvalidParameter, ""},
		{"developer mail without source", userpool.Settings{Email: userpool.EmailSettings{Account: "DEVELOPER"}}, apierr.InvalidParameter, ""},
		{"two validities", userpool.Settings{UnusedAccountValidityDays: &days, PasswordPolicy: userpool.PasswordPolicy{Chosen: true, MinimumLength: 8, TemporaryPasswordDays: 3}}, apierr.InvalidParameter,
			"Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"},
		{"reserved tag", userpool.Settings{Tags: map[string]string{"aws:x": "y"}}, apierr.UserPoolTagging, ""},
		{"invitation without password", userpool.Settings{Invitation: userpool.MessageTemplate{Email: "hello {username}"}}, apierr.InvalidParameter, ""},
		{"required custom attribute", userpool.Settings{Schema: []userpool.Attribute{{Name: "x", Type: "String", Required: true}}}, apierr.InvalidParameter,
			"Required custom attributes are not supported currently."},
		{"standard attribute of another type", userpool.Settings{Schema: []userpool.Attribute{{Name: "email", Type: "Number", Mutable: true}}}, apierr.InvalidParameter,
			"You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute email"},
		{"no type", userpool.Settings{Schema: []userpool.Attribute{{Name: "x"}}}, apierr.InvalidParameter,
			"Invalid AttributeDataType input, consider using the provided AttributeDataType enum."},
		{"too long", userpool.Settings{Schema: []userpool.Attribute{{Name: "x", Type: "String", MaxLength: "2049"}}}, apierr.InvalidParameter,
			"user.custom:x: String attributes cannot have a length of more than 2048"},
		{"max below min", userpool.Settings{Schema: []userpool.Attribute{{Name: "x", Type: "String", MinLength: "3", MaxLength: "2"}}}, apierr.InvalidParameter,
			"user.custom:x: Max length cannot be less than min length."},
		{"string rule on number", userpool.Settings{Schema: []userpool.Attribute{{Name: "x", Type: "Number", MaxLength: "2"}}}, apierr.InvalidParameter,
			"Invalid StringAttributeConstraints for schema attribute custom:x"},
		{"custom twice", userpool.Settings{Schema: []userpool.Attribute{{Name: "x", Type: "String"}, {Name: "x", Type: "String"}}}, apierr.InvalidParameter,
			"custom:x: Existing attribute already has name custom:x."},
		{"custom with prefix", userpool.Settings{Schema: []userpool.Attribute{{Name: "dev:x", Type: "String"}}}, apierr.InvalidParameter, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.CreatePool(t.Context(), userpool.NewPool{Name: "bad", Settings: tt.set})
			wantError(t, err, tt.code, tt.text)
		})
	}
	pools, _, err := n.ListPools(t.Context(), userpool.Page{})
	if err != nil || len(pools) != 0 {
		t.Errorf("%d pools exist after refusals, err %v", len(pools), err)
	}
}

func TestPreTokenMembersMeanOneFunction(t *testing.T) {
	n, _ := newNode(t)
	for _, tt := range []struct {
		in      userpool.PreToken
		version string
	}{
		{userpool.PreToken{LegacyARN: function}, "V1_0"},
		{userpool.PreToken{ARN: function, Version: "V2_0"}, "V2_0"},
		{userpool.PreToken{ARN: function, Version: "V3_0", LegacyARN: function}, "V3_0"},
	} {
		p := n.pool(t, userpool.Settings{PreToken: tt.in})
		if want := (userpool.PreToken{ARN: function, Version: tt.version}); p.PreToken != want {
			t.Errorf("%+v became %+v, want %+v", tt.in, p.PreToken, want)
		}
	}
}

func TestAddAttributes(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	add := func(names ...string) error {
		var a []userpool.Attribute
		for _, s := range names {
			a = append(a, userpool.Attribute{Name: s, Type: userpool.TypeString, Mutable: true})
		}
		return n.AddAttributes(t.Context(), p.ID, a)
	}
	if err := add("a", "b"); err != nil {
		t.Fatal(err)
	}
	wantError(t, add("b"), apierr.InvalidParameter, "custom:b: Existing attribute already has name custom:b.")
	for i := range 48 {
		if err := add(fmt.Sprint("n", i)); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, add("one-too-many"), apierr.InvalidParameter, "A user pool cannot have more than 50 custom attributes.")
	got, err := n.Pool(t.Context(), p.ID)
	if err != nil || len(got.Schema) != 70 {
		t.Errorf("%d attributes, err %v", len(got.Schema), err)
	}
	wantError(t, n.AddAttributes(t.Context(), "us-east-1_gone", nil), apierr.ResourceNotFound, "User pool us-east-1_gone does not exist.")
}

// Attributes that are added at the same time must all be there afterwards.
func TestAddAttributesConcurrently(t *testing.T) { onDatabases(t, testAddAttributesConcurrently) }

func testAddAttributesConcurrently(t *testing.T, ns []node, _ *clock) {
	p := ns[0].pool(t, userpool.Settings{})
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			errs[i] = ns[i%2].AddAttributes(t.Context(), p.ID, []userpool.Attribute{{Name: fmt.Sprint("a", i), Type: userpool.TypeString}})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	got, err := ns[0].Pool(t.Context(), p.ID)
	if err != nil || len(got.Schema) != 24 {
		t.Errorf("%d attributes, want 24; err %v", len(got.Schema), err)
	}
}

func TestChangesReachOtherNodes(t *testing.T) { onDatabases(t, testTestChangesReachOtherNodes) }

func testTestChangesReachOtherNodes(t *testing.T, ns []node, c *clock) {
	p := ns[0].pool(t, userpool.Settings{})
	cl := ns[0].client(t, p, userpool.NewClient{})
	if _, _, err := ns[1].ClientByID(t.Context(), cl.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := ns[0].UpdatePool(t.Context(), p.ID, "renamed", userpool.Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := ns[0].UpdateClient(t.Context(), p.ID, cl.ID, "renamed", userpool.ClientSettings{}); err != nil {
		t.Fatal(err)
	}
	if got, err := ns[0].Pool(t.Context(), p.ID); err != nil || got.Name != "renamed" {
		t.Errorf("own change is not seen at once: %v, %v", got, err)
	}
	c.Advance(time.Second)
	gotPool, gotClient, err := ns[1].ClientByID(t.Context(), cl.ID)
	if err != nil || gotPool.Name != "renamed" || gotClient.Name != "renamed" {
		t.Errorf("a second later the other node has %v, %v, %v", gotPool, gotClient, err)
	}
	if err := ns[0].DeleteClient(t.Context(), p.ID, cl.ID); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	_, _, err = ns[1].ClientByID(t.Context(), cl.ID)
	wantError(t, err, apierr.ResourceNotFound, "User pool client "+cl.ID+" does not exist.")
	if err := ns[0].DeletePool(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	_, err = ns[1].Pool(t.Context(), p.ID)
	wantError(t, err, apierr.ResourceNotFound, "")
}

func TestListPools(t *testing.T) {
	n, c := newNode(t)
	want := map[string]bool{}
	for range 5 {
		want[n.pool(t, userpool.Settings{}).ID] = true
	}
	var token string
	var pages int
	for {
		pools, next, err := n.ListPools(t.Context(), userpool.Page{Limit: 2, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pools {
			if !want[p.ID] {
				t.Errorf("pool %s is unknown or came twice", p.ID)
			}
			delete(want, p.ID)
		}
		pages++
		if next == "" {
			break
		}
		token = next
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d pools missing after %d pages", len(want), pages)
	}
	_, _, err := n.ListPools(t.Context(), userpool.Page{Token: token + "x"})
	wantError(t, err, apierr.InvalidParameter, "Invalid pagination token.")
	c.Advance(61 * time.Minute)
	_, _, err = n.ListPools(t.Context(), userpool.Page{Token: token})
	wantError(t, err, apierr.InvalidParameter, "The pagination token has expired.")
}
