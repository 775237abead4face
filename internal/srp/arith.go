package srp

import "math/big"

// powG returns g^e mod N, 384 bytes.
func powG(e []byte) []byte {
	r := new(big.Int).Exp(big.NewInt(2), new(big.Int).SetBytes(e), groupN)
	return r.FillBytes(make([]byte, groupSize))
}

// serverSecret returns S = (A · v^u)^b mod N, 384 bytes.
func serverSecret(v, a, b, u []byte) []byte {
	s := new(big.Int).Exp(new(big.Int).SetBytes(v), new(big.Int).SetBytes(u), groupN)
	s.Mul(s, new(big.Int).SetBytes(a))
	s.Mod(s, groupN)
	s.Exp(s, new(big.Int).SetBytes(b), groupN)
	return s.FillBytes(make([]byte, groupSize))
}
