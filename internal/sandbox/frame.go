package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frame is a body length (4 bytes, big endian), a type (1 byte) and a body.
// They travel on descriptor 3 between the host and a framed runtime.
const (
	// frameInvoke: host to function. id, meta length (4 bytes), meta, event.
	frameInvoke = 'I'
	// frameReady: function to host, once. Body: the engine's name.
	frameReady = 'R'
	// frameInitFailed: function to host, once, instead of ready. Body: error payload.
	frameInitFailed = 'F'
	// frameLog: one log entry, formatted.
	frameLog = 'L'
	// frameResult, frameError: id, peak resident KiB (4 bytes), payload.
	frameResult = 'S'
	frameError  = 'E'
	// frameFatal is frameError from a process that is about to exit.
	frameFatal = 'X'
)

const (
	frameHeader  = 5
	maxFrameBody = maxResponse + 512
)

var (
	errFrame         = errors.New("malformed frame")
	errFrameTooLarge = errors.New("frame too large")
)

// appendFrame appends a frame made of parts.
func appendFrame(b []byte, typ byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, typ)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// appendInvoke appends the frame of one event.
func appendInvoke(b []byte, id string, meta, payload []byte) []byte {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(meta)))
	return appendFrame(b, frameInvoke, []byte{byte(len(id))}, []byte(id), n[:], meta, payload)
}

// answer is the body of a result or error frame.
type answer struct {
	id      string
	rssKB   uint32
	payload []byte // aliases the frame
}

// parseAnswer reads the body of frameResult, frameError and frameFatal.
func parseAnswer(body []byte) (answer, error) {
	if len(body) < 1 || len(body) < 1+int(body[0])+4 {
		return answer{}, fmt.Errorf("%w: short answer", errFrame)
	}
	n := 1 + int(body[0])
	return answer{
		id:      string(body[1:n]),
		rssKB:   binary.BigEndian.Uint32(body[n:]),
		payload: body[n+4:],
	}, nil
}

// parseInvoke reads the body of frameInvoke; the QuickJS host uses it.
func parseInvoke(body []byte) (id string, meta, payload []byte, err error) {
	if len(body) < 1 || len(body) < 1+int(body[0])+4 {
		return "", nil, nil, fmt.Errorf("%w: short event", errFrame)
	}
	n := 1 + int(body[0])
	m := binary.BigEndian.Uint32(body[n:])
	rest := body[n+4:]
	if uint64(m) > uint64(len(rest)) {
		return "", nil, nil, fmt.Errorf("%w: short event", errFrame)
	}
	return string(body[1:n]), rest[:m], rest[m:], nil
}

// frameReader cuts a stream into frames. It keeps what it has when a read
// fails, so that reading can go on after a deadline was moved. It believes a
// length only as bytes arrive: an announced 6 MB allocates nothing.
type frameReader struct {
	r          io.Reader
	buf        []byte
	start, end int
	max        uint32
}

func newFrameReader(r io.Reader, maxBody int) *frameReader {
	return &frameReader{r: r, buf: make([]byte, 8<<10), max: uint32(maxBody)}
}

// next returns the next frame. The body is valid until the next call.
func (f *frameReader) next() (typ byte, body []byte, err error) {
	if f.start == f.end {
		f.start, f.end = 0, 0
		if len(f.buf) > 1<<20 {
			f.buf = make([]byte, 8<<10)
		}
	}
	if err := f.fill(frameHeader); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(f.buf[f.start:])
	if n > f.max {
		return 0, nil, fmt.Errorf("%w: %d bytes", errFrameTooLarge, n)
	}
	if err := f.fill(frameHeader + int(n)); err != nil {
		return 0, nil, err
	}
	typ = f.buf[f.start+4]
	body = f.buf[f.start+frameHeader : f.start+frameHeader+int(n)]
	f.start += frameHeader + int(n)
	return typ, body, nil
}

// fill reads until n bytes are buffered.
func (f *frameReader) fill(n int) error {
	for f.end-f.start < n {
		if f.start > 0 && len(f.buf)-f.start < n {
			f.end = copy(f.buf, f.buf[f.start:f.end])
			f.start = 0
		}
		if f.end == len(f.buf) {
			f.buf = append(f.buf, make([]byte, len(f.buf))...)
		}
		m, err := f.r.Read(f.buf[f.end:])
		f.end += m
		if m > 0 {
			continue
		}
		if err == nil {
			err = io.ErrNoProgress
		}
		if errors.Is(err, io.EOF) && f.end > f.start {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}
