package store

import "time"

// Meta keeps a few facts about the database itself.
type Meta interface {
	// Meta returns the value of key, or ErrNotFound.
	Meta(key string) (string, error)
	// InitMeta sets key if it has no value, and returns the value it has now.
	InitMeta(key, value string) (string, error)
	// PutMeta sets key.
	PutMeta(key, value string) error
}

// Pools are user pools.
type Pools interface {
	// CreatePool stores a pool at version 1, or returns ErrExists.
	CreatePool(Pool) error
	// Pool returns a pool, or ErrNotFound.
	Pool(id string) (Pool, error)
	// PoolVersion returns a pool's version, or ErrNotFound. It is a point read
	// that does not load the settings.
	PoolVersion(id string) (int64, error)
	// UpdatePool replaces Name, Doc and UpdatedAt if the stored version is
	// p.Version, which it raises by one; otherwise ErrConflict, or ErrNotFound.
	UpdatePool(p Pool) error
	// DeletePool deletes a pool and everything in it, or returns ErrNotFound.
	DeletePool(id string) error
	// ListPools lists pools in order of id.
	ListPools(Page) ([]Pool, string, error)
}

// Clients are app clients.
type Clients interface {
	// CreateClient stores a client at version 1, or returns ErrExists, or
	// ErrNotFound if there is no such pool. Client ids are unique over all
	// pools.
	CreateClient(Client) error
	// Client returns a client of the pool, or ErrNotFound.
	Client(poolID, id string) (Client, error)
	// ClientPool returns the id of the pool that has the client, or ErrNotFound.
	ClientPool(id string) (poolID string, err error)
	// ClientVersion returns a client's version, or ErrNotFound.
	ClientVersion(poolID, id string) (int64, error)
	// UpdateClient is to clients what UpdatePool is to pools.
	UpdateClient(Client) error
	// DeleteClient deletes a client, or returns ErrNotFound.
	DeleteClient(poolID, id string) error
	// ListClients lists a pool's clients in order of id.
	ListClients(poolID string, p Page) ([]Client, string, error)
}

// Users are the people of a pool.
type Users interface {
	// CreateUser stores a user at version 1 with its names and index entries.
	// If a name is taken it returns a *NameTakenError; if the sub is, ErrExists;
	// if there is no such pool, ErrNotFound.
	CreateUser(UserRow) error
	// User returns the user with that sub, or ErrNotFound.
	User(poolID, sub string) (User, error)
	// UserByName returns the user that holds the name, and as which kind, in
	// one statement; or ErrNotFound.
	UserByName(poolID, name string) (User, Name, error)
	// UpdateUser replaces everything but PoolID, Sub and CreatedAt, makes the
	// user's names and index entries those given, and raises the version, if
	// the stored version is u.Version; otherwise ErrConflict, or ErrNotFound. A
	// name that another user holds is a *NameTakenError.
	UpdateUser(UserRow) error
	// DeleteUser deletes a user with names, index entries, memberships, codes
	// and attempts, or returns ErrNotFound.
	DeleteUser(poolID, sub string) error
	// ListUsers lists users; see UserQuery for the order.
	ListUsers(poolID string, q UserQuery) ([]User, string, error)
	// CountUsers counts a pool's users but stops at atMost.
	CountUsers(poolID string, atMost int) (int, error)
}

// Groups are groups of users and who is in them.
type Groups interface {
	// CreateGroup stores a group, or returns ErrExists, or ErrNotFound if there
	// is no such pool.
	CreateGroup(Group) error
	// Group returns a group, or ErrNotFound.
	Group(poolID, name string) (Group, error)
	// UpdateGroup replaces everything but CreatedAt, or returns ErrNotFound.
	UpdateGroup(Group) error
	// DeleteGroup deletes a group and its memberships, or returns ErrNotFound.
	DeleteGroup(poolID, name string) error
	// ListGroups lists a pool's groups in order of name.
	ListGroups(poolID string, p Page) ([]Group, string, error)
	// AddMember puts a user into a group; it is not an error if the user is in
	// it already. ErrNotFound if the pool has no such group or no such user.
	AddMember(poolID, group, sub string, now time.Time) error
	// RemoveMember takes a user out of a group; it is not an error if the user
	// was not in it.
	RemoveMember(poolID, group, sub string) error
	// UserGroups returns all groups of a user in one statement, the lowest
	// precedence number first, those without one last, equals by name.
	UserGroups(poolID, sub string) ([]Group, error)
	// ListMembers lists the users of a group in order of sub.
	ListMembers(poolID, group string, p Page) ([]User, string, error)
}

// Codes are short-lived secrets that were sent to users.
type Codes interface {
	// PutCode stores a code, in place of an older one with the same purpose, or
	// returns ErrNotFound if the pool has no such user.
	PutCode(Code) error
	// Code returns the live or expired code, or ErrNotFound.
	Code(poolID, sub, purpose string) (Code, error)
	// GuessCode takes one guess off the code and returns it as it is after
	// that, atomically: of callers that race, each sees another GuessesLeft.
	// When none were left it returns ErrNotFound and deletes the code. The guess
	// counts when the transaction is committed, so a caller to whom the guess
	// was wrong still returns nil to Update.
	GuessCode(poolID, sub, purpose string) (Code, error)
	// TakeCode deletes the code if its hash is still hash. Of racing callers
	// exactly one gets nil; the others ErrNotFound.
	TakeCode(poolID, sub, purpose string, hash []byte) error
}

// Attempts count. A subject is a user's sub, the fingerprint of an unknown
// name or a source address; a kind is what is counted.
type Attempts interface {
	// Attempt returns the counter; a zero Attempt if there is none or it
	// expired before now.
	Attempt(poolID, subject, kind string, now time.Time) (Attempt, error)
	// CountAttempt adds one, atomically, and returns the counter with it. A
	// counter whose expiry has passed starts again at one. expires is when
	// the counter is forgotten unless it is counted again.
	CountAttempt(poolID, subject, kind string, now, expires time.Time) (Attempt, error)
	// ResetAttempts forgets the counter.
	ResetAttempts(poolID, subject, kind string) error
}

// Revocations end what was issued, and make things usable once.
type Revocations interface {
	// Revoke records that all tokens of a sign-in are revoked until expires,
	// when they would have expired anyway. Revoking twice is not an error.
	Revoke(poolID, originJTI string, expires time.Time) error
	// Revoked reports whether the sign-in's tokens are revoked.
	Revoked(poolID, originJTI string) (bool, error)
	// UseOnce records that id was used. Of racing callers exactly one gets nil
	// and the others ErrExists, until expires has passed and Sweep has been by.
	UseOnce(poolID, id string, expires time.Time) error
	// RefreshFamily returns a lineage, or ErrNotFound before its first
	// rotation.
	RefreshFamily(poolID, originJTI string) (RefreshFamily, error)
	// CreateRefreshFamily stores a lineage, or returns ErrExists.
	CreateRefreshFamily(RefreshFamily) error
	// AdvanceRefreshFamily raises the generation by one, and sets RotatedAt, if
	// it is from. Of racing callers exactly one gets nil and the others
	// ErrConflict, as does a caller with a lineage that is not there.
	AdvanceRefreshFamily(poolID, originJTI string, from int64, now time.Time) error
}

// SigningKeys are the keys of pools.
type SigningKeys interface {
	// CreateSigningKey stores a key, or returns ErrExists, or ErrNotFound if
	// there is no such pool.
	CreateSigningKey(SigningKey) error
	// SigningKeys returns all keys of a pool, newest first, equals by id.
	SigningKeys(poolID string) ([]SigningKey, error)
	// RetireSigningKey makes an active key inactive at now; ErrConflict if it
	// was not active, so that of racing rotations one wins; ErrNotFound if there
	// is no such key.
	RetireSigningKey(poolID, id string, now time.Time) error
	// DeleteSigningKey deletes a key, or returns ErrNotFound.
	DeleteSigningKey(poolID, id string) error
}

// Functions are Lambda functions, keyed by region and name.
type Functions interface {
	// CreateFunction stores a function at version 1, or returns ErrExists.
	CreateFunction(Function) error
	// Function returns a function, or ErrNotFound.
	Function(region, name string) (Function, error)
	// UpdateFunction replaces Doc and UpdatedAt and raises the version if the
	// stored version is f.Version; otherwise ErrConflict, or ErrNotFound.
	UpdateFunction(Function) error
	// DeleteFunction deletes a function with its versions and aliases, or
	// returns ErrNotFound.
	DeleteFunction(region, name string) error
	// ListFunctions lists a region's functions in order of name.
	ListFunctions(region string, p Page) ([]Function, string, error)

	// CreateFunctionVersion stores a published version, or returns ErrExists, or
	// ErrNotFound if there is no such function.
	CreateFunctionVersion(FunctionVersion) error
	// FunctionVersion returns a published version, or ErrNotFound.
	FunctionVersion(region, name string, number int64) (FunctionVersion, error)
	// DeleteFunctionVersion deletes a published version, or returns ErrNotFound.
	DeleteFunctionVersion(region, name string, number int64) error
	// ListFunctionVersions lists published versions, oldest first.
	ListFunctionVersions(region, name string, p Page) ([]FunctionVersion, string, error)

	// CreateFunctionAlias stores an alias at version 1, or returns ErrExists, or
	// ErrNotFound if there is no such function.
	CreateFunctionAlias(FunctionAlias) error
	// FunctionAlias returns an alias, or ErrNotFound.
	FunctionAlias(region, name, alias string) (FunctionAlias, error)
	// UpdateFunctionAlias replaces Doc and raises the version if the stored
	// version is a.Version; otherwise ErrConflict, or ErrNotFound.
	UpdateFunctionAlias(FunctionAlias) error
	// DeleteFunctionAlias deletes an alias, or returns ErrNotFound.
	DeleteFunctionAlias(region, name, alias string) error
	// ListFunctionAliases lists a function's aliases in order of name.
	ListFunctionAliases(region, name string, p Page) ([]FunctionAlias, string, error)

	// PutCodeBlob stores a deployment package under its digest; storing it
	// again is not an error.
	PutCodeBlob(sha256 string, data []byte) error
	// CodeBlob returns a deployment package, or ErrNotFound.
	CodeBlob(sha256 string) ([]byte, error)
	// DeleteCodeBlob deletes a deployment package if it exists.
	DeleteCodeBlob(sha256 string) error
}

// AccessKeys are credentials for signed requests.
type AccessKeys interface {
	// CreateAccessKey stores a key, or returns ErrExists.
	CreateAccessKey(AccessKey) error
	// AccessKey returns a key, or ErrNotFound.
	AccessKey(id string) (AccessKey, error)
	// DeleteAccessKey deletes a key, or returns ErrNotFound.
	DeleteAccessKey(id string) error
	// ListAccessKeys returns all keys, oldest first, equals by id.
	ListAccessKeys() ([]AccessKey, error)
}

// Documents are the records of services that look them up by name alone. What
// is in one is the business of the package that owns its kind.
type Documents interface {
	// CreateDocument stores a document at version 1, or returns ErrExists.
	CreateDocument(Document) error
	// Document returns a document, or ErrNotFound. One that has expired is
	// there until Sweep has been by: the reader looks.
	Document(kind, scope, name string) (Document, error)
	// UpdateDocument replaces Data, UpdatedAt and ExpiresAt if the stored
	// version is d.Version, which it raises by one; otherwise ErrConflict, or
	// ErrNotFound.
	UpdateDocument(d Document) error
	// DeleteDocument deletes a document, or returns ErrNotFound.
	DeleteDocument(kind, scope, name string) error
	// ListDocuments lists the documents of a kind and scope in order of name,
	// with their data: what is large belongs in a kind that nobody lists. The
	// cursor is the name of the last document on the page, and After can be any
	// text, the name of a document or not: the page has what comes after it.
	ListDocuments(kind, scope string, p Page) ([]Document, string, error)
}
