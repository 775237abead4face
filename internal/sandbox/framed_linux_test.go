package sandbox

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// A process that says why it cannot go on and exits at once was taken for one
// that said nothing, when the machine was busy: its end closed the connection
// before what was on it had been read. Inside the package, because from outside
// it takes such a machine.
func TestWhatAProcessSaidLastIsRead(t *testing.T) {
	frame := func(typ byte, body string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		return append(append(b, typ), body...)
	}
	connect := func(t *testing.T) (*framed, *os.File) {
		host, child, err := socketpair()
		if err != nil {
			t.Fatal(err)
		}
		f := newFramed(host, &envLog{}, "arn", nil)
		f.expect()
		return f, child
	}
	limit := time.Now().Add(time.Minute)
	ends := func(t *testing.T, f *framed, child *os.File, last []byte) {
		t.Helper()
		if _, err := child.Write(last); err != nil {
			t.Fatal(err)
		}
		if err := child.Close(); err != nil {
			t.Fatal(err)
		}
		f.close()
	}
	isClosed := func(t *testing.T, f *framed) {
		t.Helper()
		if _, err := f.conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("afterwards the connection reads %v, want that it is closed", err)
		}
	}

	t.Run("why it could not be loaded", func(t *testing.T) {
		f, child := connect(t)
		ends(t, f, child, frame(frameInitFailed, `{"errorType":"SyntaxError"}`))
		_, err := f.ready(limit)
		if bad, ok := errors.AsType[*initError](err); !ok || string(bad.payload) != `{"errorType":"SyntaxError"}` {
			t.Errorf("ready: %v, want the process's own words", err)
		}
		isClosed(t, f)
	})
	t.Run("its answer", func(t *testing.T) {
		f, child := connect(t)
		if _, err := child.Write(frame(frameReady, "node")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ready(limit); err != nil {
			t.Fatal(err)
		}
		inv := &Invocation{RequestID: "r", Payload: []byte("1")}
		if err := f.send(inv, limit); err != nil {
			t.Fatal(err)
		}
		ends(t, f, child, frame(frameResult, "\x01r\x00\x00\x00\x002"))
		if r, err := f.receive(t.Context(), inv, limit); err != nil || string(r.payload) != "2" {
			t.Errorf("receive: %q, %v; want the answer", r.payload, err)
		}
		isClosed(t, f)
	})
	t.Run("nothing", func(t *testing.T) {
		f, child := connect(t)
		ends(t, f, child, nil)
		if _, err := f.ready(limit); err == nil {
			t.Error("ready, with nothing said")
		}
		isClosed(t, f)
	})
	t.Run("nobody waits", func(t *testing.T) {
		f, child := connect(t)
		f.settled()
		ends(t, f, child, nil)
		isClosed(t, f)
	})
}
