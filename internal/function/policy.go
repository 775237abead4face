package function

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Statement allows a principal to do something with a function (Lambda
// developer guide, "Resource-based policies").
type Statement struct {
	ID            string `json:"id"`
	Principal     string `json:"principal"` // a service ("cognito-idp.amazonaws.com"), an account id, an ARN or "*"
	Action        string `json:"action"`    // "lambda:InvokeFunction", "lambda:*" or "*"
	SourceARN     string `json:"sourceArn,omitempty"`
	SourceAccount string `json:"sourceAccount,omitempty"`
}

// Caller is an AWS service that wants to invoke a function on behalf of one of
// its resources.
type Caller struct {
	Service       string // "cognito-idp.amazonaws.com"
	SourceARN     string
	SourceAccount string
}

const (
	maxPolicyBytes = 20 << 10
	invokeAction   = "lambda:InvokeFunction"
)

// allows reports whether the statement lets the caller invoke.
func (st Statement) allows(c Caller) bool {
	principal := st.Principal == c.Service || st.Principal == "*"
	action := st.Action == "*" || st.Action == "lambda:*" || st.Action == invokeAction
	account := st.SourceAccount == "" || st.SourceAccount == c.SourceAccount
	return principal && action && account && (st.SourceARN == "" || arnLike(st.SourceARN, c.SourceARN))
}

// arnLike is the IAM condition operator of that name: each of the six parts of
// the ARN is compared by itself, with * and ? as wildcards.
func arnLike(pattern, s string) bool {
	p, v := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(p) != len(v) {
		return false
	}
	for i := range p {
		if !glob(p[i], v[i]) {
			return false
		}
	}
	return true
}

// glob matches * (anything) and ? (one byte) in time proportional to
// len(pattern) times len(s).
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// MarshalStatement formats a statement the way IAM policies are written.
func (s *Service) MarshalStatement(f arn.Function, st Statement) string {
	f.Account = s.Account
	type object = map[string]any
	var principal any = "*"
	switch {
	case st.Principal == "*":
	case strings.HasSuffix(st.Principal, ".amazonaws.com"):
		principal = object{"Service": st.Principal}
	case len(st.Principal) == 12 && strings.Trim(st.Principal, "0123456789") == "":
		principal = object{"AWS": "arn:aws:iam::" + st.Principal + ":root"}
	default:
		principal = object{"AWS": st.Principal}
	}
	statement := object{
		"Sid": st.ID, "Effect": "Allow", "Principal": principal,
		"Action": st.Action, "Resource": f.String(),
	}
	condition := object{}
	if st.SourceAccount != "" {
		condition["StringEquals"] = object{"AWS:SourceAccount": st.SourceAccount}
	}
	if st.SourceARN != "" {
		condition["ArnLike"] = object{"AWS:SourceArn": st.SourceARN}
	}
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	b, err := json.Marshal(statement)
	if err != nil {
		panic("function: " + err.Error()) // strings and maps of strings always encode
	}
	return string(b)
}

// AddPermission adds a statement to the policy of the function, or of the
// version or alias that f's qualifier names.
func (s *Service) AddPermission(ctx context.Context, f arn.Function, st Statement, revision string) error {
	_, err := s.change(ctx, f, revision, func(tx store.Tx, doc *document) error {
		if f.Qualifier == Latest {
			return apierr.New(apierr.InvalidParameterValue, "We currently do not support adding policies for $LATEST.")
		}
		if _, _, err := s.resolve(tx, f, aliasDoc.main); err != nil {
			return err
		}
		statements := doc.Policies[f.Qualifier]
		if slices.ContainsFunc(statements, func(have Statement) bool { return have.ID == st.ID }) {
			return apierr.Newf(apierr.ResourceConflict, "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.ID)
		}
		if doc.Policies == nil {
			doc.Policies = map[string][]Statement{}
		}
		doc.Policies[f.Qualifier] = append(slices.Clip(statements), st)
		if n := len(s.policyText(f, doc.Policies[f.Qualifier])); n > maxPolicyBytes {
			return apierr.Newf(apierr.PolicyLengthExceeded, "The final policy size (%d) is bigger than the limit (%d).", n, maxPolicyBytes)
		}
		return nil
	})
	if err == nil {
		s.environments.unresolve(f.Region, f.Name)
	}
	return err
}

// RemovePermission takes a statement away.
func (s *Service) RemovePermission(ctx context.Context, f arn.Function, id, revision string) error {
	_, err := s.change(ctx, f, revision, func(_ store.Tx, doc *document) error {
		kept := slices.DeleteFunc(slices.Clone(doc.Policies[f.Qualifier]), func(st Statement) bool { return st.ID == id })
		if len(kept) == len(doc.Policies[f.Qualifier]) {
			return apierr.Newf(apierr.ResourceNotFound, "Statement %s is not found in resource policy.", id)
		}
		doc.Policies[f.Qualifier] = kept
		return nil
	})
	if err == nil {
		s.environments.unresolve(f.Region, f.Name)
	}
	return err
}

// Policy returns the policy of the function, version or alias as JSON, and the
// revision it belongs to.
func (s *Service) Policy(ctx context.Context, f arn.Function) (policy, revision string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		_, doc, err := s.resolve(tx, f, aliasDoc.main)
		if err != nil {
			return err
		}
		statements := doc.policy(f.Qualifier)
		if len(statements) == 0 {
			return apierr.New(apierr.ResourceNotFound, "The resource you requested does not exist.")
		}
		policy, revision = s.policyText(f, statements), doc.RevisionID
		return nil
	})
	return policy, revision, err
}

func (s *Service) policyText(f arn.Function, statements []Statement) string {
	texts := make([]string, len(statements))
	for i, st := range statements {
		texts[i] = s.MarshalStatement(f, st)
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(texts, ",") + `]}`
}
