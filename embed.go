package rockpool

import (
	"context"
	"fmt"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
)

// Message is a mail or text that a development server would have sent.
type Message struct {
	ID      int64 // ascending in the order of sending, from 1
	At      time.Time
	Medium  string // EMAIL or SMS
	To      string // address or number
	Kind    string // what it is about, for example signUp
	User    string // user name
	PoolID  string
	Subject string // of mails
	Body    string
	Code    string // the code or temporary password in Body; "" if there is none
}

// Inbox returns the messages to an address or number, newest first; to
// everybody if address is empty. A production server keeps none.
func (s *Server) Inbox(address string) []Message {
	return messages(s.outbox.List(address))
}

// AwaitMessage returns the newest message to an address that came after the
// one with the given id, and waits until there is one or ctx ends.
func (s *Server) AwaitMessage(ctx context.Context, address string, after int64) (Message, error) {
	sent, err := s.outbox.Wait(ctx, address, after)
	if err != nil {
		return Message{}, fmt.Errorf("no message to %s: %w", address, err)
	}
	return messages(sent)[0], nil
}

func messages(sent []message.Sent) []Message {
	list := make([]Message, 0, len(sent))
	for _, m := range sent {
		list = append(list, Message{
			ID: m.ID, At: m.At, Medium: m.Medium, To: m.To, Kind: m.Kind, User: m.Username,
			PoolID: m.PoolID, Subject: m.Subject, Body: m.Body, Code: m.Code,
		})
	}
	return list
}

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// AdvanceClock moves the server's clock forward, so that tokens, codes and
// passwords expire without waiting. It errors for a production server, whose
// clock is the machine's, for a negative duration, and when the clock would be
// more than 20 years ahead.
func (s *Server) AdvanceClock(d time.Duration) error {
	switch {
	case s.opts.Profile != Dev:
		return fmt.Errorf("the clock of a production server cannot be moved")
	case d < 0:
		return fmt.Errorf("the clock does not go back by %s", -d)
	case s.clock.Advance(0)+d > maxAdvance:
		return fmt.Errorf("the clock cannot be more than 20 years ahead")
	}
	s.opts.Logger.Warn("clock moved", "offset", s.clock.Advance(d))
	return nil
}
