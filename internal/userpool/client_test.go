package userpool_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func TestClientComesBackAsItWasCreated(t *testing.T) {
	ns, c := nodes(t, 2)
	p := ns[0].pool(t, userpool.Settings{})
	made := ns[0].client(t, p, userpool.NewClient{
		GenerateSecret: true,
		ClientSettings: userpool.ClientSettings{
			AccessTokenValidity: 10, Units: userpool.ValidityUnits{Access: "minutes"},
			ExplicitAuthFlows: []string{"ALLOW_USER_PASSWORD_AUTH"}, PreventUserExistenceErrors: true,
			Rotation: userpool.Rotation{Enabled: true, Grace: 10 * time.Second}, ReadAttributes: []string{"email"},
			CallbackURLs: []string{"https://example.com/cb", "http://localhost:3000", "myapp://cb"}, DefaultRedirectURI: "myapp://cb",
			SupportedIdentityProviders: []string{"COGNITO"}, OAuthEnabled: true, OAuthFlows: []string{"code"}, OAuthScopes: []string{"openid"},
		},
	})
	got, err := ns[1].Client(t.Context(), p.ID, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got, cmpopts.IgnoreUnexported(userpool.Client{})); diff != "" {
		t.Errorf("client differs (-made +read):\n%s", diff)
	}
	if len(made.ID) != 26 || len(made.Secret().Reveal()) != 52 || got.Secret() != made.Secret() {
		t.Errorf("id %q, secret of %d characters", made.ID, len(made.Secret().Reveal()))
	}
	if text := fmt.Sprintf("%v %+v %#v %v %+v %#v", got, got, got, *got, *got, *got); strings.Contains(text, got.Secret().Reveal()) {
		t.Error("a client prints its secret")
	}
	// An update replaces the settings and keeps the secret.
	c.Advance(time.Minute)
	next, err := ns[1].UpdateClient(t.Context(), p.ID, made.ID, "", userpool.ClientSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want := userpool.ClientSettings{ExplicitAuthFlows: userpool.DefaultFlows, RefreshTokenValidity: 30, AuthSessionValidity: 3}
	if diff := cmp.Diff(want, next.ClientSettings); diff != "" {
		t.Errorf("settings after an empty update (-want +got):\n%s", diff)
	}
	if next.Name != "app" || next.Secret() != made.Secret() || next.Version != 2 || !next.UpdatedAt.Equal(c.Now()) {
		t.Errorf("client %+v", next)
	}
	if read, err := ns[0].Client(t.Context(), p.ID, made.ID); err != nil || read.Version != next.Version {
		t.Errorf("other node reads version %d, %v", read.Version, err)
	}
}

func TestSecretHash(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	with := n.client(t, p, userpool.NewClient{Secret: "abcdefghijklmnopqrstuvwxyz"})
	without := n.client(t, p, userpool.NewClient{})
	right := secret.SecretHash("abcdefghijklmnopqrstuvwxyz", "ann", with.ID)
	for _, tt := range []struct {
		client *userpool.Client
		user   string
		hash   string
		text   string
	}{
		{with, "ann", right, ""},
		{with, "bob", right, "Unable to verify secret hash for client " + with.ID},
		{with, "ann", right + "=", "Unable to verify secret hash for client " + with.ID},
		{with, "ann", "", "Client " + with.ID + " is configured with secret but SECRET_HASH was not received"},
		{without, "ann", "", ""},
		{without, "ann", right, "Client " + without.ID + " is configured without secret but secret was received"},
	} {
		err := n.CheckSecretHash(tt.client, tt.user, tt.hash)
		if tt.text == "" && err != nil {
			t.Errorf("%s %.5q: %v", tt.user, tt.hash, err)
		}
		if tt.text != "" {
			wantError(t, err, apierr.NotAuthorized, tt.text)
		}
	}
	for given, ok := range map[string]bool{"abcdefghijklmnopqrstuvwxyz": true, "abcdefghijklmnopqrstuvwxy": false, "": false} {
		if err := n.CheckSecret(with, given); (err == nil) != ok {
			t.Errorf("secret %q: %v", given, err)
		}
	}
	if n.CheckSecret(without, "") != nil || n.CheckSecret(without, "x") == nil {
		t.Error("a client without a secret must send none")
	}
}

func TestClientSettingsThatAreRefused(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{Schema: []userpool.Attribute{{Name: "given_name", Type: "String", Mutable: true, Required: true}}})
	lite := n.pool(t, userpool.Settings{Tier: userpool.TierLite})
	validity := "Invalid range for token validity."
	for _, tt := range []struct {
		name string
		in   userpool.NewClient
		code apierr.Code
		text string
	}{
		{"mixed flow names", settings(userpool.ClientSettings{ExplicitAuthFlows: []string{"ADMIN_NO_SRP_AUTH", "ALLOW_USER_SRP_AUTH"}}), apierr.InvalidParameter, ""},
		{"rotation and refresh flow", settings(userpool.ClientSettings{Rotation: userpool.Rotation{Enabled: true}, ExplicitAuthFlows: []string{"ALLOW_REFRESH_TOKEN_AUTH"}}), apierr.InvalidParameter, ""},
		{"grace too long", settings(userpool.ClientSettings{Rotation: userpool.Rotation{Enabled: true, Grace: 61 * time.Second}}), apierr.InvalidParameter, ""},
		{"access token of 4 minutes", settings(userpool.ClientSettings{AccessTokenValidity: 4, Units: userpool.ValidityUnits{Access: "minutes"}}), apierr.InvalidParameter, validity},
		{"access token of 25 hours", settings(userpool.ClientSettings{AccessTokenValidity: 25}), apierr.InvalidParameter, validity},
		{"id token of 2 days", settings(userpool.ClientSettings{IDTokenValidity: 2, Units: userpool.ValidityUnits{ID: "days"}}), apierr.InvalidParameter, validity},
		{"refresh token of 59 minutes", settings(userpool.ClientSettings{RefreshTokenValidity: 59, Units: userpool.ValidityUnits{Refresh: "minutes"}}), apierr.InvalidParameter, validity},
		{"refresh token of 3651 days", settings(userpool.ClientSettings{RefreshTokenValidity: 3651}), apierr.InvalidParameter, validity},
		{"access outlives refresh", settings(userpool.ClientSettings{RefreshTokenValidity: 1, AccessTokenValidity: 2, Units: userpool.ValidityUnits{Refresh: "hours"}}), apierr.InvalidParameter, validity},
		{"session of 2 minutes", settings(userpool.ClientSettings{AuthSessionValidity: 2}), apierr.InvalidParameter, ""},
		{"unknown read attribute", settings(userpool.ClientSettings{ReadAttributes: []string{"custom:none"}}), apierr.InvalidParameter, "Invalid read attributes specified while creating a client: custom:none"},
		{"required attribute not writable", settings(userpool.ClientSettings{WriteAttributes: []string{"email"}}), apierr.InvalidParameter, ""},
		{"unknown provider", settings(userpool.ClientSettings{SupportedIdentityProviders: []string{"Google"}}), apierr.InvalidParameter, "The provider Google does not exist for User Pool " + p.ID + "."},
		{"OAuth without flows", settings(userpool.ClientSettings{OAuthEnabled: true, OAuthScopes: []string{"openid"}}), apierr.InvalidOAuthFlow, "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."},
		{"machine and user flow", settings(userpool.ClientSettings{OAuthFlows: []string{"client_credentials", "code"}}), apierr.InvalidOAuthFlow, "client_credentials flow can not be selected along with code flow or implicit flow."},
		{"machine without secret", settings(userpool.ClientSettings{OAuthFlows: []string{"client_credentials"}}), apierr.InvalidOAuthFlow, "client_credentials flow can not be selected if client does not have a client secret."},
		{"unknown scope", settings(userpool.ClientSettings{OAuthFlows: []string{"code"}, OAuthScopes: []string{"api/read"}}), apierr.ScopeDoesNotExist, ""},
		{"default not in list", settings(userpool.ClientSettings{CallbackURLs: []string{"https://a.example/"}, DefaultRedirectURI: "https://a.example"}), apierr.InvalidParameter, ""},
		{"two secrets", userpool.NewClient{GenerateSecret: true, Secret: "abcdefghijklmnopqrstuvwxyz"}, apierr.InvalidParameter, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Name = "bad"
			_, err := n.CreateClient(t.Context(), p.ID, tt.in)
			wantError(t, err, tt.code, tt.text)
		})
	}
	for _, u := range []string{
		"http://example.com/cb", "https://example.com/#x", "https://", "/relative", "javascript:alert(1)", "data:text/html,x", "http://localhost.example.com/",
	} {
		_, err := n.CreateClient(t.Context(), p.ID, settings(userpool.ClientSettings{CallbackURLs: []string{u}}))
		wantError(t, err, apierr.InvalidParameter, "")
		_, err = n.CreateClient(t.Context(), p.ID, settings(userpool.ClientSettings{LogoutURLs: []string{u}}))
		wantError(t, err, apierr.InvalidParameter, "")
	}
	_, err := n.CreateClient(t.Context(), lite.ID, settings(userpool.ClientSettings{Rotation: userpool.Rotation{Enabled: true}}))
	wantError(t, err, apierr.FeatureUnavailableInTier, "")
	if clients, _, err := n.ListClients(t.Context(), p.ID, userpool.Page{}); err != nil || len(clients) != 0 {
		t.Errorf("%d clients after refusals, %v", len(clients), err)
	}
}

func settings(s userpool.ClientSettings) userpool.NewClient {
	return userpool.NewClient{Name: "c", ClientSettings: s}
}

func TestLifetimesAndFlows(t *testing.T) {
	d := userpool.ClientSettings{}
	if d.AccessLife() != time.Hour || d.IDLife() != time.Hour || d.RefreshLife() != 720*time.Hour || d.SessionLife() != 3*time.Minute {
		t.Error("default lifetimes")
	}
	s := userpool.ClientSettings{
		AccessTokenValidity: 300, IDTokenValidity: 1, RefreshTokenValidity: 90, AuthSessionValidity: 15,
		Units: userpool.ValidityUnits{Access: "seconds", ID: "days", Refresh: "minutes"},
	}
	if s.AccessLife() != 5*time.Minute || s.IDLife() != 24*time.Hour || s.RefreshLife() != 90*time.Minute || s.SessionLife() != 15*time.Minute {
		t.Error("lifetimes with units")
	}
	all := []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
	for _, tt := range []struct{ flows, allowed []string }{
		{userpool.DefaultFlows, []string{"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}},
		{[]string{"ALLOW_USER_PASSWORD_AUTH"}, []string{"ALLOW_USER_PASSWORD_AUTH"}},
		{[]string{"ADMIN_NO_SRP_AUTH"}, []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}},
		{[]string{"CUSTOM_AUTH_FLOW_ONLY"}, []string{"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}},
		{nil, nil},
	} {
		c := userpool.ClientSettings{ExplicitAuthFlows: tt.flows}
		var got []string
		for _, f := range all {
			if c.AllowsFlow(f) {
				got = append(got, f)
			}
		}
		if !slices.Equal(got, tt.allowed) {
			t.Errorf("%v allows %v, want %v", tt.flows, got, tt.allowed)
		}
	}
	c := userpool.ClientSettings{ReadAttributes: []string{"email"}}
	if !c.CanRead("email") || !c.CanRead("sub") || c.CanRead("name") || !d.CanRead("custom:x") {
		t.Error("read permissions")
	}
}

func TestSec_DB_3_ClientsOfAnotherPoolDoNotExist(t *testing.T) {
	n, _ := newNode(t)
	a, b := n.pool(t, userpool.Settings{}), n.pool(t, userpool.Settings{})
	c := n.client(t, a, userpool.NewClient{})
	for range 2 { // from the store, then from the cache
		_, err := n.Client(t.Context(), b.ID, c.ID)
		wantError(t, err, apierr.ResourceNotFound, "User pool client "+c.ID+" does not exist.")
		if _, err := n.Client(t.Context(), a.ID, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err := n.UpdateClient(t.Context(), b.ID, c.ID, "x", userpool.ClientSettings{})
	wantError(t, err, apierr.ResourceNotFound, "")
	wantError(t, n.DeleteClient(t.Context(), b.ID, c.ID), apierr.ResourceNotFound, "")
	if p, got, err := n.ClientByID(t.Context(), c.ID); err != nil || p.ID != a.ID || got.ID != c.ID {
		t.Errorf("%v, %v, %v", p, got, err)
	}
	_, _, err = n.ClientByID(t.Context(), "nobody")
	wantError(t, err, apierr.ResourceNotFound, "User pool client nobody does not exist.")
}

func TestClientLimit(t *testing.T) {
	n, _ := newNode(t)
	p := n.pool(t, userpool.Settings{})
	c := n.client(t, p, userpool.NewClient{})
	err := n.Store.Update(t.Context(), func(tx store.Tx) error {
		row, err := tx.Client(p.ID, c.ID)
		if err != nil {
			return err
		}
		for i := range 999 {
			row.ID = fmt.Sprint("copy", i)
			if err := tx.CreateClient(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.CreateClient(t.Context(), p.ID, userpool.NewClient{Name: "one too many"})
	wantError(t, err, apierr.LimitExceeded, "")
	_, err = n.CreateClient(t.Context(), "us-east-1_gone", userpool.NewClient{Name: "x"})
	wantError(t, err, apierr.ResourceNotFound, "User pool us-east-1_gone does not exist.")
}
