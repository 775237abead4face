package signin

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/srp"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// secretBlock is the server's side of a key exchange between its two steps. It
// travels sealed through the client, as SECRET_BLOCK, so that the exchange
// needs no row and can end on another node.
type secretBlock struct {
	ID      [16]byte
	Sub     string // of a user that does not exist, one that nobody has
	Name    string // the USERNAME of the first step
	UserID  string // USER_ID_FOR_SRP
	B       []byte // the one-time exponent
	PublicA string
	PublicB string
	Expires time.Time
}

const (
	blockPurpose = "srp secret block"
	maxBlock     = 4096 // characters; one is about 1,300 with an ordinary name
)

func (s *Service) sealBlock(c *userpool.Client, b secretBlock) string {
	plain := pack(b.ID[:], []byte(b.Sub), []byte(b.Name), []byte(b.UserID), b.B, fromHex(b.PublicA), fromHex(b.PublicB), packTime(b.Expires))
	return base64.StdEncoding.EncodeToString(s.KEK.Box(blockPurpose).Seal(plain, sessionAD(c, ChallengePasswordVerifier)))
}

// openBlock returns the block, and its bytes as the client's proof covers them.
func (s *Service) openBlock(c *userpool.Client, text string) (b secretBlock, raw []byte, err error) {
	if len(text) > maxBlock || strings.ContainsAny(text, "\r\n") {
		return b, nil, errSession
	}
	if raw, err = base64.StdEncoding.Strict().DecodeString(text); err != nil {
		return b, nil, errSession.Because(err)
	}
	plain, err := s.KEK.Box(blockPurpose).Open(raw, sessionAD(c, ChallengePasswordVerifier))
	if err != nil {
		return b, nil, errSession.Because(err)
	}
	p, err := unpack(plain, 8)
	if err != nil || len(p[0]) != len(b.ID) {
		return b, nil, errSession.Because(err)
	}
	copy(b.ID[:], p[0])
	b.Sub, b.Name, b.UserID, b.B = string(p[1]), string(p[2]), string(p[3]), p[4]
	b.PublicA, b.PublicB = hex.EncodeToString(p[5]), hex.EncodeToString(p[6])
	if b.Expires, err = unpackTime(p[7]); err != nil {
		return b, nil, errSession.Because(err)
	}
	if !s.now().Before(b.Expires) {
		return b, nil, errSessionExpired
	}
	return b, raw, nil
}

// fromHex reads a number that is known to be hexadecimal, of odd length even.
func fromHex(s string) []byte {
	if len(s)%2 == 1 {
		s = "0" + s
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil // srp.ValidA has accepted it
	}
	return b
}

// srpAuth is the first step of USER_SRP_AUTH.
func (s *Service) srpAuth(ctx context.Context, a *attempt, parameters map[string]string) (AuthResult, error) {
	began := beginSteady()
	defer func() { began.wait(ctx, a.client, steadyStart) }()
	// 1 Input.
	name, err := required(parameters, "USERNAME")
	if err != nil {
		return AuthResult{}, err
	}
	publicA, err := required(parameters, "SRP_A")
	if err != nil {
		return AuthResult{}, err
	}
	if err := srp.ValidA(publicA); err != nil {
		return AuthResult{}, apierr.New(apierr.InvalidParameter, "SRP_A is not valid.").Because(err)
	}
	folded := fold(a.pool, name)
	if len(name) > maxSRPName || len(folded) > maxSRPName {
		return AuthResult{}, apierr.New(apierr.InvalidParameter, "USERNAME is too long.")
	}
	if err := s.Pools.CheckSecretHash(a.client, name, parameters["SECRET_HASH"]); err != nil {
		return AuthResult{}, err
	}
	// 2 User.
	u, known, err := s.lookup(ctx, a.pool, name)
	if err != nil {
		return AuthResult{}, err
	}
	a.mark(PhaseUser)
	if !known && !a.client.PreventUserExistenceErrors {
		return AuthResult{}, unknownAtSignIn(a.client)
	}
	// 3 PreAuthentication: not built, no pool has one.
	// The block of a user that does not exist is as long as any other.
	sub, userID := fakeUUID(s.nameFingerprint(a.pool.ID, "sub of "+folded)), s.fakeUserID(a.pool, folded)
	if known {
		a.about(u)
		sub, userID = u.Sub, u.Username
	}
	v, err := s.Pools.VerifierOrFake(a.pool, u, userID)
	if err != nil {
		return AuthResult{}, err
	}
	b, publicB := srp.Start(v)
	block := s.sealBlock(a.client, secretBlock{
		ID: [16]byte(secret.Bytes(16)), Sub: sub, Name: name, UserID: userID, B: b, PublicA: publicA, PublicB: publicB,
		Expires: a.now.Add(a.client.SessionLife()),
	})
	return AuthResult{Challenge: ChallengePasswordVerifier, Parameters: map[string]string{
		"SALT": v.SaltHex(), "SRP_B": publicB, "SECRET_BLOCK": block, "USERNAME": userID, "USER_ID_FOR_SRP": userID,
	}}, nil
}

// maxSRPName keeps the block, which carries the name, within its limits.
const maxSRPName = 512

// passwordVerifier is the second step: the client's proof.
func (s *Service) passwordVerifier(ctx context.Context, a *attempt, in ChallengeInput) (_ AuthResult, err error) {
	began := beginSteady()
	defer func() {
		if err != nil {
			began.wait(ctx, a.client, steadyTime)
			a.mark(PhaseWait)
		}
	}()
	// 1 Input. The Session member is not looked at: the block is the session.
	values := make(map[string]string, 4)
	for _, name := range []string{"USERNAME", "PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"} {
		v, err := required(in.Responses, name)
		if err != nil {
			return AuthResult{}, err
		}
		values[name] = v
	}
	if err := s.Pools.CheckSecretHash(a.client, values["USERNAME"], in.Responses["SECRET_HASH"]); err != nil {
		return AuthResult{}, err
	}
	block, raw, err := s.openBlock(a.client, values["PASSWORD_CLAIM_SECRET_BLOCK"])
	if err != nil {
		return AuthResult{}, err
	}
	if n := fold(a.pool, values["USERNAME"]); n != fold(a.pool, block.UserID) && n != fold(a.pool, block.Name) && n != block.Sub {
		return AuthResult{}, errSession
	}
	// Only the form of the timestamp is checked. How fresh the exchange is the
	// block says, by the server's own clock; clients' clocks may be far off.
	if _, err := srp.ParseTimestamp(values["TIMESTAMP"]); err != nil {
		return AuthResult{}, apierr.New(apierr.InvalidParameter, "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.").Because(err)
	}
	signature, err := base64.StdEncoding.DecodeString(values["PASSWORD_CLAIM_SIGNATURE"])
	if err != nil {
		return AuthResult{}, errIncorrect.Because(err)
	}
	// 2 User, as it is now.
	c, err := s.candidate(ctx, a, block.Name, func(tx store.Tx) (store.User, error) { return tx.User(a.pool.ID, block.Sub) })
	if err != nil {
		return AuthResult{}, err
	}
	if c.known {
		a.about(c.user)
	}
	a.mark(PhaseUser)
	// 5 Lock-out, 6 password.
	err = s.guarded(ctx, c.subject, c.mark, &c.failures, func(context.Context) (bool, error) {
		v, err := s.Pools.VerifierOrFake(a.pool, c.user, block.UserID)
		if err != nil {
			return false, err
		}
		key, err := srp.Key(v, block.B, block.PublicA, block.PublicB)
		if err != nil {
			return false, nil // u = 0; it counts as a guess
		}
		want := srp.Proof(key, arn.PoolName(a.pool.ID), block.UserID, raw, values["TIMESTAMP"])
		return hmac.Equal(want, signature) && c.known, nil
	})
	a.mark(PhasePassword)
	if err != nil {
		return AuthResult{}, err
	}
	if !s.used.use(block.ID, a.now, block.Expires) {
		return AuthResult{}, errSessionUsed
	}
	return s.finish(ctx, a, c, block.Name)
}
