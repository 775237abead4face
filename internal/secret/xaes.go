package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
)

const (
	xaesNonce = 24
	xaesTag   = 16
)

// xaes is XAES-256-GCM as C2SP specifies it: AES-256-GCM with a 192-bit nonce,
// whose first half derives the key of the message (NIST SP 800-108 counter
// mode over CMAC) and whose second half is that key's nonce. It is safe for
// concurrent use.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // the CMAC subkey for a full last block
}

func newXAES(key *[32]byte) *xaes {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("secret: " + err.Error()) // 32 bytes are always a valid key
	}
	x := &xaes{block: b}
	b.Encrypt(x.k1[:], x.k1[:])
	// Doubling in GF(2^128). The key is secret, so no branch on its top bit.
	var carry byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		next := x.k1[i] >> 7
		x.k1[i] = x.k1[i]<<1 | carry
		carry = next
	}
	x.k1[len(x.k1)-1] ^= 0x87 & -carry
	return x
}

// message returns the AEAD for one nonce.
func (x *xaes) message(nonce []byte) cipher.AEAD {
	var key [32]byte
	for i := range 2 {
		m := key[16*i : 16*i+16]
		m[1], m[2] = byte(i+1), 'X'
		copy(m[4:], nonce[:12])
		subtle.XORBytes(m, m, x.k1[:])
		x.block.Encrypt(m, m)
	}
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("secret: " + err.Error()) // 32 bytes are always a valid key
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		panic("secret: " + err.Error()) // AES has GCM's block size
	}
	return g
}

// seal appends nonce ‖ ciphertext ‖ tag to dst.
func (x *xaes) seal(dst, plain, ad []byte) []byte {
	n := len(dst)
	var nonce [xaesNonce]byte
	_, _ = rand.Read(nonce[:]) // documented never to return an error
	dst = append(dst, nonce[:]...)
	return x.message(dst[n:n+12]).Seal(dst, nonce[12:], plain, ad)
}

// open undoes seal. sealed begins with the nonce.
func (x *xaes) open(sealed, ad []byte) ([]byte, error) {
	if len(sealed) < xaesNonce+xaesTag {
		return nil, ErrSealed
	}
	plain, err := x.message(sealed[:12]).Open(nil, sealed[12:xaesNonce], sealed[xaesNonce:], ad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
