package arn_test

import (
	"errors"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/arn"
)

func TestParseFunction(t *testing.T) {
	const region, account = "eu-west-1", "000000000000"
	tests := []struct {
		in   string
		want arn.Function
	}{
		{"f", arn.Function{Region: region, Account: account, Name: "f"}},
		{"f:prod", arn.Function{Region: region, Account: account, Name: "f", Qualifier: "prod"}},
		{"123456789012:function:f", arn.Function{Region: region, Account: "123456789012", Name: "f"}},
		{"arn:aws:lambda:us-east-2:123456789012:function:f", arn.Function{Region: "us-east-2", Account: "123456789012", Name: "f"}},
		{"arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST", arn.Function{Region: "us-east-2", Account: "123456789012", Name: "f", Qualifier: "$LATEST"}},
	}
	for _, tt := range tests {
		got, err := arn.ParseFunction(tt.in, region, account)
		if err != nil || got != tt.want {
			t.Errorf("ParseFunction(%q) = %+v, %v; want %+v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "a b", "f:x:y", "arn:aws:s3:::bucket", "arn:aws:lambda:us-east-1:1:layer:f", "f/../g",
		"arn:aws:lambda:::function:f", "arn:aws:lambda:us-east-1:x:function:f", "arn:aws:lambda:a b:000000000000:function:f",
		"1:function:f", "us-east-2:123456789012:function:f"} {
		if got, err := arn.ParseFunction(in, region, account); !errors.Is(err, arn.ErrMalformed) || got != (arn.Function{}) {
			t.Errorf("ParseFunction(%q) = %+v, %v; want ErrMalformed and nothing", in, got, err)
		}
	}
}

func TestUserPoolRoundTrip(t *testing.T) {
	const id = "eu-west-1_AbC123xyz"
	got, err := arn.ParseUserPool(arn.UserPool("123456789012", id))
	if err != nil || got != id {
		t.Errorf("ParseUserPool(UserPool(%q)) = %q, %v", id, got, err)
	}
	if arn.PoolRegion(id) != "eu-west-1" || arn.PoolName(id) != "AbC123xyz" {
		t.Errorf("region, name of %q = %q, %q", id, arn.PoolRegion(id), arn.PoolName(id))
	}
	for _, s := range []string{"", "arn:aws:cognito-idp:eu-west-1:1:userpool/", "arn:aws:cognito-idp:eu-west-1:1:identitypool/x_1", id} {
		if got, err := arn.ParseUserPool(s); err == nil {
			t.Errorf("ParseUserPool(%q) = %q, want an error", s, got)
		}
	}
}

// What is understood means the same when it is written out and read again, and
// what is refused gives nothing.
func FuzzParseFunction(f *testing.F) {
	for _, s := range []string{
		"f", "f:prod", "123456789012:function:f", "arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST",
		"arn:aws:lambda:::function:f", "arn:aws:s3:::bucket", ":function:", "f/../g", "arn:arn:lambda:a:b:function:f:",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := arn.ParseFunction(s, "eu-west-1", "000000000000")
		if err != nil {
			if got != (arn.Function{}) {
				t.Errorf("ParseFunction(%q) = %+v beside %v", s, got, err)
			}
			return
		}
		again, err := arn.ParseFunction(got.String(), "other", "111111111111")
		if err != nil || again != got {
			t.Errorf("ParseFunction(%q) = %+v, which reads again as %+v, %v", s, got, again, err)
		}
	})
}
