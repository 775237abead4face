package rockpool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// accessKeys are the credentials of signed requests. It implements
// awsapi.Credentials.
type accessKeys struct {
	store   store.Store
	kek     *secret.KEK
	account string

	mu     sync.Mutex
	cached map[string]cachedKey
}

// cachedKey is a key that was looked up a moment ago: a deleted key stops
// working on every node within keyFreshness.
type cachedKey struct {
	secret    string
	principal awsapi.Principal
	until     time.Time
}

const (
	keyFreshness  = time.Second
	maxCachedKeys = 1000
)

type accessKeyDoc struct {
	Name string `json:"name"`
}

func keyPlace(id string) secret.Place {
	return secret.Place{Table: "access_keys", Row: id, Column: "secret"}
}

// SecretKey implements awsapi.Credentials.
func (a *accessKeys) SecretKey(ctx context.Context, id string) (string, awsapi.Principal, error) {
	a.mu.Lock()
	key, ok := a.cached[id]
	a.mu.Unlock()
	if ok && time.Now().Before(key.until) {
		return key.secret, key.principal, nil
	}
	var record store.AccessKey
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		record, err = tx.AccessKey(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", awsapi.Principal{}, awsapi.ErrUnknownKey
	}
	if err != nil {
		return "", awsapi.Principal{}, err
	}
	plain, err := a.kek.Open(keyPlace(id), record.Sealed)
	if err != nil {
		return "", awsapi.Principal{}, fmt.Errorf("access key %s: %w", id, err)
	}
	key = cachedKey{secret: string(plain), principal: a.root(), until: time.Now().Add(keyFreshness)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cached == nil || len(a.cached) >= maxCachedKeys {
		a.cached = map[string]cachedKey{}
	}
	a.cached[id] = key
	return key.secret, key.principal, nil
}

// root is the principal of every access key so far: the account itself.
func (a *accessKeys) root() awsapi.Principal {
	return awsapi.Principal{ARN: arn.ARN{Service: "iam", Account: a.account, Resource: "root"}.String(), Root: true}
}

// AccessKey is a credential for signed requests. Secret is only known when the
// key was just made.
type AccessKey struct {
	ID        string    `json:"accessKeyId"`
	Secret    string    `json:"secretAccessKey,omitempty"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// String hides the secret.
func (k AccessKey) String() string { return k.ID }

const keyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// newAccessKey makes a key that nobody accepts yet. Ids look like those of AWS
// users; the secret has 238 bits.
func newAccessKey(name string, now time.Time) AccessKey {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return AccessKey{ID: "AKIA" + secret.Text(keyAlphabet, 16), Secret: secret.Text(letters, 40), Name: name, CreatedAt: now}
}

// create stores a key, from which on it is accepted.
func (a *accessKeys) create(ctx context.Context, key AccessKey) error {
	doc, err := json.Marshal(accessKeyDoc{Name: key.Name})
	if err != nil {
		return err
	}
	return a.store.Update(ctx, func(tx store.Tx) error {
		return tx.CreateAccessKey(store.AccessKey{
			ID: key.ID, Sealed: a.kek.Seal(keyPlace(key.ID), []byte(key.Secret)), Doc: doc, CreatedAt: key.CreatedAt,
		})
	})
}

func (a *accessKeys) list(ctx context.Context) (list []AccessKey, err error) {
	err = a.store.View(ctx, func(tx store.Tx) error {
		records, err := tx.ListAccessKeys()
		if err != nil {
			return err
		}
		list = []AccessKey{}
		for _, r := range records {
			var doc accessKeyDoc
			if err := json.Unmarshal(r.Doc, &doc); err != nil {
				return fmt.Errorf("access key %s: %w", r.ID, err)
			}
			list = append(list, AccessKey{ID: r.ID, Name: doc.Name, CreatedAt: r.CreatedAt})
		}
		return nil
	})
	return list, err
}

// errLastKey keeps an operator from locking everybody out.
var errLastKey = errors.New("this is the last access key; make another one first")

func (a *accessKeys) delete(ctx context.Context, id string) error {
	err := a.store.Update(ctx, func(tx store.Tx) error {
		all, err := tx.ListAccessKeys()
		if err != nil {
			return err
		}
		if len(all) == 1 && all[0].ID == id {
			return errLastKey
		}
		return tx.DeleteAccessKey(id)
	})
	a.mu.Lock()
	delete(a.cached, id)
	a.mu.Unlock()
	return err
}

// firstStart makes the root access key of a production server and writes it to
// the data directory, in the form of an AWS credentials file. The file comes
// first: a key that is stored and written nowhere would lock everybody out.
func (s *Server) firstStart(ctx context.Context) error {
	if s.opts.Profile != Production {
		return nil
	}
	keys, err := s.keys.list(ctx)
	if err != nil || len(keys) > 0 {
		return err
	}
	path := filepath.Join(s.dir, "credentials")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("root access key: the database has no access keys, but %s is there; it belongs to another database or to a start that was cut short: move it away and start again", path)
	}
	if err != nil {
		return fmt.Errorf("root access key: %w", err)
	}
	key := newAccessKey("root", s.clock.Now())
	_, err = fmt.Fprintf(f, "[rockpool]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.ID, key.Secret)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = s.keys.create(ctx, key)
	}
	if errors.Is(err, store.ErrOutcomeUnknown) {
		return fmt.Errorf("root access key: %w", err) // the key may be stored, so its file stays
	}
	if err != nil {
		return errors.Join(fmt.Errorf("root access key: %w", err), os.Remove(path))
	}
	s.opts.Logger.Warn("made the root access key; it is in the credentials file, profile rockpool", "file", path, "accessKeyId", key.ID)
	return nil
}
