//lint:file-ignore ST1005 The texts are CloudFormation's.

package cfn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/rockpoolhq/rockpool/internal/web"
)

// parallel is how many resources of a stack are worked on at once.
const parallel = 8

// failures are the resources that failed, as the reason of a stack names them.
type failures struct {
	log   *slog.Logger
	mu    sync.Mutex
	ids   []string
	first error
	verb  string
}

func (f *failures) add(id string, err error, verb string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = append(f.ids, id)
	if f.first == nil || errors.Is(err, errLost) {
		f.first, f.verb = err, verb
	}
}

// panicked is add for a resource whose work has a bug in it, which is no
// business of who reads the stack's events.
func (f *failures) panicked(id string, err error) {
	f.log.Error("a resource of a stack", "resource", id, "error", err)
	f.add(id, errInternal, "be worked on")
}

var errInternal = errors.New("Internal Failure")

func (f *failures) err(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil || interrupted(ctx, f.first) {
		return f.first
	}
	slices.Sort(f.ids)
	return fmt.Errorf("The following resource(s) failed to %s: [%s].", f.verb, strings.Join(f.ids, ", "))
}

// inOrder calls work for each id once what it needs is done, several at a time.
// After a failure nothing new begins. It returns when all that began has ended.
// Those that idle count for none of the several.
func inOrder(ctx context.Context, ids []string, needs func(string) []string, work func(string) error, fail *failures, idles func(string) bool) {
	type state struct {
		waits int
		next  []string
	}
	states := map[string]*state{}
	for _, id := range ids {
		states[id] = &state{}
	}
	for _, id := range ids {
		for _, n := range needs(id) {
			if n != id && states[n] != nil {
				states[n].next = append(states[n].next, id)
				states[id].waits++
			}
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	stopped := false
	var start func(id string)
	start = func(id string) {
		wg.Go(func() {
			if !idles(id) {
				slots <- struct{}{}
				defer func() { <-slots }()
			}
			mu.Lock()
			go_ := !stopped && ctx.Err() == nil
			mu.Unlock()
			var err error
			if go_ {
				// Outside any request: nothing else would stop a panic.
				if panicked := web.Recover(func() { err = work(id) }); panicked != nil {
					err = panicked
					fail.panicked(id, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil || !go_ {
				stopped = true
				return
			}
			for _, n := range states[id].next {
				if states[n].waits--; states[n].waits == 0 {
					start(n)
				}
			}
		})
	}
	mu.Lock()
	for _, id := range ids {
		if states[id].waits == 0 {
			start(id)
		}
	}
	mu.Unlock()
	wg.Wait()
	if ctx.Err() != nil {
		fail.add("", ctx.Err(), "")
	}
}

// never is for inOrder of what does not idle.
func never(string) bool { return false }
