package userpool_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/token"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const issuer = "http://localhost/pool"

func sign(t testing.TB, k *token.Key, now time.Time) string {
	t.Helper()
	var c token.Claims
	c.Set("iss", issuer)
	c.Set("token_use", string(k.Use))
	c.Set("exp", now.Add(24*time.Hour).Unix())
	raw, err := k.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func verify(set token.KeySet, raw string, now time.Time) error {
	_, err := set.Verify(raw, token.Expect{Issuer: issuer, Use: token.Access, Now: now})
	return err
}

func TestSec_JWT_7_RotationRefusesNoLiveToken(t *testing.T) {
	onDatabases(t, testTestSec_JWT_7_RotationRefusesNoLiveToken)
}

func testTestSec_JWT_7_RotationRefusesNoLiveToken(t *testing.T, ns []node, c *clock) {
	p := ns[0].pool(t, userpool.Settings{})
	before, err := ns[1].Keys(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(before.Set) != 2 || before.ID.ID == before.Access.ID {
		t.Fatalf("%d keys published, want two different ones", len(before.Set))
	}
	if before.Access.Public.N.BitLen() < 2048 {
		t.Error("a key of less than 2048 bits")
	}
	old := sign(t, before.Access, c.Now())
	after, err := ns[0].RotateKeys(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if after.Access.ID == before.Access.ID || after.ID.ID == before.ID.ID || len(after.Set) != 4 {
		t.Errorf("after rotation: %d keys", len(after.Set))
	}
	fresh := sign(t, after.Access, c.Now())
	if err := verify(after.Set, old, c.Now()); err != nil {
		t.Errorf("a token of the old key is refused: %v", err)
	}
	// The other node has not looked at the database yet, and still knows the
	// new token's key as soon as it is asked about it.
	c.Advance(200 * time.Millisecond)
	ring, err := ns[1].KeysWith(t.Context(), p.ID, after.Access.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(ring.Set, fresh, c.Now()); err != nil {
		t.Errorf("the other node refuses a new token: %v", err)
	}
	c.Advance(time.Second)
	if ring, err = ns[1].Keys(t.Context(), p.ID); err != nil || ring.Access.ID != after.Access.ID {
		t.Errorf("the other node still signs with the old key: %v", err)
	}
	// To the end of the longest token's life, the old key stays published.
	c.Advance(24*time.Hour - 2*time.Second)
	if ring, err = ns[0].Keys(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if err := verify(ring.Set, old, c.Now()); err != nil {
		t.Errorf("a live token is refused: %v", err)
	}
	c.Advance(time.Hour)
	if ring, err = ns[0].Keys(t.Context(), p.ID); err != nil || len(ring.Set) != 2 {
		t.Errorf("%d keys are published after the old ones' time, %v", len(ring.Set), err)
	}
	if _, err := ns[0].RotateKeys(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	var stored []store.SigningKey
	err = ns[0].Store.View(t.Context(), func(tx store.Tx) (err error) {
		stored, err = tx.SigningKeys(p.ID)
		return err
	})
	if err != nil || len(stored) != 4 {
		t.Errorf("%d keys are stored, want 4: %v", len(stored), err)
	}
	_, err = ns[0].RotateKeys(t.Context(), "us-east-1_gone")
	wantError(t, err, apierr.ResourceNotFound, "")
}

func TestSec_JWT_7_RotationDuringLoad(t *testing.T) {
	n, c := newNode(t)
	p := n.pool(t, userpool.Settings{})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				signer, err := n.Keys(t.Context(), p.ID)
				if err != nil {
					t.Error(err)
					return
				}
				raw := sign(t, signer.Access, c.Now())
				ring, err := n.KeysWith(t.Context(), p.ID, signer.Access.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if err := verify(ring.Set, raw, c.Now()); err != nil {
					t.Errorf("a token just signed is refused: %v", err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 3 {
		if _, err := n.RotateKeys(t.Context(), p.ID); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func TestRacingRotationsLeaveOneKeyOfEachUse(t *testing.T) {
	onDatabases(t, testTestRacingRotationsLeaveOneKeyOfEachUse)
}

func testTestRacingRotationsLeaveOneKeyOfEachUse(t *testing.T, ns []node, _ *clock) {
	p := ns[0].pool(t, userpool.Settings{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if _, err := ns[i%2].RotateKeys(t.Context(), p.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	active := map[string]int{}
	err := ns[0].Store.View(t.Context(), func(tx store.Tx) error {
		keys, err := tx.SigningKeys(p.ID)
		for _, k := range keys {
			if k.Active {
				active[k.Use]++
			}
		}
		return err
	})
	if err != nil || active["id"] != 1 || active["access"] != 1 {
		t.Errorf("active keys %v, %v", active, err)
	}
}

func TestSec_JWT_7_PrivateKeysAreSealedAndNeverLogged(t *testing.T) {
	n, _ := newNode(t)
	var log bytes.Buffer
	n.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, b := n.pool(t, userpool.Settings{}), n.pool(t, userpool.Settings{})
	ring, err := n.Keys(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	n.Logger.Info("keys", "ring", ring, "id", ring.ID)
	var keys []store.SigningKey
	err = n.Store.View(t.Context(), func(tx store.Tx) (err error) {
		keys, err = tx.SigningKeys(a.ID)
		return err
	})
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, k := range keys {
		// PKCS #8 of RSA begins with this; sealed bytes do not.
		if bytes.Contains(k.Sealed, []byte{0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09}) {
			t.Error("a private key is stored in the clear")
		}
	}
	for _, text := range []string{log.String(), fmt.Sprintf("%v %+v %#v", ring, ring.ID, ring.ID)} {
		if bytes.Contains([]byte(text), []byte("Primes")) || bytes.Contains([]byte(text), []byte("signer:")) {
			t.Error("a key prints its private part")
		}
	}
	// A key that is moved to another pool does not open.
	err = n.Store.Update(t.Context(), func(tx store.Tx) error {
		theirs, err := tx.SigningKeys(b.ID)
		if err != nil {
			return err
		}
		for _, k := range theirs {
			if err := tx.DeleteSigningKey(b.ID, k.ID); err != nil {
				return err
			}
		}
		for _, k := range keys {
			k.PoolID = b.ID
			if err := tx.CreateSigningKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Keys(t.Context(), b.ID); err == nil {
		t.Error("a pool signs with another pool's key")
	}
}

func TestSec_JWT_8_JWKSIsPublicAndOfOnePool(t *testing.T) {
	n, _ := newNode(t)
	a, b := n.pool(t, userpool.Settings{}), n.pool(t, userpool.Settings{})
	seen := map[string]bool{}
	for _, p := range []*userpool.Pool{a, b} {
		ring, err := n.Keys(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string][]map[string]string
		if err := json.Unmarshal(ring.JWKS, &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc) != 1 || len(doc["keys"]) != 2 {
			t.Fatalf("document %s", ring.JWKS)
		}
		for _, k := range doc["keys"] {
			if len(k) != 6 || k["kty"] != "RSA" || k["alg"] != "RS256" || k["use"] != "sig" || k["e"] != "AQAB" || k["n"] == "" {
				t.Errorf("key %v", k)
			}
			if seen[k["kid"]] || seen[k["n"]] {
				t.Error("two pools publish one key")
			}
			seen[k["kid"]], seen[k["n"]] = true, true
		}
	}
}
