package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/rockpoolhq/rockpool/internal/web"
)

//go:embed static
var staticFiles embed.FS

type asset struct {
	body        []byte
	packed      []byte // by gzip; nil if that saves nothing
	contentType string
	etag        string
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png",
}

type assetSet struct {
	hash  string // of all of them: part of the address, so that they can be kept for ever
	files map[string]asset
}

// assets are read once. One hash stands for all, so that modules can import
// each other by relative names.
var assets = sync.OnceValue(func() assetSet {
	set := assetSet{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		one := sha256.Sum256(body)
		sum.Write([]byte(name))
		sum.Write(one[:])
		set.files[strings.TrimPrefix(name, "static/")] = asset{body, pack(body), contentTypes[path.Ext(name)], hex.EncodeToString(one[:12])}
		return nil
	})
	if err != nil {
		panic("console: " + err.Error()) // what is embedded can be read
	}
	set.hash = hex.EncodeToString(sum.Sum(nil)[:8])
	return set
})

// pack compresses a file, once for all who ask.
func pack(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("console: " + err.Error()) // memory takes what is written
	}
	if b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}

// takesGzip reports whether a browser can read what is compressed.
func takesGzip(r *http.Request) bool {
	for encoding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(encoding) == "gzip" { // one with a weight is a stranger's, and gets it plain
			return true
		}
	}
	return false
}

// staticPath is the address of a file: {{static "base.css"}}.
func staticPath(name string) (string, error) {
	set := assets()
	if _, ok := set.files[name]; !ok {
		return "", fs.ErrNotExist
	}
	return "/console/static/" + set.hash + "/" + name, nil
}

func (c *Console) mountStatic(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/static/{hash}/{name...}", func(w http.ResponseWriter, r *http.Request) {
		set := assets()
		a, ok := set.files[r.PathValue("name")]
		if !ok || a.contentType == "" {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		body, etag := a.body, `"`+a.etag+`"`
		h.Set("Vary", "Accept-Encoding")
		if a.packed != nil && takesGzip(r) {
			body, etag = a.packed, `"`+a.etag+`-gzip"`
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache")
		if r.PathValue("hash") == set.hash {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if r.Header.Get("If-None-Match") == etag {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		web.Write(w, http.StatusOK, body)
	})
}
