package function

import (
	"sync"
	"time"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

// Record is what is remembered of one invocation: how it went, nothing of what
// it was told or said.
type Record struct {
	Time          time.Time
	Region, Name  string
	Version       string
	RequestID     string
	Source        string // ARN of the resource that caused it, or "" for a direct call
	Engine        string
	Cold          bool
	Duration      time.Duration
	InitDuration  time.Duration
	MaxMemoryMB   int
	FunctionError string
	HostError     string // why the host could not run it
}

func newRecord(started time.Time, f Function, in Invocation, requestID string, got sandbox.Result, err error) Record {
	r := Record{
		Time: started, Region: f.Region, Name: f.Name, Version: f.Version, RequestID: requestID,
		Engine: got.Engine, Cold: got.Cold, Duration: got.Duration, InitDuration: got.InitDuration,
		MaxMemoryMB: got.MaxMemoryMB, FunctionError: got.FunctionError,
	}
	if in.Caller != nil {
		r.Source = in.Caller.SourceARN
	}
	if err != nil {
		r.HostError = err.Error()
	}
	return r
}

const maxRecords = 1000

// recent is a ring of the newest records. The zero value is ready.
type recent struct {
	mu   sync.Mutex
	ring []Record
	next int
}

func (r *recent) add(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ring) < maxRecords {
		r.ring = append(r.ring, record)
		return
	}
	r.ring[r.next] = record
	r.next = (r.next + 1) % maxRecords
}

// Recent returns what is remembered of the newest invocations, newest first.
func (s *Service) Recent() []Record {
	r := &s.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Record, 0, len(r.ring))
	for i := range r.ring {
		list = append(list, r.ring[(r.next+len(r.ring)-1-i)%len(r.ring)])
	}
	return list
}

// Logbook keeps the newest log lines of every function, by name, whichever
// version or region wrote them. It is the sandbox's LogSink. The zero value is
// ready.
type Logbook struct {
	mu   sync.Mutex
	logs map[string]*sandbox.Logs
}

const maxLogs = 1000 // functions whose log is kept

// Log implements sandbox.LogSink; function is the name in sandbox.Config.
func (b *Logbook) Log(function string, line sandbox.Line) {
	b.Of(function).Add(line)
}

// Of returns the log of a function, empty if it has not written yet.
func (b *Logbook) Of(function string) *sandbox.Logs {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.logs[function]
	if l == nil {
		if b.logs == nil {
			b.logs = map[string]*sandbox.Logs{}
		}
		if len(b.logs) >= maxLogs {
			for name := range b.logs { // any of them makes room
				delete(b.logs, name)
				break
			}
		}
		l = &sandbox.Logs{}
		b.logs[function] = l
	}
	return l
}
