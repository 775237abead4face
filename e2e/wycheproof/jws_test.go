package wycheproof

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/token"
)

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const (
	issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Vectors01"
	client = "1example23456789"
)

var expect = token.Expect{Issuer: issuer, Use: token.ID, ClientID: client, Now: now}

// kids returns the ids of the keys of a JWK or key set, of whatever kind.
func kids(t *testing.T, v jsontext.Value) []string {
	t.Helper()
	var doc struct {
		ID   string `json:"kid"`
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(v, &doc); err != nil {
		t.Fatal(err)
	}
	ids := []string{doc.ID}
	for _, k := range doc.Keys {
		ids = append(ids, k.ID)
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

// keys returns the group's public JWK or key set; where all is secret, that.
func (g group) keys(t *testing.T) jsontext.Value {
	t.Helper()
	doc := g.Public
	if doc == nil {
		doc = g.Private
	}
	if doc.Kind() != jsontext.KindBeginObject {
		t.Fatalf("group %q has no key", g.Comment)
	}
	return doc
}

// keySet reads the group's keys. A set that is refused is empty.
func (g group) keySet(t *testing.T) (set token.KeySet, refused error) {
	t.Helper()
	doc := g.keys(t)
	var isSet struct {
		Keys jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(doc, &isSet); err != nil {
		t.Fatal(err)
	}
	if isSet.Keys == nil {
		doc = jsontext.Value(fmt.Sprintf(`{"keys":[%s]}`, doc))
	}
	return token.ParseJWKS(doc)
}

// judge verifies tokens of one group.
type judge struct {
	set   token.KeySet // the group's keys
	decoy token.KeySet // keys of the same ids that signed nothing
}

func newJudge(t *testing.T, g group, other *token.Key) judge {
	t.Helper()
	set, _ := g.keySet(t) // a set that is refused verifies nothing
	j := judge{set: set, decoy: token.KeySet{}}
	for _, kid := range kids(t, g.keys(t)) {
		j.decoy[kid] = token.PublicKey{ID: kid, RSA: other.Public}
	}
	return j
}

// accepts reports whether the signature of raw is accepted. A token of this
// form that another key made is refused for its signature alone; one that these
// keys made gets past that and is refused for its payload, which is not claims.
// A token that is refused for its form gives both keys the same answer.
//
// Whatever the answer, no vector may come back with claims.
func (j judge) accepts(t *testing.T, raw string) bool {
	t.Helper()
	for name, set := range map[string]token.KeySet{"its keys": j.set, "other keys": j.decoy} {
		if c, err := set.Verify(raw, expect); err == nil || c.Len() != 0 {
			t.Errorf("with %s: %d claims, error %v", name, c.Len(), err)
		}
		var v token.Verified
		p, err := v.Parse(raw)
		if err != nil {
			continue // the payload is not claims
		}
		for range 2 { // the second time it could be remembered
			if c, err := v.Verify(set, p, expect); err == nil || c.Len() != 0 {
				t.Errorf("Verified with %s: %d claims, error %v", name, c.Len(), err)
			}
		}
	}
	_, real := j.set.Verify(raw, expect)
	_, decoy := j.decoy.Verify(raw, expect)
	return errors.Is(decoy, token.ErrSignature) && !errors.Is(real, token.ErrSignature)
}

func newKey(t *testing.T) (key *token.Key, der []byte) {
	t.Helper()
	key, der, err := token.GenerateKey(token.ID)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// run judges a file's vectors. It fails the test for each that is accepted and
// not valid, unless it is one of except, and returns the ids of all accepted.
func run(t *testing.T, groups []group, except map[int]string) (accepted []int, total, wrong int) {
	t.Helper()
	other, _ := newKey(t)
	for _, g := range groups {
		j := newJudge(t, g, other)
		for _, v := range g.Tests {
			total++
			if !j.accepts(t, v.JWS) {
				continue
			}
			accepted = append(accepted, v.ID)
			if v.Result != valid && except[v.ID] == "" {
				wrong++
				t.Errorf("group %q: accepted vector %d (%s), which is %s", g.Comment, v.ID, v.Comment, v.Result)
			}
		}
	}
	return accepted, total, wrong
}

func TestSec_JWT_1_WycheproofJSONWebSignature(t *testing.T) {
	accepted, total, wrong := run(t, read(t, "json_web_signature_test.json", 401), nil)
	// All that are valid by RS256, but for vector 259, whose payload is empty:
	// no token of ours is. Of the other algorithms not one.
	want := []int{33, 260, 261, 262, 263, 345, 349}
	if diff := cmp.Diff(want, accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	t.Logf("%d vectors: %d accepted, %d refused, %d wrongly", total, len(accepted), total-len(accepted), wrong)
}

func TestSec_JWT_1_WycheproofJSONWebKey(t *testing.T) {
	groups := read(t, "json_web_key_test.json", 26)
	// A key set is believed as its server is. Keys by a generator that makes
	// weak ones are the server's to avoid: ours are made by crypto/rsa.
	roca := map[int]string{7: "rejectsKeyWithRocaVulnerability"}
	accepted, total, wrong := run(t, groups, roca)
	if diff := cmp.Diff([]int{5, 7}, accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	// What makes a whole set unusable.
	var refused []string
	for _, g := range groups {
		if set, err := g.keySet(t); err != nil {
			refused = append(refused, g.Comment)
			if set != nil {
				t.Errorf("group %q: %d keys beside error %v", g.Comment, len(set), err)
			}
		}
	}
	if diff := cmp.Diff([]string{"keysize_too_small", "exponentOne"}, refused); diff != "" {
		t.Errorf("sets refused (-want +got):\n%s", diff)
	}
	t.Logf("%d vectors: %d accepted, %d refused, %d wrongly; %d key sets refused", total, len(accepted), total-len(accepted), wrong, len(refused))
}
