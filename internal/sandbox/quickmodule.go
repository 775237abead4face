package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"modernc.org/quickjs"
)

// Module resolution of the QuickJS host: Node's rules as far as bundled
// functions and plain packages need them.

const maxModule = 32 << 20

// locateHandler splits "dir/file.export" and finds the file. missing is the
// name of the error when there is none; shown is then its message.
func locateHandler(root, handler string) (file, name, shown, missing string) {
	base := path.Base(handler)
	stem, name, ok := strings.Cut(base, ".")
	switch {
	case strings.Contains(handler, ".."):
		return "", "", fmt.Sprintf("'%s' is not a valid handler name. Use absolute paths when possible.", handler), "Runtime.MalformedHandlerName"
	case !ok || stem == "" || name == "":
		return "", "", "Bad handler", "Runtime.MalformedHandlerName"
	}
	shown = path.Join(path.Dir(handler), stem)
	full := filepath.Join(root, filepath.FromSlash(shown))
	for _, ext := range []string{".js", ".mjs", ".cjs", ""} {
		if isRegular(full + ext) {
			return full + ext, name, shown, ""
		}
	}
	return "", "", fmt.Sprintf("Error: Cannot find module '%s'", shown), "Runtime.ImportModuleError"
}

func isRegular(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// isESModule decides by extension, then by the nearest package.json.
func isESModule(root, file string) bool {
	switch filepath.Ext(file) {
	case ".mjs":
		return true
	case ".js":
	default:
		return false
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if m, err := readManifest(filepath.Join(dir, "package.json")); err == nil {
			return m.Type == "module"
		}
		if dir == root || dir == filepath.Dir(dir) {
			return false
		}
	}
}

type manifest struct {
	Type    string         `json:"type"`
	Main    string         `json:"main"`
	Exports jsontext.Value `json:"exports"`
}

func readManifest(file string) (m manifest, err error) {
	text, err := readModule(file)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(text), &m, jsontext.AllowDuplicateNames(true))
}

func readModule(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if info.Size() > maxModule {
		return "", fmt.Errorf("%s is too large", file)
	}
	b, err := os.ReadFile(file)
	return string(b), err
}

// moduleNotFound says so in Node's words, by which functions know it.
type moduleNotFound string

func (m moduleNotFound) Error() string { return "Cannot find module '" + string(m) + "'" }

// resolveModule finds what name means in file base.
func resolveModule(root, base, name string, require bool) (string, error) {
	if name == base && filepath.IsAbs(name) {
		return name, nil
	}
	notFound := moduleNotFound(name)
	if strings.HasPrefix(name, "node:") {
		return "", fmt.Errorf("%w: this function runs without Node.js", notFound)
	}
	name = strings.TrimPrefix(name, "file://")
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") || name == "." || name == ".." || filepath.IsAbs(name) {
		target := name
		if !filepath.IsAbs(name) {
			target = filepath.Join(filepath.Dir(base), filepath.FromSlash(name))
		}
		if found := asFile(target, require); found != "" {
			return found, nil
		}
		return "", notFound
	}
	pkg, sub, _ := strings.Cut(name, "/")
	if strings.HasPrefix(pkg, "@") {
		var rest string
		rest, sub, _ = strings.Cut(sub, "/")
		pkg += "/" + rest
	}
	for dir := filepath.Dir(base); ; dir = filepath.Dir(dir) {
		at := filepath.Join(dir, "node_modules", filepath.FromSlash(pkg))
		if isDir(at) {
			if found := inPackage(at, sub, require); found != "" {
				return found, nil
			}
			return "", notFound
		}
		if dir == root || dir == filepath.Dir(dir) {
			return "", notFound
		}
	}
}

// asFile tries a path as it is, with the usual extensions, and as a directory.
func asFile(target string, require bool) string {
	if isRegular(target) {
		return target
	}
	for _, ext := range []string{".js", ".cjs", ".mjs", ".json"} {
		if isRegular(target + ext) {
			return target + ext
		}
	}
	if isDir(target) {
		return inPackage(target, "", require)
	}
	return ""
}

// inPackage finds sub in a package directory; empty is its main module.
func inPackage(dir, sub string, require bool) string {
	m, err := readManifest(filepath.Join(dir, "package.json"))
	if err == nil && len(m.Exports) > 0 {
		key := "."
		if sub != "" {
			key = "./" + sub
		}
		if target := exported(m.Exports, key, require); target != "" {
			if file := filepath.Join(dir, filepath.FromSlash(target)); isRegular(file) {
				return file
			}
		}
	}
	if sub != "" {
		return asFile(filepath.Join(dir, filepath.FromSlash(sub)), require)
	}
	if err == nil && m.Main != "" {
		main := filepath.Join(dir, filepath.FromSlash(m.Main))
		for _, file := range []string{main, main + ".js", filepath.Join(main, "index.js")} {
			if isRegular(file) {
				return file
			}
		}
	}
	for _, index := range []string{"index.js", "index.mjs", "index.cjs", "index.json"} {
		if file := filepath.Join(dir, index); isRegular(file) {
			return file
		}
	}
	return ""
}

// exported reads the "exports" of a package: a string, conditions, or a map of
// subpaths; no patterns.
func exported(v jsontext.Value, key string, require bool) string {
	switch v.Kind() {
	case '"':
		var s string
		if key == "." && json.Unmarshal(v, &s) == nil {
			return s
		}
	case '{':
		var m map[string]jsontext.Value
		if json.Unmarshal(v, &m) != nil {
			return ""
		}
		if sub, ok := m[key]; ok {
			return exported(sub, ".", require)
		}
		if key != "." {
			return ""
		}
		kind := "import"
		if require {
			kind = "require"
		}
		for _, condition := range []string{kind, "node", "default"} {
			if sub, ok := m[condition]; ok {
				if s := exported(sub, ".", require); s != "" {
					return s
				}
			}
		}
	}
	return ""
}

// builtinScheme marks modules that the prelude provides.
const builtinScheme = "builtin:"

var quickBuiltins = map[string]bool{"process": true, "buffer": true, "console": true, "util": true, "timers": true}

func (q *quickHost) normalise(_ *quickjs.VM, base, name string) (string, error) {
	if plain := strings.TrimPrefix(name, "node:"); quickBuiltins[plain] {
		return builtinScheme + plain, nil
	}
	return resolveModule(q.root, base, name, false)
}

// loadModule returns the source of an ES module; for a CommonJS one, a module
// that exports what it exports.
func (q *quickHost) loadModule(vm *quickjs.VM, file string) (string, error) {
	if name, ok := strings.CutPrefix(file, builtinScheme); ok {
		return q.facade(vm, "builtin", "builtinNames", name)
	}
	if filepath.Ext(file) != ".json" && isESModule(q.root, file) {
		return readModule(file)
	}
	return q.facade(vm, "require", "names", file)
}

func (q *quickHost) facade(vm *quickjs.VM, get, names, what string) (string, error) {
	list, err := vm.Call("__rockpool."+names, what)
	if err != nil {
		return "", err
	}
	text, ok := list.(string)
	if !ok {
		return "", errors.New("no names")
	}
	var keys []string
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "const m = __rockpool.%s(%q);\nexport default m;\n", get, what)
	for i, k := range keys {
		fmt.Fprintf(&b, "const e%d = m[%q]; export { e%d as %s };\n", i, k, i, k)
	}
	return b.String(), nil
}

func environJSON() (string, error) {
	env := make(map[string]string)
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok && k != "" {
			env[k] = v
		}
	}
	b, err := json.Marshal(env, jsontext.AllowInvalidUTF8(true))
	return string(b), err
}
