package secret

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxKEKFile bounds what is read of a key file: hundreds of keys.
const maxKEKFile = 64 << 10

// ErrKEK is in the chain of every error about a key that cannot be used. The
// messages never contain key material.
var ErrKEK = errors.New("key-encryption key")

// KEKFromText returns the KEK written in text: one key a line, each 32 bytes
// as base64 (standard or URL alphabet, padded or not) or as 64 hexadecimal
// digits. The first key seals, all of them open. Empty lines and lines that
// begin with # are skipped.
func KEKFromText(text string) (*KEK, error) {
	var keys []*KEK
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrKEK, n, err)
		}
		k := NewKEK(key)
		for _, other := range keys {
			if other.id == k.id {
				return nil, fmt.Errorf("%w: line %d: the same key twice", ErrKEK, n)
			}
		}
		keys = append(keys, k)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key in the text", ErrKEK)
	}
	if len(keys) == 1 {
		return keys[0], nil
	}
	return keys[0].WithRetired(keys[1:]...), nil
}

func parseKey(s string) (key [32]byte, err error) {
	if len(s) == hex.EncodedLen(len(key)) {
		if b, err := hex.DecodeString(s); err == nil {
			return checkKey([32]byte(b))
		}
	}
	unpadded := strings.TrimRight(s, "=")
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(unpadded, "-_") {
		alphabet = base64.RawURLEncoding
	}
	b, err := alphabet.Strict().DecodeString(unpadded)
	if err != nil || len(b) != len(key) {
		// The decoder's own error would quote a piece of the key.
		return key, errors.New("want 32 bytes as base64, or 64 hexadecimal digits")
	}
	return checkKey([32]byte(b))
}

// checkKey refuses the keys that come of a variable left at its default.
func checkKey(key [32]byte) ([32]byte, error) {
	if bytes.Count(key[:], key[:1]) == len(key) {
		return [32]byte{}, errors.New("all bytes are the same: not a random key")
	}
	return key, nil
}

// LoadKEK reads the KEK from a file in the form of KEKFromText. It refuses a
// file that group or others may read or write, and anything but a regular
// file. On Windows, where mode bits say nothing, only the second check is made.
func LoadKEK(path string) (*KEK, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	defer f.Close()
	// The open file is asked, not the path, which could change in between.
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrKEK, path)
	}
	if perm := info.Mode().Perm(); runtime.GOOS != "windows" && perm&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o, so others may read it; run: chmod 600 %s", ErrKEK, path, perm, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKEKFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	if len(text) > maxKEKFile {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrKEK, path, maxKEKFile)
	}
	k, err := KEKFromText(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// OpenOrCreateKEK loads the KEK at path or, if there is no such file, makes a
// random one there with mode 0600. created says which. The file appears whole
// or not at all, and of several processes that race one key wins. Do not call
// it where a database already exists: a new key opens nothing in it.
func OpenOrCreateKEK(path string) (k *KEK, created bool, err error) {
	k, err = LoadKEK(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	created, err = createKEK(path)
	if err != nil {
		return nil, false, fmt.Errorf("%w: create: %w", ErrKEK, err)
	}
	k, err = LoadKEK(path)
	if err != nil {
		return nil, false, err
	}
	return k, created, nil
}

func createKEK(path string) (created bool, err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".kek-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link keeps the file; a leftover name is harmless
	text := "# Seals the secrets in the database. Without it they are lost: keep a copy, apart from the backups.\n" +
		base64.StdEncoding.EncodeToString(Bytes(32)) + "\n"
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return false, err
	}
	// Unlike a rename, a link never replaces the key of someone who was faster.
	if err := os.Link(f.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return false, nil
		}
		return false, err
	}
	return true, syncDir(dir)
}

// syncDir makes the new name durable before anything is sealed with the key.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
