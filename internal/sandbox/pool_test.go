package sandbox

// In the package: the pool is tested with workers of paper, so that its timers
// can run on synctest's clock. Real processes are tested in sandbox_test.

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type paperWorker struct {
	id   int
	once sync.Once
	end  chan struct{}
}

func (w *paperWorker) usable() bool {
	select {
	case <-w.end:
		return false
	default:
		return true
	}
}
func (w *paperWorker) kill()                 { w.once.Do(func() { close(w.end) }) }
func (w *paperWorker) done() <-chan struct{} { return w.end }

type paperMill struct {
	mu   sync.Mutex
	made int
	took time.Duration
	fail error
}

func (m *paperMill) start(ctx context.Context) (*paperWorker, error) {
	select {
	case <-time.After(m.took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	m.made++
	return &paperWorker{id: m.made, end: make(chan struct{})}, nil
}

func TestPool(t *testing.T) {
	run := func(name string, max, waiting int, f func(t *testing.T, p *pool[*paperWorker], m *paperMill)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &paperMill{took: time.Second}
				p := newPool(max, waiting, time.Minute, m.start)
				f(t, p, m)
				p.stop(t.Context())
				if all, idle, waiting := p.stats(); all+idle+waiting != 0 {
					t.Errorf("after stop: %d environments, %d idle, %d waiting", all, idle, waiting)
				}
				if _, err := p.acquire(t.Context()); !errors.Is(err, ErrStopped) {
					t.Errorf("acquire after stop: %v", err)
				}
			})
		})
	}
	get := func(t *testing.T, p *pool[*paperWorker]) *slot[*paperWorker] {
		t.Helper()
		s, err := p.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	run("the one used last is used first", 4, 4, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		a, b := get(t, p), get(t, p)
		p.release(a)
		p.release(b)
		if got := get(t, p); got != b {
			t.Errorf("got environment %d, want %d", got.w.id, b.w.id)
		} else {
			p.release(got)
		}
	})
	run("an idle one stops, a used one stays", 4, 4, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		a, b := get(t, p), get(t, p)
		p.release(a)
		p.release(b)
		time.Sleep(40 * time.Second) // synctest's clock: no time passes
		p.release(get(t, p))
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if a.w.usable() || !b.w.usable() {
			t.Errorf("after a minute: idle one alive %v, used one alive %v", a.w.usable(), b.w.usable())
		}
		if all, _, _ := p.stats(); all != 1 {
			t.Errorf("%d environments, want 1", all)
		}
	})
	run("the cap holds and the queue is in order", 1, 8, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		first := get(t, p)
		order := make(chan int, 3)
		for i := range 3 {
			go func() {
				s, err := p.acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				order <- i
				p.release(s)
			}()
			synctest.Wait()
		}
		p.release(first)
		for want := range 3 {
			if got := <-order; got != want {
				t.Errorf("caller %d served, want %d", got, want)
			}
		}
		if m.made != 1 {
			t.Errorf("%d environments made, want 1", m.made)
		}
	})
	run("a full queue refuses", 1, 2, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		first := get(t, p)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { p.release(get(t, p)) })
		}
		synctest.Wait()
		if _, err := p.acquire(t.Context()); !errors.Is(err, ErrTooManyConcurrent) {
			t.Errorf("got %v, want ErrTooManyConcurrent", err)
		}
		p.release(first)
		wg.Wait()
	})
	run("a caller who gives up leaves the queue", 1, 1, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		first := get(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline", err)
		}
		p.release(first)
		p.release(get(t, p))
	})
	run("a dead one is replaced", 1, 4, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		a := get(t, p)
		a.w.kill()
		p.release(a)
		b := get(t, p)
		if b.w == a.w || m.made != 2 {
			t.Errorf("made %d, same again: %v", m.made, b.w == a.w)
		}
		b.w.kill()
		synctest.Wait()
		p.release(b)
		p.release(get(t, p))
	})
	run("one that dies idle is forgotten", 1, 4, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		a := get(t, p)
		p.release(a)
		a.w.kill()
		synctest.Wait()
		if all, idle, _ := p.stats(); all != 0 || idle != 0 {
			t.Errorf("%d environments, %d idle", all, idle)
		}
	})
	run("a failed start reaches one caller each", 2, 4, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		m.fail = ErrRuntime
		for range 3 {
			if _, err := p.acquire(t.Context()); !errors.Is(err, ErrRuntime) {
				t.Errorf("got %v", err)
			}
		}
	})
	run("warm starts as many as asked, up to the cap", 3, 4, func(t *testing.T, p *pool[*paperWorker], m *paperMill) {
		if err := p.warm(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if all, idle, _ := p.stats(); all != 3 || idle != 3 {
			t.Errorf("%d environments, %d idle, want 3", all, idle)
		}
	})
}

func TestPoolStopKillsTheBusyAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &paperMill{}
		p := newPool(1, 1, time.Minute, m.start)
		s, err := p.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		p.stop(ctx)
		if s.w.usable() || time.Since(begin) != time.Second {
			t.Errorf("alive %v after %v", s.w.usable(), time.Since(begin))
		}
	})
}
