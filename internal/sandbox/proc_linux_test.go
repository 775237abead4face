package sandbox

// In the package: the readers of /proc are not exported.

import (
	"os"
	"testing"
)

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 3 1000 50 18446744073709551615"))
	f.Add([]byte("1 (x"))
	f.Add([]byte(") ("))
	if s, ok := parseStat(own); !ok || s.pid != os.Getpid() || s.ppid != os.Getppid() || s.rss < 1<<20 {
		f.Fatalf("own line %q: %+v", own, s)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if s, ok := parseStat(in); !ok && s != (procStat{}) {
			t.Fatalf("refused with %+v", s)
		}
	})
}

func TestOffspring(t *testing.T) {
	list := []procStat{{pid: 1}, {pid: 2, ppid: 1}, {pid: 3, ppid: 2}, {pid: 4, ppid: 1}, {pid: 9, ppid: 8}}
	got := offspring(family(list), 1)
	if len(got) != 3 {
		t.Errorf("offspring %v, want 2, 3, 4", got)
	}
	if got := offspring(family(list), 3); len(got) != 0 {
		t.Errorf("offspring %v, want none", got)
	}
}
