package srp

import "sync"

// A fixed-base window is five bits of the exponent: 52 of them make 256 bits.
// Four bits take 12 multiplications more, six a table of a megabyte.
const (
	baseBits    = 5
	baseEntries = 1 << baseBits
	baseWindows = (8*exponentSize + baseBits - 1) / baseBits
)

// powersOfG holds g^(d·32^i) at [i][d]: 639 KB, made at first use in a few
// milliseconds, so that a process that never sees a password does not pay.
var powersOfG = sync.OnceValue(func() *[baseWindows][baseEntries]elem {
	table := new([baseWindows][baseEntries]elem)
	base := new(elem)
	two := [groupSize]byte{groupSize - 1: 2}
	*base = *fromBytes(two[:])
	for i := range table {
		row := &table[i]
		row[0], row[1] = fieldR, *base
		for d := 2; d < baseEntries; d++ {
			row[d].mul(&row[d-1], base)
		}
		base.mul(&row[baseEntries-1], base)
	}
	return table
})

// powG returns g^e mod N, 384 bytes. It is constant time for exponents of one
// length: they are x, which is as good as the password, and b. For up to 256
// bits, which is all that the protocol takes, it squares nothing: it
// multiplies one table entry per window.
func powG(e []byte) []byte {
	if len(e) > exponentSize {
		two := [groupSize]byte{groupSize - 1: 2}
		base := fromBytes(two[:])
		return base.pow(base, e).bytes()
	}
	var padded [exponentSize]byte
	copy(padded[exponentSize-len(e):], e)
	table := powersOfG()
	var acc, entry elem
	acc.pick(table[0][:], window(&padded, 0))
	for i := 1; i < baseWindows; i++ {
		entry.pick(table[i][:], window(&padded, i))
		acc.mul(&acc, &entry)
	}
	return acc.bytes()
}

// window returns the i-th five bits of e, counted from the least significant.
func window(e *[exponentSize]byte, i int) uint64 {
	low := baseBits * i
	at := exponentSize - 1 - low/8
	w := uint64(e[at])
	if at > 0 {
		w |= uint64(e[at-1]) << 8
	}
	return w >> (low % 8) & (baseEntries - 1)
}

// pow sets e = x^exp mod N in a time that depends on the length of exp alone.
func (e *elem) pow(x *elem, exp []byte) *elem {
	var table [16]elem
	table[0], table[1] = fieldR, *x
	for d := 2; d < len(table); d += 2 {
		table[d].square(&table[d/2])
		table[d+1].mul(&table[d], x)
	}
	acc := fieldR
	var entry elem
	for i, c := range exp {
		for half, digit := range [2]byte{c >> 4, c & 15} {
			if i+half > 0 { // squaring 1 is a waste
				for range 4 {
					acc.square(&acc)
				}
			}
			entry.pick(table[:], uint64(digit))
			acc.mul(&acc, &entry)
		}
	}
	*e = acc
	return e
}

// powPublic sets e = x^exp mod N for an exponent that is no secret: its bits
// show in the time and in the memory that is read. x stays hidden.
func (e *elem) powPublic(x *elem, exp []byte) *elem {
	const width = 5
	var odd [1 << (width - 1)]elem // x^1, x^3, x^5, …
	var x2 elem
	odd[0] = *x
	x2.square(x)
	for d := 1; d < len(odd); d++ {
		odd[d].mul(&odd[d-1], &x2)
	}
	bit := func(i int) uint { return uint(exp[len(exp)-1-i/8]) >> (i % 8) & 1 }
	acc, one := fieldR, true
	for i := 8*len(exp) - 1; i >= 0; {
		if bit(i) == 0 {
			if !one {
				acc.square(&acc)
			}
			i--
			continue
		}
		// The longest window of up to five bits that ends in a 1.
		last := max(i-width+1, 0)
		for bit(last) == 0 {
			last++
		}
		digit := uint(0)
		for ; i >= last; i-- {
			digit = digit<<1 | bit(i)
			if !one {
				acc.square(&acc)
			}
		}
		if one {
			acc, one = odd[digit>>1], false
		} else {
			acc.mul(&acc, &odd[digit>>1])
		}
	}
	*e = acc
	return e
}

// serverSecret returns S = (A · v^u)^b mod N, 384 bytes. v and b are secret, A
// and u have crossed the wire.
func serverSecret(v, a, b, u []byte) []byte {
	s := fromBytes(v)
	s.powPublic(s, u)
	s.mul(s, fromBytes(a))
	return s.pow(s, b).bytes()
}
