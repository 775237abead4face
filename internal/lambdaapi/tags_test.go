package lambdaapi_test

import (
	"net/url"
	"testing"
)

func TestTags(t *testing.T) {
	l := newLambda(t)
	made := l.do("POST", functions, deployment(t, "export const handler = async () => 1;", map[string]any{"Tags": map[string]string{"team": "a", "stage": "test"}}), nil)
	if made.status != 201 {
		t.Fatalf("CreateFunction: %d %s", made.status, made.text)
	}
	functionARN, _ := made.body["FunctionArn"].(string)
	path := "/2017-03-31/tags/" + url.PathEscape(functionARN)
	for _, step := range []struct {
		name, method, path, body string
		status                   int
		tags                     map[string]any
	}{
		{"set", "POST", path, `{"Tags":{"team":"b","cost center":"1 2"}}`, 204, map[string]any{"team": "b", "stage": "test", "cost center": "1 2"}},
		{"take away", "DELETE", path + "?tagKeys=stage&tagKeys=cost%20center&tagKeys=never", "", 204, map[string]any{"team": "b"}},
		{"reserved", "POST", path, `{"Tags":{"aws:x":"b"}}`, 400, map[string]any{"team": "b"}},
		{"no keys", "DELETE", path, "", 400, map[string]any{"team": "b"}},
		{"a version has none", "POST", path + url.PathEscape(":1"), `{"Tags":{"a":"b"}}`, 400, map[string]any{"team": "b"}},
		{"no such function", "POST", path + "2", `{"Tags":{"a":"b"}}`, 404, map[string]any{"team": "b"}},
		{"no function", "POST", "/2017-03-31/tags/f", `{"Tags":{"a":"b"}}`, 400, map[string]any{"team": "b"}},
		{"the last", "DELETE", path + "?tagKeys=team", "", 204, map[string]any{}},
	} {
		if got := l.do(step.method, step.path, step.body, nil); got.status != step.status {
			t.Errorf("%s: %d %s, want %d", step.name, got.status, got.text, step.status)
		}
		got := l.do("GET", path, "", nil)
		tags, ok := got.body["Tags"].(map[string]any)
		if !ok || len(tags) != len(step.tags) {
			t.Fatalf("%s: ListTags: %d %s, want %v", step.name, got.status, got.text, step.tags)
		}
		for k, v := range step.tags {
			if tags[k] != v {
				t.Errorf("%s: tag %s is %v, want %v", step.name, k, tags[k], v)
			}
		}
	}
	after := l.do("GET", functions+"/f", "", nil)
	if c, _ := after.body["Configuration"].(map[string]any); c["RevisionId"] != made.body["RevisionId"] {
		t.Errorf("the revision changed with the tags: %v, was %v", c["RevisionId"], made.body["RevisionId"])
	}
}
