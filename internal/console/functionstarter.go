package console

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// starters are the files that a function made from scratch begins with.
//
//go:embed starters
var starters embed.FS

// runtimes are those that CreateFunction accepts, as the form lists them.
var runtimes = []choice{
	{"nodejs22.x", "Node.js 22.x"}, {"nodejs24.x", "Node.js 24.x"}, {"nodejs20.x", "Node.js 20.x"}, {"nodejs18.x", "Node.js 18.x"},
	{"python3.13", "Python 3.13"}, {"python3.12", "Python 3.12"}, {"python3.11", "Python 3.11"},
	{"provided.al2023", "Your own (Amazon Linux 2023)"}, {"provided.al2", "Your own (Amazon Linux 2)"},
}

// starterKinds are what a new function can begin as.
var starterKinds = []choice{
	{"pretoken-v1", "Pre token generation, V1_0: claims of the ID token"},
	{"pretoken-v2", "Pre token generation, V2_0 and V3_0: both tokens and scopes"},
	{"blank", "Blank: hands the event back"},
}

// choice is one option of a list.
type choice struct{ Value, Label string }

// starter is the code of a new function.
type starter struct {
	Handler string
	Zip     []byte
}

// newStarter makes the code that a function of that runtime begins with.
func newStarter(runtime, kind string) (starter, error) {
	ending, file, handler := ".mjs", "index.mjs", "index.handler"
	switch {
	case strings.HasPrefix(runtime, "python"):
		ending, file, handler = ".py", "lambda_function.py", "lambda_function.lambda_handler"
	case strings.HasPrefix(runtime, "provided"):
		ending, file, handler = ".sh", "bootstrap", "bootstrap"
	}
	code, err := fs.ReadFile(starters, "starters/"+kind+ending)
	if err != nil {
		return starter{}, fmt.Errorf("no template %q for %q: %w", kind, runtime, err)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	head := &zip.FileHeader{Name: file, Method: zip.Deflate}
	head.SetMode(0o644)
	if file == "bootstrap" {
		head.SetMode(0o755)
	}
	f, err := w.CreateHeader(head)
	if err == nil {
		_, err = f.Write(code)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return starter{}, fmt.Errorf("zip the template: %w", err)
	}
	return starter{Handler: handler, Zip: buf.Bytes()}, nil
}
