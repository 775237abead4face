package srp

import (
	"encoding/hex"
	"math/big"

	"github.com/rockpoolhq/rockpool/internal/secret"
)

// Client is the other side of the protocol, for tests, benchmarks and the
// command line. One Client is one run. Its arithmetic is not constant time.
type Client struct {
	poolName, password string
	a                  *big.Int
	publicA            string
}

// NewClient begins a run with a random one-time exponent.
func NewClient(poolName, password string) *Client {
	return newClient(poolName, password, secret.Bytes(128)) // as long as the JavaScript client's
}

func newClient(poolName, password string, a []byte) *Client {
	c := &Client{poolName: poolName, password: password, a: new(big.Int).SetBytes(a)}
	c.publicA = new(big.Int).Exp(big.NewInt(2), c.a, groupN).Text(16)
	return c
}

// A returns the public value to send, SRP_A, in hexadecimal.
func (c *Client) A() string { return c.publicA }

// Proof answers the server's challenge: userID is USER_ID_FOR_SRP, salt is SALT
// in hexadecimal, publicB is SRP_B, secretBlock the decoded SECRET_BLOCK. The
// result is PASSWORD_CLAIM_SIGNATURE before base64. It errors with
// ErrBadNumber if the server's values are not acceptable.
func (c *Client) Proof(userID, salt, publicB string, secretBlock []byte, timestamp string) ([]byte, error) {
	key, err := c.key(userID, salt, publicB)
	if err != nil {
		return nil, err
	}
	return Proof(key, c.poolName, userID, secretBlock, timestamp), nil
}

func (c *Client) key(userID, salt, publicB string) (key [16]byte, err error) {
	a, err := parsePublic(c.publicA)
	if err != nil {
		return key, err
	}
	bb, err := parsePublic(publicB)
	if err != nil {
		return key, err
	}
	if len(salt)%2 == 1 {
		salt = "0" + salt
	}
	rawSalt, err := hex.DecodeString(salt)
	if err != nil || len(rawSalt) > groupSize {
		return key, ErrBadNumber
	}
	u, err := scramble(a, bb)
	if err != nil {
		return key, err
	}
	x := new(big.Int).SetBytes(privateX(rawSalt, c.poolName, userID, c.password))
	// S = (B - k·g^x)^(a + u·x)
	base := new(big.Int).Exp(big.NewInt(2), x, groupN)
	base.Mul(base, groupK)
	base.Sub(new(big.Int).SetBytes(bb), base)
	base.Mod(base, groupN)
	e := new(big.Int).SetBytes(u)
	e.Mul(e, x)
	e.Add(e, c.a)
	s := base.Exp(base, e, groupN)
	return deriveKey(s.FillBytes(make([]byte, groupSize)), u), nil
}
