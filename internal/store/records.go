package store

import "time"

// Pool is a user pool.
type Pool struct {
	ID        string
	Name      string
	Doc       []byte // settings
	Version   int64  // 1 when created, one more with each update
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Client is an app client.
type Client struct {
	PoolID    string
	ID        string
	Name      string
	Doc       []byte // settings and sealed secrets
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// User is a user's profile. Sub identifies it for ever; Username is how the
// pool shows it.
type User struct {
	PoolID           string
	Sub              string
	Username         string
	Status           string // UserStatusType, for example CONFIRMED
	Enabled          bool
	Attributes       map[string]string // without sub
	Credential       []byte            // sealed password verifier; nil: no password
	PasswordExpires  time.Time         // of a temporary password
	TokensValidAfter time.Time         // older tokens are revoked
	Doc              []byte            // what else the domain keeps; may be nil
	Version          int64
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Kinds of Name.
const (
	NameUsername          = "username"
	NameSub               = "sub"
	NameEmail             = "email"
	NamePhoneNumber       = "phone_number"
	NamePreferredUsername = "preferred_username"
)

// Name is text by which a user can be found, unique in its pool whatever the
// kind: a username can never equal another user's sub or alias.
type Name struct {
	Kind  string
	Value string // normalised by the domain, never empty
}

// IndexEntry makes a user findable by ListUsers with a filter.
type IndexEntry struct {
	Attribute string // "email", "status", …
	Value     string // folded by the domain
}

// UserRow is a user together with all its names and index entries.
type UserRow struct {
	User
	Names []Name
	Index []IndexEntry
}

// UserQuery selects users of one pool. With an empty Attribute it selects all
// of them, in order of Sub; otherwise those with an IndexEntry of that
// attribute whose value equals Value or, if Prefix is set, begins with it, in
// order of (value, Sub).
type UserQuery struct {
	Attribute string
	Value     string
	Prefix    bool
	Page
}

// Group is a group of users.
type Group struct {
	PoolID      string
	Name        string
	Description string
	RoleARN     string
	Precedence  *int64 // nil: none, which ranks last
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Code is a short-lived secret that was sent to a user.
type Code struct {
	PoolID      string
	Sub         string
	Purpose     string // one live code per user and purpose
	Hash        []byte // keyed hash of the code
	Destination string // attribute and value it was sent to
	GuessesLeft int64
	ExpiresAt   time.Time
	CreatedAt   time.Time
}

// Attempt counts what a subject did in a window, for lock-out and for limits.
type Attempt struct {
	Count  int64
	LastAt time.Time
}

// RefreshFamily is the lineage of one sign-in's rotating refresh tokens.
type RefreshFamily struct {
	PoolID     string
	OriginJTI  string
	Generation int64 // of the newest token; the first refresh makes it 1
	RotatedAt  time.Time
	ExpiresAt  time.Time
}

// SigningKey is a pool's key for one kind of token.
type SigningKey struct {
	PoolID    string
	ID        string // kid
	Use       string // "id" or "access"
	Sealed    []byte // private key
	Public    []byte // PKIX DER
	Active    bool   // signs; exactly one of each use does
	CreatedAt time.Time
	RetiredAt time.Time // when it stopped signing; still published
}

// Function is a Lambda function: its unpublished version and its policy.
type Function struct {
	Region    string
	Name      string
	Doc       []byte
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// FunctionVersion is a published, unchanging version of a function.
type FunctionVersion struct {
	Region, Name string
	Number       int64
	Doc          []byte
	CreatedAt    time.Time
}

// FunctionAlias is a name for a version of a function.
type FunctionAlias struct {
	Region, Name string
	Alias        string
	Doc          []byte
	Version      int64
}

// AccessKey is a credential for operations that need an AWS signature.
type AccessKey struct {
	ID        string
	Sealed    []byte // secret key
	Doc       []byte // principal and policy
	CreatedAt time.Time
}

// Document is a record that is found by kind, scope and name. Its owner seals
// what is secret in it.
type Document struct {
	Kind      string // "stack", "s3 object", …
	Scope     string // within which the name is unique: a region, a bucket
	Name      string
	Version   int64
	Data      []byte
	UpdatedAt time.Time
	ExpiresAt time.Time // zero: never
}
