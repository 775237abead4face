package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// session is what a Session string carries from one step of a sign-in to the
// next. It is sealed together with the pool, the client and the challenge that
// it answers, so that it opens for those alone.
type session struct {
	ID         string // used once
	Sub        string
	Name       string // the USERNAME of the first step, normalised
	Credential []byte // fingerprint of the password it was earned with
	Expires    time.Time
}

const (
	sessionPurpose = "challenge session"
	maxSession     = 2048 // characters, as in the service's model
)

// newSession begins a session for a user who has come as far as a challenge.
func (s *Service) newSession(c *userpool.Client, u store.User, name string) session {
	return session{
		ID: secret.UUID(), Sub: u.Sub, Name: name, Credential: credentialMark(u),
		Expires: s.now().Add(c.SessionLife()),
	}
}

// credentialMark tells two passwords of a user apart. A session ends when the
// password it was earned with is replaced.
func credentialMark(u store.User) []byte {
	h := sha256.Sum256(u.Credential)
	return h[:8]
}

func sessionAD(c *userpool.Client, challenge string) []byte {
	return pack([]byte(c.PoolID), []byte(c.ID), []byte(challenge))
}

func (s *Service) sealSession(c *userpool.Client, challenge string, x session) string {
	plain := pack([]byte(x.ID), []byte(x.Sub), []byte(x.Name), x.Credential, packTime(x.Expires))
	sealed := s.KEK.Box(sessionPurpose).Seal(plain, sessionAD(c, challenge))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// openSession opens a Session that answers challenge. A session of another
// pool, client or challenge and one that nobody made are the same error.
func (s *Service) openSession(c *userpool.Client, challenge, text string) (session, error) {
	// The decoder skips line breaks: the same session must not have many forms.
	if len(text) > maxSession || strings.ContainsAny(text, "\r\n") {
		return session{}, errSession
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return session{}, errSession.Because(err)
	}
	plain, err := s.KEK.Box(sessionPurpose).Open(sealed, sessionAD(c, challenge))
	if err != nil {
		return session{}, errSession.Because(err)
	}
	p, err := unpack(plain, 5)
	if err != nil {
		return session{}, errSession.Because(err)
	}
	expires, err := unpackTime(p[4])
	if err != nil {
		return session{}, errSession.Because(err)
	}
	x := session{ID: string(p[0]), Sub: string(p[1]), Name: string(p[2]), Credential: p[3], Expires: expires}
	if !s.now().Before(x.Expires) {
		return session{}, errSessionExpired
	}
	return x, nil
}

// useSession makes the session unusable for good, in the transaction that does
// what it was good for.
func useSession(tx store.Tx, poolID string, x session) error {
	err := tx.UseOnce(poolID, "session:"+x.ID, x.Expires)
	if errors.Is(err, store.ErrExists) {
		return errSessionUsed
	}
	return err
}
