package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// permission is a statement of a function's policy, read for people.
type permission struct {
	ID       string
	Sentence string
}

// policyStatement is what GetPolicy answers, as far as it is read.
type policyStatement struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    json.RawMessage
	Condition map[string]map[string]json.RawMessage
}

// readPolicy turns a function's policy into sentences. What it cannot read it
// says so; the JSON is shown beside it.
func readPolicy(policy string) []permission {
	var doc struct{ Statement []policyStatement }
	if json.Unmarshal([]byte(policy), &doc) != nil {
		return nil
	}
	list := make([]permission, len(doc.Statement))
	for i, st := range doc.Statement {
		list[i] = permission{ID: st.Sid, Sentence: st.sentence()}
	}
	return list
}

func (st policyStatement) sentence() string {
	verb := "may"
	if st.Effect != "Allow" {
		verb = "may not"
	}
	s := principalName(st.Principal) + " " + verb + " " + actionName(st.Action)
	var when []string
	for operator, keys := range st.Condition {
		for key, value := range keys {
			when = append(when, conditionName(operator, key, oneOrMore(value)))
		}
	}
	slices.Sort(when)
	if len(when) > 0 {
		return s + ", " + strings.Join(when, " and ") + "."
	}
	if strings.HasPrefix(s, "Cognito") {
		return s + ", for any user pool."
	}
	return s + "."
}

func principalName(raw json.RawMessage) string {
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &named) != nil {
		return "Anyone"
	}
	if s := oneOrMore(named["Service"]); s == "cognito-idp.amazonaws.com" {
		return "Cognito user pools"
	} else if s != "" {
		return "The service " + s
	}
	aws := oneOrMore(named["AWS"])
	if account, ok := strings.CutSuffix(strings.TrimPrefix(aws, "arn:aws:iam::"), ":root"); ok {
		return "The account " + account
	}
	return aws
}

func actionName(raw json.RawMessage) string {
	switch a := oneOrMore(raw); a {
	case "lambda:InvokeFunction":
		return "invoke it"
	case "*", "lambda:*":
		return "do anything with it"
	default:
		return "do " + a
	}
}

func conditionName(operator, key, value string) string {
	switch strings.ToLower(key) {
	case "aws:sourcearn":
		_, pool, ok := strings.Cut(value, ":userpool/")
		if ok && pool == "*" {
			return "for any user pool of " + strings.TrimSuffix(value, ":userpool/*")
		}
		if ok {
			return "for the user pool " + pool
		}
		return "for " + value
	case "aws:sourceaccount":
		return "from the account " + value
	}
	return fmt.Sprintf("if %s %s %s", key, operator, value)
}

// oneOrMore reads a string or a list of them.
func oneOrMore(raw json.RawMessage) string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, " or ")
	}
	return ""
}
