package secret

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// MaxPassword is the longest password, in bytes, that is ever hashed.
const MaxPassword = 256

var (
	// ErrBusy is returned when more callers wait for a hash than Queue allows.
	ErrBusy = errors.New("too many passwords are being hashed")
	// ErrHash is returned for a stored hash that is not an argon2id PHC string
	// within the bounds that Verify accepts.
	ErrHash = errors.New("stored password hash is malformed")
	// ErrPasswordLength is returned by Hash for a password that is empty or
	// longer than MaxPassword.
	ErrPasswordLength = errors.New("password is empty or too long to hash")
)

// argon2id parameters of new hashes: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// Hasher hashes passwords with argon2id, for pools that keep no SRP verifier.
// The zero value is ready, and safe for concurrent use; it must not be copied
// after first use. At most Concurrency hashes run at once, because each takes
// 19 MiB and a core; the others wait in line until their context ends.
type Hasher struct {
	Concurrency int // hashes at one time; 0 means one per CPU
	Queue       int // callers that may wait; 0 means 64 per running hash

	once  sync.Once
	slots chan struct{} // held while hashing
	line  chan struct{} // held while hashing or waiting
}

func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	h.once.Do(func() {
		n := h.Concurrency
		if n <= 0 {
			n = runtime.GOMAXPROCS(0)
		}
		q := h.Queue
		if q <= 0 {
			q = 64 * n
		}
		h.slots, h.line = make(chan struct{}, n), make(chan struct{}, n+q)
	})
	select {
	case h.line <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	// A context that has ended never starts a hash, even if a slot is free.
	if err := ctx.Err(); err != nil {
		<-h.line
		return nil, err
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; <-h.line }, nil
	case <-ctx.Done():
		<-h.line
		return nil, ctx.Err()
	}
}

// Hash returns the PHC string of password with a fresh salt. It errors with
// ErrPasswordLength, ErrBusy or the context's error.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if password == "" || len(password) > MaxPassword {
		return "", ErrPasswordLength
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := Bytes(argonSalt)
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Verify reports whether password is the one that phc was made of. With an
// empty phc, which stands for a user that does not exist, it does the work of
// a default hash and says no, so that time does not tell. It errors with
// ErrHash, ErrBusy or the context's error, never for a wrong password.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (bool, error) {
	// A password that is never stored never matches. The answer depends on
	// the input alone, so its speed says nothing about the user.
	if password == "" || len(password) > MaxPassword {
		return false, nil
	}
	known := phc != ""
	s := argonHash{memory: argonMemory, time: argonTime, lanes: argonLanes, salt: make([]byte, argonSalt), key: make([]byte, argonKey)}
	if known {
		var err error
		if s, err = parsePHC(phc); err != nil {
			return false, err
		}
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	key := argon2.IDKey([]byte(password), s.salt, s.time, s.memory, s.lanes, uint32(len(s.key)))
	same := subtle.ConstantTimeCompare(key, s.key) == 1
	return same && known, nil
}

type argonHash struct {
	time, memory uint32
	lanes        uint8
	salt, key    []byte
}

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$key strictly. The bounds keep
// one imported row from taking the machine's memory or minutes of its time.
func parsePHC(phc string) (argonHash, error) {
	f := strings.Split(phc, "$")
	if len(phc) > 512 || len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return argonHash{}, ErrHash
	}
	p := strings.Split(f[3], ",")
	if len(p) != 3 {
		return argonHash{}, ErrHash
	}
	m, ok1 := phcNumber(p[0], "m=", 8, 256<<10)
	t, ok2 := phcNumber(p[1], "t=", 1, 64)
	l, ok3 := phcNumber(p[2], "p=", 1, 16)
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(f[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(f[5])
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || m < 8*l ||
		len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return argonHash{}, ErrHash
	}
	// The decoder skips line breaks; no PHC string has them.
	if strings.ContainsAny(phc, "\r\n") {
		return argonHash{}, ErrHash
	}
	return argonHash{time: t, memory: m, lanes: uint8(l), salt: salt, key: key}, nil
}

func phcNumber(s, prefix string, low, high uint32) (uint32, bool) {
	d, ok := strings.CutPrefix(s, prefix)
	if !ok || d == "" || d[0] == '0' || d[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(d, 10, 32)
	if err != nil || uint32(n) < low || uint32(n) > high {
		return 0, false
	}
	return uint32(n), true
}
