package signin

import (
	"encoding/binary"
	"errors"
	"time"
)

var errPacked = errors.New("signin: malformed sealed content")

// pack joins parts so that unpack can tell them apart again. It is the form of
// what the package seals: compact, since clients carry it back and forth.
func pack(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += binary.MaxVarintLen32 + len(p)
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// unpack takes apart what pack joined from exactly n parts.
func unpack(b []byte, n int) ([][]byte, error) {
	parts := make([][]byte, n)
	for i := range parts {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return nil, errPacked
		}
		parts[i] = b[k : k+int(size)]
		b = b[k+int(size):]
	}
	if len(b) != 0 {
		return nil, errPacked
	}
	return parts, nil
}

func packTime(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMilli()))
}

func unpackTime(b []byte) (time.Time, error) {
	if len(b) != 8 {
		return time.Time{}, errPacked
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), nil
}
