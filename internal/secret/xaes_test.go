package secret

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Inside the package: the vectors fix the nonce, which no exported function
// lets a caller do. They are the two of the C2SP specification of XAES-256-GCM,
// one for each value of the CMAC subkey's top bit.
func TestXAESVectors(t *testing.T) {
	for _, v := range []struct {
		key       byte
		ad, plain string
		want      string
	}{
		{0x01, "", "XAES-256-GCM", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{0x03, "c2sp.org/XAES-256-GCM", "XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		key := [32]byte(bytes.Repeat([]byte{v.key}, 32))
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		x := newXAES(&key)
		got := x.message(nonce[:12]).Seal(nil, nonce[12:], []byte(v.plain), []byte(v.ad))
		if hex.EncodeToString(got) != v.want {
			t.Errorf("key %02x…: %x, want %s", v.key, got, v.want)
		}
		plain, err := x.open(append(nonce, got...), []byte(v.ad))
		if err != nil || string(plain) != v.plain {
			t.Errorf("key %02x…: opened to %q, %v", v.key, plain, err)
		}
	}
}
