package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// source is a function's code on this machine, ready to upload, and what can
// be told from the files.
type source struct {
	archive                []byte
	name, runtime, handler string
}

const maxArchive = 50 << 20 // what Lambda takes directly

// readSource packs a folder as it is, or a single file under the name that its
// runtime looks for.
func readSource(path string) (source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return source{}, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return source{}, err
	}
	base := filepath.Base(absolute)
	src := source{name: strings.TrimSuffix(base, filepath.Ext(base))}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	if info.IsDir() {
		src.name = base
		err = packFolder(w, path, &src)
	} else {
		err = packFile(w, path, &src)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return source{}, err
	}
	if packed.Len() > maxArchive {
		return source{}, tooLarge(path, packed.Len())
	}
	src.archive = packed.Bytes()
	return src, nil
}

func tooLarge(path string, n int) error {
	return fmt.Errorf("%s makes a package of %s; 50 MB is the most that can be deployed", path, bytesText(n))
}

// entryPoints tell from a file at the top of a folder what runs it.
var entryPoints = map[string][2]string{
	"index.mjs":          {"nodejs20.x", "index.handler"},
	"index.js":           {"nodejs20.x", "index.handler"},
	"index.cjs":          {"nodejs20.x", "index.handler"},
	"lambda_function.py": {"python3.12", "lambda_function.lambda_handler"},
	"bootstrap":          {"provided.al2023", ""},
}

func (s *source) entryPoint(name string) {
	if e, ok := entryPoints[name]; ok && s.runtime == "" {
		s.runtime, s.handler = e[0], e[1]
	}
}

func packFolder(w *zip.Writer, folder string, src *source) error {
	files := 0
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || d.Name() == ".cache" && filepath.Base(filepath.Dir(path)) == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 {
			if err := staysIn(root, path); err != nil {
				return err
			}
		}
		info, err := os.Stat(path) // a link is packed as what it leads to
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		files++
		src.entryPoint(filepath.ToSlash(name))
		return pack(w, path, filepath.ToSlash(name), info.Mode())
	})
	if err == nil && files == 0 {
		return fmt.Errorf("%s has no files", folder)
	}
	return err
}

// staysIn refuses a link out of the folder: a package that somebody hands on
// must not have files of theirs that nobody meant.
func staysIn(root, link string) error {
	to, err := filepath.EvalSymlinks(link)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(root, to); err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("%s is a link to %s, which is outside of the folder; copy what it leads to", link, to)
	}
	return nil
}

func packFile(w *zip.Writer, path string, src *source) error {
	name := "bootstrap"
	switch ext := filepath.Ext(path); ext {
	case ".mjs", ".js", ".cjs":
		name = "index" + ext
	case ".py":
		name = "lambda_function.py"
	case ".zip":
		return fmt.Errorf("%s: give the folder or file that is in it", path)
	}
	src.entryPoint(name)
	return pack(w, path, name, 0o755)
}

func pack(w *zip.Writer, path, name string, mode fs.FileMode) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	// The same files make the same package, whenever they were written.
	header.Modified = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	header.SetMode(mode.Perm())
	out, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return err
}

// settle is how long files must be quiet before they are deployed again:
// editors write a file in several steps.
const settle = 100 * time.Millisecond

// watch calls changed whenever something under path was written, until ctx
// ends.
func watch(ctx context.Context, path string, changed func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	if err := watchFolders(w, path); err != nil {
		return err
	}
	quiet := time.NewTimer(settle)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.Errors:
			return err
		case e := <-w.Events:
			if e.Has(fsnotify.Create) {
				_ = watchFolders(w, e.Name) // gone again, or a file: nothing to watch
			}
			if e.Op != fsnotify.Chmod {
				quiet.Reset(settle)
			}
		case <-quiet.C:
			changed()
		}
	}
}

// watchFolders watches path and the folders in it; of a file, its folder,
// since editors replace files.
func watchFolders(w *fsnotify.Watcher, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return w.Add(filepath.Dir(path))
	}
	return filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return w.Add(path)
	})
}
