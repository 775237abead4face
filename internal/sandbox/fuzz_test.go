package sandbox

// In the package: the parsers are not exported.

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func FuzzFrames(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0})
	f.Add(appendFrame(nil, frameReady, []byte("node v20")))
	f.Add(appendFrame(appendFrame(nil, frameLog, []byte("x")), frameResult, []byte{1, 'a', 0, 0, 0, 0, '1'}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 'S'})
	f.Add(appendInvoke(nil, "id", []byte(`{}`), []byte(`[1]`)))
	f.Fuzz(func(t *testing.T, in []byte) {
		const max = 1 << 16
		whole := newFrameReader(bytes.NewReader(in), max)
		pieces := newFrameReader(iotest.OneByteReader(bytes.NewReader(in)), max)
		var back []byte
		for {
			typ, body, err := whole.next()
			typ2, body2, err2 := pieces.next()
			if typ != typ2 || !bytes.Equal(body, body2) || (err == nil) != (err2 == nil) {
				t.Fatalf("whole %q %q %v, in pieces %q %q %v", typ, body, err, typ2, body2, err2)
			}
			if err != nil {
				if typ != 0 || body != nil {
					t.Fatalf("error %v with a frame", err)
				}
				if errors.Is(err, io.EOF) && !bytes.Equal(back, in) {
					t.Fatalf("read %q back as %q", in, back)
				}
				break
			}
			if len(body) > max {
				t.Fatalf("frame of %d bytes", len(body))
			}
			if a, err := parseAnswer(body); err != nil {
				if a.id != "" || a.payload != nil {
					t.Fatalf("error %v with an answer", err)
				}
			} else if 1+len(a.id)+4+len(a.payload) != len(body) {
				t.Fatalf("answer %+v of %d bytes", a, len(body))
			}
			if id, meta, payload, err := parseInvoke(body); err != nil {
				if id != "" || meta != nil || payload != nil {
					t.Fatalf("error %v with an event", err)
				}
			} else if again := appendInvoke(nil, id, meta, payload); !bytes.Equal(again[frameHeader:], body) {
				t.Fatalf("event %q came back as %q", body, again)
			}
			back = appendFrame(back, typ, body)
		}
	})
}

func TestFrameReaderResumes(t *testing.T) {
	frame := appendFrame(nil, frameResult, bytes.Repeat([]byte("x"), 100_000))
	fail := true
	r := newFrameReader(readerFunc(func(p []byte) (int, error) {
		fail = !fail
		if fail {
			return 0, errFrame
		}
		n := copy(p[:min(len(p), 777)], frame)
		frame = frame[n:]
		return n, nil
	}), maxFrameBody)
	failures := 0
	for {
		typ, body, err := r.next()
		if err == nil {
			if typ != frameResult || len(body) != 100_000 {
				t.Errorf("frame %q of %d bytes", typ, len(body))
			}
			break
		}
		failures++
	}
	if failures < 100 {
		t.Errorf("%d failures on the way", failures)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func FuzzRuntimePath(f *testing.F) {
	for _, s := range []string{
		"", "/", "/2018-06-01/runtime/invocation/next", "/2018-06-01/runtime/init/error",
		"/2018-06-01/runtime/invocation/8cd5d5a1/response", "/2018-06-01/runtime/invocation/8cd5d5a1/error",
		"/2018-06-01/runtime/invocation//response", "/2018-06-01/runtime/invocation/a/b/response", "/2018-06-01/runtime/invocation/next/response",
		"/2018-06-01/runtime/invocation/../next", "/2020-01-01/extension/register",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		call, id := parseRuntimePath(path)
		var back string
		switch call {
		case callNext:
			back = runtimeAPIPrefix + "invocation/next"
		case callInitError:
			back = runtimeAPIPrefix + "init/error"
		case callResponse:
			back = runtimeAPIPrefix + "invocation/" + id + "/response"
		case callError:
			back = runtimeAPIPrefix + "invocation/" + id + "/error"
		default:
			if id != "" {
				t.Fatalf("%q is unknown and has id %q", path, id)
			}
			return
		}
		if back != path || strings.Contains(id, "/") {
			t.Fatalf("%q read as %q", path, back)
		}
	})
}

// FuzzRuntimeAPI sends any request to an API that holds an event: only the
// right id takes it, and only once.
func FuzzRuntimeAPI(f *testing.F) {
	f.Add("POST", "/2018-06-01/runtime/invocation/held/response", []byte(`{}`), "")
	f.Add("POST", "/2018-06-01/runtime/invocation/held/error", []byte(`x`), "My.Type")
	f.Add("POST", "/2018-06-01/runtime/invocation/other/response", []byte(`{}`), "")
	f.Add("GET", "/2018-06-01/runtime/invocation/held/response", []byte(``), "")
	f.Add("POST", "/2018-06-01/runtime/init/error", []byte(`{"errorType":1}`), "")
	f.Fuzz(func(t *testing.T, method, path string, body []byte, errorType string) {
		call, id := parseRuntimePath(path)
		if call == callNext {
			return // waits for an event
		}
		r, err := http.NewRequest(method, "http://h/", bytes.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path = path
		r.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
		a := &runtimeAPI{replies: make(chan reply, 1), bad: make(chan []byte, 1), up: make(chan struct{}), current: "held"}
		for range 2 {
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != http.StatusAccepted && w.Code < 400 {
				t.Fatalf("status %d", w.Code)
			}
		}
		took := len(a.replies) == 1
		if should := method == "POST" && id == "held" && (call == callResponse || call == callError); took != should {
			t.Fatalf("%s %q: answered %v", method, path, took)
		}
		if took {
			if got := <-a.replies; got.failed != (call == callError) || (got.failed && !isJSONObject(got.payload)) {
				t.Fatalf("reply %+v", got)
			}
		}
	})
}

func FuzzLocateHandler(f *testing.F) {
	for _, s := range []string{"index.handler", "a/b.c.d", "", ".", "..", "../x.y", "index", "/etc/passwd.x", "a\x00.b", "index."} {
		f.Add(s)
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, handler string) {
		file, name, _, missing := locateHandler(root, handler)
		if (file == "") == (missing == "") {
			t.Fatalf("file %q and error %q", file, missing)
		}
		if file != "" {
			rel, err := filepath.Rel(root, file)
			if err != nil || !filepath.IsLocal(rel) || name == "" {
				t.Fatalf("handler %q is file %q, name %q", handler, file, name)
			}
		}
	})
}

func FuzzExports(f *testing.F) {
	for _, s := range []string{`"./a.js"`, `{".":{"import":"./m.js","default":"./c.js"},"./x":"./x.js"}`, `{"node":{"require":"./r"}}`, `[]`, `{`, `{".":{".":{".":{}}}}`} {
		f.Add([]byte(s), "./x", true)
		f.Add([]byte(s), ".", false)
	}
	f.Fuzz(func(t *testing.T, v []byte, key string, require bool) {
		if !isJSON(v) {
			return
		}
		_ = exported(v, key, require) // must end, whatever the nesting
	})
}

func FuzzClientContext(f *testing.F) {
	for _, s := range []string{`{}`, "{\n\"a\": \"é😀\"}", `{"a":"\ud800"}`, `[1]`, ``, `{"a`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := oneLine(in)
		for i := range len(s) {
			if s[i] < ' ' || s[i] >= 0x7f {
				t.Fatalf("%q gives header %q", in, s)
			}
		}
		if s != "" && !isJSON([]byte(s)) {
			t.Fatalf("%q gives %q", in, s)
		}
	})
}
