package function

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/sandbox"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// environments remembers which version an ARN leads to and which versions are
// loaded into the sandbox. The zero value is ready.
type environments struct {
	mu       sync.Mutex
	resolved map[arn.Function]resolution
	changes  int // how often something was taken out of resolved
	loaded   map[versionKey]*loaded
	stopping sync.WaitGroup
	closed   bool
}

type versionKey struct{ region, name, version string }

// loaded is one version in the sandbox. ready is closed when run and err are
// set.
type loaded struct {
	revision string
	folder   string
	ready    chan struct{}
	run      *sandbox.Function
	err      error
}

const maxResolved = 10_000 // ARNs remembered; past that the memory starts anew

// lookup also returns what remember wants to know.
func (e *environments) lookup(f arn.Function) (r resolution, asOf int, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok = e.resolved[f]
	return r, e.changes, ok
}

// remember keeps what the store said after a lookup, unless something was
// deployed meanwhile: the store may have been asked before that.
func (e *environments) remember(f arn.Function, r resolution, asOf int) {
	if v := r.function.Version; f.Qualifier != "" && f.Qualifier != v {
		return // an alias may choose another version next time
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changes != asOf {
		return
	}
	if e.resolved == nil || len(e.resolved) >= maxResolved {
		e.resolved = map[arn.Function]resolution{}
	}
	e.resolved[f] = r
}

// unresolve makes the next invocation of a function ask the store.
func (e *environments) unresolve(region, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unresolveLocked(region, name)
}

func (e *environments) unresolveLocked(region, name string) {
	e.changes++
	for f := range e.resolved {
		if f.Region == region && f.Name == name {
			delete(e.resolved, f)
		}
	}
}

// forget unloads every version of a function. What is busy finishes first.
func (e *environments) forget(region, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unresolveLocked(region, name)
	for key, l := range e.loaded {
		if key.region == region && key.name == name {
			e.unloadLocked(key, l)
		}
	}
}

// unloadLocked stops a version in the background and then removes its folder,
// if nothing else runs from it.
func (e *environments) unloadLocked(key versionKey, l *loaded) {
	delete(e.loaded, key)
	e.stopping.Go(func() {
		<-l.ready
		if l.run != nil {
			ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
			defer cancel()
			l.run.Stop(ctx)
		}
		e.removeUnused(l.folder)
	})
}

const stopTimeout = 15 * time.Minute // the longest that an invocation may take

// removeUnused moves a folder out of the way while no load can look at it, and
// removes it afterwards, which may take longer.
func (e *environments) removeUnused(folder string) {
	gone := filepath.Join(filepath.Dir(folder), unpackPrefix+"gone-"+secret.UUID())
	e.mu.Lock()
	for _, l := range e.loaded {
		if l.folder == folder {
			e.mu.Unlock()
			return
		}
	}
	err := os.Rename(folder, gone)
	e.mu.Unlock()
	if err == nil {
		removeFolder(gone)
	}
}

func (e *environments) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	all := e.loaded
	e.loaded = nil
	e.mu.Unlock()
	var errs []error
	for _, l := range all {
		select {
		case <-l.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.run != nil {
			l.run.Stop(ctx)
		}
	}
	done := make(chan struct{})
	go func() {
		e.stopping.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, ctx.Err())
	}
	return errors.Join(errs...)
}

// environment returns the sandbox's function for a version, loading it at
// first use.
func (s *Service) environment(ctx context.Context, f Function) (*sandbox.Function, error) {
	key := versionKey{f.Region, f.Name, f.Version}
	e := &s.environments
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, hostError(f, sandbox.ErrStopped)
	}
	l := e.loaded[key]
	if l != nil && l.revision != f.codeRevision() {
		e.unloadLocked(key, l)
		l = nil
	}
	mine := l == nil
	if mine {
		l = &loaded{revision: f.codeRevision(), folder: s.codeFolder(f), ready: make(chan struct{})}
		if e.loaded == nil {
			e.loaded = map[versionKey]*loaded{}
		}
		e.loaded[key] = l
	}
	e.mu.Unlock()

	if mine {
		// Others wait for this load: it must not die with one caller's request.
		l.run, l.err = s.start(context.WithoutCancel(ctx), f, l.folder)
		close(l.ready)
		if l.err != nil {
			e.mu.Lock()
			if e.loaded[key] == l {
				delete(e.loaded, key) // the next invocation tries again
			}
			e.mu.Unlock()
		}
	}
	select {
	case <-l.ready:
		return l.run, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// codeRevision changes with everything that a process of this version was
// started with.
func (f Function) codeRevision() string {
	return f.CodeSHA256 + "/" + strconv.FormatInt(f.LastModified.UnixNano(), 36)
}

// start puts the code on disk and makes the sandbox's function.
func (s *Service) start(ctx context.Context, f Function, folder string) (*sandbox.Function, error) {
	if err := s.unpackTo(ctx, f, folder); err != nil {
		return nil, err
	}
	name := f.Function
	name.Account, name.Qualifier = s.Account, ""
	if f.Version != Latest {
		name.Qualifier = f.Version
	}
	return s.Host.Function(sandbox.Config{
		Name: f.Name, Version: f.Version, ARN: name.String(), Region: f.Region, Account: s.Account,
		Runtime: f.Runtime, Handler: f.Handler, CodeDir: folder, Env: f.Env,
		MemoryMB: f.MemoryMB, TmpMB: f.TmpMB, Timeout: time.Duration(f.TimeoutSeconds) * time.Second,
	}), nil
}

func (s *Service) codeFolder(f Function) string {
	sum, err := base64.StdEncoding.DecodeString(f.CodeSHA256)
	if err != nil {
		panic("function: digest " + f.CodeSHA256) // we made it
	}
	return filepath.Join(s.CodeDir, hex.EncodeToString(sum))
}

// unpackTo extracts a version's package to folder unless it is there. The
// folder appears whole or not at all: the work is done beside it.
func (s *Service) unpackTo(ctx context.Context, f Function, folder string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	var archive []byte
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		archive, err = tx.CodeBlob(codeKey(f.Region, f.Name, f.CodeSHA256))
		return err
	})
	if err != nil {
		return fmt.Errorf("package of function %s: %w", f.Name, err)
	}
	if err := os.MkdirAll(s.CodeDir, 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(s.CodeDir, unpackPrefix)
	if err != nil {
		return err
	}
	defer removeFolder(temporary)
	if err := extract(archive, temporary); err != nil {
		return err
	}
	err = os.Rename(temporary, folder)
	if errors.Is(err, fs.ErrExist) || isNotEmpty(folder) {
		return nil // another version with the same code was quicker
	}
	return err
}

const unpackPrefix = ".unpack-"

func isNotEmpty(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err == nil && len(entries) > 0
}

// removeFolder removes an extracted package, whose folders are read-only.
func removeFolder(folder string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // if it fails RemoveAll does, and the folder is only litter
		}
		return nil
	})
	_ = os.RemoveAll(folder) // litter at worst
}

// Tidy removes what an earlier process left half done in the code folder.
func (s *Service) Tidy() error {
	entries, err := os.ReadDir(s.CodeDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), unpackPrefix) {
			removeFolder(filepath.Join(s.CodeDir, entry.Name()))
		}
	}
	return err
}
