package userpool

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Page asks for a part of a list: Token is what the previous page returned as
// next, or empty; Limit 0 is 60.
type Page struct {
	Token string
	Limit int
}

const (
	pageLife = time.Hour // how long a page token can be used
	maxPage  = 60        // the largest page, and the default
)

// A page token is the store's cursor with the time it was made, sealed and
// bound to the list that it is a place in. Cursors can contain what people
// searched for, so they do not leave the server in the clear.

func pageBinding(list, poolID, query string) []byte {
	return []byte(strings.Join([]string{list, poolID, query}, "\x00"))
}

// storePage opens a page token.
func (s *Service) storePage(p Page, list, poolID, query string) (store.Page, error) {
	limit := p.Limit
	if limit < 0 || limit > maxPage {
		return store.Page{}, apierr.Newf(apierr.InvalidParameter, "The page size must be between 0 and %d.", maxPage)
	}
	if limit == 0 {
		limit = maxPage
	}
	if p.Token == "" {
		return store.Page{Limit: limit}, nil
	}
	bad := apierr.New(apierr.InvalidParameter, "Invalid pagination token.")
	sealed, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil {
		return store.Page{}, bad.Because(err)
	}
	plain, err := s.KEK.Box("page token").Open(sealed, pageBinding(list, poolID, query))
	if err != nil || len(plain) <= 8 {
		return store.Page{}, bad.Because(err)
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(plain)))
	if age := s.now().Sub(made); age > pageLife {
		return store.Page{}, apierr.New(apierr.InvalidParameter, "The pagination token has expired.")
	}
	return store.Page{After: string(plain[8:]), Limit: limit}, nil
}

// nextToken returns the token for what follows the cursor, or "" at the end.
func (s *Service) nextToken(after, list, poolID, query string) string {
	if after == "" {
		return ""
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(after)), uint64(s.now().UnixMilli()))
	plain = append(plain, after...)
	return base64.RawURLEncoding.EncodeToString(s.KEK.Box("page token").Seal(plain, pageBinding(list, poolID, query)))
}
