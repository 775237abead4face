package pattern_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/pattern"
)

func TestSec_PARSE_3_PatternsAreBounded(t *testing.T) {
	for _, expr := range []string{strings.Repeat("a{1000}", 6), strings.Repeat("(.?){1000}", 200), strings.Repeat("a", pattern.MaxLength+1), "(a{100}){100}{100}", "a)(b", "(", `\`, "a{1001}"} {
		re, _, err := pattern.Compile(expr, true, 5000)
		if re != nil || err == nil {
			t.Errorf("%.30s is compiled", expr)
		}
	}
	if _, _, err := pattern.Compile("a{1000}", true, 100); !errors.Is(err, pattern.ErrSize) {
		t.Errorf("over the bound: %v", err)
	}
	re, size, err := pattern.Compile("a|b+", true, 100)
	if err != nil || size == 0 || !re.MatchString("bbb") || re.MatchString("ab") {
		t.Errorf("%v %d %v", re, size, err)
	}
	if re, _, err = pattern.Compile("a|b+", false, 100); err != nil || !re.MatchString("xbx") {
		t.Errorf("a part of a text: %v", err)
	}
}
