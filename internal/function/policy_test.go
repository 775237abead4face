package function

import "testing"

func TestStatementAllows(t *testing.T) {
	const pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbC"
	caller := Caller{Service: "cognito-idp.amazonaws.com", SourceARN: pool, SourceAccount: "000000000000"}
	ok := Statement{Principal: "cognito-idp.amazonaws.com", Action: invokeAction}
	with := func(edit func(*Statement)) Statement {
		st := ok
		edit(&st)
		return st
	}
	tests := []struct {
		name string
		st   Statement
		want bool
	}{
		{"no condition", ok, true},
		{"any principal", with(func(st *Statement) { st.Principal = "*" }), true},
		{"any action", with(func(st *Statement) { st.Action = "lambda:*" }), true},
		{"the pool", with(func(st *Statement) { st.SourceARN = pool }), true},
		{"any pool of the region", with(func(st *Statement) { st.SourceARN = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/*" }), true},
		{"the account", with(func(st *Statement) { st.SourceAccount = "000000000000" }), true},
		{"another service", with(func(st *Statement) { st.Principal = "s3.amazonaws.com" }), false},
		{"another action", with(func(st *Statement) { st.Action = "lambda:GetFunction" }), false},
		{"another pool", with(func(st *Statement) { st.SourceARN = pool + "x" }), false},
		{"another account", with(func(st *Statement) { st.SourceAccount = "111111111111" }), false},
		{"a wildcard does not cross a colon", with(func(st *Statement) { st.SourceARN = "arn:aws:*:userpool/us-east-1_AbC" }), false},
	}
	for _, tt := range tests {
		if got := tt.st.allows(caller); got != tt.want {
			t.Errorf("%s: allows = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"a*c", "abbbc", true}, {"a*c", "abbb", false}, {"a?c", "abc", true},
		{"a?c", "ac", false}, {"*a*b*", "xxaxxbxx", true}, {"**", "x", true}, {"x", "", false}, {"", "x", false},
	} {
		if got := glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("glob(%q, %q) = %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}
