package srp

import (
	"bytes"
	"math/big"
	"testing"

	"filippo.io/bigmod"
	"pgregory.net/rapid"
)

// math/big is the judge of the arithmetic. Uniform numbers alone would never
// meet the carries that matter, so edges are drawn as often.

var edges = []*big.Int{
	big.NewInt(0), big.NewInt(1), big.NewInt(2),
	new(big.Int).Sub(groupN, big.NewInt(1)),
	new(big.Int).Sub(groupN, big.NewInt(2)),
	new(big.Int).Rsh(groupN, 1),
	new(big.Int).Lsh(big.NewInt(1), 3008),
	new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 3007), big.NewInt(1)),
}

func numbers() *rapid.Generator[*big.Int] {
	return rapid.Custom(func(t *rapid.T) *big.Int {
		if rapid.Bool().Draw(t, "edge") {
			return rapid.SampledFrom(edges).Draw(t, "number")
		}
		b := rapid.SliceOfN(rapid.Byte(), groupSize, groupSize).Draw(t, "bytes")
		n := new(big.Int).SetBytes(b)
		return n.Mod(n, groupN)
	})
}

func exponents() *rapid.Generator[[]byte] {
	return rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, exponentSize+4),
		rapid.SampledFrom([][]byte{
			{}, {0}, {1}, {0x80}, make([]byte, 32), bytes.Repeat([]byte{0xff}, 32), append(make([]byte, 31), 1),
			append([]byte{0x80}, make([]byte, 31)...), append([]byte{1}, make([]byte, 32)...),
		}),
	)
}

func fill(n *big.Int) []byte { return n.FillBytes(make([]byte, groupSize)) }

func TestFieldAgreesWithMathBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := numbers().Draw(t, "x"), numbers().Draw(t, "y")
		want := new(big.Int).Mul(x, y)
		want.Mod(want, groupN)
		if got := new(elem).mul(fromBytes(fill(x)), fromBytes(fill(y))).bytes(); !bytes.Equal(got, fill(want)) {
			t.Fatalf("%x · %x = %x", x, y, got)
		}
		want.Mul(x, x)
		want.Mod(want, groupN)
		if got := new(elem).square(fromBytes(fill(x))).bytes(); !bytes.Equal(got, fill(want)) {
			t.Fatalf("%x² = %x", x, got)
		}
		if got := fromBytes(fill(x)).bytes(); !bytes.Equal(got, fill(x)) {
			t.Fatalf("%x became %x", x, got)
		}
	})
}

func TestPowersAgreeWithMathBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, e := numbers().Draw(t, "x"), exponents().Draw(t, "e")
		exp := new(big.Int).SetBytes(e)
		want := fill(new(big.Int).Exp(x, exp, groupN))
		if got := new(elem).pow(fromBytes(fill(x)), e).bytes(); !bytes.Equal(got, want) {
			t.Fatalf("pow(%x, %x) = %x", x, e, got)
		}
		if got := new(elem).powPublic(fromBytes(fill(x)), e).bytes(); !bytes.Equal(got, want) {
			t.Fatalf("powPublic(%x, %x) = %x", x, e, got)
		}
		if got := powG(e); !bytes.Equal(got, fill(new(big.Int).Exp(big.NewInt(2), exp, groupN))) {
			t.Fatalf("powG(%x) = %x", e, got)
		}
	})
}

// The fuzz target reaches what the generators do not: it is steered by coverage
// of the carries.
func FuzzField(f *testing.F) {
	for _, x := range edges {
		for _, y := range edges {
			f.Add(fill(x), fill(y))
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) > groupSize || len(b) > groupSize {
			return
		}
		x, y := new(big.Int).SetBytes(a), new(big.Int).SetBytes(b)
		x.Mod(x, groupN)
		y.Mod(y, groupN)
		want := new(big.Int).Mul(x, y)
		want.Mod(want, groupN)
		ex, ey := fromBytes(fill(x)), fromBytes(fill(y))
		if got := new(elem).mul(ex, ey).bytes(); !bytes.Equal(got, fill(want)) {
			t.Fatalf("%x · %x = %x", x, y, got)
		}
		want.Mul(x, x)
		want.Mod(want, groupN)
		if got := ex.square(ex).bytes(); !bytes.Equal(got, fill(want)) {
			t.Fatalf("%x² = %x", x, got)
		}
	})
}

// The benchmarks below are the figures of docs/decisions/0002-srp-arithmetic.md.

var (
	benchBase     = bytes.Repeat([]byte{0x5a}, groupSize)
	benchExponent = bytes.Repeat([]byte{0xb5}, exponentSize)
)

func BenchmarkMul(b *testing.B) {
	x := fromBytes(benchBase)
	for b.Loop() {
		x.mul(x, &fieldRR)
	}
}

func BenchmarkSquare(b *testing.B) {
	x := fromBytes(benchBase)
	for b.Loop() {
		x.square(x)
	}
}

func BenchmarkPow(b *testing.B) {
	b.Run("constant time", func(b *testing.B) {
		x := fromBytes(benchBase)
		for b.Loop() {
			new(elem).pow(x, benchExponent)
		}
	})
	b.Run("public exponent", func(b *testing.B) {
		x := fromBytes(benchBase)
		for b.Loop() {
			new(elem).powPublic(x, benchExponent)
		}
	})
	b.Run("math/big", func(b *testing.B) {
		x, e := new(big.Int).SetBytes(benchBase), new(big.Int).SetBytes(benchExponent)
		for b.Loop() {
			new(big.Int).Exp(x, e, groupN)
		}
	})
	b.Run("bigmod", func(b *testing.B) {
		m, err := bigmod.NewModulus(groupN.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		x, err := bigmod.NewNat().SetBytes(benchBase, m)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			bigmod.NewNat().Exp(x, benchExponent, m)
		}
	})
}

func BenchmarkPowG(b *testing.B) {
	powersOfG()
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			powG(benchExponent)
		}
	})
	b.Run("math/big", func(b *testing.B) {
		e := new(big.Int).SetBytes(benchExponent)
		for b.Loop() {
			new(big.Int).Exp(big.NewInt(2), e, groupN)
		}
	})
}

func BenchmarkServer(b *testing.B) {
	v := NewVerifier("ExAmPle12", "user", "password")
	c := NewClient("ExAmPle12", "password")
	one, publicB := Start(v)
	b.Run("Start", func(b *testing.B) {
		for b.Loop() {
			Start(v)
		}
	})
	b.Run("Key", func(b *testing.B) {
		for b.Loop() {
			if _, err := Key(v, one, c.A(), publicB); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Matches", func(b *testing.B) {
		for b.Loop() {
			v.Matches("ExAmPle12", "user", "password")
		}
	})
	b.Run("Fake", func(b *testing.B) {
		for b.Loop() {
			Fake([32]byte{}, "ExAmPle12", "user")
		}
	})
}
