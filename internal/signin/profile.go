package signin

import (
	"context"
	"maps"
	"slices"
)

// Profile is a user as an app client may see it.
type Profile struct {
	Username   string
	Attributes []Attribute // sub first, then by name
}

// Attribute is one attribute of a user.
type Attribute struct{ Name, Value string }

// GetUser returns the user whose access token it is.
func (s *Service) GetUser(ctx context.Context, accessToken string) (Profile, error) {
	w, err := s.authorize(ctx, accessToken)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{Username: w.User.Username, Attributes: []Attribute{{"sub", w.User.Sub}}}
	for _, name := range slices.Sorted(maps.Keys(w.User.Attributes)) {
		if w.Client.CanRead(name) {
			p.Attributes = append(p.Attributes, Attribute{name, w.User.Attributes[name]})
		}
	}
	return p, nil
}
