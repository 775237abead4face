package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestStackName(t *testing.T) {
	for path, want := range map[string]string{
		"shop.yaml":                 "shop",
		"infra/shop2.yml":           "shop2",
		"/srv/people/template.yaml": "people",
		"my_app.v2.json":            "my-app-v2",
		"9-lives-.yaml":             "lives",
		"1.yaml":                    "",
	} {
		if got := stackName(path); got != want {
			t.Errorf("stackName(%q) = %q, want %q", path, got, want)
		}
	}
}

// On a terminal each resource has one line, which is drawn again as it changes.
func TestProgressIsDrawnInPlace(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.terminal = true
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.note(stackEvent{Time: at, LogicalID: "Pool", Type: "AWS::Cognito::UserPool", Status: "CREATE_IN_PROGRESS"})
	p.note(stackEvent{Time: at, LogicalID: "Bad", Type: "AWS::Cognito::UserPoolClient", Status: "CREATE_IN_PROGRESS"})
	p.draw()
	b.Reset()
	p.note(stackEvent{Time: at.Add(2 * time.Second), LogicalID: "Pool", Type: "AWS::Cognito::UserPool", Status: "CREATE_COMPLETE"})
	p.note(stackEvent{Time: at.Add(time.Second), LogicalID: "Bad", Type: "AWS::Cognito::UserPoolClient", Status: "CREATE_FAILED", Reason: "first\n\x1b[2J" + strings.Repeat("x", 200)})
	p.note(stackEvent{Time: at.Add(time.Second), LogicalID: "Other", Type: "T", Status: "CREATE_FAILED", Reason: "Resource creation cancelled"})
	p.draw()
	got := b.String()
	if !strings.HasPrefix(got, "\x1b[2A\r\x1b[K") || strings.Count(got, "\n") != 3 {
		t.Errorf("not two lines up and three drawn: %q", got)
	}
	for line := range strings.Lines(got) {
		if len(line) > 120 {
			t.Errorf("a line would wrap: %q", line)
		}
	}
	if !strings.Contains(got, "CREATE_COMPLETE") || !strings.Contains(got, "Pool  2.0s") {
		t.Errorf("the pool's line: %q", got)
	}
	if strings.Contains(got, "\x1b[2J") {
		t.Errorf("a reason steers the terminal: %q", got)
	}
	if want := "Bad (AWS::Cognito::UserPoolClient): first"; !strings.HasPrefix(p.failure, want) {
		t.Errorf("failure = %q, want %q…", p.failure, want)
	}
}
