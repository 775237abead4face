package cfn

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Stack is a stack as it is stored.
type Stack struct {
	ID, Name, Region string
	Description      string
	Status, Reason   string
	Template         string            // as it was sent
	Parameters       map[string]string // all of them
	Hidden           []string          // parameters that are NoEcho
	Resolved         map[string]string // parameters of SSM types: what was stored there
	Tags             []Tag
	Capabilities     []string
	DisableRollback  bool
	OnFailure        string
	Protected        bool // TerminationProtection
	Created          time.Time
	Updated, Deleted time.Time
	Outputs          []OutputValue
	Imports          []string // names of exports that it uses
	Resources        map[string]*Resource
	ChangeSetID      string // the last one that was executed

	Actor     Actor
	Operation *Operation // nil: nothing is going on
	Lease     Lease
	Events    int64 // how many there have been

	version int64 // of the document
}

// Resource is a resource of a stack.
type Resource struct {
	ID, Type, PhysicalID, Ref string
	Attributes                map[string]string
	Properties                map[string]any
	Status, Reason            string
	Updated                   time.Time
	Generation                int
	Retain, RetainOnReplace   bool
	RetainOnRollback          bool // Retain, and not RetainExceptOnCreate
	Imported                  bool // it was there before the stack
	DependsOn                 []string
}

// Tag is a tag of a stack.
type Tag struct{ Key, Value string }

// OutputValue is an output of a stack.
type OutputValue struct{ Key, Value, Description, Export string }

// Operation is what is being done to a stack.
type Operation struct {
	Kind  string // create, update, delete
	Phase string // forward, rollback, cleanup, delete
	Token string
	// What the stack is to become.
	Template                    string
	Parameters, Resolved        map[string]string
	Hidden                      []string
	Tags                        []Tag
	Capabilities                []string
	Imports                     []string             // exports that what is to become uses
	Before                      map[string]*Resource // resources before an update
	Done                        map[string]bool      // resources that forward has dealt with
	Touched                     map[string]bool      // resources whose update in place has begun
	Began                       map[string]time.Time // creations whose end has not been seen
	Replaced                    []*Resource          // old ones, to delete after success
	Retain                      []string             // logical ids that a deletion leaves
	Skip                        []string             // logical ids that a rollback leaves as they are
	Failed                      string               // why forward failed
	RollbackDisabled, DeleteAll bool
	ImportExisting              bool
}

// Lease says which process carries the operation out, by the machine's clock.
type Lease struct {
	Node  string
	Until time.Time
}

const (
	keepGone = 90 * 24 * time.Hour // as long as deleted stacks can be described

	kindStack     = "stack"           // scope region, name uuid
	kindName      = "stack name"      // scope region, name the name; data the id
	kindRunning   = "stack operation" // name the id
	kindEvent     = "stack event"     // scope the id, newest first
	kindChangeSet = "change set"      // scope the id
	kindExport    = "stack export"    // scope region, name of the export
	kindToken     = "stack token"     // scope the id, name the token; data what it was sent for
	kindCancel    = "stack cancel"    // name the id
)

// terminal reports whether nothing is going on in a status.
func terminal(status string) bool { return !strings.HasSuffix(status, "_IN_PROGRESS") }

func uuidOf(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func place(d store.Document) secret.Place {
	return secret.Place{Table: "documents", Pool: d.Kind, Row: d.Scope + "\x00" + d.Name, Column: "content"}
}

// seal encodes v as the data of d.
func (s *Service) seal(d store.Document, v any) (store.Document, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return d, fmt.Errorf("encode %s: %w", d.Kind, err)
	}
	d.Data, d.UpdatedAt = s.KEK.Seal(place(d), b), s.now()
	return d, nil
}

func (s *Service) open(d store.Document, v any) error {
	b, err := s.KEK.Open(place(d), d.Data)
	if err != nil {
		return fmt.Errorf("%s %s: %w", d.Kind, d.Name, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s %s: %w", d.Kind, d.Name, err)
	}
	return nil
}

// each calls fn with every document of a kind in a scope, by name, until fn
// returns an error. fn may delete the document.
func each(tx store.Tx, kind, scope string, fn func(store.Document) error) error {
	for page := (store.Page{Limit: store.MaxPage}); ; {
		docs, next, err := tx.ListDocuments(kind, scope, page)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if err := fn(d); err != nil {
				return err
			}
		}
		if page.After = next; next == "" {
			return nil
		}
	}
}

// forget deletes a document that may be gone already.
func forget(tx store.Tx, kind, scope, name string) error {
	if err := tx.DeleteDocument(kind, scope, name); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

func stackDocument(st *Stack) store.Document {
	return store.Document{Kind: kindStack, Scope: st.Region, Name: uuidOf(st.ID), Version: st.version}
}

// load reads a stack by its id.
func (s *Service) load(tx store.Tx, id string) (*Stack, error) {
	d, err := tx.Document(kindStack, regionOf(id), uuidOf(id))
	if err != nil {
		return nil, err
	}
	st := &Stack{}
	if err := s.open(d, st); err != nil {
		return nil, err
	}
	st.version = d.Version
	if st.ID != id {
		return nil, store.ErrNotFound
	}
	return st, nil
}

// find reads a stack by name or id: by name only one that is not deleted. It is
// store.ErrNotFound if there is none.
func (s *Service) find(tx store.Tx, region, nameOrID string) (*Stack, error) {
	if strings.HasPrefix(nameOrID, "arn:") {
		if regionOf(nameOrID) != region {
			return nil, store.ErrNotFound
		}
		return s.load(tx, nameOrID)
	}
	d, err := tx.Document(kindName, region, nameOrID)
	if err != nil {
		return nil, err
	}
	return s.load(tx, string(d.Data))
}

// mustFind is find with the API's error.
func (s *Service) mustFind(tx store.Tx, region, nameOrID string) (*Stack, error) {
	st, err := s.find(tx, region, nameOrID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalid("Stack with id %s does not exist", nameOrID)
	}
	return st, err
}

// save writes a stack back, in the transaction of whoever read it.
func (s *Service) save(tx store.Tx, st *Stack) error {
	d := stackDocument(st)
	if st.Status == "DELETE_COMPLETE" {
		d.ExpiresAt = s.now().Add(keepGone)
	}
	d, err := s.seal(d, st)
	if err != nil {
		return err
	}
	if st.version == 0 {
		if err := tx.CreateDocument(d); err != nil {
			return err
		}
	} else if err := tx.UpdateDocument(d); err != nil {
		return err
	}
	st.version++
	return nil
}
