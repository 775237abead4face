package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// localCode is a place in a template that names code on this machine.
type localCode struct {
	value *yaml.Node
	path  string // as the template says it
	sam   bool   // wants an s3:// address
}

// findLocalCode finds the Code of functions and the CodeUri of SAM functions
// that are paths. What is no template is the server's to refuse.
func findLocalCode(text []byte) (list []localCode) {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	add := func(v *yaml.Node, sam bool) {
		if v != nil && v.Kind == yaml.ScalarNode && v.Tag == "!!str" && v.Value != "" && !strings.Contains(v.Value, "://") {
			list = append(list, localCode{v, v.Value, sam})
		}
	}
	add(member(root, "Globals", "Function", "CodeUri"), true)
	resources := member(root, "Resources")
	if resources == nil || resources.Kind != yaml.MappingNode {
		return list
	}
	for i := 1; i < len(resources.Content); i += 2 {
		r := resources.Content[i]
		switch t := member(r, "Type"); {
		case t == nil:
		case t.Value == "AWS::Lambda::Function":
			add(member(r, "Properties", "Code"), false)
		case t.Value == "AWS::Serverless::Function":
			add(member(r, "Properties", "CodeUri"), true)
		}
	}
	return list
}

// member is what a path of names leads to, or nil.
func member(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		var found *yaml.Node
		if n != nil && n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == name {
					found = n.Content[i+1]
				}
			}
		}
		n = found
	}
	return n
}

// uploadCode puts the code that a template names into a bucket of the server,
// and returns the template with that place instead. Nothing else of it changes.
func uploadCode(ctx context.Context, cmd *cobra.Command, c *client, file string, text []byte) ([]byte, error) {
	list := findLocalCode(text)
	if len(list) == 0 {
		return text, nil
	}
	bucket, err := c.deployBucket(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string]string{} // by path
	for _, l := range list {
		if keys[l.path] != "" {
			continue
		}
		path := l.path
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(file), path)
		}
		archive, err := codeArchive(path)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%w (line %d of %s names %s)", err, l.value.Line, file, l.path)
		}
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(archive)
		key := hex.EncodeToString(sum[:]) + ".zip"
		sent, err := c.putOnce(ctx, bucket, key, archive)
		if err != nil {
			return nil, err
		}
		if sent {
			fmt.Fprintf(cmd.ErrOrStderr(), "uploaded %s (%s) to s3://%s/%s\n", path, bytesText(len(archive)), bucket, key)
		}
		keys[l.path] = key
	}
	// From the end, so that places before stay where they are.
	slices.SortFunc(list, func(a, b localCode) int {
		return cmp.Or(b.value.Line-a.value.Line, b.value.Column-a.value.Column)
	})
	for _, l := range list {
		var with []byte
		if l.sam {
			with, err = json.Marshal("s3://" + bucket + "/" + keys[l.path])
		} else {
			with, err = json.Marshal(map[string]string{"S3Bucket": bucket, "S3Key": keys[l.path]})
		}
		if err != nil {
			return nil, err
		}
		// JSON is YAML, so one text does for both.
		if text, err = replaceScalar(text, l.value, with); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return text, nil
}

// replaceScalar replaces a text of one line in YAML or JSON.
func replaceScalar(text []byte, n *yaml.Node, with []byte) ([]byte, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	unsure := fmt.Errorf("line %d: write the path %s on one line and without escapes", n.Line, n.Value)
	if n.Line < 1 || n.Line > len(lines) {
		return nil, unsure
	}
	line := string(lines[n.Line-1])
	runes := []rune(line)
	if n.Column < 1 || n.Column > len(runes) {
		return nil, unsure
	}
	at := len(string(runes[:n.Column-1]))
	said := n.Value
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		said = `"` + said + `"`
	case n.Style&yaml.SingleQuotedStyle != 0:
		said = "'" + said + "'"
	}
	after, ok := strings.CutPrefix(line[at:], said)
	if !ok || n.Anchor != "" {
		return nil, unsure
	}
	lines[n.Line-1] = []byte(line[:at] + string(with) + after)
	return bytes.Join(lines, nil), nil
}

// codeArchive packs a folder or file; what is packed already stays as it is.
func codeArchive(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		src, err := readSource(path)
		return src.archive, err
	}
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".zip" || ext == ".jar" {
		if info.Size() > maxArchive {
			return nil, tooLarge(path, int(info.Size()))
		}
		return os.ReadFile(path)
	}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	if err := errors.Join(pack(w, path, filepath.Base(path), 0o755), w.Close()); err != nil {
		return nil, err
	}
	if packed.Len() > maxArchive {
		return nil, tooLarge(path, packed.Len())
	}
	return packed.Bytes(), nil
}

// deployBucket is the name of the bucket for code.
func (c *client) deployBucket(ctx context.Context) (string, error) {
	form := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
	resp, err := c.send(ctx, "sts", http.MethodPost, "/", map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, []byte(form.Encode()))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var who struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	if err := xml.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&who); err != nil {
		return "", err
	}
	return "rockpool-deploy-" + who.Account + "-" + c.region, nil
}

// putOnce uploads an object whose key says what is in it, unless it is there,
// and makes the bucket if that is not.
func (c *client) putOnce(ctx context.Context, bucket, key string, body []byte) (sent bool, err error) {
	do := func(method, path string, body []byte) ([]byte, error) {
		resp, err := c.send(ctx, "s3", method, path, nil, body)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	}
	answer, err := do(http.MethodGet, "/"+bucket+"?list-type=2&prefix="+key, nil)
	switch {
	case err == nil && bytes.Contains(answer, []byte("<Key>"+key+"</Key>")):
		return false, nil
	case codeOf(err) == "NoSuchBucket":
		var where []byte
		if c.region != "us-east-1" { // which S3 takes for no place at all
			where = []byte(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + c.region + `</LocationConstraint></CreateBucketConfiguration>`)
		}
		if _, err := do(http.MethodPut, "/"+bucket, where); err != nil && codeOf(err) != "BucketAlreadyOwnedByYou" {
			return false, err
		}
	case err != nil:
		return false, err
	}
	_, err = do(http.MethodPut, "/"+bucket+"/"+key, body)
	return err == nil, err
}
