package rockpool

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rockpoolhq/rockpool/internal/console"
	"github.com/rockpoolhq/rockpool/internal/store/sqlstore"
)

func TestConsoleSessions(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sessions, ctx := consoleSessions{db}, t.Context()
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := console.Session{AccessKeyID: "AKIA", Started: now, LastSeen: now}
	if err := sessions.Create(ctx, "hash", s); err != nil {
		t.Fatal(err)
	}
	s.LastSeen = now.Add(time.Minute)
	if err := sessions.Seen(ctx, "hash", s); err != nil {
		t.Fatal(err)
	}
	if got, err := sessions.Session(ctx, "hash"); err != nil || got != s {
		t.Errorf("got %+v %v, want %+v", got, err, s)
	}
	// The sweep takes it when it has ended, and not before.
	if n, err := db.Sweep(ctx, now.Add(time.Hour), 10); n != 0 || err != nil {
		t.Errorf("swept %d %v", n, err)
	}
	if n, err := db.Sweep(ctx, now.Add(62*time.Minute), 10); n != 1 || err != nil {
		t.Errorf("swept %d %v", n, err)
	}
	if err := sessions.Seen(ctx, "hash", s); !errors.Is(err, console.ErrNoSession) {
		t.Errorf("Seen of a session that is gone: %v", err)
	}
	if err := sessions.Delete(ctx, "hash"); err != nil {
		t.Errorf("Delete of a session that is gone: %v", err)
	}
}

func TestSec_WEB_2_OtherSitesCannotDriveTheConsoleOfDevelopment(t *testing.T) {
	s, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	for name, test := range map[string]struct {
		method, host string
		header       http.Header
		want         int
	}{
		"a program":                   {"GET", "localhost:7665", nil, 200},
		"typed into the address bar":  {"GET", "localhost:7665", http.Header{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}, 200},
		"a link of another site":      {"GET", "localhost:7665", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}, 200},
		"a frame of another site":     {"GET", "localhost:7665", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}}, 403},
		"a script of another site":    {"GET", "localhost:7665", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"script"}}, 403},
		"another server of localhost": {"GET", "localhost:7665", http.Header{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"cors"}, "Origin": {"http://localhost:3000"}}, 403},
		"a name that was rebound":     {"GET", "evil.example", nil, 403},
		"a form of another site":      {"POST", "localhost:7665", http.Header{"Origin": {"https://evil.example"}}, 403},
		"a form without an origin":    {"POST", "localhost:7665", http.Header{"Origin": {"null"}, "Content-Type": {"application/x-www-form-urlencoded"}}, 403},
	} {
		path := "/console/"
		if test.method == "POST" {
			path = "/console/theme"
		}
		r := httptest.NewRequest(test.method, "http://localhost:7665"+path, nil)
		r.Host = test.host
		for k, v := range test.header {
			r.Header[k] = v
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
	}
}
