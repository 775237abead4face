package signin

import (
	"sync"
	"time"
)

// maxUsedBlocks bounds what usedBlocks remembers. A block beyond it is
// forgotten early.
const maxUsedBlocks = 1 << 16

// usedBlocks remembers, on this node, the SECRET_BLOCKs that have given a
// sign-in, until they would have expired. The zero value is ready.
type usedBlocks struct {
	mu    sync.Mutex
	ids   map[[16]byte]struct{}
	queue []usedBlock // in order of use
}

type usedBlock struct {
	id      [16]byte
	expires time.Time
}

// use reports whether the block had not been used, and marks it.
func (u *usedBlocks) use(id [16]byte, now, expires time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil {
		u.ids = make(map[[16]byte]struct{})
	}
	gone := 0
	for gone < len(u.queue) && (!now.Before(u.queue[gone].expires) || len(u.queue)-gone >= maxUsedBlocks) {
		delete(u.ids, u.queue[gone].id)
		gone++
	}
	u.queue = u.queue[gone:]
	if _, seen := u.ids[id]; seen {
		return false
	}
	u.ids[id] = struct{}{}
	u.queue = append(u.queue, usedBlock{id, expires})
	return true
}
