package console_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// A page with its style and modules is small on the way, and the same whether
// it was compressed or not.
func TestStaticFilesAreCompressed(t *testing.T) {
	v := newVisitor(t)
	v.createFunction("f")
	page := v.get("/console/functions/f")
	base, _, ok := strings.Cut(regexp.MustCompile(`/console/static/[0-9a-f]+/base\.css`).FindString(page), "base.css")
	if !ok {
		t.Fatal("the page has no style")
	}
	fetch := func(name, encoding, etag string) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+base+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", encoding) // set by hand, so that the client does not unpack
		req.Header.Set("If-None-Match", etag)
		resp, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	onTheWay := len(page)
	for _, name := range []string{"base.css", "functions.css", "app.js", "dom.js", "api.js", "function.js", "functiontest.js", "editor.js", "zip.js", "files.js", "show.js", "events.js", "claims.js", "highlight.js", "run.js"} {
		_, plain := fetch(name, "identity", "")
		resp, packed := fetch(name, "gzip, deflate, br", "")
		onTheWay += len(packed)
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) || len(plain) == 0 {
			t.Errorf("%s: unpacked it differs (%v)", name, err)
		}
		if resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: headers %v", name, resp.Header)
		}
		if again, body := fetch(name, "gzip", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || len(body) > 0 {
			t.Errorf("%s: %s for what is there already", name, again.Status)
		}
		if again, _ := fetch(name, "identity", resp.Header.Get("ETag")); again.StatusCode != http.StatusOK {
			t.Errorf("%s: %s for who has another encoding", name, again.Status)
		}
	}
	if onTheWay > 60<<10 {
		t.Errorf("the editor's page has %d bytes, want 60 KB at most", onTheWay)
	}
	t.Logf("the editor's page: %d bytes", onTheWay)
}
