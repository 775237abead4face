package awsapi

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Timestamp is a moment as the AWS JSON protocols write it: seconds since 1970
// as a number with a fraction of milliseconds.
type Timestamp struct{ time.Time }

// NewTimestamp returns t for an output member, or nil for the zero time, so
// that a moment that never was is absent.
func NewTimestamp(t time.Time) *Timestamp {
	if t.IsZero() {
		return nil
	}
	return &Timestamp{t}
}

// MarshalJSONTo writes the timestamp, to the millisecond.
func (t Timestamp) MarshalJSONTo(enc *jsontext.Encoder) error {
	ms := t.UnixMilli()
	b := make([]byte, 0, 20)
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if frac := ms % 1000; frac != 0 {
		b = append(b, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return enc.WriteValue(b)
}

// The last second of the year 9999: the bound of what AWS accepts, and of what
// converts to milliseconds without loss.
const maxTimestamp = 253402300799

// UnmarshalJSONFrom reads seconds, whole or with a fraction.
func (t *Timestamp) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != '0' {
		return fmt.Errorf("a timestamp is a number of seconds, not %v", tok.Kind())
	}
	s, err := strconv.ParseFloat(tok.String(), 64)
	if err != nil || math.Abs(s) > maxTimestamp {
		return fmt.Errorf("timestamp out of range")
	}
	t.Time = time.UnixMilli(int64(math.Round(s * 1000))).UTC()
	return nil
}
