package awsapi

// Value returns what an optional member holds; the zero value if it is absent.
func Value[T any](member *T) (v T) {
	if member != nil {
		v = *member
	}
	return v
}

// Present returns a member that holds v; absent, nil, if v is the zero value.
func Present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
