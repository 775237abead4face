// Package arn parses and formats the names that AWS gives things: Amazon
// Resource Names, user pool ids and app client ids. It looks nothing up.
package arn

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DefaultRegion stands where a request names no region.
const DefaultRegion = "us-east-1"

// ErrMalformed is returned for text that is not an ARN or id of the kind asked
// for.
var ErrMalformed = errors.New("malformed identifier")

// ARN is an Amazon Resource Name: arn:partition:service:region:account:resource.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// String formats the ARN.
func (a ARN) String() string {
	partition := a.Partition
	if partition == "" {
		partition = "aws"
	}
	return strings.Join([]string{"arn", partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// Parse parses an ARN of any service.
func Parse(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] == "" || parts[5] == "" {
		return ARN{}, fmt.Errorf("%w: %q is not an ARN", ErrMalformed, s)
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, nil
}

// UserPool returns the ARN of a user pool.
func UserPool(account, poolID string) string {
	return ARN{Service: "cognito-idp", Region: PoolRegion(poolID), Account: account, Resource: "userpool/" + poolID}.String()
}

// ParseUserPool returns the pool id in a user pool's ARN.
func ParseUserPool(s string) (poolID string, err error) {
	a, err := Parse(s)
	if err != nil {
		return "", err
	}
	id, ok := strings.CutPrefix(a.Resource, "userpool/")
	if a.Service != "cognito-idp" || !ok || !ValidPoolID(id) {
		return "", fmt.Errorf("%w: %q is not a user pool ARN", ErrMalformed, s)
	}
	return id, nil
}

var poolID = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)

// ValidPoolID reports whether s has the form of a user pool id,
// <region>_<letters and digits>, at most 55 long.
func ValidPoolID(s string) bool { return len(s) <= 55 && poolID.MatchString(s) }

// PoolRegion returns the part of a pool id before the underscore.
func PoolRegion(poolID string) string {
	region, _, _ := strings.Cut(poolID, "_")
	return region
}

// PoolName returns the part of a pool id after the underscore: the name that
// the Secure Remote Password protocol mixes into every proof.
func PoolName(poolID string) string {
	_, name, _ := strings.Cut(poolID, "_")
	return name
}

// Function names one function, and possibly one version or alias of it.
type Function struct {
	Region, Account, Name string
	Qualifier             string // version, alias, "$LATEST", or "" when unqualified
}

// String formats the function's ARN, qualified if f is.
func (f Function) String() string {
	resource := "function:" + f.Name
	if f.Qualifier != "" {
		resource += ":" + f.Qualifier
	}
	return ARN{Service: "lambda", Region: f.Region, Account: f.Account, Resource: resource}.String()
}

var (
	regionName        = regexp.MustCompile(`^[a-z0-9-]+$`)
	accountID         = regexp.MustCompile(`^[0-9]{12}$`)
	functionName      = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	functionQualifier = regexp.MustCompile(`^(\$LATEST|[a-zA-Z0-9-_]{1,128})$`)
)

// ParseFunction reads every spelling that the Lambda API accepts for a
// function: its name, name:qualifier, account:function:name and the full ARN.
// Where the spelling names no region or account, those given are used.
func ParseFunction(s, region, account string) (Function, error) {
	f := Function{Region: region, Account: account}
	rest := s
	if strings.HasPrefix(s, "arn:") {
		a, err := Parse(s)
		if err != nil {
			return Function{}, err
		}
		if a.Service != "lambda" {
			return Function{}, fmt.Errorf("%w: %q is not a function ARN", ErrMalformed, s)
		}
		f.Region, f.Account = a.Region, a.Account
		name, ok := strings.CutPrefix(a.Resource, "function:")
		if !ok || !regionName.MatchString(f.Region) || !accountID.MatchString(f.Account) {
			return Function{}, fmt.Errorf("%w: %q is not a function ARN", ErrMalformed, s)
		}
		rest = name
	} else if acct, name, ok := strings.Cut(s, ":function:"); ok {
		if !accountID.MatchString(acct) {
			return Function{}, fmt.Errorf("%w: %q is not a function name", ErrMalformed, s)
		}
		f.Account, rest = acct, name
	}
	f.Name, f.Qualifier, _ = strings.Cut(rest, ":")
	if !functionName.MatchString(f.Name) || (f.Qualifier != "" && !functionQualifier.MatchString(f.Qualifier)) {
		return Function{}, fmt.Errorf("%w: %q is not a function name", ErrMalformed, s)
	}
	return f, nil
}
