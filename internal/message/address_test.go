package message_test

import (
	"errors"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/message"
)

func TestCheckPhone(t *testing.T) {
	for number, ok := range map[string]bool{
		"+1": true, "+12065551212": true, "+123456789012345": true,
		"": false, "+": false, "12065551212": false, "++1": false, "+1206 555": false, "+1206-555": false,
		"+1234567890123456": false, "+１２": false, "+12\n": false, " +12": false,
	} {
		err := message.CheckPhone(number)
		if ok != (err == nil) || err != nil && !errors.Is(err, message.ErrAddress) {
			t.Errorf("%q: %v, want accepted: %t", number, err, ok)
		}
	}
}
