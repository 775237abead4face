package e2e

import "testing"

// What a reader's first view weighs, all of it.
const maxFirstView = 60 << 10

func TestConsoleHome(t *testing.T) {
	s := startServer(t)
	b := newBrowser(t, s)
	b.received()
	b.open("/console/")
	b.waitText("main", s.URL)
	if n := b.received(); n == 0 || n > maxFirstView {
		t.Errorf("the first view is %d bytes, want up to %d", n, maxFirstView)
	}
	b.looks("home")
}
