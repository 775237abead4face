package function

// These tests are inside the package because unpacking is not exported: what
// is unpacked is what was deployed, and nothing else may ask for it.

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// entry is one member of a test archive.
type entry struct {
	name string
	mode fs.FileMode
	body string
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		mode := e.mode
		if mode == 0 {
			mode = 0o644
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.body)); err != nil && e.mode&fs.ModeDir == 0 {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func extractTo(t testing.TB, archive []byte) (string, error) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "code")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeFolder(folder) })
	return folder, extract(archive, folder)
}

func TestSec_FN_1_HostileArchivesAreRefused(t *testing.T) {
	tests := []struct {
		name    string
		entries []entry
	}{
		{"parent folder", []entry{{name: "../evil.js", body: "x"}}},
		{"parent folder inside", []entry{{name: "a/../../evil.js", body: "x"}}},
		{"absolute path", []entry{{name: "/etc/cron.d/evil", body: "x"}}},
		{"backslash", []entry{{name: `..\evil.js`, body: "x"}}},
		{"drive letter", []entry{{name: "C:evil.js", body: "x"}}},
		{"NUL", []entry{{name: "a\x00.js", body: "x"}}},
		{"not clean", []entry{{name: "./a.js", body: "x"}}},
		{"double slash", []entry{{name: "a//b.js", body: "x"}}},
		{"empty name", []entry{{name: "", body: "x"}}},
		{"duplicate", []entry{{name: "index.js", body: "1"}, {name: "index.js", body: "2"}}},
		{"differs by case", []entry{{name: "index.js", body: "1"}, {name: "INDEX.js", body: "2"}}},
		{"differs by composition", []entry{{name: "caf\u00e9.js", body: "1"}, {name: "cafe\u0301.js", body: "2"}}},
		{"file as folder", []entry{{name: "a", body: "1"}, {name: "a/b.js", body: "2"}}},
		{"folder as file", []entry{{name: "a/b.js", body: "2"}, {name: "a", body: "1"}}},
		{"absolute link", []entry{{name: "x", mode: fs.ModeSymlink | 0o777, body: "/etc/passwd"}, {name: "index.js", body: "1"}}},
		{"leaving link", []entry{{name: "x/y", mode: fs.ModeSymlink | 0o777, body: "../../etc"}, {name: "index.js", body: "1"}}},
		{"link that leaves through another", []entry{
			{name: "s", mode: fs.ModeSymlink | 0o777, body: "."}, {name: "x", mode: fs.ModeSymlink | 0o777, body: "s/.."}, {name: "index.js", body: "1"},
		}},
		{"link that leaves through a later one", []entry{
			{name: "d/x", mode: fs.ModeSymlink | 0o777, body: "../s/./../y"}, {name: "s", mode: fs.ModeSymlink | 0o777, body: "."}, {name: "index.js", body: "1"},
		}},
		{"file through a link", []entry{{name: "x", mode: fs.ModeSymlink | 0o777, body: "y"}, {name: "x/z.js", body: "1"}}},
		{"device", []entry{{name: "x", mode: fs.ModeDevice | 0o666}, {name: "index.js", body: "1"}}},
		{"pipe", []entry{{name: "x", mode: fs.ModeNamedPipe | 0o666}, {name: "index.js", body: "1"}}},
		{"nothing but folders", []entry{{name: "a/", mode: fs.ModeDir | 0o755}}},
		{"long name", []entry{{name: strings.Repeat("a/", 600) + "b", body: "x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder, err := extractTo(t, zipOf(t, tt.entries...))
			if code := apierr.CodeOf(err); code != apierr.InvalidParameterValue {
				t.Errorf("extract = %v, want InvalidParameterValueException", err)
			}
			if _, err := os.Lstat(filepath.Join(filepath.Dir(folder), "evil.js")); err == nil {
				t.Error("a file was written outside the folder")
			}
		})
	}
}

func TestSec_FN_1_NotAZip(t *testing.T) {
	good := zipOf(t, entry{name: "index.mjs", body: "export const handler = 1"})
	for name, archive := range map[string][]byte{
		"text":        []byte("this is not a zip"),
		"cut short":   good[:len(good)-10],
		"flipped bit": flip(good, bytes.Index(good, []byte("index.mjs"))+len("index.mjs")+2),
		"empty":       nil,
	} {
		if err := checkPackage(archive); apierr.CodeOf(err) != apierr.InvalidParameterValue {
			t.Errorf("%s: checkPackage = %v, want InvalidParameterValueException", name, err)
		}
	}
	if err := checkPackage(make([]byte, MaxPackageBytes+1)); apierr.CodeOf(err) != apierr.RequestTooLarge {
		t.Errorf("oversized: checkPackage = %v, want RequestTooLargeException", err)
	}
}

func flip(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 0x55
	return c
}

// A bomb: little to upload, much to unpack. The size that the archive states
// is a lie, so only counting helps.
func TestSec_FN_1_BombsAreCounted(t *testing.T) {
	bomb := zipOf(t, entry{name: "a", body: strings.Repeat("\x00", 64<<20)})
	// State one byte in the central directory and in the local header.
	at := bytes.LastIndex(bomb, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(bomb[at+24:], 1)
	if len(bomb) > 1<<20 {
		t.Fatalf("the bomb is %d bytes: not much of a bomb", len(bomb))
	}
	if err := checkPackage(bomb); apierr.CodeOf(err) != apierr.InvalidParameterValue {
		t.Errorf("checkPackage = %v, want InvalidParameterValueException", err)
	}
}

func TestExtract(t *testing.T) {
	folder, err := extractTo(t, zipOf(t,
		entry{name: "index.mjs", body: "export {}"},
		entry{name: "bootstrap", body: "#!"},
		entry{name: "bin/tool", mode: 0o755, body: "#!"},
		entry{name: "node_modules/", mode: fs.ModeDir | 0o755},
		entry{name: "node_modules/a/index.js", body: "1"},
		entry{name: "node_modules/.bin/a", mode: fs.ModeSymlink | 0o777, body: "../a/index.js"},
	))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		got[filepath.ToSlash(rel)] = info.Mode().String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		".": "dr-xr-xr-x", "index.mjs": "-r--r--r--", "bootstrap": "-r-xr-xr-x", "bin/tool": "-r-xr-xr-x",
		"node_modules": "dr-xr-xr-x", "node_modules/a/index.js": "-r--r--r--", "node_modules/.bin/a": "Lrwxrwxrwx",
	} {
		if got[name] != want {
			t.Errorf("%s has mode %q, want %q", name, got[name], want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(zipOf(f, entry{name: "index.mjs", body: "export {}"}))
	f.Add(zipOf(f, entry{name: "a/b", body: "1"}, entry{name: "a/l", mode: fs.ModeSymlink | 0o777, body: "b"}))
	f.Add(zipOf(f, entry{name: "../x", body: "1"}))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		parent := t.TempDir()
		folder := filepath.Join(parent, "code")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		defer removeFolder(folder)
		_ = extract(archive, folder) // any error will do; what matters is where files went
		entries, err := os.ReadDir(parent)
		if err != nil || len(entries) != 1 {
			t.Fatalf("outside the folder: %v, %v", entries, err)
		}
	})
}
