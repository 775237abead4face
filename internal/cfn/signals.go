//lint:file-ignore ST1005 The texts are CloudFormation's, or read like them.

package cfn

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// MaxSignal is how large the body of a signal can be, as at CloudFormation.
const MaxSignal = 4096

// handleLife is how long a handle takes signals, as the addresses of
// CloudFormation's do.
const handleLife = 24 * time.Hour

const kindSignal = "stack signal" // scope the handle, name the hash of the id

// handle is what the token of an address for signals says.
type handle struct {
	Stack, ID  string
	Generation int
	Until      time.Time
}

func (h handle) scope() string { return fmt.Sprintf("%s/%s/%d", h.Stack, h.ID, h.Generation) }

var errHandle = apierr.New(apierr.AccessDenied, "This address takes no signals, or no longer.")

// openHandle reads a token. It was made here, or it is an error.
func (s *Service) openHandle(token string) (h handle, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return handle{}, errHandle
	}
	plain, err := s.KEK.Box("stack signal").Open(sealed, nil)
	if err != nil {
		return handle{}, errHandle
	}
	if err := json.Unmarshal(plain, &h); err != nil {
		return handle{}, errHandle
	}
	return h, nil
}

// Signal takes a signal that somebody has put to a handle's address: whoever
// knows the token may.
func (s *Service) Signal(ctx context.Context, token string, body []byte) error {
	h, err := s.openHandle(token)
	if err != nil {
		return err
	}
	now := s.now()
	if !now.Before(h.Until) {
		return errHandle
	}
	signal, err := readSignal(body)
	if err != nil {
		return err
	}
	signal.At = now
	sum := sha256.Sum256([]byte(signal.ID))
	d := store.Document{Kind: kindSignal, Scope: h.scope(), Name: hex.EncodeToString(sum[:]), ExpiresAt: now.Add(handleLife)}
	if d, err = s.seal(d, signal); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx store.Tx) error {
		st, err := s.load(tx, h.Stack)
		if errors.Is(err, store.ErrNotFound) {
			return errHandle
		}
		if err != nil {
			return err
		}
		if r := st.Resources[h.ID]; r == nil || !strings.HasSuffix(r.PhysicalID, "="+token) {
			return errHandle
		}
		list, next, err := tx.ListDocuments(kindSignal, d.Scope, store.Page{Limit: resource.MaxSignals})
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(list, func(x store.Document) bool { return x.Name == d.Name })
		if known { // the first of an id counts
			return nil
		}
		if next != "" || len(list) >= resource.MaxSignals {
			return apierr.Newf(apierr.LimitExceeded, "A wait condition handle takes %d signals.", resource.MaxSignals)
		}
		return tx.CreateDocument(d)
	})
}

func readSignal(body []byte) (resource.Signal, error) {
	wrong := func(what string, cause error) error {
		return apierr.New(apierr.InvalidParameter, what+` A signal is {"Status": "SUCCESS" or "FAILURE", "UniqueId": "…", "Reason": "…", "Data": "…"}.`).Because(cause)
	}
	if len(body) > MaxSignal {
		return resource.Signal{}, apierr.Newf(apierr.InvalidParameter, "A signal can have %d bytes.", MaxSignal)
	}
	var in struct{ Status, Reason, UniqueId, Data string }
	if err := json.Unmarshal(body, &in); err != nil {
		return resource.Signal{}, wrong("The body is not a JSON object of texts.", err)
	}
	switch {
	case in.Status != "SUCCESS" && in.Status != "FAILURE":
		return resource.Signal{}, wrong("Status is neither SUCCESS nor FAILURE.", nil)
	case in.UniqueId == "" || !utf8.ValidString(in.UniqueId):
		return resource.Signal{}, wrong("There is no UniqueId.", nil)
	}
	return resource.Signal{Failed: in.Status == "FAILURE", ID: in.UniqueId, Reason: in.Reason, Data: in.Data}, nil
}

// signals is what the wait conditions of a run hear.
type signals struct{ r *run }

func (x signals) Now() time.Time { return x.r.s.now() }

func (x signals) Address(r resource.Request) string {
	s := x.r.s
	h := handle{Stack: r.StackID, ID: r.LogicalID, Generation: r.Generation, Until: s.now().Add(handleLife)}
	plain, err := json.Marshal(h)
	if err != nil {
		panic("cfn: " + err.Error()) // of texts and a time
	}
	return s.SignalURL + "?token=" + base64.RawURLEncoding.EncodeToString(s.KEK.Box("stack signal").Seal(plain, nil))
}

func (x signals) Received(ctx context.Context, address string) (list []resource.Signal, err error) {
	s := x.r.s
	_, token, _ := strings.Cut(address, "?token=")
	h, err := s.openHandle(token)
	if err != nil || h.Stack != x.r.st.ID {
		return nil, errors.New("Property Handle must be the reference of a WaitConditionHandle of the same stack")
	}
	if err := x.r.cancelled(); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		return each(tx, kindSignal, h.scope(), func(d store.Document) error {
			if !s.now().Before(d.ExpiresAt) {
				return nil
			}
			var signal resource.Signal
			err := s.open(d, &signal)
			list = append(list, signal)
			return err
		})
	})
	slices.SortStableFunc(list, func(a, b resource.Signal) int { return a.At.Compare(b.At) })
	return list, err
}
