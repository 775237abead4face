package signin

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rockpoolhq/rockpool/internal/message"
	"github.com/rockpoolhq/rockpool/internal/store"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

const (
	maxBackground  = 64               // messages on their way at once
	backgroundTime = 30 * time.Second // for one of them
)

// deliveries are the messages that are being sent while nobody waits. The zero
// value is ready.
type deliveries struct {
	running sync.WaitGroup
	n       atomic.Int64
}

// Close waits for the messages that are on their way, or for ctx to end. No
// other method may be called any more.
func (s *Service) Close(ctx context.Context) error {
	sent := make(chan struct{})
	go func() {
		s.deliveries.running.Wait()
		close(sent)
	}()
	select {
	case <-sent:
		return nil
	case <-ctx.Done():
		// Each has a time limit of its own, and the goroutine above ends with
		// the last of them.
		return fmt.Errorf("messages on their way: %w", ctx.Err())
	}
}

// codeMessage fills in the pool's text for codes.
func codeMessage(p *userpool.Pool, u store.User, kind string, to contact, code string) message.Message {
	t := message.Template{Subject: p.Verification.Subject, Body: p.Verification.Email}
	if to.medium() == message.SMS {
		t = message.Template{Body: p.Verification.SMS}
	}
	m := t.Or(message.DefaultVerification).Message(to.medium(), code, u.Username)
	m.PoolID, m.To, m.Kind, m.Username = p.ID, to.value, kind, u.Username
	if to.medium() == message.Email {
		m.From, m.ReplyTo = p.Email.From, p.Email.ReplyTo
	}
	return m
}

// send sends a message. It is called after the transaction that made what the
// message says has committed.
func (s *Service) send(ctx context.Context, m message.Message) error {
	// CustomMessage, CustomEmailSender, CustomSMSSender: not built, no pool
	// has one.
	if err := s.messages().Send(ctx, m); err != nil {
		return userpool.DeliveryError(err)
	}
	return nil
}

func (s *Service) messages() message.Sender {
	if s.Messages == nil {
		return message.Unconfigured{}
	}
	return s.Messages
}

// sendHidden sends a message where the caller must not learn whether there was
// one: m is nil if there is none. medium is the one that is used, or pretended
// to be used, for a user with that name: that it cannot be used at all is told
// in both cases. Otherwise a message that takes time is sent while nobody
// waits, and a failure is for the log.
func (s *Service) sendHidden(ctx context.Context, medium string, m *message.Message) error {
	if _, err := message.Probe(s.messages(), medium); err != nil {
		return userpool.DeliveryError(err)
	}
	if m == nil {
		return nil
	}
	log := func(err error) {
		if err != nil {
			s.log().LogAttrs(context.WithoutCancel(ctx), slog.LevelError, "message not delivered",
				slog.Any("message", *m), slog.String("error", err.Error()))
		}
	}
	instant, err := message.Probe(s.messages(), m.Medium)
	if err != nil {
		log(err)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backgroundTime)
	if instant || s.deliveries.n.Add(1) > maxBackground {
		if !instant {
			s.deliveries.n.Add(-1)
		}
		defer cancel()
		log(s.messages().Send(ctx, *m))
		return nil
	}
	s.deliveries.running.Go(func() {
		defer cancel()
		defer s.deliveries.n.Add(-1)
		log(s.messages().Send(ctx, *m))
	})
	return nil
}
