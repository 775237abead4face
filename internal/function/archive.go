package function

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Limits of a deployment package (Lambda quotas page; the number of entries
// and the ratio are ours).
const (
	MaxPackageBytes  = 50 << 20  // compressed, uploaded directly
	maxUnpackedBytes = 250 << 20 // extracted
	maxEntries       = 50_000
	maxRatio         = 200 // extracted to compressed, counted only past ratioFree
	ratioFree        = 16 << 20
)

var (
	errNotZip   = apierr.New(apierr.InvalidParameterValue, "Could not unzip uploaded file. Please check your file, then try to upload again.")
	errTooLarge = apierr.Newf(apierr.InvalidParameterValue, "Unzipped size must be smaller than %d bytes", maxUnpackedBytes)
	errEmptyZip = apierr.New(apierr.InvalidParameterValue, "Uploaded file must be a non-empty zip")
)

// checkPackageSize refuses a package that is larger than may be uploaded.
func checkPackageSize(n int) error {
	if n > MaxPackageBytes {
		return apierr.Newf(apierr.RequestTooLarge, "Request must be smaller than %d bytes for the CreateFunction operation", MaxPackageBytes)
	}
	if n == 0 {
		return errEmptyZip
	}
	return nil
}

// sink is where an archive's files go: a folder, or nowhere when a package is
// only checked.
type sink interface {
	dir(name string) error
	file(name string, mode fs.FileMode, r io.Reader) error
	link(name, target string) error
}

// unpack reads a zip archive whole and gives every entry to out. It trusts no
// size that the archive states: bytes are counted as they are decompressed.
// Any entry that could end up outside the folder, collide with another on a
// case-folding file system, or is neither file, folder nor a symbolic link
// within the archive makes the whole archive unusable (security FN-1).
func unpack(archive []byte, out sink) error {
	if err := checkPackageSize(len(archive)); err != nil {
		return err
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return errNotZip.Because(err)
	}
	if len(r.File) > maxEntries {
		return apierr.Newf(apierr.InvalidParameterValue, "A deployment package can have at most %d entries.", maxEntries)
	}
	budget := int64(maxUnpackedBytes)
	if ratio := int64(len(archive)) * maxRatio; ratio+ratioFree < budget {
		budget = ratio + ratioFree
	}
	seen := names{}
	files := 0
	for _, f := range r.File {
		name, err := seen.add(f)
		if err != nil {
			return err
		}
		switch mode := f.Mode(); {
		case mode.IsDir():
			err = out.dir(name)
		case mode&fs.ModeSymlink != 0:
			err = unpackLink(f, name, out)
		case mode.IsRegular():
			files++
			budget, err = unpackFile(f, name, budget, out)
		default:
			err = badEntry(f.Name, "is neither a file, a folder nor a link")
		}
		if err != nil {
			return err
		}
	}
	if files == 0 {
		return errEmptyZip
	}
	return nil
}

// unpackFile gives one file to out and returns what is left of budget.
func unpackFile(f *zip.File, name string, budget int64, out sink) (int64, error) {
	rc, err := f.Open()
	if err != nil {
		return 0, errNotZip.Because(err)
	}
	defer rc.Close()
	counted := &counter{r: io.LimitReader(rc, budget+1)}
	if err := out.file(name, f.Mode(), counted); err != nil {
		if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) || counted.failed {
			return 0, errNotZip.Because(err)
		}
		return 0, fmt.Errorf("unpack %q: %w", name, err)
	}
	if counted.n > budget {
		return 0, errTooLarge
	}
	return budget - counted.n, nil
}

// counter counts what is read through it and remembers whether the archive,
// rather than the disk, is to blame for a failure.
type counter struct {
	r      io.Reader
	n      int64
	failed bool
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.failed = true
	}
	return n, err
}

// unpackLink gives a symbolic link to out if it stays inside the package.
// Packages made on macOS and Linux have them in node_modules/.bin.
func unpackLink(f *zip.File, name string, out sink) error {
	rc, err := f.Open()
	if err != nil {
		return errNotZip.Because(err)
	}
	defer rc.Close()
	target, err := io.ReadAll(io.LimitReader(rc, 4097))
	if err != nil {
		return errNotZip.Because(err)
	}
	t := string(target)
	if len(t) == 0 || len(t) > 4096 || path.IsAbs(t) || strings.ContainsAny(t, "\\\x00") || climbs(t) || !fs.ValidPath(path.Join(path.Dir(name), t)) {
		return badEntry(f.Name, "is a link that leaves the package")
	}
	return out.link(name, t)
}

// climbs reports whether a link's target goes up after it has gone down: what
// it went down into may be a link itself, and then the text of the target does
// not tell where it ends. The folder of a link is a real one, see names.add.
func climbs(target string) bool {
	down := false
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if down {
				return true
			}
		default:
			down = true
		}
	}
	return false
}

func badEntry(name, why string) error {
	return apierr.Newf(apierr.InvalidParameterValue, "The deployment package cannot be used: the entry %.100q %s.", name, why)
}

// names are the paths that an archive has used, folded as the least
// distinguishing file systems fold them, and whether each is a folder.
type names map[string]bool

var fold = cases.Fold()

// add checks the name of an entry and returns it in the form of io/fs.
func (n names) add(f *zip.File) (string, error) {
	name := strings.TrimSuffix(f.Name, "/")
	isDir := f.Mode().IsDir()
	switch {
	case strings.ContainsAny(f.Name, "\\\x00"), len(name) > 1024:
		return "", badEntry(f.Name, "has a name that is not allowed")
	case len(name) >= 2 && name[1] == ':':
		return "", badEntry(f.Name, "names a drive")
	case !fs.ValidPath(name) || name == ".":
		return "", badEntry(f.Name, "has a path that is not relative and clean")
	case strings.HasSuffix(f.Name, "/") != isDir:
		return "", badEntry(f.Name, "is a folder by name and something else by type")
	}
	key := fold.String(norm.NFC.String(name))
	if wasDir, ok := n[key]; ok && !(wasDir && isDir) {
		return "", badEntry(f.Name, "appears twice, or differs from another only by case")
	}
	n[key] = isDir
	for parent := path.Dir(key); parent != "."; parent = path.Dir(parent) {
		if wasDir, ok := n[parent]; ok && !wasDir {
			return "", badEntry(f.Name, "lies inside something that is not a folder")
		}
		n[parent] = true
	}
	return name, nil
}

// checkPackage reads an archive to its end and keeps nothing.
func checkPackage(archive []byte) error { return unpack(archive, discard{}) }

type discard struct{}

func (discard) dir(string) error          { return nil }
func (discard) link(string, string) error { return nil }
func (discard) file(_ string, _ fs.FileMode, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// extract unpacks an archive into an empty folder. Everything is written
// through os.Root, so that no entry can leave it, and is read-only afterwards.
func extract(archive []byte, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := unpack(archive, folderSink{root}); err != nil {
		return err
	}
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return root.Chmod(name, 0o555)
	})
}

type folderSink struct{ root *os.Root }

func (s folderSink) dir(name string) error { return s.root.MkdirAll(name, 0o755) }

func (s folderSink) link(name, target string) error {
	if err := s.dir(path.Dir(name)); err != nil {
		return err
	}
	return s.root.Symlink(target, name)
}

func (s folderSink) file(name string, mode fs.FileMode, r io.Reader) error {
	if err := s.dir(path.Dir(name)); err != nil {
		return err
	}
	perm := fs.FileMode(0o444)
	if mode&0o111 != 0 || path.Base(name) == "bootstrap" {
		// A custom runtime's entry point is often zipped without its mode.
		perm = 0o555
	}
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		_ = f.Close() // the copy's error is the one that matters
		return err
	}
	if err := f.Chmod(perm); err != nil {
		_ = f.Close() // as above
		return err
	}
	return f.Close()
}
