package srp

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// Arithmetic modulo the one prime of this package, in Montgomery form, on
// numbers of a fixed 48 words. Nothing here branches on, or indexes by, the
// value of an element: every function takes the same time for all of them.

//
// The inner loops carry go:norace: they touch only their arguments, which are
// values on some caller's stack or read-only tables, and the race detector
// would make them fifty times slower in everybody's tests.

const limbs = groupSize / 8

// elem is a number less than N, times 2^3072 mod N; least significant word first.
type elem [limbs]uint64

// wide is a product before reduction.
type wide [2 * limbs]uint64

var (
	fieldN  = wordsOf(groupN)
	fieldR  = wordsOf(new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), 8*groupSize), groupN))  // 1 in Montgomery form
	fieldRR = wordsOf(new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), 16*groupSize), groupN)) // turns a number into it
)

func wordsOf(n *big.Int) (e elem) {
	e.setBytes(n.FillBytes(make([]byte, groupSize)))
	return e
}

// setBytes reads 384 big-endian bytes as they are, without conversion.
func (e *elem) setBytes(b []byte) {
	for i := range e {
		e[i] = binary.BigEndian.Uint64(b[groupSize-8*(i+1):])
	}
}

// fromBytes returns the element for a big-endian number less than N.
func fromBytes(b []byte) *elem {
	e := new(elem)
	e.setBytes(b)
	return e.mul(e, &fieldRR)
}

// bytes returns the number that e stands for, 384 bytes.
func (e *elem) bytes() []byte {
	var t wide
	var out elem
	copy(t[:], e[:])
	out.reduce(&t)
	b := make([]byte, groupSize)
	for i, w := range out {
		binary.BigEndian.PutUint64(b[groupSize-8*(i+1):], w)
	}
	return b
}

// mul sets e = x·y and returns it. All three may be the same.
//
//go:norace
func (e *elem) mul(x, y *elem) *elem {
	var t wide
	for i, d := range x {
		t[i+limbs] = mulAdd(t[i:i+limbs], y[:], d, 0)
	}
	return e.reduce(&t)
}

// square sets e = x² and returns it. It is faster than mul: each product of
// two different words is computed once and doubled.
//
//go:norace
func (e *elem) square(x *elem) *elem {
	var t wide
	for i, d := range x {
		// The rest of i's own block of eight words, then whole blocks.
		end := i&^7 + 8
		var carry uint64
		for j := i + 1; j < end; j++ {
			hi, lo := bits.Mul64(d, x[j])
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			hi, _ = bits.Add64(hi, 0, c)
			t[i+j], c = bits.Add64(t[i+j], lo, 0)
			carry, _ = bits.Add64(hi, 0, c)
		}
		t[i+limbs] = mulAdd(t[i+end:i+limbs], x[end:], d, carry)
	}
	var top, c uint64
	for i, d := range x {
		hi, lo := bits.Mul64(d, d)
		a, b := t[2*i], t[2*i+1]
		t[2*i], c = bits.Add64(a<<1|top, lo, c)
		t[2*i+1], c = bits.Add64(b<<1|a>>63, hi, c)
		top = b >> 63
	}
	return e.reduce(&t)
}

// mulAdd adds y·d + carry to z and returns the word that is carried out. z and
// y are equally long, a multiple of eight words.
//
//go:norace
func mulAdd(z, y []uint64, d, carry uint64) uint64 {
	y = y[:len(z)]
	// Four products at a time leave the compiler two unbroken carry chains.
	for len(z) >= 8 && len(y) >= 8 {
		zz, yy := (*[8]uint64)(z), (*[8]uint64)(y)
		var c uint64
		h0, l0 := bits.Mul64(d, yy[0])
		h1, l1 := bits.Mul64(d, yy[1])
		h2, l2 := bits.Mul64(d, yy[2])
		h3, l3 := bits.Mul64(d, yy[3])
		l0, c = bits.Add64(l0, carry, 0)
		l1, c = bits.Add64(l1, h0, c)
		l2, c = bits.Add64(l2, h1, c)
		l3, c = bits.Add64(l3, h2, c)
		carry, _ = bits.Add64(h3, 0, c)
		zz[0], c = bits.Add64(zz[0], l0, 0)
		zz[1], c = bits.Add64(zz[1], l1, c)
		zz[2], c = bits.Add64(zz[2], l2, c)
		zz[3], c = bits.Add64(zz[3], l3, c)
		carry, _ = bits.Add64(carry, 0, c)

		h0, l0 = bits.Mul64(d, yy[4])
		h1, l1 = bits.Mul64(d, yy[5])
		h2, l2 = bits.Mul64(d, yy[6])
		h3, l3 = bits.Mul64(d, yy[7])
		l0, c = bits.Add64(l0, carry, 0)
		l1, c = bits.Add64(l1, h0, c)
		l2, c = bits.Add64(l2, h1, c)
		l3, c = bits.Add64(l3, h2, c)
		carry, _ = bits.Add64(h3, 0, c)
		zz[4], c = bits.Add64(zz[4], l0, 0)
		zz[5], c = bits.Add64(zz[5], l1, c)
		zz[6], c = bits.Add64(zz[6], l2, c)
		zz[7], c = bits.Add64(zz[7], l3, c)
		carry, _ = bits.Add64(carry, 0, c)
		z, y = z[8:], y[8:]
	}
	return carry
}

// reduce sets e = t / 2^3072 mod N, for t < N·2^3072, and destroys t.
//
//go:norace
func (e *elem) reduce(t *wide) *elem {
	// The lowest word of N is 2^64-1, so the multiple of N that clears a word
	// of t is that word itself.
	var over uint64
	for i := range limbs {
		carry := mulAdd(t[i:i+limbs], fieldN[:], t[i], 0)
		t[i+limbs], over = bits.Add64(t[i+limbs], carry, over)
	}
	// The result is less than 2N: take N away, and put the old value back,
	// by mask, if that went below zero.
	r := (*elem)(t[limbs:])
	var less elem
	var borrow uint64
	for i := range less {
		less[i], borrow = bits.Sub64(r[i], fieldN[i], borrow)
	}
	_, borrow = bits.Sub64(over, 0, borrow)
	keep := -borrow
	for i := range e {
		e[i] = r[i]&keep | less[i]&^keep
	}
	return e
}

// pick sets e to table[index], reading all of the table.
//
//go:norace
func (e *elem) pick(table []elem, index uint64) {
	*e = elem{}
	for k := range table {
		// All ones if k == index: only zero minus one borrows.
		_, borrow := bits.Sub64(uint64(k)^index, 1, 0)
		mask := -borrow
		entry := &table[k]
		for i := range e {
			e[i] |= entry[i] & mask
		}
	}
}
