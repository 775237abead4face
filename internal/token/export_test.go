package token

// RuleNames returns the names in the table of reserved claims, so that the test
// of what they allow can tell that it has left none out.
func RuleNames() []string {
	names := make([]string, len(rules))
	for i := range rules {
		names[i] = rules[i].name
	}
	return names
}
